"""How long live runs take usually: asked in a thread, of the rows on the screen, and again when others have ended."""

from __future__ import annotations

from collections.abc import Mapping

from runboard.board import Board
from runboard.ui.glance import Glance
from runboard.ui.memory import Memory
from runboard.ui.table import RunTable

MOST = 10
"""So many runs are asked of at a time; each may have some dozens of runs of before to read."""

REST_SECONDS = 1.0
"""How often at most."""


class Forecast:
    """Keeps ``board.usual`` of the live runs that can be seen."""

    def __init__(self, board: Board, table: RunTable, memory: Memory) -> None:
        """Ask ``memory``, once it knows all runs."""
        self._board, self._table, self._memory = board, table, memory
        self._glance = Glance("runboard-forecast", memory.usual, REST_SECONDS)
        self._asked: dict[str, int] = {}

    def tick(self) -> None:
        """Ask of those that nobody was asked of yet, and then of those that were longest ago."""
        heard = self._memory.heard
        if not self._memory.listed or not self._glance.ready:
            return
        seen = [run_id for run_id in self._table.on_screen if self._board.lives(run_id)]
        due = sorted((self._asked.get(run_id, -1), run_id) for run_id in seen if self._asked.get(run_id) != heard)
        runs = [run for _, run_id in due[:MOST] if (run := self._board.get(run_id))]
        if runs:
            self._asked |= dict.fromkeys((run.id for run in runs), heard)
            self._glance.at(runs, self._show, self._table, "forecast")

    def _show(self, found: Mapping[str, float | None]) -> None:
        """Have the rows tell it; of runs that have ended nothing is kept."""
        usual = self._board.usual
        for run_id, seconds in found.items():
            usual.pop(run_id, None)
            if seconds:
                usual[run_id] = seconds
        for run_id in [one for one in self._asked if not self._board.lives(one)]:
            del self._asked[run_id]
            usual.pop(run_id, None)
        self._table.flush()
