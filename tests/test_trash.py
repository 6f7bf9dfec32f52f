"""The trash: nothing live goes in, and nothing is overwritten on the way out."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from runboard.model import Run
from runboard.store import NoSuchRun, Refused, Store, StoreError
from tests.stores import finished, trashed, untouched


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "runs"))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory outside the runs directory, with something in it that must stay."""
    path = tmp_path / "outside"
    (path / "deeper").mkdir(parents=True)
    (path / "deeper" / "precious").write_text("precious")
    return path


def test_a_run_goes_and_comes_back_as_it_was(store: Store) -> None:
    """Through the trash and back, every file stays what it was."""
    run = finished(store)
    log = Path(store.path(run.id), "output.log")
    log.write_text("text")
    inode = log.stat().st_ino
    store.trash(run.id)
    assert (store.ids(), store.trashed()) == ([], [run])
    with pytest.raises(NoSuchRun):
        store.read(run.id)
    store.restore(run.id)
    assert (store.ids(), store.trashed()) == ([run.id], [])
    assert store.read(run.id) == run
    assert (log.stat().st_ino, log.read_text()) == (inode, "text")


def test_the_last_thrown_away_is_listed_first(store: Store) -> None:
    """So that undo takes the right one; what can be no run is not listed."""
    runs = [finished(store) for _ in range(3)]
    for run in (runs[1], runs[0], runs[2]):
        store.trash(run.id)
        time.sleep(0.02)  # the grain of a file system's clock
    Path(store.root, ".trash", ".hidden").mkdir()
    Path(store.root, ".trash", "plain").touch()
    assert [run.id for run in store.trashed()] == [runs[2].id, runs[0].id, runs[1].id]


@pytest.mark.parametrize("fields", [{}, {"queued": True}])
def test_a_live_run_is_not_thrown_away(store: Store, fields: dict[str, bool]) -> None:
    """A running or queued run is refused and stays where it is."""
    run = store.create(Run("")._replace(**fields))  # type: ignore[arg-type]
    with pytest.raises(Refused, match=f"Run {run.id} is (running|queued); stop it first"):
        store.trash(run.id)
    assert store.read(run.id) == run


def test_whether_a_run_is_live_is_decided_under_its_lock(store: Store) -> None:
    """A run that became live again while the lock was waited for is refused, whatever it was before."""
    run = finished(store)
    refused: list[str] = []

    def throw() -> None:
        """Throw it away, as somebody who has seen it finished would."""
        try:
            store.trash(run.id)
        except Refused as error:
            refused.append(str(error))

    with store.locked(run.id) as held:
        thread = threading.Thread(target=throw)
        thread.start()
        time.sleep(0.05)
        held.put(held.run._replace(outcome=None), "edited")
    thread.join()
    assert refused == [f"Run {run.id} is running; stop it first"]
    assert store.ids() == [run.id]


def test_nothing_is_overwritten_on_either_way(store: Store) -> None:
    """A name in use, in the trash or among the runs, by whatever it is, is refused."""
    run = finished(store)
    taken = Path(store.path(run.id))
    store.trash(run.id)
    for make, clear in ((taken.mkdir, taken.rmdir), (taken.touch, taken.unlink)):
        make()
        with pytest.raises(Refused, match="again"):
            store.restore(run.id)
        clear()
    taken.symlink_to("/nonexistent")
    with pytest.raises(Refused, match="again"):
        store.restore(run.id)
    taken.unlink()
    taken.mkdir()
    (taken / "run.json").write_text('{"status": "completed"}')
    with pytest.raises(Refused, match="The trash holds a run"):
        store.trash(run.id)
    assert [found.id for found in store.trashed()] == store.ids() == [run.id]


def test_what_is_not_there_is_said_to_be_not_there(store: Store) -> None:
    """Neither an empty trash nor a missing run is a fault of the disk."""
    assert store.trashed() == []
    for call in (store.trash, store.restore, store.destroy):
        with pytest.raises(NoSuchRun):
            call("abcdef12")
    finished(store)
    for call in (store.restore, store.destroy):
        with pytest.raises(NoSuchRun):
            call(store.ids()[0])


def test_a_trash_that_is_a_link_is_not_followed(store: Store, outside: Path) -> None:
    """A link in the trash's place is refused by everything."""
    run = finished(store)
    Path(store.root, ".trash").symlink_to(outside)
    with pytest.raises(StoreError, match="cannot be moved to the trash: Not a directory"):
        store.trash(run.id)
    with pytest.raises(StoreError, match="cannot be listed"):
        store.trashed()
    with pytest.raises(StoreError, match="cannot be removed for good: Not a directory"):
        store.destroy("deeper")
    assert untouched(outside)
    assert store.read(run.id) == run


def test_two_removals_and_a_restore_at_once_agree(store: Store) -> None:
    """Whoever comes first wins whole: the run is back with all it had, or gone, and nobody sees a fault of the disk."""
    for _ in range(20):
        run = trashed(store)
        for name in range(20):
            (run / str(name)).mkdir()
        faults: list[StoreError] = []

        def do(call: object, name: str, faults: list[StoreError]) -> None:
            """Do one of the three."""
            assert callable(call)
            try:
                call(name)
            except NoSuchRun:
                pass
            except StoreError as error:
                faults.append(error)

        calls = (store.destroy, store.restore, store.destroy)
        threads = [threading.Thread(target=do, args=(call, run.name, faults)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert store.trashed() == []
        if run.name in store.ids():
            assert len(os.listdir(store.path(run.name))) == 21
            assert json.loads(Path(store.path(run.name), "run.json").read_text())["id"] == run.name
