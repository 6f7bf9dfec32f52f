"""The columns of the table in their places: which are shown, and how wide each is for what is to be read in it."""

from __future__ import annotations

from collections.abc import Iterable

from runboard.columns import Column
from runboard.ui.arrangement import Arrangement
from runboard.ui.cells import Slot, lay_out
from runboard.ui.titlebar import Titled
from runboard.ui.widths import Widths


class Places:
    """Lays columns out as a person has arranged them, or as the runs fill them."""

    def __init__(self, arrangement: Arrangement) -> None:
        """Begin with the columns that are always there, and no room for them."""
        self.columns = arrangement.columns(0)
        self.slots: tuple[Slot, ...] = ()
        self._arrangement = arrangement
        self._filled = 0
        self._width = 0
        self._widths = Widths()

    @property
    def placed(self) -> dict[str, int]:
        """The columns on the screen, by their keys, and how many cells each has."""
        return {slot.column.key: slot.width for slot in self.slots}

    def shown(self) -> list[Column]:
        """The columns on the screen."""
        return [slot.column for slot in self.slots]

    def titled(self, *, empty: bool) -> Titled:
        """The columns whose titles are seen, none over nothing; and all that are shown where there is room."""
        return () if empty else self.slots, tuple(column.key for column in self.columns)

    def fill(self, bits: int) -> bool:
        """Take note of which optional columns are filled; whether that has changed."""
        changed = bits != self._filled
        self._filled = bits
        return changed

    def choose(self) -> None:
        """Have the columns that were chosen, or those that the runs fill."""
        self.columns = self._arrangement.columns(self._filled)

    def lay_out(self, width: int) -> None:
        """Place them in so many cells."""
        self._width = width
        needed = self._widths.needed
        self.slots = lay_out(self.columns, width, chosen=bool(self._arrangement.keys), needed=needed)

    def see(self, texts: Iterable[str]) -> bool:
        """Look at the texts of a row; whether the columns would stand otherwise for it."""
        if not self._widths.see(self.slots, texts):
            return False
        before = self.slots
        self.lay_out(self._width)
        after, self.slots = self.slots, before
        return after != before

    def forget(self) -> None:
        """Look at all rows anew: these are others."""
        self._widths.forget()
