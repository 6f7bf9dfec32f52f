"""The diff pane on a real app: files, then the patch; another run's is never shown, and nothing in it acts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.model import Outcome, Reason, Run, Status
from runboard.store import Store
from runboard.ui.sources import Sources
from runboard.worktree import Changes, FileChange
from tests.pilots import NOW, fixed_board, real_board
from tests.test_worktree import commit, git

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
ONE = Run("11111111", name="one", command=("x",), started_at=NOW - 5)
TWO = Run("22222222", name="two", command=("x",), started_at=NOW - 9)


def found(run: Run, _unwanted: Callable[[], bool] = lambda: False) -> Changes:
    """Changes that name their run on every line."""
    patch = ("diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1,200 @@", *(f"+{run.id} line" for _ in range(200)))
    return Changes(f"main at {run.id}", (FileChange(f"{run.id}.py", 200, 0),), (f"{run.id}.new",), patch)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
async def test_4_shows_what_the_run_changed(tmp_path: Path) -> None:
    """A run that works in a git checkout: 4 shows files and patch, from the disk as it stands."""
    repo = tmp_path / "origin"
    repo.mkdir()
    git(repo, "init", "-q")
    commit(repo, "a.txt", "old\n")
    (repo / "a.txt").write_text("new [@click=app.quit]x[/]\n")
    (repo / "b.txt").write_text("b")
    store = Store(str(tmp_path / "runs"))
    Control(store).start(["true"], cwd=str(repo))
    async with real_board(tmp_path / "runs") as desk:
        await desk.until(lambda: desk.app._chosen is not None)
        await desk.press("4")
        await desk.shows("1 file changed since its last commit", "a.txt      +1     -1", "b.txt  untracked")
        await desk.shows("+new [@click=app.quit]x[/]", "-old", "@@ -1 +1 @@", "Diff")
        await desk.press("1")
        await desk.shows("No output")


async def test_a_diff_is_scrolled_and_panned_by_files() -> None:
    """Keys scroll, n goes to the next file of the patch, the arrows pan, and another run's diff starts at its start."""
    async with fixed_board([ONE, TWO], sources=Sources(changes=found)) as desk:
        await desk.press("4", "tab")
        await desk.shows("1 file changed since main at 11111111   +200 -0", "11111111.py     +200", "at 0 %")
        await desk.press("G")
        await desk.shows("end")
        await desk.hides("1 file changed")
        await desk.press("g", "n")
        await desk.hides("1 file changed")
        await desk.press("l")
        await desk.shows("column 9")
        await desk.press("shift+tab", "down")
        await desk.shows("1 file changed since main at 22222222", "● running  22222222  two")
        await desk.hides("column 9")


async def test_a_slow_look_ends_when_another_run_is_chosen() -> None:
    """Whoever looks is told that nobody waits any more; the word about waiting is there until then."""
    told, begun = threading.Event(), threading.Event()

    def slow(run: Run, unwanted: Callable[[], bool]) -> Changes:
        if run.id == ONE.id:
            begun.set()
            while not unwanted():
                begun.wait(0.01)
            told.set()
        return found(run)

    async with fixed_board([ONE, TWO], sources=Sources(changes=slow)) as desk:
        await desk.press("4")
        await desk.shows("Looking what changed…")
        await desk.until(begun.is_set)
        assert not told.is_set()
        await desk.press("down")
        await desk.until(told.is_set)
        await desk.shows("since main at 22222222")
        assert "since main at 11111111" not in desk.text()


async def test_nothing_is_looked_up_while_the_diff_is_hidden() -> None:
    """The log on show costs no git; an ended run is looked at once, and again when it ends."""
    looked = list[tuple[str, bool]]()

    def noted(run: Run, unwanted: Callable[[], bool]) -> Changes:
        looked.append((run.id, run.active))
        return found(run, unwanted)

    async with fixed_board([ONE, TWO], sources=Sources(changes=noted)) as desk:
        await desk.press("down", "up")
        assert looked == []
        await desk.press("4")
        await desk.shows("since main at 11111111")
        await desk.publish(ONE._replace(outcome=FINE, completed_at=NOW))
        await desk.until(lambda: len(looked) == 2)
        assert looked == [(ONE.id, True), (ONE.id, False)]
        await desk.press("1")
        await desk.press("down")
        assert len(looked) == 2


async def test_no_change_and_no_checkout_are_told_in_words() -> None:
    """An empty diff says since when, and a run without a checkout says so."""
    answers = {ONE.id: Changes("main at 1a2b3c4d"), TWO.id: Changes(trouble="It worked in no git checkout")}
    async with fixed_board([ONE, TWO], sources=Sources(changes=lambda run, _: answers[run.id])) as desk:
        await desk.press("4")
        await desk.shows("No change since main at 1a2b3c4d")
        await desk.press("down")
        await desk.shows("It worked in no git checkout")


async def test_a_click_on_a_view_in_the_title_shows_it() -> None:
    """The names in the title line are for the mouse too."""
    async with fixed_board([ONE], sources=Sources(changes=found)) as desk:
        line = desk.text().split("\n")[desk.log.region.y]
        await desk.pilot.click(offset=(line.index("Diff") + 1, desk.log.region.y))
        await desk.shows("since main at 11111111")
