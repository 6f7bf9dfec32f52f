"""Changes of a checkout: files, counts and patch against the base, bounded; nothing the run configured is executed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from runboard.worktree import Changes, FileChange, changes, changes_of
from tests.test_worktree import ENVIRON, clone, commit, git, origin, run, trap, worktree
from tests.waiting import until

__all__ = ["clone", "origin", "run", "trap", "worktree"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def text(found: Changes) -> str:
    """The patch as one text."""
    return "\n".join(found.patch)


def test_commits_and_edits_of_a_worktree_are_told_together(worktree: Path, run: Path) -> None:
    """What was committed on the branch and what was only edited counts; what the main line had does not."""
    commit(worktree, "b.txt", "one\ntwo\n")
    (worktree / "a.txt").write_text("other\nmore\n")
    (worktree / "new").mkdir()
    (worktree / "new" / "c.txt").write_text("c")
    found = changes_of(str(run), None)
    assert (found.files, found.untracked) == ((FileChange("a.txt", 2, 1), FileChange("b.txt", 2, 0)), ("new/",))
    assert found.base.startswith("main at ")
    assert {"+++ b/b.txt", "+two", "-text", "+other"} <= set(found.patch)
    assert (found.cut, found.trouble) == (None, None)


def test_the_base_is_where_the_branch_left_the_nearest_default_branch(worktree: Path, origin: Path, run: Path) -> None:
    """What the main line got later is no change of the run's, nor is what it had before the branch began."""
    commit(origin, "later.txt")
    commit(worktree, "b.txt")
    assert [file.path for file in changes_of(str(run), None).files] == ["b.txt"]


def test_a_clone_is_compared_with_its_remote(clone: Path, run: Path) -> None:
    """On its main branch itself, a clone's commits count against the remote's."""
    assert changes_of(str(run), None).files == ()
    commit(clone, "b.txt")
    found = changes_of(str(run), None)
    assert [file.path for file in found.files] == ["b.txt"]
    assert found.base.startswith("origin at ")


def test_without_repo_the_working_directory_counts(origin: Path, run: Path) -> None:
    """The checkout around the directory it ran in is compared with its last commit where there is no other base."""
    (origin / "deep").mkdir()
    (origin / "a.txt").write_text("edited\n")
    found = changes_of(str(run), str(origin / "deep"))
    assert found.files == (FileChange("a.txt", 1, 1),)
    assert found.base.startswith("its last commit ")


def test_without_any_checkout_there_is_nothing_to_tell(run: Path, tmp_path: Path) -> None:
    """No repo/, a link for it, and a directory outside of any repository are told in words."""
    for cwd in (None, str(tmp_path), "/nonexistent"):
        assert changes_of(str(run), cwd) == Changes(trouble="It worked in no git checkout")
    (run / "repo").symlink_to("/")
    assert changes_of(str(run), None).trouble == "It worked in no git checkout"


def test_a_repository_without_commits_shows_what_was_added(run: Path) -> None:
    """Everything in the index is new where nothing was committed."""
    (run / "repo").mkdir()
    git(run / "repo", "init", "-q")
    (run / "repo" / "a.txt").write_text("a\n")
    assert changes_of(str(run), None).untracked == ("a.txt",)
    git(run / "repo", "add", "a.txt")
    assert changes_of(str(run), None).files == (FileChange("a.txt", 1, 0),)


def test_renamed_binary_and_oddly_named_files_are_told(worktree: Path, run: Path) -> None:
    """A renamed file has both names, a binary one no counts, and no name brings a control character to the screen."""
    git(worktree, "mv", "a.txt", "moved.txt")
    (worktree / "bin").write_bytes(b"\0\1\2")
    (worktree / "x\x1b[31m\ny").write_text("odd\n")
    git(worktree, "add", "-A")
    found = changes_of(str(run), None)
    assert FileChange("a.txt → moved.txt", 0, 0) in found.files
    assert FileChange("bin", None, None) in found.files
    assert any(file.path.startswith("x") for file in found.files)
    assert "\x1b" not in text(found) + "".join(file.path for file in found.files)


def test_a_line_of_the_patch_hides_nothing(worktree: Path, run: Path) -> None:
    """Neither escape sequences nor a carriage return in a file take anything away from its line."""
    (worktree / "a.txt").write_bytes(b"evil()\r# harmless\n\x1b[2Kred \x1b[31mx\x1b]0;title\x07\n")
    found = changes_of(str(run), None)
    assert "+evil()␍# harmless" in found.patch
    assert not set("\x1b\r") & set(text(found))


def test_it_is_bounded_and_says_so(worktree: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many files, many untracked ones and a long patch are cut, with a word about each."""
    monkeypatch.setattr(changes, "FILES_MOST", 3)
    monkeypatch.setattr(changes, "LINES_MOST", 10)
    for number in range(5):
        commit(worktree, f"{number}.txt", "line\n" * 20)
        (worktree / f"new{number}").write_text("x")
    found = changes_of(str(run), None)
    assert (len(found.files), len(found.untracked), len(found.patch)) == (3, 3, 10)
    assert found.cut == "more files and more untracked files and more lines"
    monkeypatch.setattr(changes, "_PATCH_BYTES", 100)
    assert len(text(changes_of(str(run), None))) <= 100


def test_who_loses_interest_is_answered_at_once(
    clone: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that hangs is ended as soon as nobody waits for it, and leaves no process behind."""
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    unwanted, found = threading.Event(), list[Changes]()
    thread = threading.Thread(target=lambda: found.append(changes_of(str(run), None, unwanted.is_set)))
    begun = time.monotonic()
    thread.start()
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    unwanted.set()
    thread.join(9)
    assert time.monotonic() - begun < 9
    assert found[0].trouble == "git cannot tell what changed: nobody waits for the answer any more"
    assert not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text().strip()}")


def test_a_rewritten_config_executes_nothing(trap: Path, run: Path) -> None:
    """With a program in every setting, attribute and hook, a submodule's too, none is run, and the answer is right."""
    found = changes_of(str(run), None)
    assert not trap.exists(), trap.read_text()
    assert FileChange("a.txt", 1, 1) in found.files
    assert "+TEXT" in found.patch


def test_plain_git_diff_would_have_executed_it(trap: Path, clone: Path) -> None:
    """Negative control: the usual command with the usual precautions runs the programs."""
    careful = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager")
    plain = ("diff", "--no-ext-diff", "--no-textconv", "HEAD")
    subprocess.run(("git", *careful, *plain), cwd=clone, env=ENVIRON, capture_output=True, check=False)
    assert trap.exists()


def test_a_git_directory_elsewhere_executes_nothing(trap: Path, clone: Path, tmp_path: Path) -> None:
    """A .git file that points to a prepared repository gets no further than one in its place."""
    (tmp_path / "second").mkdir()
    tree = tmp_path / "second" / "repo"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {clone / '.git'}\n")
    (tree / "a.txt").write_text("other\n")
    found = changes_of(str(tmp_path / "second"), None)
    assert not trap.exists(), trap.read_text()
    assert FileChange("a.txt", 1, 1) in found.files


def test_programs_in_the_callers_environment_are_not_run(
    trap: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_* variables of whoever looks have no say."""
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "PAGER"):
        monkeypatch.setenv(name, str(tmp_path / "program"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "program"))
    assert FileChange("a.txt", 1, 1) in changes_of(str(run), None).files
    assert not trap.exists()
