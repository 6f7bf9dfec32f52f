"""A directory with all it holds: what it takes on the disk, and how it goes for good; no link is ever followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from errno import ENOTEMPTY

from runboard import files

_DEEPEST = 200
_NAMED = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def usage(folder: int, rest: Callable[[], None] = lambda: None) -> int:
    """Bytes on disk of an open directory and all below it, each hard link once.

    Links are not followed, other file systems not entered; what cannot be read, or lies absurdly deep, is not counted.
    ``rest`` is called after each directory below.
    """
    device, seen = os.fstat(folder).st_dev, set[int]()

    def count(fd: int, depth: int) -> int:
        """The usage of one level and, with descriptors only, of those below it."""
        total = os.fstat(fd).st_blocks * 512
        for name in os.listdir(fd):
            with suppress(OSError):
                info = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if stat.S_ISDIR(info.st_mode):
                    total += below(fd, name, depth) if info.st_dev == device and depth < _DEEPEST else 0
                elif info.st_nlink == 1 or info.st_ino not in seen:
                    seen.add(info.st_ino)
                    total += info.st_blocks * 512
        return total

    def below(parent: int, name: str, depth: int) -> int:
        """The usage of one directory inside."""
        with files.opened(files.open_folder(name, parent)) as fd:
            found = count(fd, depth + 1)
        rest()
        return found

    return count(folder, 0)


def remove(parent: int, name: str, last: str) -> None:
    """Remove a directory with all it holds, the file ``last`` at the end, so that a half removed one is still known.

    A directory is moved up to the top before it is entered: no depth exhausts descriptors, and a mounted file system
    cannot be moved, so nothing on it is ever touched.

    Raises:
        OSError: Something could not be removed, EBUSY for a mounted file system; what is left stays under ``name``.
    """
    make_writable(parent, name)
    with files.opened(files.open_folder(name, parent)) as top:
        if _empty(top, top, last):
            while level := [entry for entry in os.listdir(top) if entry != last]:
                for inner in level:
                    _remove_level(top, inner)
        with suppress(FileNotFoundError):
            os.unlink(last, dir_fd=top)
    os.rmdir(name, dir_fd=parent)


def _remove_level(top: int, name: str) -> None:
    """Remove one directory of the top, having moved its subdirectories beside it."""
    make_writable(top, name)
    with files.opened(files.open_folder(name, top)) as fd:
        _empty(fd, top)
    os.rmdir(name, dir_fd=top)


def _empty(folder: int, top: int, spared: str | None = None) -> bool:
    """Unlink the files of a directory but the spared one, and move its subdirectories to the top; whether any were."""
    moved = False
    for name in os.listdir(folder):
        if name == spared and not is_folder(folder, name):
            continue
        try:
            os.unlink(name, dir_fd=folder)
        except (IsADirectoryError, PermissionError):
            if not is_folder(folder, name):
                raise
            moved |= _move_up(folder, name, top)
    return moved


def _move_up(folder: int, name: str, top: int) -> bool:
    """Remove a directory if it is empty, else move it to the top under a name that nobody else has; whether it did."""
    try:
        os.rmdir(name, dir_fd=folder)  # tells a mounted file system (EBUSY) before anything of it is changed
    except OSError as error:
        if error.errno != ENOTEMPTY:
            raise
    else:
        return False
    new = files.TEMP + os.urandom(8).hex()
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    except PermissionError:
        make_writable(folder, name)
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    return True


def is_folder(parent: int, name: str) -> bool:
    """Whether a directory itself, and no link to one, bears this name."""
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def make_writable(parent: int, name: str) -> None:
    """Let the owner enter and empty a directory; a link in its place is refused."""
    with files.opened(os.open(name, _NAMED, dir_fd=parent)) as fd:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        if mode & 0o700 != 0o700:
            os.chmod(f"/proc/self/fd/{fd}", mode | 0o700)  # the only way to the mode of exactly this directory
