"""The board at its full size: 100,000 finished and 1,000 live runs, changes by the thousand, and a burst of endings."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from textual.color import Color

from runboard.control import Control
from runboard.model import Run
from runboard.process import identity_of
from runboard.store import Store
from runboard.ui.theme import DARK
from tests.bench import fleet
from tests.bench.figures import Figure
from tests.bench.glass import Glass, rss
from tests.bench.killer import Kill, Killer
from tests.program import COMMAND
from tests.terminal import Terminal
from tests.waiting import until

FIRST_ROW = 4
"""The line of the screen, from 1, on which the first run stands at 120x40."""

FINISHED, LIVE, RATE, BURST = 100_000, 1_000, 1_000, 10_000
EXITS = 200
"""Of a hundred one alone would be the 99th percentile."""


def cpu(pid: int, seconds: float, times: int) -> list[float]:
    """Percent of a core that a process takes, in several spans of so many seconds."""
    samples = []
    for _ in range(times):
        begun, before = time.monotonic(), spent(pid)
        time.sleep(seconds)
        samples.append((spent(pid) - before) / (time.monotonic() - begun) * 100)
    return samples


def spent(pid: int) -> float:
    """Seconds of CPU that a process has taken, all its threads, by nanoseconds."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with suppress(OSError), open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


@contextmanager
def no_more(store: Store) -> Iterator[None]:
    """When it is over nothing that was started runs: the shims are killed first, so that nobody settles."""
    try:
        yield
    finally:
        runs = [run for run in map(store.read, store.ids()) if run.active]
        pids = [pid for run in runs for pid in (run.process.shim_pid, run.process.pid) if pid]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60)


MEASURING = 8.0
"""Per cent of a core: what measures sizes takes more, and a board that does not takes less."""


def large(place: Path) -> list[Figure]:
    """A board on real runs: memory, idle CPU, an exit to its record and its count, changes by another process."""
    store = fleet.fleet(place / "runs", FINISHED)
    runs = fleet.sleepers(store, LIVE)
    cache = str(place / "cache")
    argv = [*COMMAND, "--runs-dir", store.root]
    size = f"{FINISHED:,} finished + {LIVE:,} live runs"
    with no_more(store), Terminal(argv, env={"XDG_CACHE_HOME": cache}) as board:
        board.wait_for(f"{LIVE} running", 120)
        until_measured(board)
        memory = [rss(board.process)]
        idle = cpu(board.process, 5.0, 6)
        kills, painted = exits(store, board, runs[:EXITS])
        other = changes(store, board, LIVE - EXITS)
    ended = [(kill.final - kill.alive) * 1e3 for kill in kills]
    asked = [(kill.final - kill.asked) * 1e3 for kill in kills]
    aim = "median <= 5, p99 <= 25"
    return [
        Figure(f"memory of the board, {size}", "MB", memory, "", [], "<= 200"),
        Figure(f"idle board, {size}", "% CPU", idle, "", [], "< 1"),
        Figure(f"exit of one of {LIVE:,} live to run.json final", "ms", ended, "", [], aim),
        Figure(f"kill of one of {LIVE:,} live to run.json final", "ms", asked, "", [], aim),
        Figure(f"exit of one of {LIVE:,} live to painted", "ms", painted, "", [], "median <= 50, p99 <= 120"),
        Figure("another process's start or kill, on disk, to painted", "ms", other, "", [], "<= 100"),
    ]


def until_measured(board: Terminal, limit: float = 300.0) -> None:
    """Wait until the board has measured what all runs take on the disk, which it does once and for all, in the back."""
    deadline = time.perf_counter() + limit
    while cpu(board.process, 5.0, 1)[0] > MEASURING and time.perf_counter() < deadline:
        pass


def shown(board: Terminal, text: str, limit: float = 30.0) -> float:
    """When a text is first seen on the screen, looked at every millisecond."""
    deadline = time.perf_counter() + limit
    while text not in board.text():
        assert time.perf_counter() < deadline, f"{text!r} did not come:\n{board.text()}"
        time.sleep(0.001)
    return time.perf_counter()


def exits(store: Store, board: Terminal, runs: list[Run]) -> tuple[list[Kill], list[float]]:
    """Commands killed one by one, and milliseconds from the end of each to one running run less on the screen."""
    kills, painted = [], []
    with Killer() as killer:
        for left, run in enumerate(runs, 1):
            kills.append(killer.kill(run.process.pid or 0, f"{store.path(run.id)}/run.json"))
            painted.append((shown(board, f"{LIVE - left} running") - kills[-1].alive) * 1e3)
            time.sleep(0.3)
    return kills, painted


