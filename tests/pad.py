"""A place to start real runs from, which sees to it that no process of theirs is left behind."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL
from typing import Any, Self

from runboard.model import ExitRecord, Identity, Run
from runboard.process import here, launch, start_ticks
from runboard.record import Started, parse_exit
from tests.waiting import until


@dataclass(frozen=True)
class Flight:
    """One started run: the run with its identity, its directory and what the launch said."""

    run: Run
    path: Path
    started: Started

    @property
    def pid(self) -> int:
        """The command's pid."""
        assert self.started.pid is not None, self.started
        return self.started.pid

    @property
    def shim_pid(self) -> int:
        """The shim's pid."""
        assert self.started.shim_pid is not None, self.started
        return self.started.shim_pid

    def log(self) -> str:
        """What the command has written so far."""
        return (self.path / "output.log").read_text("utf-8")

    def says(self, text: str) -> None:
        """Wait until the command has written a text."""
        until(lambda: text in self.log(), what=f"{text!r} in the log")

    def exit(self, limit: float = 5.0) -> ExitRecord:
        """Wait for the exit record."""
        until((self.path / "exit.json").exists, limit, "exit.json")
        record = parse_exit(self.exit_doc())
        assert record is not None
        return record

    def exit_doc(self) -> dict[str, Any]:
        """The exit record as it stands on disk."""
        doc = json.loads((self.path / "exit.json").read_bytes())
        assert isinstance(doc, dict)
        return doc


class Pad:
    """Starts runs below one directory; ``token`` is a number of seconds to sleep that no other process sleeps."""

    def __init__(self, root: Path) -> None:
        """Start runs in directories below ``root``."""
        self.root = root
        self.token = f"{random.randint(1000, 9999)}.{random.randint(100000, 999999)}"
        self.mark = f"RUNBOARD_TEST_PAD={self.token}"

    def __enter__(self) -> Self:
        """Nothing to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Everything must have ended; what has not is ended, and fails the test."""
        try:
            if kind is None:
                until(lambda: not self.left(), 3.0, "nothing left behind")
        finally:
            self.sweep()

    def start(
        self,
        *command: str,
        successor: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        own: Mapping[str, str] | None = None,
        grace: float = 0.3,
        **fields: Any,
    ) -> Flight:
        """Start a command as a run and return it."""
        name = os.urandom(4).hex()
        path = self.root / name
        path.mkdir()
        run = Run(name, command=command, cwd=str(fields.pop("cwd", self.root)), started_at=time.time(), **fields)
        directory = os.open(path, os.O_DIRECTORY | os.O_CLOEXEC)
        variables = dict(os.environ if environ is None else environ) | dict([self.mark.split("=")])
        try:
            started = launch(run, directory, environ=variables, own=own or {}, successor=successor, grace=grace)
        finally:
            os.close(directory)
        return Flight(run._replace(process=identity(started)), path, started)

    def shell(self, script: str, **options: Any) -> Flight:
        """Start a shell script; ``TOKEN`` in it is the token."""
        return self.start("sh", "-c", script.replace("TOKEN", self.token), **options)

    def left(self) -> list[int]:
        """The pids of all that was started from here and still lives."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or int(entry) == os.getpid() or start_ticks(int(entry)) is None:
                continue
            try:
                words = Path("/proc", entry, "cmdline").read_bytes() + Path("/proc", entry, "environ").read_bytes()
            except OSError:
                continue
            if self.token.encode() in words:
                found.append(int(entry))
        return found

    def sweep(self) -> None:
        """End everything that was started from here."""
        for _ in range(10):
            for pid in self.left():
                for number in (SIGKILL, SIGCONT):
                    try:
                        os.kill(pid, number)
                    except ProcessLookupError:
                        break


def identity(started: Started) -> Identity:
    """The identity to record for what a launch has started."""
    place = here()
    return Identity(
        started.pid,
        started.start_ticks,
        place.boot_id,
        place.pid_namespace,
        place.host,
        started.shim_pid,
        started.shim_start_ticks,
    )
