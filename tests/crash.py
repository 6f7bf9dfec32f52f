"""A process that forks writers to a store, which are killed, or denied by the kernel, at a chosen system call."""

from __future__ import annotations

import ctypes
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from runboard.folder import read_record, write_record
from runboard.model import Run
from runboard.store import Store, StoreError

_ANYBODY_MAY_TRACE = (0x59616D61, ctypes.c_ulong(-1))
"""PR_SET_PTRACER and PR_SET_PTRACER_ANY (linux/prctl.h)."""


def put(store: Store, run_id: str, number: int) -> None:
    """Write a number into the record as the store does."""
    with store.locked(run_id, limit=60) as held:
        held.put(replace(held.run, note=str(number)), "edited")


def naive(store: Store, run_id: str, number: int) -> None:
    """Write a number into the record as people do."""
    path = Path(store.path(run_id), "run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "note": str(number)}))


def increment(store: Store, run_id: str, _number: int) -> None:
    """Add one to the number in the record, under the lock."""
    with store.locked(run_id, limit=60) as held:
        held.put(replace(held.run, note=str(int(held.run.note or 0) + 1)), "edited")


def increment_unlocked(store: Store, run_id: str, _number: int) -> None:
    """Add one to the number in the record, each write whole and durable, but without the lock."""
    fd = store.open_dir(run_id)
    run = read_record(fd, run_id)
    write_record(fd, replace(run, note=str(int(run.note or 0) + 1)))
    os.close(fd)


def put_once(store: Store, run_id: str, number: int) -> None:
    """Write a file that is written only once."""
    with store.locked(run_id) as held:
        held.put_once("response.md", str(number).encode() * 100)


def create(store: Store, _run_id: str, number: int) -> None:
    """Make a run."""
    store.create(Run("", command=("true",), note=str(number)))


def trash(store: Store, run_id: str, _number: int) -> None:
    """Throw a run away."""
    store.trash(run_id)


def restore(store: Store, run_id: str, _number: int) -> None:
    """Bring a run back."""
    store.restore(run_id)


def destroy(store: Store, run_id: str, _number: int) -> None:
    """Remove a run for good."""
    store.destroy(run_id)


def small_files(store: Store, run_id: str, number: int) -> None:
    """Write a number where no file may pass 100 bytes, so that a write is cut short by the kernel itself."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    put(store, run_id, number)


ACTS: dict[str, Callable[[Store, str, int], None]] = {
    act.__name__: act
    for act in (put, naive, increment, increment_unlocked, put_once, create, trash, restore, destroy, small_files)
}


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


def _child(order: dict[str, object], said: int) -> None:
    """Do what is ordered, say how it went, and leave without a trace of the parent."""
    ctypes.CDLL(None).prctl(*_ANYBODY_MAY_TRACE, 0, 0, 0)
    store, act, run_id = Store(str(order["root"])), ACTS[str(order["act"])], str(order["id"])
    if order["stop"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    for number in range(int(str(order["number"])), int(str(order["until"]))):
        try:
            act(store, run_id, number)
        except StoreError as error:
            os.write(said, f"{type(error).__name__}: {error}\n".encode())
            break
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
        _, status = os.waitpid(pid, 0)
    calls = [line.strip() for line in log.read_text(errors="replace").splitlines() if re.match(r"[a-z]\w*\(", line)]
    log.unlink()
    return {"killed": os.WIFSIGNALED(status), "said": _words(ear), "calls": calls}


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
    where = Path(__file__).parent.parent
    command = (sys.executable, "-m", "tests.crash")
    with subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    """Serve orders, one a line, until there are no more."""
    how = {"traced": _traced, "shot": _shot, "crowd": _crowd}
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(how[order["how"]](order)), flush=True)


if __name__ == "__main__":
    main()
