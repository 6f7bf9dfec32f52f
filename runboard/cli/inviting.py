"""``watch --print-authorized-key``: the line by which a guest's key opens a board over SSH, and nothing else."""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from errno import EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR

from runboard import files
from runboard.cli.desk import Desk
from runboard.cli.exits import DONE, USAGE, Failure
from runboard.cli.printing import put, say
from runboard.guest import BadKey, invitation

MOST = 1 << 14
"""Bytes of a file with a public key; the longest take a tenth of that."""


def print_key(desk: Desk, key: str) -> int:
    """Print the line for a public key, given as it is or as the name of the file that holds it.

    Raises:
        Failure: It is none, or has options of its own.
    """
    root = desk.root
    try:
        line = invitation(_text(key), [*program(), "--runs-dir", root, "--watch"])
    except BadKey as error:
        raise Failure(f"no line for this key: {error}", USAGE) from None
    put(line)
    if not os.path.isdir(root):
        say(f"runboard: there is no {root} yet; a board opened before there is will not see it")
    return DONE


def program() -> list[str]:
    """How to start this program from anywhere: its command where it is installed, else this interpreter with it."""
    names = [os.path.join(sysconfig.get_path("scripts"), "runboard"), os.path.abspath(sys.argv[0])]
    for name in names:
        if os.path.basename(name) == "runboard" and os.path.isfile(name) and os.access(name, os.X_OK):
            return [name]
    return [sys.executable, "-m", "runboard"]


def _text(key: str) -> str:
    """The key itself, from the file of that name where there is one.

    Raises:
        Failure: There is such a file, and it cannot be read.
    """
    try:
        fd = os.open(key, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or (error.errno in {ENOENT, ENOTDIR, ENAMETOOLONG} and " " in key):
            return key
        raise Failure(f"{key} is no public key, and cannot be read as a file: {error.strerror}", USAGE) from None
    with files.opened(fd):
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Failure(f"{key} cannot be read: {os.strerror(EISDIR)} or no plain file", USAGE)
        return os.read(fd, MOST).decode("utf-8", "replace")
