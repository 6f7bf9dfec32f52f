"""Which runs are visible and in what order: as they usually stand, filtered, sorted; a run is found by its key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from runboard import rank
from runboard.model import Run, Sample
from runboard.order import FEW, Order, Sorting, ranked
from runboard.query import Query
from runboard.row import NEEDY, Entry, Place, Row, matching, place

TICK_SECONDS = 5.0
"""How often runs are placed and compared anew where order or filter know the time."""

SLICE = 10_000
"""So many rows are then compared with a filter that knows the time, in a few milliseconds."""

_SAMPLED: dict[str, Callable[[Sample], float | None]] = {
    "cpu": lambda sample: sample.cpu,
    "memory": lambda sample: sample.memory,
}


class Lineup:
    """One list of all ids as they usually stand, and, where a filter or another order is set, one of the visible ones.

    Neither is ever handed out. Usually those that need somebody stand first. Who that is stands in ``needs``, which
    changes at any time; a run moves there or back when it is put in, when its state changes, or by `prefer`.
    """

    def __init__(self, entries: Mapping[str, Entry], sizes: dict[str, int]) -> None:
        """Line up ``entries``, which whoever holds them changes only between taking out and putting in."""
        self.query = Query()
        self.sorting = Sorting()
        self.needs: dict[str, str] = {}
        self.samples: dict[str, Sample] = {}
        self.weighed = False
        self._entries, self._sizes = entries, sizes
        self._first = set[str]()
        self._shown = self._all = Order([], self._usual)
        self._now, self._compared = 0.0, 0

    @property
    def shown(self) -> Order:
        """The visible ones; only to be looked at."""
        return self._shown

    @property
    def whole(self) -> bool:
        """Whether all are visible, as they usually stand."""
        return self._shown is self._all

    @property
    def usual(self) -> Order:
        """All of them as they usually stand; only to be looked at."""
        return self._all

    def arrange(self, now: float, *, query: Query | None = None, sorting: Sorting | None = None) -> None:
        """Make the order of the visible ids anew, by another filter or another sorting where there is one."""
        self._now = now
        self.query = self.query if query is None else query
        self.sorting = self.sorting if sorting is None else sorting
        self.weighed = False
        if not self.query.terms and self.sorting.column is None:
            self._shown = self._all
            return
        ids, column, falling = self._all.ids, self.sorting.column, self.sorting.falling
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

    def tick(self, now: float, live: Collection[str]) -> bool:
        """Let time go on where order or filter know it; whether rows came, went or moved.

        Once in ``TICK_SECONDS`` every live run is placed and compared anew. Of the others only the age goes on, slowly:
        ``SLICE`` of them are compared each time.
        """
        early, column = 0 <= now - self._now < TICK_SECONDS, self.sorting.column
        if (self.weighed and (self.query.sized or column == "size")) or (column in _SAMPLED and not early):
            before = self._shown.ids
            self.arrange(now)
            return self._shown.ids != before
        timed = self.query.timed
        if (not timed and column != "elapsed") or early:
            return False
        before, some = self._shown.ids, {**dict.fromkeys(live), **dict.fromkeys(self._next_slice() if timed else ())}
        self._now = now
        self._shown.ids = [run_id for run_id in before if run_id not in some]
        self._shown.merge([run_id for run_id in some if self._passes(run_id)])
        return self._shown.ids != before

    def _next_slice(self) -> list[str]:
        """The rows whose turn it is to be compared with the time."""
        start = self._compared if self._compared < len(self._all.ids) else 0
        self._compared = start + SLICE
        return self._all.ids[start : self._compared]

    # What each change does to the order.

    def prefer(self, spared: str | None = None) -> bool:
        """Have those stand first that need somebody, and no others; whether any moved.

        ``spared`` stays where it stands: somebody looks at it, and thereby changes what it needs.
        """
        moving = [one for one in self._first.symmetric_difference(self.needs) if one != spared and one in self._entries]
        if not moving:
            return False
        together = self._shown is self._all
        visible = moving if together else [one for one in moving if self._shown.find(one) is not None]
        self._all.drop(moving)
        if not together:
            self._shown.drop(visible)
        self._first.symmetric_difference_update(moving)
        self._all.merge(list(moving))
        if not together:
            self._shown.merge(list(visible))
        return bool(visible)

    def put_in(self, run_ids: list[str]) -> bool:
        """Put newcomers into the order; whether any of them is visible."""
        self._first.update(self.needs.keys() & run_ids)
        self._all.merge(run_ids)
        if self._shown is self._all:
            return bool(run_ids)
        visible = [run_id for run_id in run_ids if self._passes(run_id)]
        self._shown.merge(visible)
        return bool(visible)

    def take_out(self, run_id: str) -> bool:
        """Take a run out of the order; whether it was visible."""
        visible = self._shown.remove(run_id)
        if self._shown is not self._all:
            self._all.remove(run_id)
        self._first.discard(run_id)
        return visible

    def take_out_many(self, run_ids: list[str]) -> bool:
        """Take many out at once, visible or not; whether any was visible."""
        before = len(self._shown.ids)
        if len(run_ids) <= FEW:
            return sum(self.take_out(run_id) for run_id in run_ids) > 0
        self._shown.drop(run_ids)
        if self._shown is not self._all:
            self._all.drop(run_ids)
        self._first.difference_update(run_ids)
        return len(self._shown.ids) < before

    def replace(self, entry: Entry, old: Entry, hold: Callable[[], None]) -> bool:
        """Have ``hold`` put a new state of a run in the place of its old one; whether it came, went or moved."""
        moved = place(old) != place(entry)
        if self._shown is self._all:
            if moved:
                self._all.remove(entry.id)
            hold()
            if moved:
                self._place_anew(entry.id)
            return moved
        key, spot = self._shown.rank(entry.id), self._shown.find(entry.id)
        if moved:
            self._all.remove(entry.id)
        hold()
        if moved:
            self._place_anew(entry.id)
        passes = self._passes(entry.id)
        if (spot is not None) is passes and (not passes or key == self._shown.rank(entry.id)):
            return False
        if spot is not None:
            del self._shown.ids[spot]
        if passes:
            self._shown.add(entry.id)
        return True

    def _place_anew(self, run_id: str) -> None:
        """Put a run that stands otherwise now among all."""
        (self._first.add if run_id in self.needs else self._first.discard)(run_id)
        self._all.add(run_id)

    # By what they stand.

    def _usual(self, run_id: str) -> Place:
        """The key of a run in the usual order."""
        found = place(self._entries[run_id])
        return (NEEDY, *found[1:]) if run_id in self._first else found

    def _value(self, column: str) -> Callable[[str], rank.Value]:
        """By what a run is ranked in a column, by its id; an order stands on keys that do not change below it."""
        if column == "size":
            return self._sizes.copy().get
        if (sampled := _SAMPLED.get(column)) is not None:
            return {run_id: sampled(sample) for run_id, sample in self.samples.items()}.get
        of_run, of_row, entries = rank.of_run(column), rank.of_row(column), self._entries

        def value(run_id: str) -> rank.Value:
            """Its value now."""
            entry = entries[run_id]
            return of_row(entry, self._now) if isinstance(entry, Row) else of_run(entry, self._now)

        return value

    def _passes(self, run_id: str) -> bool:
        """Whether a run is visible under the present filter."""
        entry = self._entries[run_id]
        size = self._sizes.get(run_id)
        if isinstance(entry, Row):
            return entry.matches(self.query, self._now, size)
        return self.query.matches(entry, self._now, size)

    def _matching(self) -> list[str]:
        """The ids of all runs that are visible under the present filter, in the usual order."""
        entries = list(self._entries.values())
        rows = [entry for entry in entries if isinstance(entry, Row)]
        passing = {row.id for row in matching(rows, self.query, self._now, self._sizes)}
        passing.update(run.id for run in entries if isinstance(run, Run) and self._passes(run.id))
        return [run_id for run_id in self._all.ids if run_id in passing]
