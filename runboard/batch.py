"""What whoever looks after the runs tells the board, in one piece."""

from __future__ import annotations

from dataclasses import dataclass

from runboard.model import Run
from runboard.row import Row


@dataclass(frozen=True, slots=True)
class Batch:
    """News for a board: runs as they now stand, ids that are gone, sentences to show; ``complete`` once all is read.

    ``rows`` are runs that are finished and saved, of which a row tells enough.
    """

    changed: tuple[Run, ...] = ()
    removed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    complete: bool = False
    rows: tuple[Row, ...] = ()
