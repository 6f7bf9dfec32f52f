"""/proc read so that no process name can lie: who a process is, whom it belongs to and what it was started with."""

from __future__ import annotations

import os
from errno import EACCES, ENOENT, ENOTDIR, EPERM, ESRCH
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")
_HIDDEN = frozenset({ENOENT, ESRCH, EACCES, EPERM, ENOTDIR})
"""What is gone, or is not for us; any other error says nothing of what was asked."""


class Stat(NamedTuple):
    """The part of proc_pid_stat(5) that we use; ``exit_code`` is the raw wait status of a zombie.

    ``cpu_ticks`` is the time it had a processor, in clock ticks, and ``resident`` its memory in bytes, shared included.
    """

    pid: int
    name: str
    state: str
    ppid: int
    group: int
    threads: int
    start_ticks: int
    exit_code: int
    cpu_ticks: int = 0
    resident: int = 0

    @property
    def dead(self) -> bool:
        """Whether it has ended; a zombie with other threads is a live process whose main thread left early."""
        return self.state in "ZX" and self.threads <= 1


def read_stat(pid: int) -> Stat | None:
    """One process's /proc/PID/stat, or None where there is no such process."""
    data = slurp(f"/proc/{pid}/stat")
    end = data.rfind(b")")  # the name may hold anything, ") R 1 (" too; the last one is the kernel's
    fields = data[end + 1 :].split()
    if end < 0 or len(fields) < 50:
        return None
    name = data[data.find(b"(") + 1 : end].decode(errors="replace")
    ppid, group, threads, start_ticks, exit_code = (int(fields[at]) for at in (1, 2, 17, 19, 49))
    cpu, resident = int(fields[11]) + int(fields[12]), int(fields[21]) * PAGE
    return Stat(pid, name, fields[0].decode(), ppid, group, threads, start_ticks, exit_code, cpu, resident)


def pids() -> list[int]:
    """Every process's pid, in rising order."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def environ_of(pid: int) -> tuple[bytes, ...]:
    """The environment a process was started with, as NAME=value; empty where we may not read it."""
    return tuple(slurp(f"/proc/{pid}/environ").split(b"\0"))


def command_of(pid: int) -> tuple[str, ...]:
    """A process's argument list; empty for a zombie or a thread of the kernel."""
    return tuple(os.fsdecode(part) for part in slurp(f"/proc/{pid}/cmdline").removesuffix(b"\0").split(b"\0") if part)


def owner_of(pid: int) -> int | None:
    """The effective user a process runs as; None where it is gone."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError as error:
        if error.errno not in _HIDDEN:
            raise
        return None


def slurp(path: str) -> bytes:
    """A file of /proc, whole, or nothing where it is not there or not for us.

    Raises:
        OSError: It could not be looked at, as for want of descriptors, which says nothing of what it is about.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _HIDDEN:
            raise
        return b""
    pieces = []
    try:
        while piece := os.read(file, 1 << 16):
            pieces.append(piece)
    except OSError as error:
        if error.errno not in _HIDDEN:
            raise
        return b""
    finally:
        os.close(file)
    return b"".join(pieces)
