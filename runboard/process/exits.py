"""Waiting for the ends of many commands at once, with nothing to do while none ends."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from contextlib import suppress
from errno import EMFILE
from typing import Protocol

from runboard.model import Identity, Liveness, Run
from runboard.process.kernel import kernel_status, pidfd_of
from runboard.process.place import other_boot, where
from runboard.process.pulse import command_of_run, liveness, shim_alive

POLL_SECONDS = 1.0
"""How often the commands are looked at for which there is no pidfd."""

REAP_SECONDS = 0.2
"""How long a wait status that only the reap reveals is waited for, where no shim will tell it."""

PATIENT_SECONDS = 3.0
"""The same for a guest, to whom Landlock shows no zombie's status; some inits reap once a second."""

SPARE = 64
"""How many descriptors are left to the rest of the program."""


class Timer(Protocol):
    """What an event loop gives back for a call it is to make later."""

    def cancel(self) -> None:
        """Make the call not happen."""


class Loop(Protocol):
    """The part of an asyncio event loop that is needed; asyncio itself takes 40 ms to import."""

    def add_reader(self, fd: int, callback: Callable[[], object], /) -> object:
        """Call back whenever the descriptor can be read."""

    def remove_reader(self, fd: int, /) -> object:
        """Call back no more."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Call back after so many seconds."""


class _Watched:
    """One command: its pidfd, or None where it is polled; the timer runs while only its status is waited for."""

    __slots__ = ("pid", "pidfd", "run", "timer")

    def __init__(self, run: Run, pid: int) -> None:
        """Begin with neither."""
        self.run, self.pid = run, pid
        self.pidfd: int | None = None
        self.timer: Timer | None = None


