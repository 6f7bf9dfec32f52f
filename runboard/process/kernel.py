"""What the kernel tells of processes: /proc parsed so that no process name can lie, clocks, verified pidfds, wait statuses.

A process is known by its pid and its start ticks together; a pid alone names whoever has it now.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time
from dataclasses import dataclass
from errno import ESRCH

HAS_PROC = os.path.exists("/proc/self/stat")
HAS_PIDFD = hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")

_PIDFD_GET_INFO = 3 << 30 | 64 << 16 | 0xFF << 8 | 11
_PIDFD_INFO_EXIT = 1 << 3


@dataclass(frozen=True, slots=True)
class Stat:
    """The part of proc_pid_stat(5) that we use; ``exit_code`` is the raw wait status of a zombie."""

    pid: int
    name: str
    state: str
    ppid: int
    group: int
    session: int
    threads: int
    start_ticks: int
    exit_code: int

    @property
    def dead(self) -> bool:
        """Whether it has ended: a zombie whose other threads live on is a process whose main thread left early."""
        return self.state in "ZX" and self.threads <= 1


def read_stat(pid: int) -> Stat | None:
    """One process's /proc/PID/stat, or None where there is no such process."""
    data = slurp(f"/proc/{pid}/stat")
    close = data.rfind(b")")  # the name may hold anything, ") R 1 (" too; the last one is the kernel's
    fields = data[close + 1 :].split()
    if close < 0 or len(fields) < 50:
        return None
    name = data[data.find(b"(") + 1 : close].decode(errors="replace")
    ppid, group, session = (int(field) for field in fields[1:4])
    return Stat(
        pid, name, fields[0].decode(), ppid, group, session, int(fields[17]), int(fields[19]), int(fields[49])
    )


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None where there is none, or only its zombie."""
    if pid <= 0:
        return None
    stat = read_stat(pid)
    return None if stat is None or stat.dead else stat.start_ticks


def slurp(path: str) -> bytes:
    """A file of /proc, whole, or nothing where it cannot be had."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    pieces = []
    try:
        while piece := os.read(file, 1 << 16):
            pieces.append(piece)
    except OSError:
        return b""
    finally:
        os.close(file)
    return b"".join(pieces)


def environ_of(pid: int) -> bytes:
    """A process's initial environment with a NUL before and after every entry; empty where we may not read it."""
    data = slurp(f"/proc/{pid}/environ")
    return b"\0" + data + b"\0" if data else b""


def pids() -> list[int]:
    """Every process's pid in rising order."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())


def boot_clock() -> float:
    """Seconds since boot, time asleep included; no change of the wall clock moves it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 where it does not count them."""
    data = slurp("/proc/vmstat")
    at = data.find(b"\noom_kill ")
    return int(data[at:].split(None, 2)[1]) if at >= 0 else 0


def pidfd_of(pid: int, ticks: int | None) -> int:
    """A pidfd that is certain to be of the process with this pid and these start ticks.

    Raises:
        ProcessLookupError: There is no such process any more; a zombie counts as gone only after it was reaped.
        OSError: The kernel gives no pidfd (ENOSYS, EPERM), or there are no descriptors left (EMFILE, ENFILE).
    """
    file = os.pidfd_open(pid)
    stat = read_stat(pid)  # opened first: from here on the number may be reused, the descriptor may not
    if stat is None or (ticks is not None and stat.start_ticks != ticks):
        os.close(file)
        raise ProcessLookupError(ESRCH, f"process {pid} is gone or another one")
    return file


def open_pidfd(pid: int, ticks: int | None) -> int | None:
    """A verified pidfd, or None where the process is gone, is another one, or cannot be had as a descriptor."""
    if not HAS_PIDFD or pid <= 0:
        return None
    try:
        return pidfd_of(pid, ticks)
    except OSError:
        return None


def kernel_status(pidfd: int | None, pid: int) -> int | None:
    """The raw wait status of an ended process that need not be our child; None while it runs or where it is not to be had.

    A zombie shows it in /proc; after the reap a pidfd opened before still tells (PIDFD_GET_INFO, Linux 6.15).
    """
    status = _status_by_pidfd(pidfd) if pidfd is not None else None
    return status if status is not None else _status_of_zombie(pid)


def _status_by_pidfd(pidfd: int) -> int | None:
    """The wait status kept by a pidfd after the reap; None before, and on kernels that do not know the request."""
    info = bytearray(64)
    struct.pack_into("=Q", info, 0, _PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info, True)
    except OSError:
        return None
    mask, status = struct.unpack_from("=Q", info)[0], struct.unpack_from("=i", info, 60)[0]
    return int(status) & 0xFFFF if mask & _PIDFD_INFO_EXIT else None


def _status_of_zombie(pid: int) -> int | None:
    """The wait status of a process that nobody has reaped yet; not of one whose secrets the kernel keeps from us.

    The kernel shows 0 in place of the status to those who may not trace the process, which would read as a success.
    """
    stat = read_stat(pid)
    if stat is None or stat.state != "Z" or not stat.dead or not _may_trace(pid):
        return None
    return stat.exit_code & 0xFFFF


def _may_trace(pid: int) -> bool:
    """Whether all of a process's user and group ids are ours, or we are root."""
    if os.geteuid() == 0:
        return True
    ids = {line[:4]: line[5:].split() for line in slurp(f"/proc/{pid}/status").splitlines() if line[:3] in {b"Uid", b"Gid"}}
    mine = {b"Uid:": os.geteuid(), b"Gid:": os.getegid()}
    return all(kind in ids and all(int(found) == own for found in ids[kind][:3]) for kind, own in mine.items())
