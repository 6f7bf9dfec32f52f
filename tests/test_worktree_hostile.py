"""A repository rewritten to execute: each setting that names a program is tried alone, and git as people call it fires.

Everything that clearing asks of git is asked here: what is at risk, what changed, the branch, moving, deleting, back.
"""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from runboard.worktree import changes_of, risk_of
from tests.leaving import leave
from tests.test_worktree import ENVIRON, commit, git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

MEAN = "MEAN"
"""In a setting the name that stands for the program."""

LOG_IN = "url=http://127.0.0.1/\n\n"
SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----\n"

SETTINGS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "core.fsmonitor": ({"core.fsmonitor": MEAN}, ("status",)),
    "config.worktree": ({"core.fsmonitor": MEAN}, ("status",)),
    "include.path": ({"include.path": "INCLUDED"}, ("status",)),
    "includeIf": ({"includeIf.gitdir:/.path": "INCLUDED"}, ("status",)),
    "filter clean": ({"filter.evil.clean": MEAN}, ("status",)),
    "filter process": ({"filter.evil.process": MEAN, "filter.evil.required": "true"}, ("status",)),
    "filter smudge": ({"filter.evil.smudge": MEAN}, ("checkout", "--", "a.txt")),
    "diff.external": ({"diff.external": MEAN}, ("diff",)),
    "diff command": ({"diff.evil.command": MEAN}, ("diff",)),
    "diff textconv": ({"diff.evil.textconv": MEAN}, ("diff",)),
    "difftool": ({"diff.tool": "evil", "difftool.evil.cmd": MEAN}, ("difftool", "-y")),
    "interactive.diffFilter": ({"interactive.diffFilter": MEAN}, ("add", "-p")),
    "merge driver": ({"merge.evil.driver": f"{MEAN} %A"}, ("merge", "main")),
    "core.hooksPath": ({"core.hooksPath": "HOOKS"}, ("checkout", "-q", "--detach")),
    "alias": ({"alias.st": f"!{MEAN}"}, ("st",)),
    "core.sshCommand": ({"core.sshCommand": MEAN}, ("ls-remote", "ssh://127.0.0.1/x")),
    "core.gitProxy": ({"core.gitProxy": MEAN}, ("ls-remote", "git://127.0.0.1/x")),
    "remote uploadpack": ({"remote.o.url": ".", "remote.o.uploadpack": MEAN}, ("ls-remote", "o")),
    "remote receivepack": ({"remote.o.url": ".", "remote.o.receivepack": MEAN}, ("push", "o", "HEAD:refs/heads/new")),
    "uploadpack.packObjectsHook": ({"uploadpack.packObjectsHook": MEAN}, ("clone", "-q", "--no-local", ".", "copy")),
    "core.alternateRefsCommand": ({"core.alternateRefsCommand": MEAN}, ("rev-list", "--alternate-refs")),
    "credential.helper": ({"credential.helper": f"!{MEAN}"}, ("credential", "fill")),
    "core.askPass": ({"core.askPass": MEAN}, ("credential", "fill")),
    "gpg.program signs": ({"gpg.program": MEAN, "commit.gpgSign": "true"}, ("commit", "--allow-empty", "-m", "x")),
    "gpg.program verifies": ({"gpg.program": MEAN, "log.showSignature": "true"}, ("log", "-1")),
    "gpg.ssh.program": (
        {"gpg.format": "ssh", "gpg.ssh.program": MEAN, "user.signingKey": "/dev/null"},
        ("commit", "-S", "--allow-empty", "-m", "x"),
    ),
    "gpg.ssh.defaultKeyCommand": (
        {"gpg.format": "ssh", "gpg.ssh.defaultKeyCommand": MEAN},
        ("commit", "-S", "--allow-empty", "-m", "x"),
    ),
    "core.editor": ({"core.editor": MEAN}, ("commit", "--allow-empty")),
    "sequence.editor": ({"sequence.editor": MEAN}, ("rebase", "-i", "--autostash", "HEAD~1")),
    "core.pager": ({"core.pager": MEAN}, ("log",)),
    "pager.log": ({"pager.log": MEAN}, ("log",)),
    "trailer command": ({"trailer.x.command": MEAN}, ("interpret-trailers", "--trailer", "x=1")),
    "tar command": ({"tar.evil.command": MEAN}, ("archive", "--format=evil", "HEAD")),
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

ELSEWHERE = {"config.worktree": "worktree", "uploadpack.packObjectsHook": "global"}
"""Settings that stand in the work tree's own config, or in their person's: git heeds the last one only there."""


def as_config(settings: dict[str, str]) -> str:
    """Settings as git writes them down."""
    lines = []
    for key, value in settings.items():
        section, _, name = key.rpartition(".")
        kind, _, which = section.partition(".")
        lines.append(f'[{kind} "{which}"]' if which else f"[{kind}]")
        lines.append(f'\t{name} = "{value}"')
    return "\n".join(lines) + "\n"


