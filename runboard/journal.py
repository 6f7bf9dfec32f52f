"""The journal: one appended line per transition and host, a hint for other readers; the records remain the truth."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from runboard import files
from runboard.record import iso

FOLDER = ".journal"

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK = 1 << 20
_START = b'{"at":'
_TAIL = 32
_MANY = 8 << 20

Mark = tuple[int, int, str]
"""How far one host's journal was read: its inode, an offset, and the bytes just before that in hexadecimal."""


class News(NamedTuple):
    """What the journals say since some marks: the runs they name, and the marks to go on from.

    ``lost`` where a journal was cut, replaced or removed meanwhile, or grew so much that looking at all is quicker.
    """

    ids: frozenset[str]
    marks: dict[str, Mark]
    lost: bool


def append(root: str, *entries: dict[str, object]) -> None:
    """Add lines, timed now, to this host's journal by a single write, so that no two writers' lines ever mix.

    Raises:
        OSError: It could not be written; nobody but an onlooker's speed depends on it.
    """
    with (
        files.opened(_folder(root)) as parent,
        files.opened(os.open(_host(), _APPEND, 0o600, dir_fd=parent)) as fd,
    ):
        if files.is_plain(os.fstat(fd)):
            files.adopt(fd, parent)
            at = iso(time.time())
            os.write(fd, b"".join(files.encode({"at": at, **entry}) for entry in entries))


def news(root: str, marks: Mapping[str, Mark] | None) -> News:
    """What was written since ``marks``; from None on nothing is told but where the journals end now."""
    ids: set[str] = set()
    found: dict[str, Mark] = {}
    lost = False
    with suppress(OSError), files.opened(files.open_folder(f"{root}/{FOLDER}")) as parent:
        for name in os.listdir(parent):
            if not name.startswith("."):
                with suppress(OSError), files.opened(files.open_file(parent, name)) as fd:
                    data, found[name] = _appended(fd, None if marks is None else marks.get(name, (0, 0, "")))
                    lost |= data is None
                    ids.update(str(entry.get("id")) for entry in map(_entry, (data or b"").split(b"\n")) if entry)
    return News(frozenset(ids), found, marks is not None and (lost or bool(marks.keys() - found.keys())))


def _appended(fd: int, mark: Mark | None) -> tuple[bytes | None, Mark]:
    """The whole lines since a mark, None where that cannot be told, and the mark at the end of the last whole line."""
    info = os.fstat(fd)
    size = info.st_size if files.is_plain(info) else 0
    inode, offset, before = mark or (0, 0, "")
    known = mark is not None and (inode in {0, info.st_ino}) and offset <= size <= offset + _MANY
    if known and _before(fd, offset) == before:
        data = os.pread(fd, size - offset, offset)
        end = offset + data.rfind(b"\n") + 1
        return data[: end - offset], (info.st_ino, end, _before(fd, end))
    start = max(0, size - _BLOCK)
    end = start + os.pread(fd, size - start, start).rfind(b"\n") + 1
    return None, (info.st_ino, end, _before(fd, end))


def _before(fd: int, offset: int) -> str:
    """Some bytes before an offset, which tell this file from another."""
    return os.pread(fd, min(offset, _TAIL), max(0, offset - _TAIL)).hex()


def _folder(root: str) -> int:
    """A descriptor of the directory that holds the journals, which is made where it is missing."""
    with suppress(FileNotFoundError):
        return files.open_folder(f"{root}/{FOLDER}")
    with files.opened(files.open_root(root)) as parent:
        files.make_folder(FOLDER, parent)
        return files.open_folder(FOLDER, parent)


def _host() -> str:
    """The name of this host as a file name."""
    return os.uname().nodename.replace("/", "_").lstrip(".")[:200] or "localhost"


class _Place:
    """How far one host's journal has been read: the offset, the byte before it (if known), and the size then."""

    __slots__ = ("before", "inode", "offset", "size")

    def __init__(self, inode: int, offset: int, size: int, before: bytes = b"") -> None:
        """Begin there."""
        self.inode, self.offset, self.size, self.before = inode, offset, size, before


def recent(root: str) -> list[dict[str, object]]:
    """The entries at the end of every host's journal, up to 1 MiB of each."""
    entries: list[dict[str, object]] = []
    with suppress(OSError), files.opened(files.open_folder(f"{root}/{FOLDER}")) as parent:
        for name in os.listdir(parent):
            with suppress(OSError), files.opened(files.open_file(parent, name)) as fd:
                info = os.fstat(fd)
                data = os.pread(fd, _BLOCK, max(0, info.st_size - _BLOCK)) if files.is_plain(info) else b""
                entries += [entry for line in data.split(b"\n") if (entry := _entry(line)) is not None]
    return entries


class Journal:
    """A reader of all hosts' journals that begins at their present end."""

    def __init__(self, root: str) -> None:
        """Note where every journal ends now; the directory may come later."""
        self.dir = f"{root}/{FOLDER}"
        self._places = {name: _Place(info.st_ino, info.st_size, info.st_size) for name, info in self._look()}

    def poll(self) -> list[dict[str, object]]:
        """The entries appended since the last poll; half a line is kept for the next, a spoilt one is passed over.

        A journal that shrank or was replaced is read from its beginning. At most 1 MiB per host and call.
        """
        entries: list[dict[str, object]] = []
        for name, info in self._look():
            place = self._places.setdefault(name, _Place(info.st_ino, 0, 0))
            if place.inode != info.st_ino or info.st_size < place.offset:
                self._places[name] = place = _Place(info.st_ino, 0, 0)
            if info.st_size != place.size:
                with suppress(OSError):
                    entries += self._read(name, place, info.st_size)
        return entries

    def _look(self) -> list[tuple[str, os.stat_result]]:
        """Every host's journal that is a plain file, with what the file system says of it."""
        found = []
        with suppress(OSError), files.opened(files.open_folder(self.dir)) as parent:
            for name in os.listdir(parent):
                with suppress(OSError):
                    info = os.stat(name, dir_fd=parent, follow_symlinks=False)
                    if files.is_plain(info) and not name.startswith("."):
                        found.append((name, info))
        return found

    def _read(self, name: str, place: _Place, size: int) -> list[dict[str, object]]:
        """The whole lines from where we stopped; another byte before that place tells that the file is another."""
        data, before = self._block(name, place.offset)
        if place.before and before != place.before:
            place.offset = 0
            data, _ = self._block(name, 0)
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) == _BLOCK:
            end = _BLOCK  # no line of ours is as long
        place.offset, place.before = place.offset + end, data[end - 1 : end] if end else place.before
        place.size = size if len(data) < _BLOCK else place.offset
        return [entry for line in data[:end].split(b"\n") if (entry := _entry(line)) is not None]

    def _block(self, name: str, offset: int) -> tuple[bytes, bytes]:
        """Up to 1 MiB from an offset on, and the byte before it."""
        with files.opened(files.open_folder(self.dir)) as parent, files.opened(files.open_file(parent, name)) as fd:
            data = os.pread(fd, _BLOCK + 1, max(offset - 1, 0))
        return (data[1:], data[:1]) if offset else (data[:_BLOCK], b"")


def _entry(line: bytes) -> dict[str, object] | None:
    """One line as an entry; a whole line that follows another's torn beginning is found in it."""
    start = line.rfind(_START)
    if start < 0:
        return None
    try:
        entry = files.decode(line[start:])
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
