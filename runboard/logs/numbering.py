"""Which line of the whole log it is that begins at a place: counted at once where that is cheap, else in a thread.

Of what was counted a mark is kept every `STEP` bytes, so that any number behind them is told by counting one step:
10 GB take 80 kB of marks.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Lock, Thread

from runboard.files import Unfit
from runboard.logs.source import Glimpse, opened

STEP = 1 << 20
"""Bytes between two marks."""

AT_ONCE = 1 << 23
"""So many bytes are counted while one waits; what takes longer is counted by a thread."""

NEWS_MOST = 1 << 22
"""Bytes that are looked through for new lines at one look."""

KNOWN_MOST = 4096
"""Numbers that are kept by their places."""


class Numbering:
    """The numbers of one log's lines; asked by one owner, counted by a thread of its own where there is much."""

    def __init__(self, open_log: Callable[[], int], ended: Callable[[], object] = lambda: None) -> None:
        """Count nothing yet; ``ended`` is called in the thread when it has come to the end."""
        self._open_log = open_log
        self._ended = ended
        self._seen: Glimpse | None = None
        self._marks = array("Q", [0])  # the newlines before each multiple of STEP
        self._known: dict[int, int] = {}
        self._goal = 0
        self._lock = Lock()
        self._given_up = Event()
        self._thread: Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether the thread counts."""
        return self._thread is not None and self._thread.is_alive() and not self._given_up.is_set()

    @property
    def share(self) -> float:
        """How much of what is wanted has been counted."""
        return min(1.0, (len(self._marks) - 1) * STEP / max(1, self._goal))

    def cancel(self) -> None:
        """Count no more, until numbers are asked for again."""
        self._given_up.set()

    def numbers(self, places: Iterable[int]) -> tuple[int | None, ...]:
        """The number of the line that begins at each place: from 1 on, 0 where none begins, None while not known.

        Raises:
            OSError: The log cannot be read.
            Unfit: It is no file.
        """
        places = tuple(places)
        with opened(self._open_log) as fd:
            if fd < 0:
                return tuple(None for _ in places)
            now = Glimpse.of(fd)
            if self._seen is not None and now.since(self._seen):
                self._begin_anew()
            self._seen = now
            if places and max(places) - len(self._marks) * STEP <= AT_ONCE and not self.busy:
                self._advance(fd, max(places), self._marks, lambda: False)
            told = tuple(self._number(fd, at) for at in places)
            if None in told:
                self._goal = now.size
                self._count_aside()
            return told

    def _begin_anew(self) -> None:
        """It is another log by now."""
        self.cancel()
        with self._lock:
            self._marks, self._known = array("Q", [0]), {}

    def _number(self, fd: int, at: int) -> int | None:
        """One number."""
        if at in self._known:
            return self._known[at]
        mark = at // STEP
        if mark >= len(self._marks):
            return None
        before = os.pread(fd, at - mark * STEP, mark * STEP)
        begins = at == 0 or (before[-1:] or os.pread(fd, 1, at - 1)) == b"\n"
        if len(self._known) >= KNOWN_MOST:
            self._known.clear()
        self._known[at] = self._marks[mark] + before.count(b"\n") + 1 if begins else 0
        return self._known[at]

    def _advance(self, fd: int, to: int, marks: array[int], stopped: Callable[[], bool]) -> None:
        """Count on, whole steps, as far as the one that a place lies in."""
        while not stopped():
            with self._lock:
                at = (len(marks) - 1) * STEP
                data = os.pread(fd, STEP, at) if at + STEP <= to else b""
                if len(data) < STEP:
                    return
                marks.append(marks[-1] + data.count(b"\n"))

    def _count_aside(self) -> None:
        """Have a thread count to the end of the log."""
        if not self.busy:
            self._given_up = Event()
            self._thread = Thread(target=self._run, args=(self._given_up,), name="runboard-lines", daemon=True)
            self._thread.start()

    def _run(self, given_up: Event) -> None:
        """The thread: count what there is, until given up."""
        marks = self._marks
        with suppress(OSError, Unfit), opened(self._open_log) as fd:  # told by whoever shows the log
            self._advance(fd, os.fstat(fd).st_size if fd >= 0 else 0, marks, given_up.is_set)
        if not given_up.is_set():
            self._ended()


class News:
    """How many lines have come since the end of the log was last in sight; where too many did, how many bytes."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self.lines = 0
        self._size = 0
        self._from: int | None = None
        self._to = 0

    @property
    def known(self) -> bool:
        """Whether ``lines`` are all there are."""
        return self._size == self._to

    @property
    def bytes(self) -> int:
        """How many bytes have come."""
        return 0 if self._from is None else self._size - self._from

    def look(self, open_log: Callable[[], int], size: int, *, at_end: bool) -> None:
        """Take note of how long the log is now, and count on where its end is out of sight."""
        self._size = size
        if at_end or self._from is None or size < self._to:
            self._from, self._to, self.lines = size, size, 0
        elif size > self._to:
            with suppress(OSError, Unfit), opened(open_log) as fd:  # told by whoever shows the log
                data = os.pread(fd, min(NEWS_MOST, size - self._to), self._to) if fd >= 0 else b""
                self._to += len(data)
                self.lines += data.count(b"\n")
