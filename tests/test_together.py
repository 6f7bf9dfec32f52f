"""Many endings settled together: as each alone would be, once, with two waits for the disk; the odd are left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from runboard import disk, files, hook, jobs, settlers, together
from runboard.jobs import Jobs
from runboard.model import Outcome, Reason, Run, Status
from runboard.process import identity_of
from runboard.reconcile import finalize_run
from runboard.reconciler import Reconciler
from runboard.row import Row
from runboard.settlers import Settlers
from runboard.store import Store
from runboard.together import Ending, finalize_together, settle_all
from tests.agents import claude_init, claude_result, log
from tests.faults.acts import over, well_over
from tests.faults.paths import litter
from tests.stores import contents
from tests.test_reconciler import Audience
from tests.test_settlers import endings
from tests.waiting import until

T = TypeVar("T")
EXITED = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", 3)
CLAUDE = ("claude", "-p", "hello", "--output-format", "stream-json")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty runs directory."""
    return Store(str(tmp_path / "runs"))


def seen(*run_ids: str) -> list[Ending]:
    """Endings seen just now of runs whose exit records tell the rest."""
    return [Ending(run_id, time.time(), None) for run_id in run_ids]


def settled(store: Store, *run_ids: str) -> list[str]:
    """Those of these runs that were settled together."""
    return [one.row.id for one in finalize_together(store, seen(*run_ids), by="test")]


@contextmanager
def sleepers(store: Store, count: int) -> Iterator[list[Run]]:
    """Live runs that nobody watches over, all of them in one process group, the first one's."""
    group, runs, children = 0, [], []
    for _ in range(count):
        child = subprocess.Popen(["sleep", "100"], process_group=group)
        children.append(child)
        group = group or child.pid
        who = identity_of(child.pid)
        assert who is not None
        runs.append(store.create(Run("", command=("sleep", "100"), started_at=time.time(), process=who)))
    try:
        yield runs
    finally:
        for child in children:
            child.kill()
            child.wait()


def killed(runs: Sequence[Run]) -> None:
    """Kill all of them in one moment, and have them reaped."""
    os.killpg(runs[0].process.pid or 0, signal.SIGKILL)
    for run in runs:
        os.waitpid(run.process.pid or 0, 0)


def test_together_as_alone(tmp_path: Path) -> None:
    """Whatever they left behind, the records, answers and rows are the same both ways, but for ids and moments."""

    def endings_of(where: str, settle: Callable[[Store, list[str]], object]) -> list[object]:
        """What a row of different endings is on the disk once it is settled."""
        store = Store(str(tmp_path / where))
        runs = [over(store), well_over(store), well_over(store, 3, CLAUDE), well_over(store, 0, CLAUDE)]
        Path(store.path(runs[2].id), "output.log").write_bytes(log(claude_init(), claude_result(result="all done")))
        Path(store.path(runs[3].id), "output.log").write_bytes(log(claude_init()))
        settle(store, [run.id for run in runs])
        found: list[object] = []
        for run in map(store.read, [run.id for run in runs]):
            assert run.outcome is not None
            step = run.history[-1]._replace(at=0.0)
            found += [run.outcome, step, run.usage, run.model, contents(store, run.id, "response.md")]
        return found + [(entry["from"], entry["to"], entry["reason"]) for entry in endings(Path(store.root))]

    def alone(store: Store, run_ids: list[str]) -> None:
        """One after the other."""
        for run_id in run_ids:
            finalize_run(store, run_id, gone_at=time.time(), by="test")

    def both(store: Store, run_ids: list[str]) -> None:
        """All at once, none left over."""
        done = finalize_together(store, seen(*run_ids), by="test")
        assert [one.row for one in done] == [Row.of(store.read(run_id)) for run_id in run_ids]
        assert [one.stamp for one in done] == [store.stamp(run_id) for run_id in run_ids]

    assert endings_of("together", both) == endings_of("alone", alone)


def test_an_answer_that_is_there_stays(store: Store) -> None:
    """What a run itself has left as its answer is not replaced by the text of its log."""
    run_id = over(store).id
    Path(store.path(run_id), "response.md").write_text("mine")
    assert settled(store, run_id, over(store).id)[0] == run_id
    assert (contents(store, run_id, "response.md"), litter(store.root)) == (b"mine", [])


def test_the_odd_are_left_as_they_are(store: Store) -> None:
    """Live, long, held, settled, torn and absent ones are not touched; the others are settled nevertheless."""
    with sleepers(store, 1) as (live,):
        long, held, done, torn, good = over(store).id, over(store).id, over(store).id, over(store).id, over(store).id
        Path(store.path(long), "output.log").write_bytes(b"x" * (together.SHORT + 1))
        finalize_run(store, done)
        Path(store.path(torn), "run.json").write_text("{")
        odd = [live.id, long, held, done, torn]
        before = [store.stamp(run_id) for run_id in odd]
        with store.locked(held):
            assert settled(store, *odd, "absent", "../x", good) == [good]
        assert [store.stamp(run_id) for run_id in odd] == before
        assert (litter(store.root), len(endings(Path(store.root)))) == ([], 2)
        assert settled(store, *odd) == [held]


