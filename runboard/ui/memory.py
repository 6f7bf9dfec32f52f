"""What the board remembers of runs of before: fed with what ends, and read from the runs when somebody asks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock

from runboard.model import Run
from runboard.past import Earlier, Past, weigh
from runboard.query import hay
from runboard.row import Row
from runboard.store import StoreError

KEPT = 512
"""So many runs' usual times are kept: more than fit on any screen."""


class Memory:
    """The past of each command, whole runs being read in a thread."""

    def __init__(self, read_run: Callable[[str], Run | None]) -> None:
        """Read whole runs with ``read_run``, which is called in a thread."""
        self._past = Past()
        self._heard = deque[tuple[list[Row | tuple[str, str]], bool]]()
        self._read = read_run
        self._lock = Lock()
        self._known: dict[str, tuple[tuple[str, ...], float | None]] = {}
        self.listed = False
        self.heard = 0

    def take(self, changed: Iterable[Run | Row], *, listed: bool) -> None:
        """Take note of what has ended; ``listed``: from now on what comes is news, and no longer the listing."""
        over = (entry for entry in changed if isinstance(entry, Row) or entry.finished)
        ended = [entry if isinstance(entry, Row) else (entry.id, hay(entry)) for entry in over]
        if ended:
            self._heard.append((ended, self.listed))
            self.heard += 1
        self.listed |= listed

    async def of(self, run: Run) -> Earlier:
        """What runs of before tell of a run."""
        return await asyncio.to_thread(self.tell, run)

    def tell(self, run: Run) -> Earlier:
        """The same, to be called in a thread; one that is gone says nothing."""
        return self._weighed(run, self._like(run))

    def usual(self, runs: Iterable[Run]) -> dict[str, float | None]:
        """How many seconds a success of each run's command takes, None where nobody knows; to be called in a thread.

        Of those whose past is the same as the last time nothing is read again.
        """
        found = {}
        for run in runs:
            ids = self._like(run)
            before, seconds = self._known.get(run.id, ((), None))
            if ids != before:
                seconds = self._weighed(run, ids).usual
            found[run.id] = (ids, seconds)
        if len(self._known) > KEPT:
            self._known.clear()
        self._known |= found
        return {run_id: seconds for run_id, (_, seconds) in found.items()}

    def _like(self, run: Run) -> tuple[str, ...]:
        """The ids of runs of the same kind, after what was heard since is sorted in."""
        with self._lock:
            for _ in range(len(self._heard)):  # what comes meanwhile, from the loop, is for the next time
                ended, newest = self._heard.popleft()
                for one in ended:
                    run_id, told = (one.id, one.hay) if isinstance(one, Row) else one
                    self._past.take(run_id, told, newest=newest)
            return self._past.like(hay(run))

    def _weighed(self, run: Run, ids: Iterable[str]) -> Earlier:
        """What these runs say of a run."""
        others = []
        for run_id in ids:
            with suppress(StoreError):
                others.append(self._read(run_id))
        return weigh(run, [other for other in others if other is not None])
