"""What can go wrong with runs and their directory, each in a sentence that says what, why and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from errno import EACCES, EBUSY, EDQUOT, EIO, EMFILE, ENFILE, ENOLCK, ENOSPC, EOPNOTSUPP, EPERM, EROFS, EXDEV

from runboard.safetext import clean

_FULL = "free some space, for example with `runboard trash empty`"
_LOCKLESS = "the file system offers no locks; choose another --runs-dir"
_ADVICE = {
    EACCES: "look at the owner and the mode of the directory",
    EBUSY: "a file system is mounted inside; unmount it first",
    EDQUOT: _FULL,
    EIO: "the disk may be failing; look at the kernel's log",
    EMFILE: "too many files are open; raise `ulimit -n`",
    ENFILE: "too many files are open on this machine",
    ENOLCK: _LOCKLESS,
    ENOSPC: _FULL,
    EOPNOTSUPP: _LOCKLESS,
    EPERM: "look at the owner and the attributes (lsattr) of the files",
    EROFS: "remount the file system to be written, or choose another --runs-dir",
    EXDEV: "a file system is mounted there; unmount it first",
}


class ControlError(Exception):
    """Something that a person cannot do to a run; the message says what, why, and what to do instead."""


class AtRisk(ControlError):
    """A run that was kept because its checkout ``holds`` work that is nowhere else; ``lines`` name it."""

    def __init__(self, run_id: str, holds: str, lines: Sequence[str] = ()) -> None:
        """Say which run and what it is about, and name some of the work."""
        super().__init__(f"run {run_id} was kept: its repo/ holds {holds}; save it, or use --force to lose it")
        self.holds, self.lines = holds, tuple(lines)


class StoreError(Exception):
    """Something about the runs directory that could not be done."""


class NoSuchRun(StoreError):
    """There is no run of this name."""


class AmbiguousRun(StoreError):
    """Several runs begin with what was given; ``candidates`` are their ids."""

    def __init__(self, text: str, candidates: tuple[str, ...]) -> None:
        """Name up to ten of the candidates."""
        shown = ", ".join(clean(name) for name in candidates[:10]) + (", …" if len(candidates) > 10 else "")
        super().__init__(f"{len(candidates)} runs begin with {clean(text)}: {shown}")
        self.candidates = candidates


class RunBusy(StoreError):
    """Another process holds the run's lock and does not let go of it."""


class Refused(StoreError):
    """Something that would lose work or truth, and is not done."""


@contextmanager
def told(what: str) -> Iterator[None]:
    """Tell an error of the operating system as "what: why; what to do"."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0)
        raise StoreError(f"{what}: {why(error)}" + (f"; {advice}" if advice else "")) from error


def why(error: OSError) -> str:
    """An error's reason in the words of the system."""
    return os.strerror(error.errno) if error.errno else str(error)
