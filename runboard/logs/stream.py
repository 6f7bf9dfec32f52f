"""A log as a stream of bytes: its last lines, what is added to it, what is in it; memory does not grow with the log.

What is no regular file raises `files.Unfit` with a sentence; a log that is not there is an empty one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress

from runboard.files import Unfit
from runboard.logs.lines import SLICE
from runboard.logs.source import open_regular, opened
from runboard.safetext import clean_output

_CHUNK = 1 << 18
"""Bytes read at once."""

_TAIL_MOST = 1 << 23
"""Bytes of a tail that is held in memory."""

_POLL_SECONDS = 0.05


def tail(open_log: Callable[[], int], lines: int) -> list[bytes]:
    """The last lines without their newlines, of the last 8 MiB at most; `tail_start` with `follow` knows no limit."""
    with opened(open_log) as fd:
        start = _last_lines(fd, lines, _TAIL_MOST)
        data = b"".join(_chunks(fd, start, start + _TAIL_MOST))
    return data.removesuffix(b"\n").split(b"\n") if data else []


def tail_start(open_log: Callable[[], int], lines: int) -> int:
    """The offset at which the last lines begin; with 0 lines the present end."""
    with opened(open_log) as fd:
        return _last_lines(fd, lines)


def follow(open_log: Callable[[], int], *, offset: int = 0, ended: Callable[[], bool]) -> Generator[bytes, None, None]:
    """What is in the log from ``offset`` on and what is added to it, until ``ended()`` and all before that was read.

    A log that was truncated, or replaced by another file, is read from its beginning.
    """
    fd = -1
    try:
        while True:
            over = ended()  # asked first: what was written before the end is then still read
            fresh = _present(open_log, fd)
            if fd not in {-1, fresh}:
                try:
                    yield from _chunks(fd, offset)
                finally:
                    os.close(fd)
                    fd, offset = fresh, 0
            fd = fresh
            if fd >= 0 and os.fstat(fd).st_size < offset:
                offset = 0
            for chunk in _chunks(fd, offset):
                yield chunk
                offset += len(chunk)
            if over:
                return
            time.sleep(_POLL_SECONDS)
    finally:
        if fd >= 0:
            os.close(fd)


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a stream without their newlines, as they are completed; one longer than 64 KiB comes in pieces."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield from _pieces(line)
        *pieces, rest = _pieces(rest)
        yield from pieces
    if rest:
        yield rest


def last_text(open_log: Callable[[], int], most: int = 1 << 20) -> str:
    """The last ``most`` bytes as text to keep: no escapes, progress in its last state, trimmed; "" where none is."""
    with suppress(OSError, Unfit), opened(open_log) as fd:
        start = max(0, _size(fd) - most)
        lines = b"".join(_chunks(fd, start, start + most)).split(b"\n")
        if start > 0 and len(lines) > 1:
            del lines[0]  # only its end is there
        return "\n".join(map(clean_output, lines)).strip()
    return ""


def _present(open_log: Callable[[], int], held: int) -> int:
    """The descriptor held, or a new one where the name stands for another file by now."""
    try:
        fresh = open_regular(open_log)
    except FileNotFoundError:
        return held
    if held >= 0 and os.path.samestat(os.fstat(held), os.fstat(fresh)):
        os.close(fresh)
        return held
    return fresh


def _size(fd: int) -> int:
    """The size of an open log."""
    return os.fstat(fd).st_size if fd >= 0 else 0


def _chunks(fd: int, start: int, stop: int | None = None) -> Iterator[bytes]:
    """The bytes from one offset to another, or to the end as it is when it is reached."""
    while fd >= 0 and (data := os.pread(fd, _CHUNK if stop is None else min(_CHUNK, stop - start), start)):
        yield data
        start += len(data)


def _last_lines(fd: int, lines: int, most: int | None = None) -> int:
    """Where the last lines begin, looked for from the end backwards and not further than ``most`` bytes."""
    at = size = _size(fd)
    floor = 0 if most is None else max(0, size - most)
    newlines = lines + 1 if size and os.pread(fd, 1, size - 1) == b"\n" else lines
    while at > floor and lines > 0:
        low = max(floor, at - _CHUNK)
        data = os.pread(fd, at - low, low)
        found = data.count(b"\n")
        if found >= newlines:
            place = len(data)
            for _ in range(newlines):
                place = data.rfind(b"\n", 0, place)
            return low + place + 1
        at, newlines = low, newlines - found
    return at


def _pieces(line: bytes) -> list[bytes]:
    """A line as it is, or cut where it is longer than a slice."""
    return [line[at : at + SLICE] for at in range(0, len(line), SLICE)] or [line]
