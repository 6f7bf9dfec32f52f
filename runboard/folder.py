"""One run's directory by its descriptor: its record is read leniently, and replaced whole only under its lock."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from runboard import files, record
from runboard.errors import NoSuchRun, Refused, StoreError, told, why
from runboard.model import Run
from runboard.safetext import clean

RECORD = "run.json"
MOST = 4 << 20
"""The largest record, in bytes, that is read or written."""

ANSWER = "response.md"
"""The file with what a run answered."""

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
        self.fd = fd

    def file_stat(self, name: str) -> os.stat_result | None:
        """What the file system says of a file of the run, links not followed; None where there is none.

        Raises:
            OSError: That cannot be told just now: a log that cannot be seen is not an empty one.
        """
        return files.found(name, self.fd)

    def read_json(self, name: str) -> object | None:
        """A file of the run as a JSON value; None where it is absent or cannot be understood.

        Raises:
            StoreError: It cannot be read just now, which says nothing of what is in it.
        """
        with told(f"{name} cannot be read"):
            try:
                return files.decode(files.read_plain(self.fd, name, MOST))
            except (FileNotFoundError, ValueError):
                return None

    def open_file(self, name: str) -> int:
        """A descriptor of whatever bears this name, opened to read without waiting.

        Raises:
            OSError: It cannot be opened, or is a link.
        """
        return files.open_file(self.fd, name)


class Draft(NamedTuple):
    """What is to replace a run's record: the unfinished file that holds it, what that says, and one with an answer."""

    temp: str
    doc: dict[str, Any]
    answer: str | None


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
        self._require_whole()
        before, self.run = str(self.run.status), write_record(self.fd, run, self.run)
        self._note(self.run, event, from_status or before, reason, by)
        return self.run

    def draft(self, run: Run, answer: bytes | None) -> Draft:
        """Write beside the record what is to replace it, for `take_over` once that has reached the disk.

        Raises:
            Refused: The record is damaged, or the directory was moved away meanwhile.
            StoreError: It could not be written; nothing is left of it.
        """
        self._require_whole()
        doc, data = _encoded(run, self.run)
        with told(_unwritten(run)):
            temp = files.draft(self.fd, data, through=False)
            try:
                return Draft(temp, doc, None if answer is None else files.draft(self.fd, answer, through=False))
            except BaseException:
                files.forget(self.fd, temp)
                raise

    def take_over(self, draft: Draft) -> tuple[int, int, int]:
        """Replace the record by a draft, then name its answer; durable once the directory is. The record's stamp."""
        with told(_unwritten(self.run)):
            try:
                files.rename(self.fd, draft.temp, RECORD)
            except BaseException:
                self.drop(draft)
                raise
            if draft.answer is not None:
                with suppress(OSError):  # the ending is saved; the answer still is in the log
                    files.name_once(self.fd, draft.answer, ANSWER)
            with suppress(OSError):
                files.sweep(self.fd, _OVER)
            return stamp_of(os.stat(RECORD, dir_fd=self.fd, follow_symlinks=False))

    def drop(self, draft: Draft) -> None:
        """Leave the record as it is."""
        for temp in filter(None, (draft.temp, draft.answer)):
            files.forget(self.fd, temp)

    def put_once(self, name: str, data: bytes) -> bool:
        """Write a file of the run unless there is one of this name, whole or not at all; whether it was written."""
        self._require_in_place()
        with told(f"{name} of run {clean(self.run.id)} could not be written"):
            return files.create(self.fd, name, data)

    def sweep(self) -> None:
        """Remove what writers that died left unfinished, of a run that is over the shim's too."""
        files.sweep(self.fd, _OVER if self.run.finished else ())

    def put_file(self, name: str, data: bytes) -> None:
        """Write a file of the run whole, in the place of one of this name."""
        self._require_in_place()
        with told(f"{name} of run {clean(self.run.id)} could not be written"):
            files.replace(self.fd, name, data)

    def _require_whole(self) -> None:
        """Refuse to replace a record that nobody understands, or to write where `_require_in_place` refuses to."""
        if self.run.damage is not None:
            raise Refused(f"Run {clean(self.run.id)} is damaged ({self.run.damage}) and is left as it is")
        self._require_in_place()

    def _require_in_place(self) -> None:
        """Refuse to write into a directory that somebody without a lock has moved or removed."""
        if not in_place(self._path, self.fd):
            raise Refused(f"Run {clean(self.run.id)} was moved away meanwhile; nothing was written")


def stamp_of(info: os.stat_result) -> tuple[int, int, int]:
    """What tells one state of a file from the next: its time in nanoseconds, its inode, its size."""
    return info.st_mtime_ns, info.st_ino, info.st_size


def write_record(fd: int, run: Run, before: Run | None = None) -> Run:
    """Replace the record in a run's directory; returns the run as every reader now finds it.

    ``before`` is the run as its record tells, where that was just read.
    """
    doc, data = _encoded(run, before)
    with told(_unwritten(run)):
        try:
            files.replace(fd, RECORD, data)
        except OSError:
            with suppress(OSError):
                files.sweep(fd)  # what a dead writer left may take the room that the next try needs
            raise
    with suppress(OSError):  # what the shim left was the only witness until now, and nobody waits for this any more
        files.sweep(fd, _OVER if run.finished else ())
    return record.parse(doc, run.id)._replace(foreign=run.foreign)


def _encoded(run: Run, before: Run | None) -> tuple[dict[str, Any], bytes]:
    """The record of a run, and its bytes.

    Raises:
        StoreError: It cannot be written, or would be too large to be read.
    """
    try:
        doc = record.dump(run, before)
        data = files.encode(doc, indent=True)
    except (ValueError, OverflowError, TypeError) as error:
        raise StoreError(f"{_unwritten(run)}: {clean(str(error))}") from error
    if len(data) > MOST:
        raise StoreError(f"{_unwritten(run)}: it would take {len(data)} bytes, and {MOST} are the most")
    return doc, data


def _unwritten(run: Run) -> str:
    """How it is said that a record could not be replaced."""
    return f"run.json of run {clean(run.id)} could not be written"


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
