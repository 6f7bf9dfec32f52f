"""When the runs directory is to be listed again: not before it changes, and the longer a listing takes, the later."""

from __future__ import annotations

import os
import time
from contextlib import suppress

SHARE = 0.03
"""The part of the time that listings may take; the journal tells of our own runs before."""

GRAIN = 0.05
"""Seconds: a directory that changed so shortly before it was listed may have changed again with the same time."""


class Listing:
    """Remembers how the directory was when it was last listed."""

    def __init__(self, root: str) -> None:
        """Nothing has been listed yet."""
        self._root = root
        self._stamp, self._at = 0, 0.0
        self._begun = self._after = 0.0

    def begin(self) -> None:
        """A listing begins: what changes from here on it may miss."""
        self._stamp, self._at, self._begun = self._time(), time.time(), time.monotonic()

    def end(self) -> None:
        """It has ended; the next one may begin in a while."""
        self._after = time.monotonic() + (time.monotonic() - self._begun) / SHARE

    def due_in(self) -> float | None:
        """In how many seconds the directory is to be listed; None while nothing has changed."""
        now = self._time()
        if now == self._stamp and self._at - self._stamp / 1e9 >= GRAIN:
            return None
        return max(0.0, self._after - time.monotonic())

    def _time(self) -> int:
        """When the directory last changed, in nanoseconds; 0 where there is none."""
        with suppress(OSError):
            return os.stat(self._root).st_mtime_ns
        return 0
