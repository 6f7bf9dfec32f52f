"""The reconciler on many runs: through the index, without one, with a spoilt one or one that lies; always the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runboard import reconciler
from runboard.control import Control
from runboard.index import Index
from runboard.jobs import WORKERS, Jobs
from runboard.model import Reason, Run, Status
from runboard.process import identity_of
from runboard.reconciler import Reconciler
from runboard.row import Row, place
from runboard.store import Store
from tests.bench.fleet import fleet
from tests.test_reconciler import Audience
from tests.waiting import until

MANY = 240


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A directory with many finished runs."""
    return fleet(tmp_path / "runs", MANY)


@contextmanager
def looking(store: Store, index: Index | None) -> Iterator[Audience]:
    """A reconciler at work, its first listing in."""
    audience = Audience()
    looker = Reconciler(store, index=index)
    looker.start(audience.take)
    try:
        until(lambda: audience.complete)
        yield audience
    finally:
        looker.stop()


def truth(store: Store) -> dict[str, Row]:
    """The rows of all finished runs, each read from its record."""
    return {run_id: Row.of(run) for run_id in store.ids() if (run := store.read(run_id)).finished}


def rows_of(audience: Audience) -> dict[str, Row]:
    """The rows that were told, the last one of each run."""
    return {row.id: row for batch in audience.batches for row in batch.rows}


@pytest.mark.parametrize("state", ["absent", "warm", "spoilt", "none"])
def test_whatever_becomes_of_the_index_the_rows_are_those_on_disk(store: Store, tmp_path: Path, state: str) -> None:
    """Every finished run is told as its record says, the live one too, and the newest come first."""
    path = tmp_path / "cache" / "index.db"
    if state in {"warm", "spoilt"}:
        kept = Index(store, str(path))
        kept.sync()
        kept.close()
    if state == "spoilt":
        path.write_bytes(b"no database" * 1000)
    live = Control(store).start(["sleep", "60"])
    try:
        with looking(store, None if state == "none" else Index(store, str(path))) as audience:
            assert rows_of(audience) == truth(store)
            assert audience.runs[live.id].status is Status.RUNNING
            first = [row for batch in audience.batches for row in batch.rows]
            if state != "none":
                assert first == sorted(first, key=place)
            Control(store).kill(live.id, grace=0.2)
            until(audience.sees(live.id, Status.FAILED))
    finally:
        os.kill(live.process.pid or 0, 9) if Path(f"/proc/{live.process.pid}").exists() else None


def test_a_record_edited_without_a_word_is_found_in_turn(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that is no longer true is believed for a moment at the start; the records are looked at in turn."""
    monkeypatch.setattr(reconciler, "SWEEP_SECONDS", 0.05)
    path = str(tmp_path / "cache" / "index.db")
    kept = Index(store, path)
    kept.sync()
    kept.close()
    lied = store.ids()[7]
    record = Path(store.path(lied), "run.json")
    record.write_text(json.dumps(json.loads(record.read_text("utf-8")) | {"name": "another name"}), "utf-8")
    with looking(store, Index(store, path)) as audience:
        until(lambda: audience.runs[lied].name == "another name")
        edited = store.ids()[8]
        until(lambda: edited in rows_of(audience))
        record = Path(store.path(edited), "run.json")
        record.write_text(json.dumps(json.loads(record.read_text("utf-8")) | {"name": "a third"}), "utf-8")
        until(lambda: audience.runs[edited].name == "a third")
        until(lambda: rows_of(audience) == truth(store))


def test_what_is_settled_is_kept_in_the_index(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends while the board looks is in the index a sweep later, and is not read by the next board."""
    monkeypatch.setattr(reconciler, "SWEEP_SECONDS", 0.05)
    index = Index(store, str(tmp_path / "cache" / "index.db"))
    with looking(store, index) as audience:
        run_id = Control(store).start(["true"]).id
        until(audience.sees(run_id, Status.COMPLETED))
        until(lambda: index.get([run_id]).get(run_id) == Row.of(store.read(run_id)))


async def test_jobs_are_done_once_each_never_two_at_once_for_a_run() -> None:
    """Work on one run waits for work on the same, and is done once more; what is urgent comes first."""
    import asyncio  # noqa: PLC0415 - the loop of this test alone

    jobs = Jobs(asyncio.get_running_loop())
    gate, done, inside, most = threading.Event(), list[str](), dict[str, int](), list[int]()

    def work(run_id: str, word: str) -> None:
        def act() -> object:
            inside[run_id] = inside.get(run_id, 0) + 1
            most.append(inside[run_id])
            gate.wait(5)
            inside[run_id] -= 1
            return lambda: done.append(word)

        (jobs.add_ended if word == "urgent" else jobs.add)(run_id, act)  # type: ignore[arg-type]

    for number in range(WORKERS):
        work(f"busy{number}", "busy")
    while len(most) < WORKERS:  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0.005)
    for word in ("late", "urgent", "busy again", "busy again"):
        work({"late": "a", "urgent": "b"}.get(word, "busy0"), word)
    gate.set()
    async with asyncio.timeout(5):
        while len(done) < WORKERS + 3:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.005)
    jobs.close()
    assert sorted(done) == ["busy"] * WORKERS + ["busy again", "late", "urgent"]
    assert max(most) == 1


