"""Long lines laid over as many rows as they take: places in them, and the ways up and down, counted in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from runboard.safetext import cell_width, strip_sgr

ROWS_MOST = 2000
"""Rows of the longest way that is gone at once; each line on it has to be laid out."""

NARROWEST = 2
"""Cells of the narrowest row: a wide character has to fit."""


class Line(NamedTuple):
    """A row as it is shown: where its line begins, the line's text with no escape but colours, whether it matches.

    Of a line that is laid over several rows this one shows the cells from ``first`` to before ``last``; None for all
    there are.
    """

    offset: int
    text: str
    matches: bool = False
    first: int = 0
    last: int | None = None


class Place(NamedTuple):
    """A row of a log: where its line begins, and which of its rows it is."""

    at: int
    part: int = 0


def starts_of(text: str, width: int) -> list[int]:
    """The cells in which the rows of a shown line begin; one row where nothing is wrapped (``width`` 0)."""
    if not width:
        return [0]
    width = max(NARROWEST, width)
    plain = strip_sgr(text)
    if plain.isascii():
        return list(range(0, max(1, len(plain)), width))
    starts, at = [0], 0
    for character in plain:
        cells = cell_width(character)
        if at + cells > starts[-1] + width:
            starts.append(at)
        at += cells
    return starts


def laid_out(shown: Iterable[tuple[int, str, bool]], width: int, part: int, most: int) -> list[Line]:
    """The rows of these lines, from the ``part`` of the first one on, at most so many; past its end, its last one."""
    rows: list[Line] = []
    for offset, text, matches in shown:
        starts = starts_of(text, width)
        first = min(part, len(starts) - 1)
        part = 0
        ends = [*starts[1:], None]
        rows += [Line(offset, text, matches, *span) for span in zip(starts[first:], ends[first:], strict=True)]
        if len(rows) >= most:
            break
    return rows[:most]


def part_of(row: Line, width: int) -> int:
    """Which of its line's rows this is."""
    return starts_of(row.text, width).index(row.first) if row.first else 0


def risen(place: Place, count: int, before: Callable[[int], int], height: Callable[[int], int]) -> Place:
    """The row so many further up; ``before`` tells the line before one, which is the same where there is none."""
    at, part = place
    count = max(0, count)
    while count > part:
        count -= part
        above = before(at)
        if above == at:
            return Place(at)
        at, part = above, height(above)
    return Place(at, part - count)


def sunk(place: Place, count: int, after: Callable[[int], int], height: Callable[[int], int]) -> Place:
    """The row so many further down; ``after`` tells the line behind one, which is the same at the end."""
    at, part = place
    while count > 0:
        left = height(at) - part
        if count < left:
            return Place(at, part + count)
        below = after(at)
        if below == at:
            return Place(at, part + left - 1)
        at, part, count = below, 0, count - left
    return Place(at, part)
