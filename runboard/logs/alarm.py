"""A word when a log is written, where the kernel gives one; who relies on it looks now and then all the same.

Of what another machine writes to a shared disk no kernel tells: a log that grows without a word is polled.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Thread

from runboard.files import Unfit
from runboard.logs.source import opened
from runboard.notify import WRITES, Notifier, open_notifier

GROUPING_MS = 100
"""A log that is written all the time is told of so often."""

UNHEARD = 3
"""Seen to have changed so often, with no word in between, a log is one of which no word will come."""


class Alarm:
    """Watches the file that bears the log's name at present; for one owner, who sets it again at each look."""

    def __init__(self, open_log: Callable[[], int], ring: Callable[[], object]) -> None:
        """Watch nothing yet; ``ring`` is called in a thread."""
        self._open_log = open_log
        self._ring = ring
        self._notifier: Notifier | None = None
        self._able = os.path.isdir("/proc/self/fd")
        self._file: tuple[int, int] | None = None
        self._size = self._unheard = 0
        self._set_at = 0.0

    def set(self) -> bool:
        """See to it that the present file is watched; whether it is."""
        if not self._able:
            return False
        try:
            with opened(self._open_log) as fd:
                if fd < 0:
                    return False
                info = os.fstat(fd)
                file = info.st_dev, info.st_ino
                if self._notifier is None or self._notifier.lost or file != self._file:
                    self.close()
                    # By its descriptor: whatever else may bear the name by now is not followed.
                    notifier = open_notifier([f"/proc/self/fd/{fd}"], WRITES, GROUPING_MS)
                    self._notifier, self._file, self._unheard = notifier, file, 0
                    Thread(target=self._listen, args=(notifier,), name="runboard-log-alarm", daemon=True).start()
                elif not self._told_of(info.st_size):
                    self.close()
                    self._able = False
                self._size, self._set_at = info.st_size, time.monotonic()
        except (OSError, Unfit):
            self.close()
            self._able = False  # a guest may not, and of others the limit is reached: they look more often
        return self._able

    def _told_of(self, size: int) -> bool:
        """Whether words come of what is written; a change of this very moment may yet be told."""
        late = time.monotonic() - self._set_at > 2 * GROUPING_MS / 1000
        self._unheard += late and size != self._size
        return self._unheard < UNHEARD

    def close(self) -> None:
        """Watch nothing any more."""
        if self._notifier is not None:
            self._notifier.stop()
            self._notifier = None

    def _listen(self, notifier: Notifier) -> None:
        """The thread: ring until there is nothing to listen to."""
        try:
            while not notifier.lost and notifier.wait() is not None:
                self._unheard = 0
                self._ring()
        except OSError:
            notifier.lost = True
        finally:
            notifier.close()
