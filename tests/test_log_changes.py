"""A log that changes under its view: what is added is followed, what takes its place is told, nothing is waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from runboard import logs
from runboard.logs import LogView, Window, lines
from runboard.logs.view import WINDOW_MOST
from tests.logfile import FLAGS, bytes_read, no_descriptor_left, opening, texts, view


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log is, if the test makes one; every descriptor opened is closed."""
    with no_descriptor_left():
        yield tmp_path / "output.log"


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
    """While a process writes as fast as it can, each look reads a window and shows the newest lines in order."""
    window, skipped, looks = view(log), 0, 0
    with log.open("wb") as file:
        writer = subprocess.Popen(["sh", "-c", "ulimit -f 1000000; exec seq 1000000 inf"], stdout=file)
    try:
        while looks < 20 or not skipped:
            found: list[Window | None] = []
            assert bytes_read(partial(_keep, found, window)) <= WINDOW_MOST + 1000
            if (shown := found[0]) is None or len(shown.lines) < 40:
                assert writer.poll() is None
                continue
            numbers = [int(text) for text in texts(shown)[:-1]]
            assert numbers == list(range(numbers[0], numbers[0] + 39))
            assert shown.at_end
            assert shown.size <= log.stat().st_size
            skipped, looks = skipped + shown.skipped, looks + 1
    finally:
        writer.kill()
        writer.wait()
    size = log.stat().st_size
    last = window.poll(40)
    assert last is None or (last.at_end and last.size == size)


def _keep(found: list[Window | None], window: LogView) -> None:
    """Look once, and keep what was seen."""
    found.append(window.poll(40))


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
