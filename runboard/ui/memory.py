"""What the board remembers of runs of before: fed with what ends, and read from the runs when somebody asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock

from runboard.model import Run
from runboard.past import Earlier, Past, weigh
from runboard.query import hay
from runboard.row import Row
from runboard.store import StoreError


class Memory:
    """The past of each command, whole runs being read in a thread."""

    def __init__(self, read_run: Callable[[str], Run | None]) -> None:
        """Read whole runs with ``read_run``, which is called in a thread."""
        self._past = Past()
        self._heard: list[tuple[str, str, bool]] = []
        self._read = read_run
        self._lock = Lock()
        self._listed = False

    def take(self, changed: Iterable[Run | Row], *, listed: bool) -> None:
        """Take note of what has ended; ``listed``: from now on what comes is news, and no longer the listing."""
        for entry in changed:
            if isinstance(entry, Row):
                self._heard.append((entry.id, entry.hay, self._listed))
            elif entry.finished:
                self._heard.append((entry.id, hay(entry), self._listed))
        self._listed |= listed

    async def of(self, run: Run) -> Earlier:
        """What runs of before tell of a run."""
        heard, self._heard = self._heard, []
        return await asyncio.to_thread(self._weighed, run, heard)

    def _weighed(self, run: Run, heard: Iterable[tuple[str, str, bool]]) -> Earlier:
        """Sort in what was heard since the last time, and read the others; one that is gone says nothing."""
        others = []
        with self._lock:
            for run_id, told, newest in heard:
                self._past.take(run_id, told, newest=newest)
            ids = self._past.like(hay(run))
        for run_id in ids:
            with suppress(StoreError):
                others.append(self._read(run_id))
        return weigh(run, [other for other in others if other is not None])
