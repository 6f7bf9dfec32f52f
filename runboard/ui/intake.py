"""Where news come in: batches from another thread are put together and taken over by the app in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Protocol

from runboard.model import Run
from runboard.reconciler import Batch


class Feed(Protocol):
    """What keeps the board's picture true; `reconciler.Reconciler` is one."""

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin; ``publish`` is called on any thread and does not block."""

    def stop(self) -> None:
        """End, and call no more."""


class Intake:
    """Keeps what came since the app last looked; the newest state of each run counts."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        """Call ``wake`` on ``loop`` once whenever there is something to take."""
        self._loop = loop
        self._wake = wake
        self._lock = Lock()
        self._changed: dict[str, Run] = {}
        self._removed: dict[str, None] = {}
        self._notices: list[str] = []
        self._complete = False
        self._woken = False

    def offer(self, batch: Batch) -> None:
        """Put a batch in, from any thread; returns at once however slow the app is."""
        with self._lock:
            for run_id in batch.removed:
                self._changed.pop(run_id, None)
                self._removed[run_id] = None
            for run in batch.changed:
                self._removed.pop(run.id, None)
                self._changed[run.id] = run
            self._notices.extend(batch.notices)
            self._complete |= batch.complete
            if self._woken:
                return
            self._woken = True
        with suppress(RuntimeError):  # the loop has closed: nobody looks any more
            self._loop.call_soon_threadsafe(self._wake)

    def take(self) -> Batch:
        """Everything that came, as one batch."""
        with self._lock:
            batch = Batch(tuple(self._changed.values()), tuple(self._removed), tuple(self._notices), self._complete)
            self._changed, self._removed, self._notices = {}, {}, []
            self._complete = self._woken = False
        return batch
