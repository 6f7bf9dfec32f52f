"""Which of many runs a verb means: the index proposes, the records are read, and only what these say is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from runboard import census
from runboard.cli.finding import Found, among_all, settled
from runboard.index import Index
from runboard.model import Run
from runboard.query import Measure, Query
from runboard.row import Place, Row, matching, place
from runboard.store import LAST, NoSuchRun, Store

Order = Callable[[Sequence[Run | Row], float], list[Run | Row]]
"""Sorts runs, and leaves out those that are not to be listed, at a time in epoch seconds."""

_ROUNDS = 5
"""How often the index is put right and asked again before all records are read instead."""

_SOME = 500
"""So many rows are looked at at a time until enough are alike."""


def newest(store: Store, query: Query, most: int) -> Found:
    """The runs that the query finds among those that have not ended, and the newest that have.

    The index only proposes: each is read, and where one is not as the index has it the index is put right and asked
    again, so what is listed is true whatever the index says.
    """
    index = Index(store)
    if not index.usable() and (at_once := _without_index(store, query, most, index)) is not None:
        return at_once
    live, total = _asked(store, query, index)
    now = time.time()
    for _ in range(_ROUNDS):
        rows = index.get(index.select(query, now, most))
        ended = _read(store, index, rows.values())
        if ended is not None:
            found = [run for run in live() if query.matches(run, now, _size(store, query, run))]
            matching = len(found) + index.count(query, now)
            listed = sorted([*found, *ended.values()], key=place)
            result = Found(listed, now, matching, total())
            index.close()
            return result
    return among_all(store, query)


def ranked(store: Store, query: Query, order: Order) -> Found:
    """The runs that the query finds, in another order: of all rows those that come first are read, as above."""
    index = Index(store)
    live, total = _asked(store, query, index)
    now = time.time()
    for _ in range(_ROUNDS):
        rows = [row for some in index.rows() for row in some]
        found: list[Run | Row] = [run for run in live() if query.matches(run, now, _size(store, query, run))]
        found += matching(rows, query, now, index.sizes() if query.sized else {})
        listed = order(sorted(found, key=_place), now)
        ended = _read(store, index, [one for one in listed if isinstance(one, Row)])
        if ended is not None:
            index.close()
            return Found(
                [ended.get(one.id) or one.run() if isinstance(one, Row) else one for one in listed],
                now,
                len(found),
                total(),
            )
    everything = among_all(store, query)
    return everything._replace(listed=[one for one in order(everything.listed, everything.now) if isinstance(one, Run)])


def candidates(store: Store, query: Query, now: float) -> list[str]:
    """The ids of the finished runs that the query finds by the index, and of all that have no row; each is to be read.

    A query for sizes is not for it: nobody may have measured them yet.
    """
    index, waiting, found = _proposed(store, query, now)
    index.close()
    return [*waiting, *found]


def newest_alike(store: Store, query: Query, alike: Callable[[str], bool], most: int, now: float) -> list[str]:
    """The same, but of the finished runs only the newest whose haystacks are alike, and at most so many."""
    index, waiting, found = _proposed(store, query, now)
    chosen = list[str]()
    for start in range(0, len(found), _SOME):
        some = found[start : start + _SOME]
        rows = index.get(some)
        chosen += [run_id for run_id in some if run_id in rows and alike(rows[run_id].hay)]
        if len(chosen) >= most:
            break
    index.close()
    return [*waiting, *chosen[:most]]


def _proposed(store: Store, query: Query, now: float) -> tuple[Index, list[str], list[str]]:
    """The index, the runs that have no row in it, and those that the query finds by their rows, newest first."""
    index = Index(store)
    waiting = list(index.sync().open)
    return index, waiting, index.select(query, now)


def last(store: Store) -> str:
    """The id of the run that was started last.

    Raises:
        NoSuchRun: There is none.
    """
    index = Index(store)
    begun: list[tuple[float, str]] = []
    for run_id in index.sync().open:
        with suppress(NoSuchRun):
            begun.append((store.read(run_id).started_at or 0.0, run_id))
    for _ in range(_ROUNDS):
        found = index.last()
        if found is None:
            break
        with suppress(NoSuchRun):
            run = store.read(found[0])
            if (run.started_at or 0.0) == found[1]:
                begun.append((found[1], found[0]))
                break
        index.refresh([found[0]])
    else:
        return store.find(LAST)
    index.close()
    return max(begun)[1] if begun else store.find(LAST)


def _without_index(store: Store, query: Query, most: int, index: Index) -> Found | None:
    """The same from all records, which takes less time than to make an index; None where there are too few of them.

    Also None where a run that is to be listed has changed since: that is seldom, and an index knows what to do.
    """
    now = time.time()
    taken = None if query.sized else census.take(store.root, query, now, most)
    if taken is None:
        return None
    listed = []
    try:
        for at, run_id in taken.newest:
            run = store.read(run_id)
            if not run.finished or place(run)[1] != at or not query.matches(run, now):
                return None
            listed.append(run)
    except NoSuchRun:
        return None
    others = settled(store, taken.others)
    found = [run for run in others if query.matches(run, now)]
    listed = sorted([*listed, *found], key=place)
    total = taken.ended + len(others)
    return Found(listed, now, taken.matching + len(found), total, unindexed=index.trouble is None)


def _asked(store: Store, query: Query, index: Index) -> tuple[Callable[[], list[Run]], Callable[[], int]]:
    """Bring the index up to date; returns what gives the settled runs that have no row, and what counts all runs."""
    runs = {run.id: run for run in settled(store, index.sync().open)}
    index.refresh([run.id for run in runs.values() if run.finished and not run.unsaved])
    if query.sized:
        _measure(store, index, query, time.time())

    def live() -> list[Run]:
        """The runs without a row; one that was taken for ended may have come to them."""
        new = [run_id for run_id in index.open() if run_id not in runs]
        runs.update((run.id, run) for run in settled(store, new))
        kept = index.get(runs)
        return [run for run in runs.values() if run.id not in kept]

    return live, lambda: len(live()) + index.count(Query(), 0.0)


def _read(store: Store, index: Index, rows: Iterable[Row]) -> dict[str, Run] | None:
    """The runs of these rows as their records tell; None where the index was wrong about one, and is put right."""
    runs: dict[str, Run] = {}
    wrong, gone = [], []
    for row in rows:
        try:
            run = store.read(row.id)
        except NoSuchRun:
            gone.append(row.id)
            continue
        if run.finished and run.damage is None and Row.of(run) == row:
            runs[run.id] = run
        else:
            wrong.append(row.id)
    if not wrong and not gone:
        return runs
    index.refresh(wrong, gone)
    return None


def _place(one: Run | Row) -> Place:
    """Where a run stands in the usual order."""
    return one.place if isinstance(one, Row) else place(one)


def _size(store: Store, query: Query, run: Run) -> int | None:
    """The bytes that a run takes on the disk, where the query asks."""
    return store.size(run.id) if query.sized else None


def _measure(store: Store, index: Index, query: Query, now: float) -> None:
    """Find out the sizes that the query asks for, of the runs that meet its other conditions."""
    others = Query(tuple(term for term in query.terms if not isinstance(term, Measure) or term.field != "size"))
    known = index.sizes()
    index.put_sizes({run_id: store.size(run_id) for run_id in index.select(others, now) if run_id not in known})
