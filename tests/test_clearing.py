"""Clearing: a worktree's repository follows it into the trash and back, its branch too, and nothing that lives goes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runboard.control import AtRisk, Control
from runboard.store import Refused, RunBusy, Store
from tests.leaving import leave, leave_damaged
from tests.test_worktree import clone, commit, git, origin
from tests.waiting import until

__all__ = ["clone", "origin"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store."""
    return Store(str(tmp_path / "runs"))


@pytest.fixture
def control(store: Store) -> Control:
    """The hand of a person."""
    return Control(store, by="me")


def worked(store: Store, origin: Path, run_id: str = "aa01", branch: str = "task") -> Path:
    """A finished run with a worktree of ``origin`` on a branch of its own, with one commit; returns the work tree."""
    tree = leave(Path(store.root), run_id) / "repo"
    git(origin, "worktree", "add", "-q", "-b", branch, str(tree))
    commit(tree, f"{branch}.txt")
    return tree


def branches(repo: Path) -> set[str]:
    """The branches of a repository."""
    return set(git(repo, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())


def head(repo: Path, name: str = "HEAD") -> str:
    """The commit that a name stands for."""
    return git(repo, "rev-parse", name).strip()


def test_a_worktree_stays_one_in_the_trash_and_back(store: Store, control: Control, origin: Path) -> None:
    """Git works in it in the trash and after its return, and pruning in between takes nothing away."""
    tree = worked(store, origin)
    git(origin, "merge", "-q", "--ff-only", "task")
    assert control.trash("aa01") == ()
    there = Path(store.root, ".trash", "aa01", "repo")
    git(origin, "worktree", "prune", "--expire=now")
    assert (git(there, "status", "--porcelain"), str(there) in git(origin, "worktree", "list")) == ("", True)
    assert control.restore("aa01") == ()
    git(origin, "worktree", "prune", "--expire=now")
    (tree / "task.txt").write_text("changed\n")
    assert (git(tree, "status", "--porcelain"), "prunable" in git(origin, "worktree", "list")) == (
        " M task.txt\n",
        False,
    )


def test_a_forged_note_makes_no_branch_in_a_strangers_repository(
    store: Store, control: Control, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run left for its own return is believed only of a repository that knows its worktree; the control: not."""
    tree = leave(Path(store.root), "aa01") / "repo"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {origin}/.git\n")
    note = {"branch": "planted", "commit": head(origin), "repository": str(origin)}
    (tree.parent / "trashed.json").write_text(json.dumps(note))
    control.trash("aa01", force=True)
    [told] = control.restore("aa01")
    assert ("could not be brought back" in told, branches(origin)) == (True, {"main"})
    (tree.parent / "trashed.json").write_text(json.dumps(note))
    control.trash("aa01", force=True)
    monkeypatch.setattr("runboard.worktree.branch.administration", lambda *_: f"{origin}/.git")
    control.restore("aa01")
    assert branches(origin) == {"main", "planted"}


def test_moving_alone_would_lose_the_worktree(store: Store, origin: Path) -> None:
    """Negative control: after a bare rename the first pruning makes git forget the worktree."""
    worked(store, origin)
    store.trash("aa01")
    git(origin, "worktree", "prune", "--expire=now")
    store.restore("aa01")
    with pytest.raises(subprocess.CalledProcessError):
        git(Path(store.path("aa01"), "repo"), "status")


def test_emptying_frees_the_branch(store: Store, control: Control, origin: Path) -> None:
    """With the run destroyed its repository knows no worktree any more, locked or not, and the branch is nobody's."""
    worked(store, origin)
    git(origin, "merge", "-q", "--ff-only", "task")
    git(origin, "worktree", "lock", store.path("aa01") + "/repo")
    control.trash("aa01")
    assert [one.error for one in control.clear(["aa01"], for_good=True)] == [None]
    assert os.listdir(store.root + "/.trash") == []
    assert git(origin, "worktree", "list").count("\n") == 1
    git(origin, "branch", "-d", "task")


def test_a_repository_that_names_another_place_is_not_touched(store: Store, control: Control, origin: Path) -> None:
    """A rewritten repo/.git that points to somebody else's worktree changes nothing there."""
    other = origin.parent / "other"
    git(origin, "worktree", "add", "-q", "-b", "theirs", str(other))
    fake = leave(Path(store.root), "aa01") / "repo"
    fake.mkdir()
    shutil.copy(other / ".git", fake / ".git")
    shutil.copy(other / "a.txt", fake / "a.txt")
    control.trash("aa01", force=True, branches=True)
    assert [one.error for one in control.clear(["aa01"], for_good=True, force=True)] == [None]
    assert (git(other, "status", "--porcelain"), "theirs" in branches(origin)) == ("", True)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase", "push", "remote squash"])
def test_a_branch_goes_once_its_work_is_elsewhere(store: Store, control: Control, origin: Path, how: str) -> None:
    """Merged, squashed into one commit, rebased or pushed: the branch goes with the run, and comes back with it."""
    tree = worked(store, origin)
    commit(tree, "more.txt")
    commit(origin, "meanwhile.txt")
    if "squash" in how:
        git(origin, "merge", "-q", "--squash", "task")
        git(origin, "commit", "-qm", "all at once")
        commit(origin, "task.txt", "changed again later\n")
    elif how == "rebase":
        git(origin, "cherry-pick", "task~1", "task")
    elif how == "merge":
        git(origin, "merge", "-q", "--no-edit", "task")
    if how in {"push", "remote squash"}:
        git(origin.parent, "clone", "-q", "--bare", str(origin), "hub.git")
        git(origin, "remote", "add", "origin", "../hub.git")
        git(origin, "push", "-q", "origin", "main", *(["task"] if how == "push" else []))
        git(origin, "fetch", "-q", "origin")
    at = head(tree)
    notes = control.trash("aa01", branches=True)
    assert (branches(origin), notes) == ({"main"}, (f"deleted branch task of {origin}; it was at {at}",))
    assert control.restore("aa01") == (f"branch task is back at {at[:12]}",)
    assert (head(origin, "task"), git(tree, "status", "--porcelain")) == (at, "")
    assert not Path(store.path("aa01"), "trashed.json").exists()


def test_a_branch_with_work_of_its_own_stays(store: Store, control: Control, origin: Path) -> None:
    """Not merged it stays with its run; forced it goes, and is told with its commit; without --branches it stays."""
    tree = worked(store, origin)
    at = head(tree)
    with pytest.raises(AtRisk, match="1 commit that is on no remote and no other branch") as kept:
        control.trash("aa01", branches=True)
    assert [line.split()[0] for line in kept.value.lines] == ["commit"]
    assert control.trash("aa01", force=True) == ()
    assert branches(origin) == {"main", "task"}
    control.restore("aa01")
    notes = control.trash("aa01", force=True, branches=True)
    assert (branches(origin), at in notes[0]) == ({"main"}, True)
    control.restore("aa01")
    assert head(origin, "task") == at


@pytest.mark.parametrize("default", ["task", "main"])
def test_a_branch_that_was_pushed_only_into_its_run_stays(
    store: Store, control: Control, origin: Path, default: str
) -> None:
    """A remote that goes with the run saves nothing, be it as the main line; the control: for git it is pushed."""
    tree = worked(store, origin)
    git(tree.parent, "init", "-q", "--bare", "inside.git")
    git(origin, "remote", "add", "inside", str(tree.parent / "inside.git"))
    git(tree, "push", "-q", "inside", f"task:{default}")
    assert git(origin, "rev-list", "--count", "task", "--not", "--remotes") == "0\n", "the control"
    with pytest.raises(AtRisk, match="1 commit that is on no remote and no other branch"):
        control.trash("aa01", branches=True)
    branch = control.clearing.branch_of("aa01")
    assert (branch and branch.kept) == "1 commit of it is neither merged nor pushed"
    git(origin, "remote", "set-url", "inside", "https://elsewhere.example/inside.git")
    notes = control.trash("aa01", branches=True)
    assert ("task" in branches(origin), len(notes)) == (False, 1)


def test_work_taken_back_is_not_taken_for_merged(store: Store, control: Control, origin: Path) -> None:
    """A branch that undid all it did changes nothing in sum, and its commits are still nowhere else."""
    tree = worked(store, origin)
    git(tree, "revert", "--no-edit", "HEAD")
    with pytest.raises(AtRisk, match="2 commits"):
        control.trash("aa01")


def test_two_runs_do_not_vouch_for_each_other(store: Store, control: Control, origin: Path) -> None:
    """Of two branches at one commit that is nowhere else, one goes and the other is kept."""
    tree = worked(store, origin)
    second = leave(Path(store.root), "aa02") / "repo"
    git(origin, "worktree", "add", "-q", "-b", "twin", str(second), "task")
    at = head(tree)
    errors = [type(one.error) for one in control.clear(["aa01", "aa02"], branches=True)]
    assert (errors, branches(origin), head(origin, "twin")) == ([type(None), AtRisk], {"main", "twin"}, at)


def test_a_branch_that_others_work_on_and_the_main_line_stay(store: Store, control: Control, origin: Path) -> None:
    """Checked out twice, or checked out from the main line, not even force deletes it."""
    worked(store, origin)
    git(origin, "merge", "-q", "--ff-only", "task")
    git(origin, "worktree", "add", "-qf", str(origin.parent / "twice"), "task")
    (note,) = control.trash("aa01", force=True, branches=True)
    assert note.endswith(f"was kept: it is checked out in {origin.parent}/twice")
    git(origin, "switch", "-q", "-c", "elsewhere")
    tree = leave(Path(store.root), "aa02") / "repo"
    git(origin, "worktree", "add", "-q", str(tree), "main")
    (note,) = control.trash("aa02", force=True, branches=True)
    assert (note.endswith("was kept: it is a main line"), "main" in branches(origin)) == (True, True)


def test_packed_refs_and_a_lock_left_behind(store: Store, control: Control, origin: Path) -> None:
    """A packed branch is deleted like any; a lock of git's that somebody left keeps the branch, and not the run."""
    worked(store, origin)
    git(origin, "merge", "-q", "--ff-only", "task")
    git(origin, "pack-refs", "--all")
    lock = origin / ".git" / "refs" / "heads" / "task.lock"
    lock.touch()
    (note,) = control.trash("aa01", branches=True)
    assert ("was kept" in note, branches(origin)) == (True, {"main", "task"})
    control.restore("aa01")
    lock.unlink()
    Path(store.path("aa01"), "repo", ".git").exists()
    (origin / ".git" / "worktrees" / "repo" / "index.lock").touch()
    control.trash("aa01", branches=True)
    assert (branches(origin), git(origin, "fsck", "--no-dangling")) == ({"main"}, "")


def test_nothing_makes_a_row_undeletable(store: Store, control: Control, origin: Path) -> None:
    """A worktree removed by hand, a repository that is gone and a spoilt .git are no reason to keep a row for ever."""
    for run_id, spoil in (("aa01", shutil.rmtree), ("aa02", lambda tree: (tree / ".git").unlink())):
        spoil(worked(store, origin, run_id, run_id))
        assert control.trash(run_id) == ()
    tree = worked(store, origin, "aa03", "aa03")
    shutil.rmtree(origin)
    control.trash("aa03")
    (kept,) = control.clear(["aa03"], for_good=True)
    assert (type(kept.error), "is gone" in str(kept.error)) == (AtRisk, True)
    control.restore("aa03")
    (tree / ".git").write_text("nonsense")
    with pytest.raises(AtRisk, match="git cannot tell"):
        control.trash("aa03")
    control.trash("aa03", force=True)
    assert [one.error for one in control.clear(store.trash_names(), for_good=True, force=True)] == [None] * 3


@contextmanager
def stopped_holder(folder: Path) -> Iterator[int]:
    """A process that holds the lock of a run and is stopped."""
    code = (
        "import fcntl, os, signal, sys; fcntl.flock(os.open(sys.argv[1], 0), 2); os.kill(os.getpid(), signal.SIGSTOP)"
    )
    holder = subprocess.Popen([sys.executable, "-I", "-c", code, str(folder)])
    try:
        until(lambda: Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()


def test_a_stopped_holder_of_the_lock_is_passed_by(
    store: Store, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without force it is told who holds the run; with force the run goes, also one whose ending is not saved yet."""
    monkeypatch.setattr("runboard.folder.LOCK_SECONDS", 0.05)
    monkeypatch.setattr("runboard.reconcile.RECORD_LIMIT", 0.0)
    leave(Path(store.root), "aa01")
    leave(Path(store.root), "aa02", status="running", completedAt=None, pid=None)
    with stopped_holder(Path(store.path("aa01"))), stopped_holder(Path(store.path("aa02"))):
        with pytest.raises(RunBusy, match="which is stopped"):
            control.trash("aa01")
        chosen = control.clean_candidates(unsaved=True, now=1e10)
        assert {found.id for found in chosen} == {"aa01", "aa02"}
        for run_id in ("aa01", "aa02"):
            control.trash(run_id, force=True)
        assert (store.ids(), {found.id for found in store.trashed()}) == ([], {"aa01", "aa02"})
        assert [one.error for one in control.clear(["aa01"], for_good=True, force=True)] == [None]


def test_damaged_runs_go_where_they_are_named(store: Store, control: Control) -> None:
    """By id, by the only beginning or by status; whole, byte by byte, and back; never among all others."""
    root = Path(store.root)
    for run_id in ("aa01", "aa02"):
        leave_damaged(root, run_id, f'{{"id": "half {run_id}')
    os.mkfifo(leave_damaged(root, "bb01") / "fifo")
    (root / "bb01" / "run.json").unlink()
    leave(root, "cc01")
    from runboard.query import Query  # noqa: PLC0415 - one test's word

    def chosen(text: str, **more: str) -> list[str]:
        """What a query would clear."""
        return sorted(found.id for found in control.clean_candidates(Query.parse(text), **more, now=1e10))  # type: ignore[arg-type]

    assert (chosen(""), chosen("aa"), chosen("half")) == (["cc01"], [], [])
    assert (chosen("aa01"), chosen("bb"), chosen("id:aa02")) == (["aa01"], ["bb01"], ["aa02"])
    assert chosen("status:damaged") == chosen("", status="damaged") == ["aa01", "aa02", "bb01"]
    for run_id in chosen("status:damaged"):
        control.trash(run_id)
    for run_id in store.trash_names():
        control.restore(run_id)
    assert (root / "aa01" / "run.json").read_text() == '{"id": "half aa01'
    assert (root / "bb01" / "fifo").is_fifo()


@pytest.mark.parametrize("record", ["completed", "damaged", "another", "unsigned"])
def test_a_live_run_is_never_moved(store: Store, control: Control, tmp_path: Path, record: str) -> None:
    """Whatever a stranger wrote into the records of a run whose process lives, it stays where it is."""
    run = control.start(["sleep", "60"])
    path = Path(store.path(run.id))
    until((path / "started.json").exists)
    doc = json.loads((path / "run.json").read_text())
    try:
        if record == "damaged":
            (path / "run.json").write_text("{")
        else:
            if record != "completed":
                doc |= {"pid": 1, "process": doc["process"] | {"startTicks": 1, "shimPid": None}}
                (path / "started.json").unlink()
            if record == "unsigned":
                (path / "exit.json").write_text('{"status": 0, "at": 1}')
            (path / "run.json").write_text(json.dumps(doc | {"status": "completed", "completedAt": doc["startedAt"]}))
        for force in (False, True):
            with pytest.raises(Refused, match=r"its record says (completed|damaged), but process \d+ \(sleep\) of it"):
                control.trash(run.id, force=force)
        store.trash(run.id) if record != "damaged" else None
        assert record == "damaged" or run.id not in store.ids(), "the control: the record alone would have let it go"
    finally:
        os.kill(run.process.pid or 0, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{run.process.shim_pid}").exists())


def test_what_a_command_left_behind_keeps_nothing(store: Store, control: Control) -> None:
    """A daemon that outlives its command, whose end was written down, is no reason to keep the run."""
    run = control.start(["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & echo $!"])
    path = Path(store.path(run.id))
    until((path / "exit.json").exists)
    until(lambda: not Path(f"/proc/{run.process.shim_pid}").exists())
    daemon = int((path / "output.log").read_text())
    try:
        until(lambda: store.read(run.id).finished)
        control.trash(run.id)
        assert Path(f"/proc/{daemon}").exists()
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_locked_out_directory_is_moved(store: Store, control: Control) -> None:
    """A run directory that its owner may not enter is damaged, and goes all the same."""
    from tests.stores import as_nobody, open_place  # noqa: PLC0415 - needs no root where there is none

    with open_place() as place:
        theirs = Store(place)

        def act() -> object:
            """Make one, lock ourselves out, and clear it."""
            folder = leave(Path(place), "aa01")
            folder.chmod(0)
            Control(theirs, by="me").trash("aa01")
            return theirs.trash_names()

        assert as_nobody(act) == "['aa01']"
