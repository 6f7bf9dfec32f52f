"""Places in logs by share and by time: the line that one who reads them all finds first, for the price of windows."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.logs import NoPlace, moments
from runboard.logs.filtered import FilteredView
from runboard.logs.moments import Moment, place_of
from runboard.logs.pattern import Pattern
from runboard.logs.search import Search
from runboard.logs.view import FAR
from tests.logfile import bytes_read, texts, view
from tests.waiting import until


def found(path: Path, typed: str) -> str:
    """The line at a place, "" behind the last one."""
    data = path.read_bytes()
    with open(path, "rb") as file:
        at = place_of(file.fileno(), len(data), typed)
    return data[at:].partition(b"\n")[0].decode()


@pytest.mark.parametrize(
    ("line", "kind", "clock"),
    [
        (b"2026-09-21T14:05:30.123Z hello", "dated", "14:05:30"),
        (b"2026-09-21 14:05:30,123 INFO hello", "dated", "14:05:30"),
        (b'{"level":"info","time":"2026-09-21T14:05:30+02:00","msg":"x"}', "dated", "14:05:30"),
        (b"\x1b[2m[2026/09/21 14:05:30]\x1b[0m x", "dated", "14:05:30"),
        (b"Sep 21 14:05:30 host app[12]: x", "syslog", "14:05:30"),
        (b"[14:05:30] x", "timed", "14:05:30"),
        (b"14:05:30.5 x", "timed", "14:05:30"),
        (b"1790000000.25 x", "epoch", None),
        (b"[1790000000123] x", "epoch", None),
        (b"step 12 of 20, 10:5 and 999:99:99", None, None),
        (b"", None, None),
    ],
)
def test_times_are_known(line: bytes, kind: str | None, clock: str | None) -> None:
    """The usual ways to write a time at the beginning of a line are read; what only looks like one is not."""
    moment = Moment.of(line)
    assert (moment.kind if moment else None) == kind
    if moment and clock:
        assert time.strftime("%H:%M:%S", time.gmtime(moment.seconds)) == clock


@pytest.mark.parametrize("form", ["2026-09-%d %H:%M:%S", "[%H:%M:%S]", "Sep %d %H:%M:%S", "epoch"])
@settings(max_examples=25, deadline=None)
@given(wanted=st.integers(0, 40_000), odd=st.booleans())
def test_a_time_is_found_as_by_reading_all(
    tmp_path_factory: pytest.TempPathFactory, form: str, wanted: int, odd: bool
) -> None:
    """Among lines with times, some without, the first one not before the time is found."""
    path = tmp_path_factory.mktemp("log") / "output.log"
    begun = 21 * 86400 + 9 * 3600
    steps = range(0, 36_000, 7)
    lines = []
    for seconds in steps:
        stamp = str(1_790_000_000 + seconds) if form == "epoch" else time.strftime(form, time.gmtime(begun + seconds))
        lines += [f"{stamp} line {seconds}\n"] + ["  a line without\n"] * (odd and seconds % 3)
    path.write_text("".join(lines))
    clock = time.strftime("%H:%M:%S", time.gmtime(begun + min(wanted, 35_999)))
    typed = str(1_790_000_000 + wanted) if form == "epoch" else clock
    target = wanted if form == "epoch" else min(wanted, 35_999)
    expected = next((f"line {seconds}" for seconds in steps if seconds >= target), "")
    assert found(path, typed).endswith(expected) if expected else found(path, typed) == ""


def test_dates_shares_and_ways_back(tmp_path: Path) -> None:
    """Over several days a date says which; a share is of the bytes; a way back counts from the last time."""
    path = tmp_path / "output.log"
    path.write_text("".join(f"2026-09-{day:02} {hour:02}:00:00 x\n" for day in range(1, 31) for hour in range(24)))
    assert found(path, "2026-09-12 06:30") == "2026-09-12 07:00:00 x"
    assert found(path, "2026-09-12") == "2026-09-12 00:00:00 x"
    assert found(path, "06:30") == "2026-09-30 07:00:00 x"
    assert found(path, "-2d") == "2026-09-28 23:00:00 x"
    assert found(path, "0 %") == "2026-09-01 00:00:00 x"
    assert found(path, "100%") == ""
    assert found(path, "2027-01-01") == ""


def test_midnight_is_passed_once(tmp_path: Path) -> None:
    """A log with times of day only goes on behind midnight."""
    path = tmp_path / "output.log"
    path.write_text("".join(f"[{(22 + hour) % 24:02}:30:00] {hour}\n" for hour in range(8)))
    assert found(path, "23:00") == "[23:30:00] 1"
    assert found(path, "03:00") == "[03:30:00] 5"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("noon", "is no place"),
        ("101 %", "but 100 %"),
        ("", "is no place"),
        ("14:05", "no line"),
        ("1790000000", "no line"),
    ],
)
def test_what_is_no_place_is_told(tmp_path: Path, typed: str, why: str) -> None:
    """A sentence says what is wrong, and the window stays where it was."""
    path = tmp_path / "output.log"
    path.write_text("no time here\n" * 1000)
    window = view(path)
    before = window.start(5)
    with pytest.raises(NoPlace, match=why):
        window.goto(typed, 5)
    assert window.poll(5) is None or window.poll(5) == before


def test_a_place_costs_windows(tmp_path: Path) -> None:
    """A time in 200 MB is found by reading a few windows of it."""
    path = tmp_path / "output.log"
    with path.open("w") as file:
        for seconds in range(0, 86_000, 10):
            stamp = time.strftime("%H:%M:%S", time.gmtime(seconds))
            file.write(f"2026-09-21 {stamp} {'x' * 24_000}\n")
    window = view(path)
    assert bytes_read(lambda: window.goto("11:11:11", 20)) < 40 * moments._LOOK_MOST
    assert texts(window.goto("11:11:11", 20))[0].startswith("2026-09-21 11:11:20")


def test_a_long_line_is_read_where_one_looks(tmp_path: Path) -> None:
    """Far to the right a line of ten megabytes shows what is there, up to its end, for the price of a window."""
    path = tmp_path / "output.log"
    path.write_bytes(b"0123456789abcdef" * 655_360 + b"the end\nshort\n")
    window = view(path)
    window.start(3)
    panned = window.pan(5_000_000, 3)
    column = panned.column
    assert 5_000_000 - 1024 < column <= 5_000_000
    assert texts(panned)[0][:16] == ("0123456789abcdef" * 2)[column % 16 : column % 16 + 16]
    assert texts(window.pan(10 << 20, 3))[0] == "the end"
    assert texts(window.end(2)) == ["", ""]
    assert texts(window.pan(FAR - 1, 2))[-1] == "short"


@pytest.mark.parametrize("filtered", [False, True], ids=["all lines", "matches"])
def test_panning_moves_neither_up_nor_down(tmp_path: Path, filtered: bool) -> None:
    """Held at the end a view stays held when it is panned, near or far, and one that follows goes on to follow."""
    path = tmp_path / "output.log"
    path.write_text("a line\n" * 10)
    search = Search(partial(os.open, path, os.O_RDONLY), Pattern("line"), tools=False)
    window = FilteredView(partial(os.open, path, os.O_RDONLY), search) if filtered else view(path)
    until(lambda: search.progress.done)
    for held in (True, False):
        window.end(3)
        if held:
            window.hold()
        for column in (8, FAR, FAR, 0):
            window.pan(column, 3)
            assert window.follows is not held
    window.hold()
    window.move(0, 3)  # negative control: what moves, to where the end is, follows it
    assert window.follows
    search.cancel()
