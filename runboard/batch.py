"""What whoever looks after the runs tells the board, in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from runboard.model import Run
from runboard.row import Row


class Batch(NamedTuple):
    """News for a board: runs as they now stand, ids that are gone, sentences to show; ``complete`` once all is read.

    ``rows`` are runs that are finished and saved, of which a row tells enough; ``sizes`` is what runs take on the disk,
    in bytes; ``blind`` is whether changes are noticed only by looking, None where that is as it was; ``unheard`` are
    hooks of endings that failed, as the run's id and why.
    """

    changed: tuple[Run, ...] = ()
    removed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    complete: bool = False
    rows: tuple[Row, ...] = ()
    sizes: Mapping[str, int] = MappingProxyType({})
    blind: bool | None = None
    unheard: tuple[tuple[str, str], ...] = ()
