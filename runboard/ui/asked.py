"""The words of questions about runs, and of what became of a run while its question was open."""

from __future__ import annotations

from collections.abc import Collection

from runboard.columns import STOPPING, status_word
from runboard.model import Run, Status

ASKED = {
    "stop": ("Stop this run?", "Stop these {} runs?", "stop {it}"),
    "kill": ("Kill this run?", "Kill these {} runs?", "kill {it}"),
    "signal": ("Signal this run?", "Signal these {} runs?", "send it"),
    "pause": ("Pause this run?", "Pause these {} runs?", "pause {it}"),
    "continue": ("Let this run go on?", "Let these {} runs go on?", "continue"),
    "trash": ("Move this run to the trash?", "Move these {} runs to the trash?", "move {it}"),
    "force": ("Move it all the same?", "Move these {} all the same?", "move {it} all the same"),
    "rerun": ("Run this again?", "Run these {} again?", "run {it} again"),
}
"""The question for one run and for several, and what yes means."""


def name_of(run: Run) -> str:
    """A run's id with what people call it."""
    return f"{run.id} {run.title[:40]}".strip()


def meanwhile(run: Run, now: Run | None) -> str:
    """What happened to a run while its question was open."""
    if now is None:
        return f"{name_of(run)} is gone meanwhile; nothing was done"
    return f"{name_of(run)} ended meanwhile: {status_word(now)}; nothing was done"


def word_of(run: Run | None, stopping: Collection[str]) -> str:
    """A run's status in glyph and word, "stopping" from the moment it was asked to end."""
    if run is None:
        return ""
    asked = run.id in stopping and run.status is Status.RUNNING
    return f"{STOPPING} stopping" if asked else status_word(run)
