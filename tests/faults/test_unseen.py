"""What cannot be looked at is not absent: no verdict, no act and no loss is built on a look that the system refused."""

from __future__ import annotations

import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from runboard import process
from runboard.control import Control
from runboard.model import Reason
from runboard.process.procfs import read_stat
from runboard.store import Store, StoreError
from tests.faults.acts import well_over
from tests.faults.crash import CRASHED, HUNG, Nursery, needs_strace, points
from tests.faults.table import Table
from tests.leaving import leave
from tests.program import ended
from tests.stores import as_nobody, foreign, open_place
from tests.test_worktree import git, origin
from tests.waiting import until

__all__ = ["origin"]

FAULT = "a look at what a run holds is refused while it is thrown away"
LOOKS = ("newfstatat", "openat", "readlink", "getdents64", "statx")
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def with_work(store: Store, origin: Path) -> Path:
    """A finished run whose checkout is a clone, with a stash and nothing else to lose."""
    shutil.rmtree(store.root, ignore_errors=True)
    run = leave(Path(store.root), "aa01")
    git(run, "clone", "-q", str(origin), "repo")
    (run / "repo" / "a.txt").write_text("stashed")
    git(run / "repo", "stash", "-q")
    return run


def places(calls: list[str]) -> list[str]:
    """Where a trace looks into the checkout, in order."""
    looks = [call for call in calls if call.partition("(")[0] in LOOKS]
    return [place for place, call in zip(points(calls, LOOKS), looks, strict=True) if "/repo" in call]


def thrown(writers: Nursery, store: Store, origin: Path, act: str, some: slice) -> tuple[int, list[str]]:
    """Refuse some looks of who throws a run with work away, one at a time; how many, and where the run went."""
    with_work(store, origin)
    fate = writers.ask("traced", act, store.root, "aa01")
    assert "its repo/ holds 1 stash" in fate.said, fate.said
    tried, harm = 0, []
    for place in places(fate.calls)[some]:
        with_work(store, origin)
        fate = writers.ask("traced", act, store.root, "aa01", inject=place.replace(":when", ":error=EIO:when"))
        tried += 1
        if not Path(store.path("aa01")).is_dir() or fate.said.startswith((HUNG, CRASHED)):
            harm.append(f"{place}: {fate.said}")
    return tried, harm


@needs_git
@needs_strace
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.nightly)])
def test_work_that_cannot_be_looked_at_is_not_taken_for_none(
    writers: Nursery, store: Store, origin: Path, table: Table, step: int
) -> None:
    """Whichever look at a checkout is refused its run stays; the control: who takes unseen for absent loses work."""
    tried, harm = thrown(writers, store, origin, "throw", slice(None, None, step))
    table.tell(FAULT, tried, len(harm))
    assert tried > 5
    assert not harm, "\n".join(harm)
    tried, harm = thrown(writers, store, origin, "throw_blindly", slice(6))
    table.control(FAULT, tried, len(harm))
    assert harm


def test_a_record_that_is_not_shown_is_not_taken_for_an_ended_run() -> None:
    """A record that may not be read may tell of a live run elsewhere: it is moved only by force."""
    with open_place() as place:
        theirs = Store(place)
        path = foreign(theirs, "aa01", '{"status": "running", "process": {"pid": 4242, "host": "elsewhere"}}')

        def act(*, force: bool) -> object:
            """Throw it away."""
            try:
                Control(theirs, by="me").trash("aa01", force=force)
            except StoreError as error:
                return str(error)
            return theirs.trash_names()

        path.parent.chmod(0o777)
        path.chmod(0)
        told = as_nobody(lambda: act(force=False))
        assert told.startswith("'run aa01 was kept: run.json cannot be read: Permission denied; it may be live"), told
        assert as_nobody(lambda: act(force=True)) == "['aa01']"


