"""What is shown of the chosen run beside the table: its log, its answer, or what else there is to see of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from time import time
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult

from runboard import logs, process
from runboard.board import Board
from runboard.model import Run
from runboard.past import Earlier
from runboard.ui.answers import Answer, AnswerReader
from runboard.ui.detailspane import DetailsPane
from runboard.ui.diffpane import DiffPane
from runboard.ui.loglooks import LogLooks
from runboard.ui.logside import LogSide
from runboard.ui.lookout import Lookout
from runboard.ui.oneprocess import OneProcess
from runboard.ui.pane import Pane
from runboard.ui.processpane import ProcessDesk, ProcessPane
from runboard.ui.remembrance import Remembrance
from runboard.ui.response import ResponsePane
from runboard.ui.sources import Sources

if TYPE_CHECKING:
    from runboard.ui.hunting import Hunting
    from runboard.worktree import Changes

DETAILS_SECONDS = 1.0
"""How often the details on show are told anew."""

PROCESSES_SECONDS = 1.0
"""How often the processes on show are looked at."""

CHANGES_SECONDS = 5.0
"""How often it is looked what an active run has changed."""


class RunPane(LogSide):
    """All panes, of which one is seen, and those who read for them."""

    def __init__(
        self,
        open_log: Callable[[str], logs.LogView],
        read_response: Callable[[str], str | None],
        sources: Sources = Sources(),  # noqa: B008 - a frozen value
        one_process: OneProcess | None = None,
        clock: Callable[[], float] = time,
        *,
        remembrance: Remembrance | None = None,
        past: Callable[[Run], Earlier] = lambda _run: Earlier(),
    ) -> None:
        """All are called in threads: to open a log by its run's id, to get an answer as Markdown, and the rest.

        ``past`` says what other runs of a run's command tell.

        Without ``one_process`` no other program is started, to search logs either.
        """
        programs = None if one_process is None else sources.programs
        super().__init__(open_log, LogLooks(remembrance), programs, tools=one_process is not None)
        self.response_pane = ResponsePane()
        self._open_log = open_log
        self._nudge = sources.nudge
        self.diff_pane = DiffPane()
        self._one_process = one_process
        self.process_pane = ProcessPane() if one_process is None else ProcessDesk()
        self.details_pane = DetailsPane(clock)
        self._panes: tuple[Pane, ...] = (
            *(self.log_pane, self.response_pane, self.details_pane),
            *(self.diff_pane, self.process_pane),
        )
        self._facts = Lookout(
            "runboard-details", lambda run, _: (sources.whole(run), past(run)), self._show_details, DETAILS_SECONDS
        )
        self._trees = Lookout(
            "runboard-processes", lambda run, _: sources.processes(run), self._show_tree, PROCESSES_SECONDS
        )
        self._present: Pane = self.log_pane
        self._changes = Lookout("runboard-diff", sources.changes, self._show_changes, CHANGES_SECONDS)
        self._answers = AnswerReader(read_response, self._show_answer)
        self._width = 0

    def compose(self) -> ComposeResult:
        """The pane that is seen; the others come behind it, one over the other, when there is something to be seen."""
        for pane in self._panes:
            pane.display = pane is self._present
        yield self._present

    def on_mount(self) -> None:
        """Begin to read once the board is painted: what reads is loaded with the first of it."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Read from now on."""
        self.run_worker(self.reader.run(), group="log")
        self.run_worker(self._answers.run(), group="answer")
        self.run_worker(self._changes.run(), group="diff")
        self.run_worker(self._trees.run(), group="processes")
        self.run_worker(self._facts.run(), group="details")

    async def complete(self) -> None:
        """Have the panes that are not seen, and the line in which one types."""
        await self.mount(*(pane for pane in self._panes if not pane.is_attached), self.look_bar)

    @property
    def chosen(self) -> Run | None:
        """The chosen run."""
        return self._run

    @property
    def present(self) -> Pane:
        """The pane that is seen."""
        return self._present

    def can(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether it makes sense to ``look`` at another view, or to show events ``raw`` or in words."""
        if action == "look":
            hidden = self.screen.has_class("-short") and not self.screen.has_class("-zoomed")
            return hidden or parameters != (self.present.VIEW,)
        return self.present is self.log_pane and self.log_pane.tells_events

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why it makes none."""
        if action == "look":
            view = str(parameters[0]).lower()
            return f"Its {view} {'are' if view.endswith('s') else 'is'} what is shown"
        return "Only an agent's log has events to tell in words"

    def choose(self, run: Run | None, word: str) -> None:
        """Show this run, which stands as ``word`` says, from now on."""
        if (run.id if run else None) != (self._run.id if self._run else None):
            self._seek(None, None)
            if self.look_bar.has_focus_within:
                self._leave_bar()
            if run is not None and run.active:
                self._nudge(run.id)
        self._run, self._word = run, word
        self.reader.choose(run.id if run else None, calm=run is None or not run.active)
        if run is None:
            self.log_pane.show(None, "", None)
        for pane in self._panes if run else self._panes[1:]:
            pane.tell(run, word)
        self._want_answer()
        self._want_sights()
        self._show_awaited()

    def hear(self, run_ids: Collection[str]) -> None:
        """More is known of these runs."""
        if self._run is not None and self._run.id in run_ids:
            self._facts.again()

    def look(self, view: str) -> None:
        """Show another view; the focus goes along."""
        focused = self.present.has_focus
        self._present = next((pane for pane in self._panes if view == pane.VIEW), self._present)
        for pane in self._panes:
            pane.display = pane is self._present
        if focused:
            self.call_after_refresh(self.present.focus)

    def zoom(self, zoomed: bool) -> None:
        """Whether the pane has the screen for itself: its title says more then."""
        for pane in self._panes:
            pane.set_class(zoomed, "-zoomed")

    def hunting(self, board: Board) -> Hunting:
        """The search through the logs of all runs that a board shows."""
        from runboard.ui.hunting import Hunting  # noqa: PLC0415 - it loads when it is first wanted

        def name(run_id: str) -> str:
            """What a run is called."""
            run = board.get(run_id)
            return run.title if run else ""

        tools = self._one_process is not None
        return Hunting(lambda: tuple(board.order), name, self._open_log, tools=tools)

    def _show_answer(self, run_id: str, answer: Answer | None) -> None:
        """Show an answer, if it is still the chosen run's."""
        if self._run is not None and self._run.id == run_id:
            self.response_pane.show(self._run, self._word, answer)

    def _want_answer(self) -> None:
        """Have the answer read as it is wanted now."""
        run, width = self._run, self._width - 2
        if run is None or width <= 0:  # it has looks only once it is seen, and to work them out takes a millisecond
            self._answers.want(None, 0, {}, ended=False)
        else:
            self._answers.want(run.id, width, self.response_pane.looks(), ended=run.finished)

    def _show_changes(self, run_id: str, changes: Changes | None) -> None:
        """Show what a run changed, if it is still the chosen one."""
        if self._run is not None and self._run.id == run_id:
            self.diff_pane.show(self._run, self._word, changes)

    def _show_details(self, run_id: str, found: tuple[Run, Earlier] | None) -> None:
        """Show what is known of a run, if it is still the chosen one."""
        if self._run is not None and self._run.id == run_id:
            self.details_pane.show(self._run, self._word, *(found or (None,)))

    def _show_tree(self, run_id: str, tree: Sequence[process.Usage] | None) -> None:
        """Show a run's processes, if it is still the chosen one."""
        if self._run is not None and self._run.id == run_id:
            self.process_pane.show(self._run, self._word, tree)

    def _want_sights(self) -> None:
        """Have changes and processes looked at while they can be seen."""
        self._changes.want(self._run if self.diff_pane.seen else None)
        self._trees.want(self._run if self.process_pane.seen else None)
        self._facts.want(self._run if self.details_pane.seen else None)

    @on(ProcessPane.Picked)
    def _process_picked(self, message: ProcessPane.Picked) -> None:
        """A process is to be signalled."""
        if self._one_process is not None:
            self.app.run_worker(self._one_process.signal(message.run, message.usage), group="acts")

    @on(Pane.Resized)
    def _resized(self, message: Pane.Resized) -> None:
        """Another number of lines fits."""
        if message.pane is self.log_pane:
            self.reader.resize(message.rows)
        else:
            self._want_sights()
        if message.pane is self.response_pane:
            self._width = message.width if message.rows else 0
            self._want_answer()

    @on(ResponsePane.Restyled)
    def _restyled(self) -> None:
        """The answer is wanted in other looks."""
        self._want_answer()
