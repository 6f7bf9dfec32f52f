"""The processes pane on a real app: the tree with what it uses, and one signal for exactly one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from runboard.control import Control
from runboard.errors import ControlError
from runboard.model import Outcome, Reason, Run, Status
from runboard.process import Member, Usage, members
from runboard.store import Store
from runboard.ui.sources import Sources
from tests.pilots import NOW, Desk, fixed_board, real_board

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
ONE = Run("11111111", name="one", command=("x",), started_at=NOW - 5)
TWO = Run("22222222", name="two", command=("x",), started_at=NOW - 9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, SIGKILL)


def usage(pid: int, depth: int, *command: str, cpu: float | None = 0.5, state: str = "S") -> Usage:
    """A process."""
    return Usage(Member(pid, 1, pid, state, command[0], command, 0), cpu, 3 << 20, 75.0, depth)


def tree_of(run: Run) -> Sequence[Usage]:
    """A tree that names its run."""
    return [usage(100, 0, "sh", run.id), usage(101, 1, "evil\x1b[31m", "[/x]", cpu=None, state="T"), usage(102, 2, "c")]


def under_cursor(desk: Desk) -> int | None:
    """The pid under the pane's cursor."""
    chosen = desk.app._run_pane.process_pane.chosen
    return None if chosen is None else chosen.member.pid


async def test_5_shows_the_tree_with_what_it_uses() -> None:
    """Head, numbers and indented commands; a stopped one is told so; outside text is literal and clean."""
    async with fixed_board([ONE, TWO], sources=Sources(processes=tree_of)) as desk:
        await desk.press("5")
        await desk.shows("PID     CPU    Memory       Age  Command", "100    50 %    3.0 MB     1m15s  sh 11111111")
        await desk.shows("3 processes · 100 % CPU · 9.0 MB", "  evil '[/x]'   (stopped)", "    c")
        assert "\x1b" not in desk.text()
        await desk.press("down")
        await desk.shows("sh 22222222", "● running  22222222  two")
        await desk.hides("sh 11111111")
        await desk.publish(TWO._replace(outcome=FINE, completed_at=NOW))


async def test_the_cursor_stays_on_its_process() -> None:
    """Processes that come and go move the line, not the choice; when the chosen one ends, its neighbour is chosen."""
    tree = list(tree_of(ONE))
    async with fixed_board([ONE], sources=Sources(processes=lambda _run: tuple(tree))) as desk:
        await desk.press("5")
        await desk.shows("3 processes")
        await desk.press("tab", "j", "j")
        await desk.until(lambda: under_cursor(desk) == 102)
        del tree[0]
        await desk.shows("2 processes")
        assert under_cursor(desk) == 102
        del tree[1]
        await desk.until(lambda: under_cursor(desk) == 101)
        await desk.press("g", "G", "k")
        assert under_cursor(desk) == 101


async def test_nothing_is_looked_at_while_the_pane_is_hidden() -> None:
    """The process table is read only for who looks."""
    looked = list[str]()

    def noted(run: Run) -> Sequence[Usage]:
        looked.append(run.id)
        return tree_of(run)

    async with fixed_board([ONE, TWO], sources=Sources(processes=noted)) as desk:
        await desk.press("down", "up")
        assert looked == []
        await desk.press("5")
        await desk.until(lambda: looked == [ONE.id])
        await desk.press("1")
        await desk.pilot.pause()
        assert looked == [ONE.id]


async def test_an_ended_run_has_no_process() -> None:
    """It says so instead of an empty pane."""
    over = ONE._replace(outcome=FINE, completed_at=NOW)
    async with fixed_board([over]) as desk:
        await desk.press("5")
        await desk.shows("It has ended: no process is left")


async def listed(desk: Desk, *texts: str) -> None:
    """Look at the processes, once the run has come to the board."""
    await desk.until(lambda: desk.app._chosen is not None)
    await desk.press("5")
    await desk.shows("Command", *texts)


async def signal_second(desk: Desk, filter_text: str, *answer: str) -> None:
    """Choose the second process of the tree, pick a signal by its name, and answer the question."""
    await desk.press("tab", "j", "x")
    await desk.shows("Send a signal", "To process")
    await desk.press(*filter_text, "enter")
    if answer:
        await desk.shows("Signal this process?", "to no other")
        await desk.press(*answer)


def sleepers(run: Run) -> set[int]:
    """The run's processes that sleep."""
    return {one.pid for one in members(run) if one.name == "sleep"}


async def test_x_signals_the_chosen_process_and_no_other(store: Store, tmp_path: Path) -> None:
    """After a question one of two sleepers ends; the other and the run go on; a No does nothing."""
    run = Control(store).start(["sh", "-c", "sleep 61 & sleep 62 & wait; sleep 63"])
    async with real_board(tmp_path / "runs") as desk:
        await listed(desk, "sleep 61", "sleep 62")
        both = sleepers(run)
        await signal_second(desk, "term", "n")
        await desk.hides("Signal this process?")
        assert sleepers(run) == both
        await desk.press("x")
        await desk.shows("Send a signal")
        chosen = under_cursor(desk)
        await desk.press(*"term", "enter")
        await desk.shows("Signal this process?")
        await desk.press("y")
        await desk.until(lambda: any(f"SIGTERM was sent to process {chosen}" in told for told in desk.toasts()))
        await desk.until(lambda: chosen not in sleepers(run))
        assert len(sleepers(run)) == 1
        assert store.read(run.id).active
        assert store.read(run.id).kill_request is None


async def test_the_command_itself_is_signalled_as_such(store: Store, tmp_path: Path) -> None:
    """Ending the run's command leaves a kill request, so that the verdict says who did it."""
    run = Control(store).start(["sleep", "64"])
    async with real_board(tmp_path / "runs") as desk:
        await listed(desk, "sleep 64")
        await desk.press("tab", "x")
        await desk.shows("Send a signal")
        await desk.press(*"term", "enter")
        await desk.shows("Signal this process?")
        await desk.press("y")
        await desk.shows("✘ failed", "Killed by ada@atlas", limit=8)
        assert store.read(run.id).kill_request is not None


async def test_who_only_looks_has_no_key_for_it(store: Store, tmp_path: Path) -> None:
    """In --watch x does nothing, and the help does not name it."""
    run = Control(store).start(["sleep", "65"])
    async with real_board(tmp_path / "runs", watching=True) as desk:
        await listed(desk, "sleep 65")
        await desk.press("tab", "x")
        assert "Send a signal" not in desk.text()
        await desk.press("question_mark")
        await desk.shows("Next process")
        assert "signal" not in desk.text()
    assert members(run)
