"""Guests' boards as tests start them: as whom, with which layer of the lock taken away, and what came of their acts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from json import loads
from pathlib import Path

from tests.stores import open_place
from tests.terminal import Terminal
from tests.waiting import until

ROOT = Path(__file__).parent.parent
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
STRACE = ["strace", "-f", "-qq", "-o", "/dev/null"]
WITHOUT = {
    "Landlock": "landlock_create_ruleset:error=ENOSYS",
    "seccomp": "seccomp:error=ENOSYS",
    "no_new_privs": "prctl:error=EINVAL",
}
"""What strace makes of a system call of each layer, as a kernel without it would."""


@dataclass(frozen=True)
class Tale:
    """What a guest told: the error of each act where it was tried, the exit code, and all that the terminal got."""

    errors: dict[tuple[str, str], int]
    code: int
    raw: bytes

    def of(self, name: str) -> set[int]:
        """The errors of one act, wherever it was tried."""
        return {error for (one, _where), error in self.errors.items() if one == name}


def with_faults(python: Sequence[str], *faults: str) -> list[str]:
    """What starts Python so that its system calls fail as these say."""
    if not faults:
        return list(python)
    calls = ",".join({fault.partition(":")[0] for fault in faults})
    strace = [*STRACE, "-e", f"trace={calls}", *(word for fault in faults for word in ("-e", f"inject={fault}"))]
    return [*python[:-1], *strace, python[-1]]


@contextmanager
def guests_place() -> Iterator[Path]:
    """A place with a runs directory, a home and a FIFO for what is told, that everybody may use."""
    with open_place() as name:
        place = Path(name)
        for folder in ("runs", "home"):
            (place / folder).mkdir()
            (place / folder).chmod(0o777)
        (place / "home" / "secret").write_text("of the user")
        os.mkfifo(place / "report")
        (place / "report").chmod(0o666)
        yield place


def told_by(mode: str, python: Sequence[str], *faults: str) -> Tale:
    """Have a guest try everything, with faults as strace injects them, and hear what came of it; see `guestboard`."""
    with guests_place() as place:
        ear = os.open(place / "report", os.O_RDONLY | os.O_NONBLOCK)
        argv = [*with_faults(python, *faults), "-m", "tests.guestboard", mode, str(place)]
        home = {"HOME": str(place / "home"), "XDG_CACHE_HOME": None, "XDG_STATE_HOME": None, "XDG_CONFIG_HOME": None}
        with Terminal(argv, 120, 36, env=surroundings() | home) as terminal:
            heard = bytearray()

            def done() -> bool:
                """Whether it has ended, and all that it told was heard."""
                ended = terminal.ended()
                heard.extend(_heard(ear))
                return ended

            until(done, 60, "the guest has ended")
            code, raw = terminal.wait_exit(), terminal.raw
        os.close(ear)
        assert heard, f"nothing was told, the exit code is {code}:\n{raw.decode(errors='replace')[-2000:]}"
        return Tale({(name, where): error for name, where, error in loads(heard)}, code, raw)


def _heard(ear: int) -> bytes:
    """What is in the pipe."""
    try:
        return os.read(ear, 1 << 20)
    except BlockingIOError:
        return b""


@cache
def interpreter(who: str) -> tuple[str, ...]:
    """What starts Python as somebody, "root" or an ordinary "user", without a capability; empty where nothing does."""
    if os.geteuid() != 0:
        return () if who == "root" else (sys.executable,)
    if who == "root":
        return (sys.executable,)
    for python in dict.fromkeys((sys.executable, "/usr/local/bin/python3", "/usr/bin/python3")):
        words = [*NOBODY, "sh", "-c", 'exec "$0" "$@"', python]  # setpriv itself could still enter root's own places
        if shutil.which(NOBODY[0]) and _works(words):
            return tuple(words)
    return ()


def _works(words: Sequence[str]) -> bool:
    """Whether a Python can load all that a board needs."""
    code = "import sys, runboard.cli, textual, orjson, tests; assert sys.version_info >= (3, 11)"
    done = subprocess.run([*words, "-c", code], capture_output=True, check=False, env=surroundings(), cwd="/")
    return done.returncode == 0


def surroundings() -> dict[str, str]:
    """Where another interpreter than ours finds what is installed in ours."""
    return {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}", "PATH": os.environ["PATH"]}
