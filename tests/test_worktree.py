"""Work at risk: what would be lost with a run's repo/ is named, and nothing the run configured is ever executed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runboard.worktree import work_at_risk

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

ENVIRON = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": f"a@b.c{who}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(cwd: Path, *arguments: str) -> str:
    """Run git as a person would, with a bare environment."""
    allow = ("-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main")
    done = subprocess.run(("git", *allow, *arguments), cwd=cwd, env=ENVIRON, capture_output=True, text=True, check=True)
    return done.stdout


def commit(repo: Path, name: str, text: str = "text\n") -> None:
    """Commit one file."""
    (repo / name).write_text(text)
    git(repo, "add", name)
    git(repo, "commit", "-qm", name)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with one commit, which others clone or have a worktree of."""
    repo = tmp_path / "origin"
    repo.mkdir()
    git(repo, "init", "-q")
    commit(repo, "a.txt")
    return repo


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An empty run directory."""
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def clone(origin: Path, run: Path) -> Path:
    """A clone in the run directory."""
    git(run, "clone", "-q", str(origin), "repo")
    return run / "repo"


@pytest.fixture
def worktree(origin: Path, run: Path) -> Path:
    """A worktree on its own branch in the run directory."""
    git(origin, "worktree", "add", "-q", "-b", "task", str(run / "repo"))
    return run / "repo"


def test_a_run_without_a_repository_risks_nothing(run: Path) -> None:
    """No repo/, a repo/ without .git, and a link to a repository elsewhere hold nothing that goes with the run."""
    assert work_at_risk(str(run)) is None
    (run / "repo").mkdir()
    assert work_at_risk(str(run)) is None
    (run / "repo").rmdir()
    (run / "repo").symlink_to("/")
    assert work_at_risk(str(run)) is None


def test_clean_and_pushed_work_is_no_risk(clone: Path, run: Path) -> None:
    """A clone that is as its remote has it risks nothing, nor does one with ignored files only."""
    assert work_at_risk(str(run)) is None
    (clone / ".git" / "info" / "exclude").write_text("*.o\n")
    (clone / "x.o").write_text("object")
    assert work_at_risk(str(run)) is None


def test_uncommitted_and_untracked_files_are_counted(clone: Path, run: Path) -> None:
    """Changed, staged, deleted and unknown files are named with their number."""
    (clone / "a.txt").write_text("changed\n")
    assert work_at_risk(str(run)) == "1 uncommitted file"
    (clone / "new\nline.txt").write_text("new")
    (clone / "folder").mkdir()
    (clone / "folder" / "b.txt").write_text("new")
    assert work_at_risk(str(run)) == "1 uncommitted file, 2 untracked files"
    git(clone, "add", "-A")
    assert work_at_risk(str(run)) == "3 uncommitted files"


def test_commits_of_a_clone_on_any_branch_and_a_stash_are_at_risk(clone: Path, run: Path) -> None:
    """The whole repository goes with the run, so its other branches, a detached HEAD and its stash count."""
    commit(clone, "b.txt")
    assert work_at_risk(str(run)) == "1 commit that is on no remote"
    git(clone, "switch", "-q", "-c", "side", "origin/main")
    commit(clone, "c.txt")
    git(clone, "switch", "-q", "--detach", "main")
    commit(clone, "d.txt")
    git(clone, "switch", "-q", "--detach", "origin/main")
    assert work_at_risk(str(run)) == "2 commits that are on no remote"
    git(clone, "push", "-q", "origin", "main:one", "side:two")
    assert work_at_risk(str(run)) is None
    (clone / "a.txt").write_text("stashed")
    git(clone, "stash")
    assert work_at_risk(str(run)) == "1 stash"


def test_commits_of_a_worktree_are_at_risk_until_another_branch_has_them(
    worktree: Path, origin: Path, run: Path
) -> None:
    """A worktree's commits count while they are on its own branch only; branches of others do not."""
    assert work_at_risk(str(run)) is None
    commit(worktree, "b.txt")
    commit(worktree, "c.txt")
    assert work_at_risk(str(run)) == "2 commits that are on no remote and no other branch"
    git(origin, "switch", "-q", "-c", "other")
    commit(origin, "elsewhere.txt")
    assert work_at_risk(str(run)) == "2 commits that are on no remote and no other branch"
    git(origin, "merge", "-q", "--no-edit", "task")
    assert work_at_risk(str(run)) is None
    git(worktree, "switch", "-q", "--detach")
    commit(worktree, "d.txt")
    assert work_at_risk(str(run)) == "1 commit that is on no remote and no other branch"


