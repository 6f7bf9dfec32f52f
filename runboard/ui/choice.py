"""A field of few fixed words, all of them seen, of which one is chosen by the arrows, by space or by a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

GAP = 3


class Choice(Static, can_focus=True, inherit_bindings=False):
    """The words in a line, the chosen one standing out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "Next choice", show=False, id="choice.next"),
        Binding("left", "step(-1)", "Previous choice", show=False, id="choice.previous"),
    ]

    chosen: reactive[int] = reactive(0)

    class Changed(Message):
        """Another word is chosen."""

    def __init__(self, words: Sequence[str], *, id: str) -> None:  # noqa: A002 - Textual's name for it
        """Begin with the first word."""
        super().__init__(id=id)
        self._words = tuple(words)

    def render(self) -> Content:
        """The words."""
        parts = [
            Content.styled(word, "$accent bold" if at == self.chosen else "$quiet")
            for at, word in enumerate(self._words)
        ]
        return Content(" " * GAP).join(parts)

    def watch_chosen(self) -> None:
        """Tell that another word is chosen."""
        self.post_message(self.Changed())

    def action_step(self, by: int) -> None:
        """Choose the next word or the one before."""
        self.chosen = (self.chosen + by) % len(self._words)

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        at = event.get_content_offset(self)
        x = 0
        for number, word in enumerate(self._words):
            if at is not None and x <= at.x < x + len(word):
                self.chosen = number
            x += len(word) + GAP
