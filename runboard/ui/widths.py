"""How wide the texts of a table are: the widest ever seen of each column, so that no column shrinks while one reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from runboard.ui.cells import GIVING, GROWING, Slot


class Widths:
    """Cells that the texts of each column have needed; empty until a row was seen."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.needed: dict[str, int] = {}

    def see(self, slots: Sequence[Slot], texts: Iterable[str]) -> bool:
        """Look at the texts of a row; whether one of them is wider than any before."""
        grown = False
        for slot, text in zip(slots, texts, strict=True):
            key = slot.column.key
            if slot.column.width and key not in GIVING and key not in GROWING:
                continue
            length = len(text) if text.isascii() else cell_len(text)
            if length > self.needed.get(key, -1):
                self.needed[key], grown = length, True
        return grown

    def forget(self) -> None:
        """Begin anew, as with other rows or other columns."""
        self.needed.clear()
