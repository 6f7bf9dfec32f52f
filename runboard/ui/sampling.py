"""What the runs on the screen use and have written last: looked at in threads, and only while a column shows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from runboard import process
from runboard.board import Board
from runboard.columns import SAMPLED
from runboard.model import UNSEEN, Run, Sample
from runboard.ui.forecast import Forecast
from runboard.ui.glance import Glance
from runboard.ui.memory import Memory
from runboard.ui.sources import Sources
from runboard.ui.table import RunTable

LOADS_SECONDS = 1.5
"""How often it is looked at most what processes use."""

KEPT = 512
"""So many last lines are kept: more than fit on any screen."""

_LOADS = frozenset({"cpu", "memory"})


class Sampling:
    """Keeps ``board.samples`` of the rows on the screen, and of all live runs where one sorts by what they use.

    The log of a run that has ended is read once. A disk that hangs holds up nothing but the last lines.
    """

    def __init__(
        self, board: Board, table: RunTable, sources: Sources, on_screen: Callable[[list[str]], None], memory: Memory
    ) -> None:
        """Look as ``sources`` say; ``on_screen`` is told at each turn which rows can be seen."""
        self._board, self._table, self._on_screen = board, table, on_screen
        self._forecast = Forecast(board, table, memory)
        self._loads = Glance("runboard-loads", sources.loads, LOADS_SECONDS)
        self._lines = Glance("runboard-lines", lambda runs: {run.id: sources.last_line(run) for run in runs}, 0.0)
        self._read: dict[str, bool] = {}

    def tick(self) -> None:
        """See to it that what can be seen now is looked at."""
        ids = self._table.on_screen
        self._on_screen(ids)
        self._forecast.tick()
        shown, sorts = self._table.places.placed.keys() & SAMPLED, self._board.sorting.column in _LOADS
        if not shown and not sorts:
            self._board.samples.clear()
            self._read.clear()
            return
        if (sorts or shown & _LOADS) and self._loads.ready:
            live = [run for run in self._runs(self._board.live if sorts else ids) if run.active]
            self._loads.at(live, self._weigh, self._table, "sampling")
        unread = [run_id for run_id in ids if not self._read.get(run_id)] if "last_line" in shown else []
        if unread and self._lines.ready:
            runs = self._runs(unread)
            self._lines.at(runs, partial(self._read_lines, runs), self._table, "sampling")

    def _runs(self, run_ids: Collection[str]) -> list[Run]:
        """Those that are still there."""
        return [run for run_id in run_ids if (run := self._board.get(run_id))]

    def _weigh(self, loads: Mapping[str, process.Load]) -> None:
        """Show what processes use; of all other runs nobody knows it any more."""
        samples = self._board.samples
        for run_id in {*samples, *loads}:
            load, line = loads.get(run_id), samples.get(run_id, UNSEEN).last_line
            samples[run_id] = Sample(None, None, line) if load is None else Sample(load.cpu, load.memory, line)
        self._table.flush()

    def _read_lines(self, runs: Sequence[Run], lines: Mapping[str, str]) -> None:
        """Show the last lines of these runs' logs."""
        samples = self._board.samples
        for run in runs:
            before = samples.get(run.id, UNSEEN)
            samples[run.id] = Sample(before.cpu, before.memory, lines[run.id])
            self._read.pop(run.id, None)
            self._read[run.id] = not run.active
        for run_id in list(self._read)[:-KEPT]:
            del self._read[run_id]
            samples.pop(run_id, None)
        self._table.flush()
