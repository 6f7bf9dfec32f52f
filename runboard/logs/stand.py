"""Where a view of a log stands, the same for all lines and for those that match: its first row, and what it follows."""

from __future__ import annotations

from runboard.logs.wrapped import Place


class Stand:
    """A first row, the cells that lines are laid over, and whether the view moves along with the end."""

    def __init__(self) -> None:
        """Follow the end, each line on one row."""
        self._top = Place(0)
        self._width = 0
        self._following = True

    def wrap(self, width: int) -> None:
        """Lay lines over rows of so many cells, 0: each on one; the next poll shows the same place so."""
        if width != self._width:
            part = self._top.part * self._width // width if width else 0
            self._top, self._width = Place(self._top.at, part), width

    @property
    def follows(self) -> bool:
        """Whether the view moves along with the end."""
        return self._following

    def hold(self) -> None:
        """Stay, also at the end, until the view is moved."""
        self._following = False
