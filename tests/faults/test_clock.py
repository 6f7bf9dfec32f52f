"""The wall clock is put back a day, put on an hour or over the end of summer time, or the machine sleeps: no harm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from calendar import timegm
from collections.abc import Mapping
from pathlib import Path

import pytest

from runboard.lenient import as_time
from tests.faults.table import Table
from tests.program import environment, record
from tests.terminal import Terminal
from tests.waiting import until

MOVES = {"a day back": -86400, "an hour on": 3600, "400 days on": 400 * 86400}

ZONE = "CET-1CEST,M3.5.0,M10.5.0/3"
"""Europe's, as a rule of its own: not every machine has a list of zones."""

SUMMER_ENDS = 1792890000
"""2026-10-25 01:00 UTC, in Europe: epoch seconds."""


@pytest.fixture(scope="module")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The moved clock, compiled."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).parent / "clock.c"
    argv = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"the clock cannot be compiled here: {done.stderr[-300:]}")
    return library


class Clock:
    """A wall clock that can be moved for all programs started with it."""

    def __init__(self, preload: Path, place: Path) -> None:
        """Begin with the right time."""
        self._file = place / "clock"
        self.settings: Mapping[str, str] = {"LD_PRELOAD": str(preload), "TEST_CLOCK": str(self._file)}
        self.move(0)

    def move(self, seconds: int) -> None:
        """Move it by so many seconds from the right time."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.rename(self._file)


def call(clock: Clock, runs: Path, *words: str, **more: str) -> str:
    """What the program prints under this clock."""
    argv = [sys.executable, "-m", "runboard", "--runs-dir", str(runs), *words]
    settings = environment(**clock.settings, **more)
    return subprocess.run(argv, capture_output=True, text=True, env=settings, check=True).stdout.strip()


@pytest.mark.parametrize("name", MOVES)
def test_a_moved_clock_ends_nothing_early_and_nothing_before_its_beginning(
    tmp_path: Path, preload: Path, table: Table, name: str
) -> None:
    """A limit of 30 minutes survives the move, one of seconds is kept; no end before its start, no age below 0."""
    runs, clock = tmp_path / "runs", Clock(preload, tmp_path)
    patient = call(clock, runs, "run", "--timeout", "30m", "--", "sleep", "600")
    hasty = call(clock, runs, "run", "--timeout", "2s", "--", "sleep", "600")
    clock.move(MOVES[name])
    until(lambda: record(runs, hasty)["status"] == "failed", 20, "the short limit is kept")
    told = {run["id"]: run for run in json.loads(call(clock, runs, "ps", "-a", "--json"))}
    live, done = record(runs, patient), record(runs, hasty)
    start, end = as_time(done["startedAt"]), as_time(done["completedAt"])
    assert start is not None
    assert end is not None
    harm = [
        *(["the long limit fired"] if live["status"] != "running" or told[patient]["status"] != "running" else []),
        *([f"the short one: {done['reason']}"] if done["reason"] != "timeout" else []),
        *([f"it ended {end - start} s after its start"] if end < start else []),
        *(["an age below zero"] if "-" in call(clock, runs, "ps", "-a", "--format", "{elapsed}") else []),
    ]
    call(clock, runs, "kill", "-s", "KILL", patient)
    table.tell("the wall clock is moved while runs go on", 2, len(harm))
    naive = time.time() + MOVES[name] - start  # who goes by the wall alone ends the patient one, or counts below zero
    table.control("the wall clock is moved while runs go on", 1, not 0 <= naive <= 1800)
    assert harm == []


def test_the_end_of_summer_time_is_no_hour(tmp_path: Path, preload: Path, table: Table) -> None:
    """A run that lives through the night when 2:59 is followed by 2:00 took seconds, whatever the zone's clock said."""
    runs, clock = tmp_path / "runs", Clock(preload, tmp_path)
    start = end = 0.0
    while not start < SUMMER_ENDS < end:  # on a busy machine it may begin too late
        clock.move(int(SUMMER_ENDS - 1 - time.time()))
        run_id = call(clock, runs, "run", "--wait", "--", "sleep", "1.5", TZ=ZONE)
        doc = record(runs, run_id.split()[0])
        start, end = as_time(doc["startedAt"]) or 0.0, as_time(doc["completedAt"]) or 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", ZONE)
        time.tzset()
        naive = timegm(time.localtime(end)) - timegm(time.localtime(start))
    time.tzset()
    table.control("summer time ends while a run goes on", 1, not 1 <= naive < 30)
    table.tell("summer time ends while a run goes on", 1, not 1 < end - start < 30)
    assert 1 < end - start < 30


def test_a_board_that_slept_catches_up(tmp_path: Path, preload: Path, table: Table) -> None:
    """The board is stopped while a run ends and an hour passes, as in a suspend: it then tells the truth."""
    runs, clock, go = tmp_path / "runs", Clock(preload, tmp_path), tmp_path / "go"
    script = 'while [ ! -e "$0" ]; do sleep 0.02; done; exit 6'
    ending = call(clock, runs, "run", "--", "sh", "-c", script, str(go))
    staying = call(clock, runs, "run", "--timeout", "30m", "--", "sleep", "600")
    argv = [sys.executable, "-m", "runboard", "--runs-dir", str(runs)]
    with Terminal(argv, 120, 30, env=dict(clock.settings)) as board:
        board.wait_for(ending, 30)
        os.kill(board.process, signal.SIGSTOP)
        go.touch()
        clock.move(3600)
        until(lambda: record(runs, ending)["status"] == "failed", 20, "the successor settles it")
        os.kill(board.process, signal.SIGCONT)
        board.wait_for("code 6", 20)
        assert record(runs, staying)["status"] == "running"
        board.press("q")
        board.wait_exit()
    naive = time.time() + 3600 - (as_time(record(runs, staying)["startedAt"]) or 0.0)
    table.control("the machine sleeps for an hour", 1, naive > 1800)  # who goes by the wall has ended the patient one
    call(clock, runs, "kill", "-s", "KILL", staying)
    table.tell("the machine sleeps for an hour", 2, 0)
