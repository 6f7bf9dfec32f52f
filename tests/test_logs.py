"""Windows on logs: the lines of a naive reader of the whole file, for a bounded price, whatever the file becomes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard import logs
from runboard.logs import LogView, Window, lines
from runboard.logs.lines import SLICE
from runboard.logs.view import MOVE_MOST, WINDOW_MOST
from tests.waiting import until

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
PROC_IO = 400
"""Bytes that counting the bytes read reads itself."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the log is, if the test makes one."""
    return tmp_path / "output.log"


@pytest.fixture(autouse=True)
def _no_descriptor_is_left() -> Iterator[None]:
    """Every test leaves as many open files as it found."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


def opening(path: Path) -> Callable[[], int]:
    """What opens a log as the store does: no link followed, no writer waited for."""
    return lambda: os.open(path, FLAGS)


def view(path: Path) -> LogView:
    """A fresh view of a file."""
    return LogView(opening(path))


def texts(window: Window | None) -> list[str]:
    """The lines of a window."""
    assert window is not None
    return [line.text for line in window.lines]


def bytes_read(act: Callable[[], object]) -> int:
    """How many bytes this process reads from files while something is done."""

    def counted() -> int:
        with open("/proc/self/io", "rb", buffering=0) as io:
            return int(io.read().split()[1])

    before = counted()
    act()
    return counted() - before - PROC_IO


def naive(data: bytes, cut: int) -> list[tuple[int, bytes]]:
    """The lines of a log with their offsets, found in the whole of it."""
    found, at = [], 0
    for line in data.split(b"\n"):
        end = at + len(line)
        starts = [at, *(place for place in range(0, end, cut) if place - at >= cut)]
        found += [(start, data[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]
        at = end + 1
    return found[:-1] if not found[-1][1] and (not data or data.endswith(b"\n")) else found


# The lines.


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
    st.just(b"\n"),
    st.just(b"\n\n"),
    st.sampled_from([1, 2, 30, 62, 63, 64, 65, 66, 126, 127, 128, 129, 130, 192, 193]).map(
        lambda length: b"x" * length
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
def test_scrolling_agrees_with_a_naive_reader(data: bytes, steps: list[tuple[str, int | bytes]]) -> None:
    """Whatever is scrolled, resized and appended in any order: the window is that of one who reads the whole file."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "SLICE", 64)
        patch.setattr(lines, "_BLOCK", 48)
        patch.setattr("runboard.logs.view.clean_log", lambda raw: raw.decode("latin-1"))
        path = Path(folder, "output.log")
        path.write_bytes(data)
        window, reference, rows, current = view(path), Naive(path), 3, None
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


# What is added.


def test_nothing_new_is_no_window(log: Path) -> None:
    """Without a change there is no window to paint; a change of the file or of the rows makes one."""
    log.write_bytes(b"one\ntwo\n")
    window = view(log)
    assert texts(window.poll(5)) == ["one", "two"]
    assert window.poll(5) is None
    assert texts(window.poll(1)) == ["two"]
    assert window.poll(1) is None
    with log.open("ab") as file:
        file.write(b"three")
    assert texts(window.poll(2)) == ["two", "three"]
    assert window.poll(2) is None


def test_the_place_is_held_while_the_log_grows(log: Path) -> None:
    """Scrolled up, the lines stay although the log grows; scrolled back to the end, they move along again."""
    log.write_bytes(b"".join(b"%d\n" % number for number in range(20)))
    window = view(log)
    window.end(3)
    assert texts(window.move(-5, 3)) == ["12", "13", "14"]
    with log.open("ab") as file:
        file.write(b"20\n21\n")
    grown = window.poll(3)
    assert texts(grown) == ["12", "13", "14"]
    assert grown is not None
    assert not grown.at_end
    assert texts(window.poll(5)) == ["12", "13", "14", "15", "16"]
    assert window.move(100, 3).at_end
    with log.open("ab") as file:
        file.write(b"22\n")
    assert texts(window.poll(3)) == ["20", "21", "22"]
    window.start(3)
    with log.open("ab") as file:
        file.write(b"23\n")
    assert texts(window.poll(3)) == ["0", "1", "2"]


