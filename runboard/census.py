"""All runs looked at once where no index is at hand: how many a query finds, and which ended last; no row is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import nlargest, nsmallest

from runboard import bulk, files
from runboard.folder import MOST, RECORD
from runboard.late import pattern
from runboard.lenient import as_time
from runboard.query import Query
from runboard.row import Row

MANY = 5_000
"""From so many runs on an answer first and an index afterwards is sooner than the other way round."""

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK = 1 << 16
_ENDED = ("completed", "failed")
_STATUS = b'\n  "status": '
_CLOSED = pattern(
    rb'\n  "status": "(?:completed|failed)",\n  "pid": (?:[0-9]+|null),\n  "startedAt": (?:"[^"\\\n]*"|null),\n'
    rb'  "completedAt": "(2[0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)'
    rb'|(?:0[13578]|1[02])-31)T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z)",\n'
)
"""The first keys of a record that has ended, as ours and the older tool's have them, and a time that there can be."""

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
    directories: list[str] = []
    links: list[str] = []
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.name[0] == ".":
                continue
            if entry.is_dir(follow_symlinks=False):
                directories.append(entry.name)
            elif entry.is_symlink():
                links.append(entry.name)
    return directories, links


def _count(query: Query, now: float, most: int, root: int, names: Sequence[str]) -> Counted:
    """Count some runs; whatever is odd about one leaves it to who tells why."""
    newest: list[tuple[float, str]] = []
    others: list[str] = []
    times: list[bytes] = []
    glimpsed: list[str] = []
    parsed, matching = 0, 0
    for name in names:
        try:
            name.encode()
            data = _record(root, f"{name}/{RECORD}")
            if not query.terms and (ended_at := _glimpse(data)) is not None:
                times.append(ended_at)
                glimpsed.append(name)
                continue
            doc = files.decode(data)
        except (OSError, ValueError):
            doc = None
        if not isinstance(doc, dict) or doc.get("status") not in _ENDED:
            others.append(name)
            continue
        parsed += 1
        if not query.terms or _matches(query, now, doc, name):
            matching += 1
            newest.append((-(as_time(doc.get("completedAt")) or as_time(doc.get("startedAt")) or 0.0), name))
    newest += _placed(times, glimpsed, most)
    return parsed + len(glimpsed), matching + len(glimpsed), nsmallest(most, newest), others


def _glimpse(data: bytes) -> bytes | None:
    """When a run ended, as text that sorts as its time does; None where its record must be parsed to know.

    A record laid out as usual, a key to a line, that is there to its last brace tells it so; to decode it and its times
    takes longer than to open, read and close it, and of all runs only the few that are listed need be understood.
    """
    if not data.endswith((b"\n}\n", b"\n}")):
        return None
    found = _CLOSED.match(data, at) if (at := data.find(_STATUS)) > 0 else None
    return None if found is None else found[1]


def _placed(times: Sequence[bytes], names: Sequence[str], most: int) -> list[tuple[float, str]]:
    """The newest of these runs with their places, more than so many where several ended at once."""
    last = min(nlargest(most, times), default=None)
    if last is None:
        return []
    return [(-(as_time(at.decode()) or 0.0), name) for at, name in zip(times, names, strict=True) if at >= last]


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
