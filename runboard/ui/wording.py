"""What a person says of runs: how they count, their tags and their note, each in a form that names the runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, TextArea

from runboard.model import Run, Status
from runboard.safetext import clean, clean_lines
from runboard.ui.confirm import subject
from runboard.ui.form import Form


class Words(NamedTuple):
    """Tags to give and to take, and the note from now on (None: as it is)."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    note: str | None = None


class MarkForm(Form[tuple[Status, str]]):
    """Asks how finished runs are to be counted, and why."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "mark('completed')", "completed", show=False, id="mark.completed"),
        Binding("f", "mark('failed')", "failed", show=False, id="mark.failed"),
    ]

    def __init__(self, runs: Sequence[Run]) -> None:
        """Ask of these runs."""
        super().__init__("Count this run as…" if len(runs) == 1 else f"Count these {len(runs)} runs as…", subject(runs))
        self._all_failed = all(run.status is Status.FAILED for run in runs)

    def rows(self) -> Iterator[Widget]:
        """The reason."""
        yield self.field("why", "Why", placeholder="may be empty; then enter, and f or c")

    def answers(self) -> Iterator[Button]:
        """The two ways to count; first the one that is a change."""
        words = ("completed", "failed") if self._all_failed else ("failed", "completed")
        for word in words:
            label = Content(f"{word[0]}  {word.capitalize()}")
            yield Button(label, id=f"mark-{word}", compact=True, classes="form-answer")

    def pressed(self, button: Button) -> None:
        """Answer by button."""
        self.action_mark((button.id or "").removeprefix("mark-"))

    def action_mark(self, word: str) -> None:
        """Answer."""
        self.dismiss((Status(word), self.value("why")))

    def action_save(self) -> None:
        """There is nothing to save without an answer: go to the answers."""
        self.query_one(".form-answer", Button).focus()


class WordsForm(Form[Words]):
    """Edits the tags of runs, and the note of a single one; what others write meanwhile is not undone."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """Begin with the tags that all of them have, and with the note of the only one."""
        title = "Tags and note" if len(runs) == 1 else f"Tags of these {len(runs)} runs"
        super().__init__(title, subject(runs))
        self._tags = tuple(tag for tag in runs[0].tags if all(tag in run.tags for run in runs))
        self._note = (runs[0].note or "") if len(runs) == 1 else None

    def rows(self) -> Iterator[Widget]:
        """Tags, and the note with its lines."""
        yield self.field("tags", "Tags", shlex.join(self._tags), placeholder="words between blanks")
        if self._note is not None:
            area = TextArea(clean_lines(self._note), id="note", compact=True, tab_behavior="focus")
            area.cursor_blink = False
            area.highlight_cursor_line = False
            yield self.row("note", "Note", area)

    @property
    def dirty(self) -> bool:
        """Whether tags or note were changed."""
        return super().dirty or (self._note is not None and self._typed() != clean_lines(self._note))

    def made(self) -> Words | None:
        """The difference between the tags of before and those typed, and the note if it is another."""
        try:
            typed = tuple(word for word in map(clean, shlex.split(self.value("tags"))) if word.strip())
        except ValueError:
            self.complain({"tags": "A quotation mark is missing; tags with blanks stand in quotes."})
            return None
        add = tuple(word.removeprefix("+") for word in typed if word not in self._tags and not word.startswith("-"))
        taken = tuple(word[1:] for word in typed if word.startswith("-") and word not in self._tags and len(word) > 1)
        remove = tuple(tag for tag in self._tags if tag not in typed)
        note = None if self._note is None or self._typed() == clean_lines(self._note) else self._typed()
        return Words(add, (*remove, *taken), note)

    def _typed(self) -> str:
        """The note as typed."""
        return self.query_one("#note", TextArea).text
