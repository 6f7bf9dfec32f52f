"""What the board remembers of its user between two openings: one small file, replaced whole, shared by all boards."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from runboard import files
from runboard.errors import why
from runboard.safetext import clean

NAME = "board.json"
REPORT = "crash.log"
MOST = 4 << 20
"""Bytes of the file that are read."""

LOCK_SECONDS = 1.0
"""So long one board waits for another that is writing."""


class Forgotten(Exception):
    """Something could not be remembered; the message is a sentence, and nothing else is the matter."""


class State:
    """What is remembered, by key; several boards may share it, and each writes only the keys it changes."""

    def __init__(self, folder: str, *, writing: bool = True) -> None:
        """Remember in a directory that need not exist; without ``writing`` nothing is ever written."""
        self._folder = folder
        self._writing = writing

    @property
    def path(self) -> str:
        """The file."""
        return f"{self._folder}/{NAME}"

    def load(self) -> dict[str, object]:
        """Everything that is remembered; what cannot be read is forgotten."""
        with suppress(OSError, ValueError), files.opened(files.open_root(self._folder)) as folder:
            found = files.decode(files.read_plain(folder, NAME, MOST))
            if isinstance(found, dict):
                return found
        return {}

    def save(self, key: str, value: object) -> None:
        """Remember one thing, None to forget it; the rest stays as other boards left it. It blocks: not in a loop.

        Raises:
            Forgotten: It could not be written.
        """
        if not self._writing:
            return
        try:
            files.make_root(self._folder)
            with files.opened(files.open_root(self._folder)) as folder, _locked(folder):
                known = self.load()
                known.pop(key, None)
                if value is not None:
                    known[key] = value
                files.sweep(folder)
                files.replace(folder, NAME, files.encode(known, indent=True))
        except OSError as error:
            raise Forgotten(
                clean(f"{self.path} cannot be written: {why(error)}; this will not be remembered")
            ) from None


def keep_report(where: str, text: str) -> str:
    """Keep the report of a crash in the directory ``where``, for its owner alone; its path, or nothing if it cannot be.

    The one before is replaced.
    """
    try:
        os.makedirs(where, 0o700, exist_ok=True)
        with files.opened(files.open_root(where)) as held:
            files.replace(held, REPORT, f"{text}\n".encode("utf-8", "replace"))
    except OSError:
        return ""
    return f"{where}/{REPORT}"


def folder(environ: Mapping[str, str]) -> str:
    """The directory for it after the XDG specification."""
    given = environ.get("XDG_STATE_HOME", "")
    return (given.rstrip("/") if given.startswith("/") else os.path.expanduser("~/.local/state")) + "/runboard"


@contextmanager
def _locked(fd: int) -> Iterator[None]:
    """Hold the directory's lock; who holds it for longer than a moment has stopped, and is not waited for."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break
    try:
        yield
    finally:
        with suppress(OSError):  # what was done under it is done, and the lock goes with the descriptor
            fcntl.flock(fd, fcntl.LOCK_UN)
