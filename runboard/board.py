"""The runs as the board shows them: which, in what order, and what changed; a row is always found by its run's id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial, reduce
from itertools import chain
from operator import or_
from types import MappingProxyType

from runboard.columns import FILLS, fills
from runboard.lineup import Lineup
from runboard.model import Run, Sample, Status
from runboard.order import FEW, Delta, Key, Sorting
from runboard.query import Query
from runboard.row import Entry, Row, goes_on, place
from runboard.totals import Spending, Totals

__all__ = ["Board", "Entry", "place"]

PARSED = 512
"""So many rows are kept parsed: more than fit on any screen."""


class Board:
    """All runs by id and the visible ones in order; cost grows with what changes, not with what there is.

    ``usual`` has the seconds that live runs take usually, as far as somebody has asked; kept by whoever asks.
    """

    def __init__(self, runs: Iterable[Entry] = ()) -> None:
        """Begin with these runs, no filter and the usual order."""
        self.filled = 0
        self.blind = False
        self.usual: dict[str, float] = {}
        self._entries: dict[str, Entry] = {}
        self._live: dict[str, None] = {}
        self._totals = Totals()
        self.sizes = self._totals.sizes
        self._parsed: dict[str, Run] = {}
        self._lineup = Lineup(self._entries, self.sizes)
        self.apply(runs)

    def __len__(self) -> int:
        """How many runs are visible."""
        return len(self._lineup.shown.ids)

    @property
    def query(self) -> Query:
        """The present filter."""
        return self._lineup.query

    @property
    def sorting(self) -> Sorting:
        """By what the visible runs are sorted."""
        return self._lineup.sorting

    @property
    def needs(self) -> dict[str, str]:
        """Why runs need somebody, by their ids; kept true by whoever watches, who then has them `prefer`-red."""
        return self._lineup.needs

    @property
    def samples(self) -> dict[str, Sample]:
        """What was seen of runs a moment ago, by their ids; kept by whoever looks."""
        return self._lineup.samples

    @property
    def total(self) -> int:
        """How many runs there are, visible or not."""
        return len(self._entries)

    @property
    def order(self) -> list[str]:
        """The visible ids from top to bottom: a copy of all of them, for who has time."""
        return list(self._lineup.shown.ids)

    @property
    def live(self) -> Collection[str]:
        """The ids of the runs that may change by themselves."""
        return self._live.keys()

    def at(self, spot: int) -> str:
        """The id of the visible run at a place from the top."""
        return self._lineup.shown.ids[spot]

    def stretch(self, spot: int, count: int) -> list[str]:
        """The ids of so many visible runs from a place on, as far as there are any."""
        return self._lineup.shown.ids[spot : spot + count]

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
        run = self._parsed[run_id] = run if size is None else run._replace(size=size)
        return run

    def entry(self, run_id: str) -> Entry | None:
        """A run as it was told, without what it takes on the disk; None when it is gone."""
        return self._entries.get(run_id)

    def newest(self) -> Iterator[Run]:
        """The first runs in the usual order, filtered or not, as many as are kept parsed."""
        return (run for run_id in self._lineup.usual.ids[:PARSED] if (run := self.get(run_id)))

    def lives(self, run_id: str) -> bool:
        """Whether a run may still change by itself, by what is known of it."""
        return run_id in self._live

    def index_of(self, run_id: str | None) -> int | None:
        """At what place from the top a run stands; None where it is not visible."""
        return None if run_id is None or run_id not in self._entries else self._lineup.shown.find(run_id)

    def key(self, run_id: str) -> Key:
        """The key of a run in the present order; it tells its place also when it has gone."""
        return self._lineup.shown.rank(run_id)

    def spot(self, key: Key) -> int:
        """At what place a run of this key stands or would stand."""
        return self._lineup.shown.spot(key)

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
        spared: str | None = None,
    ) -> Delta:
        """Take over new states of runs and what they take on the disk, and forget those removed; then `prefer`."""
        touched: set[str] = set()
        fresh: dict[str, None] = {}
        moved = False
        for run_id in removed:
            if run_id in self._entries:
                moved |= self._lineup.take_out(run_id)
                self._forget(run_id)
                touched.add(run_id)
        rest, lost = self._admit(list(rows), touched, fresh)
        moved |= lost
        for entry in chain(rest, changed):
            old = self._entries.get(entry.id)
            if old == entry:
                continue
            touched.add(entry.id)
            if old is None or entry.id in fresh:
                self._hold(entry, old)
                fresh[entry.id] = None
            elif not self._renew(entry, old):
                moved |= self._lineup.replace(entry, old, partial(self._hold, entry, old))
        moved |= self._lineup.put_in(list(fresh))
        known = self._entries  # whose ids are the keys, so that no second copy of them is kept
        for run_id in self._totals.weigh({known[one].id: size for one, size in sizes.items() if one in known}):
            self._parsed.pop(run_id, None)
            self.filled |= FILLS["size"]
            self._lineup.weighed = True
            touched.add(run_id)
        return Delta(frozenset(touched), moved | self._lineup.prefer(spared))

    def filter(self, text: str, now: float = 0.0, finished: str | None = None) -> None:
        """Show only what the query matches at this time in epoch seconds; where nothing does, what ``finished`` does.

        Raises:
            BadQuery: The text is no query; the old filter stays.
        """
        self._lineup.arrange(now, query=Query.parse(text))
        if not len(self) and finished is not None:
            self._lineup.arrange(now, query=Query.parse(finished))

    def sort(self, sorting: Sorting, now: float) -> None:
        """Sort by a column; live runs stand where their elapsed time puts them at ``now`` and at each later tick."""
        self._lineup.arrange(now, sorting=sorting)

    def tick(self, now: float) -> bool:
        """Let time go on where order or filter know it; whether rows came, went or moved."""
        return self._lineup.tick(now, self._live)

    def prefer(self, spared: str | None = None) -> bool:
        """Have those stand first in the usual order that need somebody by now; whether any moved.

        ``spared`` stays where it stands: somebody looks at it, and thereby changes what it needs.
        """
        return self._lineup.prefer(spared)

    # The runs.

    def _admit(self, rows: list[Row], touched: set[str], fresh: dict[str, None]) -> tuple[list[Row], bool]:
        """Take many rows in at once, as while runs are loaded or end by the hundred.

        Returns:
            What is still to be taken in, one by one; and whether visible runs have lost their places, to be put in as
            ``fresh`` ones.
        """
        if len(rows) <= FEW:
            return rows, False
        entries = self._entries
        told = {row.id: row for row in rows if entries.get(row.id) != row}
        known = {run_id: old for run_id in told if (old := entries.get(run_id)) is not None}
        moved = self._lineup.take_out_many(list(known))
        for run_id, old in known.items():
            self._hold(told[run_id], old)
        new = [row for run_id, row in told.items() if run_id not in known] if known else list(told.values())
        entries.update((row.id, row) for row in new)
        self._totals.add_rows(new)
        self.filled |= reduce(or_, {row.fills for row in new}, 0)
        touched.update(told)
        fresh.update(dict.fromkeys(told))
        return [], moved

    def _renew(self, entry: Entry, old: Entry) -> bool:
        """Take in what a live run tells that keeps its place, if it does: that is nearly all that comes, by far."""
        if isinstance(entry, Row) or isinstance(old, Row) or not (self._lineup.whole and goes_on(old, entry)):
            return False
        self._entries[entry.id] = entry
        self._parsed.pop(entry.id, None)
        self.filled |= fills(entry, self.filled)
        if entry.usage is not old.usage:
            self._totals.put(entry, old)
        return True

    def _hold(self, entry: Entry, old: Entry | None) -> None:
        """Take a run in, in the place of its old state."""
        self._entries[entry.id] = entry
        self._totals.put(entry, old)
        self._parsed.pop(entry.id, None)
        if isinstance(entry, Row):
            self.filled |= entry.fills
            self._live.pop(entry.id, None)
            return
        self.filled |= fills(entry, self.filled)
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