def test_a_branch_without_commits_risks_its_files_only(run: Path) -> None:
    """A repository just made is no error."""
    (run / "repo").mkdir()
    git(run / "repo", "init", "-q")
    assert work_at_risk(str(run)) is None
    (run / "repo" / "a.txt").write_text("a")
    assert work_at_risk(str(run)) == "1 untracked file"
    commit(run / "repo", "a.txt")
    assert work_at_risk(str(run)) == "1 commit that is on no remote"


def test_work_in_a_submodule_counts(clone: Path, run: Path, origin: Path) -> None:
    """What is changed inside a submodule goes with the run too."""
    git(clone, "submodule", "--quiet", "add", str(origin), "sub")
    git(clone, "commit", "-qm", "sub")
    git(clone, "push", "-q", "origin", "HEAD:other")
    assert work_at_risk(str(run)) is None
    (clone / "sub" / "a.txt").write_text("changed\n")
    commit(clone / "sub", "b.txt")
    assert work_at_risk(str(run)) == "1 uncommitted file, 1 commit that is on no remote"


def test_packed_shallow_split_and_sha256_repositories_are_understood(clone: Path, run: Path, tmp_path: Path) -> None:
    """Forms in which git keeps the same things are no reason not to know."""
    commit(clone, "b.txt")
    git(clone, "gc", "-q")
    git(clone, "update-index", "--split-index")
    assert work_at_risk(str(run)) == "1 commit that is on no remote"
    shutil.rmtree(clone)
    git(run, "clone", "-q", "--depth=1", (tmp_path / "origin").as_uri(), "repo")
    assert work_at_risk(str(run)) is None
    shutil.rmtree(clone)
    clone.mkdir()
    git(clone, "init", "-q", "--object-format=sha256")
    commit(clone, "a.txt")
    assert work_at_risk(str(run)) == "1 commit that is on no remote"


def break_head(repo: Path) -> None:
    """A HEAD of nonsense."""
    (repo / ".git" / "HEAD").write_text("nonsense")


def lose_objects(repo: Path) -> None:
    """No object is there any more."""
    shutil.rmtree(repo / ".git" / "objects")


def break_index(repo: Path) -> None:
    """An index of nonsense."""
    (repo / ".git" / "index").write_bytes(b"nonsense" * 20)


def break_config(repo: Path) -> None:
    """A config of nonsense."""
    (repo / ".git" / "config").write_text("[core\nnonsense")


def unknown_extension(repo: Path) -> None:
    """A repository of a format that only a later git knows."""
    git(repo, "config", "extensions.futureStorage", "odd")


def point_nowhere(repo: Path) -> None:
    """A worktree whose main repository is gone."""
    shutil.rmtree(repo / ".git")
    (repo / ".git").write_text("gitdir: /nonexistent/worktrees/x\n")


def make_head_a_fifo(repo: Path) -> None:
    """A HEAD that would block whoever reads it."""
    (repo / ".git" / "HEAD").unlink()
    os.mkfifo(repo / ".git" / "HEAD")


@pytest.mark.parametrize(
    "spoil", [break_head, lose_objects, break_index, break_config, unknown_extension, point_nowhere, make_head_a_fifo]
)
def test_what_git_cannot_tell_is_at_risk(spoil: object, clone: Path, run: Path) -> None:
    """A repository that git does not understand is said to be unknown, which counts as at risk."""
    assert callable(spoil)
    spoil(clone)
    assert (work_at_risk(str(run)) or "").startswith("git cannot tell what is unsaved in repo/: ")


