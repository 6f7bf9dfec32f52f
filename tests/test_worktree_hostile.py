"""A repository rewritten to execute: each setting that names a program is tried alone, and git as people call it fires.

Everything that clearing asks of git is asked here: what is at risk, what changed, the branch, moving, deleting, back.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from runboard.worktree import changes_of, risk_of
from tests.leaving import leave
from tests.test_worktree import ENVIRON, commit, git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

MEAN = "mean"
"""In a command the name that stands for the program."""

SETTINGS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "core.fsmonitor": ({"core.fsmonitor": MEAN}, ("status",)),
    "filter clean": ({"filter.evil.clean": MEAN}, ("status",)),
    "filter process": ({"filter.evil.process": MEAN, "filter.evil.required": "true"}, ("status",)),
    "filter smudge": ({"filter.evil.smudge": MEAN}, ("checkout", "--", "a.txt")),
    "diff.external": ({"diff.external": MEAN}, ("diff",)),
    "diff command": ({"diff.evil.command": MEAN}, ("diff",)),
    "diff textconv": ({"diff.evil.textconv": MEAN}, ("diff",)),
    "merge driver": ({"merge.evil.driver": f"{MEAN} %A"}, ("merge", "main")),
    "include.path": ({"include.path": "INCLUDED"}, ("status",)),
    "includeIf": ({"includeIf.gitdir:/.path": "INCLUDED"}, ("status",)),
    "core.hooksPath": ({"core.hooksPath": "HOOKS"}, ("checkout", "-q", "--detach")),
    "alias": ({"alias.st": f"!{MEAN}"}, ("st",)),
    "core.sshCommand": ({"core.sshCommand": MEAN}, ("ls-remote", "ssh://127.0.0.1/x")),
    "core.gitProxy": ({"core.gitProxy": MEAN}, ("ls-remote", "git://127.0.0.1/x")),
    "remote uploadpack": ({"remote.o.url": ".", "remote.o.uploadpack": MEAN}, ("ls-remote", "o")),
    "credential.helper": ({"credential.helper": f"!{MEAN}"}, ("credential", "fill")),
    "gpg.program": ({"gpg.program": MEAN, "commit.gpgSign": "true"}, ("commit", "--allow-empty", "-m", "x")),
    "core.editor": ({"core.editor": MEAN}, ("commit", "--allow-empty")),
    "core.pager": ({"core.pager": MEAN}, ("log",)),
    "promisor": (
        {
            "core.repositoryFormatVersion": "1",
            "extensions.partialClone": "o",
            "remote.o.promisor": "true",
            "remote.o.url": f"ext::{MEAN}",
            "protocol.ext.allow": "always",
        },
        ("cat-file", "-p", "0" * 39 + "1"),
    ),
}
"""What is set, and the plain git command that runs it."""


class Trap:
    """A run whose repo/ is a worktree of a repository that can execute, and the file by which one sees that it did."""

    def __init__(self, root: Path) -> None:
        """Set it up, harmless so far."""
        self.canary, self.program, self.origin = root / "canary", root / MEAN, root / "origin"
        self.program.write_text(f"#!/bin/sh\necho fired >> {self.canary}\nexit 1\n")
        self.program.chmod(0o755)
        (root / "hooks").mkdir()
        for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
            shutil.copy(self.program, root / "hooks" / hook)
        self.origin.mkdir()
        git(self.origin, "init", "-q")
        (self.origin / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
        (self.origin / "a.txt").write_text("one\n")
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-qm", "first")
        self.store = Store(str(root / "runs"))
        self.run = leave(root / "runs", "aa01")
        self.tree = self.run / "repo"
        git(self.origin, "worktree", "add", "-q", "-b", "task", str(self.tree))
        commit(self.tree, "a.txt", "two\n")
        commit(self.origin, "a.txt", "six\n")
        self.at = git(self.tree, "rev-parse", "HEAD").strip()
        (self.tree / "a.txt").write_text("new\n")

    def arm(self, settings: dict[str, str]) -> None:
        """Put settings into the repository's own config."""
        included = self.canary.parent / "included"
        subprocess.run(("git", "config", "--file", included, "core.fsmonitor", self.program), env=ENVIRON, check=True)
        words = {"INCLUDED": str(included), "HOOKS": str(self.canary.parent / "hooks")}
        for key, value in settings.items():
            text = words.get(value) or value.replace(MEAN, str(self.program))
            config = ("git", "config", "--file", self.origin / ".git" / "config", key, text)
            subprocess.run(config, env=ENVIRON, check=True)

    def fired(self) -> bool:
        """Whether anything was executed."""
        return self.canary.exists()

    def go_through_all(self) -> None:
        """Ask and do all that clearing asks and does, and see to it that it came out right."""
        found = risk_of(str(self.run))
        assert found is not None
        assert (found.uncommitted, found.commit_count, found.trouble) == (("a.txt",), 1, None)
        assert changes_of(str(self.run), None).trouble is None
        control = Control(self.store, by="me")
        (deleted,) = control.trash("aa01", force=True, branches=True)
        assert deleted.endswith(f"it was at {self.at}"), deleted
        assert control.restore("aa01") == (f"branch task is back at {self.at[:12]}",)
        assert (self.tree / "a.txt").read_text() == "new\n"

    def plainly(self, *words: str) -> None:
        """Git as a person calls it, at a terminal."""
        ear, mouth = pty.openpty()
        try:
            subprocess.run(
                ("git", *words),
                cwd=self.tree,
                env=ENVIRON | {"TERM": "xterm", "GIT_TERMINAL_PROMPT": "0"},
                input=b"url=http://127.0.0.1/\n\n",
                stdout=mouth,
                stderr=subprocess.DEVNULL,
                timeout=20,
                check=False,
            )
        finally:
            os.close(mouth)
            os.close(ear)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    """A trap."""
    return Trap(tmp_path)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_executes_nothing(trap: Trap, name: str) -> None:
    """The program is not run by anything we do, and all we are told is right; the control is git called plainly."""
    settings, control = SETTINGS[name]
    trap.arm(settings)
    trap.go_through_all()
    assert not trap.fired()
    trap.plainly(*control)
    assert trap.fired(), "the control: git itself would have run it"


