"""Fifty settlers on one ending: exactly one of them moves the run out of running, and none of the others says so."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from tests.program import COMMAND, ended, environment, record
from tests.terminal import Terminal
from tests.waiting import until

UNLOCKED = """
import fcntl, sys, time
from runboard.reconcile import finalize_run
from runboard.store import Store
if sys.argv[3] == "unlocked":
    fcntl.flock = lambda *_: None
store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
finalize_run(store, sys.argv[2])
"""


def unsettled(runs: Path) -> str:
    """A run whose command has ended, exit record and all, but whose record still says running, as after a power cut."""
    control = Control(Store(str(runs)))
    run_id = control.start(["sh", "-c", "exit 9"]).id
    found = ended(runs, run_id)
    until(lambda: not Path(f"/proc/{found['process']['shimPid']}").exists(), 10, "the shim's successor has left")
    for key in ("reason", "exitCode", "history"):
        found.pop(key, None)
    found |= {"status": "running", "completedAt": None, "error": None}
    (runs / run_id / "run.json").write_text(json.dumps(found), "utf-8")
    for journal in (runs / ".journal").iterdir():
        journal.write_bytes(b"")
    return run_id


def endings(runs: Path) -> list[dict[str, object]]:
    """The journal's lines about endings."""
    lines = [line for journal in (runs / ".journal").iterdir() for line in journal.read_text("utf-8").splitlines()]
    return [entry for entry in map(json.loads, lines) if entry["event"] == "finished"]


@pytest.mark.parametrize("each", [8, pytest.param(24, marks=pytest.mark.nightly)])
def test_many_settlers_make_one_transition(tmp_path: Path, each: int) -> None:
    """So many ps and reconcile, and two boards, meet at one ending: one line of history and of the journal."""
    runs = tmp_path / "runs"
    run_id = unsettled(runs)
    verbs = [["ps"], ["reconcile", run_id]] * each
    base = [*COMMAND, "--runs-dir", str(runs)]
    with Store(str(runs)).locked(run_id):  # they gather at the door
        settlers = [
            subprocess.Popen(
                [*base, *verb],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
            )
            for verb in verbs
        ]
        boards = [Terminal(base, 100, 30), Terminal(base, 80, 24)]
        time.sleep(1.5)
    for settler in settlers:
        settler.wait(60)
    for board in boards:
        with board:
            board.wait_for("Exited with code 9", 20)
            board.press("q")
            board.wait_exit(10)
    found = record(runs, run_id)
    assert (found["status"], found["exitCode"]) == ("failed", 9)
    assert len([step for step in found["history"] if step["from"] == "running"]) == 1
    assert len(endings(runs)) == 1


def race(runs: Path, mode: str) -> int:
    """How many of twelve settlers at once make the transition, with the lock or without."""
    run_id = unsettled(runs)
    argv = [sys.executable, "-c", UNLOCKED, str(runs), run_id, mode]
    settlers = [
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        for _ in range(12)
    ]
    for settler in settlers:
        assert settler.stdout is not None
        assert settler.stdout.readline() == "ready\n"
    for settler in settlers:
        assert settler.stdin is not None
        settler.stdin.write("go\n")
        settler.stdin.flush()
    for settler in settlers:
        settler.communicate(timeout=30)
    return len(endings(runs))


def test_without_the_lock_the_same_race_has_several_winners(tmp_path: Path) -> None:
    """With the lock there is one winner; with flock taken away, in at most ten rounds, there are several."""
    assert race(tmp_path / "locked", "locked") == 1
    assert any(race(tmp_path / f"unlocked{turn}", "unlocked") > 1 for turn in range(10))
