"""Sizes: measured in the background, the visible first, never in anybody's way, and shown only once they are known."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from runboard import sizes
from runboard.batch import Batch
from runboard.board import Board
from runboard.columns import COLUMNS, filled, size_text
from runboard.model import Identity, Outcome, Reason, Run, Status
from runboard.order import Sorting
from runboard.row import Row
from runboard.sizes import SizedFeed
from runboard.store import Store
from tests.leaving import leave
from tests.pilots import NOW, HandFeed, fixed_board
from tests.program import runboard
from tests.waiting import until

LIVE = Run("live", started_at=1.0, process=Identity(pid=1))


def done(run_id: str, at: float = 1.0) -> Run:
    """A finished run."""
    outcome = Outcome(Status.COMPLETED, Reason.EXITED, exit_code=0)
    return Run(run_id, name=run_id, started_at=at).finish(outcome, at + 1, by="me", seen_at=at + 1)


class Scale:
    """Measures what it is told that runs weigh, and remembers which it was asked for."""

    def __init__(self, weights: Mapping[str, int]) -> None:
        """Tell these."""
        self.weights = dict(weights)
        self.asked: list[str] = []
        self.hold = threading.Event()
        self.hold.set()

    def __call__(self, run_id: str, rest: Callable[[], None]) -> int:
        """What one weighs, once we are let."""
        self.asked.append(run_id)
        while not self.hold.is_set():
            time.sleep(0.001)
        rest()
        return self.weights[run_id]


class Remembered:
    """What an earlier board has measured, and what this one did."""

    def __init__(self, known: Mapping[str, int]) -> None:
        """Know these."""
        self.known = dict(known)
        self.put: dict[str, int] = {}

    def sizes(self) -> dict[str, int]:
        """Those that are known."""
        return dict(self.known)

    def put_sizes(self, measured: Mapping[str, int]) -> None:
        """Remember."""
        self.put.update(measured)


class Heard:
    """What a feed has published."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.batches: list[Batch] = []

    @property
    def sizes(self) -> dict[str, int]:
        """All sizes so far, the newest of each run."""
        return {run_id: size for batch in list(self.batches) for run_id, size in batch.sizes.items()}


@pytest.fixture
def feeding() -> Iterator[Callable[..., tuple[SizedFeed, HandFeed, Heard]]]:
    """Starts sized feeds, and stops them afterwards."""
    started: list[SizedFeed] = []

    def start(scale: Scale, first: Batch, memory: Remembered | None = None) -> tuple[SizedFeed, HandFeed, Heard]:
        """One feed with its first news."""
        inner, heard = HandFeed(), Heard()
        inner._first = first
        feed = SizedFeed(lambda: (inner, memory), scale)
        started.append(feed)
        feed.start(heard.batches.append)
        return feed, inner, heard

    yield start
    for feed in started:
        feed.stop()


Feeding = Callable[..., tuple[SizedFeed, HandFeed, Heard]]


def test_every_run_is_measured_once_and_news_pass_first(feeding: Feeding) -> None:
    """Finished and live runs get their sizes, each measured once; the news themselves come through as they are."""
    scale = Scale({"a": 1, "b": 2, "live": 3})
    first = Batch((LIVE, done("a")), rows=(Row.of(done("b")),), complete=True)
    _feed, _inner, heard = feeding(scale, first)
    until(lambda: heard.sizes == {"a": 1, "b": 2, "live": 3})
    assert heard.batches[0] is first
    time.sleep(0.1)
    assert sorted(scale.asked) == ["a", "b", "live"]


def test_what_was_shown_too_early_goes() -> None:
    """Runs that are on the screen before the feed begins, and of which it knows nothing when all is read, are gone."""
    inner, heard = HandFeed(), Heard()
    inner._first = Batch((LIVE,))
    feed = SizedFeed(lambda: (inner, None), Scale({"live": 1, "a": 2}), ["live", "a", "ghost"])
    feed.start(heard.batches.append)
    inner.publish(Batch(rows=(Row.of(done("a")),)))
    assert not any(batch.removed for batch in heard.batches)
    inner.publish(Batch(complete=True))
    feed.stop()
    assert [batch.removed for batch in heard.batches if batch.removed] == [("ghost",)]


def test_who_is_looked_at_is_told_to_the_feed_within() -> None:
    """Also of a run that was chosen before there was a feed to tell it."""
    inner = HandFeed()
    feed = SizedFeed(lambda: (inner, None), Scale({}))
    for run_id in ("a", "b"):
        feed.nudge(run_id)
    feed.start(lambda _batch: None)
    feed.nudge("c")
    feed.stop()
    assert inner.nudged == ["b", "c"]


