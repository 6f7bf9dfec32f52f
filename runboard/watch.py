"""A wake-up when something changes in a few directories, not recursive; it may be late or silent."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

GROUPING_MS = 60
"""Changes closer together than this wake once."""

STEP_MS = 30
"""How often the notifier looks at what the kernel queued: 30 ms costs 0.25 % of a core, 5 ms 0.5 % (m)."""

RETRY_SECONDS = 10.0
"""How long a notifier that failed is left alone before it is built again; the sweep goes on meanwhile."""


class Watch:
    """One set of watched directories; a change of the set opens the new notifier before it closes the old one."""

    def __init__(self, wake: Callable[[], None], trouble: Callable[[str], None]) -> None:
        """Call ``wake`` upon changes and ``trouble`` with a sentence when watching fails; both on a thread of ours.

        While it fails, which may pass, it is ``blind``.
        """
        self._wake = wake
        self._trouble = trouble
        self._paths: frozenset[str] = frozenset()
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self.blind = False

    def set_paths(self, paths: Iterable[str]) -> None:
        """Watch exactly these directories from now on; those that do not exist are left out by the caller."""
        with self._lock:
            wanted = frozenset(paths)
            if wanted == self._paths or self._closed.is_set():
                return
            self._paths = wanted
            self._replace()

    def close(self) -> None:
        """Stop watching for good."""
        self._closed.set()
        with self._lock:
            self._stop.set()

    def _replace(self) -> None:
        """Open a notifier on the present paths, then let the old one go; on failure try again later."""
        old, self._stop = self._stop, threading.Event()
        try:
            notifier = RustNotify(sorted(self._paths), False, False, 0, False, True) if self._paths else None
            _require_watched(self._paths)
        except (OSError, WatchfilesRustInternalError) as error:
            notifier = None
            self._report(error)
        else:
            self.blind = False
        if notifier is not None:
            arguments = (notifier, self._stop)
            threading.Thread(target=self._follow, args=arguments, name="runboard-watch", daemon=True).start()
        old.set()
        self._wake()

    def _follow(self, notifier: RustNotify, stop: threading.Event) -> None:
        """Wake upon each group of changes until stopped or replaced; rebuild after any failure of the notifier."""
        try:
            while not stop.is_set():
                # With no limit of its own, the stop event is looked at once a step.
                if notifier.watch(GROUPING_MS, STEP_MS, 0, stop) == "stop":
                    return
                self._wake()
        except (OSError, RuntimeError, UnicodeError, ValueError) as error:
            # One file name that is not UTF-8 ends the notifier for good (m).
            self._report(error)
        finally:
            notifier.close()

    def _report(self, error: Exception) -> None:
        """Say that looking is slower now, and try again after a while."""
        self.blind = True
        self._trouble(f"changes are noticed by looking every few seconds: {error}")
        self._wake()
        threading.Thread(target=self._retry, args=(self._stop,), name="runboard-watch-retry", daemon=True).start()

    def _retry(self, stop: threading.Event) -> None:
        """Build the notifier again, unless somebody has replaced it meanwhile."""
        if stop.wait(RETRY_SECONDS) or self._closed.is_set():
            return
        with self._lock:
            if self._stop is stop:
                self._replace()


def _require_watched(paths: Iterable[str]) -> None:
    """Refuse a notifier that has fewer watches than it was asked for: the kernel's limit is passed over in silence.

    Raises:
        OSError: No descriptor of this process has so many (proc_pid_fdinfo(5)), or a directory is not there.
    """
    wanted = len({(info.st_dev, info.st_ino) for info in map(os.stat, paths)})
    watched = [told.count(b"inotify wd:") for told in _notifiers()]
    if watched and max(watched) < wanted:
        raise OSError(f"only {max(watched)} of {wanted} directories can be watched (fs.inotify.max_user_watches)")


def _notifiers() -> Iterator[bytes]:
    """What the kernel tells of each descriptor of inotify that this process has."""
    with suppress(OSError):
        for number in os.listdir("/proc/self/fd"):
            with suppress(OSError):  # closed meanwhile
                if os.readlink(f"/proc/self/fd/{number}") == "anon_inode:inotify":
                    with open(f"/proc/self/fdinfo/{number}", "rb") as file:
                        yield file.read()