class Trap:
    """A run whose repo/ is a worktree of a repository that can execute, and the file by which one sees what it did."""

    def __init__(self, root: Path) -> None:
        """Set it up, harmless so far."""
        self.root, self.canary, self.origin = root, root / "canary", root / "origin"
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
        (root / "signed").write_text(
            git(self.tree, "cat-file", "commit", "HEAD").replace("\n\n", f"\n{SIGNATURE}\n", 1)
        )
        self.at = git(self.tree, "hash-object", "-t", "commit", "-w", str(root / "signed")).strip()
        git(self.tree, "reset", "-q", "--soft", self.at)
        commit(self.origin, "a.txt", "six\n")
        for part in ("objects", "refs"):
            (root / "other" / part).mkdir(parents=True)
        (self.origin / ".git" / "objects" / "info" / "alternates").write_text(f"{root / 'other' / 'objects'}\n")
        self.places = {
            "config": self.origin / ".git" / "config",
            "worktree": self.origin / ".git" / "worktrees" / "repo" / "config.worktree",
            "global": root / "global",
        }
        self._harmless = self.places["config"].read_text() + as_config({"extensions.worktreeConfig": "true"})
        (self.tree / "a.txt").write_text("new\n")

    def program(self, name: str) -> Path:
        """The program of a setting, which notes the setting's name; beside it are hooks, and a config to include."""
        folder = self.root / name.replace(" ", "-")
        if not folder.exists():
            (folder / "hooks").mkdir(parents=True)
            program = folder / MEAN
            program.write_text(f"#!/bin/sh\necho '{name}' >> {self.canary}\nexit 1\n")
            program.chmod(0o755)
            for hook in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
                (folder / "hooks" / hook).symlink_to(program)
            (folder / "included").write_text(as_config({"core.fsmonitor": str(program)}))
        return folder / MEAN

    def arm(self, *names: str) -> None:
        """Let these settings stand where git would look for them, and no others."""
        texts = {"config": self._harmless, "worktree": "", "global": ""}
        for name in names:
            program = self.program(name)
            words = {"INCLUDED": str(program.parent / "included"), "HOOKS": str(program.parent / "hooks")}
            settings = {
                key: words.get(value) or value.replace(MEAN, str(program)) for key, value in SETTINGS[name][0].items()
            }
            texts[ELSEWHERE.get(name, "config")] += as_config(settings)
        for place, text in texts.items():
            self.places[place].write_text(text)

    def fired(self) -> list[str]:
        """The settings whose program was executed."""
        return self.canary.read_text().splitlines() if self.canary.exists() else []

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

    def plainly(self, name: str) -> None:
        """Git as a person calls it, at a terminal, on the changed file and the branch, with this setting alone."""
        self.arm()
        git(self.tree, "checkout", "-q", "-f", "-B", "task", self.at)
        (self.tree / "a.txt").write_text("new\n")
        self.arm(name)
        ear, mouth = pty.openpty()
        more = {"TERM": "xterm", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": str(self.places["global"])}
        try:
            subprocess.run(
                ("git", *SETTINGS[name][1]),
                cwd=self.tree,
                env=ENVIRON | more,
                input=LOG_IN.encode(),
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


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trap, list[str]]:
    """A trap with every setting, gone through once, and the settings whose program that has executed."""
    trap = Trap(tmp_path_factory.mktemp("walked"))
    trap.arm(*SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(trap.places["global"]))
        trap.go_through_all()
    return trap, trap.fired()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_executes_nothing(walked: tuple[Trap, list[str]], name: str) -> None:
    """No program is run by anything we do, and all we are told is right; the control is git called plainly."""
    trap, fired = walked
    assert fired == []
    trap.plainly(name)
    assert name in trap.fired(), "the control: git itself would have run it"


def test_in_the_runs_own_git_directory_the_walk_would_execute(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the walk: the same question, asked in the directory that holds the settings, runs a filter."""
    trap.arm(*SETTINGS)
    monkeypatch.setattr("runboard.worktree.risk.own_git_dir", lambda real, _common, _patience: nullcontext(real))
    risk_of(str(trap.run))
    assert {"filter process"} <= set(trap.fired())


def test_a_foreign_git_directory_executes_nothing_and_loses_nothing(trap: Trap, tmp_path: Path) -> None:
    """A repo/.git rewritten to point to another repository with every setting: it is asked, and left as it is."""
    trap.arm(*SETTINGS)
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
    assert trap.fired() == []
    trap.arm()
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
    shutil.copy(trap.program("git"), trap.tree / "git")
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert (found := risk_of(str(trap.run))) is not None
    assert (found.untracked, trap.fired()) == (("git",), [])
    subprocess.run(["git", "status"], cwd=trap.tree, capture_output=True, check=False)
    assert trap.fired() == ["git"], "the control: it would have been"


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