def test_what_is_remembered_is_not_measured_again(feeding: Feeding) -> None:
    """Sizes of finished runs come from the last time, new ones are remembered; those of live runs never are."""
    memory = Remembered({"a": 10, "gone": 5})
    scale = Scale({"a": 1, "b": 2, "live": 3})
    _feed, _inner, heard = feeding(scale, Batch((LIVE,), rows=(Row.of(done("a")), Row.of(done("b")))), memory)
    until(lambda: heard.sizes == {"a": 10, "b": 2, "live": 3})
    assert (sorted(scale.asked), memory.put) == (["b", "live"], {"b": 2})


@pytest.mark.parametrize("end", [Batch((done("live"),)), Batch(rows=(Row.of(done("live")),))], ids=["run", "row"])
def test_a_live_run_is_measured_now_and_then_and_at_its_end(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch, end: Batch
) -> None:
    """A visible live run is looked at again, one off the screen is not so soon; what has ended gets its last size."""
    monkeypatch.setattr(sizes, "VISIBLE_SECONDS", 0.05)
    monkeypatch.setattr(sizes, "DEARER", 1)
    scale = Scale({"live": 1, "hidden": 1})
    hidden = Run("hidden", started_at=1.0, process=Identity(pid=1))
    feed, inner, heard = feeding(scale, Batch((LIVE, hidden)))
    feed.look(["live"])
    until(lambda: heard.sizes == {"live": 1, "hidden": 1})
    scale.weights["live"] = 7
    until(lambda: heard.sizes["live"] == 7)
    assert scale.asked.count("hidden") == 1
    scale.weights["live"] = 9
    inner.publish(end)
    until(lambda: heard.sizes["live"] == 9)
    before = scale.asked.count("live")
    time.sleep(0.2)
    assert scale.asked.count("live") <= before + 1


def test_what_is_gone_is_not_measured(feeding: Feeding) -> None:
    """A run removed while others are measured is left out, and a size that was just being found is nobody's."""
    scale = Scale({"a": 1, "b": 2, "c": 3})
    scale.hold.clear()
    _feed, inner, heard = feeding(scale, Batch(rows=tuple(Row.of(done(name)) for name in "abc")))
    until(lambda: scale.asked == ["a"])
    inner.publish(Batch(removed=("a", "b")))
    scale.hold.set()
    until(lambda: heard.sizes == {"c": 3})
    assert scale.asked == ["a", "c"]


def test_measuring_gives_way_and_ends_at_once(feeding: Feeding) -> None:
    """It rests for a multiple of its work, and stopping does not wait for a disk that hangs."""
    scale = Scale({str(number): number for number in range(100)})
    feed, _inner, _heard = feeding(scale, Batch(rows=tuple(Row.of(done(str(number))) for number in range(100))))
    until(lambda: len(scale.asked) > 3)
    scale.hold.clear()
    begun = time.monotonic()
    feed.stop()
    assert time.monotonic() - begun < 2
    scale.hold.set()
    asked = len(scale.asked)
    time.sleep(0.1)
    assert len(scale.asked) <= asked + 1


