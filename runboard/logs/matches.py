"""The matching lines of a log as a stream, alone, counted, or with what stands around them; memory stays bounded."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

from runboard.logs.hunt import BLOCK, Stopped, line_end, matching, never
from runboard.logs.lines import SLICE, Lines
from runboard.logs.pattern import Pattern
from runboard.logs.source import opened
from runboard.logs.tools import GaveUp, command, offsets

CHILD_FROM = 8 << 20
"""From so many bytes on it pays to start another program."""

_BACK_MOST = 1 << 22
"""Bytes before a match in which the lines before it are looked for."""


class Found(NamedTuple):
    """A line to print: where it begins, its bytes, and whether it matches or only stands near one that does."""

    offset: int
    line: bytes
    matches: bool


def search(
    fd: int,
    pattern: Pattern,
    start: int,
    stop: int,
    *,
    tools: bool,
    told: Callable[[int], object] = lambda _at: None,
    stopped: Callable[[], bool] = never,
) -> Iterator[int]:
    """Where each matching line from ``start`` to ``stop`` begins; by another program where ``tools`` may be used.

    Raises:
        Stopped: ``stopped`` said so.
    """
    argv = command(pattern) if tools and stop - start >= CHILD_FROM else None
    if argv is not None:
        os.lseek(fd, start, os.SEEK_SET)
        begun, last = start, -1
        try:
            for offset in offsets(argv, fd, told, stopped):
                last = begun + offset
                if last >= stop:
                    break
                yield last
        except GaveUp:
            start = line_end(fd, last, stop) + 1 if last >= 0 else start
        else:
            return
    for first, _hit in matching(fd, pattern, start, stop, told=told, stopped=stopped):
        yield first


def grep(
    open_log: Callable[[], int],
    wanted: Pattern | str,
    *,
    tools: bool = False,
    stopped: Callable[[], bool] = never,
) -> Generator[tuple[int, bytes], None, None]:
    """The lines that match, each with its offset; of one over 64 KiB the parts around its matches.

    A text is taken as it stands. What is no regular file raises `files.Unfit` with a sentence.
    """
    pattern = Pattern(wanted, ignore_case=False) if isinstance(wanted, str) else wanted
    with opened(open_log) as fd:
        size = os.fstat(fd).st_size if fd >= 0 else 0
        lines = Lines(fd, size)
        for first in search(fd, pattern, 0, size, tools=tools, stopped=stopped):
            lines = lines.relieved()
            (taken, *_), _end = lines.take(first, 1, SLICE)
            end = first + len(taken[1])
            if end == size or os.pread(fd, 1, end) == b"\n":
                yield taken
            else:
                yield from _parts(fd, pattern, first, line_end(fd, end, size), stopped)


def count(
    open_log: Callable[[], int], pattern: Pattern, *, tools: bool = False, stopped: Callable[[], bool] = never
) -> int:
    """How many lines match."""
    with opened(open_log) as fd:
        size = os.fstat(fd).st_size if fd >= 0 else 0
        return sum(1 for _first in search(fd, pattern, 0, size, tools=tools, stopped=stopped))


def around(
    open_log: Callable[[], int],
    pattern: Pattern,
    near: int,
    *,
    tools: bool = False,
    stopped: Callable[[], bool] = never,
) -> Generator[Found | None, None, None]:
    """The matching lines with ``near`` lines before and after each; None where lines between two are left out."""
    with opened(open_log) as fd:
        size = os.fstat(fd).st_size if fd >= 0 else 0
        lines = Lines(fd, size)
        printed, left = 0, 0  # how far it is printed, and how many lines after the last match are still to come
        for first in search(fd, pattern, 0, size, tools=tools, stopped=stopped):
            lines = lines.relieved()
            taken, _end = lines.take(printed, left, max(0, first - printed))
            for offset, line in taken:
                if offset < first:
                    yield Found(offset, line, False)
                    printed = offset + len(line) + 1
            before = max(printed, lines.back(first, near, first - _BACK_MOST))
            if before > printed > 0:
                yield None
            while before < first:
                ((offset, line), *_), before = lines.take(before, 1, SLICE)
                yield Found(offset, line, False)
            ((offset, line), *_), printed = lines.take(first, 1, SLICE)
            yield Found(offset, line, True)
            left = near
        for offset, line in lines.take(printed, left, size)[0] if printed else ():
            yield Found(offset, line, False)


def _parts(fd: int, pattern: Pattern, first: int, end: int, stopped: Callable[[], bool]) -> Iterator[tuple[int, bytes]]:
    """What stands around each match on a long line, at most so much that two matches near each other share it."""
    at, wide = first, len(pattern.text.encode("utf-8", "surrogateescape"))
    while at < end:
        if stopped():
            raise Stopped
        piece = os.pread(fd, min(BLOCK if pattern.place_at_once else SLICE, end - at), at)
        place = pattern.place_in(piece)
        if place < 0:
            at += max(1, len(piece) - pattern.reach) if at + len(piece) < end else len(piece) or end
            continue
        low = max(first, at, at + place - SLICE // 2)
        high = min(end, max(low + SLICE, at + place + wide))
        yield low, os.pread(fd, high - low, low)
        at = max(at + place + 1, high - wide + 1) if pattern.place_at_once else high
