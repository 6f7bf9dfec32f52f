"""The last guard before the terminal: whatever a widget painted, no control, link or action leaves with it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from runboard.ui.sendable import sendable


class WireGuard(LineFilter):
    """Replaces what may not be sent, cell for cell, so that a hole further up stays without consequence."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """The same line without controls, hyperlinks and actions; Textual's own marks on text stay."""
        if all(_harmless(segment) for segment in segments):
            return segments
        return [Segment(sendable(text), _plain(style)) for text, style, control in segments if not control]


def _harmless(segment: Segment) -> bool:
    """Whether a segment is plain text with nothing but looks."""
    text, style, control = segment
    if control or sendable(text) != text:
        return False
    return style is None or (style.link is None and not _actions(style))


def _actions(style: Style) -> set[str]:
    """The keys of a style's marks that Textual would run as actions when clicked (``@click`` and its like)."""
    return {key for key in style.meta if key.startswith("@")}


def _plain(style: Style | None) -> Style | None:
    """A style's looks, without hyperlink and actions."""
    if style is None or (style.link is None and not _actions(style)):
        return style
    meta = {key: value for key, value in style.meta.items() if not key.startswith("@")}
    looks = style.without_color + Style(color=style.color, bgcolor=style.bgcolor)
    looks = looks.update_link(None)
    return looks + Style(meta=meta) if meta else looks
