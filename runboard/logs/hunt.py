"""The matching lines of an open log, found forwards or backwards in bounded pieces by nobody's help but our own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from runboard.logs.pattern import Pattern

BLOCK = 1 << 18
"""Bytes that are read at once; as many fit into a processor's cache."""


class Stopped(Exception):
    """Whoever wanted to know wants it no more."""


def never() -> bool:
    """Nobody wants it to stop."""
    return False


def matching(
    fd: int,
    pattern: Pattern,
    start: int,
    stop: int,
    *,
    told: Callable[[int], object] = lambda _at: None,
    stopped: Callable[[], bool] = never,
) -> Iterator[tuple[int, int]]:
    """Each matching line that begins from ``start`` to before ``stop``: its offset, and about where it matches.

    Args:
        fd: The log.
        pattern: What is looked for.
        start: Where a line begins.
        stop: Where the search ends; a line that began before is looked at to this place only.
        told: Is told now and then how far the search is.
        stopped: Is asked now and then whether to give up.

    Raises:
        Stopped: ``stopped`` said so.
    """
    at = line = start
    found = False  # on the line that began in an earlier block
    while at < stop:
        if stopped():
            raise Stopped
        data = os.pread(fd, min(BLOCK, stop - at), at)
        if not data:
            return
        last = at + len(data) >= stop
        cut = len(data) if last else data.rfind(b"\n") + 1
        whole = cut > 0
        for first, hit in pattern.lines_in(data[:cut] if 0 < cut < len(data) else data):
            if first > 0:
                yield at + first, at + hit
            elif not found:
                found = True
                yield line, at + hit
        if whole:
            at = line = at + cut
            found = False
        else:
            at += max(1, len(data) - pattern.reach)
        told(at)


def next_match(
    fd: int, pattern: Pattern, start: int, stop: int, stopped: Callable[[], bool] = never
) -> tuple[int, int] | None:
    """The first matching line from ``start`` to before ``stop``, as `matching` tells it."""
    return next(matching(fd, pattern, start, stop, stopped=stopped), None)


def last_match(
    fd: int, pattern: Pattern, before: int, floor: int, stopped: Callable[[], bool] = never
) -> tuple[int, int] | None:
    """The last matching line that begins from ``floor`` to before ``before``; both are where a line begins."""
    while before > floor:
        low = line_start(fd, max(floor, before - BLOCK), floor, stopped)
        found = None
        for found in matching(fd, pattern, low, before, stopped=stopped):  # noqa: B007 - the last one counts
            pass
        if found is not None:
            return found
        before = low
    return None


def line_start(fd: int, at: int, floor: int = 0, stopped: Callable[[], bool] = never) -> int:
    """Where the line begins that holds the byte ``at``, looked for no further than ``floor``."""
    while at > floor:
        if stopped():
            raise Stopped
        low = max(floor, at - BLOCK)
        newline = os.pread(fd, at - low, low).rfind(b"\n")
        if newline >= 0:
            return low + newline + 1
        at = low
    return floor


def line_end(fd: int, at: int, stop: int) -> int:
    """Where the line ends that holds the byte ``at``: at its newline, or at ``stop`` where none comes before."""
    while at < stop:
        data = os.pread(fd, min(BLOCK, stop - at), at)
        newline = data.find(b"\n")
        if newline >= 0:
            return at + newline
        if not data:
            return at
        at += len(data)
    return stop
