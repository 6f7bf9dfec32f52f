"""What runs use and have written last, for who asks ``ps`` for it; nobody looks where nobody asks."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TypeVar

from runboard import files, process
from runboard.cli.sights import last_line_of
from runboard.logs import NAME
from runboard.model import UNSEEN, Run
from runboard.row import Row
from runboard.store import Store

T = TypeVar("T", bound=Run | Row)

PAUSE = 0.25
"""Seconds between two looks, to know what was used in between."""

LOADS = frozenset({"cpu", "memory"})


def weighed(store: Store, runs: Sequence[T], wanted: Collection[str]) -> list[T]:
    """The same runs, the live ones with what is wanted to rank them: what they use, or when they wrote last."""
    live: list[Run] = [run for run in runs if isinstance(run, Run) and run.active]
    known: dict[str, Run] = {}
    if LOADS & set(wanted):
        gauge = process.Gauge()
        loads = gauge.loads(live)
        if "cpu" in wanted and loads:
            time.sleep(PAUSE)
            loads = gauge.loads(live)
        for run in live:
            if (load := loads.get(run.id)) is not None:
                known[run.id] = run._replace(sample=run.sample._replace(cpu=load.cpu, memory=load.memory))
    elif "last_line" in wanted:
        known = {run.id: run._replace(activity_at=_wrote_at(store, run)) for run in live}
    return [known.get(run.id, run) for run in runs]  # type: ignore[misc]


def seen(store: Store, runs: Sequence[Run], wanted: Collection[str]) -> list[Run]:
    """The same runs with what is wanted to show them, as far as nobody has looked yet."""
    found = list(runs)
    if LOADS & set(wanted) and all(run.sample is UNSEEN for run in runs):
        found = weighed(store, found, LOADS & set(wanted))
    if "last_line" in wanted:
        found = [run._replace(sample=run.sample._replace(last_line=last_line_of(store, run))) for run in found]
    return found


def _wrote_at(store: Store, run: Run) -> float | None:
    """When a run last wrote to its log, in epoch seconds, where that can be told."""
    with suppress(OSError), files.opened(store.open_file(run.id, NAME)) as fd:
        return os.fstat(fd).st_mtime
    return run.activity_at
