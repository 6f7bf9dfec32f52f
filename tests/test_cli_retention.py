"""`clean` and `trash empty` of many runs: how far they are, what ctrl+C leaves, what is kept, and what is measured."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from tests.leaving import leave
from tests.program import COMMAND, runboard
from tests.terminal import Terminal
from tests.waiting import until

MANY = [f"aa{number:02}" for number in range(10)]
"""Ids, the oldest run's first."""


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Ten finished runs."""
    for number, run_id in enumerate(MANY):
        leave(tmp_path, run_id, age=1000 - number, log=b"x" * 10_000)
    return tmp_path


@contextmanager
def busy(folder: Path) -> Iterator[None]:
    """A run whose lock is held, so that who clears it waits there."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def names(folder: Path) -> set[str]:
    """The runs in a directory."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def waits(pid: int, runs: Path) -> bool:
    """Whether a process that has moved three runs waits for the lock of the fourth."""
    with suppress(FileNotFoundError):  # not made yet
        return names(runs / ".trash") == set(MANY[:3]) and has_open(pid, "aa03")
    return False


def has_open(pid: int, name: str) -> bool:
    """Whether a process has a run's directory open, as it has while it waits for its lock."""
    opened = Path(f"/proc/{pid}/fd")
    with suppress(FileNotFoundError):  # closed while it was looked at
        return any(os.readlink(opened / fd).endswith(f"/{name}") for fd in os.listdir(opened))
    return False


def test_ctrl_c_ends_a_clean_between_two_runs(runs: Path) -> None:
    """The run being moved is moved, the rest is untouched and counted, and the exit code is 130."""
    with Terminal([*COMMAND, "--runs-dir", str(runs), "clean", "-y"]) as terminal:
        with busy(runs / "aa03"):
            until(lambda: waits(terminal.process, runs))
            terminal.press("ctrl+c")
            terminal.wait_for("moved 3 of 10 (")
            assert "stopping" in terminal.text()
        assert terminal.wait_exit() == 130
        assert "Stopped: moved 4 of 10 (" in terminal.text()
        assert terminal.tty_sane()
    assert names(runs / ".trash") == set(MANY[:4])
    assert names(runs) == set(MANY[4:])


def test_the_second_ctrl_c_does_not_wait(runs: Path) -> None:
    """A second ctrl+C ends it at once, though the present run is still waited for; nothing is half moved."""
    with Terminal([*COMMAND, "--runs-dir", str(runs), "clean", "-y"]) as terminal, busy(runs / "aa03"):
        until(lambda: waits(terminal.process, runs))
        terminal.press("ctrl+c")
        terminal.wait_for("stopping")
        terminal.press("ctrl+c")
        assert terminal.wait_exit(3) == 130
    assert (names(runs / ".trash"), names(runs)) == (set(MANY[:3]), set(MANY[3:]))


def test_emptying_is_stopped_and_resumed(runs: Path) -> None:
    """What an interrupted emptying left is destroyed by the next one; a signal it was told to ignore stops nothing."""
    assert runboard(runs, "clean", "-y").returncode == 0
    order = Store(str(runs)).trash_names()
    with Terminal([*COMMAND, "--runs-dir", str(runs), "trash", "empty", "-y"]) as terminal:
        held = runs / ".trash" / order[5]
        with busy(held):
            until(lambda: len(names(runs / ".trash")) == 5 and has_open(terminal.process, order[5]))
            terminal.press("ctrl+c")
            terminal.wait_for("destroyed 5 of 10")
        assert terminal.wait_exit() == 130
        assert re.search(r"Stopped: destroyed 6 of 10 \(\d+ KB\); the rest is untouched\.", terminal.text())
    left = names(runs / ".trash")
    assert left == set(order[6:])
    assert all((runs / ".trash" / name / "run.json").exists() for name in left)
    done = runboard(runs, "trash", "empty", "-y")
    told = done.stderr.startswith("Destroyed 4 runs; that freed ")
    assert (done.returncode, told, names(runs / ".trash")) == (0, True, set())


