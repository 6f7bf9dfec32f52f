"""Windows on logs: the lines of a naive reader of the whole file, for a bounded price."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runboard.logs import lines
from runboard.logs.lines import SLICE
from runboard.logs.view import MOVE_MOST, WINDOW_MOST
from tests.logfile import bytes_read, no_descriptor_left, texts, view


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log is, if the test makes one; every descriptor opened is closed."""
    with no_descriptor_left():
        yield tmp_path / "output.log"


def naive(data: bytes, cut: int) -> list[tuple[int, bytes]]:
    """The lines of a log with their offsets, found in the whole of it."""
    found, at = [], 0
    for line in data.split(b"\n"):
        end = at + len(line)
        starts = [at, *(place for place in range(0, end, cut) if place - at >= cut)]
        found += [(start, data[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
        at = end + 1
    return found[:-1] if not found[-1][1] and (not data or data.endswith(b"\n")) else found


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one", ["one"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\n\n\nfour\n\n", ["", "", "", "four", ""]),
        (b"\0\0one\0\ntwo\0", ["one", "two"]),
        (b"50%\r100%\ndone", ["100%", "done"]),
        (b"\x1b[31mred\n\x1b]0;title\x07plain\x1b[c\n", ["\x1b[31mred\x1b[0m", "plain"]),
        (b"\xff\xfe\n\xe2\x82\xac", ["\ufffd\ufffd", "€"]),
    ],
)
def test_small_logs(log: Path, data: bytes, shown: list[str]) -> None:
    """A log that fits is shown whole, clean, from both ends."""
    log.write_bytes(data)
    for window in (view(log).end(10), view(log).start(10), view(log).move(-3, 10), view(log).move(3, 10)):
        assert texts(window) == shown
        assert (window.size, window.at_start, window.at_end) == (len(data), True, True)
        assert (window.skipped, window.notice) == (0, None)


def test_a_hundred_thousand_lines(log: Path) -> None:
    """Both ends, any place between them and the way back cost a window each, not the file."""
    log.write_bytes(b"".join(b"line %d\n" % number for number in range(100_000)))
    window = view(log)
    assert bytes_read(log.read_bytes) > 1_000_000  # the count would see a reader of the whole
    assert bytes_read(lambda: window.end(40)) < 2 * SLICE
    assert texts(window.end(3)) == ["line 99997", "line 99998", "line 99999"]
    assert texts(window.move(-50_000, 3)) == ["line 49997", "line 49998", "line 49999"]
    assert texts(window.move(-1, 3)) == ["line 49996", "line 49997", "line 49998"]
    assert texts(window.move(2, 3)) == ["line 49998", "line 49999", "line 50000"]
    assert bytes_read(lambda: window.move(-40, 40)) < 4 * SLICE
    assert texts(window.start(2)) == ["line 0", "line 1"]
    assert texts(window.move(-5, 2)) == ["line 0", "line 1"]
    assert window.move(10**9, 5).at_end
    assert [line.offset for line in window.start(3).lines] == [0, 7, 14]


def test_one_line_of_ten_megabytes(log: Path) -> None:
    """A line without an end is shown in slices of 64 KiB, each cut, and can be walked from end to start and back."""
    log.write_bytes(b"first\n" + b"0123456789abcdef" * 655_360 + b"\nlast\n")
    window = view(log)
    assert bytes_read(lambda: window.end(50)) <= WINDOW_MOST + 1000
    shown = window.end(50)
    assert texts(shown)[-1] == "last"
    assert {len(text) for text in texts(shown)[:-2]} == {4097}
    shown = window.end(2)
    seen = list(shown.lines)
    while not shown.at_start:
        before = shown
        shown = window.move(-1, 2)
        assert shown.lines[0].offset < before.lines[0].offset
        seen += shown.lines
    assert [line.offset for line in shown.lines] == [0, 6]
    assert len(set(seen)) == 2 + 160
    down = {*shown.lines}
    while not shown.at_end:
        shown = window.move(1, 2)
        down |= {*shown.lines}
    assert down == set(seen)


def test_a_progress_display_of_ten_megabytes(log: Path) -> None:
    """A progress bar that never ended its line shows its present state, for the price of a window."""
    log.write_bytes(b"start\n" + b"".join(b"\r%7d/700000" % step for step in range(700_000)))
    assert texts(view(log).end(5))[-1].strip() == "699999/700000"
    assert bytes_read(lambda: view(log).end(50)) <= WINDOW_MOST + 1000


