"""A search through a whole log in its thread, and the window on its matches alone: as one in memory finds them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.logs import FilteredView, NotYet, Pattern, Search, filtered, hunt, lines, search
from tests.logfile import bytes_read, no_descriptor_left, opening, texts
from tests.waiting import until


@pytest.fixture(autouse=True)
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added to a log is looked for more often than people need."""
    monkeypatch.setattr(search, "LOOK_SECONDS", 0.02)


@contextmanager
def searching(path: Path, text: str, *, tools: bool = True) -> Iterator[Search]:
    """A search that is given up at the end, after which nothing of it is left."""
    with no_descriptor_left():
        found = Search(opening(path), Pattern(text, ignore_case=False), tools=tools)
        try:
            yield found
        finally:
            found.cancel()
            assert found.join(5)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "output.log"


@pytest.mark.parametrize("tools", [True, False])
def test_it_counts_and_knows_each_place(log: Path, tools: bool) -> None:
    """Count, number and neighbours of every match are those of the whole; what is added is found too."""
    log.write_bytes(b"".join(b"line %d%s\n" % (n, b" hit" * (n % 1000 == 0)) for n in range(1_000_000)))
    with searching(log, "hit", tools=tools) as found, open(log, "rb") as file:
        until(lambda: found.progress.done, 20)
        size = log.stat().st_size
        assert (found.progress.found, found.progress.share) == (1000, 1.0)
        second = found.after(file.fileno(), size, 1)
        assert second is not None
        assert found.number(second) == 2
        assert found.number(second + 1) is None
        assert found.before(file.fileno(), second) == 0
        with log.open("ab") as more:
            more.write(b"half a h")
        until(lambda: found._size == size + 8 and found._known == size)
        with log.open("ab") as more:
            more.write(b"it\nand another hit")
        until(lambda: found.progress.found == 1002)
        with log.open("ab") as more:
            more.write(b" on the same line\n")
        until(lambda: found._known == log.stat().st_size)
        assert found.progress.found == 1002


def test_another_log_is_searched_anew(log: Path) -> None:
    """Truncated, replaced, deleted: the count is that of what is there, with a word where there is nothing."""
    log.write_bytes(b"hit\n" * 10)
    with searching(log, "hit") as found:
        until(lambda: found.progress.found == 10)
        log.write_bytes(b"hit\n")
        until(lambda: found.progress.found == 1)
        log.unlink()
        until(lambda: found.progress.trouble is not None)
        os.mkfifo(log)
        until(lambda: "FIFO" in (found.progress.trouble or ""))
        log.unlink()
        log.write_bytes(b"no\nhit\nhit\n")
        until(lambda: found.progress.found == 2 and found.progress.trouble is None)


def test_more_than_is_kept_is_counted_and_found_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit only the number grows; neighbours are looked for in the file."""
    monkeypatch.setattr(search, "PLACES_MOST", 100)
    log.write_bytes(b"hit\nno\n" * 1000)
    with searching(log, "hit") as found, open(log, "rb") as file:
        until(lambda: found.progress.done)
        assert found.progress.found == 1000
        assert len(found._places) == 100
        assert found.number(7 * 99) == 100
        assert found.number(7 * 500) is None
        assert found.after(file.fileno(), 7000, 7 * 500 + 1) == 7 * 501
        assert found.before(file.fileno(), 7 * 500) == 7 * 499
        assert found.before(file.fileno(), 7 * 99 + 1) == 7 * 99


def test_far_away_is_not_told_before_it_is_known(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A neighbour farther than is looked at once is waited for; near ones are told at once, the search at rest."""
    monkeypatch.setattr(search, "NEAR", 1000)
    monkeypatch.setattr(search.Search, "_run", lambda _self: None)
    log.write_bytes(b"hit\n" + b"no\n" * 1000 + b"hit\n")
    with searching(log, "hit") as found, open(log, "rb") as file:
        assert found.after(file.fileno(), 3008, 0) == 0
        assert found.after(file.fileno(), 3008, 2500) == 3004
        assert found.before(file.fileno(), 1000) == 0
        with pytest.raises(NotYet):
            found.after(file.fileno(), 3008, 4)
        with pytest.raises(NotYet):
            found.before(file.fileno(), 3004)