@pytest.mark.parametrize("favoured", [True, False])
async def test_who_is_favoured_comes_first(favoured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come after it and before it; the negative control: without favour it is nearly the last."""
    import asyncio  # noqa: PLC0415 - the loop of this test alone

    monkeypatch.setattr("runboard.jobs.WORKERS", 1)
    jobs = Jobs(asyncio.get_running_loop())
    gate, done = threading.Event(), list[str]()

    def work(run_id: str) -> Callable[[], Callable[[], None]]:
        """Waits for the gate, then notes its turn."""

        def act() -> Callable[[], None]:
            gate.wait(5)
            return lambda: done.append(run_id)

        return act

    if favoured:
        jobs.favour("7")
    for number in range(300):
        jobs.add_ended(str(number), work(str(number)))
    gate.set()
    async with asyncio.timeout(5):
        while len(done) < 300:  # noqa: ASYNC110 - the other side is a thread
            await asyncio.sleep(0.005)
    jobs.close()
    assert done.index("7") == (1 if favoured else 293)


def test_of_a_burst_the_run_that_is_looked_at_is_settled_first(tmp_path: Path) -> None:
    """Three hundred end in the same moment, and the chosen one, which is none of the last, before most of them."""
    store = Store(str(tmp_path / "runs"))
    sleepers = [subprocess.Popen(["sleep", "100"], process_group=0)]
    group = sleepers[0].pid
    sleepers += [subprocess.Popen(["sleep", "100"], process_group=group) for _ in range(299)]
    runs = []
    for sleeper in sleepers:
        who = identity_of(sleeper.pid)
        assert who is not None
        runs.append(store.create(Run("", command=("sleep", "100"), started_at=time.time(), process=who)))
    chosen, audience, looker = runs[100].id, Audience(), Reconciler(store)
    looker.start(audience.take)
    try:
        until(lambda: audience.complete and len(looker._exits._watched) == len(runs), 20)
        looker.nudge(chosen)
        os.killpg(group, signal.SIGKILL)
        for sleeper in sleepers:
            sleeper.wait()
        until(lambda: all(run.finished for run in audience.runs.values()), 30)
    finally:
        looker.stop()
    outcomes = {store.read(run.id).outcome for run in runs}
    assert [(one.reason, one.signal) for one in outcomes if one] == [(Reason.SIGNAL, 9)]
    ended = [row.id for batch in audience.batches for row in batch.rows]
    assert len(ended) == len(runs)
    assert ended.index(chosen) < len(runs) // 2, ended.index(chosen)
