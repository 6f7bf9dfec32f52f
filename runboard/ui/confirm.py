"""A question before an act: it names the act and the runs, and whoever just presses Enter has said no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from runboard.columns import reason_text, status_word
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.arriving import Arriving
from runboard.ui.keys import key_of

NAMED = 6
"""So many runs are named in a question; of the rest their number is told."""


class Confirm(Arriving, ModalScreen[bool], inherit_bindings=False):
    """Asks yes or no about runs; they are those that were chosen when the question was asked."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "no", id="confirm.no"),
        Binding("tab,right,l,down", "app.focus_next", "next", show=False, id="confirm.next"),
        Binding("shift+tab,left,h,up", "app.focus_previous", "previous", show=False, id="confirm.previous"),
    ]

    def __init__(self, question: str, runs: Run | Sequence[Run], consequence: str, yes: str) -> None:
        """Ask ``question`` about one run or several; say what will happen, and call the act ``yes``."""
        super().__init__()
        self._question = question
        self._runs = (runs,) if isinstance(runs, Run) else tuple(runs)
        self._consequence = consequence
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, the runs, what will happen, and the two answers."""
        with Vertical(classes="dialog"):
            yield Static(Content(self._question), classes="dialog-title")
            yield Static(subject(self._runs))
            yield Static(Content(clean(self._consequence)), classes="dialog-text")
            with Horizontal(classes="dialog-buttons"):
                yield Button(Content(f"{key_of(self.app, 'confirm.no')}  No"), id="no", compact=True)
                yield Button(Content(f"{key_of(self.app, 'confirm.yes')}  Yes, {self._yes}"), id="yes", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        event.stop()
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)


def subject(runs: Sequence[Run]) -> Content:
    """The runs that something is about: one with its state, several by name, of many the first and how many more."""
    if len(runs) == 1:
        run = runs[0]
        state = "  ".join(part for part in (status_word(run), reason_text(run)) if part)
        return Content.assemble((clean(run.id), "$accent"), "  ", clean(run.title), "\n", (state, "$quiet"))
    lines = [Content.assemble((clean(run.id), "$accent"), "  ", clean(run.title)[:56]) for run in runs[:NAMED]]
    if len(runs) > NAMED:
        lines.append(Content.styled(f"and {len(runs) - NAMED} more", "$quiet"))
    return Content("\n").join(lines)
