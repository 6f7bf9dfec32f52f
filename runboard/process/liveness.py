"""Whether a run's process lives: by its exact identity, never by its pid alone."""

from __future__ import annotations

import os
import select
import time

from runboard.model import Identity, Liveness, Run
from runboard.process.kernel import (
    HAS_PROC,
    Stat,
    boot_clock,
    environ_of,
    open_pidfd,
    pids,
    read_stat,
    slurp,
    start_ticks,
)
from runboard.process.place import other_boot, where

TOLERANCE = 60.0
"""Seconds by which a process of the older tool may have started before or after its record's ``startedAt``."""

SHIM_MARK = "RUNBOARD_SHIM"
RUN_MARK = "RUNBOARD_RUN_ID"


def liveness(run: Run) -> Liveness:
    """What the kernel says of the run's process: ALIVE only with certainty, FOREIGN where it cannot be told from here."""
    who = run.process
    if where(who) is not None:
        return Liveness.FOREIGN
    if other_boot(who):
        return Liveness.GONE
    if who.pid is None:
        return _alive_if(_same(who.launcher_pid, who.launcher_start_ticks) or _has_shim(run))
    if who.start_ticks is None:
        return _alive_if(older_process(run) is not None)
    return _alive_if(_same(who.pid, who.start_ticks))


def older_process(run: Run) -> Stat | None:
    """The process that a record of the older tool means, as far as its pid and start time can tell.

    We ourselves and our ancestors are it only where they are seen to belong to the run; a pid that came to be ours is not.
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
    return stat if pid not in ancestry() or _names_run(pid, run.id) else None


def ancestry() -> set[int]:
    """Our own pid and those of all our ancestors: never signalled, whatever a record says."""
    found, pid = set(), os.getpid()
    while pid > 1 and pid not in found:
        found.add(pid)
        stat = read_stat(pid)
        pid = stat.ppid if stat else os.getppid() if pid == os.getpid() else 0
    return found


def machine_restarted(run: Run) -> bool:
    """Whether this machine has booted since the run was started; False where the run is of another host."""
    if where(run.process) is not None:
        return False
    if run.process.boot_id is not None:
        return other_boot(run.process)
    return run.started_at is not None and run.started_at < time.time() - boot_clock()


def shim_alive(run: Run) -> bool:
    """Whether the run's shim is still at its post; the successor it becomes does not count."""
    who = run.process
    if where(who) is not None or other_boot(who):
        return False
    if who.shim_pid is None:
        return who.pid is None and _has_shim(run)
    return _same(who.shim_pid, who.shim_start_ticks) and is_shim(who.shim_pid, run.id)


def is_shim(pid: int, run_id: str) -> bool:
    """Whether a process carries the mark of this run's shim."""
    return f"\0{SHIM_MARK}={run_id}\0".encode() in environ_of(pid)


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
                continue
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(left * 1000)
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return liveness(run) is Liveness.GONE


def _alive_if(certain: bool) -> Liveness:
    """ALIVE or GONE."""
    return Liveness.ALIVE if certain else Liveness.GONE


def _same(pid: int | None, ticks: int | None) -> bool:
    """Whether the very process with this pid and these start ticks lives."""
    return pid is not None and pid > 1 and ticks is not None and start_ticks(pid) == ticks


def _has_shim(run: Run) -> bool:
    """Whether a shim of this run lives though its record does not name it: its launcher died before it could.

    Looked for again where the run is young: a shim moves to another pid while it starts, and may slip past one look.
    """
    young = run.started_at is not None and abs(time.time() - run.started_at) < TOLERANCE
    for again in range(3 if young else 1):
        if again:
            time.sleep(0.01)
        if HAS_PROC and any(is_shim(pid, run.id) for pid in pids()):
            return True
    return False


def _names_run(pid: int, run_id: str) -> bool:
    """Whether a process's output, working directory or HOME lies in a directory called as the run."""
    home = next((line[6:] for line in (b"\0" + slurp(f"/proc/{pid}/environ")).split(b"\0") if line.startswith(b"HOME=")), b"")
    places = [os.fsdecode(home)]
    for link in ("fd/1", "cwd"):
        try:
            places.append(os.readlink(f"/proc/{pid}/{link}"))
        except OSError:
            continue
    return any(run_id in place.split("/") for place in places)


def identity_known(who: Identity) -> bool:
    """Whether the record names its process beyond doubt."""
    return who.pid is not None and who.start_ticks is not None