@pytest.mark.parametrize("many", [True, False])
def test_nothing_is_measured_while_many_runs_are_told_of(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    """Endings by the dozen are shown before anything is measured; the control: of a few at a time all are."""
    monkeypatch.setattr(sizes, "QUIET_SECONDS", 30.0)
    runs = [done(f"run{number}") for number in range(sizes.MANY)]
    scale = Scale({one.id: 1 for one in runs})
    _feed, inner, heard = feeding(scale, Batch(complete=True))
    rows = tuple(Row.of(one) for one in runs)
    for told in (rows,) if many else (rows[:1], rows[1:]):
        inner.publish(Batch(rows=told))
    until(lambda: bool(scale.asked))
    if many:
        time.sleep(0.2)  # in which all of them would be measured
        assert (len(scale.asked), heard.sizes) == (1, {})
    else:
        until(lambda: len(heard.sizes) == len(runs))


def test_real_directories(tmp_path: Path, feeding: Feeding) -> None:
    """What is measured is what du says: hard links once, sparse files by their blocks, links not followed."""
    run = leave(tmp_path, "aa01", log=b"x" * 100_000)
    (run / "repo" / "deep").mkdir(parents=True)
    (run / "repo" / "deep" / "file").write_bytes(b"y" * 50_000)
    os.link(run / "output.log", run / "repo" / "again")
    with (run / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    (run / "repo" / "out").symlink_to("/usr")
    store = Store(str(tmp_path))
    _feed, _inner, heard = feeding(store.size, Batch(rows=(Row.of(done("aa01")),)))
    until(lambda: heard.sizes)
    told = subprocess.run(["du", "-s", "-x", "-B1", str(run)], capture_output=True, text=True, check=True).stdout
    assert heard.sizes["aa01"] == int(told.split()[0])
    apparent = sum(path.lstat().st_size for path in run.rglob("*"))
    assert apparent > 1 << 30  # negative control: added up by length it would be a gigabyte


def test_the_board_sums_sorts_and_filters_by_size() -> None:
    """Sizes make a column and a total; sorting and ``size>`` heed them from the next tick on, and forget what goes."""
    board = Board([LIVE, done("a", 5), done("b", 4), done("c", 3)])
    assert (board.disk(), "size" in {column.key for column in filled(board.filled)}) == (None, False)
    delta = board.apply([], sizes={"a": 10, "b": 3 << 30, "elsewhere": 1 << 40})
    assert (delta.changed, board.disk()) == (frozenset({"a", "b"}), (10 + (3 << 30), False))
    assert "size" in {column.key for column in filled(board.filled)}
    board.sort(Sorting("size", falling=True), 0.0)
    assert board.order == ["b", "a", "live", "c"]
    board.apply([], sizes={"c": 4 << 30, "live": 1})
    assert board.order == ["b", "a", "live", "c"]  # what one looks at does not jump about
    assert board.tick(1.0)
    assert (board.order, board.disk()) == (["c", "b", "a", "live"], (11 + (7 << 30), True))
    board.sort(Sorting(), 1.0)
    board.filter("size>1G", 1.0)
    assert board.order == ["b", "c"]
    board.apply([], sizes={"a": 2 << 30})
    assert (board.tick(2.0), board.order) == (True, ["a", "b", "c"])
    assert not board.tick(2.1)
    board.apply([], removed=["c"])
    assert (board.order, board.disk()) == (["a", "b"], (1 + (5 << 30), True))
    shown = board.get("a")
    assert shown is not None
    assert next(column for column in COLUMNS if column.key == "size").text(shown, 0.0) == size_text(2 << 30)
    board.apply([done("a", 5)])
    assert board.get("a") is not None
    assert board.sizes["a"] == 2 << 30


async def test_the_screen_shows_sizes_once_they_are_known() -> None:
    """Without sizes there is no column; with some a total that says it is not all; with all the whole."""
    runs = [done("11111111", NOW - 50), done("22222222", NOW - 60)]
    async with fixed_board(runs, size=(140, 30)) as desk:
        assert "Size" not in desk.text()
        feed = desk.feed
        assert isinstance(feed, HandFeed)
        feed.publish(Batch(sizes={"11111111": 5 << 20}))
        await desk.shows("Size", "5.0 MB…")
        feed.publish(Batch(sizes={"22222222": 3 << 20}))
        await desk.shows("8.0 MB ", "3.0 MB")
        await desk.hides("…")


def test_ps_and_show_tell_sizes_on_request(tmp_path: Path) -> None:
    """Unasked nothing is measured; --size, --sort size, {size} and a query on it tell, and JSON has the bytes."""
    leave(tmp_path, "aa01", log=b"x" * 200_000, age=10)
    leave(tmp_path, "aa02", age=20)
    leave(tmp_path, "aa03", log=b"x" * 900_000, age=30)
    store = Store(str(tmp_path))
    weights = {run_id: store.size(run_id) for run_id in store.ids()}
    assert "SIZE" not in runboard(tmp_path, "ps").stdout
    assert [run["sizeBytes"] for run in json.loads(runboard(tmp_path, "ps", "--json").stdout)] == [None] * 3
    told = runboard(tmp_path, "ps", "--size").stdout
    assert ("SIZE" in told, size_text(weights["aa03"]) in told) == (True, True)
    done = runboard(tmp_path, "ps", "--sort", "size", "--format", "{id} {size}").stdout
    assert done.split() == ["aa03", str(weights["aa03"]), "aa01", str(weights["aa01"]), "aa02", str(weights["aa02"])]
    assert runboard(tmp_path, "ps", "--sort", "-size", "-q").stdout.split() == ["aa02", "aa01", "aa03"]
    asked = json.loads(runboard(tmp_path, "ps", "--json", "size>500K").stdout)
    assert [(run["id"], run["sizeBytes"]) for run in asked] == [("aa03", weights["aa03"])]
    assert f"{weights['aa01']:,} bytes" in runboard(tmp_path, "show", "aa01").stdout
