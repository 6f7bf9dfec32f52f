"""The older tool's records load for ever, and keep what only it knows."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from runboard import record
from runboard.model import Identity, Outcome, Reason, Run, Status, Usage
from runboard.store import Store
from tests.stores import LONG_AGO, OLDER

OLDER_RUNS = {
    "running": Run(
        "running",
        repo="acme/shop",
        issue="128",
        persona="builder",
        model="large-2",
        branch="agent/128",
        started_at=1772442904.512,
        timeout=1800.0,
        process=Identity(pid=48213),
    ),
    "completed": Run(
        "completed",
        repo="acme/shop",
        issue="131",
        persona="reviewer",
        model="large-2",
        branch="agent/131",
        started_at=1772445600.0,
        completed_at=1772446061.25,
        timeout=2700.0,
        usage=Usage(18234, 2710, 20944, 0.1834),
        process=Identity(pid=48377),
        outcome=Outcome(Status.COMPLETED),
    ),
    "failed": Run(
        "failed",
        repo="acme/shop",
        issue="140",
        persona="builder",
        model="small-1",
        branch="agent/140",
        started_at=1772554811.003,
        completed_at=1772556611.871,
        timeout=1800.0,
        usage=Usage(901, 0, 901, 0.0),
        process=Identity(pid=50110),
        outcome=Outcome(Status.FAILED, error="Timeout exceeded (30m)"),
    ),
    "torn": Run("torn", damage="run.json is torn or no JSON: unexpected end of data: line 8 column 14 (char 143)"),
    "fractional": Run(
        "fractional",
        persona="smoke",
        started_at=1772611200.0,
        completed_at=1772611229.4,
        timeout=30.0,
        process=Identity(pid=777),
        outcome=Outcome(Status.COMPLETED),
    ),
    "unknown": Run(
        "unknown",
        repo="acme/shop",
        issue="7",
        started_at=1772712000.0,
        timeout=3600.0,
        usage=Usage(5, 6, 11, 0.01),
        process=Identity(pid=51002),
    ),
}


@pytest.fixture
def older(tmp_path: Path) -> Store:
    """A copy of the older tool's runs, not fresh any more."""
    shutil.copytree(OLDER, tmp_path / "older")
    for path in (tmp_path / "older").rglob("*"):
        os.utime(path, LONG_AGO)
    return Store(str(tmp_path / "older"))


def test_the_older_tools_runs_are_all_there(older: Store) -> None:
    """Each directory of the older tool has its expected run here, and the other way round."""
    assert older.ids() == sorted(OLDER_RUNS)


@pytest.mark.parametrize("name", sorted(OLDER_RUNS))
def test_the_older_tools_runs_load_for_ever(older: Store, name: str) -> None:
    """A record of the older tool becomes exactly this run, and goes back exactly as it was."""
    run = older.read(name)
    assert run == OLDER_RUNS[name]
    if run.damage is None:
        assert record.dump(run) == json.loads((OLDER / name / "run.json").read_text())


def test_settling_an_older_run_keeps_every_key_it_does_not_know(older: Store) -> None:
    """A rewrite changes what changed, and leaves unknown keys, their order and their values alone."""
    before = json.loads(Path(older.path("unknown"), "run.json").read_text())
    with older.locked("unknown") as held:
        ending = held.run.finish(
            Outcome(Status.COMPLETED, Reason.INFERRED), 1772712060.0, by="me", seen_at=1772712061.0
        )
        held.put(ending, "finished", by="me")
    after = json.loads(Path(older.path("unknown"), "run.json").read_text())
    step = {"at": "2026-03-05T12:01:01.000Z", "from": "running", "to": "completed", "reason": "inferred", "by": "me"}
    changed = {
        "status": "completed",
        "completedAt": "2026-03-05T12:01:00.000Z",
        "reason": "inferred",
        "history": [step],
    }
    assert after == before | changed
    assert [key for key in after if key in before] == list(before)
