"""The first line: how many runs stand where, each with its glyph and word, and which runs directory this is."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from runboard.board import Board
from runboard.safetext import clean
from runboard.ui.headline import Headline


class Summary(Widget):
    """Counts at the left, the directory at the right; what does not fit goes, the counts last."""

    ALLOW_SELECT = False

    def __init__(self, place: str, *, read_only: bool, lock: str = "") -> None:
        """Name the place whose runs are counted; say so where nothing can be done to them, and why."""
        super().__init__(id="summary")
        self._headline = Headline(clean(place), read_only, lock=lock)

    def tell(self, board: Board, now: float, marked: int = 0) -> None:
        """Show what a board counts and sums up to at a time, and how many runs are marked."""
        before = self._headline
        told = Headline.of(board, now, before.place, read_only=before.read_only, lock=before.lock)
        told = told._replace(marked=marked)
        if told != self._headline:
            self._headline = told
            self.refresh()

    def render(self) -> Content:
        """The line in the present width."""
        parts = self._headline.parts(max(0, self.size.width))
        return Content.assemble(*((text, f"${ink}") if ink else text for text, ink in parts))
