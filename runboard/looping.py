"""A thread with an event loop of its own, which other threads hand calls to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

PATIENCE = 5.0
"""Seconds that its beginning and its end are waited for: a disk may hang."""


class Looping:
    """Runs something until it is stopped or ends by itself."""

    def __init__(self, name: str, main: Callable[[], Awaitable[None]], failed: Callable[[Exception], None]) -> None:
        """Name the thread, what it runs, and who is told, on it, if it fails; it says when it is `ready`."""
        self._name, self._main, self._failed = name, main, failed
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._begun = threading.Event()

    def start(self) -> None:
        """Begin, and return when it is ready."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        self._begun.wait(PATIENCE)

    def stop(self) -> None:
        """End; returns when the thread has ended, or after some seconds where it cannot."""
        if self._stopping is not None:
            self.call(self._stopping.set)
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def ready(self) -> None:
        """Have who started it go on."""
        self._begun.set()

    def call(self, act: Callable[..., object], *arguments: object) -> None:
        """Have something done on the loop, from any thread; nothing happens while there is none."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, *arguments)

    def _run(self) -> None:
        """The thread."""
        try:
            asyncio.run(self._until_stopped())
        except Exception as error:  # noqa: BLE001 - who started it says so
            self._failed(error)
            self._begun.set()

    async def _until_stopped(self) -> None:
        """Run it, and cancel it when that is wanted."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        tasks = [asyncio.ensure_future(self._main()), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # Python 3.11 may lose a cancellation in wait_for
