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


class Memory:
    """The past of each command, whole runs being read in a thread."""

    def __init__(self, read_run: Callable[[str], Run | None]) -> None:
        """Read whole runs with ``read_run``, which is called in a thread."""
        self._past = Past()
        self._heard = deque[tuple[list[Row | tuple[str, str]], bool]]()
        self._read = read_run
        self._lock = Lock()
        self._listed = False

    def take(self, changed: Iterable[Run | Row], *, listed: bool) -> None:
        """Take note of what has ended; ``listed``: from now on what comes is news, and no longer the listing."""
        ended = [entry if isinstance(entry, Row) else (entry.id, hay(entry)) for entry in changed if _over(entry)]
        if ended:
            self._heard.append((ended, self._listed))
        self._listed |= listed

    async def of(self, run: Run) -> Earlier:
        """What runs of before tell of a run."""
        return await asyncio.to_thread(self.tell, run)

    def tell(self, run: Run) -> Earlier:
        """The same, to be called in a thread: what was heard since is sorted in; one that is gone says nothing."""
        others = []
        with self._lock:
            for _ in range(len(self._heard)):  # what comes meanwhile, from the loop, is for the next time
                ended, newest = self._heard.popleft()
                for one in ended:
                    run_id, told = (one.id, one.hay) if isinstance(one, Row) else one
                    self._past.take(run_id, told, newest=newest)
            ids = self._past.like(hay(run))
        for run_id in ids:
            with suppress(StoreError):
                others.append(self._read(run_id))
        return weigh(run, [other for other in others if other is not None])


def _over(entry: Run | Row) -> bool:
    """Whether a run has ended."""
    return isinstance(entry, Row) or entry.finished
