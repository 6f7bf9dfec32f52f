"""A log that is spoiled while the board shows it: the pane says what happened, keys answer, memory stays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from runboard.store import Store
from tests.faults.table import Table
from tests.faults.test_disks import answers, begun, board_on
from tests.waiting import until

FAULT = "a log is spoiled while it is shown"

FAST = 200 << 20
"""Bytes a second."""

ROOM = 48 << 20
"""Bytes that a board may take more while a log grows by many times that."""


def truncated(log: Path) -> None:
    """Empty it, and write on."""
    os.truncate(log, 0)
    log.open("ab").write(b"after the truncation\n")


def rotated(log: Path) -> None:
    """Move it away, and begin another."""
    log.rename(log.with_suffix(".1"))
    log.write_bytes(b"after the rotation, at some length\n")


def rewritten(log: Path) -> None:
    """Write another text of the same length over it."""
    with log.open("r+b") as file:
        file.write(b"x" * (log.stat().st_size - 1))


def deleted(log: Path) -> None:
    """Take it away."""
    log.unlink()


def fifo(log: Path) -> None:
    """Put a FIFO in its place, which nobody writes to."""
    os.mkfifo(log)


def back(log: Path) -> None:
    """Put a file in its place again."""
    log.unlink()
    log.write_bytes(b"a log once more\n")


SPOILED: tuple[tuple[Callable[[Path], None], tuple[str, ...]], ...] = (
    (truncated, ("output.log was truncated", "after the truncation")),
    (rotated, ("output.log was replaced by another file", "after the rotation")),
    (rewritten, ("output.log was rewritten", "xxxxxxxx")),
    (deleted, ("output.log was deleted",)),
    (fifo, ("is a FIFO",)),
    (back, ("a log once more",)),
)
"""What happens to the log, and what the pane has to show then."""


@contextmanager
def growing(log: Path) -> Iterator[Callable[[], float]]:
    """A writer that appends ``FAST`` bytes a second; says how fast it has been."""
    done, block = threading.Event(), b"a line of sixty-four bytes, as long as lines of logs are, more or\n" * 16384
    since, written = time.monotonic(), 0

    def write() -> None:
        """Append, and wait where that was faster than it had to be."""
        nonlocal written
        with log.open("ab", buffering=0) as file:
            while not done.is_set():
                written += file.write(block)
                done.wait(since + written / (FAST * 1.2) - time.monotonic())

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: written / (time.monotonic() - since)
    finally:
        done.set()
        writer.join()
        os.truncate(log, 0)


def test_a_log_that_is_spoiled_is_told_and_stops_no_key(tmp_path: Path, table: Table) -> None:
    """Truncated, rotated, rewritten, deleted, a FIFO, back again: each is told; at 200 MB/s keys answer in 40 MB."""
    runs, go = tmp_path / "runs", tmp_path / "go"
    run = begun(runs, go)
    log = Path(Store(str(runs)).path(run.id), "output.log")
    log.open("ab").write(b"the first line\n")
    with board_on(runs) as board:
        board.wait_for("the first line", 20)
        for spoil, shown in SPOILED:
            spoil(log)
            for text in shown:
                board.wait_for(text)
            answers(board)
            table.tell(FAULT, 1, 0)
        memory = psutil.Process(board.process).memory_info
        before = memory().rss
        with growing(log) as rate:
            board.wait_for("skipped")
            for _ in range(3):
                answers(board)
            until(lambda: log.stat().st_size > 4 * ROOM, 10, "it has grown")
            assert memory().rss - before < ROOM
            assert rate() > FAST / 2, f"{rate():.0f} bytes a second are no storm"
        table.tell(FAULT, 1, 0)
        go.touch()
        board.wait_for("Exited with code 4", 20)
        board.press("q")
        assert board.wait_exit() == 0


def test_who_keeps_a_descriptor_shows_what_is_no_more_and_who_opens_plainly_hangs(tmp_path: Path, table: Table) -> None:
    """The control: an open file shows nothing of a rotated or rewritten log, and a plain open waits for a FIFO."""
    log = tmp_path / "output.log"
    log.write_bytes(b"the first line\n")
    harm = 0
    with log.open("rb") as file:
        for spoil in (truncated, rotated):
            file.seek(0, os.SEEK_END)
            spoil(log)
            harm += file.read() == b""
    deleted(log)
    fifo(log)
    with subprocess.Popen([sys.executable, "-c", "import sys; open(sys.argv[1]).read()", log]) as plain:
        wait = Path(f"/proc/{plain.pid}/wchan")
        until(lambda: "fifo" in wait.read_text("utf-8") or plain.poll() is not None, 5, "it waits in the kernel")
        harm += plain.poll() is None
        plain.kill()
    table.control(FAULT, 3, harm)