def test_a_fast_writer_is_kept_up_with(log: Path) -> None:
    """While a process writes 30 MB as fast as it can, each look reads a window and shows the newest whole lines."""
    window, skipped, looks, most = view(log), 0, 0, 0
    with log.open("wb") as file:
        writer = subprocess.Popen(["seq", "1000000", "4999999"], stdout=file)
    while writer.poll() is None:
        found: list[Window | None] = []
        most = max(most, bytes_read(lambda found=found: found.append(window.poll(40))))  # type: ignore[misc]
        if (shown := found[0]) is not None and shown.lines:
            numbers = [int(text) for text in texts(shown)[:-1]]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert shown.at_end
            skipped, looks = skipped + shown.skipped, looks + 1
    assert texts(window.end(2)) == ["4999998", "4999999"]
    assert most <= WINDOW_MOST + 1000
    assert looks > 1
    assert skipped > 0


def test_what_was_skipped_is_counted(log: Path) -> None:
    """Bytes beyond the 256 KiB that one look reads are counted as passed by; fewer are not."""
    log.write_bytes(b"start\n")
    window = view(log)
    window.end(5)
    with log.open("ab") as file:
        file.write(b"x\n" * 50_000)
    small = window.poll(5)
    with log.open("ab") as file:
        file.write(b"y\n" * 500_000)
    large = window.poll(5)
    assert small is not None
    assert large is not None
    assert (small.skipped, large.skipped) == (0, 1_000_000 - WINDOW_MOST)


# What becomes of the file.


def test_a_truncated_log(log: Path) -> None:
    """A log made shorter is shown from its new end, and the word stays until the view is moved."""
    log.write_bytes(b"old\n" * 100)
    window = view(log)
    window.end(3)
    window.move(-50, 3)
    log.write_bytes(b"new\n")
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else None) == (["new"], "output.log was truncated")
    with log.open("ab") as file:
        file.write(b"more\n")
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else None) == (["new", "more"], "output.log was truncated")
    assert window.end(3).notice is None


def test_a_rotated_log(log: Path, tmp_path: Path) -> None:
    """A log renamed away with a new one in its place is told and followed."""
    log.write_bytes(b"old\n")
    window = view(log)
    window.end(3)
    log.rename(tmp_path / "output.log.1")
    log.write_bytes(b"old\nnew\n")
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else None) == (
        ["old", "new"],
        "output.log was replaced by another file",
    )


def test_a_log_replaced_by_one_of_the_same_size(log: Path, tmp_path: Path) -> None:
    """Another file of the same size is told by its number, the same file rewritten by its beginning or its time."""
    log.write_bytes(b"aaaa\n")
    window = view(log)
    window.end(3)
    (tmp_path / "other").write_bytes(b"bbbb\n")
    (tmp_path / "other").rename(log)
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else None) == (["bbbb"], "output.log was replaced by another file")
    window.end(3)
    with log.open("r+b") as file:
        file.write(b"cccc\n")
    os.utime(log, ns=(1, 1))
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else None) == (["cccc"], "output.log was rewritten")
    log.write_bytes(b"d" * 100 + b"\n1\n")
    window.end(1)
    with log.open("r+b") as file:
        file.write(b"d" * 100 + b"\n2\n")
    os.utime(log, ns=(2, 2))
    assert texts(window.poll(1)) == ["2"]


def _fifo(path: Path) -> None:
    """Make a FIFO that nobody writes to."""
    os.mkfifo(path)


def _link(path: Path) -> None:
    """Make a link out of the runs directory."""
    path.symlink_to("/etc/passwd")


def _socket(path: Path) -> None:
    """Make a socket."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: None, "output.log was deleted"),
        (_fifo, "output.log is a FIFO; it is not read"),
        (Path.mkdir, "output.log is a directory; it is not read"),
        (_link, "output.log is a symbolic link; it is not read"),
        (_socket, "output.log is a socket; it is not read"),
    ],
    ids=["deleted", "fifo", "directory", "link", "socket"],
)
def test_what_is_no_log_is_told_and_left(log: Path, make: Callable[[Path], None], sentence: str) -> None:
    """Whatever takes the log's place is named at once and never waited for; a log that comes back is shown."""
    log.write_bytes(b"before\n")
    window = view(log)
    window.end(3)
    log.unlink()
    make(log)
    shown = window.poll(3)
    assert shown == Window((), 0, at_end=True, at_start=True, skipped=0, notice=sentence)
    assert window.poll(3) is None
    assert window.poll(9) is None
    assert (window.end(3), window.start(3), window.move(1, 3)) == (shown, shown, shown)
    assert logs.last_text(opening(log)) == ""
    if log.is_dir():
        log.rmdir()
    else:
        log.unlink(missing_ok=True)
    log.write_bytes(b"before\nafter\n")
    assert texts(window.poll(3)) == ["before", "after"]


