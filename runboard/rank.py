"""What the table can be sorted by: of every column a number or a text without case, None where a run has none."""

from __future__ import annotations

from collections.abc import Callable

from runboard.columns import elapsed
from runboard.late import pattern
from runboard.model import Outcome, Reason, Run, Status
from runboard.query import HAY, TAG_END
from runboard.row import Row

Value = float | str | None
"""By what a run is ranked; the values of one column are all numbers or all texts, or None."""

LARGEST_FIRST = frozenset({"elapsed", "tokens", "cost", "cpu", "memory", "size"})
"""The columns of which one wants to see the largest first."""

_STATUSES = {status: float(at) for at, status in enumerate(Status)}
_LINES = {field: at for at, field in enumerate(HAY)}
_TITLES = tuple(_LINES[field] for field in ("name", "command", "issue", "persona", "repo"))
_NUMBER = pattern(r"\d+")


def of_run(key: str) -> Callable[[Run, float], Value]:
    """What ranks a run in the column ``key`` at a time in epoch seconds."""
    return _RUNS[key]


def of_row(key: str) -> Callable[[Row, float], Value]:
    """The same of a row, without reading its whole document."""
    return _ROWS[key]


def _natural(text: str | None) -> str | None:
    """A text that compares as people count: #9 before #10."""
    return _NUMBER.sub(lambda number: number[0].zfill(12), text.lower()) if text else None


def _age(started: float | None) -> float | None:
    """The youngest first."""
    return None if started is None else -started


def _wrote(run: Run) -> float | None:
    """Who wrote to its log last comes first: of a live run as far as somebody saw it."""
    return _age(run.completed_at if run.finished else run.activity_at or run.started_at)


def _exit(outcome: Outcome | None) -> int | None:
    """The exit code, or a signal's number with a minus, as the column shows it."""
    if outcome is None:
        return None
    return -outcome.signal if outcome.signal is not None else outcome.exit_code


def _reason(run: Run) -> str | None:
    """Why it stands where it stands, as far as a row knows it too."""
    if run.damage is not None or run.outcome is None:
        return (run.damage or run.foreign or "").lower() or None
    return (run.outcome.error or "").lower() or ("inferred" if run.outcome.reason is Reason.INFERRED else None)


def _row_reason(row: Row) -> str | None:
    """The same of a row."""
    lines = row.hay.split("\n")
    return lines[_LINES["error"]] or ("inferred" if lines[_LINES["reason"]] == "inferred" else None)


def _row_title(row: Row) -> str | None:
    """What a person would call it, as ``Run.title`` finds it."""
    lines = row.hay.split("\n")
    return lines[_TITLES[0]] or next((lines[at] for at in _TITLES if lines[at]), None)


def _row_text(field: str) -> Callable[[Row, float], Value]:
    """One of the texts of a row."""
    at = _LINES[field]
    return lambda row, _now: row.hay.split("\n", at + 1)[at] or None


_RUNS: dict[str, Callable[[Run, float], Value]] = {
    "status": lambda run, _now: _STATUSES[run.status],
    "id": lambda run, _now: run.id,
    "name": lambda run, _now: run.title.lower() or None,
    "repo": lambda run, _now: (run.repo or "").lower() or None,
    "issue": lambda run, _now: _natural(run.issue),
    "model": lambda run, _now: (run.model or "").lower() or None,
    "persona": lambda run, _now: (run.persona or "").lower() or None,
    "tags": lambda run, _now: TAG_END.join(run.tags).lower() or None,
    "engine": lambda run, _now: (run.engine or "").lower() or None,
    "elapsed": elapsed,
    "age": lambda run, _now: _age(run.started_at),
    "ended": lambda run, _now: _age(run.completed_at) if run.finished else None,
    "tokens": lambda run, _now: run.usage.total_tokens if run.usage else None,
    "cost": lambda run, _now: run.usage.cost if run.usage else None,
    "size": lambda run, _now: run.size,
    "cpu": lambda run, _now: run.sample.cpu,
    "memory": lambda run, _now: run.sample.memory,
    "last_line": lambda run, _now: _wrote(run),
    "exit": lambda run, _now: _exit(run.outcome),
    "reason": lambda run, _now: _reason(run),
}

_ROWS: dict[str, Callable[[Row, float], Value]] = {
    "status": lambda row, _now: _STATUSES[row.status],
    "id": lambda row, _now: row.id,
    "name": lambda row, _now: _row_title(row),
    "repo": _row_text("repo"),
    "issue": lambda row, _now: _natural(row.hay.split("\n", _LINES["issue"] + 1)[_LINES["issue"]]),
    "model": _row_text("model"),
    "persona": _row_text("persona"),
    "tags": _row_text("tag"),
    "engine": lambda row, _now: (row.engine or "").lower() or None,
    "elapsed": lambda row, _now: row.elapsed,
    "age": lambda row, _now: _age(row.started),
    "ended": lambda row, _now: _age(row.ended),
    "tokens": lambda row, _now: row.tokens,
    "cost": lambda row, _now: row.cost,
    "size": lambda _row, _now: None,  # whoever holds rows knows their sizes
    "cpu": lambda _row, _now: None,  # what has ended uses nothing
    "memory": lambda _row, _now: None,
    "last_line": lambda row, _now: _age(row.ended),
    "exit": lambda row, _now: row.exit,
    "reason": lambda row, _now: _row_reason(row),
}