def test_a_file_that_cannot_be_looked_at_is_not_absent() -> None:
    """Where a directory may not be entered nothing is said of what is in it; what is absent is told as absent."""
    with open_place() as place:
        theirs = Store(place)
        folder = foreign(theirs, "aa01", "{}").parent
        assert as_nobody(lambda: theirs.file_stat("aa01", "exit.json")) == "None"
        assert as_nobody(lambda: theirs.file_stat("bb02", "exit.json")) == "None"
        folder.chmod(0)
        assert as_nobody(lambda: theirs.file_stat("aa01", "exit.json")).startswith(
            "StoreError: exit.json of run aa01 cannot be looked at: Permission denied"
        )
        assert as_nobody(lambda: theirs.stamp("aa01")) == "None"


def test_a_lack_of_descriptors_is_no_missing_status() -> None:
    """Who has no descriptor left to ask the kernel with has not heard that nobody knows how a process ended."""
    with subprocess.Popen(["sh", "-c", "exit 3"]) as child:
        ticks = procfs_ticks(child.pid)
        until(lambda: process.start_ticks(child.pid) is None)
        assert process.kernel_status_of(child.pid, ticks) == 3 << 8
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            assert process.open_pidfd(child.pid, ticks) is None, "the control: who does not ask why takes it for gone"
            with pytest.raises(OSError, match="Too many open files"):
                process.kernel_status_of(child.pid, ticks)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert process.kernel_status_of(child.pid, ticks) is None


def procfs_ticks(pid: int) -> int:
    """When a process started, though it may be a zombie by now."""
    stat = read_stat(pid)
    assert stat is not None
    return stat.start_ticks


UNREADABLE: dict[str, str] = {
    "a FIFO": "rm output.log; mkfifo output.log",
    "a directory": "rm output.log; mkdir output.log",
    "a link": "mv output.log elsewhere; ln -s elsewhere output.log",
}
"""What an agent may make of its log."""


def test_an_agent_whose_log_cannot_be_read_has_no_result(tmp_path: Path) -> None:
    """An exit code of 0 of an agent of whose words none can be read is no success; of another program it is."""
    runs, begun = tmp_path / "runs", {}
    control = Control(Store(str(runs)))
    for number, (name, act) in enumerate(UNREADABLE.items()):
        (tmp_path / str(number)).mkdir()
        for program in ("claude", "build"):
            script = tmp_path / str(number) / program
            script.write_text(f"#!/bin/sh\necho begun\ncd {runs}/$RUNBOARD_RUN_ID\n{act}\n")
            script.chmod(0o755)
            begun[name, program] = control.start([str(script), "-p", "make it work"], cwd="/").id
    for (name, program), run_id in begun.items():
        found = ended(runs, run_id, what=name)
        if program == "build":
            assert (found["status"], found["reason"], found["error"]) == ("completed", "exited", None), name
        else:
            assert (found["status"], found["reason"]) == ("failed", "no-result"), name
            assert found["error"].startswith("Ended without a result that can be read (exit code 0): output.log"), name


def test_an_agent_that_was_to_write_events_and_wrote_nothing_has_no_result(tmp_path: Path) -> None:
    """Its exit code is not asked where the words of its command promise a result; who prints text may be silent."""
    runs, script = tmp_path / "runs", tmp_path / "claude"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    control = Control(Store(str(runs)))
    events = control.start([str(script), "-p", "--output-format", "stream-json", "do it"], cwd="/").id
    plain = control.start([str(script), "-p", "do it"], cwd="/").id
    found = ended(runs, events)
    assert (found["reason"], found["error"]) == ("no-result", "Ended without a result (exit code 0)")
    assert ended(runs, plain)["reason"] == "exited"


@needs_strace
def test_a_disk_that_never_gives_a_log_back_makes_no_success(writers: Nursery, store: Store, table: Table) -> None:
    """An agent's exit code of 0 is not believed where every read of its log fails; the control: of a build it is."""
    for command, wanted in (("claude", Reason.NO_RESULT), ("make", Reason.EXITED)):
        run = well_over(store, command=(command, "-p", "do it"))
        Path(store.path(run.id), "output.log").write_text("Done.\n")
        fate = writers.ask("traced", "settle", store.root, run.id, inject="pread64:error=EIO:when=1+")
        assert fate.done, fate.said
        outcome = store.read(run.id).outcome
        assert outcome is not None
        assert outcome.reason is wanted
    table.tell("an agent's log can never be read", 1, 0)
    table.control("an agent's log can never be read", 1, 1)
