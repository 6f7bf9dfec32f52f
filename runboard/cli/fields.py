"""A run as scripts get it: the whole record for JSON, single fields for ``--format``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from runboard.cli.exits import USAGE, Failure
from runboard.columns import elapsed, reason_text
from runboard.model import Run
from runboard.record import dump, iso
from runboard.safetext import clean
from runboard.verdict import signal_name

_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\\\": "\\"}


def record(run: Run, now: float) -> dict[str, Any]:
    """A run's record as it is on disk, with what can only be told now: elapsed, damage, foreign, unsaved, size."""
    found = dict(run.raw) if run.damage is not None else dump(run)
    seconds = elapsed(run, now)
    return found | {
        "id": run.id,
        "status": str(run.status),
        "elapsed": None if seconds is None else round(seconds, 3),
        "damage": run.damage,
        "foreign": run.foreign,
        "unsaved": run.unsaved,
        "sizeBytes": run.size,
    }


def _moment(at: float | None) -> str:
    """A time for a script, empty where nobody recorded it."""
    return "" if at is None else iso(at)


def _number(value: float | None) -> str:
    """A number for a script, empty where there is none."""
    return "" if value is None else f"{value:.15g}"


FIELDS: dict[str, Callable[[Run, float], str]] = {
    "id": lambda run, _now: run.id,
    "status": lambda run, _now: str(run.status),
    "reason": lambda run, _now: str(run.outcome.reason or "") if run.outcome else "",
    "error": lambda run, _now: reason_text(run),
    "exitCode": lambda run, _now: _number(run.outcome.exit_code if run.outcome else None),
    "signal": lambda run, _now: signal_name(run.outcome.signal) if run.outcome and run.outcome.signal else "",
    "name": lambda run, _now: run.name or "",
    "title": lambda run, _now: run.title,
    "command": lambda run, _now: shlex.join(run.command),
    "cwd": lambda run, _now: run.cwd or "",
    "repo": lambda run, _now: run.repo or "",
    "issue": lambda run, _now: run.issue or "",
    "persona": lambda run, _now: run.persona or "",
    "model": lambda run, _now: run.model or "",
    "branch": lambda run, _now: run.branch or "",
    "tags": lambda run, _now: ",".join(run.tags),
    "pid": lambda run, _now: _number(run.process.pid),
    "host": lambda run, _now: run.process.host or "",
    "startedAt": lambda run, _now: _moment(run.started_at),
    "completedAt": lambda run, _now: _moment(run.completed_at),
    "elapsed": lambda run, now: _number(elapsed(run, now)),
    "timeout": lambda run, _now: _number(run.timeout),
    "tokens": lambda run, _now: _number(run.usage.total_tokens if run.usage else None),
    "cost": lambda run, _now: _number(run.usage.cost if run.usage else None),
    "size": lambda run, _now: _number(run.size),
    "engine": lambda run, _now: run.engine or "",
    "cpu": lambda run, _now: _number(run.sample.cpu),
    "memory": lambda run, _now: _number(run.sample.memory),
    "last_line": lambda run, _now: run.sample.last_line or "",
}
"""What ``--format`` knows, under the names of the disk; times are ISO 8601 UTC, durations seconds."""


def line_of(template: str) -> Callable[[Run, float], str]:
    """What makes a line of ``--format`` from a run; escapes for tab and newline are as in a shell's printf.

    Raises:
        Failure: The template names an unknown field or is malformed.
    """
    from string import Formatter  # noqa: PLC0415 - compiles expressions that no other verb needs

    text = template
    for escape, char in _ESCAPES.items():
        text = text.replace(escape, char)
    try:
        parts = [(before, field, width or "") for before, field, width, _how in Formatter().parse(text)]
        for _before, _field, width in parts:
            format("", width)
    except ValueError as error:
        raise Failure(f"--format {clean(template)}: {error}; write fields as '{{id}} {{status:10}}'", USAGE) from None
    unknown = [field for _before, field, _width in parts if field is not None and field not in FIELDS]
    if unknown:
        raise Failure(f"--format knows no field '{clean(unknown[0])}'; the fields are {' '.join(FIELDS)}", USAGE)

    def line(run: Run, now: float) -> str:
        """Fill in one run; every value is one clean line."""
        return "".join(
            before + ("" if field is None else format(clean(FIELDS[field](run, now)), width))
            for before, field, width in parts
        )

    return line
