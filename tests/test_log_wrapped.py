"""Wrapped lines: the rows of a naive reader of the whole file, scrolled exactly, for a bounded price."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.logs import FilteredView, LogView, Pager, Pattern, Search, Sought, Wish
from runboard.logs.wrapped import starts_of
from runboard.safetext import cell_width, clean_log, strip_sgr
from tests.logfile import bytes_read, opening, view
from tests.waiting import until

WIDE = "\u65e5"


def naive(data: bytes, width: int) -> list[str]:
    """Every row of a log whose lines are wrapped into so many cells, cell by cell."""
    rows = []
    for line in data.split(b"\n")[: None if data and not data.endswith(b"\n") else -1]:
        row, cells = "", 0
        for character in strip_sgr(clean_log(line)):
            if cells + cell_width(character) > width:
                rows.append(row)
                row, cells = "", 0
            row, cells = row + character, cells + cell_width(character)
        rows.append(row)
    return rows


def shown(window: object) -> list[str]:
    """The rows of a window as they are seen."""
    rows = []
    for line in window.lines:  # type: ignore[attr-defined]
        kept, cell = "", 0
        for character in strip_sgr(line.text):
            at = max(0, cell + min(0, cell_width(character) - 1))  # a mark stands on the character before it
            if line.first <= at and (line.last is None or at < line.last):
                kept += character
            cell += cell_width(character)
        rows.append(kept)
    return rows


PIECES = st.sampled_from(["a", "b{}", WIDE, "\u0301", "\n", "\n", "\x1b[31m", "\t", "123456{}78901"])
LOGS = st.lists(PIECES, min_size=20, max_size=80).map(
    lambda pieces: "".join(piece.format(number) for number, piece in enumerate(pieces)).encode()
)
WAYS = st.lists(st.one_of(st.integers(-30, 30), st.sampled_from(["start", "end"])), max_size=8)


@settings(max_examples=60, deadline=None)
@given(LOGS, st.integers(2, 12), st.integers(1, 5), WAYS)
def test_every_way_leads_where_a_naive_reader_goes(data: bytes, width: int, rows: int, ways: list[int | str]) -> None:
    """However one scrolls, what is shown are the rows of the whole file from a place that is moved exactly so far."""
    wanted = naive(data, width)
    last = max(0, len(wanted) - rows)
    with tempfile.NamedTemporaryFile() as log:
        log.write(data)
        log.flush()
        log_view = view(Path(log.name))
        log_view.wrap(width)
        window, top = log_view.end(rows), last
        for way in ways:
            if isinstance(way, str):
                window, top = (log_view.start(rows), 0) if way == "start" else (log_view.end(rows), last)
            else:
                window, top = log_view.move(way, rows), max(0, min(top + way, last))
            assert shown(window) == wanted[top : top + rows]
            assert (window.at_start, window.at_end) == (top == 0, top == last)


@settings(max_examples=25, deadline=None)
@given(LOGS, st.integers(2, 12), st.integers(1, 9), st.lists(st.integers(-20, 20), max_size=5))
def test_so_it_is_with_a_filter(data: bytes, width: int, rows: int, ways: list[int]) -> None:
    """Of lines that match, wrapped, one sees the rows that a naive reader of those lines sees."""
    kept = b"".join(line + b"\n" for line in data.split(b"\n") if b"a" in line)
    wanted = naive(kept, width)
    last = max(0, len(wanted) - rows)
    with tempfile.NamedTemporaryFile() as log:
        log.write(data)
        log.flush()
        search = Search(opening(Path(log.name)), Pattern("a"), tools=False)
        until(lambda: search.progress.done)
        filtered = FilteredView(opening(Path(log.name)), search)
        try:
            filtered.wrap(width)
            window, top = filtered.end(rows), last
            for way in ways:
                assert shown(window) == wanted[top : top + rows]
                window, top = filtered.move(way, rows), max(0, min(top + way, last))
            assert shown(window) == wanted[top : top + rows]
        finally:
            filtered.close()


@pytest.mark.parametrize("width", [20, 200])
def test_a_line_of_ten_megabytes_wraps_for_the_price_of_what_is_shown(tmp_path: Path, width: int) -> None:
    """Its end, its start and the ways between are read in pieces; laying out all of it is what a naive reader does."""
    log = tmp_path / "output.log"
    log.write_bytes(b"x" * 10_000_000 + b"\nend\n")
    log_view = view(log)
    log_view.wrap(width)
    windows = []

    def scroll() -> None:
        """Go to the end, and up and down from there."""
        windows.append(log_view.end(30))
        windows.extend(log_view.move(way, 30) for way in (-40, -40, 10))

    began = time.process_time()
    assert bytes_read(scroll) < 3_000_000
    spent = time.process_time() - began
    assert shown(windows[0])[-1] == "end"
    assert len(windows[-1].lines) == 30
    assert all(len(row) <= width for row in shown(windows[-1]))
    began = time.process_time()
    starts_of("\u0301" + "x" * 1_000_000, width)
    assert spent < 5 * (time.process_time() - began)


def test_another_width_keeps_the_place(tmp_path: Path) -> None:
    """Where one stands in a long line is kept, about, when the rows become wider; the end stays in sight if it was."""
    log = tmp_path / "output.log"
    log.write_bytes(b"first\n" + b"".join(b"%04d " % number for number in range(800)) + b"\nlast\n")
    log_view = view(log)
    log_view.wrap(20)
    log_view.start(10)
    assert shown(log_view.move(101, 10))[0].startswith("0400")
    log_view.wrap(40)
    window = log_view.poll(10)
    assert window is not None
    assert shown(window)[0].startswith("0400")
    log_view.end(10)
    log_view.wrap(15)
    assert shown(log_view.poll(10))[-1] == "last"


def test_a_match_far_down_a_wrapped_line_is_in_sight(tmp_path: Path) -> None:
    """Who finds something sees the row it is in; a step to a match that is to be seen moves nothing."""
    log = tmp_path / "output.log"
    log.write_bytes(b"first\n" + b"x" * 3000 + b"needle" + b"y" * 500 + b"needle\n" + b"z\n" * 100)
    pager = Pager(LogView(opening(log)), tools=False)
    try:
        pager.see(Wish(10, width=50))
        sought = Sought("needle")
        found = None

        def has_found() -> bool:
            """The match has been gone to."""
            nonlocal found
            found = pager.see(Wish(10, width=50, find=sought)) or found
            return found is not None and found.at is not None

        until(has_found)
        assert found is not None
        assert any("needle" in row for row in shown(found.window))
        assert not found.follows
    finally:
        pager.close()
