"""Acts on runs: each is asked first, hits the run its question names and no other, and is told on screen and disk."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from runboard.control import Control, ControlError
from runboard.model import Outcome, Reason, Run, Status
from runboard.store import Store
from tests.leaving import leave_damaged
from tests.pilots import NOW, fixed_board, real_board
from tests.program import alive, record
from tests.waiting import until

DONE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
LIVE = Run("11111111", name="live one", command=("x",), started_at=NOW - 5)


class Hand:
    """A Control that notes what it is asked to do, and does it when it is let."""

    def __init__(self, error: Exception | None = None) -> None:
        """Fail with ``error`` instead, if there is one."""
        self.calls: list[tuple[object, ...]] = []
        self.let = threading.Event()
        self.error = error

    def _done(self, *call: object) -> Run:
        """Note a call, wait to be let, and fail if that is wanted."""
        self.calls.append(call)
        assert self.let.wait(10)
        if self.error is not None:
            raise self.error
        return LIVE._replace(id=str(call[1]))

    def kill(self, run_id: str, signal: int) -> Run:
        """Note it."""
        return self._done("kill", run_id, signal)

    def trash(self, run_id: str) -> tuple[str, ...]:
        """Note it."""
        self._done("trash", run_id)
        return ()

    def restore(self, run_id: str) -> tuple[str, ...]:
        """Note it."""
        self._done("restore", run_id)
        return ()

    def rerun(self, run_id: str) -> Run:
        """Note it."""
        return self._done("rerun", run_id)


def sleeping(store: Store, name: str, script: str = "sleep 60") -> Run:
    """A run that lives until it is ended."""
    return Control(store).start(["sh", "-c", script], name=name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in a temporary place; whatever still runs there is ended afterwards by `ended_after`."""
    return Store(str(tmp_path / "runs"))


@pytest.fixture(autouse=True)
def ended_after(store: Store) -> Iterator[None]:
    """Leave no process behind."""
    yield
    for run_id in store.ids():
        run = store.read(run_id)
        with suppress(ControlError):
            if run.active:
                Control(store).kill(run_id, SIGKILL)


async def test_s_and_y_stop_the_run(store: Store) -> None:
    """The question names act and run; after yes the process is gone, the record says killed, and so does the row."""
    run = sleeping(store, "train")
    assert run.process.pid
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running", run.id)
        await desk.press("s")
        await desk.shows("Stop this run?", f"{run.id}  train", "SIGTERM")
        await desk.press("y")
        await desk.shows("✘ failed", "Killed by ada@atlas (SIGTERM)")
        assert not alive(run.process.pid)
        doc = record(Path(store.root), run.id)
        assert (doc["status"], doc["reason"]) == ("failed", "killed")
        await desk.until(lambda: f"{run.id} train: ✘ failed" in desk.toasts())


async def test_every_other_answer_is_no() -> None:
    """Who just presses Enter, or any key but y, has said no."""
    hand = Hand()
    hand.let.set()
    async with fixed_board([LIVE], control=hand) as desk:
        for answer in ("enter", "n", "escape", "q", "ctrl+c"):
            await desk.press("s")
            await desk.shows("Stop this run?")
            await desk.press(answer)
            await desk.hides("Stop this run?")
        assert (hand.calls, desk.app.is_running) == ([], True)


@pytest.mark.parametrize("keys", [["y"], ["tab", "enter"], ["right", "enter"], ["click"]])
async def test_yes_must_be_meant(keys: list[str]) -> None:
    """Yes is y, or the other button, by keyboard or mouse."""
    hand = Hand()
    hand.let.set()
    async with fixed_board([LIVE], control=hand) as desk:
        await desk.press("S")
        await desk.shows("Kill this run?", "SIGKILL")
        if keys == ["click"]:
            await desk.pilot.click("#yes")
        else:
            await desk.press(*keys)
        await desk.until(lambda: hand.calls == [("kill", LIVE.id, SIGKILL)])


async def test_stopping_is_shown_from_the_moment_it_was_asked() -> None:
    """While the act is under way the row and the log's title say so, and s is not offered again, but S is."""
    hand = Hand()
    async with fixed_board([LIVE], control=hand) as desk:
        await desk.press("s", "y")
        await desk.shows("◐ stopping   11111111", "◐ stopping  11111111")
        keys = {active.binding.action for active in desk.app.screen.active_bindings.values()}
        assert ("app.act('stop')" in keys, "app.act('kill')" in keys) == (False, True)
        hand.let.set()
        await desk.hides("stopping")


