"""Which runs a clean-up with limits takes: of many the index proposes, and each is judged by its record.

It is judged when it is chosen, and again under its lock; so whatever the index says, no run goes that its record keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from runboard.model import Run
from runboard.query import Query, Term
from runboard.store import Store
from runboard.together import settle_all

FEW = 200
"""Up to so many runs are read without asking the index."""

_SLACK = 1.0
"""Seconds by which the index proposes more than the limit, so that no rounding hides a run."""


class Limits(TypedDict, total=False):
    """What a clean-up spares or takes; see `Retention`."""

    older_than: float | None
    status: str | None
    keep: int | None
    max_size: int | None
    unsaved: bool


@dataclass(slots=True)
class Retention:
    """One clean-up at a time ``now`` in epoch seconds: which runs it takes, and whether a run is still one of them.

    A run of which nothing tells when it ended is not old: no limit by age takes it, and it is among ``undated``.

    Args:
        store: Whose runs.
        by: Who is settling, for the history.
        now: Epoch seconds.
        query: Only runs that match; a damaged one goes only where its id or its status is named.
        older_than: Only runs that ended more than so many seconds before ``now``.
        status: Only ``completed``, only ``failed`` or only ``damaged`` ones.
        keep: Spare the newest so many of what is left.
        max_size: Take the oldest only until the rest is at most so many bytes.
        unsaved: Also runs whose ending could not be written down.
    """

    store: Store
    by: str
    now: float
    query: Query
    older_than: float | None = None
    status: str | None = None
    keep: int | None = None
    max_size: int | None = None
    unsaved: bool = False
    undated: list[Run] = field(default_factory=list)
    _sizes: dict[str, int] = field(default_factory=dict)
    _named: set[str] = field(default_factory=set)
    _spared: tuple[float, str] | None = None

    def candidates(self) -> list[Run]:
        """The runs that would go, oldest first: finished ones, and damaged ones by name."""
        chosen = sorted(self._found(), key=_place)
        if self._by_age:
            self.undated = [run for run in chosen if run.completed_at is None]
            chosen = [run for run in chosen if run.completed_at is not None]
        if self.keep is not None:
            kept = max(0, len(chosen) - self.keep)
            self._spared = _place(chosen[kept]) if kept < len(chosen) else None
            chosen = chosen[:kept]
        return chosen if self.max_size is None else self._over_size(chosen, self.max_size)

    def still(self, run: Run) -> bool:
        """Whether a run, as it was read again under its lock, would yet go."""
        dated = run.completed_at is not None or not self._by_age
        return dated and self._takes(run) and (self._spared is None or _place(run) < self._spared)

    @property
    def _by_age(self) -> bool:
        """Whether older runs go before younger ones."""
        return not (self.older_than is None and self.keep is None and self.max_size is None)

    def _found(self) -> list[Run]:
        """Every run that meets the conditions by its record, in no order."""
        # A most size is kept by the size of all that stays, so that all must be looked at anyway.
        if self.max_size is not None or self.store.few_ids(FEW) is not None:
            return self._taken(settle_all(self.store, by=self.by))
        from runboard.index import Index  # noqa: PLC0415 - SQLite, which few runs do without

        index = Index(self.store)
        waiting = index.sync().open
        query, before = self._proposal()
        runs = settle_all(self.store, {*waiting, *index.select(query, self.now, before=before)}, by=self.by)
        taken = self._taken(runs)
        index.refresh({run.id for run in runs}.difference(waiting, (run.id for run in taken)))
        index.close()
        return taken

    def _proposal(self) -> tuple[Query, float | None]:
        """What the index is asked for, which knows no sizes that nobody measured; and before when the runs ended."""
        status = () if self.status is None else (Term("status", self.status),)
        before = None if self.older_than is None else self.now - self.older_than + _SLACK
        return Query((*status, *(term for term in self.query.terms if term.field != "size"))), before

    def _taken(self, runs: Sequence[Run]) -> list[Run]:
        """Those of some runs that go by their records."""
        damaged = [run for run in runs if run.damage is not None]
        if damaged:
            known = self.store.ids()
            self._named = {run.id for run in damaged if self.status or _names(self.query, run, known)}
        return [run for run in runs if self._takes(run)]

    def _takes(self, run: Run) -> bool:
        """Whether a run meets each condition that looks at it alone."""
        return bool(
            (run.finished or (run.damage is not None and run.id in self._named))
            and (self.unsaved or not run.unsaved)
            and (self.status is None or run.status == self.status)
            and (self.older_than is None or run.completed_at is None or self.now - run.completed_at > self.older_than)
            and self.query.matches(run, self.now, self._size(run.id) if self.query.sized else None)
        )

    def _size(self, run_id: str) -> int:
        """The bytes that a run takes on the disk, measured once."""
        if run_id not in self._sizes:
            self._sizes[run_id] = self.store.size(run_id)
        return self._sizes[run_id]

    def _over_size(self, chosen: Sequence[Run], max_size: int) -> list[Run]:
        """The oldest of these that must go for all runs together to be at most ``max_size`` bytes.

        Measured is what stays whatever happens, then the rest from the newest, until no more fits: not the older ones.
        """
        total = 0
        for run_id in set(self.store.ids()).difference(run.id for run in chosen):
            total += self.store.size(run_id)
        for spared, run in enumerate(reversed(chosen)):
            total += self.store.size(run.id)
            if total > max_size:
                return list(chosen[: len(chosen) - spared])
        return []


def _place(run: Run) -> tuple[float, str]:
    """Where a run stands among those that may go, the oldest first; by its start where nothing tells its end."""
    return run.completed_at or run.started_at or 0.0, run.id


def _names(query: Query, run: Run, known: Iterable[str]) -> bool:
    """Whether a query names a damaged run: its status, its id, or a beginning of that which no other run has."""
    for term in query.terms:
        if isinstance(term, Term) and not term.negated and term.text:
            if term.field == "status" and str(run.status).startswith(term.text):
                return True
            if term.field in {None, "id"} and (
                term.text == run.id or [one for one in known if one.startswith(term.text)] == [run.id]
            ):
                return True
    return False
