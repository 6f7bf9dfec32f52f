"""The system calls that no module of the standard library offers, made through the C library."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_CAPGET, _CAPSET = {"x86_64": (125, 126)}.get(os.uname().machine, (90, 91))
_CAPABILITIES_V3 = 0x20080522
_DAC_READ_SEARCH = 1 << 2

_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39

Argument = ctypes.c_long | ctypes.c_void_p | ctypes.Array[ctypes.c_char] | None
"""What a system call takes: a number, or an address."""


def call(number: int, *arguments: Argument) -> int:
    """Make a system call by its number.

    Raises:
        OSError: The kernel refused it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    got = int(libc.syscall(ctypes.c_long(number), *arguments))
    if got < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return got


def give_up_privileges() -> None:
    """Gain nothing from any program that this process could ever execute; a lock of an ordinary user needs it.

    Raises:
        OSError: The kernel refused it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def drop_capabilities() -> None:
    """Be root in name only: of its rights only the one to read what others own is kept, which runs of others need.

    With others it could look into every process, whatever Landlock says (CAP_PERFMON, Linux 6.15).

    Raises:
        OSError: The kernel refused it.
    """
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITIES_V3, 0), 8)
    held = ctypes.create_string_buffer(24)
    call(_CAPGET, header, held)
    kept = struct.unpack_from("=I", held, 4)[0] & _DAC_READ_SEARCH
    call(_CAPSET, header, ctypes.create_string_buffer(struct.pack("=6I", kept, kept, 0, 0, 0, 0), 24))


def knows_no_new_privileges() -> bool:
    """Whether the kernel knows of that."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_GET_NO_NEW_PRIVS, *map(ctypes.c_ulong, (0, 0, 0, 0))) >= 0)
