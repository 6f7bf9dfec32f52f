"""Counts and sums over all runs, kept as runs come, change and go: no look at all of them to tell a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from runboard.model import Run, Status
from runboard.row import Row

HOUR = 3600.0

_FINE = 10**9
"""Costs are added in billionths of a dollar: what is taken out again leaves no crumbs."""


class Spending(NamedTuple):
    """What the runs used: tokens, cost in USD, and what of the cost fell into the last hour; None is "not told"."""

    tokens: int | None
    cost: float | None
    per_hour: float | None


class Totals:
    """How many runs stand where, and what they used."""

    def __init__(self) -> None:
        """Begin with none."""
        self._counts: Counter[Status] = Counter()
        self._tokens = self._tellers = 0
        self._cost = self._payers = 0
        self._recent: dict[str, Run | Row] = {}
        self._told_at = float("-inf")
        self.sizes: dict[str, int] = {}
        self._disk = 0

    def put(self, entry: Run | Row, old: Run | Row | None) -> None:
        """Take a run in, in the place of its old state."""
        if old is not None:
            if old.status is entry.status and used(old) == used(entry) == (None, None):
                return
            self.remove(old)
        self.add(entry)

    def add(self, entry: Run | Row) -> None:
        """Take a run in."""
        self._counts[entry.status] += 1
        tokens, cost = used(entry)
        if tokens is not None:
            self._tokens += tokens
            self._tellers += 1
        if cost is not None:
            self._cost += round(cost * _FINE)
            self._payers += 1
            if (end := _end(entry)) is None or end > self._told_at - HOUR:
                self._recent[entry.id] = entry

    def add_rows(self, rows: list[Row]) -> None:
        """Take many rows in: the same, in a fraction of the time."""
        self._counts.update([row.status for row in rows])
        tokens = [row.tokens for row in rows if row.tokens is not None]
        self._tokens += sum(tokens)
        self._tellers += len(tokens)
        paid = [row for row in rows if row.cost is not None]
        self._cost += sum([round((row.cost or 0.0) * _FINE) for row in paid])
        self._payers += len(paid)
        since = self._told_at - HOUR
        self._recent.update({row.id: row for row in paid if row.ended is None or row.ended > since})

    def remove(self, entry: Run | Row) -> None:
        """Take a run out, exactly as it was put in."""
        self._counts[entry.status] -= 1
        tokens, cost = used(entry)
        if tokens is not None:
            self._tokens -= tokens
            self._tellers -= 1
        if cost is not None:
            self._cost -= round(cost * _FINE)
            self._payers -= 1
            self._recent.pop(entry.id, None)

    def counts(self) -> dict[Status, int]:
        """How many runs stand where; statuses nobody has are left out."""
        return {status: self._counts[status] for status in Status if self._counts[status] > 0}

    def weigh(self, sizes: Mapping[str, int | None]) -> list[str]:
        """Take note of what runs take on the disk, None for one that is gone; returns which differ."""
        changed = [run_id for run_id, size in sizes.items() if size != self.sizes.get(run_id)]
        for run_id in changed:
            size = sizes[run_id]
            self._disk += (size or 0) - self.sizes.pop(run_id, 0)
            if size is not None:
                self.sizes[run_id] = size
        return changed

    def disk(self) -> tuple[int, bool] | None:
        """What all runs take on the disk together, and whether all were measured; None while none was."""
        return (self._disk, len(self.sizes) >= self._counts.total()) if self.sizes else None

    def spending(self, now: float) -> Spending | None:
        """What all runs together used; None where no run tells. Looks only at what was alive within the last hour.

        What ended more than an hour before the last asking is not looked at again, even if the clock is set back.
        """
        self._told_at = max(self._told_at, now)
        if not self._tellers and not self._payers:
            return None
        hour = 0.0
        for entry in list(self._recent.values()):
            share = _share_of_last_hour(entry, now)
            if share <= 0:
                del self._recent[entry.id]
            hour += share * (used(entry)[1] or 0.0)
        costs = (self._cost / _FINE, hour) if self._payers else (None, None)
        return Spending(self._tokens if self._tellers else None, *costs)


def used(entry: Run | Row) -> tuple[int | None, float | None]:
    """Tokens and cost in USD of a run, as far as told."""
    if isinstance(entry, Row):
        return entry.tokens, entry.cost
    return (entry.usage.total_tokens, entry.usage.cost) if entry.usage is not None else (None, None)


def _end(entry: Run | Row) -> float | None:
    """When a run ended; None while it runs, or where nobody knows."""
    if isinstance(entry, Row):
        return entry.ended
    return entry.completed_at if entry.finished else None


def _share_of_last_hour(entry: Run | Row, now: float) -> float:
    """Which part of a run's time lies in the last hour; its cost is taken as spread evenly over its time."""
    known = _end(entry)
    end = known if known is not None else now
    started = entry.started if isinstance(entry, Row) else entry.started_at
    begun = started if started is not None else end
    if end <= now - HOUR:
        return 0.0
    whole = end - begun
    return 1.0 if whole <= 0 else min(1.0, (end - max(begun, now - HOUR)) / whole)