async def test_a_stubborn_run_is_stopping_until_it_is_gone(store: Store) -> None:
    """A command that ignores TERM is shown as stopping until S ends it by force."""
    ready = Path(store.root).parent / "ready"
    run = sleeping(store, "stubborn", f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done")
    until(ready.exists)
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running")
        await desk.press("s", "y")
        await desk.shows("◐ stopping")
        began = time.monotonic()
        await desk.press("S", "y")
        await desk.shows("✘ failed", "Killed by ada@atlas (SIGTERM, then SIGKILL)")
        assert time.monotonic() - began < 4
        assert run.process.pid
        assert not alive(run.process.pid)


async def test_an_act_hits_the_run_its_question_named() -> None:
    """While the question is open runs come, go and re-sort: the act is for the run named."""
    other = LIVE._replace(id="22222222", name="other", started_at=NOW - 9)
    hand = Hand()
    hand.let.set()
    async with fixed_board([LIVE, other], control=hand) as desk:
        await desk.press("down", "s")
        await desk.shows("22222222  other")
        newer = LIVE._replace(id="33333333", name="newer", started_at=NOW - 1)
        await desk.publish(newer, LIVE._replace(outcome=DONE, completed_at=NOW))
        await desk.shows("22222222  other")
        await desk.press("y")
        await desk.until(lambda: hand.calls == [("kill", "22222222", SIGTERM)])


@pytest.mark.parametrize("gone", [False, True])
async def test_a_run_that_ended_meanwhile_is_left_alone(gone: bool) -> None:
    """If the run ends, or goes, while its question is open, the answer yes does nothing and says why."""
    hand = Hand()
    hand.let.set()
    async with fixed_board([LIVE], control=hand) as desk:
        await desk.press("s")
        if gone:
            await desk.publish(removed=[LIVE.id])
        else:
            await desk.publish(LIVE._replace(outcome=DONE, completed_at=NOW))
        await desk.press("y")
        word = "is gone" if gone else "ended meanwhile: ✔ completed"
        await desk.until(lambda: any(word in toast and "nothing was done" in toast for toast in desk.toasts()))
        assert hand.calls == []


async def test_d_and_u_go_to_the_trash_and_back(store: Store) -> None:
    """A finished run goes to the trash after a question and comes back with u, on screen and on disk."""
    run = Control(store).start(["true"], name="done")
    until(lambda: store.read(run.id).finished)
    async with real_board(Path(store.root)) as desk:
        await desk.shows("✔ completed")
        await desk.press("d")
        await desk.shows("Move this run to the trash?", f"{run.id}  done")
        await desk.press("y")
        await desk.shows("No runs yet")
        assert (store.ids(), [gone.id for gone in store.trashed()]) == ([], [run.id])
        await desk.press("u")
        await desk.shows("✔ completed", run.id)
        assert store.ids() == [run.id]


def unsaved(repo: Path) -> None:
    """Make a repository with a file that git does not know."""
    subprocess.run(["git", "init", "-q", str(repo)], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    (repo / "new.txt").write_text("work")


async def test_u_waits_for_what_is_on_its_way_to_the_trash() -> None:
    """Pressed while a run is being thrown away, u brings that one back, not the one of before, and is never lost."""
    over = LIVE._replace(completed_at=NOW - 1, outcome=DONE)
    hand = Hand()
    async with fixed_board([over, over._replace(id="22222222")], control=hand) as desk:
        for run_id, let in (("11111111", True), ("22222222", False)):
            desk.table.go_to(run_id)
            hand.let.set() if let else hand.let.clear()
            await desk.press("d")
            await desk.shows("Move this run to the trash?", run_id)
            await desk.press("y")
            await desk.until(lambda run_id=run_id: ("trash", run_id) in hand.calls)  # type: ignore[misc]
            if let:
                await desk.until(lambda: any("is in the trash" in toast for toast in desk.toasts()))
        await desk.press("u")
        await desk.pilot.pause()
        assert [call[0] for call in hand.calls] == ["trash", "trash"], "the one of before would come back"
        hand.let.set()
        await desk.until(lambda: ("restore", "22222222") in hand.calls)
        await desk.press("u")
        await desk.until(lambda: ("restore", "11111111") in hand.calls)


async def test_work_that_is_nowhere_else_asks_again(store: Store) -> None:
    """A run whose checkout holds such work goes only after a second question that names it, and u brings it back."""
    run = Control(store).start(["true"], name="worked")
    until(lambda: store.read(run.id).finished)
    repo = Path(store.path(run.id), "repo")
    unsaved(repo)
    async with real_board(Path(store.root)) as desk:
        await desk.shows("✔ completed")
        for answer, there in (("n", [run.id]), ("y", [])):
            await desk.press("d")
            await desk.shows("Move this run to the trash?")
            await desk.press("y")
            await desk.shows("Move it all the same?", "Its repo/ holds 1 untracked file.")
            await desk.press(answer)
            await desk.until(lambda: len(desk.app.screen_stack) == 1 and store.ids() == there)  # noqa: B023
        await desk.press("u")
        await desk.shows("✔ completed", run.id)
        assert sorted(os.listdir(repo)) == [".git", "new.txt"]


async def test_d_clears_a_damaged_run(store: Store) -> None:
    """A run that cannot be read goes to the trash as it is, and comes back as it is."""
    path = leave_damaged(Path(store.root), "damaged1") / "run.json"
    async with real_board(Path(store.root)) as desk:
        await desk.shows("damaged1")
        await desk.press("d")
        await desk.shows("Move this run to the trash?", "damaged1")
        await desk.press("y")
        await desk.shows("No runs yet")
        await desk.press("u")
        await desk.shows("damaged1")
        assert os.stat(path).st_mtime == 0


async def test_r_runs_it_again(store: Store) -> None:
    """After a question the same command runs again as a new run that says whose rerun it is."""
    run = Control(store).start(["sh", "-c", "exit 3"], name="flaky")
    until(lambda: store.read(run.id).finished)
    async with real_board(Path(store.root)) as desk:
        await desk.shows("✘ failed", "Exited with code 3")
        await desk.press("r")
        await desk.shows("Run this again?")
        await desk.press("y")
        await desk.until(lambda: len(store.ids()) == 2)
        (new,) = set(store.ids()) - {run.id}
        await desk.shows(new)
        await desk.until(lambda: store.read(new).finished)
        assert (store.read(new).rerun_of, store.read(new).command) == (run.id, run.command)


async def test_an_error_is_told_and_the_row_recovers() -> None:
    """What cannot be done is said in the corner, in the words of whoever refused; the row stops saying "stopping"."""
    hand = Hand(ControlError("run 11111111 was not signalled: [bold]not ours[/bold]"))
    hand.let.set()
    async with fixed_board([LIVE], control=hand) as desk:
        await desk.press("s", "y")
        await desk.shows("[bold]not ours[/bold]", "● running")
        assert desk.app.is_running


async def test_leaving_in_the_middle_of_an_act_is_no_crash() -> None:
    """Who leaves while a run is being stopped leaves with 0, without a traceback; the act is done to its end."""
    hand = Hand()
    async with fixed_board([LIVE], control=hand) as desk:
        await desk.press("s", "y")
        await desk.shows("◐ stopping")
        await desk.press("q")
        await desk.until(lambda: not desk.app.is_running)
        hand.let.set()
    assert (desk.app.crash, desk.app.return_code, hand.calls) == (None, 0, [("kill", LIVE.id, SIGTERM)])


async def test_only_what_can_be_done_is_offered() -> None:
    """A finished run is not stopped, a live one not trashed, a foreign one not touched, a damaged one only trashed."""
    hand, ended = Hand(), LIVE._replace(outcome=DONE, completed_at=NOW)
    cases = [
        (LIVE, {"stop", "kill", "rerun"}),
        (ended, {"trash", "rerun"}),
        (ended._replace(unsaved=True), {"rerun"}),
        (LIVE._replace(foreign="on host borealis"), {"rerun"}),
        (LIVE._replace(command=()), {"stop", "kill"}),
        (LIVE._replace(queued=True), {"rerun"}),
        (LIVE._replace(damage="half a record"), {"trash"}),
    ]
    async with fixed_board([], control=hand) as desk:
        for run, offered in cases:
            await desk.publish(run)
            actions = {active.binding.action for active in desk.app.screen.active_bindings.values()}
            found = {name for name in ("stop", "kill", "trash", "rerun", "undo") if f"app.act('{name}')" in actions}
            assert found == offered
            for name, key in {"stop": "s", "kill": "S", "trash": "d", "undo": "u"}.items():
                if name not in offered:
                    await desk.press(key)
            assert (len(desk.app.screen_stack), hand.calls) == (1, [])


async def test_who_may_only_look_has_no_keys_to_act() -> None:
    """Without a Control the keys are not there at all, whatever binding, palette or action name is tried."""
    async with fixed_board([LIVE], control=None) as desk:
        await desk.press("s", "S", "d", "u", "r", "x", "n")
        assert len(desk.app.screen_stack) == 1
        bound = {active.binding.action for active in desk.app.screen.active_bindings.values()}
        bound |= {binding.action for _key, binding in desk.app.screen_stack[0]._bindings}
        assert not any("act(" in action for action in bound)
        assert not await desk.app.run_action("app.act('stop')")
        await desk.shows("read-only")


async def test_a_watcher_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A read-only board shows a death with its verdict as not saved yet, and leaves every file as it is."""
    run = sleeping(store, "watched", "sleep 60")
    shim = run.process.shim_pid
    assert shim
    assert run.process.pid
    os.kill(shim, SIGKILL)
    async with real_board(Path(store.root), watching=True) as desk:
        await desk.shows("● running", "read-only")
        before = (Path(store.root) / run.id / "run.json").read_bytes()
        os.kill(run.process.pid, SIGKILL)
        await desk.shows("not saved yet")
        assert (Path(store.root) / run.id / "run.json").read_bytes() == before
