"""The runs as the board shows them: which, in what order, and what changed; a row is always found by its run's id."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from runboard.model import Run, Status
from runboard.query import Query

Place = tuple[int, float, str]
"""Where a run stands in the order: its group, then newest first, then its id so that no two places are equal."""

HOUR = 3600.0

_GROUPS = {Status.RUNNING: 0, Status.QUEUED: 1}


@dataclass(frozen=True, slots=True)
class Delta:
    """What one batch changed: the ids whose rows look different, and whether rows came, went or moved."""

    changed: frozenset[str]
    reordered: bool


@dataclass(frozen=True, slots=True)
class Spending:
    """What the runs used: tokens, cost in USD, and what of the cost fell into the last hour; None is "not told"."""

    tokens: int | None
    cost: float | None
    per_hour: float | None


def _share_of_last_hour(run: Run, now: float) -> float:
    """Which part of a run's time lies in the last hour; its cost is taken as spread evenly over its time."""
    end = run.completed_at if run.finished and run.completed_at is not None else now
    begun = run.started_at if run.started_at is not None else end
    if end <= now - HOUR:
        return 0.0
    whole = end - begun
    return 1.0 if whole <= 0 else min(1.0, (end - max(begun, now - HOUR)) / whole)


def place(run: Run) -> Place:
    """Running first, then queued, then ended; newest first within each."""
    group = _GROUPS.get(run.status, 2)
    moment = (run.completed_at or run.started_at) if group == 2 else run.started_at
    return group, -(moment or 0.0), run.id


class Board:
    """All runs by id and the visible ones in order; cost grows with what changes, not with what there is."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        """Begin with these runs and no filter."""
        self.runs: dict[str, Run] = {}
        self.query = Query()
        self._now = 0.0
        self._places: list[Place] = []
        self._counts: Counter[Status] = Counter()
        self.apply(runs)

    @property
    def order(self) -> list[str]:
        """The visible ids from top to bottom."""
        return [entry[2] for entry in self._places]

    def get(self, run_id: str) -> Run | None:
        """The run, or None when it is gone."""
        return self.runs.get(run_id)

    def apply(self, changed: Iterable[Run], removed: Iterable[str] = ()) -> Delta:
        """Take over new states of runs and forget those removed."""
        touched: set[str] = set()
        moved = False
        for run_id in removed:
            old = self.runs.pop(run_id, None)
            if old is not None:
                self._counts[old.status] -= 1
                moved |= self._withdraw(old)
                touched.add(run_id)
        for run in changed:
            old = self.runs.get(run.id)
            if old == run:
                continue
            self.runs[run.id] = run
            self._counts[run.status] += 1
            touched.add(run.id)
            if old is not None:
                self._counts[old.status] -= 1
                if place(old) == place(run) and self.query.matches(old, self._now) == self.query.matches(
                    run, self._now
                ):
                    continue
                moved |= self._withdraw(old)
            if self.query.matches(run, self._now):
                insort(self._places, place(run))
                moved = True
        return Delta(frozenset(touched), moved)

    def filter(self, text: str, now: float = 0.0) -> None:
        """Show only what the query matches at this time in epoch seconds.

        Raises:
            BadQuery: The text is no query; the old filter stays.
        """
        self.query = Query.parse(text)
        self._now = now
        self._places = sorted(place(run) for run in self.runs.values() if self.query.matches(run, now))

    def spending(self, now: float) -> Spending | None:
        """What all runs together used, filtered or not; None where no run tells."""
        told = [(run, run.usage) for run in self.runs.values() if run.usage is not None]
        tokens = [usage.total_tokens for _, usage in told if usage.total_tokens is not None]
        costs = [(run, usage.cost) for run, usage in told if usage.cost is not None]
        if not tokens and not costs:
            return None
        hour = sum(cost * _share_of_last_hour(run, now) for run, cost in costs)
        return Spending(sum(tokens) if tokens else None, *((sum(c for _, c in costs), hour) if costs else (None, None)))

    def counts(self) -> dict[Status, int]:
        """How many runs stand where, over all runs, filtered or not; statuses nobody has are left out."""
        return {status: self._counts[status] for status in Status if self._counts[status] > 0}

    def _withdraw(self, run: Run) -> bool:
        """Take a run's place out of the order; whether it had one."""
        spot = bisect_left(self._places, place(run))
        if spot < len(self._places) and self._places[spot][2] == run.id:
            del self._places[spot]
            return True
        return False
