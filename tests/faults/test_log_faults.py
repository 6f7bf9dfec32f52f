"""A log that is taken away, cut, swapped, or floods while it is shown: the pane says what happened, and keys answer."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.table import Table
from tests.faults.test_disks import answers, board_on
from tests.program import record, runboard, start
from tests.terminal import Terminal
from tests.waiting import until

FAULT = "a log is deleted, cut, rotated, replaced, a FIFO, floods"

PER_SECOND = 200_000_000
"""Bytes that a flood brings each second."""

FLOOD = """
import sys, time
block = (b"flood " * 20 + b"\\n") * 8192
with open(sys.argv[1], "ab", buffering=0) as log:
    began, sent = time.monotonic(), 0
    while sent < int(sys.argv[3]):
        sent += log.write(block)
        time.sleep(max(0, began + sent / int(sys.argv[2]) - time.monotonic()))
    log.write(b"the flood is over\\n")
"""

NAIVE = """
import sys, time
log = open(sys.argv[1])
print("open", flush=True)
while True:
    print(log.read(), end="", flush=True)
    time.sleep(0.02)
"""
"""A tail as one writes it: opened once, and read on."""


def truncated(log: Path) -> None:
    """Begin the file anew, in place."""
    log.write_text("cut off\n")


def rotated(log: Path) -> None:
    """Move the file aside, as logrotate does, and begin another."""
    log.rename(log.with_suffix(".1"))
    log.write_text("rotated\n")


def replaced(log: Path) -> None:
    """Put another file in its place at one stroke, of the very same size."""
    other = log.with_suffix(".new")
    other.write_bytes(log.read_bytes().replace(b"before", b"AFTER!"))
    other.replace(log)


def deleted(log: Path) -> None:
    """Take it away."""
    log.unlink()


def fifo(log: Path) -> None:
    """Put something in its place that blocks whoever opens it."""
    log.unlink()
    os.mkfifo(log)


FAULTS: dict[Callable[[Path], None], tuple[str, str]] = {
    truncated: ("was truncated", "cut off"),
    rotated: ("was replaced", "rotated"),
    replaced: ("was replaced", "AFTER!"),
    deleted: ("was deleted", ""),
    fifo: ("a FIFO", ""),
}
"""What is done to a log, what the pane must say of it, and what it must show afterwards."""


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Path]:
    """The log of a run that lives and says nothing by itself."""
    root = tmp_path / "runs"
    run_id = start(root, "--", "sleep", "600")
    yield root / run_id / "output.log"
    assert record(root, run_id)["status"] == "running"
    runboard(root, "kill", "-s", "KILL", run_id)


def anew(log: Path, number: int) -> str:
    """Let the log be a plain file again, that holds what no other round holds."""
    log.unlink(missing_ok=True)
    log.write_text(f"before {number}\n" * 3)
    return f"before {number}"


def memory(board: Terminal) -> int:
    """Kilobytes of memory that a board has."""
    return int(Path(f"/proc/{board.process}/status").read_text().partition("VmRSS:")[2].split()[0])


def test_the_pane_says_what_became_of_the_log(live: Path, table: Table) -> None:
    """Each fault is told, the bytes of before go, those of after come, keys answer, and a plain file is shown again."""
    with board_on(live.parent.parent) as board:
        for number, (fault, (said, shown)) in enumerate(FAULTS.items()):
            before = anew(live, number)
            board.wait_for(before, 20)
            fault(live)
            board.wait_for(said, 20)
            board.wait_for(shown, 20)
            board.wait_gone(before, 20)
            answers(board)
        board.press("q")
        assert board.wait_exit() == 0
    table.tell(FAULT, len(FAULTS), 0)


@pytest.mark.parametrize("size", [PER_SECOND, pytest.param(PER_SECOND * 10, marks=pytest.mark.nightly)])
def test_a_flood_is_followed_in_little_memory(live: Path, table: Table, size: int) -> None:
    """At 200 MB a second keys answer, the board's memory stays as it was, and the last line is shown at the end."""
    anew(live, 0)
    with board_on(live.parent.parent) as board:
        board.wait_for("before 0", 20)
        answers(board)
        before = memory(board)
        argv = [sys.executable, "-c", FLOOD, str(live), str(PER_SECOND), str(size)]
        with subprocess.Popen(argv) as flood:
            board.wait_for("flood flood", 20)
            answers(board)
            assert flood.poll() is None or size == PER_SECOND
        assert flood.returncode == 0
        board.wait_for("the flood is over", 20)
        assert memory(board) < before + 20_000
    table.tell(FAULT, 1, 0)


def test_a_plain_tail_is_stuck(tmp_path: Path, table: Table) -> None:
    """The control: opened once, a log's successor is never seen; and of a FIFO the opening itself never ends."""
    stuck = 0
    for number, fault in enumerate((rotated, replaced, deleted, fifo)):
        log = tmp_path / f"{number}.log"
        anew(log, number)
        if fault is fifo:
            fault(log)
        with subprocess.Popen([sys.executable, "-c", NAIVE, str(log)], stdout=subprocess.PIPE, text=True) as tail:
            assert tail.stdout is not None
            os.set_blocking(tail.stdout.fileno(), False)
            heard = bytearray()

            def hear() -> bytes:
                assert tail.stdout is not None
                with suppress(BlockingIOError):
                    heard.extend(os.read(tail.stdout.fileno(), 65536))  # noqa: B023
                return bytes(heard)  # noqa: B023

            if fault is not fifo:
                until(lambda: b"before" in hear())
                fault(log)
            if fault not in {deleted, fifo}:
                with log.open("a") as file:
                    file.write("later\n")
            time.sleep(0.3)  # for what it would say, if it said anything
            stuck += b"later" not in hear() and (fault is not fifo or b"open" not in hear())
            tail.kill()
    table.control(FAULT, 4, stuck)
    assert stuck == 4
