"""A log that has ended, read as little as its format needs: head and tail, and of OpenCode the steps in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from runboard.model import Transcript
from runboard.transcripts.folding import Folding
from runboard.transcripts.opencode import OpenCode

Read = Callable[[int, int], bytes]
"""Bytes of the log at an offset, at most so many; none at its end."""

_HEAD = 1 << 16
_WINDOWS = (1 << 20, 4 << 20, 16 << 20, 32 << 20)
_PIECE = 1 << 20


def read_ended(command: Sequence[str], size: int, read: Read) -> Transcript | None:
    """The transcript of a log of ``size`` bytes that nobody writes any more; None where it is no known agent's."""
    return caught_up(command, size, read, _WINDOWS).transcript(ended=True)


def read_running(command: Sequence[str], size: int, read: Read) -> Folding:
    """A folding that has read a log of ``size`` bytes that is still written: feed it on from there.

    What was used so far is a sum even where the end will tell a total, so more is read than of an ended log.
    """
    return caught_up(command, size, read, _WINDOWS[-1:])


def caught_up(command: Sequence[str], size: int, read: Read, windows: Sequence[int]) -> Folding:
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
        folding.fold.fill(read, begun, _line_start(read, start, size))
    return folding


def _feed_lines(folding: Folding, read: Read, size: int) -> int:
    """Feed the whole lines of the head; the offset after them."""
    data = read(0, min(_HEAD, size))
    end = data.rfind(b"\n") + 1
    folding.feed(data[:end])
    return end


def _feed(folding: Folding, read: Read, start: int, size: int) -> None:
    """Feed everything from an offset on, piece by piece."""
    while start < size:
        data = read(start, min(_PIECE, size - start))
        if not data:
            return
        folding.feed(data)
        start += len(data)


def _line_start(read: Read, start: int, size: int) -> int:
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
