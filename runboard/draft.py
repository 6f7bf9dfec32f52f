"""A run that is not started yet, as somebody typed it: what it would execute, and what speaks against it."""

from __future__ import annotations

import os
import shlex
from typing import NamedTuple

from runboard.amounts import BadAmount, duration
from runboard.safetext import clean

_SHELL = frozenset("|<>&;$`*?")
"""Characters that a shell would act on."""

_PREVIEWED = 300


class Draft(NamedTuple):
    """The fields of a new run as typed; ``shell`` has the line read by sh instead of being split into words."""

    line: str
    shell: bool = False
    cwd: str = ""
    name: str = ""
    tags: str = ""
    timeout: str = ""
    model: str = ""
    repo: str = ""

    @property
    def command(self) -> tuple[str, ...]:
        """Program and arguments.

        Raises:
            ValueError: The line cannot be split into words: a quotation mark is missing.
        """
        if self.shell:
            return ("sh", "-c", self.line) if self.line.strip() else ()
        return tuple(shlex.split(self.line))

    @property
    def directory(self) -> str:
        """Where it is to run, from the root on."""
        return os.path.abspath(os.path.expanduser(self.cwd.strip() or "."))

    @property
    def limit(self) -> float | None:
        """Its time limit in seconds.

        Raises:
            BadAmount: It is no length of time.
        """
        return duration(self.timeout) if self.timeout.strip() else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Its tags, each once.

        Raises:
            ValueError: A quotation mark is missing.
        """
        return tuple(dict.fromkeys(shlex.split(self.tags)))


def preview(draft: Draft) -> str:
    """What would be executed, each argument visible as one, and a word about characters that a shell would act on."""
    try:
        command = draft.command
    except ValueError:
        return "a quotation mark is missing"
    shown = clean("  ".join(repr(word) if not word or set(word) & set(" \t\n'\"") else word for word in command))
    acting = "" if draft.shell else " ".join(sorted({char for word in command for char in word if char in _SHELL}))
    return shown[:_PREVIEWED] + (f"   (no shell: {acting} as typed)" if acting else "")


def troubles(draft: Draft) -> dict[str, str]:
    """What speaks against starting it, as a sentence for each field; looks at the disk, so not for an event loop."""
    found: dict[str, str] = {}
    try:
        command = draft.command
        if not command or not command[0]:
            found["line"] = "There is no command."
        elif not _executable(command[0], draft.directory):
            found["line"] = f"There is no program {command[0]} that can be executed."
    except ValueError:
        found["line"] = "A quotation mark is missing."
    if "\0" in draft.line:
        found["line"] = "It holds a NUL character, which no program can be given."
    if not os.path.isdir(draft.directory):
        found["cwd"] = f"There is no directory {draft.directory}."
    elif not os.access(draft.directory, os.X_OK):
        found["cwd"] = f"The directory {draft.directory} may not be entered."
    try:
        if draft.limit == 0:
            found["timeout"] = "That is no time at all; leave it empty for no limit."
    except BadAmount as error:
        found["timeout"] = str(error)
    try:
        tuple(draft.labels)
    except ValueError:
        found["tags"] = "A quotation mark is missing; tags with blanks stand in quotes."
    return found


def _executable(program: str, directory: str) -> bool:
    """Whether execvp(3), started in a directory, would find a program."""
    if "/" in program:
        places = [os.path.join(directory, program)]
    else:
        parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
        places = [os.path.join(directory, part, program) for part in parts]
    return any(os.path.isfile(place) and os.access(place, os.X_OK) for place in places)
