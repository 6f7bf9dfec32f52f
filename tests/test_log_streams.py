"""Logs as streams: nothing lost, nothing twice, and memory that does not grow with them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard import logs
from runboard.files import Unfit
from runboard.logs.lines import SLICE
from tests.logfile import FLAGS, no_descriptor_left, opening


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log is, if the test makes one; every descriptor opened is closed."""
    with no_descriptor_left():
        yield tmp_path / "output.log"


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


def test_what_an_old_log_got_before_it_was_replaced_is_not_lost(log: Path, tmp_path: Path) -> None:
    """What was written between the last read and the rename is read from the old file before the new one."""
    log.write_bytes(b"one\n")
    asked: list[int] = []

    def ended() -> bool:
        asked.append(1)
        if len(asked) == 2:
            with log.open("ab") as file:
                file.write(b"late\n")
            log.rename(tmp_path / "old")
            log.write_bytes(b"new\n")
        return len(asked) == 3

    assert b"".join(logs.follow(opening(log), ended=ended)) == b"one\nlate\nnew\n"


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
    assert len(asked) == 3


def test_streams_left_early_or_refused_close_their_files(log: Path) -> None:
    """A reader that stops in the middle, and a log that became no file, leave no descriptor open (see the fixture)."""
    log.write_bytes(b"x\n" * 500_000)
    with (
        closing(logs.follow(opening(log), ended=lambda: True)) as chunks,
        closing(logs.grep(opening(log), "x")) as found,
    ):
        assert next(chunks).startswith(b"x\n")
        assert next(found) == (0, b"x")
    following = logs.follow(opening(log), ended=lambda: False)
    assert sum(len(next(following)) for _ in range(4)) == 1_000_000
    log.unlink()
    log.mkdir()
    with pytest.raises(Unfit, match=r"output.log is a directory; it is not read"):
        next(following)
    for refused in (logs.tail, logs.tail_start):
        with pytest.raises(Unfit, match="is a directory"):
            refused(opening(log), 1)
