"""The index of finished runs: a cache that may be deleted at any time, asked before the disk and never instead of it.

What has ended stays as it is, so its row is kept. Runs that have not ended, or cannot be understood, are remembered by
name only and read again each time. What is new, gone or changed is found by the time of the runs directory (names) and
by the journals (records); where these cannot be trusted, all names or the times of all records are compared.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from threading import RLock
from typing import NamedTuple, TypeVar

from runboard import bulk, cachefile, journal, rowtable
from runboard.cachefile import CacheFile
from runboard.columns import FILLS
from runboard.errors import told
from runboard.query import Query
from runboard.row import Row
from runboard.rowtable import Change, Look
from runboard.safetext import clean
from runboard.store import Store

T = TypeVar("T")
CHUNK = 2_000
"""Rows that are handed over at once."""

GRAIN, COARSE = 0.05, 2.5
"""Seconds: a directory that changed so shortly before it was listed may have changed again with the same time; the
second where the file system counts in whole seconds, or in two."""

_inherited: list[object] = []
"""Connections of the process that this one was forked from: to close them here would be to meddle with its files."""


class Synced(NamedTuple):
    """What a look at the disk found: the runs that are open, rows that are new or changed, ids of runs that are gone.

    ``open`` are the names of all runs without a row: active or damaged, they are read by whoever wants to know.
    ``anew`` says that all rows are new, which are then not listed here.
    """

    open: tuple[str, ...]
    changed: tuple[Row, ...] = ()
    removed: tuple[str, ...] = ()
    anew: bool = False


class Index:
    """The rows of a store's finished runs, in a file where there can be one, else in memory; threads may share it."""

    def __init__(self, store: Store, path: str | None = None, *, writing: bool = True, copying: bool = False) -> None:
        """Name the file; nothing is opened before the first question.

        Args:
            store: Whose runs.
            path: The file, in a directory that is made ours alone; by default that of this store and host.
            writing: Whether to keep what is found.
            copying: Whether to go on with a copy of it in memory: a guest takes no lock.
        """
        self.path = path
        self.trouble: str | None = None
        self._root = store.root
        self._writing, self._copying = writing and not copying, copying
        self._lock = RLock()
        self._file: CacheFile | None = None
        self._memory: sqlite3.Connection | None = None
        self._pid = self._looked = 0

    def sync(self) -> Synced:
        """Bring the rows up to date with the disk.

        Raises:
            StoreError: The runs directory cannot be listed.
        """
        with self._lock:
            try:
                return self._synced() if self._ready() else self._start_anew()
            except sqlite3.Error as error:
                return self._start_anew(str(error))

    def usable(self) -> bool:
        """Whether there is a file to ask; none is made."""
        with self._lock, suppress(sqlite3.Error):
            return self._ready()
        return False

    def build(self) -> None:
        """Make the file where there is none to be used, unless another process is about it.

        Raises:
            Unusable: There is no place for it, or it is busy.
            OSError: It could not be written.
            sqlite3.Error: It could not be written.
        """
        folder, _name = self._place()
        cachefile.require_private(folder)
        with self._lock, cachefile.alone(folder) as alone:
            if alone and not self._ready() and self.trouble is None:
                self._make()

    def rows(self) -> Iterator[list[Row]]:
        """All rows, the newest first, some thousand at a time; what changes meanwhile may be seen or not."""
        after = None
        while True:
            at = after
            rows, after = self._ask(lambda db: rowtable.page(db, at, CHUNK))  # noqa: B023 - asked at once
            if rows:
                yield rows
            if len(rows) < CHUNK:
                return

    def select(self, query: Query, now: float, limit: int | None = None, before: float | None = None) -> list[str]:
        """The ids of the finished runs that a query finds, the newest first; only of those ended ``before`` a time."""
        return self._ask(lambda db: rowtable.select(db, query, now, limit, before))

    def count(self, query: Query, now: float) -> int:
        """How many finished runs a query finds."""
        return self._ask(lambda db: rowtable.count(db, query, now))

    def get(self, run_ids: Iterable[str]) -> dict[str, Row]:
        """The rows that are held of these runs."""
        names = list(run_ids)
        return {row.id: row for row in self._ask(lambda db: rowtable.held(db, names))}

    def open(self) -> list[str]:
        """The ids of all runs without a row."""
        return self._ask(rowtable.opened)

    def last(self) -> tuple[str, float] | None:
        """The finished run that began last, and when in epoch seconds."""
        return self._ask(rowtable.last)

    def stale(self, most: int) -> list[str]:
        """Which of the next so many rows are no longer true, by the stamps of their records: all are asked in turn."""
        known, self._looked = self._ask(lambda db: rowtable.stamps_after(db, self._looked, most))
        return bulk.changed(self._root, known)

    def sizes(self) -> dict[str, int]:
        """The bytes that finished runs take on the disk, as far as somebody has measured them."""
        return self._ask(rowtable.sizes)

    def put_sizes(self, sizes: Mapping[str, int]) -> None:
        """Keep sizes of finished runs; each is forgotten when its run's record changes."""
        with self._lock:
            self._ask(rowtable.opened)
            self._write(lambda db: rowtable.put_sizes(db, sizes))

    def put(self, rows: Iterable[Row], gone: Iterable[str] = ()) -> None:
        """Keep what became of these runs; each is read again, so that row and record surely belong together."""
        self.refresh([row.id for row in rows], gone)

    def refresh(self, run_ids: Iterable[str], gone: Iterable[str] = ()) -> None:
        """Look again at these runs, of which somebody knows that they are not as they were; of none, at nothing."""
        wanted = list(run_ids), list(gone)
        with self._lock:
            if any(wanted):
                self._ask(rowtable.opened)
                self._keep(self._read(*wanted))

    def kept(self) -> int | None:
        """How many rows the file holds, up to date or not; None where there is no file, or none to be used."""
        with self._lock, suppress(sqlite3.Error):
            return rowtable.count(self._db, Query(), 0.0) if self._ready() else None
        return None

    def close(self) -> None:
        """Let go of the file; the next question opens it again."""
        with self._lock:
            if self._pid == os.getpid():
                if self._file is not None:
                    self._file.close()
                if self._memory is not None:
                    self._memory.close()
            self._file = self._memory = None
            self._pid = 0

    def _ready(self) -> bool:
        """Open the file if that is still to be done; whether there are rows to begin with."""
        if self._pid != os.getpid():
            _inherited.extend(one for one in (self._file, self._memory) if one is not None)
            self._file, self._memory, self._pid = None, None, os.getpid()
            self.trouble = None
            try:
                folder, name = self._place()
                if self._copying:
                    self._memory = cachefile.copied(folder, name, self._schema)
                else:
                    self._file = CacheFile(folder, name, self._schema)
                rowtable.prepare(self._db)
            except cachefile.Spoilt:
                return False
            except (cachefile.Unusable, OSError) as error:
                self.trouble = str(error)
        return self._file is not None or self._memory is not None

    def _place(self) -> tuple[str, str]:
        """The directory and the name of the file.

        Raises:
            Unusable: There is no place for it.
        """
        if self.path is None:
            self.path = f"{cachefile.home()}/{cachefile.name_of(self._root)}"
        return os.path.dirname(self.path), os.path.basename(self.path)

    @property
    def _schema(self) -> str:
        """What the file must say of itself."""
        return f"{rowtable.SCHEMA}\n{FILLS}\n{self._root}".encode(errors="backslashreplace").decode()

    @property
    def _db(self) -> sqlite3.Connection:
        """Where the rows are."""
        if self._memory is not None:
            return self._memory
        if self._file is None:
            raise sqlite3.ProgrammingError("there is no index yet")
        return self._file.db

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """An answer; where the file fails, from rows read anew."""
        with self._lock:
            try:
                if not self._ready():
                    self._start_anew()
                return question(self._db)
            except sqlite3.Error as error:
                self._start_anew(str(error))
                return question(self._db)

    def _synced(self) -> Synced:
        """Compare what is held with the disk, and keep the difference."""
        db = self._db
        before = rowtable.look(db)
        waiting = set(rowtable.opened(db))
        news = journal.news(self._root, before.marks)
        look = Look(_time(self._root), before.listed_at, news.marks)
        wanted, gone, thorough = set[str](), set[str](), news.lost
        if look.root != before.root or before.listed_at - look.root / 1e9 < _grain(look.root):
            look.listed_at = time.time()
            names, folders = self._names(), rowtable.folders(db)
            gone = (folders.keys() | waiting) - names.keys()
            wanted = {name for name, inode in names.items() if folders.get(name) != inode and name not in waiting}
            # Names that have not changed in a directory that has: one may have been made again in its old inode.
            thorough |= look.root != before.root and not wanted and not gone
        if thorough:
            wanted |= set(bulk.changed(self._root, rowtable.stamps(db))) - gone
        wanted |= {row.id for row in rowtable.held(db, news.ids)} - gone
        change = self._read((wanted | waiting) - gone, gone)
        change.open = [name for name in change.open if name not in waiting]
        listed = look.listed_at != before.listed_at
        if change.rows or change.open or change.gone or listed or news.lost or _far(before.marks, news.marks):
            change.look = look
            self._keep(change)
        return self._told(change)

    def _start_anew(self, spoilt: str = "") -> Synced:
        """Read all runs, and make the file anew, or do without where there can be none."""
        if self._file is not None:
            self._file.close()
        self._file = self._memory = None
        if self._writing and self.trouble is None:
            try:
                self._make()
                return Synced(tuple(rowtable.opened(self._db)), anew=True)
            except (cachefile.Unusable, OSError, sqlite3.Error) as error:
                self.trouble = str(error)
        self.trouble = self.trouble or spoilt or "only looking on"
        self._memory = _in_memory()
        self._fill(self._memory)
        return Synced(tuple(rowtable.opened(self._db)), anew=True)

    def _make(self) -> None:
        """Make the file anew."""
        folder, name = self._place()
        self._file = cachefile.made(folder, name, self._schema, self._fill)
        rowtable.prepare(self._file.db)

    def _fill(self, db: sqlite3.Connection) -> None:
        """Make the tables of all runs; what changes while they are read is seen by the next look."""
        look = Look(_time(self._root), time.time(), journal.news(self._root, None).marks)
        rowtable.create(db)
        for rows, others in bulk.parts(self._root, self._names()):
            rowtable.add(db, rows, [name for name in others if self._there(name)])
        rowtable.complete(db, look)

    def _told(self, change: Change) -> Synced:
        """A change as whoever asked for it gets it."""
        return Synced(tuple(rowtable.opened(self._db)), tuple(map(rowtable.row, change.rows)), tuple(change.gone))

    def _names(self) -> dict[str, int]:
        """Every run's name and the inode of its directory."""
        with told(f"The runs directory {clean(self._root)} cannot be listed"):
            return bulk.listed(self._root)

    def _read(self, names: Iterable[str], gone: Iterable[str]) -> Change:
        """What these runs are now; one whose directory is no longer there is gone too."""
        rows, others = bulk.read(self._root, names)
        left = [*gone, *(name for name in others if not self._there(name))]
        return Change(rows, sorted(set(others).difference(left)), left)

    def _there(self, name: str) -> bool:
        """Whether anything in the runs directory bears this name."""
        return os.path.lexists(f"{self._root}/{name}")

    def _keep(self, change: Change) -> None:
        """Take over a change."""
        self._write(lambda db: rowtable.apply(db, change))

    def _write(self, act: Callable[[sqlite3.Connection], None]) -> None:
        """Change the rows in the file; where that cannot be, in a copy in memory from now on."""
        if self._memory is None and self._file is not None:
            with suppress(cachefile.Unusable, sqlite3.OperationalError, OSError):
                if self._writing:
                    with self._file.changing() as db:
                        act(db)
                    return
            self._memory = _in_memory()
            self._file.db.backup(self._memory)
        act(self._db)


def _in_memory() -> sqlite3.Connection:
    """A database that nobody else sees."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    rowtable.prepare(db)
    return db


def _time(root: str) -> int:
    """When a directory last changed, in nanoseconds; 0 where there is none."""
    try:
        return os.stat(root).st_mtime_ns
    except OSError:
        return 0


def _grain(at: int) -> float:
    """How long a time of a directory stays open to doubt, by whether it has a part below the second."""
    return GRAIN if at % 1_000_000_000 else COARSE


def _far(before: Mapping[str, journal.Mark], now: Mapping[str, journal.Mark]) -> bool:
    """Whether the journals have grown so much that reading them again next time would be felt."""
    return before.keys() != now.keys() or any(now[name][1] - mark[1] > 65536 for name, mark in before.items())
