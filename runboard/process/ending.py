"""Ends a run's whole tree and signals nothing that is not of it: every signal goes through a verified pidfd."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple, Self

from runboard import files
from runboard.model import Run
from runboard.process.cgroup import kill_cgroup
from runboard.process.kernel import HAS_PIDFD, open_pidfd, pidfd_of
from runboard.process.membership import Member, members
from runboard.process.place import other_boot, where
from runboard.process.pulse import command_of_run, holds, older_process, shim_alive
from runboard.process.table import RUN_MARK, ancestry, marks_of, owner_of, pids, read_stat, start_ticks

KILL_LIMIT = 5.0
"""Seconds for which SIGKILL is repeated before what is left is called a survivor."""

HELD = 256
"""How many pidfds are held to wait on; what is beyond is looked at twenty times a second."""

STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT})

_WHOLE_GROUP = 4
"""PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9): the group whose leader the pidfd is, even after the leader has ended."""


class NotOurs(Exception):
    """A refusal to signal; the message says why the process is not, or not certainly, the run's."""


class TreeEnd(NamedTuple):
    """How the end of a tree went: how many processes were signalled, who is left, whether it took SIGKILL after all."""

    signalled: int
    survivors: tuple[Member, ...]
    escalated: bool


def end_tree(run: Run, run_dir: str, number: int, grace: float) -> TreeEnd:
    """Signal every process of a run, wait for up to ``grace`` seconds, then kill until two looks find none.

    A run's shim is left to write down the ending; where it was stopped it is woken to do so.

    Raises:
        NotOurs: The run's process is out of reach, another one by now, unproven, or an ancestor of ours.
    """
    refuse(run, run_dir)
    with Reach(run) as reach:
        if number != signal.SIGKILL and reach.ask(number, grace):
            return TreeEnd(reach.signalled, (), escalated=False)
        survivors = reach.kill()
        return TreeEnd(reach.signalled, survivors, escalated=number != signal.SIGKILL)


def signal_tree(run: Run, run_dir: str, number: int, *, leader: bool = False) -> int:
    """Send one signal to every process of a run, or to its command only; returns how many it reached.

    Raises:
        NotOurs: As for ``end_tree``.
    """
    refuse(run, run_dir)
    with Reach(run) as reach:
        reach.send([one for one in members(run) if not leader or one.pid == run.process.pid], number)
        return reach.signalled


def signal_member(run: Run, run_dir: str, who: tuple[int, int], number: int) -> None:
    """Send one signal to one process of a run, named by its pid and start ticks.

    Raises:
        NotOurs: As for ``end_tree``; or the process is gone, another one by now, or not of the run.
    """
    refuse(run, run_dir)
    pid = who[0]
    chosen = [member for member in members(run) if (member.pid, member.start_ticks) == who]
    if not chosen:
        raise NotOurs(f"process {pid} is gone, or not of this run any more")
    with Reach(run) as reach:
        reach.send(chosen, number)
        if not reach.signalled:
            raise NotOurs(f"process {pid} is gone, or another user's")


def proven(run: Run, run_dir: str) -> bool:
    """Whether the run's process may be signalled: known exactly, or of the older tool and seen to be of ``run_dir``."""
    return command_of_run(run) is not None and _objection(run, run_dir) is None


def refuse(run: Run, run_dir: str) -> None:
    """Raise what speaks against signalling."""
    objection = _objection(run, run_dir)
    if not HAS_PIDFD:
        objection = "this system has no pidfds, so no signal is certain to reach the right process"
    if objection is not None:
        raise NotOurs(objection)


def _objection(run: Run, run_dir: str) -> str | None:
    """What speaks against signalling a run's processes, in words; None where nothing does."""
    who = run.process
    if where(who) is not None or other_boot(who):
        return f"it runs {where(who)}" if where(who) else "the machine has restarted since; its processes are gone"
    if who.pid is None:
        return None if shim_alive(run) else "it has no process yet"
    if who.pid in ancestry() and (who.pid <= 1 or command_of_run(run) is not None):
        return f"this program itself runs inside it (process {who.pid})"
    stat = read_stat(who.pid)
    if stat is not None and who.start_ticks not in {None, stat.start_ticks} and not members(run):
        return f"process {who.pid} is another program's by now"
    return _set_up(run, run_dir) or (_older_objection(run, run_dir) if who.start_ticks is None else None)


def _set_up(run: Run, run_dir: str) -> str | None:
    """That root is asked to signal a process that is neither of the user whose run names it, nor has the run's mark.

    What users may write in their records, root may do; so root is held to what those users could do themselves.
    """
    command = command_of_run(run) if os.geteuid() == 0 else None
    if command is None:
        return None
    found = files.found(run_dir)
    if found is None:
        return "its directory is gone, so nobody knows whose it is"
    owner = found.st_uid
    uid = owner_of(command.pid)
    if owner == 0 or uid in {None, owner} or f"{RUN_MARK}={run.id}" in marks_of(command.pid):
        return None
    return f"process {command.pid} is of another user ({uid}) than the run, and has not its mark"


