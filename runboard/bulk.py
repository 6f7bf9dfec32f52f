"""Many records read at once into rows, quickly where they are as usual; the others are left for Store.read to judge."""

from __future__ import annotations

import os
import resource
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, TypeAlias, TypeVar

from runboard import files
from runboard.apart import Apart
from runboard.folder import MOST, RECORD
from runboard.model import Status
from runboard.row import Row

T = TypeVar("T")
COLD = 50e-6
"""Seconds for one read from which on the disk is taken to be cold, and to answer several at once sooner."""

_TRIED = 64
_THREADS = 16
_AHEAD = 2048
_MANY = 5_000
_OWN = 0.4
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


Stored = tuple[Any, ...]
"""A row as a database has it: its values, whether it failed in the place of its status; then where it stands among the
ended, and what tells its record from others: the directory's inode, the record's time, inode and size."""

Part = tuple[list[Stored], list[str]]
"""What was read: the rows, and the names of the runs without: active, damaged, odd or gone."""

Work: TypeAlias = Callable[[int, Sequence[str]], T]
"""Reads the runs of these names in an open directory."""


def listed(root: str) -> dict[str, int]:
    """Every run's name and its directory's inode; links count, though they are never followed.

    Raises:
        OSError: The directory cannot be listed; one that does not exist is empty.
    """
    try:
        with os.scandir(root) as entries:
            return {
                entry.name: entry.inode()
                for entry in entries
                if entry.name[0] != "." and (entry.is_dir(follow_symlinks=False) or entry.is_symlink())
            }
    except FileNotFoundError:
        return {}


def read(root: str, names: Iterable[str]) -> Part:
    """What these runs are, all at once."""
    rows: list[Stored] = []
    others: list[str] = []
    for found, left in parts(root, names):
        rows += found
        others += left
    return rows, others


def parts(root: str, names: Iterable[str]) -> Iterator[Part]:
    """What these runs are, in a few parts, so that the first can be put away while the last are read."""
    wanted = list(names)
    try:
        fd = files.open_root(root)
    except OSError:
        yield [], wanted
        return
    with files.opened(fd):
        yield from shared(fd, wanted, _read, _OWN)


def shared(fd: int, names: Sequence[str], work: Work[T], own: float = 0.5) -> Iterator[T]:
    """Do some work on the runs of an open directory, in a few parts, as this machine and its disk do it soonest.

    Args:
        fd: The open directory.
        names: The runs.
        work: Reads some of them; what it returns can be marshalled.
        own: The share of whoever asks, who may have work of its own to do with what is read.
    """
    begun, slept = time.perf_counter(), _sleeps()
    first = work(fd, names[:_TRIED])
    cold = time.perf_counter() - begun > COLD * _TRIED and _sleeps() - slept >= _TRIED // 4
    yield first
    yield from _by_two(fd, names[_TRIED:], partial(_worked, work=work, cold=cold), own)


def changed(root: str, known: Iterable[tuple[str, int, int, int]]) -> list[str]:
    """Which of these records, with their times, inodes and sizes, are no longer as they were."""
    gone = []
    try:
        fd = files.open_root(root)
    except OSError:
        return [one[0] for one in known]
    with files.opened(fd):
        for name, when, inode, size in known:
            try:
                info = os.stat(f"{name}/{RECORD}", dir_fd=fd, follow_symlinks=False)
            except (OSError, ValueError):
                gone.append(name)
                continue
            if (info.st_mtime_ns, info.st_ino, info.st_size) != (when, inode, size):
                gone.append(name)
    return gone


def _by_two(fd: int, names: Sequence[str], work: Work[list[T]], own: float) -> Iterator[T]:
    """Do the work, a part of it in a process of its own where there is much."""
    if len(names) < _MANY:
        yield from work(fd, names)
        return
    mine = int(len(names) * own)
    with Apart(partial(work, fd, names[mine:])) as other:
        yield from work(fd, names[:mine])
        rest = other.result()
    yield from rest


def _sleeps() -> int:
    """How often this process has waited for something; who only waits for a core has not."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def _worked(fd: int, names: Sequence[str], work: Work[T], *, cold: bool) -> list[T]:
    """Work on runs; from a cold disk threads fetch what comes next, so that its answers are waited for together."""
    if not cold:
        return [work(fd, names)]
    found = []
    for start in range(0, len(names), _AHEAD):
        part = names[start : start + _AHEAD]
        threads = [Thread(target=_touch, args=(fd, part[number::_THREADS])) for number in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.append(work(fd, part))
    return found


def _touch(root: int, names: Sequence[str]) -> None:
    """Have the kernel fetch these records; whatever is wrong with one shows when it is read."""
    for name in names:
        with (
            suppress(OSError, ValueError),
            files.opened(os.open(name, _FOLDER, dir_fd=root)) as folder,
            files.opened(os.open(RECORD, _FILE, dir_fd=folder)) as fd,
        ):
            os.read(fd, 1 << 16)


def _read(root: int, names: Sequence[str]) -> Part:
    """Read one after the other; every error of one run leaves that run to who tells why."""
    rows: list[Stored] = []
    others: list[str] = []
    for name in names:
        try:
            stored = _stored(root, name)
        except (OSError, ValueError):
            stored = None
        if stored is None:
            others.append(name)
        else:
            rows.append(stored)
    return rows, others


def _stored(root: int, name: str) -> Stored | None:
    """One run's row; None where its record is not a whole, plain, small file of a run that has ended.

    Raises:
        OSError: There is no such record, or it is not to be had.
        ValueError: It is no JSON, or the name cannot be kept.
    """
    name.encode()
    folder = os.open(name, _FOLDER, dir_fd=root)
    try:
        fd = os.open(RECORD, _FILE, dir_fd=folder)
        try:
            info = os.fstat(fd)
            size = info.st_size
            if not stat.S_ISREG(info.st_mode) or not 0 < size <= MOST:
                return None
            data = os.read(fd, size + 1)
        finally:
            os.close(fd)
        inode = os.fstat(folder).st_ino
    finally:
        os.close(folder)
    row = Row.read(files.decode(data), name) if len(data) == size else None
    if row is None:
        return None
    failed = row.status is Status.FAILED
    return (row[0], failed, *row[2:], row.place[1], inode, info.st_mtime_ns, info.st_ino, size)
