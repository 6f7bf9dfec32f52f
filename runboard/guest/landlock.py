"""Landlock: from now on this process may read below a few paths, and no other right to files, ports or peers is left.

Every right that the kernel knows is handled, and so refused unless a rule grants it; the rules grant reading alone.
See landlock(7) and Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from errno import EINVAL

from runboard.guest.kernel import call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3

NEWEST = 9
"""The newest ABI whose rights are known here: of a newer one no more than this is asked for."""

_FILES = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16, 7: 16, 8: 16, 9: 17}
"""How many rights to files each ABI has: 2 brought moving, 3 truncating, 5 devices' ioctl, 9 named sockets."""

_PORTS, _PORTS_SINCE = 0b11, 4
"""Binding and connecting TCP."""

_SCOPES, _SCOPES_SINCE = 0b11, 6
"""Abstract sockets and signals of whoever is not locked in with us."""


def abi() -> int:
    """The version of Landlock that is switched on; 0 for none."""
    if sys.platform == "linux":
        with suppress(OSError):
            return call(_CREATE_RULESET, None, ctypes.c_long(0), ctypes.c_long(_VERSION))
    return 0


def covered(version: int) -> str:
    """What a version covers, in words."""
    return ", ".join(
        ["files", *["ports"] * (version >= _PORTS_SINCE), *["signals and sockets"] * (version >= _SCOPES_SINCE)]
    )


def restrict(version: int, readable: Iterable[str]) -> int:
    """Leave this thread, and what it will start, the reading below these paths; returns the ABI that was put in force.

    Args:
        version: What `abi` said.
        readable: Files and directories; those that are not there are passed over.

    Raises:
        OSError: The kernel would not do it; nothing is restricted.
    """
    number, ruleset = _ruleset(min(version, NEWEST))
    try:
        for path in readable:
            _allow(ruleset, path)
        call(_RESTRICT_SELF, ctypes.c_long(ruleset), ctypes.c_long(0))
    finally:
        os.close(ruleset)
    return number


def _ruleset(version: int) -> tuple[int, int]:
    """A ruleset that handles all that a version knows, and which version the kernel took: it may promise too much."""
    for number in range(version, 0, -1):
        handled = (
            (1 << _FILES[number]) - 1,
            _PORTS if number >= _PORTS_SINCE else 0,
            _SCOPES if number >= _SCOPES_SINCE else 0,
        )
        size = 8 if number < _PORTS_SINCE else 16 if number < _SCOPES_SINCE else 24
        wish = ctypes.create_string_buffer(struct.pack("=QQQ", *handled), 24)
        try:
            return number, call(_CREATE_RULESET, wish, ctypes.c_long(size), ctypes.c_long(0))
        except OSError as error:
            if error.errno != EINVAL or number == 1:
                raise
    raise OSError(EINVAL, os.strerror(EINVAL))


def _allow(ruleset: int, path: str) -> None:
    """Let one file be read, or a directory and all below it."""
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there, or not for us, is not needed
    try:
        rights = _READ_FILE | (_READ_DIR if stat.S_ISDIR(os.fstat(fd).st_mode) else 0)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, fd))
        call(_ADD_RULE, ctypes.c_long(ruleset), ctypes.c_long(_PATH_BENEATH), rule, ctypes.c_long(0))
    finally:
        os.close(fd)
