"""What clearing 10,000 runs takes: ``clean`` against mv, ``trash empty`` against rm -rf of as many."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.fleet import fleet
from tests.program import environment

RUNS = 10_000
ROUNDS = 3


def clearing(place: Path) -> list[Figure]:
    """Both, in turns with their floors, on runs with a record, a log and an answer each."""
    moved, floor_moved, emptied, floor_emptied = [], [], [], []
    program = str(Path(sys.executable).with_name("runboard"))
    for turn in range(ROUNDS):
        ours, theirs = (filled(place / f"{name}{turn}") for name in ("ours", "theirs"))
        (place / f"aside{turn}").mkdir()
        floor_moved.append(timed(["sh", "-c", f"mv {theirs}/* {place}/aside{turn}"]))
        moved.append(timed([program, "--runs-dir", str(ours), "clean", "-y"]))
        floor_emptied.append(timed(["rm", "-rf", f"{place}/aside{turn}"]))
        emptied.append(timed([program, "--runs-dir", str(ours), "trash", "empty", "-y"]))
    return [
        Figure("clean of 10,000 runs", "s", moved, "mv", floor_moved, ""),
        Figure("trash empty of 10,000 runs", "s", emptied, "rm -rf", floor_emptied, "<= 3x"),
    ]


def filled(root: Path) -> Path:
    """A directory of finished runs with the files that such a run has."""
    store = fleet(root, RUNS)
    for run_id in store.ids():
        for name, text in (("output.log", "line\n" * 200), ("response.md", "done\n"), ("exit.json", "{}")):
            (root / run_id / name).write_text(text, "utf-8")
    return root


def timed(argv: list[str]) -> float:
    """Wall seconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run(argv, capture_output=True, check=True, stdin=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - begun
