"""The reconciler in a thread of a test: what it publishes, how it notices, and that a looker writes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from runboard.batch import Batch
from runboard.control import Control
from runboard.model import Reason, Run, Status
from runboard.reconciler import Reconciler
from runboard.record import iso
from runboard.store import Store
from tests.program import alive, ended, record
from tests.waiting import until


class Audience:
    """Collects what is published, as a board would."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.runs: dict[str, Run] = {}
        self.batches: list[Batch] = []

    def take(self, batch: Batch) -> None:
        """Keep one batch."""
        self.batches.append(batch)
        for run_id in batch.removed:
            self.runs.pop(run_id, None)
        self.runs |= {run.id: run for run in (*batch.changed, *(row.run() for row in batch.rows))}

    @property
    def complete(self) -> bool:
        """Whether the first listing is in."""
        return any(batch.complete for batch in self.batches)

    def sees(self, run_id: str, status: Status) -> Callable[[], bool]:
        """A condition: this run is seen to stand so."""
        return lambda: run_id in self.runs and self.runs[run_id].status is status


@contextmanager
def looking(runs: Path, *, writing: bool = True) -> Iterator[Audience]:
    """A reconciler at work, its first listing in."""
    audience = Audience()
    reconciler = Reconciler(Store(str(runs)), writing=writing)
    reconciler.start(audience.take)
    try:
        until(lambda: audience.complete)
        yield audience
    finally:
        reconciler.stop()


@contextmanager
def looking_at_an_older_run(runs: Path) -> Iterator[tuple[Audience, Path, dict[str, object]]]:
    """A reconciler that has seen the live run "seed" of the older tool; its record, and what that says."""
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL) as child:
        try:
            doc = {"id": "seed", "status": "running", "pid": child.pid, "startedAt": iso(time.time()), "issue": "1"}
            path = runs / "seed" / "run.json"
            path.parent.mkdir()
            path.write_text(json.dumps(doc), "utf-8")
            with looking(runs) as audience:
                until(audience.sees("seed", Status.RUNNING))
                yield audience, path, doc
        finally:
            child.kill()


def watched(folder: Path) -> bool:
    """Whether this process watches a directory by inotify (proc_pid_fdinfo(5))."""
    told = []
    for one in Path("/proc/self/fdinfo").iterdir():
        with suppress(OSError):  # closed meanwhile
            told.append(one.read_text("utf-8"))
    return any(f" ino:{folder.stat().st_ino:x} " in text for text in told)


def snapshot(runs: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a directory with its time and content."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in runs.rglob("*") if path.is_file()}


def test_new_runs_and_their_endings_are_noticed(tmp_path: Path) -> None:
    """A run started elsewhere appears, its ending is published and on disk, and a trashed run leaves."""
    control = Control(Store(str(tmp_path)))
    old = control.start(["true"]).id
    ended(tmp_path, old)
    with looking(tmp_path) as audience:
        assert audience.runs[old].status is Status.COMPLETED
        run_id = control.start(["sh", "-c", "sleep 0.3; exit 4"]).id
        until(audience.sees(run_id, Status.RUNNING))
        until(audience.sees(run_id, Status.FAILED))
        assert record(tmp_path, run_id)["exitCode"] == 4
        control.trash(old)
        until(lambda: old not in audience.runs)
        control.restore(old)
        until(lambda: old in audience.runs)


def test_a_runs_directory_may_come_later(tmp_path: Path) -> None:
    """Looking at a directory that does not exist yet is no error; its first run is seen."""
    runs = tmp_path / "later" / "runs"
    with looking(runs) as audience:
        run_id = Control(Store(str(runs))).start(["true"]).id
        until(audience.sees(run_id, Status.COMPLETED))


def test_endings_are_settled_even_if_nothing_is_noticed(tmp_path: Path) -> None:
    """With the notifier gone, sweeps alone bring new runs and endings."""
    with looking(tmp_path) as audience:
        control = Control(Store(str(tmp_path)))
        first = control.start(["true"]).id
        until(audience.sees(first, Status.COMPLETED))
        # The directory is replaced under the notifier, which stays with the old one.
        moved = tmp_path.with_name("moved")
        tmp_path.rename(moved)
        tmp_path.mkdir()
        until(lambda: first not in audience.runs, 10)
        second = control.start(["true"]).id
        until(audience.sees(second, Status.COMPLETED), 10)


def test_the_older_tools_writes_are_followed(tmp_path: Path) -> None:
    """A record rewritten in place is taken over; a torn one keeps the last good state and is flagged only later."""
    with looking_at_an_older_run(tmp_path) as (audience, path, doc):
        path.write_text(json.dumps(doc | {"issue": "2"}), "utf-8")
        until(lambda: audience.runs["seed"].issue == "2")
        path.write_text(json.dumps(doc)[:30], "utf-8")
        time.sleep(0.5)  # the claim is that for a while nothing happens
        assert audience.runs["seed"].status is Status.RUNNING
        until(audience.sees("seed", Status.DAMAGED), 10)
        done = doc | {"status": "completed", "completedAt": iso(time.time())}
        path.write_text(json.dumps(done), "utf-8")
        until(audience.sees("seed", Status.COMPLETED), 10)


@pytest.mark.parametrize("watches", [256, 0])
def test_what_the_older_tool_writes_is_seen_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watches: int
) -> None:
    """Long before the next sweep, though it keeps no journal; unwatched it would be seen by that alone."""
    monkeypatch.setattr("runboard.reconciler.FOREIGN_WATCHES", watches)
    with looking_at_an_older_run(tmp_path) as (audience, path, doc):
        until(lambda: watched(tmp_path))
        until(lambda: watched(path.parent) or not watches)
        monkeypatch.setattr("runboard.reconciler.SWEEP_SECONDS", 60.0)
        for issue in ("2", "3"):
            path.write_text(json.dumps(doc | {"issue": issue}), "utf-8")
            if watches:
                until(lambda: audience.runs["seed"].issue == issue)  # noqa: B023 - asked at once
        if not watches:
            time.sleep(0.5)
            assert audience.runs["seed"].issue == "1", "negative control"


