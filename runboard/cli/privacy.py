"""Whether other users can read the runs, or put something else in their place; and the command that ends it."""

from __future__ import annotations

import os
import shlex
import stat
from contextlib import suppress
from itertools import islice

from runboard.cli.probing import Check, State

_LOOKED_AT = 1_000
"""Of so many runs the modes are looked at."""

_FILES = ("run.json", "output.log", "response.md")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITE = stat.S_IWGRP | stat.S_IWOTH
_READ = stat.S_IRGRP | stat.S_IROTH
_ENTER = stat.S_IXGRP | stat.S_IXOTH


def privacy(root: str) -> Check:
    """What others may do to a runs directory by its modes, the gravest first; access lists are not looked at."""
    name = "privacy"
    place = os.path.realpath(root)
    swapped = _swappable(place)
    if swapped is not None:
        return Check(name, State.DEGRADED, f"others can put another directory in the place of {place}: {swapped}")
    try:
        info = os.stat(place)
    except OSError:
        return Check(name, State.OK, "the runs directory will be yours alone")
    mode = stat.S_IMODE(info.st_mode)
    mend = f"chmod go-rwx {shlex.quote(place)}"
    if info.st_uid not in {os.geteuid(), 0}:
        return Check(name, State.DEGRADED, f"{place} belongs to user {info.st_uid}, who can read and change all of it")
    if mode & _WRITE:
        return Check(name, State.DEGRADED, f"others can write into {place}: {mend}")
    if mode & _OTHERS:
        readable = _readable(place) if mode & _ENTER else 0
        runs = f"{readable} run{'' if readable == 1 else 's'}" if readable else "the names of your runs"
        return Check(name, State.DEGRADED, f"others can read {runs} in {place}: {mend}")
    return Check(name, State.OK, "the runs directory is yours alone")


def _swappable(place: str) -> str | None:
    """What keeps others from swapping a directory above the runs, where they can; a sticky bit does so already."""
    above = os.path.dirname(place)
    while True:
        with suppress(OSError):
            info = os.stat(above)
            if info.st_mode & _WRITE and not info.st_mode & stat.S_ISVTX:
                return f"chmod go-w {shlex.quote(above)}"
            if info.st_uid not in {os.geteuid(), 0}:
                return f"{shlex.quote(above)} belongs to user {info.st_uid}; choose another --runs-dir"
        if above == os.path.dirname(above):
            return None
        above = os.path.dirname(above)


def _readable(place: str) -> int:
    """How many of the runs others can read something of."""
    found = 0
    with suppress(OSError), os.scandir(place) as entries:
        for entry in islice((entry for entry in entries if entry.is_dir(follow_symlinks=False)), _LOOKED_AT):
            with suppress(OSError):
                entered = entry.stat(follow_symlinks=False).st_mode & _ENTER
                found += bool(entered) and any(_open_to_others(f"{entry.path}/{name}") for name in _FILES)
    return found


def _open_to_others(path: str) -> bool:
    """Whether the mode of a file lets others read it."""
    with suppress(OSError):
        return bool(os.lstat(path).st_mode & _READ)
    return False
