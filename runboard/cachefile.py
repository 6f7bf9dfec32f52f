"""The file of the index: ours alone, sealed after every change, and thrown away at the first doubt.

A seal beside the database holds the time, inode and size that it had after the last change of ours. Whoever changes it
holds the seal's lock, so whoever holds the lock and finds another time, inode or size knows that it was spoilt, or that
its writer died half-way. SQLite itself would notice neither a changed byte in a row nor a file of another day.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from binascii import crc32
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from runboard import files

PATIENCE = 0.25
"""Seconds to wait for another process's lock; then it is quicker to do without the file."""

_PARTS = ("", "-wal", "-shm", "-journal", ".seal")
_SEAL = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Unusable(Exception):
    """The file cannot be used; the message says why."""


class Spoilt(Unusable):
    """The file is ours, and is not what we left: it is best made anew."""


class CacheFile:
    """An open database, in WAL mode so that readers and one writer do not wait for one another."""

    def __init__(self, folder: str, name: str, schema: str) -> None:
        """Open the file that is there.

        Raises:
            Spoilt: There is none, or it is damaged, or from another version.
            Unusable: The place or the file is not ours, or another process is busy with it.
        """
        self.path = f"{folder}/{name}"
        require_private(folder)
        _require_own(self.path)
        with _locked(self.path, fcntl.LOCK_SH):
            if _seal_of(self.path) != _state(self.path):
                raise Spoilt("it was changed by somebody else, or its writer died")
            self._inode = os.stat(self.path).st_ino
            self.db = _connected(self.path)
            try:
                _require(self.db, schema)
            except BaseException:
                self.db.close()
                raise

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, and the seal renewed after it.

        Raises:
            Unusable: Another process is busy with the file, or has put another in its place.
            sqlite3.Error: It could not be written; nothing was.
        """
        with _locked(self.path, fcntl.LOCK_EX):
            if _seal_of(self.path) != _state(self.path) or os.stat(self.path).st_ino != self._inode:
                raise Unusable("another file has taken its place")
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
            except BaseException:
                with suppress(sqlite3.Error):
                    self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")
            _sweep(*os.path.split(self.path))
            with suppress(sqlite3.OperationalError):  # somebody reads: the log stays, and is sealed as it is
                self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            _seal(self.path)

    def close(self) -> None:
        """Let go of the file; what SQLite does to it then is sealed as well."""
        try:
            with _locked(self.path, fcntl.LOCK_EX, 0.05):
                ours = _seal_of(self.path) == _state(self.path)
                self.db.close()
                if ours:
                    _seal(self.path)
        except (Unusable, OSError):
            self.db.close()


def home() -> str:
    """The directory of all indexes, by the XDG specification, which says that a relative one is to be ignored.

    Raises:
        Unusable: There is no home to have it in.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = given.rstrip("/") if given.startswith("/") else os.path.expanduser("~/.cache")
    if not base.startswith("/"):
        raise Unusable("there is no home directory")
    return f"{base}/runboard"


def name_of(root: str) -> str:
    """The name of the file for a runs directory, by what the directory is, how it is called, and this host.

    Raises:
        Unusable: There is no such directory.
    """
    try:
        info = os.stat(root)
    except OSError as error:
        raise Unusable(f"{root}: {error.strerror}") from None
    host = "".join(letter if letter.isalnum() else "_" for letter in os.uname().nodename)[:64]
    return f"{host}-{info.st_dev:x}-{info.st_ino:x}-{crc32(os.fsencode(root)):08x}.db"


def copied(folder: str, name: str, schema: str) -> sqlite3.Connection:
    """A copy in memory of the file as its last writer left it, for who may take no lock and write no file.

    Raises:
        Unusable: There is none that is whole, or it is being written.
    """
    path = f"{folder}/{name}"
    try:
        _require_own(path)
        before = _state(path)
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            data = bytearray(file.read())
        if _seal_of(path) != before or _state(path) != before or "\n" in before:
            raise Unusable("it is being written")
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from None
    data[18:20] = b"\1\1"  # in memory there is no log of changes, and the file's is empty (SQLite's file format, 1.3.3)
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        db.deserialize(bytes(data))
        _require(db, schema)
    except (sqlite3.Error, Unusable, AttributeError) as error:  # an SQLite may be built without the first
        db.close()
        raise Unusable(str(error)) from None
    return db


def parts(folder: str, name: str) -> list[str]:
    """All files that the index may consist of."""
    return [f"{folder}/{name}{part}" for part in _PARTS]


def made(folder: str, name: str, schema: str, fill: Callable[[sqlite3.Connection], None]) -> CacheFile:
    """Make the file anew beside the old one, and put it in its place whole.

    Raises:
        Unusable: The place is not ours, or another process is busy with the file.
        OSError: It could not be written.
        sqlite3.Error: It could not be written.
    """
    path = f"{folder}/{name}"
    require_private(folder)
    _require_own(path)
    _sweep(folder, name)
    fresh = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    try:
        os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        _fill(fresh, schema, fill)
        with _locked(path, fcntl.LOCK_EX):
            for part in _PARTS[:-1]:
                with suppress(FileNotFoundError):
                    os.unlink(path + part)
            os.rename(fresh, path)
            _seal(path)
    except BaseException:
        for part in _PARTS[:-1]:
            with suppress(OSError):
                os.unlink(fresh + part)
        raise
    return CacheFile(folder, name, schema)


