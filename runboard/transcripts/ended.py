"""A log that has ended, read as little as its format needs: head and tail, and of OpenCode the steps in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from runboard.model import Transcript
from runboard.transcripts.folding import Folding
from runboard.transcripts.opencode import OpenCode
from runboard.transcripts.steps import Read, Steps

Advance = Callable[[Steps, Read, int], None]
"""Counts on up to an offset at which a line begins, as `Steps.advance` does."""

_HEAD = 1 << 16
_WINDOWS = (1 << 20, 4 << 20, 16 << 20, 32 << 20)
_PIECE = 1 << 20


def read_ended(
    command: Sequence[str], size: int, read: Read, steps: Steps | None = None, advance: Advance = Steps.advance
) -> Transcript | None:
    """The transcript of a log of ``size`` bytes that nobody writes any more; None where it is no known agent's.

    ``steps`` is what was counted of it while it was written, and ``advance`` counts on.
    """
    return caught_up(command, size, read, windows=_WINDOWS, steps=steps or Steps(), advance=advance).transcript(
        ended=True
    )


def read_running(
    command: Sequence[str], size: int, read: Read, steps: Steps | None = None, advance: Advance = Steps.advance
) -> Folding:
    """A folding that has read a log of ``size`` bytes that is still written: feed it on from there.

    What was used so far is a sum even where the end will tell a total, so more is read than of an ended log.
    ``steps`` is counted on, by ``advance``, up to where the end of the log is read.
    """
    return caught_up(command, size, read, windows=_WINDOWS[-1:], steps=steps or Steps(), advance=advance)


def count_on(folding: Folding, size: int, read: Read, steps: Steps) -> None:
    """Count the steps of a log that is followed, now and then, up to where its end will be read once it has ended.

    ``folding`` has read it so far; a log of another format is not counted.
    """
    if isinstance(folding.fold, OpenCode) and size - steps.end > 2 * _WINDOWS[-1]:
        _count(steps, read, _head_end(read, size), line_start(read, size - _WINDOWS[-1], size), Steps.advance)


def caught_up(
    command: Sequence[str], size: int, read: Read, *, windows: Sequence[int], steps: Steps, advance: Advance
) -> Folding:
    """A folding of the head and of the last bytes of a log, in growing windows until it is settled.

    A log that is no agent's is not read further than the first window that holds a whole line.
    """
    head = Folding(command)
    begun = _feed_lines(head, read, size)
    for window in windows:
        start = max(begun, size - window)
        folding = deepcopy(head)
        if start > begun:
            folding.skip()
        lines = folding.whole_lines
        _feed(folding, read, start, size)
        if start == begun or folding.settled or (not folding.recognised and folding.whole_lines > lines + 1):
            break
    if start > begun and isinstance(folding.fold, OpenCode):
        _count(steps, read, begun, line_start(read, start, size), advance)
        folding.fold.fill(steps)
    return folding


def _count(steps: Steps, read: Read, begin: int, end: int, advance: Advance) -> None:
    """Count on to an offset; a count that began elsewhere, or went further, is begun anew."""
    if steps.begin != begin or not begin <= steps.end <= end:
        steps.restart(begin)
    advance(steps, read, end)


def _head_end(read: Read, size: int) -> int:
    """The offset after the whole lines of the head."""
    return read(0, min(_HEAD, size)).rfind(b"\n") + 1


def _feed_lines(folding: Folding, read: Read, size: int) -> int:
    """Feed the whole lines of the head; the offset after them."""
    end = _head_end(read, size)
    folding.feed(read(0, end))
    return end


def _feed(folding: Folding, read: Read, start: int, size: int) -> None:
    """Feed everything from an offset on, piece by piece."""
    while start < size:
        data = read(start, min(_PIECE, size - start))
        if not data:
            return
        folding.feed(data)
        start += len(data)


def line_start(read: Read, start: int, size: int) -> int:
    """The offset of the first line that begins at or after ``start``, which is where a skipping folding begins."""
    while start < size:
        data = read(start, min(_PIECE, size - start))
        at = data.find(b"\n")
        if at >= 0:
            return start + at + 1
        if not data:
            break
        start += len(data)
    return start
