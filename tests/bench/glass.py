"""A terminal that only notes what was written to it and when: nothing is interpreted, so that nothing is late."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.program import environment
from tests.terminal import _readable, _spawn


class Glass:
    """A program in a pty; bytes are looked for in what it writes."""

    def __init__(self, argv: Sequence[str], columns: int = 120, rows: int = 40, **more: str) -> None:
        """Start a program, with ``more`` in its environment."""
        self.begun = time.perf_counter()
        env = environment(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", **more)
        self._master, self.process = _spawn(argv, env, columns, rows)
        self.written = bytearray()
        self._times: list[tuple[int, float]] = []
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """The program runs already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGTERM)
        with suppress(ChildProcessError):  # where nobody collects children there is nothing to collect
            for _ in range(500):
                if os.waitpid(self.process, os.WNOHANG)[0]:
                    break
                time.sleep(0.01)
            else:
                os.kill(self.process, signal.SIGKILL)
                os.waitpid(self.process, 0)
        self._thread.join(1.0)
        os.close(self._master)

    def send(self, keys: bytes) -> tuple[int, float]:
        """Press keys; returns how much had been written by then, and when that was."""
        mark = len(self.written), time.perf_counter()
        os.write(self._master, keys)
        return mark

    def wait(self, text: bytes, start: int = 0, limit: float = 30.0) -> float:
        """When a text came that was written behind ``start``.

        Raises:
            AssertionError: It did not come within ``limit`` seconds.
        """
        with self._more:  # asleep until there is more: who looks again and again takes a core from the program
            came = self._more.wait_for(lambda: self.written.find(text, start) >= 0, limit)
            assert came, f"{text!r} did not come: ...{bytes(self.written[-2000:])!r}"
            at = self.written.find(text, start)
            return self._times[bisect_right(self._times, at, key=lambda one: one[0])][1]

    def _drain(self) -> None:
        """Read what is written, until the program has gone."""
        while True:
            try:
                _readable(self._master)
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            with self._more:
                self.written += data
                self._times.append((len(self.written), time.perf_counter()))
                self._more.notify_all()


def rss(pid: int) -> float:
    """Megabytes of memory that a process has to itself or shares, as the kernel counts them."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def run(argv: Sequence[str], **more: str) -> float:
    """Seconds that a program takes from beginning to end."""
    begun = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=environment(**more))
    return time.perf_counter() - begun
