"""One run's directory by its descriptor: its record is read leniently, and replaced whole only under its lock."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress

from runboard import files, record
from runboard.errors import NoSuchRun, Refused, RunBusy, StoreError, told, why
from runboard.model import Run
from runboard.safetext import clean

RECORD = "run.json"
MOST = 4 << 20
"""The largest record, in bytes, that is read or written."""

UNSAVED = ".exit.json.shim"
"""Where the shim has the end until it can give it its own name, which a full or locked disk may refuse."""

UNREAD = "run.json cannot be read"
"""How the damage of a record begins that may be whole, and that the system does not show."""

SHIMS = (".started.json.shim", UNSAVED)
"""Unfinished files of the shim, which makes them anew where they are missing."""

STEPS = ".steps.json"
"""What was counted of a log while it was written, of no use once the run is over."""

_OVER = (*SHIMS, STEPS)

LOCK_SECONDS = 5.0
"""So long another holder of a run's lock is waited for."""

_FRESH = 2.0
_TORN_FOR = 0.05

Note = Callable[[Run, str, str, str, str], None]
"""Tells the journal of a run, an event, the status before, a reason and who did it."""


class OpenRun:
    """The files of a run whose directory is held open: each answers as `Store` does, without looking the path up."""

    def __init__(self, fd: int) -> None:
        """Read in this directory, which the caller closes."""
        self._fd = fd

    def file_stat(self, name: str) -> os.stat_result | None:
        """What the file system says of a file of the run, links not followed; None where there is none.

        Raises:
            OSError: That cannot be told just now: a log that cannot be seen is not an empty one.
        """
        return files.found(name, self._fd)

    def read_json(self, name: str) -> object | None:
        """A file of the run as a JSON value; None where it is absent or cannot be understood.

        Raises:
            StoreError: It cannot be read just now, which says nothing of what is in it.
        """
        with told(f"{name} cannot be read"):
            try:
                return files.decode(files.read_plain(self._fd, name, MOST))
            except (FileNotFoundError, ValueError):
                return None

    def open_file(self, name: str) -> int:
        """A descriptor of whatever bears this name, opened to read without waiting.

        Raises:
            OSError: It cannot be opened, or is a link.
        """
        return files.open_file(self._fd, name)


class LockedRun(OpenRun):
    """A run whose lock is held: ``run`` is its record as it stands, and nobody else of ours changes it.

    ``unread`` where that is damaged only because the system does not show it.
    """

    def __init__(self, path: str, run_id: str, fd: int, note: Note) -> None:
        """Read the record under the lock; ``fd`` is the locked directory, found at ``path``."""
        super().__init__(fd)
        self.run = read_record(fd, run_id)
        self.unread = self.run.damage is not None and self.run.damage.startswith(UNREAD)
        self._path, self._note = path, note

    def put(self, run: Run, event: str, *, reason: str = "", by: str = "", from_status: str = "") -> Run:
        """Replace the record durably, then tell the journal; returns the run as every reader now finds it.

        Args:
            run: What the run is from now on.
            event: Its name in the journal.
            reason: Why, for the journal.
            by: Who, for the journal.
            from_status: What the run was before; what was read under the lock unless given.

        Raises:
            Refused: The record is damaged, or the directory was moved away meanwhile.
            StoreError: It could not be written; the record on disk is the old one.
        """
        if self.run.damage is not None:
            raise Refused(f"Run {clean(run.id)} is damaged ({self.run.damage}) and is left as it is")
        self._require_in_place()
        before, self.run = str(self.run.status), write_record(self._fd, run, self.run)
        self._note(self.run, event, from_status or before, reason, by)
        return self.run

    def put_once(self, name: str, data: bytes) -> bool:
        """Write a file of the run unless there is one of this name, whole or not at all; whether it was written."""
        self._require_in_place()
        with told(f"{name} of run {clean(self.run.id)} could not be written"):
            return files.create(self._fd, name, data)

    def sweep(self) -> None:
        """Remove what writers that died left unfinished, of a run that is over the shim's too."""
        files.sweep(self._fd, _OVER if self.run.finished else ())

    def put_file(self, name: str, data: bytes) -> None:
        """Write a file of the run whole, in the place of one of this name."""
        self._require_in_place()
        with told(f"{name} of run {clean(self.run.id)} could not be written"):
            files.replace(self._fd, name, data)

    def _require_in_place(self) -> None:
        """Refuse to write into a directory that somebody without a lock has moved or removed."""
        if not in_place(self._path, self._fd):
            raise Refused(f"Run {clean(self.run.id)} was moved away meanwhile; nothing was written")


