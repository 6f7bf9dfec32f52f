"""Logs too large to read: 10 GB opened and searched, 1 GB beside lnav and toolong, and one followed at 200 MB/s."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from hashlib import sha512
from pathlib import Path

from runboard.store import Store
from tests.bench.figures import Figure
from tests.bench.fleet import sleepers
from tests.bench.glass import Glass, rss, run
from tests.leaving import leave
from tests.program import COMMAND

ABSENT = "this is nowhere to be found"
LAST = b"the very last line"
_SPARE = 4 << 30
"""Bytes that are left free on the disk."""


def filled(path: Path, size: int) -> None:
    """Write a log of so many bytes, every one on the disk, with a last line of its own."""
    lines = (
        b"2026-09-21T14:%02d:%02d INFO worker-%d step %06d loss=0.%05d the quick brown fox jumps over the lazy dog\n"
        % (number // 60 % 60, number % 60, number % 8, number, number * 7919 % 100_000)
        for number in range(80_000)
    )
    block = b"".join(lines)
    with path.open("wb") as file:
        for _block in range(size // len(block)):
            file.write(block)
        file.write(LAST + b"\n")


def roomy(place: Path, size: int) -> bool:
    """Whether the disk has room for a log, told where it has not."""
    if shutil.disk_usage(place).free < size + _SPARE:
        print(f"skipped: a log of {size >> 30} GB needs more room than there is in {place}", file=sys.stderr)
        return False
    return True


def peak(pid: int) -> float:
    """Megabytes that a process had at most."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def empty_board(place: Path) -> float:
    """Megabytes of a board without any run."""
    with Glass([*COMMAND, "--runs-dir", str(place / "none")]) as board:
        board.wait(b"No runs")
        time.sleep(1)
        return rss(board.process)


def large_log(place: Path) -> list[Figure]:
    """10 GB: from the key to the tail on the screen, the search for what is not there, and the memory of both."""
    if not roomy(place, 10 << 30):
        return []
    log = leave(place / "runs", "bbbb0002", age=120, log=b"") / "output.log"
    leave(place / "runs", "aaaa0001", age=60, log=b"a short log\n")
    filled(log, 10 << 30)
    tails, finds = [], []
    with Glass([*COMMAND, "--runs-dir", str(place / "runs")]) as board:
        board.wait(b"a short log")
        for _turn in range(20):
            mark, pressed = board.send(b"j")
            tails.append((board.wait(LAST, mark) - pressed) * 1e3)
            mark, _ = board.send(b"k")
            board.wait(b"a short log", mark)
        board.send(b"j")
        time.sleep(1)
        board.send(b"\t")
        peers: dict[str, list[float]] = {"rg -F": [], "grep -F": []}
        for turn in range(3):
            for name, took in peers.items():
                if shutil.which(name.split()[0]):
                    took.append(seconds([*name.split(), f"{ABSENT} {turn}", str(log)]))
            finds.append(found_nothing(board, f"{ABSENT} {turn}"))
        memory = peak(board.process)
    figures = [Figure("10 GB log: tail on screen", "ms", tails, "", [], "<= 50")]
    aim = "<= 1.3x"
    figures += [
        Figure("10 GB log: find an absent text", "s", finds, name, took, aim) for name, took in peers.items() if took
    ]
    above = [memory - empty_board(place)]
    return [*figures, Figure("10 GB log: memory above the empty board", "MB", above, "", [], "<= 64")]


def found_nothing(board: Glass, text: str) -> float:
    """Seconds from asking a board for a text to its word that there is none."""
    board.send(b"/")
    time.sleep(0.3)
    board.send(text.encode())
    time.sleep(0.3)
    mark, begun = board.send(b"\r")
    took = board.wait(b"not found", mark, 120) - begun
    board.send(b"\x1b")
    time.sleep(0.5)
    return took


def seconds(argv: list[str]) -> float:
    """Seconds that a search takes which finds nothing."""
    begun = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def peers(place: Path) -> list[Figure]:
    """1 GB open at its end: the peak memory of the board beside lnav's and toolong's, whichever is better."""
    log = leave(place / "runs", "aaaa0001", log=b"") / "output.log"
    filled(log, 1 << 30)
    with Glass([*COMMAND, "--runs-dir", str(place / "runs")]) as board:
        board.wait(LAST)
        board.send(b"\t")
        time.sleep(0.5)
        found_nothing(board, ABSENT)
        ours = peak(board.process)
    others: dict[str, float] = {}
    for name, argv in (("lnav", lnav()), ("toolong", toolong(place))):
        if argv is None:
            print(f"skipped: {name} is not to be had", file=sys.stderr)
        else:
            others[name] = settled_peak([*argv, str(log)])
    best = min(others, key=lambda name: others[name], default="")
    floor = [others[best]] if best else []
    return [Figure("1 GB log: peak memory", "MB", [ours], best, floor, "<= 0.25x")]


