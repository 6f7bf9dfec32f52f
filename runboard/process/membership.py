"""Which processes belong to a run: by group, by descent and by mark, so that what hides from two the third finds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from runboard.model import Run
from runboard.process.place import other_boot, where
from runboard.process.procfs import Stat
from runboard.process.pulse import command_of_run
from runboard.process.table import (
    RUN_MARK,
    SETTLING_MARK,
    SHIM_MARK,
    ancestry,
    command_of,
    marks_of,
    owner_of,
    pids,
    read_stat,
)


class Member(NamedTuple):
    """One living process of a run; ``state`` is the kernel's letter, ``name`` what the kernel calls it."""

    pid: int
    ppid: int
    start_ticks: int
    state: str
    name: str
    command: tuple[str, ...]
    uid: int


def members(run: Run, known: Iterable[tuple[int, int]] = ()) -> list[Member]:
    """Every living process of a run's tree, in the order of their pids; none where it cannot be seen from here.

    Its command and that one's group; what descends from it or from the run's shim, which adopts all orphans; and what
    carries the run's mark and is ours. Not the shim, not we and our ancestors, nor another run and all below it.

    Args:
        run: The run.
        known: Processes, as (pid, start ticks), that were seen to be of it: when command and shim have gone first, a
            process without the mark is tied to the run by nothing else.
    """
    return [] if out_of_sight(run) else tree_in(Look(), run, known)


def out_of_sight(run: Run) -> bool:
    """Whether its processes are another machine's, or were another boot's."""
    return where(run.process) is not None or other_boot(run.process)


def tree_in(look: Look, run: Run, known: Iterable[tuple[int, int]] = ()) -> list[Member]:
    """The same, as it stood when all processes were looked at."""
    table = _Table(look, run)
    seen = {pid for pid, ticks in known if pid in table.stats and table.stats[pid].start_ticks == ticks}
    found = table.reach(table.roots() | seen) - table.spared
    return [_member(table.stats[pid]) for pid in sorted(found)]


class Look:
    """One look at all processes."""

    def __init__(self) -> None:
        """Look."""
        stats = (read_stat(pid) for pid in pids())
        self.stats = {stat.pid: stat for stat in stats if stat is not None and stat.pid > 1}
        ours = os.geteuid()
        self.marks = {pid: marks_of(pid) if owner_of(pid) == ours else frozenset() for pid in self.stats}
        self.children: dict[int, list[int]] = {}
        for pid, stat in self.stats.items():
            self.children.setdefault(stat.ppid, []).append(pid)


class _Table:
    """What one look at all processes says of one run."""

    def __init__(self, look: Look, run: Run) -> None:
        """Tie its roots to the run."""
        self.mine = f"{RUN_MARK}={run.id}"
        self.stats, self.marks, self.children = look.stats, look.marks, look.children
        self.command = command_of_run(run)
        self.shims = {pid for pid, marks in self.marks.items() if f"{SHIM_MARK}={run.id}" in marks}
        who = run.process
        known = self.stats.get(who.shim_pid or 0)
        if known is not None and known.start_ticks == who.shim_start_ticks and _marked_shim(known.pid, run.id):
            self.shims.add(known.pid)  # the successor it became still has the run's orphans
        self.spared = ancestry() | self.shims

    def roots(self) -> set[int]:
        """Where the tree begins: the command's group, the shim's children, whoever of ours carries the mark."""
        roots = {child for shim in self.shims for child in self.children.get(shim, ())}
        roots |= {pid for pid, marks in self.marks.items() if self.mine in marks}
        if self.command is not None and self.command.group == self.command.pid:
            roots |= {pid for pid, stat in self.stats.items() if stat.group == self.command.pid}
        return {pid for pid in roots if self.belongs(pid)} | ({self.command.pid} if self.command else set())

    def belongs(self, pid: int) -> bool:
        """Whether a process carries no mark of another run, of a shim, or of the settling of a run."""
        return all(mark == self.mine for mark in self.marks[pid])

    def reach(self, roots: set[int]) -> set[int]:
        """The living among the roots and all below them; another run's processes are passed over with all of theirs."""
        found: set[int] = set()
        waiting = [pid for pid in roots if pid in self.stats]
        while waiting:
            pid = waiting.pop()
            if pid not in found:
                found.add(pid)
                waiting += [child for child in self.children.get(pid, ()) if self.belongs(child)]
        return {pid for pid in found if not self.stats[pid].dead}


def _marked_shim(pid: int, run_id: str) -> bool:
    """Whether a process is a run's shim or that one's successor, and no stranger whose children a record claims."""
    return not marks_of(pid).isdisjoint({f"{SHIM_MARK}={run_id}", f"{SETTLING_MARK}={run_id}"})


def _member(stat: Stat) -> Member:
    """A process as a person wants to see it."""
    owner = owner_of(stat.pid)
    command = command_of(stat.pid)
    return Member(stat.pid, stat.ppid, stat.start_ticks, stat.state, stat.name, command, -1 if owner is None else owner)
