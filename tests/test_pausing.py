"""Pausing: the whole tree stands still and is shown so, goes on as it was, and can still be ended and overrun."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runboard.columns import status_word
from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.process import hold_tree, members, paused, signal_tree
from runboard.reconcile import settle
from runboard.store import Store
from tests.program import alive, ended, record, runboard
from tests.waiting import until

FORKING = "while :; do sleep 0.01 & done"
"""A shell that forks as fast as it can."""

FAMILY = "setsid sh -c 'echo out; sleep 60; :' & sleep 60 & echo ready; wait"
"""A command with a child in its group and one in a session of its own."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, signal.SIGKILL)


def shell(store: Store, script: str, **words: Any) -> Run:
    """A run of a shell script that has begun."""
    return Control(store, by="ada@atlas").start(["sh", "-c", script], **words)


def log(store: Store, run: Run) -> str:
    """What it has written so far."""
    return Path(store.path(run.id), "output.log").read_text("utf-8")


def states(run: Run) -> set[str]:
    """How its processes stand."""
    return {member.state for member in members(run)}


def test_the_whole_tree_stands_still_and_goes_on(store: Store) -> None:
    """Every process of the tree stops, wherever it hides; ps and show say paused and by whom; continue undoes it."""
    run = shell(store, FAMILY)
    until(lambda: log(store, run).count("\n") == 2 and len(members(run)) >= 4)
    root = Path(store.root)
    done = runboard(root, "pause", run.id)
    assert (done.returncode, done.stderr) == (0, f"{run.id} is paused\n")
    assert states(run) == {"T"}
    assert "‖ paused" in runboard(root, "ps").stdout
    assert [step["to"] for step in record(root, run.id)["history"]][-1] == "paused"
    again = runboard(root, "pause", run.id)
    assert (again.returncode, "paused already" in again.stderr) == (1, True)
    assert runboard(root, "continue", run.id).returncode == 0
    assert "T" not in states(run)
    assert "● running" in runboard(root, "ps").stdout
    assert [(step["from"], step["to"]) for step in record(root, run.id)["history"]][-1] == ("paused", "running")


def test_what_is_forked_meanwhile_stops_too(store: Store) -> None:
    """A shell that forks without a pause stands still with all it has forked."""
    run = shell(store, FORKING)
    until(lambda: len(members(run)) > 2)
    assert hold_tree(run, store.path(run.id)) == ()
    assert (states(run) <= {"T"}, paused(run)) == (True, True)


def test_one_signal_to_each_misses_some(store: Store) -> None:
    """Sending SIGSTOP once to whoever was seen, which is not enough, leaves children that run."""

    def naive() -> bool:
        """Whether the naive way left somebody running, once."""
        run = shell(store, " & ".join([FORKING] * 4))
        until(lambda: len(members(run)) > 8)
        signal_tree(run, store.path(run.id), signal.SIGSTOP)
        left = "T" not in states(run) or states(run) != {"T"}
        Control(store).kill(run.id, signal.SIGKILL)
        return left

    assert any(naive() for _ in range(40))


def test_a_paused_run_can_be_killed(store: Store) -> None:
    """TERM to a paused run wakes it to die, and the record says killed."""
    run = shell(store, "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    until(lambda: "ready" in log(store, run))
    control = Control(store, by="ada@atlas")
    assert control.pause(run.id).paused
    over = control.kill(run.id)
    assert over.outcome is not None
    assert (over.outcome.error, "bye" in log(store, run)) == ("Killed by ada@atlas (SIGTERM)", True)


def test_the_time_limit_goes_on(store: Store) -> None:
    """A run that is paused when its time is up is ended like any other, and the record says timeout."""
    run = shell(store, "sleep 60", timeout=0.5)
    assert Control(store).pause(run.id).paused
    doc = ended(Path(store.root), run.id)
    assert (doc["status"], doc["reason"]) == ("failed", "timeout")
    assert run.process.pid
    until(lambda: not alive(run.process.pid or 0))


def test_a_pause_by_another_hand_is_shown(store: Store) -> None:
    """Whoever stopped the command, the kernel tells; a run of which only a part stands still is running."""
    run = shell(store, FAMILY)
    assert run.process.pid
    until(lambda: log(store, run).count("\n") == 2)
    os.kill(run.process.pid, signal.SIGSTOP)
    time.sleep(0.05)
    assert status_word(settle(store, run.id)) == "● running"
    signal_tree(run, store.path(run.id), signal.SIGSTOP)
    until(lambda: status_word(settle(store, run.id)) == "‖ paused")
    runboard(Path(store.root), "kill", "-CONT", run.id)
    until(lambda: status_word(settle(store, run.id)) == "● running")


def test_what_does_not_run_is_not_paused(store: Store) -> None:
    """A finished run is refused with how it ended, and its history gets no line."""
    run = shell(store, "exit 4")
    before = len(ended(Path(store.root), run.id)["history"])
    for verb in ("pause", "continue"):
        done = runboard(Path(store.root), verb, run.id)
        assert (done.returncode, "had already ended: Exited with code 4" in done.stderr) == (1, True)
    assert len(record(Path(store.root), run.id)["history"]) == before