contents = st.lists(
    st.sampled_from([b"x\n", b"x\n", b"no\n", b"no\n", b"\n", b"a line\n", b"." * 70, b"x" + b"." * 140 + b"\n", b"x"]),
    max_size=25,
).map(b"".join)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-7, 7)),
        st.tuples(st.sampled_from(["end", "start", "poll"]), st.just(0)),
        st.tuples(st.just("widen"), st.integers(0, 3)),
    ),
    max_size=10,
)


def visible(data: bytes, near: int) -> list[tuple[int, bool]]:
    """The lines to be seen, found in the whole: where they begin, and whether they match."""
    starts, at = [], 0
    for line in data.split(b"\n"):
        end = at + len(line)
        slices = [at, *(place for place in range(0, end, 64) if place - at >= 64)]
        starts += [(start, start == at and b"x" in line, at) for start in slices]
        at = end + 1
    if data.endswith(b"\n") or not data:
        starts.pop()
    hits = {line for _, matches, line in starts if matches}
    rows = [one for one in starts if one[2] not in hits or one[1]]
    index = [number for number, one in enumerate(rows) if one[1]]
    return [(one[0], one[1]) for number, one in enumerate(rows) if any(abs(number - hit) <= near for hit in index)]


@settings(max_examples=300, deadline=None)
@given(contents, acts, st.integers(1, 5), st.booleans())
def test_the_filtered_window_agrees_with_one_in_memory(
    data: bytes, steps: list[tuple[str, int]], rows: int, searched: bool
) -> None:
    """Whatever is scrolled and widened in any order, before or after the search is done: the same lines."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SLICE", 64)
        patch.setattr(filtered, "SLICE", 64)
        patch.setattr(lines, "_BLOCK", 48)
        patch.setattr(hunt, "BLOCK", 32)
        if not searched:
            patch.setattr(search.Search, "_run", lambda _self: None)
        path = Path(folder, "output.log")
        path.write_bytes(data)
        with searching(path, "x") as found:
            until(lambda: found.progress.done or not searched)
            view, top, near = FilteredView(opening(path), found), -1, 0
            for act, value in [("end", 0), *steps]:
                before = visible(data, near)
                at = next((number for number, one in enumerate(before) if one[0] >= top), len(before))
                match act:
                    case "move":
                        window = view.move(value, rows)
                        top_wanted = max(0, min(at + value, len(before) - rows))
                    case "widen":
                        near, window = value, view.widen(value, rows)
                        before = visible(data, near)
                        last = max(0, len(before) - rows)
                        held = next((number for number, one in enumerate(before) if one[0] >= top), len(before))
                        top_wanted = last if view._following else min(held, last)
                    case "start":
                        window, top_wanted = view.start(rows), 0
                    case "poll":
                        window, top_wanted = view.poll(rows), at
                    case _:
                        window, top_wanted = view.end(rows), max(0, len(before) - rows)
                expected = before[top_wanted : top_wanted + rows]
                assert [(line.offset, line.matches) for line in window.lines] == expected
                assert window.at_start == (top_wanted == 0)
                assert window.at_end == (top_wanted + rows >= len(before))
                top = expected[0][0] if expected else 0


def test_a_large_log_costs_windows(log: Path) -> None:
    """Filtered from both ends and near a place, a log of 100 MB is read in bounded pieces once it is searched."""
    with log.open("wb") as file:
        for part in range(100):
            file.write(b"nothing here\n" * 80_000 + b"needle %d\n" % part)
    with searching(log, "needle") as found:
        until(lambda: found.progress.done, 20)
        view = FilteredView(opening(log), found)
        assert texts(view.end(3)) == ["needle 97", "needle 98", "needle 99"]
        assert bytes_read(lambda: view.end(20)) < 4 << 20
        assert texts(view.start(2)) == ["needle 0", "needle 1"]
        assert texts(view.move(50, 2)) == ["needle 50", "needle 51"]
        view.widen(1, 3)
        assert "needle 50" in texts(view.show_at(lambda _fd, size: size // 2, 3))
