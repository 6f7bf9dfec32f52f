"""What `clean -n` says of a run is what `clean` does with it, of whatever kind it is; looking leaves all as it is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pytest

from runboard.clearing import Cleared
from runboard.control import Control
from runboard.store import Store
from runboard.worktree import risk_of
from tests.leaving import ago, leave, leave_damaged
from tests.stores import as_nobody, open_place
from tests.test_clearing import stopped_holder, worked
from tests.test_worktree import git, origin

__all__ = ["origin"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

KEPT = {
    "busy": "which is stopped",
    "clone": "1 untracked file",
    "dirty": "1 uncommitted file",
    "lives": "of it lives; end that first",
    "marked": "it has changed, and is none of those",
    "runs": "is running; stop it first",
    "taken": "The trash holds a run taken already",
    "unpushed": "1 commit that is on no remote and no other branch",
    "elsewhere": "is running; stop it first",
}
"""Kinds of runs that stay, and what is said of each; all others go."""


FORCED = {"busy", "clone", "dirty", "unpushed"}
"""Those of them that go by force."""


def planted(root: Path, origin: Path, stack: ExitStack) -> None:
    """One run of each kind, called by it."""
    for kind in ("plain", "busy", "taken", "marked", "failed"):
        leave(root, kind, status="failed" if kind == "failed" else "completed")
    leave(root / ".trash", "taken")
    leave_damaged(root, "damaged")
    leave(root, "elsewhere", status="running", completedAt=None, process={"pid": 4, "host": "elsewhere"})
    (root / "link").symlink_to(leave(root.parent / "outside", "theirs"))
    shutil.copytree(root / "plain", root.parent / "outside" / "theirs" / "repo")
    git(root.parent / "outside" / "theirs" / "repo", "init", "-q")
    stack.enter_context(stopped_holder(root / "busy"))
    store = Store(str(root))
    for kind in ("dirty", "unpushed", "merged", "gone"):
        tree = worked(store, origin, kind, kind)
        if kind in {"dirty", "merged"}:
            git(origin, "merge", "-q", "--no-edit", kind)
        if kind == "dirty":
            (tree / "a.txt").write_text("changed\n")
        if kind == "gone":
            (tree / ".git").write_text("gitdir: /nonexistent/.git/worktrees/repo\n")
    git(leave(root, "clone"), "clone", "-q", str(origin), "repo")
    (root / "clone" / "repo" / "new.txt").write_text("work")


def living(control: Control, root: Path, *, hidden: bool) -> tuple[str, int]:
    """A run whose command lives, though its record says that it is over where ``hidden``: its id, and a pid."""
    run = control.start(["sleep", "60"])
    path = root / run.id / "run.json"
    doc = json.loads(path.read_text())
    over = {"status": "completed", "completedAt": ago(9), "reason": "exited", "exitCode": 0}
    path.write_text(json.dumps(doc | (over if hidden else {})))
    return run.id, doc["pid"]


def state(root: Path) -> dict[str, tuple[int, int, int]]:
    """What there is below a directory: inode, mode and time of each file and directory."""
    found = {}
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            info = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = (info.st_ino, info.st_mode, info.st_mtime_ns)
    return found


def fates(told: Iterable[Cleared]) -> dict[str, str]:
    """Of each run why it stays, or nothing where it goes."""
    return {one.run_id: "" if one.error is None else str(one.error) for one in told}


@pytest.mark.parametrize("force", [False, True])
def test_what_is_said_before_is_what_is_done(
    tmp_path: Path, origin: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    """Each kind stays for the reason that was told, or goes as told; the control: a record alone tells of two."""
    monkeypatch.setattr("runboard.folder.LOCK_SECONDS", 0.05)
    root = tmp_path / "runs"
    store, control = Store(str(root)), Control(Store(str(root)), by="me")
    with ExitStack() as stack:
        planted(root, origin, stack)
        live = {}
        for kind in ("runs", "lives"):
            run_id, pid = living(control, root, hidden=kind == "lives")
            stack.callback(os.kill, pid, signal.SIGKILL)
            live[run_id] = kind
        ids, before = sorted(store.ids()), state(tmp_path)
        clearing, still = control.clearing, lambda run: run.id != "marked"
        told = fates(clearing.preview(ids, force=force, still=still))
        assert state(tmp_path) == before
        assert fates(clearing.clear(ids, force=force, still=still)) == told
        assert set(store.ids()) == {run_id for run_id, why in told.items() if why}
    why = {live.get(run_id, run_id): why for run_id, why in told.items() if why}
    assert {kind: words for kind, words in KEPT.items() if words in why.get(kind, "")} == {
        kind: words for kind, words in KEPT.items() if not force or kind not in FORCED
    }
    assert why.keys() <= KEPT.keys()


def test_a_directory_that_one_is_locked_out_of_is_looked_into(tmp_path: Path) -> None:
    """It is told what is in it and is locked again, and stays so where it is kept; the act finds the same."""
    with open_place() as place:

        def act() -> object:
            """Make some, lock ourselves out, look, and clear them."""
            control = Control(Store(place), by="me")
            for run_id in ("work", "plain", "running"):
                leave(Path(place), run_id, status="running" if run_id == "running" else "completed")
            (Path(place) / "work" / "repo").mkdir()
            (Path(place) / "work" / "repo" / ".git").write_text("nonsense")
            for run_id in ("work", "plain", "running"):
                (Path(place) / run_id).chmod(0)
            ids = sorted(Store(place).ids())
            blind = risk_of(f"{place}/plain")
            assert blind is not None, "the control: who only looks says that it stays"
            told = fates(control.clearing.preview(ids))
            modes = [stat.S_IMODE((Path(place) / run_id).stat().st_mode) for run_id in ids]
            done = fates(control.clear(ids))
            after = [stat.S_IMODE((Path(place) / run_id).stat().st_mode) for run_id in sorted(Store(place).ids())]
            return told == done, modes, after, sorted(Store(place).trash_names()), sorted(told)

        assert as_nobody(act) == "(True, [0, 0, 0], [0, 0], ['plain'], ['plain', 'running', 'work'])"


def test_a_directory_that_may_not_be_changed_is_told_before(tmp_path: Path) -> None:
    """Where nothing can be moved the look says so in the words of the act, with a trash there and without."""
    with open_place() as place:

        def act() -> object:
            """Look and clear where we may not write, in the runs directory and then only in the trash."""
            root = Path(place) / "runs"
            control = Control(Store(str(root)), by="me")
            for run_id in ("one", "two"):
                leave(root, run_id)
            root.chmod(0o555)
            told = [fates(control.clearing.preview(["one"])), fates(control.clear(["one"]))]
            root.chmod(0o755)
            control.trash("two")
            (root / ".trash").chmod(0o555)
            told += [fates(control.clearing.preview(["one"])), fates(control.clear(["one"]))]
            return len({str(one) for one in told}), told[0]["one"].partition(";")[0]

        assert as_nobody(act) == "(1, 'Run one cannot be moved to the trash: Permission denied')"
