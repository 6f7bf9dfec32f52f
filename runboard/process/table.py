"""The process table: /proc where there is one, psutil elsewhere; decided once."""

from __future__ import annotations

import os
from collections.abc import Callable

from runboard.process import elsewhere, procfs
from runboard.process.procfs import Stat

HAS_PROC = os.path.exists("/proc/self/stat")

RUN_MARK = "RUNBOARD_RUN_ID"
"""In the environment of a run's command and all it starts."""

SHIM_MARK = "RUNBOARD_SHIM"
"""In the environment of a run's shim only."""

SETTLING_MARK = "RUNBOARD_SETTLING"
"""In the environment of what the shim becomes at the end, and of what that starts."""

_MARKS = tuple(f"{mark}=".encode() for mark in (RUN_MARK, SHIM_MARK, SETTLING_MARK))

read_stat: Callable[[int], Stat | None] = procfs.read_stat if HAS_PROC else elsewhere.read_stat
pids: Callable[[], list[int]] = procfs.pids if HAS_PROC else elsewhere.pids
environ_of: Callable[[int], tuple[bytes, ...]] = procfs.environ_of if HAS_PROC else elsewhere.environ_of
command_of: Callable[[int], tuple[str, ...]] = procfs.command_of if HAS_PROC else elsewhere.command_of
owner_of: Callable[[int], int | None] = procfs.owner_of if HAS_PROC else elsewhere.owner_of


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where there is none, or only its zombie."""
    stat = read_stat(pid) if pid > 0 else None
    return None if stat is None or stat.dead else stat.start_ticks


def marks_of(pid: int) -> frozenset[str]:
    """The marks of ours that a process was started with, as NAME=value."""
    return frozenset(entry.decode(errors="replace") for entry in environ_of(pid) if entry.startswith(_MARKS))


def ancestry() -> frozenset[int]:
    """Our own pid and those of all our ancestors: never signalled, whatever a record says."""
    found, pid = {0, 1}, os.getpid()
    while pid not in found:
        found.add(pid)
        stat = read_stat(pid)
        pid = stat.ppid if stat else 0
    return frozenset(found)
