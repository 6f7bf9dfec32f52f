"""A wake-up when something changes in a few directories, not recursive; it may be late or silent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable

from runboard.notify import Notifier, open_notifier

RETRY_SECONDS = 10.0
"""How long a notifier that failed is left alone before it is built again; the sweep goes on meanwhile."""


class Watch:
    """One set of watched directories; a change of the set opens the new notifier before it closes the old one."""

    def __init__(self, wake: Callable[[Collection[str]], None], trouble: Callable[[str], None]) -> None:
        """Call ``wake`` upon changes with the paths in which they were, and ``trouble`` when watching fails.

        That gets a sentence; both are called on a thread of ours.

        While it fails, which may pass, it is ``blind``.
        """
        self._wake = wake
        self._trouble = trouble
        self._paths: frozenset[str] = frozenset()
        self._notifier: Notifier | None = None
        self._turn = 0
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self.blind = False

    def set_paths(self, paths: Iterable[str]) -> None:
        """Watch exactly these directories from now on; those that do not exist are left out by the caller."""
        with self._lock:
            wanted, lost = frozenset(paths), self._notifier is not None and self._notifier.lost
            if (wanted == self._paths and not lost) or self._closed.is_set():
                return
            self._paths = wanted
            self._replace()

    def close(self) -> None:
        """Stop watching for good."""
        self._closed.set()
        with self._lock:
            if self._notifier is not None:
                self._notifier.stop()

    def _replace(self) -> None:
        """Open a notifier on the present paths, then let the old one go; on failure try again later."""
        old, self._notifier = self._notifier, None
        self._turn += 1
        try:
            self._notifier = open_notifier(sorted(self._paths)) if self._paths else None
        except OSError as error:
            self._report(error, self._turn)
        else:
            self.blind = False
        if self._notifier is not None:
            arguments = (self._notifier, self._turn)
            threading.Thread(target=self._follow, args=arguments, name="runboard-watch", daemon=True).start()
        if old is not None:
            old.stop()
        self._wake(())

    def _follow(self, notifier: Notifier, turn: int) -> None:
        """Wake upon each group of changes until stopped or replaced; rebuild after any failure of the notifier."""
        try:
            while (changed := notifier.wait()) is not None:
                self._wake(changed)
        except OSError as error:
            self._report(error, turn)
        finally:
            notifier.close()

    def _report(self, error: Exception, turn: int) -> None:
        """Say that looking is slower now, and try again after a while."""
        self.blind = True
        self._trouble(f"changes are noticed by looking every few seconds: {error}")
        self._wake(())
        threading.Thread(target=self._retry, args=(turn,), name="runboard-watch-retry", daemon=True).start()

    def _retry(self, turn: int) -> None:
        """Build the notifier again, unless somebody has replaced it meanwhile."""
        if self._closed.wait(RETRY_SECONDS):
            return
        with self._lock:
            if self._turn == turn and not self._closed.is_set():
                self._replace()