def test_a_device_and_a_file_that_may_not_be_read() -> None:
    """A device is named, and an error of the system is told in its words; both read nothing."""
    assert LogView(lambda: os.open("/dev/zero", FLAGS)).end(3).notice == "output.log is a device; it is not read"

    def forbidden() -> int:
        raise PermissionError(13, "Permission denied")

    assert LogView(forbidden).end(3).notice == "output.log cannot be read: Permission denied"


def test_a_log_that_is_not_there_yet(log: Path) -> None:
    """Before the first byte there is a sentence; the first line follows without a word."""
    window = view(log)
    assert window.end(3).notice == "There is no output.log"
    log.write_bytes(b"hello\n")
    shown = window.poll(3)
    assert (texts(shown), shown.notice if shown else "") == (["hello"], None)


def test_opening_a_fifo_otherwise_would_wait(log: Path) -> None:
    """Negative control: a plain open of the same FIFO does not return."""
    os.mkfifo(log)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-S", "-c", f"open({str(log)!r})"], timeout=0.3, check=False)


def test_a_log_that_shrinks_while_it_is_read(log: Path) -> None:
    """A file shorter than it said a moment before is told, not guessed at."""
    log.write_bytes(b"x\n")
    fd = os.open(log, FLAGS)
    with pytest.raises(lines.Shrunk):
        lines.Lines(fd, 100).take(0, 5, 1000)
    os.close(fd)


# Streams.


def test_the_tail(log: Path) -> None:
    """The last lines come as they are in the file, with and without a newline at its end, and with more asked for."""
    log.write_bytes(b"1\n2\r\n\n\x1b[31m4")
    assert logs.tail(opening(log), 2) == [b"", b"\x1b[31m4"]
    assert logs.tail(opening(log), 9) == [b"1", b"2\r", b"", b"\x1b[31m4"]
    assert logs.tail(opening(log), 0) == []
    log.write_bytes(b"1\n2\n")
    assert logs.tail(opening(log), 1) == [b"2"]
    assert [logs.tail_start(opening(log), count) for count in range(4)] == [4, 2, 0, 0]
    log.write_bytes(b"\n" * 1_000_000)
    assert logs.tail_start(opening(log), 700_000) == 300_000
    log.unlink()
    assert (logs.tail(opening(log), 5), logs.tail_start(opening(log), 5)) == ([], 0)


def test_following_loses_nothing(log: Path) -> None:
    """Everything a process writes arrives once and in order, from before the log exists to after its writer's end."""
    script = (
        f"import time; time.sleep(0.1); f = open({str(log)!r}, 'wb', 0)\nfor n in range(20000): f.write(b'%d\\n' % n)"
    )
    writer = subprocess.Popen([sys.executable, "-S", "-c", script])
    chunks = list(logs.follow(opening(log), ended=lambda: writer.poll() is not None))
    assert b"".join(chunks) == b"".join(b"%d\n" % number for number in range(20_000))
    assert b"".join(logs.follow(opening(log), offset=108_880, ended=lambda: True)) == b"19998\n19999\n"[2:]


def test_following_over_truncation_and_replacement(log: Path, tmp_path: Path) -> None:
    """A log truncated or replaced is followed from its new beginning, with what the old one still got."""
    log.write_bytes(b"one\n")
    done: list[bool] = []
    stream = logs.follow(opening(log), ended=lambda: bool(done))
    assert next(stream) == b"one\n"
    log.write_bytes(b"2\n")
    assert next(stream) == b"2\n"
    old = log.rename(tmp_path / "old")
    log.write_bytes(b"three\n")
    with old.open("ab") as file:
        file.write(b"late\n")
    assert [next(stream), next(stream)] == [b"late\n", b"three\n"]
    done.append(True)
    assert list(stream) == []


