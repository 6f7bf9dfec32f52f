"""A search through a whole log in a thread of its own: counted, its places kept compactly, given up at any time."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from threading import Event, Thread
from typing import NamedTuple

from runboard.files import Unfit
from runboard.logs.hunt import Stopped, last_match, line_start, next_match
from runboard.logs.matches import search
from runboard.logs.pattern import Pattern
from runboard.logs.source import Glimpse, open_regular, refusal

PLACES_MOST = 1 << 20
"""Matching lines whose places are kept, 8 bytes each; more are counted only, and looked for again when wanted."""

NEAR = 1 << 25
"""Bytes around a place that are looked through at once; what lies farther is waited for."""

NEAR_SHOWN = 1 << 21
"""The same where lines have to be put into words first."""

LOOK_SECONDS = 0.5
"""How often a log that was searched to its end is looked at again."""


class NotYet(Exception):
    """The search has not come so far that it could tell."""


class Progress(NamedTuple):
    """How far a search is: lines found, the share that was searched, whether that is all, and what went wrong."""

    found: int
    share: float
    done: bool
    trouble: str | None = None


class Search:
    """The matching lines of one log: searched in a thread from the start on, near a place looked for at once."""

    def __init__(
        self,
        open_log: Callable[[], int],
        pattern: Pattern,
        *,
        tools: bool = True,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """Begin to search; without ``tools`` by nobody's help. ``ended`` is called in the thread at each end."""
        self.pattern = pattern
        self._open_log = open_log
        self._tools = tools
        self._ended = ended
        self._near = NEAR if pattern.shown is None else NEAR_SHOWN
        self._given_up = Event()
        self._places = array("Q")
        self._count = 0
        self._cut = False  # more were found than are kept
        self._last = -1  # where the last match begins
        self._known = 0  # where a line begins: all matches before it are in the count
        self._reached = 0
        self._size = 1
        self._done = False
        self._trouble: str | None = None
        self._thread = Thread(target=self._run, name="runboard-search", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        share = 1.0 if self._done else min(1.0, self._reached / max(1, self._size))
        return Progress(self._count, share, self._done, self._trouble)

    def cancel(self) -> None:
        """Give up; a child is killed within a tenth of a second."""
        self._given_up.set()

    def join(self, seconds: float) -> bool:
        """Whether the thread has ended within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def number(self, at: int) -> int | None:
        """Which match it is that begins at an offset, counted from 1; None where that is not known."""
        places = self._places
        index = bisect_right(places, at)
        return index if index and places[index - 1] == at else None

    def after(self, fd: int, size: int, at: int) -> int | None:
        """The first matching line that begins at ``at`` or behind it, None where there is none.

        Raises:
            NotYet: That cannot be told yet.
            Stopped: The search was given up.
        """
        places = self._places
        index = bisect_left(places, at)
        if index < len(places):
            return places[index]
        whole = self._done and self._cut
        begin = max(at, self._known if self._done and not self._cut else 0)
        stop = size if whole else min(size, begin + self._near)
        found = next_match(fd, self.pattern, begin, stop, self._given_up.is_set)
        if found is not None:
            return found[0]
        if stop < size:
            raise NotYet
        return None

    def before(self, fd: int, at: int) -> int | None:
        """The last matching line that begins before ``at``, None where there is none; raises as `after` does."""
        places = self._places
        index = bisect_left(places, at)
        if index < len(places) or (self._done and not self._cut and at <= self._known):
            return places[index - 1] if index else None
        floor = max(0, at - self._near)
        sure = self._known if self._done and not self._cut else places[-1] if len(places) else 0
        if floor <= sure or (self._done and self._cut):
            floor = sure
        else:
            floor = line_start(fd, floor, sure, self._given_up.is_set)
        found = last_match(fd, self.pattern, at, floor, self._given_up.is_set)
        if found is not None:
            return found[0]
        if floor > sure:
            raise NotYet
        return places[index - 1] if index else None

    def _run(self) -> None:
        """The thread: search to the end, then whatever is added, until given up."""
        before: Glimpse | None = None
        while not self._given_up.is_set():
            try:
                fd = open_regular(self._open_log)
            except (OSError, Unfit) as error:
                self._trouble = str(error) if isinstance(error, Unfit) else refusal(error)
                self._done = True
            else:
                try:
                    before = self._look(fd, before)
                except Stopped:
                    return
                except OSError as error:
                    self._trouble = refusal(error)
                finally:
                    os.close(fd)
            self._given_up.wait(LOOK_SECONDS)

    def _look(self, fd: int, before: Glimpse | None) -> Glimpse:
        """Search what has come since the last look; from the start on where it is another log by now."""
        now = Glimpse.of(fd)
        if before is not None and now.since(before):
            self._count, self._known, self._last, self._done = 0, 0, -1, False
            self._places, self._cut = array("Q"), False
        self._trouble = None
        if now.size > self._known and (before is None or now.size != before.size or not self._done):
            self._size = now.size
            if self._last >= self._known:  # the last line may have been unfinished: it is searched again
                self._count -= 1
                if not self._cut:
                    self._places.pop()
            found = search(
                fd,
                self.pattern,
                self._known,
                now.size,
                tools=self._tools,
                told=self._tell,
                stopped=self._given_up.is_set,
            )
            for self._last in found:
                self._keep(self._last)
            self._known = line_start(fd, now.size, self._known, self._given_up.is_set)
            self._done = True
            self._ended()
        self._done = True
        return now

    def _keep(self, at: int) -> None:
        """Count a match, and keep its place while there is room."""
        if len(self._places) < PLACES_MOST:
            self._places.append(at)
        else:
            self._cut = True
        self._count += 1

    def _tell(self, at: int) -> None:
        """The search has come so far."""
        self._reached = at
