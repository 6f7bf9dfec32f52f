"""What the lines of the table show: the texts of a run's cells, made anew only where they may differ; the titles."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic
from typing import NamedTuple

from textual.geometry import Region

from runboard.board import Board
from runboard.columns import SAMPLED, STOPPING
from runboard.model import UNSEEN, Run, Sample, Status
from runboard.ui.cells import Slot, needy
from runboard.ui.progress import cell_text

KEPT = 512
"""So many runs' texts are kept: more than fit on any screen."""

FRESH_SECONDS = 0.1
"""So long what was found to differ is painted as it was found."""

_TIMED = frozenset({"elapsed", "age", "ended"})
"""The columns whose text changes though the run does not."""


class Line(NamedTuple):
    """What a painted line shows: its run's id, the kind of row, whether the cursor is on it, and a mark; the texts."""

    run_id: str
    kind: str
    under_cursor: bool
    marked: bool
    texts: tuple[str, ...]


class Rows:
    """The texts of runs in the present columns."""

    def __init__(self, clock: Callable[[], float], stopping: Collection[str]) -> None:
        """Tell times as ``clock`` does (epoch seconds); ``stopping`` are ids asked to end."""
        self._clock = clock
        self._stopping = stopping
        self._slots: tuple[Slot, ...] = ()
        self._timed: tuple[tuple[int, Slot], ...] = ()
        self._sampled = False
        self._known: dict[str, tuple[Run, Sample, tuple[str, ...]]] = {}

    def lay_out(self, slots: tuple[Slot, ...]) -> None:
        """Tell texts for these columns from now on."""
        self._slots = slots
        self._timed = tuple((at, slot) for at, slot in enumerate(slots) if slot.column.key in _TIMED)
        self._sampled = any(slot.column.key in SAMPLED for slot in slots)
        self._known.clear()

    def line(self, run: Run, board: Board, *, under_cursor: bool, marked: bool = False) -> Line:
        """What a run's line shows now; ``board`` knows why it needs somebody, and what was seen of it."""
        sample = board.samples.get(run.id, UNSEEN) if self._sampled else UNSEEN
        texts = self._texts(run, sample, board.usual.get(run.id))
        need = board.needs.get(run.id)
        if run.id in self._stopping and run.status is Status.RUNNING:
            texts = (f"{STOPPING} stopping", *texts[1:])
        if need is not None and texts:
            texts = needy(self._slots, texts, need)
        kind = "stopping" if texts and texts[0].startswith(STOPPING) else str(run.status)
        return Line(run.id, kind, under_cursor, marked, texts)

    def _texts(self, run: Run, sample: Sample, usual: float | None) -> tuple[str, ...]:
        """The text of each cell; of a run that is the same as the last time, only the times are told anew."""
        now = self._clock()
        known = self._known.get(run.id)
        if known is not None and known[0] is run and known[1] is sample:
            texts = list(known[2])
            for at, slot in self._timed:
                texts[at] = cell_text(slot, run, now, usual)
            return tuple(texts)
        if len(self._known) >= KEPT:
            self._known.clear()
        seen = run if sample is UNSEEN else run._replace(sample=sample)
        made = tuple(cell_text(slot, seen, now, usual) for slot in self._slots)
        self._known[run.id] = run, sample, made
        return made


class Fresh:
    """Lines that were found to differ from what is painted, for as long as it takes until they are painted."""

    def __init__(self) -> None:
        """Have none."""
        self._lines: dict[int, Line] = {}
        self._until = 0.0

    def forget(self) -> None:
        """All is asked anew: what is kept from now on was found just now."""
        self._lines.clear()
        self._until = monotonic() + FRESH_SECONDS

    def keep(self, y: int, line: Line | None) -> None:
        """A line that is going to be painted."""
        if line is not None:
            self._lines[y] = line

    def take(self, y: int) -> Line | None:
        """The line that was kept, once, and not if that is long ago."""
        line = self._lines.pop(y, None)
        return line if monotonic() < self._until else None


def difference(slots: tuple[Slot, ...], y: int, width: int, before: Line | None, now: Line | None) -> Region:
    """The part of a line that must be painted: the changed cells, or all of it where another run stands there."""
    if before is None or now is None or before[:4] != now[:4] or len(before.texts) != len(now.texts):
        return Region(0, y, width, 1)
    changed = [slot for slot, old, new in zip(slots, before.texts, now.texts, strict=True) if old != new]
    first, last = changed[0], changed[-1]
    return Region(first.x, y, last.x + last.width - first.x, 1)
