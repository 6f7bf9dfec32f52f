"""The marked runs, by their ids: what acts on many are about, and nothing else; what is not in sight is not marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from runboard.board import Board
from runboard.model import Run


class Marks:
    """A set of ids in the order in which they were marked, changed by the keys of the table."""

    def __init__(self, board: Board) -> None:
        """Begin with none of the board's runs marked."""
        self._board = board
        self._ids: dict[str, None] = {}
        self._anchor: str | None = None

    def __contains__(self, run_id: object) -> bool:
        """Whether a run is marked."""
        return run_id in self._ids

    def __len__(self) -> int:
        """How many are marked, in sight or not any more."""
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        """The ids that are marked and in sight: what a filter hides, nobody means."""
        return (run_id for run_id in list(self._ids) if self._board.index_of(run_id) is not None)

    def do(self, how: str, cursor: str | None) -> int:
        """Mark or take marks away as a key says, and return by how many rows the cursor is to move.

        Args:
            how: ``toggle`` the run under the cursor; ``down`` or ``up``, marking it and moving on; the ``range`` from
                the run marked last; ``all`` in sight, ``invert`` those, or ``none``.
            cursor: The run under the cursor.
        """
        match how:
            case "none":
                self._ids = {}
            case "all":
                self._ids = dict.fromkeys(self._board.order)
            case "invert":
                self._ids = dict.fromkeys(run_id for run_id in self._board.order if run_id not in self._ids)
            case "range":
                self._range(cursor)
            case "toggle" if cursor in self._ids:
                del self._ids[cursor]
            case "toggle" | "down" | "up":
                self._mark(cursor)
        self._anchor = cursor
        return {"toggle": 1, "down": 1, "up": -1}.get(how, 0)

    def tidy(self, run_ids: Iterable[str] | None = None) -> None:
        """Take the marks of runs away that are gone, or, where none are named, of all that are not in sight."""
        if run_ids is None:
            self._ids = dict.fromkeys(self)
            return
        for run_id in run_ids if self._ids else ():
            if run_id in self._ids and self._board.get(run_id) is None:
                del self._ids[run_id]

    def runs(self, chosen: Run | None, most: int | None = None) -> tuple[Run, ...]:
        """The runs that an act is about: the marked ones, at most so many of them, else the chosen one."""
        marked = (run for run_id in islice(self, most) if (run := self._board.get(run_id)))
        return tuple(marked) or (() if chosen is None else (chosen,))

    def _mark(self, run_id: str | None) -> None:
        """Mark one."""
        if run_id is not None:
            self._ids[run_id] = None

    def _range(self, cursor: str | None) -> None:
        """Mark everything between the run that was marked last and the cursor."""
        here, there = self._board.index_of(cursor), self._board.index_of(self._anchor)
        if here is None:
            return
        there = here if there is None else there
        for spot in range(min(here, there), max(here, there) + 1):
            self._mark(self._board.at(spot))
