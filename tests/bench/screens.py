"""What a terminal gets: when the first rows and the whole board are there, and how many bytes for what changes."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from runboard.control import Control
from runboard.store import Store
from tests.bench.figures import Figure
from tests.bench.fleet import fleet
from tests.program import COMMAND, environment
from tests.waiting import until

BARE = """
from textual.app import App
from textual.widgets import Static


class Bare(App[None]):
    def compose(self):
        yield Static("as little as can be")


Bare().run()
"""
WINDOW = (120, 40)
ROUNDS = 12
QUIET_SECONDS = 10.0
ROWS = b"nightly tests"
WHOLE = b" quit"
"""What the board shows when its last line is there."""


class Pty:
    """A program in a pty that is only drained: what it wrote, and when; the one question it may ask is answered."""

    def __init__(self, argv: Sequence[str], more: Mapping[str, str]) -> None:
        """Start it."""
        self.written = bytearray()
        self.begun = time.perf_counter()
        self._master, slave = os.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", WINDOW[1], WINDOW[0], 0, 0))
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        opening = (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0)
        copies = [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        env = {**environment(), **terminal, **more}
        self.pid = os.posix_spawnp(argv[0], list(argv), env, file_actions=[opening, *copies], setsid=True)
        os.close(slave)

    def drain(self, seconds: float) -> int:
        """Read for so long; how many bytes came."""
        before, deadline = len(self.written), time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self._read(left)
        return len(self.written) - before

    def when(self, text: bytes, limit: float = 60.0) -> float:
        """Milliseconds from the start until a text has been written."""
        while text not in self.written:
            if time.perf_counter() - self.begun > limit:
                raise AssertionError(f"{text!r} was not written within {limit} s")
            self._read(0.5)
        return (time.perf_counter() - self.begun) * 1e3

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._master, keys)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)

    def _read(self, limit: float) -> None:
        """Read once, if something comes in time."""
        if select.select([self._master], [], [], limit)[0]:
            data = os.read(self._master, 65536)
            self.written += data
            if b"\x1b[?2026$p" in data:
                os.write(self._master, b"\x1b[?2026;2$y")


@contextmanager
def running(argv: Sequence[str], **more: str) -> Iterator[Pty]:
    """A program in a pty, ended afterwards."""
    program = Pty(argv, more)
    try:
        yield program
    finally:
        program.close()


def board(runs: Path) -> list[str]:
    """The board on these runs."""
    return [*COMMAND, "--runs-dir", str(runs)]


def starting(place: Path) -> list[Figure]:
    """From exec to rows and to the whole board on ten runs, in turns with a bare Textual app and a peer."""
    runs = place / "runs"
    fleet(runs, 10)
    for run_id in os.listdir(runs):  # by name the rows are known from everything else that is written
        path = runs / run_id / "run.json"
        path.write_bytes(path.read_bytes().replace(b'"id"', b'"name": "nightly tests", "id"', 1))
    (place / "bare.py").write_text(BARE, "utf-8")
    peer = peer_of(place)
    rows, whole, bare, peers = [], [], [], []
    for _ in range(ROUNDS):
        with running(board(runs), XDG_CACHE_HOME=str(place)) as ours:
            rows.append(ours.when(ROWS))
            whole.append(ours.when(WHOLE))
        with running([sys.executable, str(place / "bare.py")]) as app:
            bare.append(app.when(b"as little as can be"))
        if peer:
            with running(peer) as other:
                peers.append(other.when(b"Pid:" if peer == ["btop"] else b"alpha"))
    name = "no btop, no mprocs" if peer is None else Path(peer[0]).name
    return [
        Figure("first rows, 10 runs", "ms", rows, name, peers, "<= 1.5x" if peer else "median <= 50"),
        Figure("whole board, 10 runs", "ms", whole, "bare Textual app", bare, "<= 1.3x"),
    ]


def peer_of(place: Path) -> list[str] | None:
    """A board of processes that is installed here."""
    if program := shutil.which("mprocs"):
        config = place / "mprocs.yaml"
        config.write_text("procs:\n  alpha: {shell: sleep 100}\n", "utf-8")
        return [program, "--config", str(config)]
    return ["btop"] if shutil.which("btop") else None


def starting_large(place: Path) -> list[Figure]:
    """The whole board at 100,000 finished and 1,000 live runs, in turns with ten runs; the index is there."""
    few, many = place / "few", place / "many"
    fleet(few, 10)
    store = fleet(many, 100_000, 1_000)
    caches = str(place / "caches")
    small, large = [], []
    try:
        with running(board(many), XDG_CACHE_HOME=caches) as first:
            first.when(WHOLE)
            first.drain(30.0)
        for _ in range(5):
            with running(board(few), XDG_CACHE_HOME=caches) as one:
                small.append(one.when(WHOLE))
            with running(board(many), XDG_CACHE_HOME=caches) as one:
                large.append(one.when(WHOLE))
    finally:
        end(store)
    over = [later - sooner for later, sooner in zip(large, small, strict=True)]
    return [Figure("whole board at 101,000 runs, over 10 runs", "ms", over, "", [], "median <= 400")]


def sent(place: Path) -> list[Figure]:
    """Bytes to the terminal: of a board where nothing changes, of 30 live rows, of a cursor move; htop beside."""
    still, lively = place / "still", place / "lively"
    fleet(still, 100)
    store = Store(str(lively))
    for number in range(30):
        Control(store).start(["sleep", "1000"], name=f"sleeper {number}")
    try:
        nothing, moves = quiet(still, moving=True)
        ticking, _ = quiet(lively)
        plain, _ = quiet(lively, TERM="xterm", COLORTERM="")
    finally:
        end(store)
    full, few = htop("xterm-256color"), htop("xterm")
    against = "htop -d 10" if full else "htop is not installed"
    return [
        Figure("bytes: nothing changes", "B/s", nothing, "", [], "median <= 0"),
        Figure("bytes: 30 live rows", "B/s", ticking, against, full, "<= 2x"),
        Figure("bytes: 30 live rows, 16 colours", "B/s", plain, against, few, "<= 1x"),
        Figure("bytes: one cursor move", "B", moves, "", [], "median <= 500"),
    ]


def quiet(runs: Path, *, moving: bool = False, **terminal: str) -> tuple[list[float], list[float]]:
    """Bytes a second of a board that nobody touches, and with ``moving`` those of each step of the cursor after it."""
    moves: list[float] = []
    with running(board(runs), XDG_CACHE_HOME=str(runs.parent / "caches"), **terminal) as program:
        program.when(WHOLE)
        program.drain(8.0)
        samples = [program.drain(QUIET_SECONDS) / QUIET_SECONDS for _ in range(3)]
        if moving:
            program.press(b"2")  # the answer's pane is empty: only the cursor moves
            program.drain(1.0)
            for _ in range(10):
                program.press(b"j")
                moves.append(float(program.drain(0.5)))
    return samples, moves


def htop(terminal: str) -> list[float]:
    """Bytes a second of htop that looks once a second; none where it is not installed."""
    if not shutil.which("htop"):
        return []
    with running(["htop", "-d", "10"], TERM=terminal) as program:
        program.drain(4.0)
        return [program.drain(QUIET_SECONDS) / QUIET_SECONDS for _ in range(3)]


def end(store: Store) -> None:
    """End the runs that sleep."""
    pids = [run.process.pid for run in map(store.read, store.ids()) if run.active and run.process.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(not Path(f"/proc/{pid}").exists() for pid in pids), 60)