def test_a_looker_judges_in_memory_and_changes_no_file(tmp_path: Path) -> None:
    """Without the right to write, a dead process shows its verdict as unsaved, and no byte or time on disk changes."""
    control = Control(Store(str(tmp_path)))
    live, dead = control.start(["sleep", "60"]), control.start(["sleep", "60"])
    assert dead.process.shim_pid is not None
    assert dead.process.pid is not None
    os.kill(dead.process.shim_pid, signal.SIGKILL)
    until(lambda: not alive(dead.process.shim_pid or 0))
    before = snapshot(tmp_path)
    try:
        with looking(tmp_path, writing=False) as audience:
            until(audience.sees(live.id, Status.RUNNING))
            os.kill(dead.process.pid, signal.SIGKILL)
            until(audience.sees(dead.id, Status.FAILED))
            assert audience.runs[dead.id].unsaved
            assert snapshot(tmp_path) == before
            Control(Store(str(tmp_path))).kill(live.id, grace=0.5)
            until(audience.sees(live.id, Status.FAILED))
            until(lambda: not audience.runs[live.id].unsaved)
    finally:
        os.kill(live.process.pid or 0, 0) if alive(live.process.pid or 0) else None


def test_the_limit_of_a_killed_shim_is_taken_over(tmp_path: Path) -> None:
    """A run whose shim was killed is still ended at its limit by whoever settles, and called a timeout."""
    run = Control(Store(str(tmp_path))).start(["sleep", "60"], timeout=1.0)
    os.kill(run.process.shim_pid or 0, signal.SIGKILL)
    with looking(tmp_path) as audience:
        until(audience.sees(run.id, Status.FAILED), 15)
        outcome = audience.runs[run.id].outcome
    assert outcome is not None
    assert (outcome.reason, outcome.error) == (Reason.TIMEOUT, "Timeout exceeded (1s)")
    assert not alive(run.process.pid or 0)


def test_the_limit_of_the_older_tools_runs(tmp_path: Path) -> None:
    """Past its limit a provable run of the older tool is ended as timed out; an unproven one is not touched."""
    started = iso(time.time())
    (tmp_path / "mine").mkdir()
    (tmp_path / "near").mkdir()
    with (tmp_path / "mine" / "output.log").open("wb") as log:
        mine = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=log)
    near = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
    try:
        for run_id, pid in (("mine", mine.pid), ("near", near.pid)):
            doc = {"id": run_id, "status": "running", "pid": pid, "startedAt": started, "timeout": 0.01}
            (tmp_path / run_id / "run.json").write_text(json.dumps(doc), "utf-8")
        with looking(tmp_path) as audience:
            until(audience.sees("mine", Status.FAILED), 15)
            assert record(tmp_path, "mine")["reason"] == "timeout"
            assert audience.runs["near"].status is Status.RUNNING
        assert near.poll() is None
    finally:
        for child in (mine, near):
            child.kill()
            child.wait()


def test_a_burst_of_endings_is_all_right(tmp_path: Path) -> None:
    """Forty runs killed at once are all told as killed by a signal, each with one step of history."""
    control = Control(Store(str(tmp_path)))
    with looking(tmp_path) as audience:
        runs = [control.start(["sleep", "60"]) for _ in range(40)]
        for run in runs:
            os.kill(run.process.pid or 0, signal.SIGKILL)
        until(lambda: all(audience.runs.get(run.id, run).finished for run in runs), 20)
    found = [record(tmp_path, run.id) for run in runs]
    assert {(one["reason"], one["signal"], len(one["history"])) for one in found} == {("signal", 9, 1)}


def test_a_directory_that_cannot_be_listed_is_told_and_looked_at_again(tmp_path: Path) -> None:
    """A file where the runs directory should be is told in a sentence; once it is a directory its runs are seen."""
    runs = tmp_path / "runs"
    runs.write_text("no directory", "utf-8")
    with looking(runs) as audience:
        until(lambda: any("cannot be listed" in notice for batch in audience.batches for notice in batch.notices))
        runs.unlink()
        run_id = Control(Store(str(runs))).start(["true"]).id
        until(audience.sees(run_id, Status.COMPLETED), 10)


def test_stopping_amid_news_is_quiet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However much is under way when it is told to stop, the reconciler leaves without an error in its loop."""
    control = Control(Store(str(tmp_path)))
    ids = [control.start(["true"]).id for _ in range(5)]
    for _ in range(15):
        reconciler = Reconciler(Store(str(tmp_path)))
        reconciler.start(lambda _batch: None)
        for run_id in ids * 20:
            reconciler.nudge(run_id)
        reconciler.stop()
    assert [record.getMessage() for record in caplog.records] == []
