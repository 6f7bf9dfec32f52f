"""What is selected of a log: places in its text, which stay where they are however the window moves."""

from __future__ import annotations

from typing import NamedTuple

from runboard import logs
from runboard.safetext import cell_width


class Selection(NamedTuple):
    """From where it was begun to where it has come; with ``lines`` whole lines, else from character to character."""

    anchor: logs.Spot
    head: logs.Spot
    lines: bool

    def to(self, head: logs.Spot) -> Selection:
        """The same, come to another place."""
        return self._replace(head=head)

    @property
    def ends(self) -> tuple[logs.Spot, logs.Spot]:
        """The first place, and behind the last one, whichever way it was made."""
        spots = [(spot.at, spot.column or 0) for spot in (self.anchor, self.head)]
        (first, column), (last, end) = sorted(spots)
        return (
            (logs.Spot(first), logs.Spot(last, None))
            if self.lines
            else (logs.Spot(first, column), logs.Spot(last, end + 1))
        )

    def span(self, at: int, length: int) -> tuple[int, int] | None:
        """Between which characters of a line of this length that begins ``at`` it is selected, None for not."""
        first, last = self.ends
        if not first.at <= at <= last.at:
            return None
        begin = first.column or 0 if at == first.at else 0
        end = length if at < last.at or last.column is None else min(length, last.column)
        return begin, max(begin, end)


def cell_of(plain: str, column: int) -> int:
    """The cell in which a character of a line stands."""
    return column if plain.isascii() else sum(map(cell_width, plain[:column]))


def column_of(plain: str, cell: int) -> int:
    """The character that stands in a cell of a line; behind the last one there is one more."""
    if plain.isascii():
        return max(0, min(cell, len(plain)))
    at = 0
    for column, character in enumerate(plain):
        at += cell_width(character)
        if at > cell:
            return column
    return len(plain)
