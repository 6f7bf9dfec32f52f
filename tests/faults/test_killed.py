"""Boards, shims and launchers killed at any moment: the runs go on, and every ending is told as far as it was seen."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from runboard.store import Store
from tests.faults.history import read, records, tell, wrongs
from tests.faults.table import Table
from tests.program import alive, environment, record
from tests.terminal import Terminal
from tests.waiting import until

CODES = (0, 3, 7)
"""What the runs exit with, in turn."""

WAITING = 'while [ ! -e "$0" ]; do sleep 0.02; done; exit "$1"'
"""A command that ends when a file is there."""


def witness(history: Path, runs: Path, *words: str) -> list[str]:
    """The program, with a witness."""
    return [sys.executable, "-m", "tests.faults.witness", str(history), "--runs-dir", str(runs), *words]


def begun(history: Path, runs: Path, go: Path, number: int) -> str:
    """Start a run that exits with its code when it may, and return its id."""
    argv = witness(history, runs, "run", "--", "sh", "-c", WAITING, str(go), str(CODES[number % 3]))
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment())
    return done.stdout.strip()


def asked(history: Path, runs: Path) -> None:
    """Ask ``ps`` how all runs stand, and tell what it says."""
    argv = witness(history, runs, "ps", "-a", "--json")
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment())
    for run in json.loads(done.stdout):
        if run["status"] != "damaged":  # as one is whose launcher died before it could write anything down
            tell(str(history), "cli", run["id"], "", run["status"])


def outcome(runs: Path, run_id: str) -> tuple[object, object]:
    """How a run's ending is told on the disk."""
    doc = record(runs, run_id)
    return doc["status"], doc.get("exitCode")


def test_boards_killed_while_runs_end_lose_nothing(tmp_path: Path, table: Table) -> None:
    """Boards are killed before, amid and after endings, a shim too; what is told in the end is true, and told once."""
    runs, history, go = tmp_path / "runs", tmp_path / "history", tmp_path / "go"
    started = [begun(history, runs, go, number) for number in range(6)]
    orphan = started[5]
    os.kill(record(runs, orphan)["process"]["shimPid"], signal.SIGKILL)
    for number in range(4):
        with Terminal(witness(history, runs), 100, 30) as board:
            board.wait_for(started[0], 30)
            if number == 1:
                go.touch()
            if number:
                time.sleep(random.random() * 0.2)
            os.kill(board.process, signal.SIGKILL)
    until(lambda: all(record(runs, one)["status"] != "running" for one in started[:5]), 30, "the endings are saved")
    asked(history, runs)
    with Terminal(witness(history, runs), 100, 30) as board:
        board.wait_for(started[0], 30)
        until(
            lambda: not wrongs(read(history, runs), records(runs), [f"board {board.process}"]), 20, "it shows the disk"
        )
        board.press("q")
        board.wait_exit()
    expected = {
        one: ("completed" if CODES[n % 3] == 0 else "failed", CODES[n % 3]) for n, one in enumerate(started[:5])
    }
    told = {one: outcome(runs, one) for one in started[:5]}
    harm = sum(told[one] != expected[one] for one in expected)
    table.tell("boards are killed while runs end (a run)", len(started), harm)
    assert told == expected
    assert outcome(runs, orphan) in {("failed", None), ("failed", 7)}, "its shim was killed: lost, or as a board saw it"


def test_what_a_parent_alone_knows_dies_with_it(tmp_path: Path, table: Table) -> None:
    """The control: a runner that keeps the ending until it can write it down loses it when it is killed."""
    code = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen(['sh', '-c', 'read x; exit 3'], stdin=subprocess.PIPE)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read(1); child.stdin.close(); pathlib.Path(sys.argv[1]).write_text(str(child.wait()))\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "ending")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        child = int(runner.stdout.readline())
        runner.kill()
    until(lambda: not alive(child))
    for fault in ("boards are killed while runs end (a run)", "launchers are killed"):
        table.control(fault, 1, not (tmp_path / "ending").exists())


def test_launchers_killed_at_any_moment_leave_runs_that_are_told(tmp_path: Path, table: Table) -> None:
    """``run`` killed after any time: there is no run, or one that ran and is told so, or one that did not start."""
    runs, history = tmp_path / "runs", tmp_path / "history"
    tries = 16
    for number in range(tries):
        argv = witness(history, runs, "run", "--", "sh", "-c", "echo begun; exit 3")
        launcher = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=environment())
        if number % 2:
            until(lambda: launcher.poll() is not None or len(Store(str(runs)).ids()) > number // 2, 20)  # noqa: B023
            time.sleep(random.random() * 0.03)
        else:
            time.sleep(random.random() * 0.3)
        launcher.kill()
        launcher.wait()
    asked(history, runs)
    until(lambda: all(doc["status"] != "running" for doc in records(runs).values()), 30, "all have ended")
    asked(history, runs)
    disk = records(runs)
    harm = wrongs(read(history, runs), disk)
    for run_id, doc in disk.items():
        log = runs / run_id / "output.log"
        ran = log.exists() and "begun" in log.read_text()
        if (doc["reason"], doc.get("exitCode")) != ("exited", 3) and (ran and doc["reason"] == "start-failed"):
            harm.append(f"{run_id}: {doc['reason']}")
    table.tell("launchers are killed", tries, len(harm))
    assert harm == [], Counter(doc["reason"] for doc in disk.values())
    assert not [run_id for run_id, doc in disk.items() if doc.get("pid") and alive(doc["pid"])]