def test_a_git_that_hangs_is_given_up(clone: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit the answer is unknown."""
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("runboard.worktree.git.LIMIT", 0.3)
    assert work_at_risk(str(run)) == "git cannot tell what is unsaved in repo/: it took longer than 0.3 s"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert work_at_risk(str(run)) == "git cannot tell what is unsaved in repo/: git is not installed"


@pytest.fixture
def trap(clone: Path, origin: Path, tmp_path: Path) -> Path:
    """A clone whose config names a program in every way git knows, in a submodule and an included file too.

    Returns the file that any of these programs would make.
    """
    canary, program = tmp_path / "canary", tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\ncat\n')
    program.chmod(0o755)
    git(clone, "submodule", "--quiet", "add", str(origin), "sub")
    commit(clone, ".gitattributes", "* filter=evil diff=evil merge=evil\n")
    keys = (
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.evil.command"),
        *("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy"),
        *("diff.external", "gpg.program", "credential.helper", "pager.status", "merge.evil.driver", "alias.status"),
        *("core.alternateRefsCommand", "uploadpack.packObjectsHook", "sequence.editor", "remote.origin.uploadpack"),
    )
    for config in (clone / ".git" / "config", clone / ".git" / "modules" / "sub" / "config", tmp_path / "included"):
        for key in keys:
            subprocess.run(("git", "config", "--file", config, key, program), env=ENVIRON, check=True)
    git(clone, "config", "include.path", str(tmp_path / "included"))
    git(clone, "config", "core.hooksPath", str(tmp_path / "hooks"))
    git(clone, "config", "extensions.partialClone", "origin")
    for hooks in (tmp_path / "hooks", clone / ".git" / "hooks"):
        shutil.rmtree(hooks, ignore_errors=True)
        hooks.mkdir()
        for hook in (
            "post-index-change",
            "pre-auto-gc",
            "reference-transaction",
            "fsmonitor-watchman",
            "post-checkout",
        ):
            shutil.copy(program, hooks / hook)
    (clone / "sub" / ".gitattributes").write_text("* filter=evil\n")
    for name in ("a.txt", "sub/a.txt"):
        (clone / name).write_text("TEXT\n")  # the same size: only its content tells that it changed
    canary.unlink(missing_ok=True)
    return canary


def test_a_rewritten_config_executes_nothing(trap: Path, run: Path) -> None:
    """With a program in every setting and hook, none is run, and the answer is right all the same."""
    found = work_at_risk(str(run))
    assert not trap.exists(), trap.read_text()
    assert found == "2 uncommitted files, 1 untracked file, 1 commit that is on no remote"


def test_plain_git_status_would_have_executed_it(trap: Path, clone: Path) -> None:
    """Negative control: the usual command with the usual precautions runs the programs."""
    careful = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-pager")
    subprocess.run(("git", *careful, "status", "--porcelain"), cwd=clone, env=ENVIRON, capture_output=True, check=False)
    assert trap.exists()


def test_a_program_named_in_the_callers_environment_is_not_run(
    trap: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_* variables and the global config of whoever asks have no say."""
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(tmp_path / "program"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "origin" / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path / "program"))
    for key in ("core.fsmonitor", "filter.evil.clean"):
        config = ("git", "config", "--file", str(tmp_path / ".gitconfig"), key, str(tmp_path / "program"))
        subprocess.run(config, env=ENVIRON, check=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert work_at_risk(str(run)) == "2 uncommitted files, 1 untracked file, 1 commit that is on no remote"
    assert not trap.exists()


def test_asking_changes_nothing(clone: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the repository is changed by the question, nor its times, and no temporary directory stays."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (clone / "a.txt").write_text("TEXT\n")

    def picture() -> dict[str, tuple[int, int, int]]:
        """Every file's inode, size and time of change."""
        found = {}
        for folder, _, names in os.walk(run):
            for name in (*names, "."):
                info = os.lstat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (info.st_ino, info.st_size, info.st_mtime_ns)
        return found

    before = picture()
    assert work_at_risk(str(run)) == "1 uncommitted file"
    assert picture() == before
    assert not list((tmp_path / "tmp").iterdir())
