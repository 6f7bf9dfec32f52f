"""The first line: how many runs stand where, each with its glyph and word, and which runs directory this is."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from runboard.board import Spending
from runboard.columns import GLYPHS, short_cost, short_count
from runboard.model import Status
from runboard.safetext import clean
from runboard.ui.cells import cut_start

_ORDER = (Status.RUNNING, Status.FAILED, Status.DAMAGED, Status.QUEUED, Status.COMPLETED)
_INKS = {
    Status.RUNNING: ("$accent", "$foreground"),
    Status.FAILED: ("$error", "$error"),
    Status.COMPLETED: ("$quiet", "$quiet"),
}
_LEAST_PATH = 12


class Summary(Widget):
    """Counts at the left, the directory at the right; what does not fit goes, the counts last."""

    ALLOW_SELECT = False

    def __init__(self, place: str, *, read_only: bool) -> None:
        """Name the place whose runs are counted; say so where nothing can be done to them."""
        super().__init__(id="summary")
        self._place = clean(place)
        self._read_only = read_only
        self._counts: dict[Status, int] = {}
        self._matching: int | None = None
        self._spent = ""

    def tell(self, counts: Mapping[Status, int], matching: int | None, spending: Spending | None = None) -> None:
        """Show these counts and sums; ``matching`` is how many of all runs pass the filter, None without one."""
        told = dict(counts), matching, "" if spending is None else spending_text(spending)
        if told != (self._counts, self._matching, self._spent):
            self._counts, self._matching, self._spent = told
            self.refresh()

    def render(self) -> Content:
        """The line in the present width."""
        width = max(0, self.size.width)
        left = self._counted(width, "  " if width < 60 else "   ")
        right: list[tuple[str, str]] = []
        if self._matching is not None:
            right.append((f"{self._matching} of {sum(self._counts.values())} shown", "$accent"))
        if self._read_only:
            right.append(("read-only", "$accent"))
        room = width - left.cell_length - sum(cell_len(part[0]) + 3 for part in right) - 3
        path = min(_LEAST_PATH, cell_len(self._place))
        if self._spent and room >= cell_len(self._spent) + 3 + path:
            right.append((self._spent, "$foreground"))
            room -= cell_len(self._spent) + 3
        if room >= path:
            right.append((cut_start(self._place, room), "$quiet"))
        while right and width - left.cell_length - sum(cell_len(part[0]) + 3 for part in right) < 0:
            right.pop()
        tail = Content("   ").join([Content.styled(*part) for part in right])
        return Content.assemble(left, " " * max(1, width - left.cell_length - tail.cell_length), tail)

    def _counted(self, width: int, gap: str) -> Content:
        """Glyph, number and word for each status that some run has, as far as there is room."""
        line = Content("")
        for status in _ORDER:
            if count := self._counts.get(status):
                glyph, text = _INKS.get(status, ("$foreground", "$foreground"))
                part = Content.assemble((f"{GLYPHS[status]} ", glyph), (f"{count} {status}", text))
                longer = Content.assemble(line, gap, part) if line else part
                if longer.cell_length > width:
                    break
                line = longer
        return line or Content.styled("no runs", "$quiet")


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
