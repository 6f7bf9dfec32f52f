"""Where news come in: batches from another thread are put together and taken over by the app in one go."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import chain, islice
from threading import Lock
from time import monotonic
from typing import Protocol

from runboard.batch import Batch
from runboard.model import Run
from runboard.order import Delta
from runboard.row import Row

PACE = 0.1
"""Changes that come faster than this are painted together."""

MANY, FLOODED = 50, 0.2
"""Where so many come in that time, this is the pace: nobody reads them sooner, and who settles has the core."""

PORTION = 2_000
"""So many runs are taken over at once: a few milliseconds, in which no key is heard."""

GAP = 0.002
"""Seconds between two portions, for the keys."""


LOADING = 0.2
"""Seconds between two paintings while many runs come in."""


class Unseen:
    """Gathers what portions have changed: it is shown after the last of them, and now and then before."""

    def __init__(self) -> None:
        """Everything has been seen."""
        self._delta = Delta(frozenset(), False)
        self._shown_at = float("-inf")

    def add(self, delta: Delta, *, more: bool) -> Delta | None:
        """What is to be shown now, None for nothing; ``more`` is to come at once."""
        self._delta |= delta
        now = monotonic()
        if more and now < self._shown_at + LOADING:
            return None
        seen, self._delta, self._shown_at = self._delta, Delta(frozenset(), False), now
        return seen


class Feed(Protocol):
    """What keeps the board's picture true; `reconciler.Reconciler` is one."""

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin; ``publish`` is called on any thread and does not block."""

    def stop(self) -> None:
        """End, and call no more."""


class Intake:
    """Keeps what came since the app last looked, the newest state of each run, and gives it in portions, not too often.

    What comes after a quiet time is told at once; what comes faster than ``PACE`` is painted together, and less often
    where it is much. Sizes are in no hurry: they come ``FLOODED`` later or with other news, and nothing waits because
    of them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        """Call ``wake`` on ``loop`` once whenever there is something to take."""
        self._loop = loop
        self._wake = wake
        self._lock = Lock()
        self._news: dict[str, Run | Row] = {}
        self._removed: dict[str, None] = {}
        self._notices: list[str] = []
        self._unheard: list[tuple[str, str]] = []
        self._sizes: dict[str, int] = {}
        self._blind: bool | None = None
        self._listing: int | None = None
        self._woken = False  # for a while after the last taking, too: what comes then wakes nobody by itself
        self._waiting = False
        self._dozing = False
        self.more = False

    def offer(self, batch: Batch) -> None:
        """Put a batch in, from any thread; returns at once however slow the app is."""
        with self._lock:
            for run_id in batch.removed:
                self._news.pop(run_id, None)
                self._removed[run_id] = None
            news: Iterable[Run | Row] = chain(batch.rows, batch.changed)
            told = {entry.id: entry for entry in news}
            self._news.update(told)
            if self._removed:
                self._removed = {run_id: None for run_id in self._removed if run_id not in told}
            self._notices.extend(batch.notices)
            self._unheard.extend(batch.unheard)
            self._sizes.update(batch.sizes)
            self._blind = self._blind if batch.blind is None else batch.blind
            if batch.complete:
                self._listing = len(self._news)
            urgent = batch != Batch(sizes=batch.sizes)
            self._waiting = True
            if self._woken or (self._dozing and not urgent):
                return
            if urgent:
                self._woken = True
            else:
                self._dozing = True
        with suppress(RuntimeError):  # the loop has closed: nobody looks any more
            if urgent:
                self._loop.call_soon_threadsafe(self._wake)
            else:
                self._loop.call_soon_threadsafe(self._loop.call_later, FLOODED, self._wake_dozing)

    def take(self) -> Batch:
        """What came, as one batch; what is more than a portion comes next, after the keys that wait."""
        with self._lock:
            self._dozing = False
            # What came after the end of the listing is news already, and not told together with it.
            listing = PORTION if self._listing is None else self._listing
            portion = list(islice(self._news.values(), min(PORTION, listing)))
            whole = len(portion) == len(self._news)
            complete = self._listing is not None and len(portion) >= min(listing, len(self._news))
            self.more = not whole and not complete
            batch = Batch(
                tuple(entry for entry in portion if isinstance(entry, Run)),
                tuple(self._removed),
                tuple(self._notices),
                complete,
                tuple(entry for entry in portion if isinstance(entry, Row)),
                self._sizes if whole else {},
                self._blind,
                tuple(self._unheard),
            )
            self._removed, self._notices, self._unheard, self._blind = {}, [], [], None
            if self._listing is not None:
                self._listing = None if complete else self._listing - len(portion)
            if complete:
                gc.freeze()  # all that was loaded stays: to look through it for what does not takes 50 ms each time
            if whole:
                self._news, self._sizes, self._waiting = {}, {}, False
                if self._woken:
                    self._loop.call_later(FLOODED if len(portion) >= MANY else PACE, self._look_again)
            else:
                for entry in portion:
                    del self._news[entry.id]
                self._loop.call_later(GAP, self._wake)
        return batch

    def _look_again(self) -> None:
        """Wake the app for what has come since it took the last; if nothing has, what comes next wakes it at once."""
        with self._lock:
            self._woken = waiting = self._waiting
        if waiting:
            self._wake()

    def _wake_dozing(self) -> None:
        """Wake the app for what is in no hurry, unless it came to take that with other news."""
        if self._dozing:
            self._wake()
