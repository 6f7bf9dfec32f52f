"""What is measured: from a process's exit to its record and its row, launching, starting up, and doing nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runboard.control import Control
from runboard.store import Store
from tests.bench.clearing import clearing
from tests.bench.figures import Figure
from tests.bench.fleet import sleepers
from tests.bench.index import listing
from tests.bench.killer import Killer
from tests.bench.large import burst, churn, large
from tests.bench.logs import following, large_log, peers
from tests.bench.screens import sent, starting, starting_large
from tests.bench.transcripts import folding
from tests.program import COMMAND, environment
from tests.terminal import Terminal
from tests.waiting import until

POLLER = """
import os, sys, time
pids = set(map(int, sys.argv[1:]))
while pids:
    for pid in list(pids):
        try:
            state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
        except OSError:
            state = "X"
        if state in "ZX":
            print(pid, time.time(), flush=True)
            pids.discard(pid)
    time.sleep(1)
"""


def end_all(store: Store) -> None:
    """Kill what a measure left running, and wait until it is gone."""
    pids = [run.process.pid for run in map(store.read, store.ids()) if run.active and run.process.pid]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    until(lambda: all(not Path(f"/proc/{pid}").exists() for pid in pids), 60)


@contextmanager
def looking(runs: Path) -> Iterator[int]:
    """A process that settles as a board does; yields its pid."""
    argv = [*COMMAND, "--runs-dir", str(runs), "reconcile", "--forever"]
    looker = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment())
    try:
        time.sleep(1.5)  # not a fact to wait for: it has nothing to say until something ends
        yield looker.pid
    finally:
        looker.terminate()
        looker.wait(10)


def exit_to_record(place: Path) -> list[Figure]:
    """From the kill of a command to its run.json being final, a reconciler looking, and a 1 s poller beside it."""
    store = Store(str(place / "runs"))
    runs = sleepers(store, 100)
    pids = [run.process.pid or 0 for run in runs]
    poller = subprocess.Popen(
        [sys.executable, "-c", POLLER, *map(str, pids)], stdout=subprocess.PIPE, text=True, env=environment()
    )
    killed: dict[int, float] = {}
    samples = []
    with looking(place / "runs"), Killer() as killer:
        for run, pid in zip(runs, pids, strict=True):
            killed[pid] = time.time()
            kill = killer.kill(pid, f"{store.path(run.id)}/run.json")
            samples.append((kill.final - kill.asked) * 1e3)
            time.sleep(0.02)
    noticed = [line.split() for line in poller.communicate(timeout=10)[0].splitlines()]
    polled = [(float(at) - killed[int(pid)]) * 1e3 for pid, at in noticed]
    aim = "median <= 5, p99 <= 25"
    return [Figure("exit to run.json final", "ms", samples, "1 s poller notices", polled, aim)]


def exit_to_row(place: Path) -> list[Figure]:
    """From the kill of a command to its row being painted in a real terminal."""
    store = Store(str(place / "runs"))
    runs = sleepers(store, 30)
    samples = []
    argv = [*COMMAND, "--runs-dir", str(place / "runs")]
    with Terminal(argv, 120, 40) as board:
        board.wait_for("sleeper 29", 20)
        board.wait_for("30 running", 20)
        board.wait_for("q quit", 20)  # the first frame shows the runs already, and is not looking yet
        time.sleep(1.0)
        for left, run in zip(range(len(runs) - 1, -1, -1), runs, strict=True):
            begun = time.time()
            os.kill(run.process.pid or 0, signal.SIGKILL)
            board.wait_for(f"{len(runs) - left} failed", 5)
            samples.append((time.time() - begun) * 1e3)
            time.sleep(0.15)
        board.press("q")
    return [Figure("exit to row painted", "ms", samples, "", [], "median <= 50")]


def settled(store: Store, run_id: str) -> None:
    """Wait until a run's ending is on disk, so that its successor does not compete with what is measured next."""
    until(lambda: not store.read(run_id).active, 10)
    time.sleep(0.1)


def launching(place: Path) -> list[Figure]:
    """From asking for a run to its pid being on disk, over a bare spawn of the same command."""
    store = Store(str(place / "runs"))
    control = Control(store)
    bare, ours = [], []
    for _ in range(40):
        begun = time.perf_counter()
        child = os.posix_spawnp("true", ["true"], os.environ)
        bare.append((time.perf_counter() - begun) * 1e3)
        os.waitpid(child, 0)
        begun = time.perf_counter()
        run = control.start(["true"])
        ours.append((time.perf_counter() - begun) * 1e3)
        settled(store, run.id)
    return [Figure("launch", "ms", ours, "bare spawn", bare, "<= 15 ms over it")]


def timed(argv: list[str]) -> float:
    """Wall milliseconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run(
        argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        check=True,
        env=environment(),
    )
    return (time.perf_counter() - begun) * 1e3


def ps_start(place: Path) -> list[Figure]:
    """Start-up of ps on ten finished runs against a Python that does nothing, in turns."""
    store = Store(str(place / "runs"))
    for _ in range(10):
        Control(store).start(["true"])
    until(lambda: not any(store.read(run_id).active for run_id in store.ids()), 20)
    program = str(Path(sys.executable).with_name("runboard"))
    pairs = [
        (timed([sys.executable, "-c", "pass"]), timed([program, "--runs-dir", store.root, "ps"])) for _ in range(30)
    ]
    bare, ours = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return [Figure("ps start-up", "ms", ours, "python -c pass", bare, "<= 5x")]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idling(place: Path) -> list[Figure]:
    """CPU of an open board with 1,000 live runs that say nothing, over half a minute, in percent of a core."""
    store = Store(str(place / "runs"))
    sleepers(store, 1_000)
    samples = []
    try:
        with Terminal([*COMMAND, "--runs-dir", str(place / "runs")], 120, 40) as board:
            board.wait_for("1000 running", 60)
            time.sleep(5.0)
            for _ in range(6):
                begun, before = time.monotonic(), cpu_seconds(board.process)
                time.sleep(5.0)
                samples.append((cpu_seconds(board.process) - before) / (time.monotonic() - begun) * 100)
            board.press("q")
    finally:
        end_all(store)
    return [Figure("idle board, 1,000 live runs", "% CPU", samples, "", [], "< 0.5")]


MEASURES: dict[str, Callable[[Path], list[Figure]]] = {
    "exit_to_record": exit_to_record,
    "exit_to_row": exit_to_row,
    "launching": launching,
    "ps_start": ps_start,
    "idling": idling,
    "transcripts": folding,
    "index": listing,
    "starting": starting,
    "starting_large": starting_large,
    "sent": sent,
    "clearing": clearing,
    "large_log": large_log,
    "following": following,
    "log_peers": peers,
    "large": large,
    "churn": churn,
    "burst": burst,
}
"""Every measure by name."""
