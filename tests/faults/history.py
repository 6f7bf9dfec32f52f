"""A model of what may be believed of runs, and a check of what shim, settlers, verbs and boards did believe.

Settlers, verbs and boards append what they believe where ``tests.faults.witness`` runs them: the product itself has no
such mode, which a run's environment might switch on. What a shim believes is read from its own two records.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runboard.lenient import as_time

OVER = {"completed", "failed"}
STATES = {"queued", "running"} | OVER


class Belief(NamedTuple):
    """Somebody (a kind and a pid, as in ``settler 12``) takes a run to have come from one state to another."""

    at: float
    run: str
    before: str
    after: str
    who: str


def tell(path: str, kind: str, run_id: str, before: str, after: str) -> None:
    """Append a belief of this process by one write."""
    line = json.dumps(Belief(time.time(), run_id, before, after, f"{kind} {os.getpid()}")._asdict()) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, line.encode())
    os.close(file)


def read(path: Path, runs: Path) -> list[Belief]:
    """All beliefs in their order, those of the shims first."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [*_of_shims(runs), *(Belief(**json.loads(line)) for line in lines)]


def _of_shims(runs: Path) -> Iterator[Belief]:
    """What the shims' own records say: that a command began, and that it ended."""
    for name, before, after in (("started.json", "", "running"), ("exit.json", "running", "over")):
        for file in sorted(runs.glob(f"[0-9a-f]*/{name}")):
            doc = json.loads(file.read_bytes())
            yield Belief(doc["at"], file.parent.name, before, after, "shim")


def records(runs: Path) -> dict[str, Mapping[str, Any]]:
    """The record of every run as it is on the disk."""
    return {file.parent.name: json.loads(file.read_bytes()) for file in runs.glob("[0-9a-f]*/run.json")}


def wrongs(beliefs: Sequence[Belief], disk: Mapping[str, Mapping[str, Any]], boards: Iterable[str] = ()) -> list[str]:
    """What no true history holds: two endings, an invented state, a way back, an end before the start, a stale board.

    ``boards`` are those who looked to the very end: what they believe last must be what is on the disk.
    """
    found: list[str] = []
    last: dict[tuple[str, str], str] = {}
    endings = dict.fromkeys(disk, 0)
    for one in beliefs:
        if one.who == "shim":
            continue
        true = disk[one.run]["status"] if one.run in disk else "nothing"
        if one.after not in STATES or (one.after in OVER and one.after != true):
            found.append(f"{one.who} believed {one.run} {one.after}, and it is {true}")
        if last.get((one.who, one.run)) in OVER and one.after not in OVER:
            found.append(f"{one.who} took {one.run} back to {one.after}")
        last[one.who, one.run] = one.after
        if one.who.startswith("settler") and one.before not in OVER and one.after in OVER:
            endings[one.run] = endings.get(one.run, 0) + 1
    for run_id, doc in disk.items():
        if endings[run_id] != (doc["status"] in OVER):
            found.append(f"{run_id} is {doc['status']} and was ended {endings[run_id]} times")
        start, end = as_time(doc.get("startedAt")), as_time(doc.get("completedAt"))
        if start is not None and end is not None and end < start:
            found.append(f"{run_id} ended before it began")
        found += [
            f"{who} shows {run_id} {last.get((who, run_id))}, and it is {doc['status']}"
            for who in boards
            if last.get((who, run_id)) != doc["status"]
        ]
    return found + _shim_wrongs(beliefs, disk)


def _shim_wrongs(beliefs: Sequence[Belief], disk: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A command ended after it began, and no run goes on whose shim has said that it ended."""
    began = {one.run: one.at for one in beliefs if one.who == "shim" and one.after == "running"}
    ended = {one.run: one.at for one in beliefs if one.who == "shim" and one.after == "over"}
    found = [f"the shim of {run} saw its end before its beginning" for run in ended if ended[run] < began.get(run, 0)]
    return found + [
        f"{run} has ended, and is {disk[run]['status']}" for run in ended if disk[run]["status"] not in OVER
    ]