@pytest.mark.parametrize("which", [1, 2])
def test_what_is_not_on_the_disk_is_not_said_to_be(store: Store, monkeypatch: pytest.MonkeyPatch, which: int) -> None:
    """Where a wait for the disk fails nothing is told; after the first the old records stand, without litter."""
    run_ids = [over(store).id for _ in range(3)]
    calls: list[int] = []

    def failing(_fd: int) -> bool:
        """Fail at one of the calls."""
        calls.append(1)
        return len(calls) != which

    monkeypatch.setattr(disk, "sync_all", failing)
    assert settled(store, *run_ids) == []
    assert (len(calls), endings(Path(store.root)), litter(store.root)) == (which, [], [])
    assert {store.read(run_id).status for run_id in run_ids} == {Status.RUNNING if which == 1 else Status.FAILED}
    assert [finalize_run(store, run_id).outcome for run_id in run_ids].count(None) == 0


def test_one_that_cannot_be_replaced_holds_up_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of one cannot be renamed: it stays as it was, and the others are settled."""
    bad, good = over(store).id, over(store).id
    rename = files.rename
    inode = os.stat(store.path(bad)).st_ino

    def refusing(parent: int, temp: str, name: str) -> None:
        """Refuse in one directory."""
        if os.fstat(parent).st_ino == inode:
            raise PermissionError(1, "no")
        rename(parent, temp, name)

    monkeypatch.setattr(files, "rename", refusing)
    assert settled(store, bad, good) == [good]
    assert (store.read(bad).status, litter(store.root)) == (Status.RUNNING, [])


def test_a_disk_with_much_to_write_is_not_waited_for(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others have left much unwritten each run waits for its own files alone."""
    run_id = over(store).id
    monkeypatch.setattr(disk, "_unwritten", lambda: disk.LITTLE)
    assert (settled(store, run_id), store.read(run_id).status) == ([], Status.RUNNING)
    monkeypatch.setattr(disk, "_unwritten", lambda: disk.LITTLE - 1)
    assert settled(store, run_id) == [run_id]


def test_an_old_kernel_is_not_believed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Linux 5.8 the call succeeds whatever became of the writes."""
    for release, there in ((5, 7), False), ((5, 8), True), ((4, 19), False), ((6, 1), True):
        run_id = over(store).id
        disk._syncfs.cache_clear()
        monkeypatch.setattr(disk, "_release", lambda release=release: release)
        assert disk.quiet() is there
        assert settled(store, run_id) == ([run_id] if there else [])
    disk._syncfs.cache_clear()


def test_the_disk_is_waited_for_twice_for_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two waits for twenty runs; alone, two for each."""
    waits: list[str] = []

    def waited(word: str, wait: Callable[[int], T]) -> Callable[[int], T]:
        """The same, noted."""

        def call(fd: int) -> T:
            """Note it, and do it."""
            waits.append(word)
            return wait(fd)

        return call

    monkeypatch.setattr(os, "fsync", waited("one", os.fsync))
    monkeypatch.setattr(disk, "sync_all", waited("all", disk.sync_all))
    run_ids = [well_over(store).id for _ in range(20)]
    waits.clear()
    assert settled(store, *run_ids) == run_ids
    assert waits == ["all", "all"]
    run_ids = [well_over(store).id for _ in range(20)]
    waits.clear()
    for run_id in run_ids:
        finalize_run(store, run_id)
    assert waits == ["one"] * 40


