"""seccomp: a filter that answers the system calls a board has no use for with an error, and never kills.

The filter is classic BPF over the kernel's seccomp_data: the number of the call at 0, the machine at 4, and from 16 on
the arguments of eight bytes each, of which the lower four come first on the machines known here.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from errno import EACCES, ENOSYS, EPERM
from socket import AF_UNIX, SOCK_STREAM

from runboard.guest import calls
from runboard.guest.kernel import call

_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _MASK, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _GET_ACTION_AVAIL, _TSYNC = 1, 2, 1

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020080
"""The flags of clone(2) that make namespaces."""

_F_GETPIPE_SZ = 1032
_DESCRIPTORS = (
    *(fcntl.F_DUPFD, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL),
    *(getattr(fcntl, "F_DUPFD_CLOEXEC", 1030), _F_GETPIPE_SZ),
)
"""What fcntl(2) may do; no locks, leases, seals, or owners that get signals."""

_TERMINAL = (
    *(0x5401, 0x5402, 0x5403, 0x5404, 0x802C542A, 0x402C542B, 0x402C542C, 0x402C542D),  # TCGETS, TCSETS..., TCGETS2...
    *(0x5409, 0x540B, 0x540F, 0x5411, 0x5413, 0x5429),  # TCSBRK TCFLSH TIOCGPGRP TIOCOUTQ TIOCGWINSZ TIOCGSID
    *(0x541B, 0x5421, 0x5450, 0x5451),  # FIONREAD FIONBIO FIONCLEX FIOCLEX
)
"""What ioctl(2) may do: ask a terminal, set its modes, and mark descriptors; no typing into it (TIOCSTI, TIOCLINUX), no
attributes of files. The numbers are those of asm-generic/ioctls.h, which both machines have."""

_PIDFD_INFO = 0xFF0B
"""The lower half of PIDFD_GET_INFO, whose upper half holds a size."""

_NAMES = (3, 15, 16, 21, 39, 0x53564D41)
"""What prctl(2) may do: ask, and name threads and memory."""

_SELF_ONLY = 1
"""IOPRIO_WHO_PROCESS."""


def machine() -> str:
    """What this machine is called."""
    return os.uname().machine


def available() -> bool:
    """Whether there is a filter for this machine, and the kernel takes one that answers with errors."""
    number = _SECCOMP.get(machine())
    if sys.platform != "linux" or number is None or struct.calcsize("P") != 8:
        return False
    action = ctypes.create_string_buffer(struct.pack("=I", _ERROR))
    try:
        call(number, ctypes.c_long(_GET_ACTION_AVAIL), ctypes.c_long(0), action)
    except OSError:
        return False
    return True


def restrict() -> None:
    """Put the filter in force for this process, in all of its threads.

    Raises:
        OSError: The kernel would not do it; nothing is restricted.
    """
    program = b"".join(filter_for(machine(), os.getpid()))
    held = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(held)))
    how = ctypes.c_long(_SET_MODE_FILTER), ctypes.c_long(_TSYNC)
    if call(_SECCOMP[machine()], *how, header):
        raise OSError(EPERM, "a thread could not be restricted")


def filter_for(name: str, pid: int) -> Iterator[bytes]:
    """The filter's instructions for a machine, and for the process that may signal itself."""
    column, arch = calls.MACHINES[name]
    yield from (_op(_LOAD, 4), _op(_EQUAL, arch, 1, 0), _refuse(EPERM), _op(_LOAD, 0))
    yield from (_op(_ABOVE, calls.NEWEST, 0, 1), _refuse(ENOSYS))
    for numbers in calls.REFUSED.values():
        yield from _when(numbers[column], [_refuse(EPERM)])
    for numbers in calls.UNKNOWN.values():
        yield from _when(numbers[column], [_refuse(ENOSYS)])
    for at, numbers in enumerate(calls.OPEN.values(), 1):
        yield from _when(numbers[column], [_argument(at), _op(_ANY_BIT, _WRITING, 0, 1), _refuse(EACCES), _allow()])
    threads = [_argument(0), _op(_ANY_BIT, _CLONE_NEW, 2, 0), _op(_ANY_BIT, _CLONE_THREAD, 0, 1), _allow()]
    yield from _when(calls.CLONE[column], [*threads, _refuse(EPERM)])
    for numbers in calls.KILL.values():
        yield from _when(numbers[column], _only(0, [pid]))
    yield from _when(calls.PIDFD_SEND_SIGNAL[column], _only(1, [0]))
    pair = [_argument(0), _op(_EQUAL, AF_UNIX, 0, 4), _argument(1), _op(_MASK, 0xF), _op(_EQUAL, SOCK_STREAM, 0, 1)]
    yield from _when(calls.SOCKETPAIR[column], [*pair, _allow(), _refuse(EPERM)])
    yield from _when(calls.SENDTO[column], _null(4))
    own = [_argument(0), _op(_EQUAL, 0, 2, 0), _op(_EQUAL, pid, 1, 0), _refuse(EPERM)]
    yield from _when(calls.PRLIMIT[column], [*own, *_null(2)])
    info = [_argument(1), _op(_MASK, 0xFFFF), _op(_EQUAL, _PIDFD_INFO, 0, 1), _allow()]
    yield from _when(calls.IOCTL[column], [*info, *_only(1, _TERMINAL)])
    yield from _when(calls.FCNTL[column], _only(1, _DESCRIPTORS))
    yield from _when(calls.PRCTL[column], _only(0, _NAMES))
    ours = [_argument(0), _op(_EQUAL, _SELF_ONLY, 0, 3), _argument(1), _op(_EQUAL, 0, 0, 1), _allow(), _refuse(EPERM)]
    yield from _when(calls.IOPRIO_SET[column], ours)
    yield _allow()


def _op(code: int, value: int, then: int = 0, other: int = 0) -> bytes:
    """One instruction; a test skips ``then`` instructions where it holds and ``other`` where it does not."""
    return struct.pack("=HBBI", code, then, other, value)


def _argument(at: int, *, upper: bool = False) -> bytes:
    """Load the lower half of an argument, or its upper one."""
    return _op(_LOAD, 16 + 8 * at + 4 * upper)


def _allow() -> bytes:
    """Let the call pass."""
    return _op(_RETURN, _ALLOW)


def _refuse(error: int) -> bytes:
    """Answer the call with an error."""
    return _op(_RETURN, _ERROR | error)


def _when(number: int | None, then: list[bytes]) -> Iterator[bytes]:
    """What is to be done at a call, which must end in an answer; nothing where the machine has no such call."""
    if number is not None:
        yield _op(_EQUAL, number, 0, len(then))
        yield from then


def _only(at: int, values: Iterable[int]) -> list[bytes]:
    """Let the call pass where an argument's lower half is one of these."""
    tests = [[_op(_EQUAL, value & 0xFFFFFFFF, 0, 1), _allow()] for value in values]
    return [_argument(at), *(one for test in tests for one in test), _refuse(EPERM)]


def _null(at: int) -> list[bytes]:
    """Let the call pass where an argument is no address."""
    lower, upper = _argument(at), _argument(at, upper=True)
    return [lower, _op(_EQUAL, 0, 0, 3), upper, _op(_EQUAL, 0, 0, 1), _allow(), _refuse(EPERM)]
