"""By what the table is sorted: changed by keys, by a click on a title, and from the palette."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from textual.app import SystemCommand

from runboard.board import Board
from runboard.columns import Column
from runboard.order import Sorting
from runboard.rank import LARGEST_FIRST
from runboard.ui.arrangement import Arrangement
from runboard.ui.palette import bare


class Ordering:
    """Sorts the Board by one of the columns that are shown, and back to the usual order."""

    def __init__(
        self,
        board: Board,
        columns: Callable[[], list[Column]],
        clock: Callable[[], float],
        sorted_anew: Callable[[], None],
        arrangement: Arrangement,
    ) -> None:
        """Sort ``board`` as it was last; ``columns`` tells which are shown, ``sorted_anew`` is called after."""
        self._board = board
        self._columns = columns
        self._clock = clock
        self._sorted_anew = sorted_anew
        self._arrangement = arrangement
        if arrangement.sorting != board.sorting:
            board.sort(arrangement.sorting, clock())

    def step(self, by: int) -> None:
        """Sort by the next column to the right or left; the usual order stands before the first."""
        keys = [None, *(column.key for column in self._columns())]
        present = self._board.sorting.column
        self.sort(keys[((keys.index(present) if present in keys else 0) + by) % len(keys)])

    def turn(self) -> None:
        """Turn the order round; from the usual order, the oldest first."""
        sorting = self._board.sorting
        self._set(Sorting("age", True) if sorting.column is None else Sorting(sorting.column, not sorting.falling))

    def sort(self, column: str | None) -> None:
        """Sort by a column, in the direction in which it is mostly wanted."""
        self._set(Sorting(column, column in LARGEST_FIRST))

    def choose(self, column: str) -> None:
        """A title was clicked: sort by it, the second time the other way round, the third time not any more."""
        sorting = self._board.sorting
        if sorting.column != column:
            self.sort(column)
        elif sorting.falling == (column in LARGEST_FIRST):
            self.turn()
        else:
            self.sort(None)

    def commands(self) -> Iterator[SystemCommand]:
        """The palette's entries."""
        for column in self._columns():
            yield SystemCommand(
                bare(f"Sort by {column.title}"), "Again: the other way round", partial(self.choose, column.key)
            )
        if self._board.sorting.column is not None:
            yield SystemCommand("Sort as usual", "Needs you, running, queued, newest", partial(self.sort, None))

    def _set(self, sorting: Sorting) -> None:
        """Sort, unless that is how the rows stand already."""
        if sorting != self._board.sorting:
            self._board.sort(sorting, self._clock())
            self._arrangement.keep_sorting(sorting)
            self._sorted_anew()
