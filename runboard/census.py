"""All runs looked at once where no index is at hand: how many a query finds, and which ended last; no row is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nsmallest

from runboard import bulk, files
from runboard.folder import MOST, RECORD
from runboard.lenient import as_time
from runboard.query import Query
from runboard.row import Row

MANY = 5_000
"""From so many runs on an answer first and an index afterwards is sooner than the other way round."""

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK = 1 << 16
_ENDED = ("completed", "failed")

Counted = tuple[int, int, list[tuple[float, str]], list[str]]
"""Of some runs: how many have ended, how many of these the query finds, when the newest of them ended (negative) and
their names, and the names of runs that have not ended or are not as usual."""


@dataclass(slots=True)
class Census:
    """How many runs have ended, how many of these a query finds, its newest with their places, and all other names."""

    ended: int = 0
    matching: int = 0
    newest: list[tuple[float, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def take(root: str, query: Query, now: float, most: int) -> Census | None:
    """Read every record of a runs directory; None where there are few runs, or the directory cannot be read.

    What it tells is a proposal, as that of the index is: whoever lists a run reads it again.
    """
    try:
        names, links = _named(root)
        if len(names) < MANY:
            return None
        fd = files.open_root(root)
    except OSError:
        return None
    found = Census(others=links)
    with files.opened(fd):
        for ended, matching, newest, others in bulk.shared(fd, names, partial(_count, query, now, most)):
            found.ended += ended
            found.matching += matching
            found.newest += newest
            found.others += others
    found.newest = nsmallest(most, found.newest)
    return found


def _named(root: str) -> tuple[list[str], list[str]]:
    """The names of all runs: of directories, and of links, which are not followed.

    Raises:
        OSError: The runs directory cannot be listed.
    """
    with os.scandir(root) as entries:
        named = [entry for entry in entries if entry.name[0] != "."]
    directories = [entry.name for entry in named if entry.is_dir(follow_symlinks=False)]
    return directories, [entry.name for entry in named if entry.is_symlink()]


def _count(query: Query, now: float, most: int, root: int, names: Sequence[str]) -> Counted:
    """Count some runs; whatever is odd about one leaves it to who tells why."""
    ended, newest, others = 0, [], []
    for name in names:
        try:
            name.encode()
            doc = files.decode(_record(root, f"{name}/{RECORD}"))
        except (OSError, ValueError):
            doc = None
        if not isinstance(doc, dict) or doc.get("status") not in _ENDED:
            others.append(name)
            continue
        ended += 1
        if query.terms and not _matches(query, now, doc, name):
            continue
        newest.append((-(as_time(doc.get("completedAt")) or as_time(doc.get("startedAt")) or 0.0), name))
    return ended, len(newest), nsmallest(most, newest), others


def _record(root: int, path: str) -> bytes:
    """What a regular file holds, in as few system calls as that takes.

    It is read at an offset, which a FIFO, a socket or a terminal refuses, so that nothing is taken out of them.

    Raises:
        OSError: There is no such file, or it is to be had in no such way.
        ValueError: It is larger than any record.
    """
    fd = os.open(path, _FILE, dir_fd=root)
    try:
        data = part = os.pread(fd, _BLOCK, 0)
        while len(part) == _BLOCK:
            if len(data) > MOST:
                raise ValueError(f"{path} is larger than {MOST} bytes")
            part = os.pread(fd, _BLOCK, len(data))
            data += part
    finally:
        os.close(fd)
    return data


def _matches(query: Query, now: float, doc: object, name: str) -> bool:
    """Whether the query finds a run that has ended."""
    row = Row.read(doc, name)
    return row is not None and row.matches(query, now)
