"""The form of a new run: what is typed is checked before it starts, and earlier commands are at hand."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from runboard.draft import Draft, preview
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.choice import Choice
from runboard.ui.form import Form
from runboard.verdict import duration

SHOWN = 4
"""So many earlier commands are seen at a time."""

_FIELDS = ("name", "tags", "timeout", "model", "repo")


class CommandLine(Input):
    """The line of the command; the arrows go through the earlier ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "recall(1)", "An earlier command", show=False, id="new.earlier"),
        Binding("down", "recall(-1)", "A later command", show=False, id="new.later"),
    ]

    class Recalled(Message):
        """An earlier (1) or a later (-1) command is wanted."""

        def __init__(self, by: int) -> None:
            """Say which way."""
            super().__init__()
            self.by = by

    def action_recall(self, by: int) -> None:
        """Ask for another command."""
        self.post_message(self.Recalled(by))


class NewRun(Form[Draft]):
    """Asks for everything a run is started with."""

    def __init__(self, check: Callable[[Draft], dict[str, str]], directory: str, earlier: Sequence[Draft] = ()) -> None:
        """Ask.

        Args:
            check: Says what speaks against a draft, for each field; called in a thread.
            directory: Where it runs unless somebody says otherwise.
            earlier: Commands of before, the newest first.
        """
        super().__init__("A new run")
        self._check = check
        self._directory = directory
        self._earlier = tuple(earlier)
        self._typed = ""
        self._at = -1  # which of the matching earlier commands is in the line; -1: what was typed

    def rows(self) -> Iterator[Widget]:
        """The command with its preview and its past, and everything else about the run."""
        line = CommandLine(id="field-line", compact=True, select_on_focus=False, placeholder="make test")
        line.cursor_blink = False
        yield self.row("line", "Command", line)
        yield Static(id="new-past")
        yield self.row("shell", "Read by", Choice(("words as they are", "sh -c"), id="field-shell"))
        yield Static(id="new-preview")
        yield self.field("cwd", "In", self._directory)
        yield self.field("name", "Name", placeholder="what to call it")
        yield self.field("tags", "Tags", placeholder="words between blanks")
        yield self.field("timeout", "Limit", placeholder="30m, 1h30m; empty: none")
        yield self.field("model", "Model")
        yield self.field("repo", "Repo")

    def answers(self) -> Iterator[Button]:
        """Start it."""
        yield Button(Content("ctrl+s  Start"), id="save", compact=True)

    def on_mount(self) -> None:
        """Show the past and an empty preview."""
        super().on_mount()
        self._show()

    @property
    def draft(self) -> Draft:
        """The run as typed."""
        values = {name: self.value(name) for name in _FIELDS}
        shell = self.query_one("#field-shell", Choice).chosen == 1
        return Draft(self.value("line"), shell, self.value("cwd"), **values)

    def action_save(self) -> None:
        """Check it in a thread, and start it if nothing speaks against it."""
        self.run_worker(self._checked(self.draft), group="check", exclusive=True)

    async def _checked(self, draft: Draft) -> None:
        """Leave with the draft, or say what is wrong with it."""
        found = await asyncio.to_thread(self._check, draft)
        self.complain(found)
        if not found:
            self.dismiss(draft)

    @on(CommandLine.Recalled)
    def _recalled(self, message: CommandLine.Recalled) -> None:
        """Put another command into the line, with the directory and the words it ran with; the one typed comes back."""
        matching = self._matching()
        self._at = max(-1, min(len(matching) - 1, self._at + message.by))
        with self.prevent(Input.Changed):
            if self._at < 0:
                self._put(Draft(self._typed, cwd=self._directory))
            else:
                self._put(matching[self._at])
        self._show()

    def _put(self, draft: Draft) -> None:
        """Fill the fields."""
        told = {"line": draft.line, "cwd": draft.cwd or self._directory}
        told |= {"timeout": draft.timeout, "model": draft.model, "repo": draft.repo}
        for name, text in told.items():
            entry = self.query_one(f"#field-{name}", Input)
            entry.value = clean(text)
            entry.cursor_position = len(entry.value)
        with self.prevent(Choice.Changed):
            self.query_one("#field-shell", Choice).chosen = int(draft.shell)

    @on(Input.Changed, "#field-line")
    def _line_changed(self) -> None:
        """Another line was typed: it filters the past."""
        self._typed, self._at = self.value("line"), -1
        self._show()

    @on(Choice.Changed)
    def _shell_changed(self) -> None:
        """It is read in another way."""
        self._show()

    def _matching(self) -> list[Draft]:
        """The earlier commands that hold every word typed."""
        words = self._typed.lower().split()
        return [draft for draft in self._earlier if all(word in draft.line.lower() for word in words)]

    def _show(self) -> None:
        """Show what would be executed, and the matching commands of before."""
        line = preview(self.draft)
        self.query_one("#new-preview", Static).update(Content.styled(f"→ {line}" if line else "", "$quiet"))
        matching = self._matching()
        first = max(0, min(self._at, len(matching) - SHOWN))
        lines = [
            Content.styled(clean(draft.line)[:200], "$accent" if at == self._at else "$quiet")
            for at, draft in enumerate(matching[first : first + SHOWN], first)
        ]
        past = self.query_one("#new-past", Static)
        # Fewer that match leave their lines empty, so that nothing below moves, where there is room for complaints too.
        kept = min(SHOWN, len(self._earlier)) if self.has_class("-airy") else len(lines)
        past.update(Content("\n").join([*lines, *[Content()] * (kept - len(lines))]))
        past.display = kept > 0


def draft_of(run: Run) -> Draft:
    """An earlier run as a draft; what sh read is shown as the line it was."""
    shell = len(run.command) == 3 and run.command[:2] == ("sh", "-c")
    draft = Draft(run.command[2] if shell else shlex.join(run.command), shell, run.cwd or "")
    limit = duration(run.timeout) if run.timeout else ""
    return draft._replace(timeout=limit, model=run.model or "", repo=run.repo or "")


def earlier(runs: Iterator[Run], most: int = 200) -> list[Draft]:
    """The commands of runs, each once, in their order; a line that cannot be typed on one line is left out."""
    found: dict[tuple[str, ...], Draft] = {}
    for run in runs:
        if run.command and run.command not in found and all(part.isprintable() for part in run.command):
            found[run.command] = draft_of(run)
            if len(found) >= most:
                break
    return list(found.values())
