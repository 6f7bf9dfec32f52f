"""The program as a user starts it, and a run's record as it lies on the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.waiting import until

CACHE = tempfile.TemporaryDirectory(prefix="runboard-test-cache-")
"""Where the programs that tests start keep their caches, in the place of the user's."""

COMMAND = [sys.executable, "-m", "runboard"]


def environment(**more: str) -> dict[str, str]:
    """The environment of the tests without what would steer the program, and with ``more``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RUNBOARD", "TEXTUAL"))}
    for key in ("NO_COLOR", "PYTHONDONTWRITEBYTECODE"):
        kept.pop(key, None)
    return kept | {"XDG_CACHE_HOME": CACHE.name} | more


def runboard(
    runs: Path, *words: str, limit: float = 60.0, more: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run one verb to its end on a runs directory, with ``more`` in its environment."""
    argv = [*COMMAND, "--runs-dir", str(runs), *words]
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
        stdin=subprocess.DEVNULL,
        env=environment(**more),
    )


def record(runs: Path, run_id: str) -> dict[str, Any]:
    """A run's record as it lies on the disk."""
    found = json.loads((runs / run_id / "run.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def ended(runs: Path, run_id: str, limit: float = 15.0, what: str = "") -> dict[str, Any]:
    """A run's record once it says that the run has ended, whoever wrote that."""
    until(lambda: record(runs, run_id)["status"] in {"completed", "failed"}, limit, f"{what or run_id} has ended")
    return record(runs, run_id)


def start(runs: Path, *words: str) -> str:
    """Start a run through the front door and return its id."""
    done = runboard(runs, "run", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def alive(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}
