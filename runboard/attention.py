"""Which runs need somebody, and why in words: failed and not looked at, silent, near their time limit, or waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import inf
from typing import NamedTuple

from runboard.model import Reason, Run, Status
from runboard.query import HAY
from runboard.row import Row
from runboard.verdict import duration

KEY = "attention"
"""Under which it is remembered what somebody has looked at."""

SEEN_MOST = 2_000
"""So many runs are remembered as looked at, the last ones."""

_REASON = HAY.index("reason")
_WAITING = ("limit", "permission", "approval", "waiting for")


class Kind(StrEnum):
    """What about a run needs somebody; who has looked at a run has seen the present kind, not the next."""

    FAILED = "failed"
    WAITING = "waiting"
    TIMEOUT = "timeout"
    SILENT = "silent"


class Limits(NamedTuple):
    """From when on: ``silent`` seconds without output, and ``share`` of the time limit."""

    silent: float = 600.0
    share: float = 0.9


class Need(NamedTuple):
    """What needs somebody, and why, in a few words that are safe to show."""

    kind: Kind
    why: str


class Seen:
    """What has been looked at: failures before ``since`` (epoch seconds), and these needs of runs, the latest last."""

    __slots__ = ("_known", "marks", "since")

    def __init__(self, since: float = 0.0, marks: tuple[str, ...] = ()) -> None:
        """Have the marks at hand: every failure there is may be asked after."""
        self.since, self.marks = since, marks
        self._known = frozenset(marks)

    def __eq__(self, other: object) -> bool:
        """Whether the same has been looked at."""
        return isinstance(other, Seen) and (self.since, self.marks) == (other.since, other.marks)

    def __hash__(self) -> int:
        """That of all of it."""
        return hash((self.since, self.marks))

    @classmethod
    def of(cls, kept: object, now: float) -> Seen:
        """What was remembered; who has nothing to remember begins now."""
        if not isinstance(kept, Mapping):
            return cls(now)
        since, marks = kept.get("since"), kept.get("marks")
        if not isinstance(since, int | float) or not isinstance(marks, list):
            return cls(now)
        return cls(min(float(since), now), tuple(mark for mark in marks if isinstance(mark, str))[-SEEN_MOST:])

    def kept(self) -> dict[str, object]:
        """What is to be remembered."""
        return {"since": self.since, "marks": list(self.marks)}

    def has(self, run_id: str, kind: Kind) -> bool:
        """Whether somebody has looked at this."""
        return f"{run_id} {kind}" in self._known

    def looked(self, run_id: str, kind: Kind) -> Seen:
        """With one more."""
        mark = f"{run_id} {kind}"
        return Seen(self.since, (*(one for one in self.marks if one != mark), mark)[-SEEN_MOST:])


def need_of(run: Run, now: float, limits: Limits, seen: Seen) -> Need | None:
    """What about a run needs somebody who has ``seen`` so much; the gravest of several, None for nothing."""
    need = _failure(run, seen) if run.finished else _trouble(run, now, limits)
    return None if need is None or seen.has(run.id, need.kind) else need


def due_of(run: Run, limits: Limits, now: float = -inf, need: Need | None = None) -> float:
    """When, in epoch seconds, time alone may next change what a live run needs; infinity where it never does.

    Args:
        run: The run.
        limits: From when on it needs somebody.
        now: When it was asked; that is over by then which `need_of` takes for over.
        need: What it was found to need, whose words may change.
    """
    wrote, limit, begun = _wrote(run), run.timeout, run.started_at
    due = inf
    if run.finished:
        return due
    if wrote is not None and now - wrote < limits.silent:
        due = wrote + limits.silent
    elif wrote is not None and need is not None and need.kind is Kind.SILENT:
        due = wrote + (int(now - wrote) // 60 + 1) * 60
    if limit and begun is not None and (now == -inf or (run.elapsed(now) or 0.0) < limits.share * limit):
        return min(due, begun + limits.share * limit)
    return now if need is not None and need.kind is Kind.TIMEOUT else due


def need_of_row(row: Row, seen: Seen) -> Need | None:
    """The same of a row, without reading it: its own words say why it failed."""
    if row.status is not Status.FAILED or (row.ended or 0.0) <= seen.since or seen.has(row.id, Kind.FAILED):
        return None
    killed = row.hay.split("\n", _REASON + 1)[_REASON] == Reason.KILLED
    return None if killed else Need(Kind.FAILED, "failed")


def needs_among(entries: Iterable[Run | Row], now: float, limits: Limits, seen: Seen) -> dict[str, str]:
    """Why runs need somebody, by their ids."""
    found = {
        one.id: need_of_row(one, seen) if isinstance(one, Row) else need_of(one, now, limits, seen) for one in entries
    }
    return {run_id: need.why for run_id, need in found.items() if need is not None}


def _failure(run: Run, seen: Seen) -> Need | None:
    """A failure since somebody looked; what a person killed is no news."""
    outcome = run.outcome
    if outcome is None or outcome.status is not Status.FAILED or outcome.reason is Reason.KILLED:
        return None
    ended = run.completed_at or 0.0
    return Need(Kind.FAILED, outcome.error or "failed") if ended > seen.since else None


def _trouble(run: Run, now: float, limits: Limits) -> Need | None:
    """What is the matter with a live run."""
    if run.status is not Status.RUNNING or run.foreign is not None or run.paused or run.kill_request is not None:
        return None
    if run.warnings and any(word in run.warnings[-1].lower() for word in _WAITING):
        return Need(Kind.WAITING, run.warnings[-1])
    if run.timeout and (ran := run.elapsed(now) or 0.0) >= limits.share * run.timeout:
        left = max(0, int(run.timeout - ran))
        return Need(Kind.TIMEOUT, f"{duration(left)} left of its {duration(run.timeout)}")
    wrote = _wrote(run)
    if wrote is not None and now - wrote >= limits.silent:
        return Need(Kind.SILENT, f"silent for {duration(int(now - wrote) // 60 * 60)}")
    return None


def _wrote(run: Run) -> float | None:
    """When a run last gave a sign of life: it wrote, or began."""
    started, wrote = run.started_at, run.activity_at
    return started if wrote is None or (started is not None and started > wrote) else wrote
