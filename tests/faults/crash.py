"""A process that forks writers, which are killed, or denied by the kernel, at a chosen system call."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runboard import disk, late
from runboard.store import Store
from tests.faults.acts import ACTS, TOLD

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

HUNG, CRASHED = "hung", "crashed"
"""What is said of a writer that did not come to an end, or to one that the product did not foresee."""

_LIMIT = 20.0
"""Seconds after which a writer hangs; the slowest takes one."""

_ANYBODY_MAY_TRACE = (0x59616D61, ctypes.c_ulong(-1))
"""PR_SET_PTRACER and PR_SET_PTRACER_ANY (linux/prctl.h)."""


@dataclass(frozen=True)
class Fate:
    """What became of a writer: killed or not, what it said last, and every system call it made, in order."""

    killed: bool
    said: str
    calls: list[str]

    @property
    def done(self) -> bool:
        """Whether it said that it had written."""
        return self.said == "done"


_MEMORY = {"brk", "madvise", "mmap", "mprotect", "mremap", "munmap"}
"""Calls that Python makes for its memory, now here and now there: to die at one is to die at its neighbour."""


def points(calls: list[str], only: Collection[str] | None = None) -> list[str]:
    """Every system call of a trace as strace names it: its name, and which of its kind it is, counted from 1."""
    seen: Counter[str] = Counter()
    found = []
    for call in calls:
        name = call.partition("(")[0]
        seen[name] += 1
        if name not in {"exit_group", *_MEMORY} and (only is None or name in only):
            found.append(f"{name}:when={seen[name]}")
    return found


def kill_at(point: str) -> str:
    """The injection that kills at a point."""
    name, _, when = point.partition(":")
    return f"{name}:signal=KILL:{when}"


def _child(order: dict[str, object], said: int) -> None:
    """Do what is ordered, say how it went, and leave without a trace of the parent."""
    ctypes.CDLL(None).prctl(*_ANYBODY_MAY_TRACE, 0, 0, 0)
    store, act, run_id = Store(str(order["root"])), ACTS[str(order["act"])], str(order["id"])
    if order["stop"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    for number in range(int(str(order["number"])), int(str(order["until"]))):
        try:
            act(store, run_id, number)
        except TOLD as error:
            os.write(said, f"{type(error).__name__}: {error}\n".encode())
            break
        except BaseException as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            os.write(said, f"{CRASHED} in {place.name}: {error!r}\n".encode())
            raise
        os.write(said, f"{number}\n".encode() if order["count"] else b"done\n")
    os._exit(0)


def _fork(order: dict[str, object]) -> tuple[int, int]:
    """A child at its work, and the end of the pipe from which its words can be read."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ear)
            _child(order, mouth)
        finally:
            os._exit(70)
    os.close(mouth)
    return pid, ear


def _words(ear: int) -> str:
    """All that a child said."""
    with os.fdopen(ear) as pipe:
        return pipe.read().strip()


def _end(pid: int) -> tuple[int, bool]:
    """Wait for a child; its wait status, and whether it had to be killed because it did not end."""
    deadline = time.monotonic() + _LIMIT
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status, False
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1], True
        time.sleep(0.001)


def _traced(order: dict[str, object]) -> dict[str, object]:
    """One child under strace, injected as ordered."""
    pid, ear = _fork(order | {"stop": True})
    os.waitpid(pid, os.WUNTRACED)
    log = Path(str(order["root"])).parent / f"strace.{pid}"
    command = ("strace", "-p", str(pid), "-o", str(log), *(f"--inject={one}" for one in [order["inject"]] if one))
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        attached = strace.stderr.readline()
        assert b"attached" in attached, attached
        os.kill(pid, signal.SIGCONT)
        status, hung = _end(pid)
    calls = [line.strip() for line in log.read_text(errors="replace").splitlines() if re.match(r"[a-z]\w*\(", line)]
    log.unlink()
    said = HUNG if hung else _words(ear)
    return {"killed": os.WIFSIGNALED(status), "said": said, "calls": calls}


def _shot(order: dict[str, object]) -> dict[str, object]:
    """One child that writes on and on, killed at a random moment after its first word."""
    pid, ear = _fork(order)
    first = os.read(ear, 64)
    time.sleep(random.random() * 0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return {"killed": True, "said": (first.decode() + _words(ear)).strip().rpartition("\n")[2], "calls": []}


def _crowd(order: dict[str, object]) -> dict[str, object]:
    """Many children let loose at the same moment; says how many were done."""
    children = [_fork(order | {"stop": True}) for _ in range(int(str(order["many"])))]
    for pid, _ in children:
        os.waitpid(pid, os.WUNTRACED)
    for pid, _ in children:
        os.kill(pid, signal.SIGCONT)
    for pid, _ in children:
        os.waitpid(pid, 0)
    words = [_words(ear) for _, ear in children]
    odd = [word for word in words if word != "done"]
    return {"killed": False, "said": odd[0] if odd else "done", "calls": []}


class Nursery:
    """The test's end: orders a fate for a writer and is told what became of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Talk to a started nursery."""
        self._process = process

    def ask(self, how: str, act: str, root: str, run_id: str = "", **more: object) -> Fate:
        """Let a writer do ``act``: ``how`` is traced (with ``inject=`` for strace), shot or crowd (with ``many=``)."""
        number = int(str(more.pop("number", 1)))
        order = {"how": how, "act": act, "root": root, "id": run_id, "number": number, "inject": None}
        order |= {"until": number + 1, "count": False, "stop": False} | more
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return Fate(**json.loads(self._process.stdout.readline()))


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery for as long as the context lasts."""
    where = Path(__file__).parent.parent.parent
    command = (sys.executable, "-m", "tests.faults.crash")
    with subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    """Serve orders, one a line, until there are no more."""
    late.everything()  # so that no writer's trace is full of imports
    disk.quiet()
    how = {"traced": _traced, "shot": _shot, "crowd": _crowd}
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(how[order["how"]](order)), flush=True)


if __name__ == "__main__":
    main()
