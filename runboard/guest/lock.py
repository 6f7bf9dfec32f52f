"""The lock of a board for guests: this process can write, execute, signal and reach nothing, and read little.

It is made of layers, each of which holds without the others. Where one is missing the lock says so; without Landlock
and without seccomp there is none. It is made before any other thread: Landlock binds the thread that asks, and those
that it starts.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import NamedTuple

from runboard.guest import kernel, landlock, seccomp
from runboard.guest.needs import readable

_UNWANTED = ("PYTHON", "TEXTUAL", "LD_")
_UNWANTED_NAMES = frozenset({"BROWSER", "PAGER", "MANPAGER", "EDITOR", "VISUAL", "ESCDELAY", "BASH_ENV", "ENV"})


class Unlockable(Exception):
    """There is no lock to be had; the message says why."""


class Lock(NamedTuple):
    """What is in force: the ABI of Landlock (0: none), seccomp or not; and in a sentence each, what is missing."""

    landlock: int = 0
    seccomp: bool = False
    missing: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """How safe it is to leave the keyboard to somebody."""
        if self.landlock and self.seccomp:
            return "locked by the kernel"
        only = "Landlock" if self.landlock else "seccomp" if self.seccomp else ""
        return f"locked by {only} only" if only else "not locked"


def purge(environ: MutableMapping[str, str]) -> None:
    """Take out of the environment what steers interpreters, Textual and the linker, or names a program to start.

    Of Python's own variables those that count at its start have counted: who can set them needs no board. Later ones,
    as that of asyncio's debugger, are gone before they are read.
    """
    for name in [name for name in environ if name.startswith(_UNWANTED) or name in _UNWANTED_NAMES]:
        del environ[name]


def lock(paths: Iterable[str]) -> Lock:
    """Lock this process for good, all but the reading of these paths and of what Python needs.

    Raises:
        Unlockable: Neither Landlock nor seccomp could be put in force, or there are other threads already.
    """
    if sys.platform == "linux" and len(os.listdir("/proc/self/task")) > 1:
        raise Unlockable("other threads are running already")
    sys.dont_write_bytecode = True
    allowed = [*readable(), *paths]
    missing = []
    _limit()
    try:
        kernel.give_up_privileges()
        kernel.drop_capabilities()
    except (OSError, AttributeError) as error:
        missing.append(f"no_new_privs is not in force: {_why(error)}")
    number, trouble = _below(allowed)
    missing += [f"Landlock is not in force ({trouble}): what the user may read can be read"] if trouble else []
    trouble = _filtered()
    missing += [f"seccomp is not in force ({trouble}): processes can be started and signalled"] if trouble else []
    if not number and trouble:
        raise Unlockable(" and ".join(one.partition(":")[0] for one in missing[-2:]))
    return Lock(number, not trouble, tuple(missing))


def _below(paths: Iterable[str]) -> tuple[int, str]:
    """Put Landlock in force; its ABI, or 0 and why not."""
    version = landlock.abi()
    if not version:
        return 0, "this kernel does not offer it"
    try:
        return landlock.restrict(version, paths), ""
    except OSError as error:
        return 0, _why(error)


def _filtered() -> str:
    """Put seccomp in force; why not, empty where it is."""
    if not seccomp.available():
        return f"not offered by this kernel, or not known for {seccomp.machine()}"
    try:
        seccomp.restrict()
    except OSError as error:
        return _why(error)
    return ""


def _limit() -> None:
    """No file grows and no core is dumped; a limit of processes would count threads too, which a board needs."""
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (0, 0))


def _why(error: Exception) -> str:
    """An error in words."""
    return getattr(error, "strerror", None) or str(error)
