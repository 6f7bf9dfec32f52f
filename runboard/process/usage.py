"""What the processes of runs use: processor time between two looks, and memory; one look serves many runs."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import NamedTuple

from runboard.model import Run
from runboard.process.kernel import boot_clock
from runboard.process.membership import Look, Member, out_of_sight, tree_in
from runboard.process.table import HAS_PROC

_TICKS = os.sysconf("SC_CLK_TCK") if HAS_PROC else 100

Key = tuple[int, int]
"""A process: its pid and its start ticks."""


class Usage(NamedTuple):
    """What one process uses, and where it stands in its tree.

    ``cpu`` is the share of one processor since the last look, None at the first; ``memory`` is resident, in bytes,
    pages shared with others included; ``age`` is in seconds; ``depth`` counts its ancestors within the run.
    """

    member: Member
    cpu: float | None
    memory: int
    age: float
    depth: int


class Load(NamedTuple):
    """What a run's whole tree uses: processors, None where that is not known yet, and bytes of memory."""

    cpu: float | None
    memory: int


class Gauge:
    """Remembers the last look, for what is used since; not for two threads at once."""

    def __init__(self) -> None:
        """Begin without a look to compare with."""
        self._ticks: dict[Key, int] = {}
        self._at = 0.0

    def processes(self, run: Run) -> list[Usage]:
        """The processes of a run's tree, each after its parent; none where they cannot be seen from here."""
        return self._read([run]).get(run.id, [])

    def loads(self, runs: Sequence[Run]) -> dict[str, Load]:
        """What the trees of these runs use, by their ids; those without a process are left out."""
        return {run_id: _sum(tree) for run_id, tree in self._read(runs).items() if tree}

    def _read(self, runs: Sequence[Run]) -> dict[str, list[Usage]]:
        """Every run's tree in one look at all processes."""
        here = [run for run in runs if run.active and not out_of_sight(run)]
        if not here:
            self._ticks = {}
            return {}
        now, uptime = time.monotonic(), boot_clock() if HAS_PROC else time.time()
        look = Look()
        trees = {run.id: tree_in(look, run) for run in here}
        passed, before = now - self._at, self._ticks
        self._at, self._ticks = (
            now,
            {_key(one): look.stats[one.pid].cpu_ticks for tree in trees.values() for one in tree},
        )

        def measured(member: Member, depth: int) -> Usage:
            """One process as it stands, against the last look."""
            stat, age = look.stats[member.pid], max(0.0, uptime - member.start_ticks / _TICKS)
            earlier = before.get(_key(member), 0 if before and age < passed else None)
            used = None if earlier is None else max(0, stat.cpu_ticks - earlier) / _TICKS / max(passed, 0.01)
            return Usage(member, used, stat.resident, age, depth)

        return {run_id: [measured(*place) for place in _placed(tree)] for run_id, tree in trees.items()}


def _placed(members: Sequence[Member]) -> list[tuple[Member, int]]:
    """Processes with their depths, each behind its parent, in the order in which they began."""
    pids = {member.pid for member in members}
    below: dict[int, list[Member]] = {}
    for member in sorted(members, key=lambda one: (one.start_ticks, one.pid), reverse=True):
        below.setdefault(member.ppid if member.ppid in pids else 0, []).append(member)
    placed, waiting = list[tuple[Member, int]](), [(member, 0) for member in below.get(0, ())]
    while waiting:
        member, depth = waiting.pop()
        placed.append((member, depth))
        waiting += [(child, depth + 1) for child in below.get(member.pid, ())]
    return placed


def _sum(tree: Sequence[Usage]) -> Load:
    """What a tree uses together."""
    known = [one.cpu for one in tree if one.cpu is not None]
    return Load(sum(known) if known else None, sum(one.memory for one in tree))


def _key(member: Member) -> Key:
    """What makes a process that process."""
    return member.pid, member.start_ticks
