"""Work where git status does not show it: in repositories inside, behind flags, on no branch, in stashes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from runboard.worktree import Risk, risk_of, work_at_risk
from tests.test_worktree import clone, commit, git, origin, run, worktree

__all__ = ["clone", "origin", "run", "worktree"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def risk(run: Path) -> Risk:
    """What is at risk, which must be something."""
    found = risk_of(str(run))
    assert found is not None
    return found


def ignored(clone: Path) -> None:
    """A repository in a directory that git is told to ignore."""
    (clone / ".git" / "info" / "exclude").write_text("vendor/\n")
    (clone / "vendor" / "lib").mkdir(parents=True)
    git(clone / "vendor" / "lib", "init", "-q")
    commit(clone / "vendor" / "lib", "work.txt")


def beside_tracked(clone: Path) -> None:
    """A repository made around files that the outer one has."""
    (clone / "src").mkdir()
    commit(clone, "src/a.txt")
    git(clone, "push", "-q", "origin", "HEAD:src")
    git(clone / "src", "init", "-q")
    commit(clone / "src", "a.txt", "text\n")


def bare(clone: Path) -> None:
    """A bare repository among ignored files."""
    (clone / ".git" / "info" / "exclude").write_text("*.git\n")
    git(clone, "init", "-q", "--bare", "mirror.git")
    commit(clone, "b.txt")
    git(clone, "push", "-q", "./mirror.git", "HEAD:kept")
    git(clone, "reset", "-q", "--hard", "origin/main")


def not_checked_out(clone: Path) -> None:
    """The repository of a submodule that is not checked out any more."""
    git(clone, "submodule", "--quiet", "add", str(clone.parents[1] / "origin"), "sub")
    commit(clone / "sub", "b.txt")
    git(clone, "reset", "-q", "--hard", "origin/main")
    shutil.rmtree(clone / "sub")


def a_worktree_inside(clone: Path) -> None:
    """A worktree of the clone's own in it, on no branch."""
    (clone / ".git" / "info" / "exclude").write_text("trees/\n")
    git(clone, "worktree", "add", "-q", "--detach", "trees/one")
    commit(clone / "trees" / "one", "b.txt")


@pytest.mark.parametrize("make", [ignored, beside_tracked, bare, not_checked_out, a_worktree_inside])
def test_a_commit_in_a_repository_inside_is_found(clone: Path, run: Path, make: Callable[[Path], None]) -> None:
    """Wherever it lies, what is on no remote of that repository keeps the run; git status does not show it."""
    make(clone)
    assert git(clone, "status", "--porcelain", "--ignore-submodules=all") == "", "the control"
    assert (risk(run).commit_count, risk(run).trouble) == (2 if make is bare else 1, None)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_is_told_not_to_look_at_is_looked_at(clone: Path, run: Path, flag: str) -> None:
    """A change behind a flag of the index is a change, and the index stays as it is."""
    git(clone, "update-index", flag, "a.txt")
    (clone / "a.txt").write_text("precious\n")
    before = (clone / ".git" / "index").read_bytes()
    assert git(clone, "status", "--porcelain") == "", "the control"
    assert risk(run).uncommitted == ("a.txt",)
    assert (clone / ".git" / "index").read_bytes() == before


def test_stashes_are_counted_where_they_go_along(clone: Path, run: Path) -> None:
    """A clone's stashes go with it, each by its name; a worktree's stay in its repository."""
    for text in ("one", "two"):
        (clone / "a.txt").write_text(text)
        git(clone, "stash", "push", "-qm", text)
    assert risk(run).sentence() == "2 stashes"
    assert [name.rpartition(" ")[2] for name in risk(run).stashes] == ["two", "one"]


def test_a_stash_of_a_worktree_is_kept_by_its_repository(worktree: Path, run: Path) -> None:
    """It is no reason to keep the run."""
    (worktree / "a.txt").write_text("stashed")
    git(worktree, "stash")
    assert risk_of(str(run)) is None


