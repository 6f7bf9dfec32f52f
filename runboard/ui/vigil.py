"""Keeps the board's needs true as runs and time go on, and remembers what somebody has looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf
from operator import itemgetter

from runboard.attention import KEY, Limits, Need, Seen, due_of, need_of, need_of_row
from runboard.board import Board
from runboard.model import Run
from runboard.row import Row
from runboard.ui.remembrance import Remembrance

SLICE = 500
"""So many live runs at most are asked in a second."""

BACK = 2.0
"""Seconds: where the clock was set back by more, what was to be asked later may be due."""

_MATTERS = (
    *("queued", "started_at", "timeout", "warnings", "kill_request", "outcome", "damage", "foreign", "paused"),
    *("activity_at", "completed_at"),
)
_of = itemgetter(*map(Run._fields.index, _MATTERS))
"""What of a run tells whether it needs somebody, and when it will; the rest changes a thousand times as often."""


class Vigil:
    """The one who writes ``board.needs``: a run is asked when it changes, and live ones in turn as time goes on."""

    def __init__(self, board: Board, clock: Callable[[], float], limits: Limits, remembrance: Remembrance) -> None:
        """Watch over ``board`` at the time that ``clock`` tells (epoch seconds)."""
        self.board = board
        self._clock = clock
        self._limits = limits
        self._remembrance = remembrance
        self._seen = Seen.of(remembrance.get(KEY), clock())
        self._begun = KEY in remembrance
        self._needs = board.needs
        self._due: dict[str, float] = {}
        self._waiting: list[tuple[float, str]] = []
        self._called: dict[str, float] = {}
        self._now = clock()
        self._asked: dict[str, tuple[object, ...]] = {}

    def take(self, changed: Iterable[Run], rows: Iterable[Row], removed: Iterable[str]) -> None:
        """Ask the runs that changed."""
        for run_id in removed:
            self._needs.pop(run_id, None)
            self._forget(run_id)
        for row in rows:
            self._put(row.id, need_of_row(row, self._seen))
            self._forget(row.id)
        now, due, asked = self._clock(), self._due, self._asked
        for run in changed:
            if due.get(run.id, 0.0) <= now or asked.get(run.id) != _of(run):
                self._ask(run, now)

    def tick(self) -> None:
        """Ask what may need somebody by now."""
        if not self._begun:
            self._begun = True
            self._remembrance.keep(KEY, self._seen.kept())
        now = self._clock()
        if now < self._now - BACK:
            self._due.clear()
        self._now = now
        if not self._due:
            self._waiting, self._called = [], {}
            for run_id in self.board.live:
                self._ask_again(run_id, now)
        for run_id in self._ready(now):
            self._ask_again(run_id, now)

    def _ready(self, now: float) -> list[str]:
        """Whose time to be asked has come, at most ``SLICE``; they wait no longer."""
        ready: list[str] = []
        while len(ready) < SLICE and self._waiting and self._waiting[0][0] <= now:
            at, run_id = heappop(self._waiting)
            if self._called.get(run_id) == at:
                del self._called[run_id]
                ready.append(run_id)
        return ready

    def _ask_again(self, run_id: str, now: float) -> None:
        """Ask a run if it is due, or have it asked when it is."""
        if self._due.get(run_id, 0.0) > now:
            self._call(run_id)
        elif isinstance(run := self.board.entry(run_id), Run):
            self._ask(run, now)

    def _ask(self, run: Run, now: float) -> None:
        """See whether a run needs somebody now, and when that may change."""
        need = need_of(run, now, self._limits, self._seen)
        self._put(run.id, need)
        self._due[run.id] = due_of(run, self._limits, now, need)
        self._asked[run.id] = _of(run)
        self._call(run.id)

    def _call(self, run_id: str) -> None:
        """Have a run asked by when it is due, once, however often that is put off before."""
        due = self._due.get(run_id, inf)
        if due < self._called.get(run_id, inf):
            self._called[run_id] = due
            heappush(self._waiting, (due, run_id))

    def _forget(self, run_id: str) -> None:
        """Have a run asked whenever it is told of again."""
        self._due.pop(run_id, None)
        self._asked.pop(run_id, None)

    def _put(self, run_id: str, need: Need | None) -> None:
        """Write down what a run needs."""
        if need is None:
            self._needs.pop(run_id, None)
        else:
            self._needs[run_id] = need.why

    def look(self, run_id: str | None) -> None:
        """Somebody looks at a run: what it needs has been seen."""
        run = None if run_id is None or run_id not in self.board.needs else self.board.get(run_id)
        need = None if run is None else need_of(run, self._clock(), self._limits, self._seen)
        if run is not None and need is not None:
            self._seen = self._seen.looked(run.id, need.kind)
            self._remembrance.keep(KEY, self._seen.kept())
            self._ask(run, self._clock())

    def look_at_all(self) -> int:
        """Somebody has seen it all: every failure till now, and what live runs need at present; of how many runs."""
        number, now = len(self._needs), self._clock()
        self._seen = Seen(max(now, self._seen.since), self._seen.marks)
        for run_id in list(self._needs):
            run = self.board.get(run_id)
            need = None if run is None else need_of(run, now, self._limits, self._seen)
            if run is not None and need is not None:
                self._seen = self._seen.looked(run.id, need.kind)
        self._needs.clear()
        self._remembrance.keep(KEY, self._seen.kept())
        return number

    @property
    def needed(self) -> bool:
        """Whether some run needs somebody."""
        return bool(self._needs)

    def after(self, run_id: str | None) -> str | None:
        """The next visible run below this one that needs somebody, from the top again after the last."""
        spots = sorted(spot for one in self.board.needs if (spot := self.board.index_of(one)) is not None)
        here = self.board.index_of(run_id)
        below = [spot for spot in spots if here is not None and spot > here]
        spot = next(iter(below or spots), None)
        return None if spot is None else self.board.at(spot)
