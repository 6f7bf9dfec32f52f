"""Which runs a verb means: of few by reading all of them; of many, who asks the index is loaded."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from runboard.model import Run
from runboard.query import Query
from runboard.row import place
from runboard.store import NoSuchRun, Store

FEW = 200
"""Below so many runs reading them is quicker than asking the index."""


class Found(NamedTuple):
    """The runs that a query finds, in order, as far as they are to be listed; how many it finds, and of how many.

    ``unindexed`` says that an index would have told it sooner, and that there can be one.
    """

    listed: list[Run]
    now: float
    matching: int
    total: int
    unindexed: bool = False


def are_many(root: str) -> bool:
    """Whether a directory holds so many names that the index is worth loading, by reading no more names than that."""
    with suppress(OSError), os.scandir(root) as entries:
        return any(number >= FEW for number, _entry in enumerate(entries, 1))
    return False


def among_all(store: Store, query: Query) -> Found:
    """Every run that the query finds, after reading all."""
    runs = settled(store, store.ids())
    now = time.time()
    found = [run for run in runs if query.matches(run, now, store.size(run.id) if query.sized else None)]
    return Found(sorted(found, key=place), now, len(found), len(runs))


def settled(store: Store, run_ids: Iterable[str]) -> list[Run]:
    """Runs as they truly stand; where all have ended, what settles the others is not even loaded."""
    runs = []
    for run_id in run_ids:
        with suppress(NoSuchRun):
            runs.append(store.read(run_id))
    if not any(run.active for run in runs):
        return runs
    from runboard.together import settle_all  # noqa: PLC0415 - and with it all that is known of processes

    ended = {run.id: run for run in runs if not run.active}
    live = {run.id: run for run in settle_all(store, [run.id for run in runs if run.active])}
    return [known for run in runs if (known := ended.get(run.id) or live.get(run.id)) is not None]