def test_ten_gigabytes(log: Path) -> None:
    """The end, the start and a scroll of a sparse file of 10 GB with text at its end cost bounded reading."""
    with log.open("wb") as file:
        file.truncate(10 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(1000)))
    window = view(log)
    assert bytes_read(lambda: window.end(50)) <= WINDOW_MOST + 1000
    assert texts(window.end(2)) == ["line 998", "line 999"]
    assert bytes_read(lambda: window.move(-2000, 50)) <= MOVE_MOST + 3 * WINDOW_MOST
    assert bytes_read(lambda: window.start(50)) <= 2 * WINDOW_MOST
    assert not window.start(5).at_end
    assert texts(window.end(1)) == ["line 999"]


# Against a naive reader, with slices of 64 bytes and blocks of 48 in place of 65,536: the same code, more corners.

pieces = st.one_of(
    st.builds(
        lambda length, end: b"x" * length + end,
        st.sampled_from([0, 1, 2, 30, 62, 63, 64, 65, 66, 126, 127, 128, 129, 130, 192, 193]),
        st.sampled_from([b"\n", b"\n", b"\n\n", b""]),
    ),
    st.binary(max_size=9),
)
contents = st.lists(pieces, max_size=14).map(b"".join)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.integers(-9, 9)),
        st.tuples(st.sampled_from(["end", "start", "poll"]), st.just(0)),
        st.tuples(st.just("rows"), st.integers(1, 6)),
        st.tuples(st.just("grow"), contents),
    ),
    max_size=12,
)


class Naive:
    """A view that reads the whole file each time and keeps the number of its top line's offset."""

    def __init__(self, path: Path) -> None:
        """Begin at the end."""
        self.path, self.top, self.following, self.rows = path, 0, True, 0

    def shown(self, act: str, by: int, rows: int) -> list[tuple[int, bytes]]:
        """The lines after an act."""
        found = naive(self.path.read_bytes(), 64)
        at = next((index for index, (offset, _) in enumerate(found) if offset == self.top), 0)
        last = max(0, len(found) - rows)
        if (
            act == "end"
            or (self.following and act == "poll")
            or (act == "move" and self.following and rows != self.rows)
        ):
            at = last
        at = 0 if act == "start" else max(0, min(at + by, last))
        if act != "poll":
            self.following = act == "end" or (act == "move" and at >= last)
        self.rows = rows
        self.top = found[at][0] if found else 0
        return found[at : at + rows]


@settings(max_examples=300, deadline=None)
@given(contents, acts)
@example(b"\n" + b"x" * 127 + b"\n", [])
@example(b"x" * 64 + b"\n", [("start", 0)])
def test_scrolling_agrees_with_a_naive_reader(data: bytes, steps: list[tuple[str, int | bytes]]) -> None:
    """Whatever is scrolled, resized and appended in any order: the window is that of one who reads the whole file."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SLICE", 64)
        patch.setattr(lines, "_BLOCK", 48)
        path = Path(folder, "output.log")
        path.write_bytes(data)
        window, reference, rows, current = view(path), Naive(path), 3, None
        window.show_as(lambda raw: raw.decode("latin-1"))
        for act, value in [("end", 0), *steps]:
            match act, value:
                case "grow", bytes(more):
                    with path.open("ab") as file:
                        file.write(more)
                    continue
                case "rows", int(rows):
                    continue
                case "move", int(by):
                    current = window.move(by, rows)
                case "poll", _:
                    current = window.poll(rows) or current
                case _:
                    current = window.end(rows) if act == "end" else window.start(rows)
            expected = reference.shown(act, value if isinstance(value, int) else 0, rows)
            assert current is not None
            assert [(line.offset, line.text.encode("latin-1")) for line in current.lines] == expected
            assert current.at_start == (not expected or expected[0][0] == 0)


def test_real_slices_agree_with_a_naive_reader(log: Path) -> None:
    """The same with lines around one, two and three times the real 64 KiB, line by line in both directions."""
    sizes = [3, SLICE - 1, SLICE, SLICE + 1, 0, 2 * SLICE - 1, 2 * SLICE, 2 * SLICE + 1, 5, 3 * SLICE, 3 * SLICE + 7]
    log.write_bytes(b"\n".join(b"%d" % (index % 10) * size for index, size in enumerate(sizes)))
    offsets = [offset for offset, _ in naive(log.read_bytes(), SLICE)]
    window = view(log)
    up = [window.end(1).lines[0].offset] + [window.move(-1, 1).lines[0].offset for _ in offsets[1:]]
    assert up == offsets[::-1]
    down = [window.start(1).lines[0].offset] + [window.move(1, 1).lines[0].offset for _ in offsets[1:]]
    assert down == offsets
