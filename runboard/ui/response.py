"""The answer of the chosen run: lines that others laid out, scrolled like a log but never moving by themselves."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.answers import LOOKS, Answer
from runboard.ui.scrolled import ScrolledPane, scrolling


class ResponsePane(ScrolledPane, inherit_bindings=False):
    """Shows an answer in the looks of the theme."""

    VIEW = "Response"
    BINDING_GROUP_TITLE = "Response"
    BINDINGS: ClassVar[list[BindingType]] = [
        *scrolling("response"),
        Binding("enter", "app.details", "Everything known of the run", show=False, id="response.details"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"response--{look}" for look in LOOKS}

    class Restyled(Message):
        """The theme has changed: the lines are wanted in its looks."""

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("response")
        self._lines: tuple[Strip, ...] = ()
        self._answer: Answer | None = None

    def show(self, run: Run, word: str, answer: Answer | None) -> None:
        """Show the answer of a run, None while it is being read; another run's is shown from its start."""
        anew = answer is None or self._answer is None or answer.run_id != self._answer.run_id
        self._run, self._word, self._answer = run, word, answer
        self._lines = tuple(Strip([Segment(" "), *line]) for line in answer.lines) if answer else ()
        self._relined(anew=anew)

    def looks(self) -> dict[str, Style]:
        """The looks of the present theme, by the names in `LOOKS`."""
        return {look: self.get_component_rich_style(f"response--{look}", partial=True) for look in LOOKS}

    def _forget(self) -> None:
        """Nothing is on show any more."""
        self._answer, self._lines = None, ()

    def _count(self) -> int:
        """The lines of the answer."""
        return len(self._lines)

    def _line(self, at: int) -> Strip:
        """One line of the answer."""
        return self._lines[at]

    def _empty_text(self) -> str:
        """Why there is no answer."""
        if self._run is None:
            return ""
        if self._answer is None:
            return "Reading the answer…"
        if self._answer.trouble:
            return clean(self._answer.trouble)
        return "No answer yet" if self._run.active else "No answer"

    def notify_style_update(self) -> None:
        """Ask for lines in the looks of the new theme."""
        super().notify_style_update()
        self.post_message(self.Restyled())
