"""How a person has arranged the table: which columns in what order, how wide, and by what it is sorted; remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runboard.columns import COLUMNS, Column, filled
from runboard.order import Sorting
from runboard.rank import LARGEST_FIRST
from runboard.ui.remembrance import Remembrance
from runboard.ui.taste import Taste

COLUMNS_KEY, SORT_KEY, WIDTHS_KEY = "board.columns", "board.sort", "board.widths"
"""Under which these are remembered: the names of the settings, where they are settings."""

FIXED = "status"
"""The column that is always there, and the first."""

NARROWEST, WIDEST = 3, 200
"""Cells that a person may give a column."""

_BY_KEY = {column.key: column for column in COLUMNS}


class Arrangement:
    """The columns that were chosen; none for those that the board chooses by what the runs fill."""

    def __init__(self, taste: Taste, remembrance: Remembrance) -> None:
        """Begin as it was left, or as the settings say."""
        self._remembrance = remembrance
        self.settled = COLUMNS_KEY in taste.settled
        self.keys = _known(taste.columns)
        self.widths = _widths(remembrance.get(WIDTHS_KEY))
        self.sorting = sorting_of(taste.sort)

    def columns(self, bits: int) -> list[Column]:
        """The columns to show where these optional ones are filled."""
        chosen = [_BY_KEY[key] for key in self.keys] or filled(bits)
        widths = self.widths
        return [one._replace(width=widths[one.key], held=True) if one.key in widths else one for one in chosen]

    def set(self, keys: Iterable[str], widths: Mapping[str, int]) -> None:
        """Arrange the columns so, until it is kept or set otherwise."""
        self.keys, self.widths = _known(keys), dict(widths)

    def keep(self) -> None:
        """Remember the columns as they are."""
        self._remembrance.keep(COLUMNS_KEY, list(self.keys) or None)
        self._remembrance.keep(WIDTHS_KEY, self.widths or None)

    def keep_sorting(self, sorting: Sorting) -> None:
        """Remember by what the rows are sorted."""
        self._remembrance.keep(SORT_KEY, text_of(sorting) or None)


def sorting_of(text: str) -> Sorting:
    """What a setting says: a column, with a minus the other way round; nothing for the usual order."""
    column = text.removeprefix("-")
    return Sorting(column, (column in LARGEST_FIRST) is not text.startswith("-")) if column in _BY_KEY else Sorting()


def text_of(sorting: Sorting) -> str:
    """The same as a setting says it."""
    if sorting.column is None:
        return ""
    return sorting.column if sorting.falling is (sorting.column in LARGEST_FIRST) else f"-{sorting.column}"


def _known(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys of columns among these, each once, the fixed one first; none for none."""
    wanted = [key for key in dict.fromkeys(keys) if key in _BY_KEY and key != FIXED]
    return (FIXED, *wanted) if wanted else ()


def _widths(kept: object) -> dict[str, int]:
    """What was remembered of widths, as far as it can be used."""
    told: Mapping[object, object] = kept if isinstance(kept, Mapping) else {}
    return {
        key: width
        for key, width in told.items()
        if isinstance(key, str) and key in _BY_KEY and type(width) is int and NARROWEST <= width <= WIDEST
    }
