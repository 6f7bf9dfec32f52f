"""Which of many runs a verb means: the index proposes, the records are read, and only what these say is shown."""

from __future__ import annotations

import time
from contextlib import suppress

from runboard.board import place
from runboard.cli.finding import Found, among_all
from runboard.index import Index
from runboard.model import Run
from runboard.query import Measure, Query
from runboard.reconcile import settle_all
from runboard.row import Row
from runboard.store import LAST, NoSuchRun, Store

_ROUNDS = 5
"""How often the index is put right and asked again before all records are read instead."""


def newest(store: Store, query: Query, most: int) -> Found:
    """The runs that the query finds among those that have not ended, and the newest that have.

    The index only proposes: each is read, and where one is not as the index has it the index is put right and asked
    again, so what is listed is true whatever the index says.
    """
    index = Index(store)
    synced = index.sync()
    runs = {run.id: run for run in settle_all(store, synced.open)}
    index.refresh([run.id for run in runs.values() if run.finished and not run.unsaved])
    now = time.time()
    if query.sized:
        _measure(store, index, query, now)
    for _ in range(_ROUNDS):
        ended, wrong, gone = _proposed(store, index, query, now, most)
        if not wrong and not gone:
            break
        index.refresh(wrong, gone)
        runs |= {run.id: run for run in settle_all(store, wrong)}
    else:
        return among_all(store, query)
    kept = index.get(runs)
    open_runs = [run for run in runs.values() if run.id not in kept]
    sizes = {run.id: store.size(run.id) for run in open_runs} if query.sized else {}
    live = [run for run in open_runs if query.matches(run, now, sizes.get(run.id))]
    matching, total = len(live) + index.count(query, now), len(open_runs) + index.count(Query(), now)
    index.close()
    return Found(sorted([*live, *ended], key=place), now, matching, total)


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


def _proposed(
    store: Store, index: Index, query: Query, now: float, most: int
) -> tuple[list[Run], list[str], list[str]]:
    """The ended runs that the index proposes, as they are read; the ids that it is wrong about, and of runs gone."""
    runs, wrong, gone = [], [], []
    ids = index.select(query, now, most)
    rows = index.get(ids)
    for run_id in ids:
        try:
            run = store.read(run_id)
        except NoSuchRun:
            gone.append(run_id)
            continue
        if run.finished and run.damage is None and Row.of(run) == rows.get(run_id):
            runs.append(run)
        else:
            wrong.append(run_id)
    return runs, wrong, gone


def _measure(store: Store, index: Index, query: Query, now: float) -> None:
    """Find out the sizes that the query asks for, of the runs that meet its other conditions."""
    others = Query(tuple(term for term in query.terms if not isinstance(term, Measure) or term.field != "size"))
    known = index.sizes()
    index.put_sizes({run_id: store.size(run_id) for run_id in index.select(others, now) if run_id not in known})
