"""The words of the first line in a width: how many runs stand where, what they used, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len

from runboard.board import Board
from runboard.columns import GLYPHS, short_cost, short_count, size_text
from runboard.model import Status
from runboard.totals import Spending
from runboard.ui.cells import cut_start

Part = tuple[str, str]
"""A text and the name of its colour."""

_ORDER = (Status.RUNNING, Status.FAILED, Status.DAMAGED, Status.QUEUED, Status.COMPLETED)
_INKS = {
    Status.RUNNING: ("accent", "foreground"),
    Status.FAILED: ("error", "error"),
    Status.COMPLETED: ("quiet", "quiet"),
}
_LEAST_PATH = 12


class Headline(NamedTuple):
    """What the line tells: counts, and of how many runs that pass the filter, sums, disk use, the directory (clean).

    ``lock`` says how a board is kept from doing more than to look; it is ``blind`` while the system tells no changes.
    """

    place: str
    read_only: bool = False
    counts: Mapping[Status, int] = MappingProxyType({})
    matching: int | None = None
    spent: str = ""
    marked: int = 0
    needs: int = 0
    lock: str = ""
    blind: bool = False

    @classmethod
    def of(cls, board: Board, now: float, place: str, *, read_only: bool, lock: str = "") -> Headline:
        """What the line tells of a board at a time."""
        matching = len(board) if board.query.terms else None
        spending = board.spending(now)
        told = ["" if spending is None else spending_text(spending)]
        if disk := board.disk():
            told.append(size_text(disk[0]) + ("" if disk[1] else "…"))
        spent, needs = "  ".join(filter(None, told)), len(board.needs)
        return cls(place, read_only, board.counts(), matching, spent, needs=needs, lock=lock, blind=board.blind)

    def parts(self, width: int) -> list[Part]:
        """Counts at the left, the directory at the right, a blank part between them; what does not fit goes."""
        left = self._counted(width, "  " if width < 60 else "   ")
        taken = _length(left)
        right: list[Part] = []
        if self.matching is not None:
            right.append((f"{self.matching} of {sum(self.counts.values())} shown", "accent"))
        if self.marked:
            right.append((f"{self.marked} marked", "accent"))
        if self.blind:
            right.append(("polling", "amber"))
        if self.read_only:
            long = f"read-only · {self.lock}"
            fits = self.lock and taken + sum(cell_len(text) + 3 for text, _ in right) + cell_len(long) + 3 <= width
            right.append((long if fits else "read-only", "accent"))
        room = width - taken - sum(cell_len(text) + 3 for text, _ in right) - 3
        path = min(_LEAST_PATH, cell_len(self.place))
        if self.spent and room >= cell_len(self.spent) + 3 + path:
            right.append((self.spent, "foreground"))
            room -= cell_len(self.spent) + 3
        if room >= path:
            right.append((cut_start(self.place, room), "quiet"))
        while right and width - taken - sum(cell_len(text) + 3 for text, _ in right) < 0:
            right.pop()
        tail = [part for one in right for part in (("   ", ""), one)][1:]
        return [*left, (" " * max(1, width - taken - _length(tail)), ""), *tail]

    def _counted(self, width: int, gap: str) -> list[Part]:
        """How many need somebody, then glyph, number and word for each status that some run has, as far as they fit."""
        line: list[Part] = []
        if self.needs:
            line.append((f"! {self.needs} need{'s' * (self.needs == 1)} you", "accent"))
        for status in _ORDER:
            if count := self.counts.get(status):
                glyph, text = _INKS.get(status, ("foreground", "foreground"))
                part = [(f"{GLYPHS[status]} ", glyph), (f"{count} {status}", text)]
                longer = [*line, (gap, ""), *part] if line else part
                if _length(longer) > width:
                    break
                line = longer
        return line or [("no runs", "quiet")]


def spending_text(spending: Spending) -> str:
    """Tokens, cost and what the last hour cost, as far as told."""
    parts = []
    if spending.tokens is not None:
        parts.append(f"{short_count(spending.tokens)} tokens")
    if spending.cost is not None:
        parts.append(short_cost(spending.cost))
    if spending.per_hour:
        parts.append(f"{short_cost(spending.per_hour)}/h")
    return "  ".join(parts)


def _length(parts: list[Part]) -> int:
    """How many cells they take together."""
    return sum(cell_len(text) for text, _ in parts)
