"""The log pane and those who read for it: what its keys ask for is wished of the reader, what is read is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

from textual import on
from textual.actions import parse
from textual.app import SystemCommand
from textual.containers import Container

from runboard import logs
from runboard.model import Run
from runboard.ui.away import LendingApp
from runboard.ui.keys import key_of
from runboard.ui.log import LogPane
from runboard.ui.logdesk import LogDesk
from runboard.ui.loglooks import LogLooks
from runboard.ui.lookbar import FIND, ONLY, LookBar
from runboard.ui.palette import bare
from runboard.ui.picking import told
from runboard.ui.reader import LogReader
from runboard.ui.sources import NotOpened, Programs

OFFERED = {
    "log.wrap": "Wrap long lines",
    "log.numbers": "Number lines",
    "log.times": "Times of lines",
    "log.select": "Select lines",
    "log.pager": "Log in the pager",
    "log.editor": "Log in the editor",
}
"""What the palette calls them."""


class LogSide(Container):
    """The part of the pane of a run that is about its log."""

    def __init__(
        self, open_log: Callable[[str], logs.LogView], looks: LogLooks, programs: Programs | None, *, tools: bool
    ) -> None:
        """Open logs by their run's id, in a thread; without ``tools`` no other program searches them.

        With ``programs`` they open in the pager and the editor too.
        """
        super().__init__(id="run")
        self._programs = programs
        self.log_pane = LogPane(looks) if programs is None else LogDesk(looks)
        self.look_bar = LookBar()
        self.reader = LogReader(open_log, self._show_log, tools=tools)
        self._run: Run | None = None
        self._word = ""
        self._find: logs.Sought | None = None
        self._only: logs.Sought | None = None
        self._going: str | None = None
        self._awaited: tuple[str, int, logs.Sought] | None = None
        self.raw = False

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers of the log's keys, wherever the focus is."""
        pane = self.log_pane
        for _key, binding in pane._bindings:
            action, parameters = parse(binding.action)[1:]
            if (
                binding.id is not None
                and binding.id in OFFERED
                and pane.display
                and pane.check_action(action, parameters)
            ):
                title = f"{OFFERED[binding.id]}  {key_of(self.app, binding.id)}"
                yield SystemCommand(
                    bare(title), bare(binding.tooltip), partial(self.app.run_action, binding.action, pane)
                )

    def toggle_raw(self) -> None:
        """Show an agent's events in words, or as they are."""
        self.raw = not self.raw
        self.reader.show_raw(self.raw)

    def show_at(self, run_id: str, offset: int, sought: logs.Sought) -> None:
        """Show a line of a run's log, with what was looked for marked, now or as soon as that run is chosen."""
        self._awaited = run_id, offset, sought
        self._show_awaited()

    def _show_awaited(self) -> None:
        """Show the line that is waited for, if its run is chosen."""
        if self._awaited is not None and self._run is not None and self._awaited[0] == self._run.id:
            _run_id, offset, sought = self._awaited
            self._awaited = None
            self._seek(None, None)
            self._seek(sought, None)
            self.reader.show_at(offset)

    def _show_log(self, run_id: str, seen: logs.Seen | None, trouble: str | None) -> int:
        """Show what was read of a log, if it is still the chosen run's; about how many cells that paints."""
        painted = 0
        if self._run is not None and self._run.id == run_id:
            painted = self.log_pane.show(self._run, self._word, seen, trouble)
            if seen is not None and seen.trouble is not None:
                self.look_bar.complain(seen.trouble)
            elif seen is not None and seen.place is not None and seen.place == self._going:
                self._leave_bar()
            told = self.log_pane.tells_events
            self.log_pane.tell_events(self.reader.tells_events, raw=self.raw)
            if told != self.log_pane.tells_events:
                self.refresh_bindings()
        return painted

    @on(LogPane.Moved)
    def _log_moved(self, message: LogPane.Moved) -> None:
        """Other lines of the log are wanted."""
        if message.to is not None:
            self.reader.jump(message.to)
        else:
            self.reader.move(message.by)

    @on(LogPane.Looking)
    def _log_looking(self, message: LogPane.Looking) -> None:
        """One wants to type."""
        self.look_bar.open(message.kind)

    @on(LookBar.Left)
    def _leave_bar(self) -> None:
        """Back to the log."""
        self._going = None
        self.look_bar.close()
        if self.look_bar.has_focus_within:
            self.log_pane.focus()

    @on(LookBar.Accepted)
    def _accepted(self, message: LookBar.Accepted) -> None:
        """Find, filter, or go where it says; the bar stays where there is no such place."""
        sought = message.sought if message.sought.text else None
        if message.kind == FIND:
            self._seek(sought, self._only)
        elif message.kind == ONLY:
            self._seek(None, sought)
        elif sought is not None:
            self._going = sought.text
            self.reader.goto(sought.text)
            return
        self._leave_bar()

    def _seek(self, find: logs.Sought | None, only: logs.Sought | None) -> None:
        """Look for this from now on, and show only lines with that."""
        if only != self._only:
            self.log_pane.near = 0
        self._find, self._only = find, only
        self.log_pane.seek(_pattern(find), _pattern(only))
        self.reader.find(find)
        self.reader.only(only, self.log_pane.near)

    @on(LogPane.Stepped)
    def _log_stepped(self, message: LogPane.Stepped) -> None:
        """Another match is wanted."""
        self.reader.step(message.by)

    @on(LogPane.Widened)
    def _log_widened(self, message: LogPane.Widened) -> None:
        """More or fewer lines around each match are wanted."""
        self.log_pane.near = max(0, self.log_pane.near + message.by)
        self.reader.only(self._only, self.log_pane.near)
        self.log_pane.refresh_bindings()

    @on(LogPane.Panned)
    def _log_panned(self, message: LogPane.Panned) -> None:
        """What lies to the right is wanted."""
        if message.column is None:
            self.reader.ends()
        else:
            self.reader.pan(message.column)

    @on(LogPane.Dressed)
    def _log_dressed(self, message: LogPane.Dressed) -> None:
        """Lines are wanted in other looks."""
        self.reader.dress(message.width, message.times, numbers=message.numbers)

    @on(LogPane.Held)
    def _log_held(self, message: LogPane.Held) -> None:
        """The lines on show shall stay, or need not."""
        self.reader.hold(message.hold)

    @on(LogPane.Copying)
    def _log_copying(self, message: LogPane.Copying) -> None:
        """A part of the log is wanted in the clipboard."""
        self.run_worker(self._copy(message.first, message.last), group="copy")

    async def _copy(self, first: logs.Spot, last: logs.Spot) -> None:
        """Hand it to the terminal, and tell how much that was."""
        copied = await self.reader.copy(first, last)
        if copied is None:
            self.notify("The log cannot be read", severity="warning", markup=False, timeout=5)
            return
        self.app.copy_to_clipboard(copied.text)
        self.notify(told(copied), severity="warning" if copied.cut else "information", markup=False, timeout=5)

    @on(LogDesk.Leaving)
    def _log_leaving(self, message: LogDesk.Leaving) -> None:
        """The log is wanted in another program."""
        if self._programs is not None:
            self.run_worker(self._leave_for(self._programs, message), group="outside", exclusive=True)

    async def _leave_for(self, programs: Programs, message: LogDesk.Leaving) -> None:
        """Give the terminal to a program until it ends; what went wrong is told on the board."""
        assert isinstance(self.app, LendingApp)
        async with self.app.away():
            trouble = await _ended(programs, message)
        if trouble:
            self.notify(trouble, severity="error", markup=False, timeout=10)

    @on(LogPane.Chosen)
    def _log_chosen(self, message: LogPane.Chosen) -> None:
        """A line is wanted in the whole log."""
        self._seek(self._find or self._only, None)
        self.reader.show_at(message.by)

    @on(LogPane.Forgotten)
    def _log_forgotten(self) -> None:
        """What is found is left first, then the filter."""
        self._seek(None, self._only if self._find else None)


async def _ended(programs: Programs, message: LogDesk.Leaving) -> str:
    """Have a program look at a log until it ends, and tell what went wrong; one that is not waited for is ended."""
    try:
        opened = programs(message.run_id, message.program)
    except NotOpened as error:
        return str(error)
    try:
        return await asyncio.to_thread(opened.wait)
    finally:
        opened.end()


def _pattern(sought: logs.Sought | None) -> logs.Pattern | None:
    """What is to be marked."""
    return None if sought is None else logs.Pattern(sought.text, regex=sought.regex)