def test_what_a_killed_emptying_left_goes_too(runs: Path) -> None:
    """A run of which only an empty directory or a moved-up subdirectory is left is named, and goes with the rest."""
    assert runboard(runs, "clean", "-y", "--keep", "8").returncode == 0
    bare, half = sorted((runs / ".trash").iterdir())
    for path in bare.iterdir():
        path.unlink()
    (half / ".put-0123456789abcdef" / "deeper").mkdir(parents=True)
    done = runboard(runs, "trash", "empty", "-y")
    told = done.stderr.startswith("Destroyed 2 runs; that freed ")
    assert (done.returncode, told, names(runs / ".trash")) == (0, True, set())


def test_one_that_cannot_go_stops_no_other(runs: Path) -> None:
    """A run that the trash has already is told and kept, the others go, and the code says that some failed."""
    leave(runs / ".trash", "aa05")
    done = runboard(runs, "clean", "-y", "--older-than", "1m")
    assert (done.returncode, names(runs)) == (4, {"aa05"})
    assert "runboard: the trash holds a run aa05 already" in done.stderr.lower()
    assert done.stderr.splitlines()[-1].startswith("Moved 9 runs (")


def test_long_work_tells_how_far_it_is(runs: Path) -> None:
    """At a terminal a line says how far it has come and is gone at the end; a pipe sees only the summary."""
    with Terminal([*COMMAND, "--runs-dir", str(runs), "clean", "-y"]) as terminal:
        with busy(runs / "aa03"):
            until(lambda: waits(terminal.process, runs))
            time.sleep(0.35)  # work that is done sooner tells nothing
        terminal.wait_for("Moved 10 runs (")
        assert terminal.wait_exit() == 0
        assert (b"moved 4 of 10 (" in terminal.raw, "moved 4" in terminal.text()) == (True, False)
    assert runboard(runs, "trash", "empty", "-y").stderr.startswith("Destroyed 10 runs; that freed ")


def test_an_ignored_interruption_stays_ignored(runs: Path) -> None:
    """Started with SIGINT ignored, as shells do for work in the background, it goes on to the end."""
    shell = f"trap '' INT; exec {' '.join(COMMAND)} --runs-dir {runs} clean -y"
    with Terminal(["sh", "-c", shell]) as terminal:
        with busy(runs / "aa03"):
            until(lambda: "python" in os.readlink(f"/proc/{terminal.process}/exe"))
            until(lambda: waits(terminal.process, runs))
            os.kill(terminal.process, signal.SIGINT)
        assert terminal.wait_exit() == 0
    assert names(runs) == set()


@pytest.mark.parametrize("room", [0, 1, 2, 5, 9, 10])
def test_a_most_size_is_what_stays(runs: Path, room: int) -> None:
    """The oldest go until everything that stays fits, as if all were measured; what stays anyway counts, too."""
    store = Store(str(runs))
    live = leave(runs, "live", status="running", pid=1)
    sizes = {run_id: store.size(run_id) for run_id in store.ids()}
    limit = sizes["live"] + sum(sizes[run_id] for run_id in MANY[10 - room :])
    chosen = Control(store, by="me").clean_candidates(max_size=limit, now=time.time())
    kept = [run_id for run_id in MANY if run_id not in {run.id for run in chosen}]
    assert kept == [run_id for run_id in MANY[10 - room :] if run_id not in {run.id for run in chosen}]
    assert sum(sizes[run_id] for run_id in kept) + store.size(live.name) <= limit
    assert len(kept) == room


def test_spared_runs_are_not_measured(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a most size only what may stay is walked, up to the first that does not fit; all of it was before."""
    measured: list[str] = []
    size = Store.size

    def counting(self: Store, run_id: str) -> int:
        """Measure, and remember which."""
        measured.append(run_id)
        return size(self, run_id)

    monkeypatch.setattr(Store, "size", counting)
    store = Store(str(runs))
    limit = 2 * size(store, "aa09")
    assert len(Control(store, by="me").clean_candidates(max_size=limit, now=time.time())) == 8
    assert measured == ["aa09", "aa08", "aa07"]
