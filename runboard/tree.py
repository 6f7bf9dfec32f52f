"""A directory with all it holds: what it takes on the disk, and how it goes for good; no link is ever followed."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import ENOTEMPTY

from runboard import files

_swept: set[str] = set()
"""What has been swept since this process began."""

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


def remove(parent: int, name: str, last: str) -> int:
    """Remove a directory with all it holds, the file ``last`` at the end, so that a half removed one is still known.

    A directory is moved up to the top before it is entered: no depth exhausts descriptors, and a mounted file system
    cannot be moved, so nothing on it is ever touched.

    Returns:
        The bytes that this freed on the disk: those of files that bear no other name.

    Raises:
        OSError: Something could not be removed, EBUSY for a mounted file system; what is left stays under ``name``.
    """
    with files.opened(entered(parent, name)) as top:
        moved, freed = _empty(top, top, last)
        if moved:
            while level := [entry for entry in os.listdir(top) if entry != last]:
                freed += sum(_remove_level(top, inner) for inner in level)
        with suppress(FileNotFoundError):
            freed += _remove_file(top, last, os.stat(last, dir_fd=top, follow_symlinks=False))
        freed += os.fstat(top).st_blocks * 512
    os.rmdir(name, dir_fd=parent)
    return freed


def remove_path(path: str) -> None:
    """Remove a directory of ours, as ``remove`` does, from the directory that its path leads to now.

    Raises:
        OSError: Something could not be removed, or there is no such directory.
    """
    with files.opened(files.open_root(os.path.dirname(path))) as parent:
        remove(parent, os.path.basename(path), last="")


@contextmanager
def temporary(prefix: str) -> Iterator[str]:
    """A private directory for as long as the context lasts; what cannot be removed then, the next one sweeps away."""
    if prefix not in _swept:
        _swept.add(prefix)
        sweep(prefix)
    path, lock = _locked_directory(prefix)
    with files.opened(lock):
        try:
            yield path
        finally:
            with suppress(OSError):
                remove_path(path)


def sweep(prefix: str) -> None:
    """Remove such directories whose makers were killed: the lock on those of the living is taken."""
    from tempfile import gettempdir  # noqa: PLC0415 - ps, which makes none, starts sooner without

    with suppress(OSError), files.opened(files.open_root(gettempdir())) as parent:
        for name in os.listdir(parent):
            if name.startswith(prefix):
                with suppress(OSError), files.opened(files.open_folder(name, parent)) as left:
                    if os.fstat(left).st_uid == os.geteuid():
                        fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        remove(parent, name, last="")


def _locked_directory(prefix: str) -> tuple[str, int]:
    """A new private directory and the lock on it; one that is swept away in between is given up for another."""
    from tempfile import mkdtemp  # noqa: PLC0415 - see above

    while True:
        path = mkdtemp(prefix=prefix)
        with suppress(FileNotFoundError):
            lock = files.open_folder(path)
            if _take(lock) and os.path.isdir(path):
                return path, lock
            os.close(lock)


def _take(lock: int) -> bool:
    """Lock what others may sweep, unless one is about to; where there are no locks nobody sweeps."""
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def _remove_level(top: int, name: str) -> int:
    """Remove one directory of the top, having moved its subdirectories beside it; returns the bytes freed."""
    with files.opened(entered(top, name)) as fd:
        _, freed = _empty(fd, top)
        freed += os.fstat(fd).st_blocks * 512
    os.rmdir(name, dir_fd=top)
    return freed


def _empty(folder: int, top: int, spared: str | None = None) -> tuple[bool, int]:
    """Unlink the files of a directory but the spared one, and move its subdirectories to the top.

    Returns:
        Whether there were any subdirectories, and the bytes freed.
    """
    moved, freed = False, 0
    for name in os.listdir(folder):
        info = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            moved |= _move_up(folder, name, top)
        elif name != spared:
            freed += _remove_file(folder, name, info)
    return moved, freed


def _remove_file(folder: int, name: str, info: os.stat_result) -> int:
    """Unlink what is no directory, also if it has just become another thing; returns the bytes freed."""
    os.unlink(name, dir_fd=folder)
    return info.st_blocks * 512 if info.st_nlink == 1 else 0


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


@contextmanager
def let_in(parent: str, name: str, *, for_now: bool = False) -> Iterator[None]:
    """Let the owner enter and empty a directory, as far as the system lets us; as it was where the context fails.

    With ``for_now`` it is as it was after the context anyway.
    """
    with ExitStack() as kept:
        with suppress(OSError), files.opened(files.open_root(parent)) as root:
            fd = kept.enter_context(files.opened(os.open(name, _NAMED, dir_fd=root)))
            mode = stat.S_IMODE(os.fstat(fd).st_mode)
            if _let(fd, mode):
                kept.push(lambda kind, *_: _put_back(fd, mode) if for_now or kind else None)
        yield


def entered(parent: int, name: str) -> int:
    """A descriptor of a directory that its owner may enter and empty from now on; a link in its place is refused."""
    try:
        fd = files.open_folder(name, parent)
    except PermissionError:
        make_writable(parent, name)
        return files.open_folder(name, parent)
    try:
        _let(fd, stat.S_IMODE(os.fstat(fd).st_mode))
    except BaseException:
        os.close(fd)
        raise
    return fd


def make_writable(parent: int, name: str) -> None:
    """Let the owner enter and empty a directory; a link in its place is refused."""
    with files.opened(os.open(name, _NAMED, dir_fd=parent)) as fd:
        _let(fd, stat.S_IMODE(os.fstat(fd).st_mode))


def _let(fd: int, mode: int) -> bool:
    """Let the owner into a directory of this mode; whether that was needed."""
    if mode & 0o700 == 0o700:
        return False
    os.chmod(f"/proc/self/fd/{fd}", mode | 0o700)  # the only way to the mode of exactly this directory
    return True


def _put_back(fd: int, mode: int) -> None:
    """Give a directory the mode again that it had."""
    with suppress(OSError):
        os.chmod(f"/proc/self/fd/{fd}", mode)
