"""What this process may take: open files for a board with a pidfd per run, and the disk only when nobody else does."""

from __future__ import annotations

import os
import resource
import sys

_remembered: list[int] = []
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30}
"""The number of the system call, which no library of ours offers for a thread."""

_THIS_THREAD, _IDLE = 1, 3 << 13


def raise_file_limit() -> int:
    """Raise our soft limit of open files to the hard one; returns the soft limit there was before any raise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _remembered:
        _remembered.append(soft)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return _remembered[0]  # some systems refuse "unlimited"; the old limit still works
    return _remembered[0]


def file_limit() -> int:
    """The soft limit of open files that a started command is to have: ours, as it was before any raise."""
    return _remembered[0] if _remembered else os.sysconf("SC_OPEN_MAX")


def read_last() -> None:
    """Let this thread's reading wait for everybody else's, where the kernel's scheduler of disks knows of that."""
    number = _IOPRIO_SET.get(os.uname().machine) if sys.platform == "linux" else None
    if number is None:
        return
    try:
        from ctypes import CDLL  # noqa: PLC0415 - an interpreter may be built without it

        CDLL(None).syscall(number, _THIS_THREAD, 0, _IDLE)
    except (ImportError, OSError, AttributeError):
        return