def require_private(folder: str) -> None:
    """Make the directory where it is missing, and refuse one that is not ours or that others may write.

    Raises:
        Unusable: It is not ours, or no directory, or cannot be made.
    """
    try:
        if not os.path.isdir(folder):
            files.make_root(os.path.dirname(folder))
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        with files.opened(files.open_folder(folder)) as fd:
            info = os.fstat(fd)
            if info.st_uid != os.geteuid():
                raise Unusable(f"{folder} belongs to somebody else")
            if stat.S_IMODE(info.st_mode) != 0o700:
                os.fchmod(fd, 0o700)
    except OSError as error:
        raise Unusable(f"{folder}: {error.strerror}") from None


@contextmanager
def alone(folder: str) -> Iterator[bool]:
    """Whether nobody else is within this context for the same directory; who is not alone has no need to wait.

    Raises:
        OSError: The directory cannot be opened.
    """
    with files.opened(files.open_folder(folder)) as fd:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def remove(folder: str, name: str) -> None:
    """Throw the file away, as far as that can be done."""
    with suppress(OSError, Unusable), _locked(f"{folder}/{name}", fcntl.LOCK_EX):
        for part in _PARTS[:-1]:  # the seal stays: others may be waiting for its lock
            with suppress(FileNotFoundError):
                os.unlink(f"{folder}/{name}{part}")


def _require(db: sqlite3.Connection, schema: str) -> None:
    """Refuse a database made by another version."""
    try:
        found = db.execute("SELECT text FROM about WHERE key = 'schema'").fetchone()
    except sqlite3.Error as error:
        raise Spoilt(str(error)) from None
    if found != (schema,):
        raise Spoilt("another version made it")


def _require_own(path: str) -> None:
    """Refuse links and the files of others.

    Raises:
        Unusable: What bears the name is not a plain file of ours alone.
        OSError: It cannot be looked at.
    """
    for part in _PARTS:
        with suppress(FileNotFoundError):
            info = os.lstat(path + part)
            if not files.is_plain(info):
                raise Unusable(f"{path}{part} is {files.kind(info)}")
            if info.st_uid != os.geteuid() or info.st_nlink != 1:
                raise Unusable(f"{path}{part} is not only ours")


def _fill(path: str, schema: str, fill: Callable[[sqlite3.Connection], None]) -> None:
    """Write a whole new database; nobody sees it before it is on the disk, so no step of it need be safe."""
    db = _connected(path)
    try:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute("BEGIN")
        db.execute("CREATE TABLE about (key TEXT PRIMARY KEY, text TEXT)")
        db.execute("INSERT INTO about VALUES ('schema', ?)", (schema,))
        fill(db)
        db.execute("COMMIT")
        db.execute("PRAGMA locking_mode = NORMAL").fetchall()
        db.execute("PRAGMA journal_mode = WAL").fetchall()
    finally:
        db.close()
    with files.opened(os.open(path, os.O_RDONLY | os.O_CLOEXEC)) as fd:
        os.fsync(fd)


def _connected(path: str) -> sqlite3.Connection:
    """A connection to a file that is there; only who holds the seal's lock moves the log of changes into it."""
    try:
        db = sqlite3.connect(
            f"file:{quote(path)}?mode=rw", PATIENCE, isolation_level=None, check_same_thread=False, uri=True
        )
        db.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
        db.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        raise Spoilt(str(error)) from None
    return db


@contextmanager
def _locked(path: str, how: int, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of the file's seal.

    Raises:
        Unusable: Another process held it all the time, or it cannot be opened.
    """
    try:
        fd = os.open(f"{path}.seal", _SEAL, 0o600)
    except OSError as error:
        raise Unusable(f"{path}.seal: {error.strerror}") from None
    with files.opened(fd):
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(fd, how | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Unusable("another process is busy with it") from None
            except OSError as error:
                raise Unusable(f"{path}.seal: {error.strerror}") from None
            time.sleep(0.005)
        yield


def _state(path: str) -> str:
    """What a change of the database or of its log would change; an empty log is as good as none."""
    told = []
    for part in ("", "-wal"):
        with suppress(FileNotFoundError):
            info = os.lstat(path + part)
            if info.st_size:
                told.append(f"{part or 'db'} {info.st_ino} {info.st_size} {info.st_mtime_ns}")
    return "\n".join(told) if told and told[0].startswith("db") else "nothing"


def _seal_of(path: str) -> str:
    """What the seal says; empty where there is none."""
    with files.opened(os.open(f"{path}.seal", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as fd:
        return os.pread(fd, 1024, 0).decode("ascii", "replace")


def _seal(path: str) -> None:
    """Note the state that we left; the caller holds the lock."""
    data = _state(path).encode()
    with files.opened(os.open(f"{path}.seal", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)) as fd:
        os.pwrite(fd, data, 0)
        os.ftruncate(fd, len(data))


def _sweep(folder: str, name: str) -> None:
    """Remove what makers that died left unfinished long ago."""
    for left in os.listdir(folder):
        if left.startswith(f"{name}.") and not left.endswith(".seal"):
            with suppress(OSError):
                if time.time() - os.lstat(f"{folder}/{left}").st_mtime > 600:
                    os.unlink(f"{folder}/{left}")
