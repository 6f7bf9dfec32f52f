"""Work on runs in threads, never two at once on the same run, and what came of it brought back to one event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
WORKERS = 8
"""Threads: their fsyncs overlap. More of them settle a burst no sooner, and keep the screen waiting longer (m)."""

Work = Callable[[], Callable[[], None]]
"""What is done in a thread; it returns what is then to be done on the loop."""


class Jobs:
    """A queue in which each run stands at most once; all methods but `in_thread`'s work are called on the loop.

    A thread takes job after job by itself, and the loop is woken once for all that is done: handing over ten thousand
    jobs one by one would take longer than doing them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Do nothing yet."""
        self._loop = loop
        self._threads = ThreadPoolExecutor(WORKERS, "runboard-settle")
        self._readers = ThreadPoolExecutor(2, "runboard-read")
        self._waiting: OrderedDict[str, Work] = OrderedDict()
        self._running: dict[str, Work | None] = {}
        self._done: deque[tuple[str, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._favourite: str | None = None
        self._busy = 0
        self._woken = False
        self._closed = False

    def add(self, run_id: str, work: Work, *, first: bool = False) -> None:
        """Have some work done on a run, ``first`` before all that waits; once more if it is being done already."""
        with self._lock:
            if self._closed:
                return
            if run_id in self._running:
                self._running[run_id] = work
                return
            self._waiting[run_id] = work
            if first:
                self._waiting.move_to_end(run_id, last=False)
            if self._busy >= WORKERS:
                return
            self._busy += 1
        self._threads.submit(self._work)

    def favour(self, run_id: str) -> None:
        """Have the work on one run done before all that waits, whenever it comes, until another is favoured."""
        with self._lock:
            self._favourite = run_id

    def pending(self, run_id: str) -> bool:
        """Whether work on a run waits or is being done."""
        return run_id in self._waiting or run_id in self._running

    async def in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Run something else in a thread; it does not wait for what is to be done on runs."""
        return await self._loop.run_in_executor(self._readers, work, *arguments)

    def close(self) -> None:
        """Take no more work, and leave what waits undone."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
        for threads in (self._threads, self._readers):
            threads.shutdown(wait=False, cancel_futures=True)

    def _work(self) -> None:
        """In a thread: job after job until none waits."""
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy -= 1
                    return
                run_id, work = self._next()
                self._running[run_id] = None
            self._done.append((run_id, work()))
            self._wake()

    def _next(self) -> tuple[str, Work]:
        """What to do now, of what waits; the caller holds the lock."""
        if self._favourite is not None and self._favourite in self._waiting:
            return self._favourite, self._waiting.pop(self._favourite)
        return self._waiting.popitem(last=False)

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
            run_id, finish = self._done.popleft()
            with self._lock:
                again = self._running.pop(run_id, None)
            if again is not None:
                self.add(run_id, again)
            if not self._closed:
                finish()


def nothing() -> None:
    """Nothing is to be done."""


def fail(error: Exception) -> None:
    """Let the loop know of an error that nobody expected."""
    raise error
