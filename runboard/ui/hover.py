"""What the mouse is told when it rests: one sentence about the part of a widget that it is over."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


def hover(widget: Widget, sentence: str) -> None:
    """Have the widget say this under the mouse, or nothing; the sentence is ours, or clean."""
    now = widget.tooltip.plain if isinstance(widget.tooltip, Content) else ""
    if sentence != now:
        widget.tooltip = Content(sentence) if sentence else None
