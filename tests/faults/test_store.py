"""The store under fault: writers killed at every system call, failing and full disks, crowds, stopped holders."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runboard.files import TEMP
from runboard.store import NoSuchRun, RunBusy, Store
from tests.faults.crash import Nursery, kill_at, needs_strace, points
from tests.stores import contents, finished


def leftovers(store: Store) -> list[str]:
    """Unfinished files anywhere in the store."""
    return [name for _, folders, names in os.walk(store.root) for name in folders + names if name.startswith(TEMP)]


def note_on_disk(store: Store, run_id: str) -> int | None:
    """The number in the record as any program would read it, None where it is torn."""
    try:
        return int(json.loads(Path(store.path(run_id), "run.json").read_bytes())["note"])
    except ValueError:
        return None


def survive_kills(writers: Nursery, store: Store, act: str) -> tuple[int, int, int]:
    """Kill ``act`` at each of its system calls; returns how many deaths, how many torn, how many that left a file."""
    run_id = finished(store).id
    shape = writers.ask("traced", act, store.root, run_id, number=1)
    assert shape.done
    places = points(shape.calls)
    now, torn, littered = 1, 0, 0
    for place in places:
        fate = writers.ask("traced", act, store.root, run_id, number=now + 1, inject=kill_at(place))
        assert fate.killed, place
        on_disk = note_on_disk(store, run_id)
        if on_disk is None:
            torn += 1
            writers.ask("traced", act, store.root, run_id, number=now)
            Path(store.path(run_id), "run.json").write_text(json.dumps({"status": "completed", "note": str(now)}))
            continue
        assert on_disk == now + 1 if fate.done else on_disk in {now, now + 1}, place
        assert store.read(run_id).note == str(on_disk)
        littered += bool(leftovers(store))
        now = on_disk
    return len(places), torn, littered


@needs_strace
def test_a_writer_killed_at_any_system_call_leaves_old_or_new(writers: Nursery, store: Store) -> None:
    """Killed at each call of ``put``: the record is whole, an acknowledged write is kept, and the next put sweeps."""
    tried, torn, littered = survive_kills(writers, store, "put")
    assert tried >= 30
    assert torn == 0
    assert littered >= 2, "no death left a temp file: the sweep is not tried"
    assert writers.ask("traced", "put", store.root, store.ids()[0], number=999).done
    assert leftovers(store) == []


@needs_strace
def test_a_record_is_on_the_disk_before_it_has_its_name(writers: Nursery, store: Store) -> None:
    """For a power cut, which no test here can make: the new file is synced, then renamed, then its directory synced."""
    run_id = finished(store).id
    calls = writers.ask("traced", "put", store.root, run_id).calls
    begin = next(number for number, call in enumerate(calls) if f'"{TEMP}' in call)
    file, folder = calls[begin].rpartition("= ")[2], calls[begin].partition("(")[2].partition(",")[0]
    order = [call for call in calls[begin:] if re.match(rf"(openat|write|fsync|renameat)\(({file}|{folder})\b", call)]
    patterns = (
        rf"openat\({folder}",
        rf"write\({file}",
        rf"fsync\({file}\)",
        rf"renameat\({folder}",
        rf"fsync\({folder}\)",
    )
    for pattern, call in zip(patterns, order, strict=False):
        assert re.match(pattern, call), (pattern, order)


@needs_strace
def test_a_plain_write_killed_so_is_torn(writers: Nursery, store: Store) -> None:
    """Negative control: a plain rewrite of the file fails the same trial."""
    _, torn, _ = survive_kills(writers, store, "naive")
    assert torn >= 1


def test_a_hundred_random_deaths_lose_no_acknowledged_write(writers: Nursery, store: Store) -> None:
    """Killed at random moments while it writes on and on, a writer never leaves less than it acknowledged."""
    run_id = finished(store).id
    now, acknowledged = 0, 0
    for _ in range(100):
        fate = writers.ask("shot", "put", store.root, run_id, number=now + 1, until=10**6, count=True)
        on_disk = note_on_disk(store, run_id)
        assert on_disk is not None
        assert int(fate.said) <= on_disk <= int(fate.said) + 1
        acknowledged += int(fate.said) - now
        now = on_disk
    assert acknowledged >= 100
    assert writers.ask("crowd", "put", store.root, run_id, many=1).done
    assert leftovers(store) == []


@needs_strace
@pytest.mark.parametrize("act", ["put_once", "create", "trash", "restore", "destroy"])
def test_other_acts_killed_at_any_call_leave_nothing_torn(writers: Nursery, store: Store, act: str) -> None:
    """Killed at each call, a run is whole in one place, or being made, or on its way out with its record."""

    def ready() -> str:
        """A run that the act can be done to."""
        run = finished(store)
        Path(store.path(run.id), "folder", "below").mkdir(parents=True)
        Path(store.path(run.id), "folder", "file").write_text("text")
        if act in {"restore", "destroy"}:
            store.trash(run.id)
        if act == "trash":
            shutil.rmtree(f"{store.root}/.trash", ignore_errors=True)  # the first has it to make
        return run.id

    places = points(writers.ask("traced", act, store.root, ready()).calls)
    assert len(places) >= 10
    for place in places:
        run_id = ready()
        before = set(store.ids()) | {run_id}
        assert writers.ask("traced", act, store.root, run_id, inject=kill_at(place)).killed, place
        made = set(store.ids()) - before
        assert len(made) <= (act == "create")
        assert all(read_or_none(store, name) in {None, "0", "1"} for name in made), place
        check_whole(store, run_id, act)


def read_or_none(store: Store, run_id: str) -> str | None:
    """The note of a run that is not damaged; None for one that is just being made."""
    try:
        run = store.read(run_id)
    except NoSuchRun:
        return None
    assert run.damage is None
    return run.note


def check_whole(store: Store, run_id: str, act: str) -> None:
    """After a death in the midst of ``act`` the run is whole in one place, and the act can be done again."""
    here, aside = run_id in store.ids(), [run for run in store.trashed() if run.id == run_id]
    assert here != bool(aside) or (act == "destroy" and not here)
    assert not here or read_or_none(store, run_id) == "0"
    match act:
        case "put_once":
            assert contents(store, run_id, "response.md") in {None, b"1" * 100}
        case "destroy" if aside:
            assert aside[0].damage is None or os.listdir(f"{store.root}/.trash/{run_id}") == []
            store.destroy(run_id)
        case "trash" | "restore" if aside:
            assert aside[0].note == "0"
            store.restore(run_id)


def failures(calls: list[str]) -> list[str]:
    """The points of the write path at which a disk can fail: the record's own write, both fsyncs, the rename."""
    return ["write:when=1", *points(calls, {"fsync", "rename", "renameat"})]


