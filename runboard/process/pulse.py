"""Whether a run's process lives: by its exact identity, never by its pid alone."""

from __future__ import annotations

import os
import select
import time

from runboard.model import Liveness, Run
from runboard.process.kernel import boot_clock, open_pidfd
from runboard.process.place import other_boot, where
from runboard.process.procfs import Stat
from runboard.process.table import RUN_MARK, SHIM_MARK, ancestry, environ_of, marks_of, pids, read_stat, start_ticks

TOLERANCE = 60.0
"""Seconds by which a process of the older tool may have started before or after its record's ``startedAt``."""


def liveness(run: Run) -> Liveness:
    """What the kernel says of the run's process: ALIVE only with certainty, FOREIGN where it cannot be told from here.

    A run without a pid is being launched: it lives while its launcher or its shim does, or a process with its mark,
    whose shim was killed before it could say what it had started.

    Raises:
        OSError: There are no descriptors left to look with, so that nothing can be said.
    """
    who = run.process
    if where(who) is not None:
        return Liveness.FOREIGN
    if other_boot(who):
        return Liveness.GONE
    if who.pid is None:
        alive = _same(who.launcher_pid, who.launcher_start_ticks) or shim_alive(run) or _marked(f"{RUN_MARK}={run.id}")
    elif who.start_ticks is None:
        alive = older_process(run) is not None
    else:
        alive = _same(who.pid, who.start_ticks)
    return Liveness.ALIVE if alive else Liveness.GONE


def absent(run: Run) -> bool:
    """Whether nobody has the run's pid: a hint that it is over, from here, at a fraction of the price of certainty."""
    return run.process.pid is not None and not os.path.exists(f"/proc/{run.process.pid}")


def older_process(run: Run) -> Stat | None:
    """The process that a record of the older tool means, as far as its pid and start time can tell.

    We ourselves and our ancestors are it only where they are seen to belong to the run; a pid may have come to be ours.
    """
    pid = run.process.pid
    if pid is None or pid <= 1 or run.started_at is None:
        return None
    stat = read_stat(pid)
    if stat is None or stat.dead:
        return None
    started = time.time() - boot_clock() + stat.start_ticks / os.sysconf("SC_CLK_TCK")
    if abs(started - run.started_at) > TOLERANCE:
        return None
    return stat if pid not in ancestry() or any(run.id in path.split(os.sep) for path in holds(pid)) else None


def command_of_run(run: Run) -> Stat | None:
    """The run's command as it stands in the process table, its zombie too; None where the pid is another's now."""
    who = run.process
    if who.pid is None or who.pid <= 1:
        return None
    if who.start_ticks is None:
        return older_process(run)
    stat = read_stat(who.pid)
    return stat if stat is not None and stat.start_ticks == who.start_ticks else None


def holds(pid: int) -> list[str]:
    """Where a process writes its output, works and has its home, as paths."""
    homes = (entry[5:] for entry in environ_of(pid) if entry.startswith(b"HOME="))
    paths = [os.fsdecode(home) for home in homes][:1]
    for link in ("fd/1", "cwd"):
        try:
            paths.append(os.readlink(f"/proc/{pid}/{link}"))
        except OSError:
            continue  # another user's, or gone
    return [path for path in paths if os.path.isabs(path)]  # a pipe reads as "pipe:[123]"


def machine_restarted(run: Run) -> bool:
    """Whether this machine has booted since the run was started; False where the run is of another host."""
    if where(run.process) is not None:
        return False
    if run.process.boot_id is not None:
        return other_boot(run.process)
    return run.started_at is not None and run.started_at < time.time() - boot_clock()


def shim_alive(run: Run) -> bool:
    """Whether the run's shim is still at its post; the successor it becomes at the end does not count.

    Where the record does not name it (its launcher died before it could) it is found by its mark. A young run is looked
    for more than once: a shim moves to another pid while it starts, and may slip past one look.
    """
    who = run.process
    if where(who) is not None or other_boot(who):
        return False
    mark = f"{SHIM_MARK}={run.id}"
    if who.shim_pid is not None:
        return _same(who.shim_pid, who.shim_start_ticks) and mark in marks_of(who.shim_pid)
    if who.pid is not None:
        return False
    young = run.started_at is not None and abs(time.time() - run.started_at) < TOLERANCE
    for again in range(3 if young else 1):
        time.sleep(0.01 * again)
        if _marked(mark):
            return True
    return False


def shim_stopped(run: Run) -> bool:
    """Whether the run's shim stands still because somebody stopped it, so that nobody knows when it will go on."""
    pid = run.process.shim_pid
    stat = None if pid is None else read_stat(pid)
    return stat is not None and stat.state in "Tt"


def wait_gone(run: Run, limit: float) -> bool:
    """Block until the run's command has ended, at most ``limit`` seconds; True where it has."""
    deadline = time.monotonic() + limit
    who = run.process
    pidfd = open_pidfd(who.pid, who.start_ticks) if who.pid is not None else None
    try:
        while liveness(run) is Liveness.ALIVE:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if pidfd is None:
                time.sleep(min(left, 0.05))
            else:
                exits = select.poll()
                exits.register(pidfd, select.POLLIN)
                exits.poll(left * 1000)
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return liveness(run) is Liveness.GONE


def _marked(mark: str) -> bool:
    """Whether any living process carries a mark."""
    return any(mark in marks_of(pid) for pid in pids())


def _same(pid: int | None, ticks: int | None) -> bool:
    """Whether the very process with this pid and these start ticks lives."""
    return pid is not None and pid > 1 and ticks is not None and start_ticks(pid) == ticks