def write_record(fd: int, run: Run, before: Run | None = None) -> Run:
    """Replace the record in a run's directory; returns the run as every reader now finds it.

    ``before`` is the run as its record tells, where that was just read.
    """
    what = f"run.json of run {clean(run.id)} could not be written"
    try:
        doc = record.dump(run, before)
        data = files.encode(doc, indent=True)
    except (ValueError, OverflowError, TypeError) as error:
        raise StoreError(f"{what}: {clean(str(error))}") from error
    if len(data) > MOST:
        raise StoreError(f"{what}: it would take {len(data)} bytes, and {MOST} are the most")
    with told(what):
        files.sweep(fd, _OVER if run.finished else ())
        files.replace(fd, RECORD, data)
    return record.parse(doc, run.id)._replace(foreign=run.foreign)


def read_record(fd: int, run_id: str) -> Run:
    """The run as the record in an open directory tells, or with ``damage`` saying why it cannot be understood.

    The older tool rewrites in place, so a record that was changed just now and makes no sense is looked at again.

    Raises:
        NoSuchRun: The directory is only just being made, or was removed.
    """
    deadline = time.monotonic() + _TORN_FOR
    while True:
        try:
            data = files.read_plain(fd, RECORD, MOST)
            return record.parse(files.decode(data), run_id)
        except FileNotFoundError:
            return _without_record(fd, run_id)
        except OSError as error:
            return Run(run_id, damage=f"{UNREAD}: {why(error)}")
        except (files.Unfit, record.BadRecord) as error:
            return Run(run_id, damage=str(error))
        except ValueError as error:
            if time.monotonic() > deadline or not _changed_just_now(fd):
                return Run(run_id, damage=_unreadable(data, error))
        time.sleep(0.002)


def unopened(path: str, run_id: str, error: OSError) -> Run:
    """A run whose directory could not be opened, with ``damage`` saying why.

    Raises:
        NoSuchRun: What is there is no run at all.
    """
    try:
        info = files.found(path)
        what = "nothing" if info is None else files.kind(info)
    except OSError:
        what = "something"
    match what:
        case "a symbolic link":
            return Run(run_id, damage="the run's directory is a symbolic link; it is not followed")
        case "a directory" | "something":
            return Run(run_id, damage=f"the run's directory cannot be read: {why(error)}")
    raise NoSuchRun(f"There is no run {clean(run_id)}: {what} bears the name")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a run: one file name that does not begin with a dot."""
    try:
        size = len(os.fsencode(text))
    except UnicodeEncodeError:  # half an emoji is no file name
        return False
    return 0 < size < 256 and not text.startswith(".") and "/" not in text and "\0" not in text


def acquire(fd: int, path: str, limit: float) -> None:
    """Take the lock of an open run directory, waiting up to ``limit`` seconds for another holder.

    Raises:
        RunBusy: Somebody else held it all the time; the message says who.
    """
    deadline, pause = time.monotonic() + limit, 0.0005
    while True:
        with told(f"{clean(path)} cannot be locked"), suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise RunBusy(
                f"{clean(path)} has been locked by {_holder(fd)} for {limit:g} s; try again once that is done"
            )
        time.sleep(min(pause, max(deadline - time.monotonic(), 0)))
        pause = min(pause * 2, 0.02)


def in_place(path: str, fd: int) -> bool:
    """Whether an open directory is still the one found under its path.

    Raises:
        StoreError: It cannot be told: to take that for a no would be to look it up for ever.
    """
    with told(f"{clean(path)} cannot be looked at"):
        try:
            return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(fd))
        except (FileNotFoundError, NotADirectoryError):
            return False


def _holder(fd: int) -> str:
    """Who holds the lock of an open directory, as /proc/locks tells (proc(5)): pid, name, and whether it is stopped."""
    info = os.fstat(fd)
    file = f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}"
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            pid = next(words[4] for words in map(str.split, locks) if words[1] == "FLOCK" and words[5] == file)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
    except (OSError, StopIteration, IndexError):
        return "another process"
    return f"process {pid} ({clean(name)}{', which is stopped' if rest.split()[0] in 'Tt' else ''})"


def _without_record(fd: int, run_id: str) -> Run:
    """A directory that holds no record: being made or gone where it is empty and young or unlinked, else damaged."""
    info = os.fstat(fd)
    try:
        empty = all(name.startswith(files.TEMP) for name in os.listdir(fd))
    except OSError as error:
        return Run(run_id, damage=f"the run's directory cannot be read: {why(error)}")
    if info.st_nlink == 0 or (empty and abs(time.time() - info.st_mtime) < _FRESH):
        raise NoSuchRun(f"There is no run {clean(run_id)} (yet, or any more)")
    return Run(run_id, damage="it has no run.json")


def _changed_just_now(fd: int) -> bool:
    """Whether the record is so young that its writer may not be done."""
    try:
        return abs(time.time() - os.stat(RECORD, dir_fd=fd, follow_symlinks=False).st_mtime) < _FRESH
    except OSError:
        return True  # it changes this very moment


def _unreadable(data: bytes, error: ValueError) -> str:
    """Why bytes are no record, in a sentence."""
    if not data:
        return "run.json is empty"
    if not data.strip(b"\0"):
        return "run.json holds only NUL bytes: its writer was cut off"
    return f"run.json is torn or no JSON: {clean(str(error))[:200]}"