def settled_peak(argv: list[str]) -> float:
    """Megabytes that a viewer took at most by the time it had read for half a minute, or had nothing more to do."""
    with Glass(argv) as viewer:
        quiet, before = 0, -1.0
        for _half in range(60):
            time.sleep(0.5)
            used = sum(map(int, Path(f"/proc/{viewer.process}/stat").read_text().rpartition(")")[2].split()[11:13]))
            quiet = quiet + 1 if used - before < 3 else 0
            before = used
            if quiet >= 6:
                break
        return peak(viewer.process)


def lnav() -> list[str] | None:
    """How lnav is called, where it is installed."""
    return [found, "-n"][:1] if (found := shutil.which("lnav")) else None


def toolong(place: Path) -> list[str] | None:
    """How toolong is called, installed from PyPI in a place of its own."""
    try:
        run([sys.executable, "-m", "venv", str(place / "venv")])
        run([str(place / "venv/bin/pip"), "install", "-q", "toolong", "textual<1"])
    except subprocess.CalledProcessError:
        return None
    return [str(place / "venv/bin/tl")]


def line_of(number: int) -> bytes:
    """A line of a log that fills most of 200 columns and has next to no cell in common with the one before."""
    return b"%d %s\n" % (number, sha512(b"%d" % number).hexdigest().encode())


class Writer(threading.Thread):
    """Writes a log at an even rate."""

    def __init__(self, log: Path, rate: int, seconds: float) -> None:
        """Write ``rate`` bytes each second."""
        super().__init__(daemon=True)
        self._log, self._rate, self._seconds = log, rate, seconds
        self.ended = 0.0

    def run(self) -> None:
        """Write in steps of ten milliseconds, and a last line."""
        step = max(1, self._rate // 100)
        number, next_at, until = 0, time.perf_counter(), time.perf_counter() + self._seconds
        with open(self._log, "ab", buffering=0) as file:
            while time.perf_counter() < until:
                few = b"".join(line_of(number + more) for more in range(max(1, min(step // 140, 200))))
                file.write((few * (step // len(few) + 1))[:step].rsplit(b"\n", 1)[0] + b"\n")
                number += 200
                next_at += 0.01
                time.sleep(max(0.0, next_at - time.perf_counter()))
            file.write(LAST + b"\n")
        self.ended = time.perf_counter()


def following(place: Path) -> list[Figure]:
    """A live log at several rates: how late its last line is seen, and how many bytes a second go to the terminal."""
    figures = []
    for words, rate in (("200 MB/s", 200 << 20), ("100 kB/s", 100 << 10), ("2 kB/s", 2 << 10)):
        store = Store(str(place / str(rate)))
        (sleeper,) = sleepers(store, 1)
        log = Path(store.path(sleeper.id), "output.log")
        log.write_bytes(b"it begins\n")
        try:
            late, sent = follow(Path(store.root), log, rate)
        finally:
            os.kill(sleeper.process.pid or 0, signal.SIGKILL)
        figures += [Figure(f"log at {words}: bytes to the terminal", "kB/s", [sent], "", [], "<= 40")]
        figures += [Figure(f"log at {words}: last line seen after", "ms", [late], "", [], "<= 1000")]
        with suppress(OSError):
            os.unlink(log)
    return figures


def follow(root: Path, log: Path, rate: int) -> tuple[float, float]:
    """How many ms late the last line of a log is seen that is written for five seconds, and the kB/s that were sent."""
    argv = [*COMMAND, "--watch", "--runs-dir", str(root)]
    with Glass(argv, 200, 50) as board:
        board.wait(b"it begins")
        board.send(b"\t")
        board.send(b"z")
        time.sleep(1)
        writer, before = Writer(log, rate, 5.0), len(board.written)
        writer.start()
        writer.join()
        sent = (len(board.written) - before) / 5.0 / 1000
        seen = board.wait(LAST, before)
    return (seen - writer.ended) * 1e3, sent
