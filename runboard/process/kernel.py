"""What the kernel promises: clocks, descriptors that stay with one process, and how a process of others ended."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time
from errno import EMFILE, ENFILE, ENOMEM, ENOSYS, ESRCH

from runboard.lenient import PID_MAX
from runboard.process.procfs import slurp
from runboard.process.table import read_stat

HAS_PIDFD = hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")

_PIDFD_GET_INFO = 3 << 30 | 64 << 16 | 0xFF << 8 | 11
_PIDFD_INFO_EXIT = 1 << 3


def boot_clock() -> float:
    """Seconds since boot, time asleep included; no change of the wall clock moves it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory since boot; 0 where it does not count them."""
    data = slurp("/proc/vmstat")
    at = data.find(b"\noom_kill ")
    return int(data[at:].split(None, 2)[1]) if at >= 0 else 0


def pidfd_of(pid: int, ticks: int | None) -> int:
    """A pidfd that is certain to be of the process with this pid and these start ticks, ended but not reaped included.

    Raises:
        ProcessLookupError: There is no such process any more.
        OSError: The kernel gives no pidfd (ENOSYS, EPERM), or there are no descriptors left (EMFILE, ENFILE).
    """
    if not HAS_PIDFD:
        raise OSError(ENOSYS, os.strerror(ENOSYS))
    if not 0 < pid <= PID_MAX:
        raise ProcessLookupError(ESRCH, os.strerror(ESRCH))
    pidfd = os.pidfd_open(pid)
    try:
        stat = read_stat(pid)  # opened first: the number may be given away from here on, the descriptor may not
        if stat is None or (ticks is not None and stat.start_ticks != ticks):
            raise ProcessLookupError(ESRCH, os.strerror(ESRCH))
    except OSError:
        os.close(pidfd)
        raise
    return pidfd


def open_pidfd(pid: int, ticks: int | None) -> int | None:
    """A verified pidfd, or None where the process is gone or another one, or no descriptor is to be had."""
    try:
        return pidfd_of(pid, ticks)
    except OSError:
        return None


def kernel_status(pidfd: int | None, pid: int) -> int | None:
    """The raw wait status of an ended process, our child or not; None while it runs, or where it is not to be had.

    A zombie shows it in /proc; after the reap a pidfd that was opened before still tells (Linux 6.15).
    """
    status = _status_of_zombie(pid) if pidfd is None or _unreaped(pidfd) else None
    if pidfd is None or (status is not None and _unreaped(pidfd)):
        return status  # still there after it was read: the number cannot have been given away in between
    return _status_by_pidfd(pidfd)


def kernel_status_of(pid: int, ticks: int) -> int | None:
    """The same of the very process that began at ``ticks``; None also where it is gone for good.

    Raises:
        OSError: There are no descriptors left to ask with, which says nothing of the process.
    """
    try:
        pidfd = pidfd_of(pid, ticks)
    except OSError as error:
        if error.errno in {EMFILE, ENFILE, ENOMEM}:
            raise
        return None
    try:
        return kernel_status(pidfd, pid)
    finally:
        os.close(pidfd)


def _unreaped(pidfd: int) -> bool:
    """Whether the process is there, if only as a zombie."""
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # not ours to signal, so it is there
    return True


def _status_by_pidfd(pidfd: int) -> int | None:
    """The wait status kept by a pidfd after the reap (PIDFD_GET_INFO); None before, and on kernels without it."""
    info = bytearray(64)
    struct.pack_into("=Q", info, 0, _PIDFD_INFO_EXIT)
    try:
        fcntl.ioctl(pidfd, _PIDFD_GET_INFO, info, True)
    except OSError:
        return None
    mask, status = struct.unpack_from("=Q52xI", info)
    return int(status) & 0xFFFF if mask & _PIDFD_INFO_EXIT else None


def _status_of_zombie(pid: int) -> int | None:
    """The wait status of a process that nobody has reaped yet.

    Not of one whose secrets the kernel keeps from us: it then shows 0 in place of the status, which reads as success.
    """
    stat = read_stat(pid)
    if stat is None or stat.state != "Z" or not stat.dead or not _may_trace(pid):
        return None
    return stat.exit_code & 0xFFFF


def _may_trace(pid: int) -> bool:
    """Whether the kernel keeps nothing of a process from us; it asks the same of who follows this link.

    Being root is not enough under Landlock, nor is having its ids where it once was somebody else's.
    """
    try:
        os.readlink(f"/proc/{pid}/cwd")
    except PermissionError:
        return False
    except OSError:
        return True  # a zombie works nowhere
    return True