@pytest.mark.parametrize("who", ["ps", "board"])
def test_what_a_restart_has_left_is_settled_together(store: Store, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Forty runs found dead, of which half told how they ended, are settled in one go, and as each would be alone."""
    runs = [well_over(store, 3) for _ in range(40)]
    for run in runs[::2]:
        Path(store.path(run.id), "exit.json").unlink()
    alone = well_over(store, 3)
    Path(store.path(alone.id), "exit.json").unlink()
    lost, calls, wait = finalize_run(store, alone.id), list[int](), disk.sync_all

    def counted(fd: int) -> bool:
        """Wait, and count it."""
        calls.append(fd)
        return wait(fd)

    monkeypatch.setattr(disk, "sync_all", counted)
    with sleepers(store, 1) as (live,):
        if who == "ps":
            found = {run.id: run for run in settle_all(store)}
        else:
            audience, looker = Audience(), Reconciler(store)
            looker.start(audience.take)
            until(lambda: sum(run.finished for run in audience.runs.values()) == len(runs) + 1, 20)
            looker.stop()
            found = audience.runs
        assert found[live.id].status is Status.RUNNING
    assert calls
    for number, run in enumerate(runs):
        settled = store.read(run.id)
        assert settled.outcome == (EXITED if number % 2 else lost.outcome)
        assert number % 2 or settled.history[-1].detail == lost.history[-1].detail
    assert len(endings(Path(store.root))) == len(runs) + 1


def test_each_hook_runs_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three endings in one go: the person's hook is started for each, once."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config, told = tmp_path / "runboard" / "config.toml", tmp_path / "told"
    config.parent.mkdir()
    config.write_text(f"[hooks]\non_finish = 'echo $RUNBOARD_ID $RUNBOARD_STATUS >> {told}'\n", "utf-8")
    run_ids = [over(store).id for _ in range(3)]
    assert settled(store, *run_ids) == run_ids
    for run_id in run_ids:
        until(Path(store.path(run_id), hook.RESULT).exists, 20, "its hook is done")
    assert sorted(told.read_text("utf-8").splitlines()) == sorted(f"{run_id} failed" for run_id in run_ids)


@pytest.mark.parametrize("how", ["beside", "here", "dying", "stopped"])
def test_a_burst_is_settled_truly(store: Store, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A hundred killed in one moment: each told once, as killed by its signal, though those beside die or stop."""
    monkeypatch.setattr(settlers, "MANY", 10 if how != "here" else 10**6)
    monkeypatch.setattr(jobs, "TOGETHER", 10)
    monkeypatch.setattr(settlers, "PATIENCE", 1.0 if how == "stopped" else settlers.PATIENCE)
    used = watched(monkeypatch, {"dying": signal.SIGKILL, "stopped": signal.SIGSTOP}.get(how))
    with sleepers(store, 100) as runs:
        audience, looker = Audience(), Reconciler(store)
        looker.start(audience.take)
        try:
            until(lambda: audience.complete and len(looker._exits._watched) == len(runs), 20)
            killed(runs)
            until(lambda: all(run.finished for run in audience.runs.values()), 30)
        finally:
            looker.stop()
    outcomes = [store.read(run.id).outcome for run in runs]
    assert [(one.reason, one.signal) for one in outcomes if one] == [(Reason.SIGNAL, 9)] * len(runs)
    told = [entry["id"] for entry in endings(Path(store.root))]
    assert (sorted(map(str, told)), litter(store.root)) == (sorted(run.id for run in runs), [])
    assert bool(used) is (how != "here")
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in used), 10, "the processes beside have left")


def watched(monkeypatch: pytest.MonkeyPatch, sent: int | None) -> list[int]:
    """The pids of processes beside that were given work; each of them is ``sent`` a signal before it."""
    used: list[int] = []

    class Watched(settlers._Settler):
        """A process beside that is seen."""

        def settle(self, endings: Sequence[Ending]) -> list[together.Settled]:  # type: ignore[override]
            """Note it, and signal it before it has read anything."""
            used.append(self._pid)
            if sent is not None:
                os.kill(self._pid, sent)
            return super().settle(endings)

    monkeypatch.setattr(settlers, "_Settler", Watched)
    return used


def test_a_settler_leaves_with_its_board(store: Store) -> None:
    """Its orders end with whoever gave them, however that died."""
    code = (
        "import os, sys; from runboard.settlers import _Settler\n"
        "print(_Settler(sys.argv[1], 'test')._pid, flush=True); os.kill(os.getpid(), 9)"
    )
    found = subprocess.run([sys.executable, "-c", code, store.root], capture_output=True, text=True, check=False)
    until(lambda: not Path(f"/proc/{int(found.stdout)}").exists(), 10, "it has left")


def test_where_no_process_is_to_be_had_they_are_settled_here(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost but time."""
    run_id = over(store).id
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    crew = Settlers(store, "test")
    assert [one.row.id for one in crew.settle(seen(run_id), settlers.MANY)] == [run_id]
    crew.close()


async def test_jobs_give_together_what_ended_and_alone_what_is_asked_for() -> None:
    """While as many groups as may be are at work, what is asked for is done at once; nothing is done twice or lost."""
    import asyncio  # noqa: PLC0415 - the loop of this test alone

    gate, groups, done = threading.Event(), list[int](), list[str]()

    def group(run_ids: Sequence[str], _waiting: int) -> Callable[[], None]:
        """Take some, and wait."""
        groups.append(len(run_ids))
        gate.wait(10)
        return lambda: done.extend(run_ids)

    def one(run_id: str) -> Callable[[], Callable[[], None]]:
        """Note that it was done alone."""
        return lambda: lambda: done.append(f"{run_id} alone")

    queue = Jobs(asyncio.get_running_loop(), group)
    ended = [str(number) for number in range(disk.TOGETHER * (jobs.GROUPS + 2))]
    queue._ended.update((run_id, one(run_id)) for run_id in ended[1:])  # all are there before a thread looks
    queue.favour("7")
    queue.add_ended("0", one("0"))
    queue.add("asked", one("asked"))
    async with asyncio.timeout(10):
        while len(groups) < jobs.GROUPS:  # noqa: ASYNC110 - the other side is a thread
            await asyncio.sleep(0.005)
        while "asked alone" not in done:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
    assert (len(groups), done[0]) == (jobs.GROUPS, "7 alone")
    gate.set()
    async with asyncio.timeout(10):
        while len(done) < len(ended) + 1 or queue.flooded:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
    queue.close()
    assert max(groups) == disk.TOGETHER
    assert sorted(one.partition(" ")[0] for one in done if not one.startswith("asked")) == sorted(ended)
