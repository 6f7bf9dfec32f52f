"""The runs directory: records replaced whole under a lock, read leniently, and never reached through a link."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from errno import ENOENT
from itertools import islice

from runboard import files, folder, journal, lock, tree
from runboard.errors import AmbiguousRun, NoSuchRun, Refused, RunBusy, StoreError, told
from runboard.folder import MOST, RECORD, LockedRun, OpenRun
from runboard.journal import Journal
from runboard.model import Run
from runboard.safetext import clean
from runboard.trash import OpenTrash, Trash

__all__ = [
    "LAST",
    "RECORD",
    "AmbiguousRun",
    "Journal",
    "LockedRun",
    "NoSuchRun",
    "OpenRun",
    "OpenTrash",
    "Refused",
    "RunBusy",
    "Stamp",
    "Store",
    "StoreError",
]

LAST = "@last"
Stamp = tuple[int, int, int]
"""(mtime in ns, inode, size) of a record: another stamp means another record."""

_EMPTY = "No runs yet. Start one: runboard run -- make test"


class Store:
    """A directory of runs; holds no state, so any number of threads and processes may share one."""

    def __init__(self, root: str) -> None:
        """Name the directory; it need not exist, the first ``create`` makes it."""
        self.root = os.path.abspath(root)
        self._trash = Trash(self.root)

    def ids(self) -> list[str]:
        """The names of all runs in order: directories, and links, which are shown though never followed."""
        with self._listed() as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False) or e.is_symlink()]
        return sorted(name for name in names if not name.startswith("."))

    def few_ids(self, most: int) -> list[str] | None:
        """The names of all runs where there are at most so many, told without listing more; else None."""
        with self._listed() as entries:
            few = list(islice((e for e in entries if not e.name.startswith(".")), most + 1))
            shown = [e.name for e in few if e.is_dir(follow_symlinks=False) or e.is_symlink()]
        return None if len(few) > most else sorted(shown)

    def find(self, text: str) -> str:
        """The id that is meant by a whole id, the beginning of only one, or ``@last`` for the run started last."""
        names = self.ids()
        if text in names:
            return text
        if text == LAST:
            return self._last(names)
        fitting = tuple(name for name in names if text and name.startswith(text))
        if len(fitting) > 1:
            raise AmbiguousRun(text, fitting)
        if not fitting:
            raise NoSuchRun(f"No run begins with {clean(text)!r}; `runboard ps -a` lists all" if names else _EMPTY)
        return fitting[0]

    def read(self, run_id: str) -> Run:
        """The run as its record tells, or, where that cannot be understood, with ``damage`` saying why.

        Raises:
            NoSuchRun: There is no such directory, or it is only just being made.
        """
        try:
            fd = self._open(run_id)
        except FileNotFoundError:
            raise NoSuchRun(f"There is no run {clean(run_id)}") from None
        except OSError as error:
            return folder.unopened(self.path(run_id), run_id, error)
        with files.opened(fd):
            return folder.read_record(fd, run_id)

    def stamp(self, run_id: str) -> Stamp | None:
        """What tells one state of a record from the next, without reading it; None where there is no plain record."""
        try:
            with files.opened(self._open(run_id)) as fd:
                info = os.stat(RECORD, dir_fd=fd, follow_symlinks=False)
        except OSError:
            return None  # as of one that is odd: it is read, which tells why it cannot be
        return folder.stamp_of(info) if files.is_plain(info) else None

    def create(self, draft: Run) -> Run:
        """Make a run under a new id of 8 hex digits and return it; the draft's own id is not used."""
        with told(f"No run can be made in {clean(self.root)}"):
            files.make_root(self.root)
            with files.opened(files.open_root(self.root)) as root:
                run = self._make(root, draft)
        self._note(run, "created", "", "", "")
        return run

    @contextmanager
    def locked(self, run_id: str, limit: float | None = None, *, past: bool = False) -> Iterator[LockedRun]:
        """Hold a run's lock and its record as it stands; processes and threads that also ask wait.

        Args:
            run_id: Which run.
            limit: How long to wait for another holder, in seconds; by default ``folder.LOCK_SECONDS``.
            past: Whether to go on without the lock after that.

        Raises:
            RunBusy: The lock was not to be had within the limit.
            NoSuchRun: There is no such directory, or not any more.
        """
        fd = self._lock(run_id, folder.LOCK_SECONDS if limit is None else limit, past=past)
        try:
            yield LockedRun(self.path(run_id), run_id, fd, self._note)
        finally:
            with suppress(OSError):  # what was done under it is done, and the lock goes with the descriptor
                fcntl.flock(fd, fcntl.LOCK_UN)  # also for a child that got the descriptor by fork
            os.close(fd)

    def tidy(self, run_id: str) -> None:
        """Remove what writers that died left unfinished in a run's directory, unless somebody is writing there."""
        with suppress(StoreError, OSError), self.locked(run_id, 0.0) as held:
            held.sweep()

    @contextmanager
    def reading(self, run_id: str) -> Iterator[OpenRun]:
        """The files of a run, its directory held open meanwhile; raises as `open_dir` does."""
        with files.opened(self.open_dir(run_id)) as fd:
            yield OpenRun(fd)

    def open_dir(self, run_id: str) -> int:
        """A descriptor of the run's directory, for the caller to close."""
        try:
            return self._open(run_id)
        except FileNotFoundError:
            raise NoSuchRun(f"There is no run {clean(run_id)}") from None
        except OSError as error:
            raise StoreError(folder.unopened(self.path(run_id), run_id, error).damage) from error

    def open_file(self, run_id: str, name: str) -> int:
        """A descriptor of whatever bears this name in the run's directory, opened to read without waiting.

        Raises:
            OSError: It cannot be opened, or is a link, or there is no such run.
        """
        _require_name(name)
        with files.opened(self._open(run_id)) as fd:
            return files.open_file(fd, name)

    def read_json(self, run_id: str, name: str) -> object | None:
        """A file of the run as a JSON value; None where it is absent or cannot be understood.

        Raises:
            StoreError: It cannot be read just now, which says nothing of what is in it.
        """
        _require_name(name)
        with told(f"{name} of run {clean(run_id)} cannot be read"):
            try:
                with files.opened(self._open(run_id)) as fd:
                    return files.decode(files.read_plain(fd, name, MOST))
            except (FileNotFoundError, NotADirectoryError, ValueError):
                return None

    def file_stat(self, run_id: str, name: str) -> os.stat_result | None:
        """What the file system says of a file of the run, links not followed; None where there is none.

        Raises:
            StoreError: It cannot be looked at just now, which does not mean that it is not there.
        """
        _require_name(name)
        try:
            with files.opened(self._open(run_id)) as fd:
                return files.found(name, fd)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            with told(f"{name} of run {clean(run_id)} cannot be looked at"):  # the words are made only where it fails
                raise

    def path(self, run_id: str) -> str:
        """Where the run's directory is, for people and for comparing with where a process works."""
        return f"{self.root}/{run_id}"

    def size(self, run_id: str, rest: Callable[[], None] = lambda: None) -> int:
        """Bytes that the run takes on the disk, without following links or entering other file systems.

        ``rest`` is called now and then where that is much work.
        """
        try:
            with files.opened(self._open(run_id)) as fd:
                return tree.usage(fd, rest)
        except OSError:
            return 0

    def journal(self) -> Journal:
        """A reader of what is done to the runs from now on."""
        return Journal(self.root)

    def open_trash(self) -> AbstractContextManager[OpenTrash]:
        """The trash held open, for `trash` and `destroy` of many runs; what was done is made durable at its end."""
        return self._trash.open()

    def trash(
        self,
        run_id: str,
        into: OpenTrash | None = None,
        sure: Callable[[LockedRun], None] = lambda _: None,
        *,
        past_lock: bool = False,
        over: bool = False,
    ) -> None:
        """Move a finished or damaged run to the trash, decided under its lock.

        ``sure`` is called under the lock before; what it raises keeps the run. With ``past_lock`` one that does not let
        go of the lock is passed by: it may be stopped for good, and what it still writes goes with the run. ``over``
        where the run was found to have ended, though that could not be written down.

        Raises:
            Refused: It has not ended, or the trash has a run of this name already.
        """
        with nullcontext(into) if into else self.open_trash() as trash:
            if not folder.is_name(run_id):
                raise NoSuchRun(f"There is no run {clean(run_id)}")
            if os.path.islink(self.path(run_id)):
                trash.take(run_id)  # the link itself; what it points to is not ours
                return
            with tree.let_in(self.root, run_id), self.locked(run_id, past=past_lock) as held:  # may be locked out
                if held.run.active and not over:
                    raise Refused(f"Run {clean(run_id)} is {held.run.status}; stop it first")
                sure(held)
                trash.take(run_id)
                self._note(held.run, "trashed", str(held.run.status), "", "")

    def restore(self, run_id: str) -> None:
        """Bring a run back from the trash.

        Raises:
            NoSuchRun: It is not there.
            Refused: There is a run of this name again.
        """
        with self.open_trash() as trash:
            trash.give_back(run_id)
        with suppress(NoSuchRun):  # thrown away again already, which is journalled too
            self._note(self.read(run_id), "restored", "", "", "")

    def trashed(self) -> list[Run]:
        """Every run in the trash, the one thrown away last first."""
        return self._trash.runs()

    def trash_names(self) -> list[str]:
        """The ids of the runs in the trash, in no order, without reading any of them."""
        return self._trash.names()

    def destroy(self, run_id: str, held: OpenTrash | None = None, *, past_lock: bool = False) -> int:
        """Remove a run in the trash for good, and return the bytes that this freed.

        Raises:
            StoreError: Something of it could not be removed, and stays there.
        """
        with nullcontext(held) if held else self.open_trash() as trash:
            return trash.destroy(run_id, past_lock=past_lock)

    @contextmanager
    def _listed(self) -> Iterator[Iterator[os.DirEntry[str]]]:
        """What lies in the runs directory, in no order; nothing where there is none."""
        with told(f"The runs directory {clean(self.root)} cannot be listed"):
            try:
                entries = os.scandir(self.root)
            except FileNotFoundError:
                yield iter(())
                return
            with entries:
                yield entries

    def _open(self, run_id: str) -> int:
        """A descriptor of a run's directory; what can be no run's name is as good as absent."""
        if not folder.is_name(run_id):
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), run_id)
        return files.open_folder(self.path(run_id))

    def _lock(self, run_id: str, limit: float, *, past: bool) -> int:
        """A descriptor of the run's directory with its lock held; one moved away meanwhile is looked up again."""
        while True:
            fd = self.open_dir(run_id)
            try:
                with suppress(RunBusy) if past else nullcontext():
                    lock.acquire(fd, self.path(run_id), limit)
                if folder.in_place(self.path(run_id), fd):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)

    def _make(self, root: int, draft: Run) -> Run:
        """A new directory in the open root with the draft's record in it; nothing is left where that fails."""
        run = self._named(root, draft)
        try:
            with files.opened(files.open_folder(run.id, root)) as fd:
                files.adopt(fd, root)
                run = folder.write_record(fd, run)
            files.sync_folder(root)
        except BaseException:
            with suppress(OSError):
                os.rmdir(run.id, dir_fd=root)
            raise
        return run

    def _named(self, root: int, draft: Run) -> Run:
        """The draft under an id that nobody else has, its directory made."""
        while True:
            run_id = os.urandom(4).hex()
            with suppress(FileExistsError):
                os.mkdir(run_id, 0o700, dir_fd=root)
                return draft._replace(id=run_id)

    def _note(self, run: Run, event: str, before: str, reason: str, by: str) -> None:
        """Tell the journal; a full disk costs other boards some seconds, and must not undo what is written already."""
        entry: dict[str, object] = {"id": run.id, "event": event, "from": before, "to": str(run.status)}
        with suppress(OSError):
            journal.append(self.root, entry | {"reason": reason, "by": by})

    def _last(self, names: list[str]) -> str:
        """The run that was started last."""
        started: list[tuple[float, str]] = []
        for name in names:
            with suppress(NoSuchRun):
                started.append((self.read(name).started_at or 0.0, name))
        if not started:
            raise NoSuchRun(_EMPTY)
        return max(started)[1]


def _require_name(name: str) -> None:
    """Hold programs to file names: a path would be followed through links."""
    if "/" in name or name in {"", ".", ".."}:
        raise ValueError(f"{name!r} is not the name of a file in a run's directory")
