"""What runs take on the disk, measured in the background: by a thread that gives way to all else, the visible first."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from typing import Protocol

from runboard import process
from runboard.batch import Batch

SHARE = 0.2
"""The most of a core's time that measuring takes."""

VISIBLE_SECONDS, HIDDEN_SECONDS = 10.0, 300.0
"""How often a live run is measured again, on the screen and off it; large ones are so more seldom."""

DEARER = 100
"""A live run is left alone for at least so many times what its measuring took."""

TOLD_SECONDS = 0.5
"""How often sizes are handed over while there are many to measure."""

AT_ONCE = 4_000
"""So many sizes, known from an earlier time, are handed over together."""

MANY, QUIET_SECONDS = 16, 1.0
"""While so many runs are told of at once nothing is measured, nor for so long after: they are to be shown first."""

_LEAVING_SECONDS = 0.2


class Feed(Protocol):
    """What keeps the board's picture true; `reconciler.Reconciler` is one."""

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin to publish."""

    def stop(self) -> None:
        """End."""

    def nudge(self, run_id: str) -> None:
        """Look at one run before all others."""


class Memory(Protocol):
    """What remembers the sizes of finished runs from one board to the next; `index.Index` is one."""

    def sizes(self) -> dict[str, int]:
        """Those that are still true."""

    def put_sizes(self, sizes: Mapping[str, int]) -> None:
        """Remember some."""


Measure = Callable[[str, Callable[[], None]], int]
"""The bytes of one run; it calls what it is given now and then, where the work is long."""


class SizedFeed:
    """A feed that passes on another's news, and adds what the runs in them take on the disk."""

    def __init__(
        self, make: Callable[[], tuple[Feed, Memory | None]], measure: Measure, shown: Iterable[str] = ()
    ) -> None:
        """Add what ``measure`` finds to the feed that ``make`` makes when it is time to start; beside it the memory.

        ``shown`` are runs that are on the screen already; those that the feed does not know either are gone.
        """
        self._unseen: set[str] | None = set(shown)
        self._nudged: str | None = None
        self._make = make
        self._measure = measure
        self._feed: Feed | None = None
        self._memory: Memory | None = None
        self._publish: Callable[[Batch], None] = lambda _batch: None
        self._news = threading.Condition()
        self._waiting: deque[str] = deque()
        self._due: dict[str, tuple[float, float]] = {}  # where it is seen, and where not
        self._turns: list[tuple[float, str]] = []  # the latter in order, with some that are so no more
        self._visible: frozenset[str] = frozenset()
        self._gone: set[str] = set()
        self._rested_at = self._quiet_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="runboard-sizes", daemon=True)

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin both."""
        self._publish = publish
        self._feed, self._memory = self._make()
        self._feed.start(self._hear)
        if self._nudged is not None:
            self._feed.nudge(self._nudged)
        self._thread.start()

    def stop(self) -> None:
        """End both; a measuring that hangs on a dead disk is left to itself."""
        self._stopping.set()
        with self._news:
            self._news.notify()
        if self._feed is not None:
            self._feed.stop()
        if self._thread.is_alive():
            self._thread.join(_LEAVING_SECONDS)

    def look(self, run_ids: Iterable[str]) -> None:
        """These are on the screen: they come first."""
        self._visible = frozenset(run_ids)

    def nudge(self, run_id: str) -> None:
        """Somebody looks at this run: what it does is told before what others do; before the start it is kept."""
        self._nudged = run_id
        if self._feed is not None:
            self._feed.nudge(run_id)

    def _hear(self, batch: Batch) -> None:
        """Pass news on, and note what is to be measured."""
        if self._unseen is not None:
            self._unseen.difference_update(run.id for run in batch.changed)
            self._unseen.difference_update(row.id for row in batch.rows)
            if batch.complete:
                if self._unseen:
                    batch = batch._replace(removed=(*batch.removed, *self._unseen))
                self._unseen = None
        self._publish(batch)
        now = time.monotonic()
        if len(batch.rows) >= MANY:
            self._quiet_at = now + QUIET_SECONDS
        with self._news:
            for run_id in batch.removed:
                self._due.pop(run_id, None)
                self._gone.add(run_id)
            for run in batch.changed:
                self._gone.discard(run.id)
                if not run.active:
                    self._ended(run.id)
                elif run.id not in self._due:
                    self._await(run.id, now, now)
            lived = {row.id for row in batch.rows if row.id in self._due}
            for run_id in lived:
                self._ended(run_id)
            self._waiting.extend(row.id for row in batch.rows if row.id not in lived)
            self._gone.difference_update(row.id for row in batch.rows)
            self._news.notify()

    def _ended(self, run_id: str) -> None:
        """Have a run measured soon that has just ended: it has its last size now."""
        self._due.pop(run_id, None)
        self._waiting.appendleft(run_id)

    def _await(self, run_id: str, seen: float, hidden: float) -> None:
        """Have a live run measured at one of these times, as it is on the screen or not."""
        self._due[run_id] = seen, hidden
        heappush(self._turns, (hidden, run_id))

    def _work(self) -> None:
        """The thread: measures, hands over, and rests for a multiple of the time it took."""
        process.read_last()
        memory = self._memory
        known = {} if memory is None else memory.sizes()
        found: dict[str, int] = {}
        fresh: dict[str, int] = {}
        told_at = time.monotonic()
        while not self._stopping.is_set():
            run_id = self._next(wait=not found)
            if run_id in known:
                found[run_id] = known.pop(run_id)
            elif run_id is not None:
                found |= (weighed := self._weigh(run_id))
                fresh |= weighed
            late = time.monotonic() - told_at >= TOLD_SECONDS
            if found and (run_id is None or late or len(found) >= AT_ONCE):
                told_at = time.monotonic()
                self._publish(Batch(sizes=found))
                if memory is not None:
                    memory.put_sizes({one: size for one, size in fresh.items() if one not in self._due})
                found, fresh = {}, {}

    def _next(self, *, wait: bool) -> str | None:
        """What to measure now; None where that is nothing, after a while or, without ``wait``, at once."""
        with self._news:
            now = time.monotonic()
            for run_id in self._visible:
                if run_id in self._due and self._due[run_id][0] <= now:
                    return run_id
            while self._waiting:
                run_id = self._waiting.popleft()
                if run_id not in self._gone:
                    return run_id
            while self._turns and self._due.get(self._turns[0][1], (0.0, 0.0))[1] != self._turns[0][0]:
                heappop(self._turns)
            if self._turns and self._turns[0][0] <= now:
                return self._turns[0][1]
            if wait and not self._stopping.is_set():
                self._news.wait(VISIBLE_SECONDS if self._due else None)
        return None

    def _weigh(self, run_id: str) -> dict[str, int]:
        """Measure one run and rest; its size, if it is still there, and live ones are noted to be looked at again."""
        self._rested_at = begun = time.monotonic()
        size = self._measure(run_id, self._rest)
        took = time.monotonic() - begun
        with self._news:
            found = {} if run_id in self._gone else {run_id: size}
            if run_id in self._due:
                now, least = time.monotonic(), took * DEARER
                self._await(run_id, now + max(VISIBLE_SECONDS, least), now + max(HIDDEN_SECONDS, least))
        self._rest()
        return found

    def _rest(self) -> None:
        """Let the others have their share since the last rest, and all while many runs are told of."""
        self._stopping.wait((time.monotonic() - self._rested_at) * (1 / SHARE - 1))
        while (left := self._quiet_at - time.monotonic()) > 0 and not self._stopping.wait(left):
            pass
        self._rested_at = time.monotonic()
