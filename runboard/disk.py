"""One wait for the disk in place of many: whatever was written to a file system is made durable by a single call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from itertools import takewhile

SEVERAL = 16
"""From so many endings on one wait is shared."""

TOGETHER = 64
"""At most so many share it: their locks are held meanwhile."""

LITTLE = 256 << 20
"""Bytes: where all programs together have left more unwritten, to wait for all of it may take long."""

_TELLING = (5, 8)
"""The first Linux whose syncfs(2) tells of a write that failed; before, it succeeds all the same."""


def quiet() -> bool:
    """Whether `sync_all` is to be had, and little is unwritten that it would wait for."""
    return _syncfs() is not None and _unwritten() < LITTLE


def sync_all(fd: int) -> bool:
    """Make everything durable that was written to the file system of an open file; False where that is not certain.

    Args:
        fd: Any file of the file system, opened before what is to be made durable was written: errors that were told
            to nobody before it was opened are not told to it either (syncfs(2)).
    """
    call = _syncfs()
    return call is not None and call(fd) == 0


@cache
def _syncfs() -> Callable[[int], int] | None:
    """The system's call, if it tells of what could not be written."""
    if sys.platform != "linux" or _release() < _TELLING:
        return None
    import ctypes  # noqa: PLC0415 - for who settles many endings at once, and nobody else

    call: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return call


def _release() -> tuple[int, ...]:
    """The numbers of the kernel's release."""
    parts = os.uname().release.split(".")[:2]
    return tuple(int("".join(takewhile(str.isdigit, part)) or 0) for part in parts)


def _unwritten() -> int:
    """Bytes that wait to be written to any disk; more than any number where that is not told (proc_meminfo(5))."""
    try:
        with open("/proc/meminfo", "rb") as file:
            told = dict(line.split(None, 2)[:2] for line in file if line.startswith((b"Dirty:", b"Writeback:")))
    except (OSError, ValueError):
        return sys.maxsize
    return sum(int(told.get(name, sys.maxsize)) for name in (b"Dirty:", b"Writeback:")) * 1024
