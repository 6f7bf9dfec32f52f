"""A log in the pager or the editor of the person: found by the environment, given the terminal, never through a shell.

The log is checked to be a plain file, and named by its absolute path: nothing in it can be taken for an option.
``less`` is told to pass on nothing but colours (``-+r``), whatever $LESS says, and runs no preprocessor: logs are what
strangers wrote.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from signal import Signals

from runboard import files
from runboard.errors import why
from runboard.safetext import clean
from runboard.store import Store, StoreError
from runboard.ui.sources import NotOpened

LOG = "output.log"

VARIABLES = {"pager": ("PAGER",), "editor": ("VISUAL", "EDITOR")}
USUAL = {"pager": "less", "editor": "vi"}
_PREPROCESSORS = ("LESSOPEN", "LESSCLOSE")


class Program:
    """A program that has the terminal until it ends."""

    def __init__(self, words: list[str], environ: Mapping[str, str]) -> None:
        """Start it; the terminal is the caller's to give.

        Raises:
            NotOpened: It cannot be started.
        """
        self._name = clean(words[0])
        try:
            self._process = subprocess.Popen(words, env=dict(environ))
        except (OSError, ValueError) as error:
            cause = why(error) if isinstance(error, OSError) else str(error)
            raise NotOpened(f"{self._name} cannot be started: {cause}") from None

    def wait(self) -> str:
        """Wait until it has ended; how that went wrong, empty if it did not."""
        code = self._process.wait()
        if code == 0:
            return ""
        return f"{self._name} ended with exit code {code}" if code > 0 else f"{self._name} ended by {_name_of(-code)}"

    def end(self) -> None:
        """Have it end."""
        with suppress(OSError):
            self._process.terminate()


def open_log(store: Store, environ: Mapping[str, str], run_id: str, program: str) -> Program:
    """Open the log of a run in the ``pager`` or the ``editor``.

    Raises:
        NotOpened: There is no such program, or no such log; the message is a sentence.
    """
    try:
        with files.opened(store.open_file(run_id, LOG)) as fd:
            info = os.fstat(fd)
            if not files.is_plain(info):
                raise NotOpened(f"{LOG} is {files.kind(info)}; it is not opened")
    except FileNotFoundError:
        raise NotOpened(f"There is no {LOG}") from None
    except (OSError, StoreError) as error:
        raise NotOpened(f"{LOG} cannot be read: {why(error) if isinstance(error, OSError) else error}") from None
    path = os.path.abspath(f"{store.path(run_id)}/{LOG}")
    words = command(program, environ)
    kept = {name: value for name, value in environ.items() if name not in _PREPROCESSORS}
    return Program([*words, path], kept)


def command(program: str, environ: Mapping[str, str]) -> list[str]:
    """The words that start the ``pager`` or the ``editor`` which the environment names.

    Raises:
        NotOpened: They are no words.
    """
    names = VARIABLES[program]
    name, text = next(((name, environ[name]) for name in names if environ.get(name, "").strip()), ("", USUAL[program]))
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotOpened(f"${name} cannot be understood: {error}") from None
    if not words:
        raise NotOpened(f"${name} names no program")
    return [*words, "-+r"] if os.path.basename(words[0]) == "less" else words


def _name_of(number: int) -> str:
    """A signal by its name."""
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
