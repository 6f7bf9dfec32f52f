"""A thread for what may take its time: one job after the other, while the screen goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


class Aside:
    """Does jobs in a daemon thread: a disk that hangs keeps nobody from leaving."""

    def __init__(self, name: str) -> None:
        """Name the thread; it begins with the first job."""
        self._name = name
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def do(self, work: Callable[[], Answer]) -> Answer:
        """Have the thread do something, and wait for what comes of it, an error included."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self.give(partial(_done, loop, future, work))
        return await future

    def give(self, work: Callable[[], None]) -> None:
        """Have the thread do something that nobody waits for, and that raises nothing."""
        self._jobs.put(work)
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()

    def end(self, last: Callable[[], None] | None = None) -> None:
        """Let the thread end after what it has still to do, and after one ``last`` job that nobody waits for."""
        if last is not None:
            self._jobs.put(last)
        self._jobs.put(None)

    def _serve(self) -> None:
        """The thread: job after job until told to end."""
        while (job := self._jobs.get()) is not None:
            job()


def _done(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Answer], work: Callable[[], Answer]) -> None:
    """Do some work, in the thread, and hand over what came of it."""
    try:
        tell = partial(_resolve, future, work())
    except Exception as error:  # noqa: BLE001 - raised again by whoever awaits it
        tell = partial(_reject, future, error)
    with suppress(RuntimeError):  # the loop has closed: nobody waits any more
        loop.call_soon_threadsafe(tell)


def _resolve(future: asyncio.Future[Answer], answer: Answer) -> None:
    """Hand over an answer, if anybody still waits for it."""
    if not future.done():
        future.set_result(answer)


def _reject(future: asyncio.Future[Answer], error: Exception) -> None:
    """Hand over an error, if anybody still waits for it."""
    if not future.done():
        future.set_exception(error)
