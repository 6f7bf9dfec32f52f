"""Processes beside the board that settle endings by the thousand: one interpreter does one thing at a time."""

from __future__ import annotations

import gc
import marshal
import os
import select
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from signal import SIGKILL
from threading import Lock, Thread

from runboard.model import Status
from runboard.row import Row
from runboard.store import Store
from runboard.together import Ending, Settled, finalize_together

MANY = 256
"""While so many endings wait it pays to have processes beside: each takes a tenth of a second to start."""

PATIENCE = 30.0
"""Seconds in which one is done with what it was given, on the slowest of disks, unless somebody stopped it."""

NICE = 5
"""By so much they let the board go first, which answers keys."""


class Settlers:
    """Settles endings together, as many at a time as there are threads that ask, each in a process of its own.

    While few wait, or where there is one core only, that is done in this process.
    """

    def __init__(self, store: Store, by: str) -> None:
        """Start none yet; ``by`` is who settles, for the history."""
        self._store, self._by = store, by
        self._lock = Lock()
        self._free: list[_Settler] = []
        self._closed = (os.cpu_count() or 1) < 2

    def settle(self, endings: Sequence[Ending], waiting: int) -> list[Settled]:
        """What could be settled of these, while so many more wait; of the others nothing is known."""
        settler = self._get(waiting)
        if settler is None:
            return finalize_together(self._store, endings, by=self._by)
        try:
            found = settler.settle(endings)
        except (OSError, EOFError, ValueError, TypeError):  # it was killed, or stopped, or there is no memory for it
            settler.kill()
            return []
        with self._lock:
            if not self._closed:
                self._free.append(settler)
                return found
        settler.close()
        return found

    def rest(self) -> None:
        """Let those go that have nothing to do; the next are started when there is."""
        with self._lock:
            free, self._free = self._free, []
        for settler in free:
            settler.close()

    def close(self) -> None:
        """Let all go; one that is at work ends it before."""
        with self._lock:
            self._closed = True
        self.rest()

    def _get(self, waiting: int) -> _Settler | None:
        """One that is free, or a new one if there is work for it; None where there can or need be none."""
        with self._lock:
            if self._closed:
                return None
            if self._free:
                return self._free.pop()
        with suppress(OSError):
            return _Settler(self._store.root, self._by) if waiting >= MANY else None
        return None


class _Settler:
    """One process beside, which settles what it is given until it is given no more."""

    def __init__(self, root: str, by: str) -> None:
        """Start it; raises OSError where there can be none."""
        orders, to = os.pipe2(os.O_CLOEXEC)
        answers, back = os.pipe2(os.O_CLOEXEC)
        self._to, self._from = os.fdopen(to, "wb"), os.fdopen(answers, "rb")
        try:
            with open(os.devnull, "wb", buffering=0) as null:
                self._pid = os.posix_spawn(
                    sys.executable,
                    [sys.executable, "-P", "-m", __name__, root, by],
                    os.environ,
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, ours, number) for number, ours in enumerate((orders, back, null.fileno()))
                    ],
                    setpgroup=0,
                    setsigmask=(),
                )
        except OSError:
            self._to.close()
            self._from.close()
            raise
        finally:
            os.close(orders)
            os.close(back)

    def settle(self, endings: Iterable[Ending]) -> list[Settled]:
        """What it settled of these.

        Raises:
            OSError: It has died, or does not answer; some of them may be settled.
            EOFError: Likewise.
        """
        marshal.dump([tuple(ending) for ending in endings], self._to)
        self._to.flush()
        answer = select.poll()
        answer.register(self._from, select.POLLIN)
        if not answer.poll(PATIENCE * 1e3):
            raise TimeoutError
        found = marshal.load(self._from)  # noqa: S302 - our own child wrote it
        return [Settled(Row(run_id, Status(status), *rest), stamp) for (run_id, status, *rest), stamp in found]

    def kill(self) -> None:
        """End it: the locks that it may hold are then free."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, SIGKILL)
        self.close()

    def close(self) -> None:
        """Give it no more; it leaves by itself, and somebody waits for that."""
        with suppress(OSError):
            self._to.close()
        self._from.close()
        Thread(target=_reap, args=(self._pid,), name="runboard-settler", daemon=True).start()


def _reap(pid: int) -> None:
    """Wait for one that leaves."""
    with suppress(ChildProcessError):  # somebody has the kernel do that
        os.waitpid(pid, 0)


def serve(root: str, by: str) -> None:
    """Settle what is asked for on the standard input, and tell on the standard output, until the input ends."""
    store = Store(root)
    with suppress(EOFError, BrokenPipeError):
        while True:
            endings = [Ending(*ending) for ending in marshal.load(sys.stdin.buffer)]  # noqa: S302 - the board wrote it
            found = finalize_together(store, endings, by=by)
            told = [((one.row.id, one.row.status.value, *one.row[2:]), one.stamp) for one in found]
            marshal.dump(told, sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    os.nice(NICE)
    gc.freeze()
    serve(*sys.argv[1:3])
