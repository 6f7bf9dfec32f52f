"""The signal picker on a real board: found by typing, sent to the tree or to the command, asked about where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.store import Store
from tests.pilots import NOW, fixed_board, real_board
from tests.program import alive, record, runboard, start
from tests.waiting import until

CATCHING = """
trap 'echo parent' USR1
sh -c 'trap "echo child" USR1; echo ready; while :; do sleep 0.05; done' &
echo ready
while :; do sleep 0.05; done
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, SIGKILL)


def log(store: Store, run: Run) -> str:
    """What it has written so far."""
    return Path(store.path(run.id), "output.log").read_text("utf-8")


async def test_a_signal_goes_to_the_tree_or_to_the_command(store: Store) -> None:
    """Found by its name; tab and space choose the command only; both times after a question, and nothing ends."""
    run = Control(store).start(["sh", "-c", CATCHING], name="catching")
    until(lambda: log(store, run).count("ready") == 2)
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running")
        await desk.press("x")
        await desk.shows("Send a signal", f"{run.id}  catching", "asks it to end")
        await desk.press(*"usr1", "tab", "space", "enter")
        await desk.shows("Signal this run?", "SIGUSR1 to its command only")
        await desk.press("y")
        await desk.until(lambda: "parent" in log(store, run))
        assert "child" not in log(store, run)
        await desk.press("x", *"USR1", "enter")
        await desk.shows("SIGUSR1 to its whole process tree.")
        await desk.press("y")
        await desk.until(lambda: "child" in log(store, run))
        assert record(Path(store.root), run.id)["status"] == "running"


async def test_two_runs_have_their_trees() -> None:
    """The question about several runs speaks of them all."""
    live = Run("11111111", name="one", command=("x",), started_at=NOW - 5)
    async with fixed_board([live, live._replace(id="22222222")], control=object()) as desk:
        await desk.press("asterisk", "x", *"usr1", "enter")
        await desk.shows("Signal these 2 runs?", "SIGUSR1 to their whole process tree.")


async def test_harmless_signals_are_sent_without_a_question(store: Store) -> None:
    """STOP stops the tree at once, and the row says so; no is the default of the question that TERM asks."""
    run = Control(store).start(["sleep", "60"], name="live")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running")
        await desk.press("x", *"stop", "enter")
        await desk.shows("‖ paused")
        await desk.press("x", *"sigcont", "enter")
        await desk.shows("● running")
        await desk.press("x", "down", "up", "enter")
        await desk.shows("SIGTERM to its whole process tree; after 5 s, SIGKILL.")
        await desk.press("enter")
        await desk.hides("Signal this run?")
        assert alive(run.process.pid or 0)
        await desk.press("x", *"15", "enter", "y")
        await desk.shows("Killed by ada@atlas (SIGTERM)")


async def test_what_fits_nothing_sends_nothing(store: Store) -> None:
    """Enter where no signal fits does nothing, as the list says, and Esc leaves."""
    Control(store).start(["sleep", "60"], name="live")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running")
        await desk.press("x", *"zzz", "enter")
        await desk.shows("Send a signal", "no signal is called so")
        await desk.press("escape")
        await desk.hides("Send a signal")


def test_kill_takes_the_leader_only(tmp_path: Path) -> None:
    """From the shell too: --leader ends the command and leaves what it started, which a kill of the tree does not."""
    run_id = start(tmp_path, "--", "sh", "-c", "sleep 60 & echo $!; wait")
    until(lambda: (tmp_path / run_id / "output.log").read_text("utf-8"))
    child = int((tmp_path / run_id / "output.log").read_text("utf-8"))
    try:
        assert runboard(tmp_path, "kill", run_id, "--leader").returncode == 0
        until(lambda: record(tmp_path, run_id)["status"] == "failed")
        assert record(tmp_path, run_id)["reason"] == "killed"
        assert alive(child)
    finally:
        with suppress(ProcessLookupError):
            import os  # noqa: PLC0415 - only to clean up

            os.kill(child, SIGKILL)