class ExitWatch:
    """Tells once for every run when its command has ended, with the kernel's wait status where that is to be had.

    All methods are called on the loop's thread. A command that ended is no longer watched: its zombie would be ready to
    read for as long as nobody reaps it, and spin the loop.
    """

    def __init__(
        self, loop: Loop, on_exit: Callable[[str, int | None], None], *, patience: float = REAP_SECONDS
    ) -> None:
        """Register with a loop; ``on_exit`` is called there with the run's id and the raw wait status, or None.

        A status that shows at the reap is waited for with ``patience``, in seconds.
        """
        self._patience = patience
        self._loop = loop
        self._on_exit = on_exit
        self._watched: dict[str, _Watched] = {}
        self._told: dict[str, Identity] = {}
        self._by_pidfd: dict[int, _Watched] = {}
        self._polled: dict[str, _Watched] = {}
        self._poll_timer: Timer | None = None
        self._epoll = select.epoll() if hasattr(select, "epoll") else None
        if self._epoll is not None:
            loop.add_reader(self._epoll.fileno(), self._ready)

    def add(self, run: Run) -> bool:
        """Watch a run's command, in place of what was watched for it before; False where it is gone already.

        A run that cannot be seen from here counts as watched: it does not end for us.
        """
        known = self._watched.get(run.id)
        if known is not None and known.run.process == run.process:
            return True
        if self._told.get(run.id) == run.process:
            return False
        self.remove(run.id)
        if where(run.process) is not None:
            return True
        watched = _Watched(run, run.process.pid or 0)
        try:
            self._open(watched)
            gone = watched.pidfd is None and liveness(run) is Liveness.GONE
        except ProcessLookupError:
            return False
        except OSError:
            gone = False  # no descriptors left to look with; it is looked at again later
        if gone:
            return False
        if watched.pidfd is None:
            self._polled[run.id] = watched
            self._poll_later()
        self._watched[run.id] = watched
        return True

    def remove(self, run_id: str) -> None:
        """Watch a run no longer; nothing happens where it is not watched."""
        self._told.pop(run_id, None)
        watched = self._watched.pop(run_id, None)
        if watched is not None:
            self._forget(watched)

    def ending(self, run_id: str) -> bool:
        """Whether a watched command is gone, and its end is told or about to be: from any thread."""
        watched = self._watched.get(run_id)
        return run_id in self._told or (watched is not None and liveness(watched.run) is Liveness.GONE)

    @property
    def told(self) -> list[str]:
        """The runs whose ends were told, and which nobody has removed since."""
        return list(self._told)

    def close(self) -> None:
        """Watch nothing any more."""
        for run_id in list(self._watched):
            self.remove(run_id)
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        if self._epoll is not None:
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None

    def _open(self, watched: _Watched) -> None:
        """Wait for the end by pidfd, if there is one to spare: the rest of the program has files to open too.

        Raises:
            ProcessLookupError: The command is gone, even as a zombie.
            OSError: There are no descriptors left, or the kernel has no pidfds.
        """
        who = watched.run.process
        command = command_of_run(watched.run)
        if self._epoll is None or who.pid is None:
            return
        if command is None or other_boot(who):
            raise ProcessLookupError
        pidfd = pidfd_of(command.pid, command.start_ticks)
        soft = os.sysconf("SC_OPEN_MAX")
        if 0 < soft <= pidfd + min(SPARE, soft // 4):
            os.close(pidfd)
            raise OSError(EMFILE, os.strerror(EMFILE))
        try:
            self._epoll.register(pidfd, select.EPOLLIN)
        except OSError:
            os.close(pidfd)
            raise
        watched.pidfd = pidfd
        self._by_pidfd[pidfd] = watched

    def _ready(self) -> None:
        """Some commands have ended, or been reaped."""
        if self._epoll is None:
            return
        ended = [(self._by_pidfd[pidfd], events) for pidfd, events in self._epoll.poll(0)]
        for watched, events in ended:
            if watched.pidfd is not None:  # while telling of others it may have been removed, and its number reused
                self._ended(watched, reaped=bool(events & select.EPOLLHUP))

    def _ended(self, watched: _Watched, *, reaped: bool) -> None:
        """A command has ended: tell at once, unless only the reap reveals the status and no shim will write it down."""
        try:
            status = kernel_status(watched.pidfd, watched.pid)
            hidden = status is None and not reaped and not shim_alive(watched.run)
        except OSError:
            status, hidden = None, True  # no descriptors left to look with; after the reap the pidfd needs none to tell
        if not hidden or self._epoll is None:
            self._tell(watched, status)
        elif watched.pidfd is not None:  # else it is polled, and looked at again in a second
            self._epoll.modify(watched.pidfd, 0)  # a zombie stays readable; only its reap (HUP) may wake us now
            if watched.timer is not None:
                watched.timer.cancel()
            watched.timer = self._loop.call_later(self._patience, lambda: self._ended(watched, reaped=True))

    def _tell(self, watched: _Watched, status: int | None) -> None:
        """Forget the command and say that it has ended."""
        run_id = watched.run.id
        if self._watched.get(run_id) is not watched:
            return
        self._told[run_id] = watched.run.process
        del self._watched[run_id]
        self._forget(watched)
        self._on_exit(run_id, status)

    def _forget(self, watched: _Watched) -> None:
        """Give back what is held for a command."""
        self._polled.pop(watched.run.id, None)
        if watched.timer is not None:
            watched.timer.cancel()
        if watched.pidfd is not None:
            del self._by_pidfd[watched.pidfd]
            if self._epoll is not None:
                self._epoll.unregister(watched.pidfd)
            os.close(watched.pidfd)
            watched.pidfd = None

    def _poll_later(self) -> None:
        """Look again in a second, if there is anything to look at."""
        if self._poll_timer is None and self._polled:
            self._poll_timer = self._loop.call_later(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        """Look at every command that has no pidfd."""
        self._poll_timer = None
        gone: list[_Watched] = []
        with suppress(OSError):  # no descriptors left to look with: then later
            gone = [watched for watched in self._polled.values() if liveness(watched.run) is Liveness.GONE]
        self._poll_later()
        for watched in gone:
            self._ended(watched, reaped=True)