def test_a_foreign_git_directory_executes_nothing_and_loses_nothing(trap: Trap, tmp_path: Path) -> None:
    """A repo/.git rewritten to point to another repository with every setting: it is asked, and left as it is."""
    for settings, _ in SETTINGS.values():
        trap.arm(settings)
    other = leave(tmp_path / "runs", "bb01") / "repo"
    other.mkdir()
    (other / ".git").write_text(f"gitdir: {trap.origin / '.git'}\n")
    (other / "a.txt").write_text("mine\n")
    (other / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    before = git(trap.origin, "for-each-ref")
    assert (risk_of(str(other.parent)) or "nothing") != "nothing"
    control = Control(trap.store, by="me")
    assert control.trash("bb01", force=True, branches=True) == ()
    assert [one.error for one in control.clear(["bb01"], for_good=True, force=True)] == [None]
    assert not trap.fired()
    (trap.origin / ".git" / "config").write_text("[core]\n\tbare = false\n")
    assert git(trap.origin, "for-each-ref") == before


def test_a_worktree_elsewhere_in_the_config_is_not_looked_at(trap: Trap, tmp_path: Path) -> None:
    """core.worktree leads git away from the files that would be lost; it does not lead us."""
    clone = leave(tmp_path / "runs", "bb01") / "repo"
    git(tmp_path, "clone", "-q", str(trap.origin), str(clone))
    (tmp_path / "empty").mkdir()
    shutil.copy(clone / "a.txt", tmp_path / "empty" / "a.txt")
    shutil.copy(clone / ".gitattributes", tmp_path / "empty")
    (clone / "precious.txt").write_text("work")
    git(clone, "config", "core.worktree", str(tmp_path / "empty"))
    found = risk_of(str(clone.parent))
    assert found is not None
    assert found.untracked == ("precious.txt",)
    assert git(clone, "status", "--porcelain") == "", "the control: git itself sees nothing"


def test_a_git_beside_the_files_is_not_run(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the present directory on PATH a program called git in a checkout is not ours."""
    shutil.copy(trap.program, trap.tree / "git")
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert (found := risk_of(str(trap.run))) is not None
    assert (found.untracked, trap.fired()) == (("git",), False)
    subprocess.run(["git", "status"], cwd=trap.tree, capture_output=True, check=False)
    assert trap.fired(), "the control: it would have been"


OPERATIONS: dict[str, Callable[[Path], object]] = {
    "merge": lambda tree: git(tree, "merge", "-q", "main"),
    "rebase": lambda tree: git(tree, "rebase", "-q", "main"),
    "cherry-pick": lambda tree: git(tree, "cherry-pick", "main"),
    "revert": lambda tree: git(tree, "revert", "--no-edit", "HEAD~1"),
    "bisection": lambda tree: git(tree, "bisect", "start"),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_in_progress_is_at_risk(tmp_path: Path, name: str) -> None:
    """A merge, rebase, pick, revert or bisection that was not brought to its end keeps the run."""
    origin, run = tmp_path / "origin", leave(tmp_path / "runs", "aa01")
    origin.mkdir()
    git(origin, "init", "-q")
    commit(origin, "a.txt", "one\n")
    git(origin, "worktree", "add", "-q", "-b", "task", str(run / "repo"))
    for text in ("two\n", "three\n"):
        commit(run / "repo", "a.txt", text)
    commit(origin, "a.txt", "six\n")
    try:
        OPERATIONS[name](run / "repo")
    except subprocess.CalledProcessError:
        assert name != "bisection"
    found = risk_of(str(run))
    assert found is not None
    assert found.states == (f"a {name} in progress",)
