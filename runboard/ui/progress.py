"""How far a live run is, as its elapsed time tells it: a short bar before it, where an end can be expected."""

from __future__ import annotations

from runboard.columns import elapsed_text
from runboard.model import Run
from runboard.past import Earlier, bar, expected
from runboard.ui.cells import Slot

BAR = 4
"""Cells of the bar."""

ROOMY = 16
"""Cells of a column that has room for a bar beside a limit."""

LATE = "+"
"""Ends the bar of a run that takes longer than its like."""


def cell_text(slot: Slot, run: Run, now: float, usual: float | None = None) -> str:
    """What stands in a cell of a run; ``usual`` is how many seconds runs of its command take, where that is known.

    The bar tells of the usual time, else of the time limit. In a column that has no room for all of it beside any
    elapsed time, a limit gives way to what is usual, and the bar to a limit that is all that is known: whether there
    is a bar does not change as time goes on.
    """
    text, narrow = slot.column.text(run, now), slot.width < ROOMY
    if slot.column.key != "elapsed" or not run.active or not (usual or run.timeout):
        return text
    part = expected(run, Earlier(usual=usual), now)
    late = part is not None and part > 1
    if part is None and run.timeout and not run.queued and not narrow:
        part = min(1.0, (run.elapsed(now) or 0.0) / run.timeout)
    if part is None:
        return text
    drawn, room = bar(part, BAR - late) + LATE * late, slot.width - BAR - 1
    told = elapsed_text(run, now, limit=not narrow)
    return f"{drawn} {told:>{room}}" if len(told) <= room else text