def _older_objection(run: Run, run_dir: str) -> str | None:
    """What speaks against signalling a run of the older tool, of which nothing is known but a pid and a time."""
    pid = run.process.pid
    stat = older_process(run)
    if stat is None:
        return f"process {pid} is gone or another program's by now"
    home = os.path.realpath(run_dir)
    paths = [os.path.realpath(path) for path in holds(stat.pid)]
    if any(f"{path}{os.sep}".startswith(f"{home}{os.sep}") for path in paths):
        return None
    return f"nothing proves that process {pid} belongs to it: its output, directory and HOME lie elsewhere"


class Reach:
    """The processes of a run that were signalled; some of them held by their pidfds, to be waited for."""

    def __init__(self, run: Run) -> None:
        """Hold the command from the start: its pidfd reaches its group even when the command itself is gone."""
        self._run = run
        self._known: set[tuple[int, int]] = set()
        self._reached: set[tuple[int, int]] = set()
        self._refused: set[tuple[int, int]] = set()
        self._pidfds: dict[tuple[int, int], int] = {}
        command = command_of_run(run)
        leads = command is not None and command.group == command.pid
        self._leader = open_pidfd(command.pid, command.start_ticks) if command is not None and leads else None

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give back every descriptor."""
        for pidfd in (*self._pidfds.values(), self._leader):
            if pidfd is not None:
                os.close(pidfd)

    @property
    def signalled(self) -> int:
        """How many different processes were reached."""
        return len(self._reached)

    def ask(self, number: int, grace: float) -> bool:
        """Signal everybody once, wake the stopped, and wait; True where all are gone in time.

        Who appears in the meantime is asked only when all others are gone: until then it may be cleaning up for them.
        """
        deadline = time.monotonic() + grace
        quiet = 0
        while quiet < 2:
            found = self.look()
            quiet = 0 if found else quiet + 1
            self.send([member for member in found if _key(member) not in self._reached], number)
            if number not in STOPPING:
                self.send(found, signal.SIGCONT)
            self._wake_shim()
            if not self._gone_by(deadline, found):
                return False
        return True

    def kill(self) -> tuple[Member, ...]:
        """Kill until two looks in a row find nobody; returns who is left after all."""
        deadline = time.monotonic() + KILL_LIMIT
        quiet = 0
        while quiet < 2:
            found = self.look()
            quiet = 0 if found else quiet + 1
            if found:
                kill_cgroup(self._run)
                self._kill_group({member.pid for member in found})
                self.send(found, signal.SIGKILL)
                self._wake_shim()
                self._gone_by(time.monotonic() + 0.2, found)
            if found and (time.monotonic() >= deadline or self._refused.issuperset(map(_key, found))):
                return tuple(member for member in found if start_ticks(member.pid) == member.start_ticks)
        return ()

    def look(self) -> list[Member]:
        """Who is there now, those included whom only an earlier look could tie to the run."""
        found = members(self._run, self._known)
        self._known.update(map(_key, found))
        return found

    def send(self, found: Iterable[Member], number: int) -> None:
        """Send one signal to each, through a descriptor that is verified after it was opened."""
        for member in found:
            key = _key(member)
            pidfd = self._pidfds.get(key)
            try:
                pidfd = pidfd_of(*key) if pidfd is None else pidfd
                signal.pidfd_send_signal(pidfd, number)
                self._reached.add(key)
            except ProcessLookupError:
                pass  # gone since it was found
            except OSError:
                self._refused.add(key)  # another user's (sudo, or a program that changed its user), or no descriptors
            if pidfd is not None and key not in self._pidfds:
                self._hold(key, pidfd)

    def _hold(self, key: tuple[int, int], pidfd: int) -> None:
        """Keep a descriptor to wait on, while there are not too many."""
        if len(self._pidfds) < HELD:
            self._pidfds[key] = pidfd
        else:
            os.close(pidfd)

    def _kill_group(self, own: set[int]) -> None:
        """Kill the command's group at one stroke, which no fork slips through, if all of it is the run's."""
        leader = self._run.process.pid
        if self._leader is None or leader is None:
            return
        stats = [stat for stat in map(read_stat, pids()) if stat is not None and stat.group == leader and not stat.dead]
        if all(stat.pid in own for stat in stats):
            with suppress(OSError):  # an older kernel, or nobody left
                signal.pidfd_send_signal(self._leader, signal.SIGKILL, None, _WHOLE_GROUP)
                self._reached.update((stat.pid, stat.start_ticks) for stat in stats)

    def _gone_by(self, deadline: float, found: Iterable[Member]) -> bool:
        """Wait until all of them are gone, zombies included."""
        waiting = [_key(member) for member in found]
        while waiting := [key for key in waiting if start_ticks(key[0]) == key[1]]:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            exits = select.poll()
            held = [self._pidfds[key] for key in waiting if key in self._pidfds]
            for pidfd in held:
                exits.register(pidfd, select.POLLIN)
            exits.poll(min(left, 0.05 if len(held) < len(waiting) else left) * 1000)
        return True

    def _wake_shim(self) -> None:
        """Let a stopped shim go on, for it has an ending to write down."""
        who = self._run.process
        pidfd = open_pidfd(who.shim_pid, who.shim_start_ticks) if who.shim_pid and shim_alive(self._run) else None
        if pidfd is not None:
            with suppress(OSError):
                signal.pidfd_send_signal(pidfd, signal.SIGCONT)
            os.close(pidfd)


def _key(member: Member) -> tuple[int, int]:
    """What makes a process that process."""
    return member.pid, member.start_ticks
