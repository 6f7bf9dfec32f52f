"""Kills commands and sees their records become final, in a process of its own: no terminal of ours delays its looks."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import NamedTuple, Self

from tests.program import environment

LOOKING = 0.0001
"""Seconds between two looks."""


class Kill(NamedTuple):
    """When it was asked for, when its command was last seen alive, and when its record was first seen to be final.

    How long the kernel takes from the signal to the end nobody can do anything about: there is no end to know of yet.
    """

    asked: float
    alive: float
    final: float


class Killer:
    """The process beside; what it says is in the seconds of ``time.perf_counter``, which all processes share."""

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it go."""
        self._process.communicate()

    def kill(self, pid: int, record: str) -> Kill:
        """Kill a command, and look until its record is final."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{pid} {record}\n")
        self._process.stdin.flush()
        return Kill(*map(float, self._process.stdout.readline().split()))


def killed(pid: int, record: str, limit: float = 10.0) -> Kill:
    """The same, in this process."""
    pidfd = os.pidfd_open(pid)
    try:
        end = select.poll()
        end.register(pidfd, select.POLLIN)
        asked = alive = looked = time.perf_counter()
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        while not end.poll(0):
            alive = looked
            time.sleep(LOOKING)
            looked = time.perf_counter()
        while (now := time.perf_counter()) < asked + limit:
            with open(record, "rb") as file:
                if json.loads(file.read())["status"] != "running":
                    return Kill(asked, alive, now)
            time.sleep(LOOKING)
    finally:
        os.close(pidfd)
    raise AssertionError(f"{record} was not final within {limit} s")


def main() -> None:
    """Kill what is asked for, line by line."""
    for line in sys.stdin:
        pid, record = line.rstrip("\n").split(" ", 1)
        print(*killed(int(pid), record), flush=True)


if __name__ == "__main__":
    main()