def test_lines_of_a_stream() -> None:
    """Lines come whole however the chunks are cut, an endless one in pieces, the last one without its newline."""
    data = b"one\n\ntwo\n" + b"x" * 200_000 + b"\nlast"
    for size in (997, 70_000, 10**6):
        found = list(logs.whole_lines(data[at : at + size] for at in range(0, len(data), size)))
        assert b"".join(found) == data.replace(b"\n", b"")
        assert found[:3] == [b"one", b"", b"two"]
        assert found[-1] == b"last"
        assert max(map(len, found)) <= SLICE


@settings(deadline=None)
@given(st.lists(st.sampled_from([b"needle", b"nee", b"dle", b"\n", b"x" * 50, b"y" * 99]), max_size=40).map(b"".join))
def test_a_search_agrees_with_a_naive_one(data: bytes) -> None:
    """Each line with the text is found once with its offset, however the file is cut into chunks."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("runboard.logs.stream._CHUNK", 64)
        path = Path(folder, "output.log")
        path.write_bytes(data)
        found, at = [], 0
        for line in data.split(b"\n"):
            found += [(at, line)] if b"needle" in line else []
            at += len(line) + 1
        assert list(logs.grep(opening(path), "needle")) == found


def test_a_search_in_an_endless_line(log: Path) -> None:
    """In a line of 10 MB each place is found, at every distance from a chunk's edge, with what stands around it."""
    data = bytearray(b"." * 10_000_000)
    places = [0, 65_533, 262_141, 500_000, 786_429, 1_048_570, 9_999_990]
    for place in places:
        data[place : place + 6] = b"needle"
    log.write_bytes(data)
    found = list(logs.grep(opening(log), "needle"))
    assert [offset + line.index(b"needle") for offset, line in found] == places
    assert all(data[offset : offset + len(line)] == line for offset, line in found)
    assert max(len(line) for _, line in found) <= SLICE + 6


def test_the_last_text(log: Path) -> None:
    """What is kept of a log is text: no escapes, progress in its last state, long lines whole, tabs as they are."""
    long = "x" * 20_000
    log.write_bytes(f"\n\n 1%\r99%\x1b[K\rdone\n\x1b[1mbold\x1b[0m\tö\r\n{long}\n\x1b]0;t\x07\n\n".encode())
    assert logs.last_text(opening(log)) == f"done\nbold\tö\n{long}"
    log.write_bytes(b"head\n" * 1000 + b"tail\n")
    assert logs.last_text(opening(log), 12) == "head\ntail"
    log.write_bytes(b"z" * 100)
    assert logs.last_text(opening(log), 12) == "z" * 12
    log.unlink()
    assert logs.last_text(opening(log)) == ""


MEMORY = """
import os, resource, sys
from runboard import logs
def open_log(): return os.open(sys.argv[1], os.O_RDONLY)
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
assert len(logs.tail(open_log, 1000)) == 1000
assert sum(map(len, logs.follow(open_log, ended=lambda: True))) == os.stat(sys.argv[1]).st_size
assert len(list(logs.grep(open_log, "line 77"))) == 111
assert logs.last_text(open_log).endswith("line 9999")
view = logs.LogView(open_log)
for step in (view.end(50), view.start(50), view.move(1000, 50), view.end(50), view.move(-20000, 50)): assert step.lines
print(peak() - before)
"""


def test_memory_does_not_grow_with_the_log(log: Path) -> None:
    """A log of 1 GB is tailed, followed, searched, viewed and kept with less than 32 MB more than before."""
    with log.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"line %d\n" % number for number in range(10_000)))
    done = subprocess.run([sys.executable, "-c", MEMORY, str(log)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 32 * 1024


def test_the_wait_for_a_writer_is_for_its_end() -> None:
    """A follower of a log that never comes ends with its run."""
    asked: list[int] = []

    def ended() -> bool:
        asked.append(1)
        return len(asked) == 3

    assert list(logs.follow(lambda: os.open("/nowhere/output.log", FLAGS), ended=ended)) == []
    until(lambda: len(asked) == 3)
