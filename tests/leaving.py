"""Runs as they lie on a disk, written by hand: finished, running or broken, without a process behind them."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


def ago(seconds: float, now: datetime | None = None) -> str:
    """A moment so many seconds before now, as records have it."""
    moment = (now or datetime.now(UTC)) - timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def leave(runs: Path, run_id: str, *, log: bytes | None = None, age: float = 60.0, **fields: object) -> Path:
    """Write a run that ended ``age`` seconds ago after a second, completed unless ``fields`` say otherwise."""
    folder = runs / run_id
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    doc = {
        "id": run_id,
        "status": "completed",
        "startedAt": ago(age + 1, now),
        "completedAt": ago(age, now),
        "schema": 1,
        "command": ["make", run_id],
        "reason": "exited",
        "exitCode": 0,
    } | fields
    (folder / "run.json").write_text(json.dumps(doc), "utf-8")
    if log is not None:
        (folder / "output.log").write_bytes(log)
    return folder


def leave_failed(runs: Path, run_id: str, code: int = 3, **fields: object) -> Path:
    """Write a run that exited with a code."""
    return leave(runs, run_id, status="failed", exitCode=code, error=f"Exited with code {code}", **fields)  # type: ignore[arg-type]


def leave_damaged(runs: Path, run_id: str, text: str = '{"id": "half') -> Path:
    """Write a run whose record is half a file, old enough not to be one that is just being written."""
    folder = runs / run_id
    folder.mkdir(parents=True)
    path = folder / "run.json"
    path.write_text(text, "utf-8")
    os.utime(path, (0, 0))
    return folder
