"""Settlers that race for one ending: one transition, one history; and a holder that stands still."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runboard.store import Store
from tests.faults import acts
from tests.faults.history import read, records, wrongs
from tests.faults.table import Table
from tests.faults.test_disks import row
from tests.program import environment, record, runboard
from tests.terminal import Terminal
from tests.waiting import until

MANY = 12
"""Settlers in one race."""


def race(root: Path, rounds: int, how: str) -> int:
    """How many of so many races ended otherwise than in one transition."""
    history = root / "history"
    argv = [sys.executable, "-m", "tests.faults.racers", str(history), how]
    spoilt = 0
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as racers:
        assert racers.stdin is not None
        assert racers.stdout is not None
        for number in range(rounds):
            store = Store(str(root / f"runs{number}"))
            run_id = acts.over(store).id
            print(json.dumps([store.root, run_id, MANY]), file=racers.stdin, flush=True)
            assert racers.stdout.readline() == "done\n"
            spoilt += bool(wrongs(read(history, Path(store.root)), records(Path(store.root))))
            history.unlink(missing_ok=True)
        racers.stdin.close()
    return spoilt


def test_one_of_many_settlers_ends_the_run(tmp_path: Path, table: Table) -> None:
    """Twelve that finalize, settle and ask for a kill at one moment make one transition; without the lock, more."""
    spoilt = race(tmp_path / "locked", 12, "locked")
    table.tell("settlers race (a round)", 12, spoilt)
    assert spoilt == 0
    table.control("settlers race (a round)", 8, race(tmp_path / "unlocked", 8, "unlocked"))


@pytest.mark.nightly
def test_one_of_many_settlers_ends_the_run_at_night(tmp_path: Path, table: Table) -> None:
    """The same ten times as often."""
    spoilt = race(tmp_path, 120, "locked")
    table.tell("settlers race (a round)", 120, spoilt)
    assert spoilt == 0


HOLDER = """
import os, signal, sys
from runboard.store import Store
with Store(sys.argv[1]).locked(sys.argv[2]):
    print("held", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_lock_whose_holder_stands_still_stops_nobody_else(tmp_path: Path, table: Table) -> None:
    """Verbs that must write give up in time and name the holder; those that look, and the board, go on."""
    store = Store(str(tmp_path))
    run_id, other = acts.over(store).id, acts.over(store).id
    with subprocess.Popen([sys.executable, "-c", HOLDER, store.root, run_id], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        try:
            argv = [sys.executable, "-m", "runboard", "--runs-dir", store.root]
            with Terminal(argv, 140, 30) as board:
                board.wait_for(run_id)
                board.wait_for(other)
                began = time.monotonic()
                tagged = runboard(tmp_path, "tag", run_id, "+x")
                took = time.monotonic() - began
                assert (tagged.returncode, took < 15) == (1, True)
                assert f"process {holder.pid}" in tagged.stderr
                assert "which is stopped" in tagged.stderr
                with pytest.raises(subprocess.TimeoutExpired):
                    subprocess.run(["flock", store.path(run_id), "true"], timeout=0.3, check=False)
                table.control("the holder of a lock is stopped", 1, 1)
                board.wait_for("not saved", 20)
                board.press("?")
                board.wait_for("Next run")
                board.press("escape")
                board.wait_gone("Next run")
                holder.send_signal(signal.SIGCONT)
                holder.wait()
                until(lambda: "not saved" not in row(board, run_id) + row(board, other), 20)
                board.press("q")
                board.wait_exit()
        finally:
            holder.kill()
    table.tell("the holder of a lock is stopped", 2, 0)
    assert [record(tmp_path, one)["exitCode"] for one in (run_id, other)] == [9, 9]
