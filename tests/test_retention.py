"""What a clean-up takes of many runs is what reading all of them says, and no run goes because the index lies of it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from runboard import retention
from runboard.control import Control
from runboard.index import Index
from runboard.query import Query
from runboard.retention import Retention
from runboard.store import Store
from tests.leaving import ago, leave, leave_damaged, leave_failed

DAY = 86_400.0
NOW = time.time()
LIED = ("11", "12", "13", "14", "15")
"""The runs that the poisoned index lies of."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Runs of every kind, which count as many, and an index of them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(retention, "FEW", 5)
    runs = tmp_path / "runs"
    for number in range(6):
        leave_failed(runs, f"0{number}", age=(20 - number) * DAY, repo="shop")
    leave_failed(runs, "11", age=60.0, repo="shop")
    leave(runs, "12", age=20 * DAY, repo="shop")
    leave_failed(runs, "13", age=20 * DAY, repo="site")
    leave(runs, "14", status="running", completedAt=None, pid=77, repo="shop", process={"host": "a", "bootId": "b"})
    leave_damaged(runs, "15")
    leave(runs, "16", age=9 * DAY, repo="site", log=b"x" * 100_000)
    store = Store(str(runs))
    with_index(store).close()
    return store


def with_index(store: Store) -> Index:
    """The index of a store, up to date."""
    index = Index(store)
    index.sync()
    return index


def poisoned(store: Store) -> None:
    """Have the index say of runs that are none of those that they are the oldest failed ones of the shop."""
    index = with_index(store)
    (model,) = index.get(["00"]).values()

    def lie(db: sqlite3.Connection) -> None:
        """Make each of these rows that of another run."""
        columns = [one[1] for one in db.execute("PRAGMA table_info(runs)")]
        (true,) = db.execute("SELECT * FROM runs WHERE id = ?", (model.id,))
        for run_id in LIED:
            told = dict(zip(columns, true, strict=True)) | {"id": run_id, "hay": model.hay.replace("00", run_id, 1)}
            told["folder"] = os.stat(store.path(run_id)).st_ino
            told["time"], told["inode"], told["length"] = store.stamp(run_id) or (0, 0, 0)
            db.execute("DELETE FROM open WHERE id = ?", (run_id.encode(),))
            db.execute(f"INSERT OR REPLACE INTO runs VALUES ({', '.join('?' * len(columns))})", [*told.values()])

    index._write(lie)
    index.close()


def chosen(store: Store, text: str = "", **limits: Any) -> Retention:
    """A clean-up in the name of a test."""
    return Retention(store, "me", NOW, Query.parse(text), **limits)


def cleared(store: Store, clean_up: Retention) -> dict[str, str | None]:
    """What becomes of each run that is chosen: why it was kept, or nothing where it went."""
    control = Control(store, by="me")
    ids = [run.id for run in clean_up.candidates()]
    return {
        one.run_id: None if one.error is None else str(one.error) for one in control.clear(ids, still=clean_up.still)
    }


@pytest.mark.parametrize("text", ["", "status:failed", "repo:shop -status:failed", "size>50k", "15", "status:damaged"])
@pytest.mark.parametrize(
    "limits", [{}, {"older_than": 10 * DAY}, {"status": "damaged"}, {"keep": 2, "status": "failed"}, {"max_size": 9000}]
)
def test_it_is_what_reading_all_tells(
    store: Store, text: str, limits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same order, with every limit and every kind of run."""
    asked = [run.id for run in chosen(store, text, **limits).candidates()]
    monkeypatch.setattr(retention, "FEW", 1000)
    monkeypatch.setattr(Index, "sync", None)
    assert asked == [run.id for run in chosen(store, text, **limits).candidates()]


@pytest.mark.parametrize("limits", [{"older_than": DAY}, {"keep": 1}, {"max_size": 1}])
@pytest.mark.parametrize("few", [0, 1000])
def test_what_nobody_can_tell_the_age_of_is_not_old(
    tmp_path: Path, limits: dict[str, Any], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No limit by age takes it, chosen or looked at again, and it is told; the control: its id, or no limit, does."""
    monkeypatch.setattr(retention, "FEW", few)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    runs = tmp_path / "runs"
    leave(runs, "new1", age=1.0)
    leave(runs, "old1", age=10 * DAY)
    for run_id, end in (("odd1", "yesterday"), ("odd2", None), ("odd3", 10**30), ("odd4", "")):
        leave(runs, run_id, age=20 * DAY, completedAt=end, startedAt=end if run_id == "odd1" else ago(20 * DAY))
    leave_damaged(runs, "odd5")
    store = Store(str(runs))
    clean_up = Retention(store, "me", time.time(), Query(), **limits)
    gone = {"old1", "new1"} if "max_size" in limits else {"old1"}
    assert {run.id for run in clean_up.candidates()} == gone
    assert {run.id for run in clean_up.undated} == {"odd1", "odd2", "odd3", "odd4"}
    assert not any(clean_up.still(store.read(run_id)) for run_id in ("odd1", "odd2"))
    damaged = Retention(store, "me", time.time(), Query(), status="damaged", **limits)
    assert (damaged.candidates(), [run.id for run in damaged.undated]) == ([], ["odd5"])
    assert len(Retention(store, "me", time.time(), Query()).candidates()) == 6, "the control"
    assert [run.id for run in Retention(store, "me", time.time(), Query.parse("odd2")).candidates()] == ["odd2"]


def test_a_lying_index_gets_no_run_moved(store: Store) -> None:
    """Young, completed, of another repository, live or damaged: it goes by its record, and the lie is gone, too."""
    poisoned(store)
    words, limits = "status:failed repo:shop", {"older_than": 7 * DAY}
    believed = with_index(store).select(Query.parse(words), NOW, before=NOW - 7 * DAY)
    assert set(LIED) < set(believed)  # the negative control: who believes it moves them all
    assert cleared(store, chosen(store, words, **limits)) == {f"0{number}": None for number in range(6)}
    assert store.ids() == [*LIED, "16"]
    assert with_index(store).select(Query.parse(words), NOW) == ["11"]


def test_a_lying_index_does_not_make_the_newest_old(store: Store) -> None:
    """The newest are spared by their records, whatever the index takes for the newest."""
    poisoned(store)
    newest = with_index(store).select(Query.parse("status:failed"), NOW)
    assert "11" in newest[2:]  # the negative control: who believes it spares the two before it
    going = chosen(store, "status:failed", keep=2).candidates()
    assert [run.id for run in going] == ["00", "13", "01", "02", "03", "04"]


def test_what_changes_after_it_was_chosen_stays(store: Store) -> None:
    """Under its lock each is read again: one that was marked meanwhile, or is younger now than one spared, is kept."""
    clean_up = chosen(store, "status:failed repo:shop", keep=1)
    ids = [run.id for run in clean_up.candidates()]
    assert ids == [f"0{number}" for number in range(6)]
    for run_id, changes in (("01", {"status": "completed"}), ("02", {"completedAt": ago(1.0)})):
        path = Path(store.path(run_id), "run.json")
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    control = Control(store, by="me")
    kept = {one.run_id: str(one.error) for one in control.clear(ids, still=clean_up.still) if one.error}
    why = "was kept: it has changed, and is none of those any more that were to go"
    assert kept == {run_id: f"run {run_id} {why}" for run_id in ("01", "02")}
    assert [one.error for one in control.clear(kept)] == [None, None]  # the negative control: nobody looks again
