"""What can be done to a run as it stands, and in a few words why not; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from runboard.model import Run, Status
from runboard.ui.asked import name_of

NONE = "Nothing has gone to the trash from this board"
"""Why there is nothing to bring back."""

_WHY = {
    "damaged": ("is damaged: it can only go to the trash", "are damaged"),
    "unsaved": ("is not saved yet", "are not saved yet"),
    "ended": ("has ended already", "have ended already"),
    "queued": ("has not begun yet", "have not begun yet"),
    "running": ("has not ended yet", "have not ended yet"),
    "foreign": ("cannot be reached from here", "cannot be reached from here"),
    "stopping": ("is being stopped already", "are being stopped already"),
    "paused": ("is paused already", "are paused already"),
    "going": ("is not paused", "are not paused"),
    "wordless": ("came without its command", "came without their commands"),
}
"""What is said of one run and of several for which an act makes no sense."""


def misfit(act: str, run: Run, stopping: Collection[str]) -> str:
    """Why an act makes no sense for a run as it stands, as a word for it; empty where it does."""
    if run.damage is not None:
        return "" if act == "trash" else "damaged"
    match act:
        case "rerun":
            return "" if run.command else "wordless"
        case "tag" | "mark" | "trash":
            return "unsaved" if run.unsaved else "" if act == "tag" else _unended(run)
        case "stop" if run.active and (run.id in stopping or run.kill_request is not None):
            return "stopping"
        case "pause" | "continue" if run.paused is (act == "pause"):
            return _unreachable(run) or ("paused" if run.paused else "going")
    return _unreachable(run)


def _unended(run: Run) -> str:
    """Why a run is not over."""
    return "" if run.finished else "queued" if run.queued else "running"


def _unreachable(run: Run) -> str:
    """Why no process of a run can be signalled."""
    if run.status is Status.RUNNING:
        return "" if run.foreign is None else "foreign"
    return "ended" if run.finished else "queued"


def sentence(runs: Sequence[Run], misfits: Sequence[str]) -> str:
    """Why nothing happens to these runs, each with its misfit; empty where there are none."""
    if len(runs) < 2:
        return "".join(f"{name_of(run)} {_WHY[why][0]}" for run, why in zip(runs, misfits, strict=True))
    counts = Counter(misfits)
    told = [f"{count} {_WHY[why][count > 1].partition(':')[0]}" for why, count in counts.items()]
    if len(told) == 1:
        return f"The {len(runs)} marked runs {_WHY[misfits[0]][1]}"
    return f"Of the {len(runs)} marked runs {', '.join(told[:-1])} and {told[-1]}"