@needs_strace
def test_errors_of_the_disk_are_told_and_leave_no_litter(writers: Nursery, store: Store) -> None:
    """EIO, ENOSPC, EDQUOT and EROFS at the write, the fsyncs and the rename are never taken for success."""
    run_id = finished(store).id
    places = failures(writers.ask("traced", "put", store.root, run_id, number=0).calls)
    assert len(places) == 4
    now, lies = 0, []
    for name in ("EIO", "ENOSPC", "EDQUOT", "EROFS"):
        for place in places:
            call, _, when = place.partition(":")
            inject = f"{call}:error={name}:{when}"
            fate = writers.ask("traced", "put", store.root, run_id, number=now + 1, inject=inject)
            on_disk = note_on_disk(store, run_id)
            if fate.done:
                lies.append(inject)
            words = os.strerror(getattr(errno, name))
            assert re.fullmatch(rf"StoreError: run.json of run {run_id} could not be written: {words}; .+", fate.said)
            after_rename = place == places[-1]
            assert on_disk == now + after_rename, inject
            assert leftovers(store) == [], inject
            now += after_rename
    assert lies == []


@needs_strace
def test_no_failure_of_any_call_is_taken_for_success(writers: Nursery, store: Store) -> None:
    """Whichever call of ``put`` fails with EIO, a writer that says done has written, and one that has not says why."""
    run_id = finished(store).id
    shape = writers.ask("traced", "put", store.root, run_id, number=0)
    now = 0
    for place in points(shape.calls):
        call, _, when = place.partition(":")
        if call not in {"openat", "write", "fsync", "rename", "renameat", "flock", "read", "newfstatat", "fstat"}:
            continue
        fate = writers.ask("traced", "put", store.root, run_id, number=now + 1, inject=f"{call}:error=EIO:{when}")
        on_disk = note_on_disk(store, run_id)
        assert on_disk in {now, now + 1}
        assert on_disk == now + 1 or not fate.done, place
        now = on_disk


@needs_strace
def test_file_systems_that_know_less_will_do(writers: Nursery, store: Store) -> None:
    """Where directories cannot be synced, or hard links are not known, all is written, and once, all the same."""
    run_id = finished(store).id
    assert writers.ask("traced", "put", store.root, run_id, number=1, inject="fsync:error=EINVAL:when=2").done
    assert note_on_disk(store, run_id) == 1
    assert writers.ask("traced", "put_once", store.root, run_id, number=2, inject="linkat:error=EPERM").done
    assert writers.ask("traced", "put_once", store.root, run_id, number=3, inject="linkat:error=EPERM").done
    assert contents(store, run_id, "response.md") == b"2" * 100
    assert leftovers(store) == []


def test_fifty_writers_lose_no_increment(writers: Nursery, store: Store) -> None:
    """Fifty processes that add one to a number at the same moment make fifty."""
    run_id = finished(store).id
    assert writers.ask("crowd", "increment", store.root, run_id, many=50).done
    assert note_on_disk(store, run_id) == 50


def test_without_the_lock_increments_are_lost(writers: Nursery, store: Store) -> None:
    """Negative control: the same writers, each write whole and durable but without the lock, make fewer."""
    run_id = finished(store).id
    writers.ask("crowd", "increment_unlocked", store.root, run_id, many=50)
    on_disk = note_on_disk(store, run_id)
    assert on_disk is not None
    assert on_disk < 50


def test_a_stopped_holder_is_named_within_the_limit(store: Store) -> None:
    """Who waits for a lock that a stopped process holds is told which one, on time."""
    run_id = finished(store).id
    code = "import sys, time; from runboard.store import Store; s = Store(sys.argv[1])\n"
    code += "with s.locked(sys.argv[2]): print('held', flush=True); time.sleep(60)"
    command = (sys.executable, "-c", code, store.root, run_id)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        begun = time.monotonic()
        with pytest.raises(RunBusy) as told, store.locked(run_id, limit=0.4):
            pass
        assert 0.4 <= time.monotonic() - begun < 1.0
        assert f"by process {holder.pid} (" in str(told.value)
        assert "which is stopped) for 0.4 s" in str(told.value)
        assert store.read(run_id).note == "0", "reading waits for no lock"
        holder.kill()
    with store.locked(run_id, limit=1):
        pass


def test_a_thread_waits_for_another_of_the_same_process(store: Store) -> None:
    """The lock holds between two users within one process too, who may be two threads."""
    run_id = finished(store).id
    busy = pytest.raises(RunBusy, match=f"process {os.getpid()} ")
    with store.locked(run_id), busy, store.locked(run_id, limit=0.05):
        pass
