"""What tells that something changed in a few directories: inotify itself where there is Linux, else watchfiles.

watchfiles looks every few milliseconds whether there is something to tell, and is told of every directory that is
merely opened, as each look at a run does; the kernel wakes who waits, and only for what was asked.
"""

from __future__ import annotations

import os
import select
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from errno import EACCES, ELOOP, ENOENT, ENOSYS, ENOTDIR, EPERM
from threading import Event, Lock
from typing import Protocol

GROUPING_MS = 60
"""Changes of directories closer together than this are told once: watchfiles waits for it before, we after."""

STEP_MS = 30
"""How often watchfiles looks at what the system queued."""

CHANGES = 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200
"""ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE and DELETE (inotify(7)): no mere look, and no line of a log.

Whoever writes a journal or a record closes it.
"""

WRITES = 0x2 | 0x4
"""MODIFY and ATTRIB: something was written to a file, or its name was taken from it while others have it open."""

_ENDS = 0x400 | 0x800
"""DELETE_SELF and MOVE_SELF: what bears the path is no longer what is watched."""

_LOST = _ENDS | 0x2000 | 0x8000
"""The same, UNMOUNT, and IGNORED: the kernel watches this no more."""

_EVENT = struct.Struct("iIII")
_UNWATCHABLE = frozenset({EACCES, ELOOP, ENOENT, ENOTDIR, EPERM})
"""Errors of a path that say nothing of the others."""


class Notifier(Protocol):
    """Waits for changes of files or in directories, not recursive, for one thread; `stop` is called by any."""

    lost: bool
    """Whether some path may no longer lead to what is watched."""

    def wait(self) -> frozenset[str] | None:
        """Block until something has changed, and tell in which of the paths; None once `stop` was called.

        Raises:
            OSError: It can wait no more.
        """

    def stop(self) -> None:
        """Have `wait` return, now and from now on."""

    def close(self) -> None:
        """Give back what is held; the thread that waits calls it last."""


def open_notifier(paths: Iterable[str], changes: int = CHANGES, grouping_ms: int = GROUPING_MS) -> Notifier:
    """Watch files or directories; those that are not there, or may not be looked at, are left out.

    Args:
        paths: Which.
        changes: What is a change, where the system lets one choose: ``CHANGES`` or ``WRITES``.
        grouping_ms: What follows so soon is told together.

    Raises:
        OSError: They cannot be watched, as where the user's limit of watches is reached.
    """
    if sys.platform == "linux":
        with suppress(ImportError):  # Python may be built without ctypes
            return Inotify(paths, changes, grouping_ms)
    return Watchfiles(paths, grouping_ms)


class Inotify:
    """inotify(7): sleeps in the kernel until something has changed."""

    def __init__(self, paths: Iterable[str], changes: int, grouping_ms: int) -> None:
        """Watch these from now on.

        Raises:
            ImportError: Python is built without ctypes.
            OSError: The kernel has no instance or watch left, or none of the paths can be watched.
        """
        import ctypes  # noqa: PLC0415 - an interpreter may be built without it

        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            raise OSError(ENOSYS, os.strerror(ENOSYS))
        self.lost = self._told = False
        self._paths: dict[int, str] = {}
        self._grouping = grouping_ms
        self._lock = Lock()
        self._fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

        def watch(path: str) -> int:
            """Add a path; 0, or the number of what is wrong with it."""
            mask = ctypes.c_uint32(changes | _ENDS)
            number = libc.inotify_add_watch(self._fd, os.fsencode(path), mask)
            if number >= 0:
                self._paths[number] = path
            return 0 if number >= 0 else ctypes.get_errno()

        self._ends: tuple[int, ...] = ()
        try:
            _watch_all(paths, watch)
            self._ends = os.pipe()
        except BaseException:
            os.close(self._fd)
            raise
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._ends[0], select.POLLIN)
        self._pause = select.poll()
        self._pause.register(self._ends[0], select.POLLIN)

    def wait(self) -> frozenset[str] | None:
        """Block until something has changed; what follows soon is told together, after that."""
        if self._told and self._pause.poll(self._grouping):
            return None
        self._told = True
        if any(fd != self._fd for fd, _ in self._poll.poll()):
            return None
        changed = set[int]()
        with suppress(BlockingIOError):
            while data := os.read(self._fd, 1 << 16):
                lost, where = _told(data)
                self.lost |= lost
                changed |= where
        return frozenset(self._paths[number] for number in changed if number in self._paths)

    def stop(self) -> None:
        """Have `wait` return."""
        with self._lock:
            if len(self._ends) > 1:
                os.close(self._ends[1])
                self._ends = self._ends[:1]

    def close(self) -> None:
        """Give back all descriptors."""
        self.stop()
        with self._lock:
            for fd in (self._fd, *self._ends):
                os.close(fd)
            self._ends = ()


class Watchfiles:
    """The same by watchfiles, for systems without inotify."""

    def __init__(self, paths: Iterable[str], grouping_ms: int) -> None:
        """Watch these from now on.

        Raises:
            OSError: They cannot be watched.
        """
        from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError  # noqa: PLC0415 - as with ctypes

        self.lost = False
        self._stop, self._grouping = Event(), grouping_ms
        try:
            self._notify = RustNotify([path for path in paths if os.path.exists(path)], False, False, 0, False, True)
        except WatchfilesRustInternalError as error:
            raise OSError(str(error)) from error

    def wait(self) -> frozenset[str] | None:
        """Block until something has changed; one file name that is not UTF-8 ends it for good (m)."""
        try:
            # With no limit of its own, the stop event is looked at once a step.
            found = self._notify.watch(self._grouping, STEP_MS, 0, self._stop)
        except (RuntimeError, UnicodeError, ValueError) as error:
            raise OSError(str(error)) from error
        return frozenset(os.path.dirname(path) for _kind, path in found) if isinstance(found, set) else None

    def stop(self) -> None:
        """Have `wait` return."""
        self._stop.set()

    def close(self) -> None:
        """Give back what the system holds for it."""
        self._notify.close()


def _watch_all(paths: Iterable[str], watch: Callable[[str], int]) -> None:
    """Watch those of some paths that can be.

    Raises:
        OSError: None can, or what is wrong is not about a path.
    """
    some, wrong = False, ENOENT
    for path in paths:
        number = watch(path)
        if number and number not in _UNWATCHABLE:
            raise OSError(number, os.strerror(number))
        some, wrong = some or not number, number or wrong
    if not some:
        raise OSError(wrong, os.strerror(wrong))


def _told(data: bytes) -> tuple[bool, set[int]]:
    """What some events say: whether a directory is watched no more, and the watches they are of."""
    at, lost, watches = 0, False, set()
    while at < len(data):
        watch, mask, _cookie, size = _EVENT.unpack_from(data, at)
        lost |= bool(mask & _LOST)
        watches.add(watch)
        at += _EVENT.size + size
    return lost, watches