def changes(store: Store, board: Terminal, running: int) -> list[float]:
    """Milliseconds from a start or a kill by this process being on disk to the screen, in turns."""
    control, samples = Control(store), []
    for _ in range(20):
        run = control.start(["sleep", "10000"])
        begun = time.perf_counter()
        samples.append((shown(board, f"{running + 1} running") - begun) * 1e3)
        time.sleep(0.3)
        control.kill(run.id, grace=0.2)
        begun = time.perf_counter()
        samples.append((shown(board, f"{running} running") - begun) * 1e3)
        time.sleep(0.3)
    return [max(0.0, sample) for sample in samples]


def churn(place: Path) -> list[Figure]:
    """A board fed with rows by hand, of which 1,000 change each second: keys, CPU, and lag of its loop."""
    size = f"{FINISHED:,} rows, {RATE:,} updates/s"
    argv = [sys.executable, "-m", "tests.bench.churn", str(FINISHED), str(LIVE), str(RATE), str(place / "lag")]
    with Glass(argv) as board:
        board.wait(f"{LIVE} running".encode(), limit=60)
        time.sleep(8.0)
        busy = cpu(board.process, 5.0, 4)
        pressed = keys(board)
    with Glass([*argv, "lag"]) as board:
        board.wait(f"{LIVE} running".encode(), limit=60)
        until(lambda: (place / "lag").exists() and len((place / "lag").read_bytes()) > 30_000, 60)
    lag = json.loads((place / "lag").read_text("utf-8"))
    return [
        Figure(f"key press to painted row, {size}", "ms", pressed, "", [], "median <= 16, p99 <= 50"),
        Figure(f"CPU, {size}", "% CPU", busy, "", [], "<= 5"),
        Figure(f"lag of the loop, {size}", "ms", lag, "", [], "p99 <= 16"),
    ]


def ground() -> bytes:
    """How a line is begun that has the cursor on it."""
    red, green, blue = Color.parse(DARK.variables["cursor"]).rgb
    return f"48;2;{red};{green};{blue}".encode()


def keys(board: Glass) -> list[float]:
    """Milliseconds from a key that moves the cursor to the line it comes to, painted from its first cell on."""
    chance, samples, row = Random(1), [], FIRST_ROW
    for number in range(300):
        down = number % 20 < 10
        row += 1 if down else -1
        start, begun = board.send(b"j" if down else b"k")
        samples.append((board.wait(b"\x1b[%d;1H" % row, start) - begun) * 1e3)
        time.sleep(0.02 + chance.random() * 0.05)
    return samples


def burst(place: Path) -> list[Figure]:
    """10,000 live runs without shims are killed at once while keys are pressed; every record is checked."""
    store = Store(str(place / "runs"))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody has to collect them
    try:
        runs = [bare(store, number) for number in range(BURST)]
        with no_more(store), Glass([*COMMAND, "--runs-dir", store.root], XDG_CACHE_HOME=str(place / "cache")) as board:
            board.wait(f"{BURST} running".encode(), limit=120)
            time.sleep(10.0)
            start, begun = len(board.written), time.perf_counter()
            for run in runs:
                os.kill(run.process.pid or 0, signal.SIGKILL)
            pressed = moved(board, f"{BURST} failed".encode(), start)
            took = board.wait(f"{BURST} failed".encode(), start, 300) - begun
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    docs = [json.loads(Path(store.path(run.id), "run.json").read_bytes()) for run in runs]
    wrong = sum((doc["reason"], doc["signal"], len(doc["history"])) != ("signal", 9, 1) for doc in docs)
    return [
        Figure(f"{BURST:,} exits at once, until all are settled and shown", "s", [took], "", [], "<= 10"),
        Figure(f"of {BURST:,} exits at once, told wrong", "runs", [float(wrong)], "", [], "0"),
        Figure(f"key press to cursor painted during {BURST:,} exits", "ms", pressed, "", [], "answering"),
    ]


def bare(store: Store, number: int) -> Run:
    """A live run that nobody watches over but the board."""
    pid = os.posix_spawnp("sleep", ["sleep", "10000"], os.environ)
    who = identity_of(pid)
    assert who is not None
    command = ("sleep", "10000")
    return store.create(
        Run("", name=f"sleeper {number}", command=command, cwd="/", started_at=time.time(), process=who)
    )


def moved(board: Glass, end: bytes, start: int) -> list[float]:
    """Milliseconds from a key to the next line painted on the cursor's ground, until the ``end`` is shown."""
    samples: list[float] = []
    deadline = time.perf_counter() + 300
    while board.written.find(end, start) < 0 and time.perf_counter() < deadline:
        mark, begun = board.send(b"j" if len(samples) % 20 < 10 else b"k")
        samples.append((board.wait(ground(), mark, 60) - begun) * 1e3)
        time.sleep(0.1)
    return samples
