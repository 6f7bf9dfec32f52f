"""Stops a run's whole tree and lets it go on: what is forked while it is being stopped is stopped too."""

from __future__ import annotations

import signal
import time

from runboard.model import Run
from runboard.process.ending import Reach, refuse
from runboard.process.membership import Member, members
from runboard.process.pulse import command_of_run

LIMIT = 2.0
"""Seconds after which whoever has not stopped, or not gone on, is told instead of waited for."""

_STOPPED = frozenset("Tt")
_ENDING = frozenset("ZX")


def hold_tree(run: Run, run_dir: str) -> tuple[Member, ...]:
    """Stop every process of a run until two looks in a row find none that runs; returns those who would not stop.

    Raises:
        NotOurs: As for ``end_tree``.
    """
    return _bring(run, run_dir, signal.SIGSTOP, stopped=True)


def release_tree(run: Run, run_dir: str) -> tuple[Member, ...]:
    """Let every stopped process of a run go on, until two looks find none that is stopped; returns who still is.

    Raises:
        NotOurs: As for ``end_tree``.
    """
    return _bring(run, run_dir, signal.SIGCONT, stopped=False)


def paused(run: Run) -> bool:
    """Whether the whole tree of a run is stopped; costs one small read unless its command is."""
    stat = command_of_run(run)
    if stat is None or stat.state != "T":
        return False
    return all(member.state in _STOPPED | _ENDING for member in members(run))


def _bring(run: Run, run_dir: str, number: int, *, stopped: bool) -> tuple[Member, ...]:
    """Signal whoever is not as wanted, looking again until all are; the kernel takes a moment to stop a process."""
    refuse(run, run_dir)
    deadline, quiet, pause = time.monotonic() + LIMIT, 0, 0.001
    with Reach(run) as reach:
        while quiet < 2:
            others = [one for one in reach.look() if one.state not in _ENDING and (one.state in _STOPPED) != stopped]
            if others and time.monotonic() >= deadline:
                return tuple(others)
            reach.send(others, number)
            quiet = 0 if others else quiet + 1
            if others:
                time.sleep(pause)
                pause = min(pause * 2, 0.05)
    return ()
