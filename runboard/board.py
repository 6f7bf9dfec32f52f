"""The runs as the board shows them: which, in what order, and what changed; a row is always found by its run's id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from itertools import chain
from operator import or_
from types import MappingProxyType

from runboard import rank
from runboard.columns import FILLS, fills
from runboard.model import Run, Status
from runboard.order import FEW, Delta, Key, Order, Sorting, ranked
from runboard.query import Query
from runboard.row import Entry, Place, Row, matching, place
from runboard.totals import Spending, Totals

__all__ = ["Board", "Entry", "place"]

PARSED = 512
"""So many rows are kept parsed: more than fit on any screen."""

TICK_SECONDS = 5.0
"""How often runs are placed and compared anew where order or filter know the time."""

SLICE = 10_000
"""So many rows are then compared with a filter that knows the time, in a few milliseconds."""


class Board:
    """All runs by id and the visible ones in order; cost grows with what changes, not with what there is.

    Of the order there is one list of all ids as they usually stand, and, where a filter or another order is set, one of
    the visible ones; neither is ever handed out. A place in them is found by the key of the run that stands there.
    """

    def __init__(self, runs: Iterable[Entry] = ()) -> None:
        """Begin with these runs, no filter and the usual order."""
        self.query = Query()
        self.needs: Mapping[str, str] = {}
        self.sorting = Sorting()
        self.filled = 0
        self._entries: dict[str, Entry] = {}
        self._live: dict[str, None] = {}
        self._totals = Totals()
        self.sizes = self._totals.sizes
        self._parsed: dict[str, Run] = {}
        self._shown = self._ranked = Order([], self._usual)
        self._now, self._compared = 0.0, 0
        self._weighed = False
        self.apply(runs)

    def __len__(self) -> int:
        """How many runs are visible."""
        return len(self._shown.ids)

    @property
    def total(self) -> int:
        """How many runs there are, visible or not."""
        return len(self._entries)

    @property
    def order(self) -> list[str]:
        """The visible ids from top to bottom: a copy of all of them, for who has time."""
        return list(self._shown.ids)

    @property
    def live(self) -> Collection[str]:
        """The ids of the runs that may change by themselves."""
        return self._live.keys()

    def at(self, spot: int) -> str:
        """The id of the visible run at a place from the top."""
        return self._shown.ids[spot]

    def get(self, run_id: str) -> Run | None:
        """The run, or None when it is gone; of a finished one what its row knows."""
        run = self._parsed.get(run_id)
        entry = self._entries.get(run_id)
        if run is not None or entry is None:
            return run
        size = self.sizes.get(run_id)
        if isinstance(entry, Run) and size is None:
            return entry
        if len(self._parsed) >= PARSED:
            self._parsed.clear()
        run = entry.run() if isinstance(entry, Row) else entry
        run = self._parsed[run_id] = run if size is None else replace(run, size=size)
        return run

    def entry(self, run_id: str) -> Entry | None:
        """A run as it was told, without what it takes on the disk; None when it is gone."""
        return self._entries.get(run_id)

    def newest(self) -> Iterator[Run]:
        """The first runs in the usual order, filtered or not, as many as are kept parsed."""
        return (run for run_id in self._ranked.ids[:PARSED] if (run := self.get(run_id)))

    def lives(self, run_id: str) -> bool:
        """Whether a run may still change by itself, by what is known of it."""
        return run_id in self._live

    def index_of(self, run_id: str | None) -> int | None:
        """At what place from the top a run stands; None where it is not visible."""
        return None if run_id is None or run_id not in self._entries else self._shown.find(run_id)

    def key(self, run_id: str) -> Key:
        """The key of a run in the present order; it tells its place also when it has gone."""
        return self._shown.rank(run_id)

    def spot(self, key: Key) -> int:
        """At what place a run of this key stands or would stand."""
        return self._shown.spot(key)

    def counts(self) -> dict[Status, int]:
        """How many runs stand where, over all runs, filtered or not; statuses nobody has are left out."""
        return self._totals.counts()

    def disk(self) -> tuple[int, bool] | None:
        """What all runs take on the disk, and whether that is all of it; None while nothing was measured."""
        return self._totals.disk()

    def spending(self, now: float) -> Spending | None:
        """What all runs together used, filtered or not; None where no run tells."""
        return self._totals.spending(now)

    # What changes.

    def apply(
        self,
        changed: Iterable[Entry],
        removed: Iterable[str] = (),
        rows: Iterable[Row] = (),
        sizes: Mapping[str, int] = MappingProxyType({}),
    ) -> Delta:
        """Take over new states of runs and what they take on the disk, and forget those removed."""
        touched: set[str] = set()
        fresh: dict[str, None] = {}
        moved = False
        for run_id in removed:
            if run_id in self._entries:
                moved |= self._take_out(run_id)
                self._forget(run_id)
                touched.add(run_id)
        for entry in chain(self._admit(list(rows), touched, fresh), changed):
            old = self._entries.get(entry.id)
            if old == entry:
                continue
            touched.add(entry.id)
            if old is None or entry.id in fresh:
                self._hold(entry, old)
                fresh[entry.id] = None
            else:
                moved |= self._replace(entry, old)
        moved |= self._put_in(list(fresh))
        known = self._entries  # whose ids are the keys, so that no second copy of them is kept
        for run_id in self._totals.weigh({known[one].id: size for one, size in sizes.items() if one in known}):
            self._parsed.pop(run_id, None)
            self.filled |= FILLS["size"]
            self._weighed = True
            touched.add(run_id)
        return Delta(frozenset(touched), moved)

    def filter(self, text: str, now: float = 0.0) -> None:
        """Show only what the query matches at this time in epoch seconds.

        Raises:
            BadQuery: The text is no query; the old filter stays.
        """
        self.query = Query.parse(text)
        self._now = now
        self._arrange()

    def sort(self, sorting: Sorting, now: float) -> None:
        """Sort by a column; live runs stand where their elapsed time puts them at ``now`` and at each later tick."""
        self.sorting = sorting
        self._now = now
        self._arrange()

    def tick(self, now: float) -> bool:
        """Let time go on where order or filter know it; whether rows came, went or moved.

        Once in ``TICK_SECONDS`` every live run is placed and compared anew. Of the others only the age goes on, slowly:
        ``SLICE`` of them are compared each time.
        """
        if self._weighed and (self.query.sized or self.sorting.column == "size"):
            before, self._now = self._shown.ids, now
            self._arrange()
            return self._shown.ids != before
        timed = self.query.timed
        if (not timed and self.sorting.column != "elapsed") or 0 <= now - self._now < TICK_SECONDS:
            return False
        before, some = self._shown.ids, {**self._live, **dict.fromkeys(self._next_slice() if timed else ())}
        self._now = now
        self._shown.ids = [run_id for run_id in before if run_id not in some]
        self._shown.merge([run_id for run_id in some if self._passes(run_id)])
        return self._shown.ids != before

    def _next_slice(self) -> list[str]:
        """The rows whose turn it is to be compared with the time."""
        start = self._compared if self._compared < len(self._ranked.ids) else 0
        self._compared = start + SLICE
        return self._ranked.ids[start : self._compared]

    # The runs.

    def _admit(self, rows: list[Row], touched: set[str], fresh: dict[str, None]) -> list[Row]:
        """Take many rows in at once, as while runs are loaded, if all are new; returns what is still to be taken in."""
        new = {row.id: row for row in rows}
        if len(rows) <= FEW or not new.keys().isdisjoint(self._entries):
            return rows
        self._entries.update(new)
        self._totals.add_rows(list(new.values()))
        self.filled |= reduce(or_, {row.fills for row in rows})
        touched.update(new)
        fresh.update(dict.fromkeys(new))
        return []

    def _hold(self, entry: Entry, old: Entry | None) -> None:
        """Take a run in, in the place of its old state."""
        if old is not None:
            self._totals.remove(old)
        self._entries[entry.id] = entry
        self._totals.add(entry)
        self._parsed.pop(entry.id, None)
        if isinstance(entry, Row):
            self.filled |= entry.fills
            self._live.pop(entry.id, None)
            return
        self.filled |= fills(entry)
        if entry.active:
            self._live[entry.id] = None
        else:
            self._live.pop(entry.id, None)

    def _forget(self, run_id: str) -> None:
        """Let a run go."""
        self._totals.remove(self._entries.pop(run_id))
        self._live.pop(run_id, None)
        self._parsed.pop(run_id, None)
        self._totals.weigh({run_id: None})

    # The order.

    def _usual(self, run_id: str) -> Place:
        """The key of a run in the usual order."""
        return place(self._entries[run_id])

    def _value(self, column: str) -> Callable[[str], rank.Value]:
        """By what a run is ranked in a column, by its id."""
        if column == "size":
            return self.sizes.copy().get  # an order stands on keys that do not change below it
        of_run, of_row, entries = rank.of_run(column), rank.of_row(column), self._entries

        def value(run_id: str) -> rank.Value:
            """Its value now."""
            entry = entries[run_id]
            return of_row(entry, self._now) if isinstance(entry, Row) else of_run(entry, self._now)

        return value

    def _arrange(self) -> None:
        """Make the order of the visible ids anew: the usual one, those that match, sorted; each step is stable."""
        self._weighed = False
        if not self.query.terms and self.sorting.column is None:
            self._shown = self._ranked
            return
        ids, column, falling = self._ranked.ids, self.sorting.column, self.sorting.falling
        if self.query.terms:
            ids = self._matching()
        if column is None:
            self._shown = Order(ids, self._usual)
            return
        value = self._value(column)
        values = {run_id: found for run_id in ids if (found := value(run_id)) is not None}
        without = [run_id for run_id in ids if run_id not in values]
        sorted_ids = sorted(values, key=values.__getitem__, reverse=falling)
        self._shown = Order(sorted_ids + without, ranked(value, self._usual, falling=falling))

    def _passes(self, run_id: str) -> bool:
        """Whether a run is visible under the present filter."""
        entry = self._entries[run_id]
        size = self.sizes.get(run_id)
        if isinstance(entry, Row):
            return entry.matches(self.query, self._now, size)
        return self.query.matches(entry, self._now, size)

    def _matching(self) -> list[str]:
        """The ids of all runs that are visible under the present filter, in the usual order."""
        entries = list(self._entries.values())
        rows = [entry for entry in entries if isinstance(entry, Row)]
        passing = {row.id for row in matching(rows, self.query, self._now, self.sizes)}
        passing.update(run.id for run in entries if isinstance(run, Run) and self._passes(run.id))
        return [run_id for run_id in self._ranked.ids if run_id in passing]

    def _replace(self, entry: Entry, old: Entry) -> bool:
        """Take over a new state of a run; whether it came, went or moved."""
        moved = place(old) != place(entry)
        if self._shown is self._ranked:
            if moved:
                self._ranked.remove(entry.id)
            self._hold(entry, old)
            if moved:
                self._ranked.add(entry.id)
            return moved
        key, spot = self._shown.rank(entry.id), self._shown.find(entry.id)
        if moved:
            self._ranked.remove(entry.id)
        self._hold(entry, old)
        if moved:
            self._ranked.add(entry.id)
        passes = self._passes(entry.id)
        if (spot is not None) is passes and (not passes or key == self._shown.rank(entry.id)):
            return False
        if spot is not None:
            del self._shown.ids[spot]
        if passes:
            self._shown.add(entry.id)
        return True

    def _take_out(self, run_id: str) -> bool:
        """Take a run out of the order; whether it was visible."""
        visible = self._shown.remove(run_id)
        if self._shown is not self._ranked:
            self._ranked.remove(run_id)
        return visible

    def _put_in(self, run_ids: list[str]) -> bool:
        """Put newcomers into the order; whether any of them is visible."""
        self._ranked.merge(run_ids)
        if self._shown is self._ranked:
            return bool(run_ids)
        visible = [run_id for run_id in run_ids if self._passes(run_id)]
        self._shown.merge(visible)
        return bool(visible)
