"""The process table of a system without /proc, by psutil: enough to look at runs there, at many times the price."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runboard.process.procfs import Stat

if TYPE_CHECKING:
    import psutil

TICKS = 100
"""Parts of a second in which start times are counted here, as Linux does."""


def read_stat(pid: int) -> Stat | None:
    """One process, or None where there is none; its start is on the wall clock here, which such systems keep fixed.

    Raises:
        OSError: It could not be looked at, as for want of descriptors, which says nothing of it.
    """
    import psutil  # noqa: PLC0415 - never needed on Linux

    try:
        found = psutil.Process(pid)
        with found.oneshot():
            state = "Z" if found.status() == psutil.STATUS_ZOMBIE else "S"
            ticks = round(found.create_time() * TICKS)
            return Stat(pid, found.name(), state, found.ppid(), os.getpgid(pid), 1, ticks, 0, *_used(found))
    except (psutil.Error, ProcessLookupError, ValueError):
        return None


def _used(found: psutil.Process) -> tuple[int, int]:
    """The parts of a second and the bytes that a process uses; nothing of another user's, which lives all the same."""
    import psutil  # noqa: PLC0415 - never needed on Linux

    try:
        used = found.cpu_times()
        return round((used.user + used.system) * TICKS), int(found.memory_info().rss)
    except psutil.AccessDenied:
        return 0, 0


def pids() -> list[int]:
    """Every process's pid, in rising order."""
    import psutil  # noqa: PLC0415 - never needed on Linux

    return sorted(psutil.pids())


def environ_of(pid: int) -> tuple[bytes, ...]:
    """The environment a process was started with, as NAME=value; empty where we may not read it."""
    import psutil  # noqa: PLC0415 - never needed on Linux

    try:
        found = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return ()
    return tuple(os.fsencode(f"{name}={value}") for name, value in found.items())


def command_of(pid: int) -> tuple[str, ...]:
    """A process's argument list."""
    import psutil  # noqa: PLC0415 - never needed on Linux

    try:
        return tuple(psutil.Process(pid).cmdline())
    except (psutil.Error, OSError):
        return ()


def owner_of(pid: int) -> int | None:
    """The effective user a process runs as; None where it is gone."""
    import psutil  # noqa: PLC0415 - never needed on Linux

    try:
        return int(psutil.Process(pid).uids().effective)
    except (psutil.Error, OSError):
        return None
