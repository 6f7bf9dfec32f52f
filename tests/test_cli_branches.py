"""`clean` with checkouts: what is kept, what --force says is lost, the branches a question names, the bytes freed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.leaving import leave, leave_damaged
from tests.program import COMMAND, runboard
from tests.terminal import Terminal
from tests.test_worktree import commit, git, origin

__all__ = ["origin"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def runs(tmp_path: Path, origin: Path) -> Path:
    """Two runs with worktrees: aa01 with a commit of its own and an unknown file, aa02 with a merged branch."""
    for run_id in ("aa01", "aa02"):
        tree = leave(tmp_path / "runs", run_id) / "repo"
        git(origin, "worktree", "add", "-q", "-b", f"task-{run_id}", str(tree))
        commit(tree, f"{run_id}.txt")
    git(origin, "merge", "-q", "--no-edit", "task-aa02")
    (tmp_path / "runs" / "aa01" / "repo" / "new.txt").write_text("work")
    return tmp_path / "runs"


def there(runs: Path) -> set[str]:
    """The runs in a directory."""
    return {path.name for path in runs.iterdir() if not path.name.startswith(".")}


def test_what_would_be_kept_and_lost_is_said_by_name(runs: Path, origin: Path) -> None:
    """A dry run names it and moves nothing; without force the run stays; with force it is said again, and goes."""
    done = runboard(runs, "clean", "-n", "--branches")
    held = "1 untracked file, 1 commit that is on no remote and no other branch"
    assert f"run aa01: {held}: keeps it, without --force\n  untracked    new.txt\n  commit       " in done.stderr
    assert "aa01.txt\n" in done.stderr
    assert "run aa01: branch task-aa01 stays: 1 commit of it is neither merged nor pushed" in done.stderr
    assert "would go to the trash, and delete the branch task-aa02." in done.stderr
    assert there(runs) == {"aa01", "aa02"}
    done = runboard(runs, "clean", "-y", "--branches")
    assert (done.returncode, there(runs), "run aa01 was kept: its repo/ holds" in done.stderr) == (4, {"aa01"}, True)
    at = git(origin, "rev-parse", "task-aa01").strip()
    done = runboard(runs, "clean", "-y", "--force", "--branches")
    assert (
        f"run aa01: {held}: goes to the trash, and is lost when that is emptied\n  untracked    new.txt" in done.stderr
    )
    assert f"run aa01: deleted branch task-aa01 of {origin}; it was at {at}" in done.stderr
    assert "task" not in git(origin, "branch")
    done = runboard(runs, "trash", "restore", "aa01", "aa02")
    assert f"aa01 is back; branch task-aa01 is back at {at[:12]}." in done.stderr
    assert git(origin, "branch").count("task") == 2


def test_the_question_names_the_branches(runs: Path, origin: Path) -> None:
    """Before anything is done, and No leaves all of it."""
    with Terminal([*COMMAND, "--runs-dir", str(runs), "clean", "--branches"], 120, 30) as terminal:
        terminal.wait_for("[y/N]")
        assert "to the trash, and delete the branch task-aa02? [y/N]" in terminal.text()
        terminal.press("enter")
        assert terminal.wait_exit() == 1
    assert (there(runs), git(origin, "branch").count("task")) == ({"aa01", "aa02"}, 2)


def test_emptying_says_what_it_freed_and_what_it_kept(runs: Path) -> None:
    """Work in the trash is kept until force, which names it; the bytes are those that files took."""
    (runs / "aa02" / "output.log").write_bytes(b"x" * 3_000_000)
    assert runboard(runs, "clean", "-y", "--force").returncode == 0
    done = runboard(runs, "trash", "empty", "-y")
    assert (done.returncode, done.stderr.splitlines()[-1].startswith("Destroyed 1 run; that freed 2.9 MB")) == (4, True)
    done = runboard(runs, "trash", "empty", "-y", "--force")
    assert "would be lost\n  untracked    new.txt" in done.stderr
    assert (done.returncode, list((runs / ".trash").iterdir())) == (0, [])


def test_a_damaged_run_goes_by_its_id(tmp_path: Path) -> None:
    """Named it goes and comes back as it was; among all others it stays."""
    leave_damaged(tmp_path, "aa03")
    assert runboard(tmp_path, "clean", "-y").stderr == "Nothing to clean.\n"
    assert (runboard(tmp_path, "clean", "-y", "aa03").returncode, there(tmp_path)) == (0, set())
    assert runboard(tmp_path, "trash", "restore", "aa03").returncode == 0
    assert (tmp_path / "aa03" / "run.json").read_text() == '{"id": "half'
    assert (runboard(tmp_path, "clean", "-y", "--status", "damaged").returncode, there(tmp_path)) == (0, set())
