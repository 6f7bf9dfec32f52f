"""Work on runs in threads, never two at once on the same run, and what came of it brought back to one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from runboard.disk import SEVERAL, TOGETHER

T = TypeVar("T")
WORKERS = 8
"""Threads: their fsyncs overlap. More of them settle a burst no sooner, and keep the screen waiting longer (m)."""

GROUPS = 4
"""So many threads at most do endings together; the others are there for what somebody asks for meanwhile."""

Work = Callable[[], Callable[[], None]]
"""What is done in a thread; it returns what is then to be done on the loop."""

WorkTogether = Callable[[Sequence[str], int], Callable[[], None]]
"""The same for several endings, of these runs; it is told how many more wait."""


class Jobs:
    """A queue in which each run stands at most once; all methods but `in_thread`'s work are called on the loop.

    A thread takes job after job by itself, and the loop is woken once for all that is done: handing over ten thousand
    jobs one by one would take longer than doing them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, together: WorkTogether | None = None) -> None:
        """Do nothing yet; endings that wait in numbers are done ``together`` where that is given."""
        self._loop = loop
        self._together = together
        self._threads = ThreadPoolExecutor(WORKERS, "runboard-settle")
        self._readers = ThreadPoolExecutor(2, "runboard-read")
        self._waiting: OrderedDict[str, Work] = OrderedDict()
        self._ended: OrderedDict[str, Work] = OrderedDict()
        self._running: dict[str, Work | None] = {}
        self._done: deque[tuple[Sequence[str], Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._favourite: str | None = None
        self._busy = self._groups = 0
        self._woken = False
        self._closed = False

    def add(self, run_id: str, work: Work) -> None:
        """Have some work done on a run; once more if it is being done already."""
        self._add(self._waiting, run_id, work)

    def add_ended(self, run_id: str, work: Work) -> None:
        """The same for a run whose process was seen to end: before all that waits, or together with others."""
        self._add(self._ended, run_id, work)

    def favour(self, run_id: str) -> None:
        """Have the work on one run done before all that waits, whenever it comes, until another is favoured."""
        with self._lock:
            self._favourite = run_id

    def pending(self, run_id: str) -> bool:
        """Whether work on a run waits or is being done."""
        return run_id in self._waiting or run_id in self._ended or run_id in self._running

    @property
    def flooded(self) -> bool:
        """Whether endings are done together, or wait for that."""
        return self._groups > 0 or len(self._ended) >= SEVERAL

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run something else in a thread; it does not wait for what is to be done on runs."""
        return await self._loop.run_in_executor(self._readers, work, *arguments)

    def close(self) -> None:
        """Take no more work, and leave what waits undone."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._ended.clear()
        for threads in (self._threads, self._readers):
            threads.shutdown(wait=False, cancel_futures=True)

    def _add(self, queue: OrderedDict[str, Work], run_id: str, work: Work) -> None:
        """Put some work into a queue, and see that there is a thread for it."""
        with self._lock:
            if self._closed:
                return
            if run_id in self._running:
                self._running[run_id] = work
                return
            other = self._waiting if queue is self._ended else self._ended
            if other.pop(run_id, None) is not None:
                queue = self._ended  # that it ended stays true
            queue[run_id] = work
            if self._busy >= WORKERS:
                return
            self._busy += 1
        self._threads.submit(self._work)

    def _work(self) -> None:
        """In a thread: job after job until there is none for it."""
        while True:
            with self._lock:
                run_ids, work = self._next()
                if not run_ids:
                    self._busy -= 1
                    return
                self._running.update(dict.fromkeys(run_ids))
            finish = work()
            with self._lock:
                self._groups -= len(run_ids) > 1
            self._done.append((run_ids, finish))
            self._wake()

    def _next(self) -> tuple[Sequence[str], Work]:
        """What to do now, of what waits, and on which runs: none where others do all there is; the lock is held."""
        for queue in (self._ended, self._waiting):
            if self._favourite is not None and self._favourite in queue:
                return (self._favourite,), queue.pop(self._favourite)
        if len(self._ended) >= SEVERAL and self._together is not None:
            if self._groups < GROUPS:
                self._groups += 1
                if self._busy < WORKERS:  # whoever came for something else that waits is busy with this now
                    self._busy += 1
                    self._threads.submit(self._work)
                several = [self._ended.popitem()[0] for _ in range(min(TOGETHER, len(self._ended)))]
                return several, partial(self._together, several, len(self._ended))
        elif self._ended:
            run_id, work = self._ended.popitem()
            return (run_id,), work
        if not self._waiting:
            return (), _nobody
        run_id, work = self._waiting.popitem(last=False)
        return (run_id,), work

    def _wake(self) -> None:
        """Have the loop see to what is done, once."""
        with self._lock:
            if self._woken:
                return
            self._woken = True
        with suppress(RuntimeError):  # the loop has closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._collect)

    def _collect(self) -> None:
        """On the loop: take over what is done."""
        with self._lock:
            self._woken = False
        for _ in range(len(self._done)):
            run_ids, finish = self._done.popleft()
            with self._lock:
                again = {run_id: work for run_id in run_ids if (work := self._running.pop(run_id, None)) is not None}
            for run_id, work in again.items():
                self.add(run_id, work)
            if not self._closed:
                finish()


def _nobody() -> Callable[[], None]:
    """The work of a thread for which there is none."""
    return nothing


def nothing() -> None:
    """Nothing is to be done."""


def fail(error: Exception) -> None:
    """Let the loop know of an error that nobody expected."""
    raise error