@pytest.mark.parametrize("address", ["{}", "file://{}", "../shared.git"])
def test_what_was_pushed_into_the_runs_own_directory_is_not_saved(
    clone: Path, run: Path, tmp_path: Path, address: str
) -> None:
    """A remote that goes with the run keeps nothing; the control: the same remote beside the run does."""
    for place, saved in ((run / "shared.git", False), (tmp_path / "shared.git", True)):
        git(clone, "init", "-q", "--bare", str(place))
        url = address.format(place) if not saved else str(place)
        git(clone, "remote", "add", place.parent.name, url)
        commit(clone, f"{place.parent.name}.txt")
        git(clone, "push", "-q", place.parent.name, "main")
        if not saved:
            assert risk(run).sentence() == "1 commit that is on no remote"
    assert work_at_risk(str(run)) is None


def test_a_repository_that_is_gone_hides_no_work_in_others(clone: Path, run: Path) -> None:
    """A dangling ``.git`` inside is told where there is nothing else to tell; the control: alone it is all there is."""
    (clone / "vendor").mkdir()
    (clone / "vendor" / ".git").write_text("gitdir: /nonexistent\n")
    (clone / ".git" / "info" / "exclude").write_text("vendor/\n")
    alone = risk(run)
    assert (alone.gone, alone.trouble) == (True, "its repository /nonexistent is gone")
    (clone / "a.txt").write_text("changed\n")
    assert (risk(run).gone, risk(run).sentence()) == (False, "1 uncommitted file")


def test_a_repository_that_others_live_on_is_kept(clone: Path, run: Path, tmp_path: Path) -> None:
    """A clone with a worktree outside of the run is not cleared from under it, until that is gone."""
    git(clone, "worktree", "add", "-q", str(tmp_path / "outside"))
    assert risk(run).sentence() == "the repository of 1 worktree elsewhere"
    shutil.rmtree(tmp_path / "outside")
    git(clone, "branch", "-q", "-D", "outside") if "outside" in git(clone, "worktree", "prune") else None
    assert risk_of(str(run)) is None


def test_a_squashed_branch_of_a_clone_is_saved(clone: Path, origin: Path, run: Path) -> None:
    """Commits that the remote's main line has as one are no reason to keep the clone."""
    git(clone, "switch", "-q", "-c", "task")
    for name in ("b.txt", "c.txt"):
        commit(clone, name)
    assert risk(run).commit_count == 2
    git(origin, "fetch", "-q", str(clone), "task")
    git(origin, "merge", "-q", "--squash", "FETCH_HEAD")
    git(origin, "commit", "-qm", "all at once")
    git(clone, "fetch", "-q")
    assert risk_of(str(run)) is None


def test_a_submodule_in_a_worktree_is_understood_after_a_move(worktree: Path, origin: Path, run: Path) -> None:
    """The path to its repository begins from where the worktree was; its commits go with the worktree."""
    git(worktree, "submodule", "--quiet", "add", str(origin), "sub")
    git(worktree, "commit", "-qm", "sub")
    git(origin, "merge", "-q", "task")
    assert risk_of(str(run)) is None
    commit(worktree / "sub", "b.txt")
    moved = run.parent / "deep" / "trash"
    moved.parent.mkdir()
    run.rename(moved)
    found = risk_of(str(moved), str(run))
    assert found is not None
    assert (found.commit_count, found.trouble) == (1, None)
    assert "is gone" in (getattr(risk_of(str(moved)), "trouble", "") or ""), "the control: told no more than its path"


def test_what_would_be_lost_is_named_within_bounds(clone: Path, run: Path) -> None:
    """Ten of each kind by name, then how many more; no name brings a control character."""
    for number in range(13):
        (clone / f"new{number:02}").write_text("x")
    (clone / "a\x1b[31m").write_text("x")
    for number in range(12):
        git(clone, "commit", "-q", "--allow-empty", "-m", f"number {number}")
    lines = risk(run).lines()
    assert [line.split()[0] for line in lines] == ["untracked"] * 11 + ["commit"] * 11
    assert (lines[10], lines[21]) == ("untracked    and 4 more", "commit       and 2 more")
    assert "number 11" in lines[11]
    assert "\x1b" not in "".join(lines)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a repository to somebody else needs root")
def test_a_repository_of_somebody_else_is_read_and_not_believed(clone: Path, run: Path) -> None:
    """Whose it is does not matter where nothing of it is executed: the answer is right."""
    (clone / "new.txt").write_text("x")
    for folder, _, names in os.walk(clone):
        for name in (*names, "."):
            os.chown(os.path.join(folder, name), 65534, 65534, follow_symlinks=False)
    assert risk(run).sentence() == "1 untracked file"
