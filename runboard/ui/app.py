"""The app: the only one who knows the Board; it takes in news, tells the widgets what to show, and heeds the keys."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from runboard import logs
from runboard.board import Board
from runboard.control import Control
from runboard.model import Run
from runboard.query import BadQuery
from runboard.safetext import clean
from runboard.ui.acts import Acts
from runboard.ui.arrangement import Arrangement
from runboard.ui.asked import word_of
from runboard.ui.filterbar import FilterBar
from runboard.ui.filtertabs import FilterTabs
from runboard.ui.intake import Feed, Intake, Unseen
from runboard.ui.keys import key_of
from runboard.ui.memory import Memory
from runboard.ui.oneprocess import OneProcess
from runboard.ui.outspoken import OutspokenApp
from runboard.ui.palette import commands
from runboard.ui.remembrance import Remembrance
from runboard.ui.runpane import RunPane
from runboard.ui.sampling import Sampling
from runboard.ui.screen import BoardScreen, DeskScreen
from runboard.ui.sources import Hears, Sources
from runboard.ui.split import Split
from runboard.ui.summary import Summary
from runboard.ui.table import RunTable
from runboard.ui.taste import PLAIN, Taste
from runboard.ui.theme import style_sheet
from runboard.ui.tidings import Tidings
from runboard.ui.vigil import Vigil
from runboard.ui.wire import WireGuard

TICK_SECONDS = 1.0
"""How often elapsed times are looked at."""


class RunboardApp(OutspokenApp, inherit_bindings=False):
    """The board."""

    TITLE = "runboard"
    CSS_PATH = style_sheet()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (60, "-normal"), (180, "-wide")]  # noqa: RUF012 - as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (15, "-tall"), (30, "-airy")]  # noqa: RUF012 - likewise
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", show=False, tooltip="Find an action by its name", id="board.palette"),
        Binding("ctrl+c", "interrupt", show=False, system=True, priority=True, id="board.interrupt"),
        Binding("1", "look('Log')", "log", tooltip="What it wrote", id="run.log"),
        Binding("2", "look('Response')", "response", tooltip="What it answered", id="run.response"),
        Binding("v", "raw", "raw", tooltip="An agent's events as they are, or in words", id="run.raw"),
        Binding("T", "dress", "theme", show=False, tooltip="Choose other colours", id="board.theme"),
        Binding("question_mark", "help", "help", tooltip="These keys", id="board.help"),
        Binding("q,ctrl+q", "quit", "quit", tooltip="Leave; the runs go on", id="board.quit"),
    ]

    def __init__(
        self,
        board: Board,
        feed: Feed,
        control: Control | None,
        open_log: Callable[[str], logs.LogView],
        *,
        title: str,
        clock: Callable[[], float] = time.time,
        read_response: Callable[[str], str | None] = lambda _run_id: None,
        read_run: Callable[[str], Run | None] | None = None,
        sources: Sources = Sources(),  # noqa: B008 - a frozen value
        taste: Taste = PLAIN,
        on_screen: Callable[[list[str]], None] = lambda _run_ids: None,
        lock: str = "",
    ) -> None:
        """Show ``board``, kept true by ``feed``.

        Args:
            board: The runs; from now on only the app changes it.
            feed: What keeps it true; started and stopped with the app.
            control: What can be done to runs; without one there are no keys for it.
            open_log: Opens a run's log by its id; called and used in a thread.
            title: The runs directory, as people write it.
            clock: Epoch seconds.
            read_response: Gives a run's answer by its id as clean Markdown, None where there is none; in a thread.
            read_run: Reads a whole run from the disk, in a thread; without it what the board has must do.
            sources: What else is read of a run.
            taste: Colours, keys, and what was wrong with them.
            on_screen: Is told once a second which rows can be seen.
            lock: How it is seen to that nothing can be done, where there is no ``control``.
        """
        super().__init__(taste)
        self.only_looks = control is None
        self.animation_level = "none"
        self._board, self._feed, self._clock = board, feed, clock
        self._guard = WireGuard()
        self._sources = sources
        self._memory = Memory(read_run or board.get)
        key = partial(key_of, self)
        self._acts = None if control is None else Acts(control, board, self._ask, self._say, self._acted, key=key)
        stopping = self._stopping = self._acts.stopping if self._acts else frozenset[str]()
        self._tidings = Tidings(board, taste.notify, self._say, self.emit, self._acts.ended if self._acts else ())
        kept = Remembrance(taste)
        self._tabs = FilterTabs(taste, kept)
        self._vigil = Vigil(board, clock, taste.limits, kept)
        self._table = RunTable(board, clock, stopping, Arrangement(taste, kept))
        self._sampling = Sampling(board, self._table, sources, on_screen, self._memory)
        self._summary = Summary(title, read_only=control is None, lock=lock)
        one = None if control is None else OneProcess(control, self._ask, self._say)
        self._run_pane = RunPane(open_log, read_response, sources, one, clock, remembrance=kept, past=self._memory.tell)
        self._split = Split(self._table, self._run_pane, kept)
        self._intake: Intake | None = None
        self._unseen = Unseen()
        self._zoomed: str | None = None

    def get_default_screen(self) -> Screen[None]:
        """The screen for looking, or the one for acting too."""
        kind = BoardScreen if self._acts is None else DeskScreen
        return kind(self._summary, self._tabs, self._split, self._vigil, self._board.newest)

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, and last the guard of the wire."""
        return [*super().get_line_filters(), self._guard]

    @property
    def _main(self) -> BoardScreen:
        """The board's screen, whatever lies over it."""
        screen = self.screen_stack[0]
        assert isinstance(screen, BoardScreen)
        return screen

    # News come in.

    async def on_mount(self) -> None:
        """Begin to follow the runs and the clock; keys are heard once the whole board is there."""
        self.deafen()
        self._intake = Intake(asyncio.get_running_loop(), lambda: self.call_next(self._take))
        self.set_interval(TICK_SECONDS, self._tick)
        self._told()
        self.call_after_refresh(gc.enable)  # there is no garbage yet that would be worth the first paint
        self.call_after_refresh(asyncio.to_thread, self._feed.start, self._intake.offer)

    async def on_unmount(self) -> None:
        """Stop following; what runs goes on."""
        self._tidings.leave()
        await asyncio.to_thread(self._feed.stop)

    def _take(self) -> None:
        """Take over what came in since the last time."""
        if self._intake is None or not self.screen_stack:  # the last news may come while the app leaves
            return
        if not self._main.is_mounted:  # the first news may come before there is anything to show them on
            self.call_after_refresh(self._take)
            return
        batch = self._intake.take()
        self._tidings.hear(batch)
        self._memory.take((*batch.rows, *batch.changed), listed=batch.complete)
        self._vigil.take(batch.changed, batch.rows, batch.removed)
        held = self._table.held
        delta = self._board.apply(batch.changed, batch.removed, batch.rows, batch.sizes, spared=held)
        if batch.complete:
            self.call_next(lambda: self._tidings.tell(self._board.counts()))
        for shown in (self._run_pane, self.screen) if batch.unheard else ():
            if isinstance(shown, Hears):
                shown.hear({run_id for run_id, _why in batch.unheard})
        if (gone := self._zoomed) in batch.removed:
            self._unzoom()
            self._say(f"{gone} has left the board", False)
        if (seen := self._unseen.add(delta, more=self._intake.more)) is None:
            return
        self._table.take(seen)
        if batch.complete:  # the last portion is shown at once: until then the cursor waits at the top
            self._table.loaded()
        self._told()
        if self._table.cursor in seen.changed:
            self._tell_pane()

    def _told(self) -> None:
        """Tell the summary the counts and sums, and the screen whether there is anything at all."""
        self._summary.tell(self._board, self._clock(), len(self._table.marks))
        self._main.set_class(not self._board.total, "-empty")

    def _tick(self) -> None:
        """Let elapsed times go on, and what depends on the time: order, filter, what was spent in the last hour."""
        if self.screen_stack:  # the last tick may come while the app leaves
            self._vigil.tick()
            if self._board.prefer(self._table.held) | self._board.tick(self._clock()):
                self._table.reorder()
            self._table.flush()
            self._sampling.tick()
            self._told()
            self._tidings.tell(self._board.counts())

    def _acted(self) -> None:
        """An act has begun or ended: rows, log and keys may look different, if there still is a screen."""
        if self.screen_stack:
            self._table.flush()
            self._tell_pane()

    # What is chosen.

    @property
    def _chosen(self) -> Run | None:
        """The run that keys act on: the one on the whole screen, else the one under the cursor."""
        run_id = self._zoomed or self._table.cursor
        return None if run_id is None else self._board.get(run_id)

    def _targets(self, most: int | None = None) -> tuple[Run, ...]:
        """The runs that an act is about, at most so many of them: the marked ones, else the chosen one."""
        return self._table.marks.runs(self._chosen, 0 if self._zoomed else most)

    def _tell_pane(self) -> None:
        """Tell the pane how the chosen run stands, and the keys what can be done to it."""
        run = self._chosen
        self._run_pane.choose(run, word_of(run, self._stopping))
        self._main.refresh_bindings()

    @on(RunTable.Highlighted)
    @on(RunTable.Marked)
    def _highlighted(self) -> None:
        """The cursor has come to another run, or other runs are marked; what it left goes where it belongs."""
        if self._board.prefer(self._table.held):
            self._table.reorder()
        self._told()
        self._tell_pane()

    @on(FilterBar.Changed)
    def _filter_changed(self, message: FilterBar.Changed) -> None:
        """Another filter is typed; a bad one leaves the old one in place."""
        if not self.screen_stack:  # the last letter may come while the app leaves
            return
        try:
            self._board.filter(message.text, self._clock(), message.finished)
        except BadQuery as error:
            self._main.filter_bar.complain(str(error))
            return
        self._main.filter_bar.complain("")
        self._tabs.tell(message.text)
        self._main.refilter()
        self._told()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what cannot be done now."""
        match action:
            case "act":
                few = self._targets(None if self.closely else 50)
                return self._acts is not None and self._acts.possible(str(parameters[0]), few)
            case "details" | "zoom":
                return self._chosen is not None
            case "look" | "raw":
                return self._chosen is not None and self._run_pane.can(action, parameters)
            case "filter":
                return self._board.total > 0 and not self._main.filter_bar.has_focus_within
            case "leave":
                return self._zoomed is not None or bool(self._table.marks or self._board.query.terms)
        return True

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why what cannot be done now cannot; nothing is said where there is nothing to leave."""
        if action == "act" and self._acts is not None and (self._chosen or parameters == ("undo",)):
            return clean(self._acts.refusal(str(parameters[0]), self._targets()))
        if action in {"look", "raw"} and self._chosen is not None:
            return self._run_pane.why_not(action, parameters)
        return "" if action == "leave" else self._table.lack

    def action_act(self, act: str) -> None:
        """Do something to the chosen run: ask, act, tell."""
        if self._acts is not None:
            self.run_worker(self._acts.do(act, self._targets()), group="acts")

    def action_details(self) -> None:
        """Show everything known of the chosen run."""
        from runboard.ui.details import Details  # noqa: PLC0415 - it loads when it is first wanted

        if run := self._chosen:
            self._vigil.look(run.id)
            self.push_screen(Details(run, self._board.get, self._clock, self._memory.of, self._sources.whole))

    @on(RunTable.Opened)
    def action_zoom(self) -> None:
        """Give the chosen run's log or response the whole screen, or take it back."""
        if self._zoomed is not None:
            self._unzoom()
        elif self._table.cursor is not None:
            self._zoomed = self._table.cursor
            self._vigil.look(self._zoomed)
            self._main.add_class("-zoomed")
            self._run_pane.zoom(True)
            self._run_pane.present.focus()
            self._tell_pane()

    def _unzoom(self) -> None:
        """Show the table again."""
        self._zoomed = None
        self._main.remove_class("-zoomed")
        self._run_pane.zoom(False)
        self._table.focus()
        self._tell_pane()

    def action_look(self, view: str) -> None:
        """Show the chosen run's log or its response; where there is no room beside the table, on the whole screen."""
        self._run_pane.look(view)
        if self._main.has_class("-short") and self._zoomed is None:
            self.action_zoom()
        self._main.refresh_bindings()

    def action_raw(self) -> None:
        """Show an agent's events as they are, or in words."""
        self._run_pane.toggle_raw()

    def action_filter(self) -> None:
        """Type a filter."""
        if self._zoomed is not None:
            self._unzoom()
        self._main.open_filter()

    def action_leave(self) -> None:
        """Leave the innermost thing: the zoomed log, then the marks, then the filter."""
        if self._zoomed is not None:
            self._unzoom()
        elif self._table.marks:
            self._table.action_mark("none")
        else:
            self._main.filter_bar.clear()

    async def action_quit(self) -> None:
        """Leave; acts under way are done to their end first, and a word in the shell says so."""
        busy = len(self._stopping)
        self.exit(message=Text(f"runboard: still stopping {busy} run{'s' * (busy > 1)}…") if busy else None)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette's entries: the keys that do something now, the columns to sort by, and the themes."""
        yield from commands(screen, self.get_key_display, self.run_action)
        yield from (*self._main.commands(), *self._run_pane.commands())
        yield from self._table.ordering.commands()
        yield from self.theme_commands()
