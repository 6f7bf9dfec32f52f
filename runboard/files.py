"""Files by directory descriptor: read only where plain, replaced whole, no link followed; errors are OSError."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, EOPNOTSUPP, EPERM
from math import isfinite

import orjson

TEMP = ".put-"
"""How the names of unfinished files begin; what a dead writer left under such a name may be swept by the next."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Unfit(ValueError):
    """A file that is not read because of what it is; the message is a sentence about it."""


def open_folder(name: str, parent: int | None = None) -> int:
    """Open a directory that is no symbolic link; ``name`` is a path, or relative to ``parent``."""
    return os.open(name, _FOLDER, dir_fd=parent)


def open_root(path: str) -> int:
    """Open a directory that a person named, through links if need be."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


@contextmanager
def opened(fd: int) -> Iterator[int]:
    """A descriptor that is closed at the end of the context."""
    try:
        yield fd
    finally:
        os.close(fd)


def make_root(path: str) -> None:
    """Make a private directory unless there is one, and those above it that are missing, which are private too."""
    if os.path.isdir(path):
        return
    try:
        os.mkdir(path, 0o700)
    except FileNotFoundError:
        make_root(os.path.dirname(path))
        with suppress(FileExistsError):  # somebody else made it meanwhile
            os.mkdir(path, 0o700)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def make_folder(name: str, parent: int) -> None:
    """Make a private directory unless there is one, for the owner of the directory it lies in."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        with opened(open_folder(name, parent)) as fd:
            adopt(fd, parent)


def open_file(parent: int, name: str) -> int:
    """Open whatever bears this name for reading, without following a link or waiting for a FIFO's writer."""
    return os.open(name, _READ, dir_fd=parent)


def is_plain(info: os.stat_result) -> bool:
    """Whether a file is a regular one."""
    return stat.S_ISREG(info.st_mode)


def kind(info: os.stat_result) -> str:
    """What a file is, in a person's words."""
    return _KINDS.get(stat.S_IFMT(info.st_mode), "a file")


def read_plain(parent: int, name: str, most: int) -> bytes:
    """The whole of a regular file of at most ``most`` bytes.

    Raises:
        Unfit: It is something else, or larger.
        OSError: It is absent or cannot be read.
    """
    _require_plain(os.stat(name, dir_fd=parent, follow_symlinks=False), name, most)  # opening a device is an act
    with opened(open_file(parent, name)) as fd:
        size = _require_plain(os.fstat(fd), name, most)
        data = b""
        while len(data) <= most and (part := os.read(fd, more := max(size - len(data), 0) + 1)):
            data += part
            if len(part) < more and len(data) >= size:
                break  # there was no more of it: a look for its end saves nobody anything
    if len(data) > most:
        raise Unfit(f"{name} is larger than {most} bytes; it is not read")
    return data


def replace(parent: int, name: str, data: bytes) -> None:
    """Put ``data`` in the place of ``name`` so that any reader, after any crash, finds the old or the new, whole."""
    rename(parent, draft(parent, data), name)
    sync_folder(parent)


def rename(parent: int, temp: str, name: str) -> None:
    """Put an unfinished file in the place of ``name``; where that fails, it is gone."""
    try:
        os.rename(temp, name, src_dir_fd=parent, dst_dir_fd=parent)
    except BaseException:
        forget(parent, temp)
        raise


def create(parent: int, name: str, data: bytes) -> bool:
    """Give ``data`` the name ``name`` unless anything bears it already; the caller holds the directory's lock."""
    if not name_once(parent, draft(parent, data), name):
        return False
    sync_folder(parent)
    return True


def name_once(parent: int, temp: str, name: str) -> bool:
    """Give an unfinished file its name unless anything bears that already, or drop it; whether it was named."""
    try:
        os.link(temp, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in {EPERM, EOPNOTSUPP}:
            raise
        if exists(parent, name):
            return False
        os.rename(temp, name, src_dir_fd=parent, dst_dir_fd=parent)  # no hard links here; the lock keeps others out
    finally:
        forget(parent, temp)
    return True


def sweep(parent: int, others: Collection[str] = ()) -> None:
    """Remove what writers that died left unfinished, and ``others``; the caller holds the directory's lock."""
    for name in os.listdir(parent):
        if name.startswith(TEMP) or name in others:
            forget(parent, name)


def sync_folder(fd: int) -> None:
    """Make the names in a directory survive a power cut."""
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno != EINVAL:  # a file system that does not know the call for directories
            raise


def found(path: str, parent: int | None = None, *, follow: bool = False) -> os.stat_result | None:
    """What the file system says of a path, or of a name in an open directory; None where nothing is there.

    Raises:
        OSError: It cannot be looked at, which is not to be taken for its absence.
    """
    try:
        return os.stat(path, dir_fd=parent, follow_symlinks=follow)
    except (FileNotFoundError, NotADirectoryError):
        return None


def exists(parent: int, name: str) -> bool:
    """Whether anything bears this name, a dangling link included."""
    return found(name, parent) is not None


def is_folder(path: str) -> bool:
    """Whether there is a directory, or a link to one; raises as `found` does, where `os.path.isdir` says no."""
    info = found(path, follow=True)
    return info is not None and stat.S_ISDIR(info.st_mode)


def adopt(fd: int, parent: int) -> None:
    """Give what is new to the owner of its directory, so that root looking in on a user's runs locks nobody out."""
    if os.geteuid() == 0:
        owner = os.fstat(parent)
        if owner.st_uid != 0:
            os.fchown(fd, owner.st_uid, owner.st_gid)


def decode(data: bytes) -> object:
    """JSON text as a value; a byte order mark and lone surrogates are borne with.

    Raises:
        ValueError: It is no JSON.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"\\ud" not in data and b"\\uD" not in data:
            raise
    try:  # half an emoji that somebody cut, or an argument that is not UTF-8: only the slow decoder takes them
        return json.loads(data.decode(), parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def encode(doc: object, *, indent: bool = False) -> bytes:
    """A value as one line of JSON, or as indented text, with a newline at the end; lone surrogates become escapes."""
    try:
        return orjson.dumps(doc, option=orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0))
    except orjson.JSONEncodeError:
        text = json.dumps(doc, indent=2 if indent else None, separators=None if indent else (",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def draft(parent: int, data: bytes, *, through: bool = True) -> str:
    """Write a new file, ``through`` to the disk, under a name that nobody else has, and return the name."""
    name = TEMP + os.urandom(8).hex()
    fd = os.open(name, _MAKE, 0o600, dir_fd=parent)
    try:
        with opened(fd):
            adopt(fd, parent)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if through:
                os.fsync(fd)
    except BaseException:
        forget(parent, name)
        raise
    return name


def forget(parent: int, name: str) -> None:
    """Remove an unfinished file as far as that can be done; a later sweep does the rest."""
    with suppress(OSError):
        os.unlink(name, dir_fd=parent)


def _require_plain(info: os.stat_result, name: str, most: int) -> int:
    """The size of a regular file that is not too large."""
    if not stat.S_ISREG(info.st_mode):
        raise Unfit(f"{name} is {kind(info)}; it is not read")
    if info.st_size > most:
        raise Unfit(f"{name} is larger than {most} bytes; it is not read")
    return info.st_size


def _whole(digits: str) -> int | float:
    """A whole number as far as 64 bits go, as the fast decoder has it."""
    return int(digits) if len(digits) < 19 else _finite(digits)


def _finite(digits: str) -> float:
    """A number; NaN and the infinities are none, as the fast decoder has it."""
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits[:20]} is no finite number")
    return number
