"""The trash of a runs directory: runs moved aside by one rename, until they are brought back or removed for good."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from errno import EACCES, EEXIST, ENOTEMPTY, EROFS

from runboard import files, folder, lock, tree
from runboard.errors import NoSuchRun, Refused, RunBusy, StoreError, told
from runboard.late import pattern
from runboard.model import Run
from runboard.safetext import clean

FOLDER = ".trash"

_OCTAL = pattern(rb"\\([0-7]{3})")


class Trash:
    """The directory ``.trash`` in a runs directory; it is made by the first run thrown into it."""

    def __init__(self, root: str) -> None:
        """Name the runs directory."""
        self._root = root
        self._path = f"{root}/{FOLDER}"

    @contextmanager
    def open(self) -> Iterator[OpenTrash]:
        """The trash for as many runs as one likes: what is done in it is durable at the end, and atomic at any time."""
        with ExitStack() as kept:
            opened = OpenTrash(self._root, kept)
            try:
                yield opened
            finally:
                opened.sync()

    def names(self) -> list[str]:
        """What the runs in the trash are called, in no order; nothing of them is read."""
        try:
            with told(f"The trash {clean(self._path)} cannot be listed"), os.scandir(self._path) as entries:
                found = [one.name for one in entries if one.is_dir(follow_symlinks=False) or one.is_symlink()]
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            return []
        return [name for name in found if folder.is_name(name)]

    def runs(self) -> list[Run]:
        """Every run in the trash, the one thrown away last first."""
        found: list[tuple[float, Run]] = []
        with (
            told(f"The trash {clean(self._path)} cannot be listed"),
            suppress(FileNotFoundError),
            self.open() as opened,
        ):
            trash = opened.folder()
            for name in filter(folder.is_name, os.listdir(trash)):
                with suppress(FileNotFoundError, NoSuchRun):
                    changed = os.stat(name, dir_fd=trash, follow_symlinks=False).st_ctime
                    found.append((changed, self._read(trash, name)))
        return [run for _, run in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def _read(self, trash: int, name: str) -> Run:
        """One run in the trash."""
        try:
            fd = files.open_folder(name, trash)
        except OSError as error:
            return folder.unopened(f"{self._path}/{name}", name, error)
        with files.opened(fd):
            return folder.read_record(fd, name)


class OpenTrash:
    """The trash and the runs directory held by descriptors, opened when first needed."""

    def __init__(self, root: str, kept: ExitStack) -> None:
        """Act in the trash of a runs directory; ``kept`` closes what is opened here."""
        self._root = root
        self._path = f"{root}/{FOLDER}"
        self._kept = kept
        self._fds: tuple[int, int] | None = None
        self._changed: dict[int, None] = {}
        self._mounts: list[tuple[str, str]] | None = None

    def folder(self) -> int:
        """The descriptor of the trash itself."""
        return self._both()[1]

    def take(self, run_id: str) -> None:
        """Move a run from the runs directory into the trash; the caller holds its lock.

        Raises:
            Refused: There is one of this name already.
        """
        with told(f"Run {clean(run_id)} cannot be moved to the trash"):
            root, trash = self._both(make=True)
            self._move(run_id, root, trash, _taken(run_id))

    def refuse(self, run_id: str) -> None:
        """Refuse a run that could not come here, without coming to it.

        Raises:
            Refused: There is one of this name already.
            StoreError: The runs directory, or the trash, may not be changed.
        """
        with told(f"Run {clean(run_id)} cannot be moved to the trash"):
            for path in (self._root, self._path):
                if files.found(path) is not None and not os.access(path, os.W_OK | os.X_OK):
                    code = EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else EACCES
                    raise OSError(code, os.strerror(code))
        if os.path.lexists(f"{self._path}/{run_id}"):
            raise Refused(_taken(run_id))

    def give_back(self, run_id: str) -> None:
        """Move a run back to where it was.

        Raises:
            NoSuchRun: It is not in the trash.
            Refused: There is a run of this name again.
        """
        with told(f"Run {clean(run_id)} cannot be restored"):
            self._require(run_id)
            taken = f"There is a run {clean(run_id)} again; move that one away first"
            root, trash = self._both()
            with self._held(trash, run_id):
                self._move(run_id, trash, root, taken)

    def destroy(self, run_id: str, *, past_lock: bool = False) -> int:
        """Remove a run for good, its record last; what cannot be removed stays in the trash under its name.

        With ``past_lock`` one that holds its lock and does not let go of it is passed by.

        Returns:
            The bytes that this freed on the disk.

        Raises:
            NoSuchRun: It is not in the trash.
            StoreError: Something of it could not be removed.
        """
        with told(f"Run {clean(run_id)} cannot be removed for good"):
            self._require(run_id)
            _, trash = self._both()
            self._changed[trash] = None
            self._refuse_mounts(run_id)
            with self._held(trash, run_id, unlock=True, past_lock=past_lock) as is_folder:
                if is_folder:
                    return tree.remove(trash, run_id, last=folder.RECORD)
                os.unlink(run_id, dir_fd=trash)
                return 0

    def _refuse_mounts(self, run_id: str) -> None:
        """Refuse to begin with a run that a file system is mounted in; one mounted later the kernel itself refuses.

        Raises:
            Refused: There is one; the message says where.
        """
        if self._mounts is None:
            place = f"{os.path.realpath(self._path)}/"
            self._mounts = [(point.removeprefix(place), point) for point in mount_points() if point.startswith(place)]
        found = next((point for inside, point in self._mounts if inside.startswith(f"{run_id}/")), None)
        if found is not None:
            raise Refused(
                f"Run {clean(run_id)} cannot be removed for good: Device or resource busy;"
                f" a file system is mounted inside, on {clean(found)}; unmount it first"
            )

    def sync(self) -> None:
        """Make what was done so far survive a power cut: where runs went to first, then where they left."""
        with told(f"What was done in {clean(self._path)} may not survive a power cut"):
            for fd in self._changed:
                files.sync_folder(fd)

    def _both(self, *, make: bool = False) -> tuple[int, int]:
        """Descriptors of the runs directory and of its trash, no link, which ``make`` makes where it is missing."""
        if self._fds is None:
            root = self._kept.enter_context(files.opened(files.open_root(self._root)))
            if make:
                files.make_folder(FOLDER, root)
            self._fds = root, self._kept.enter_context(files.opened(files.open_folder(FOLDER, root)))
        return self._fds

    def _require(self, run_id: str) -> None:
        """Refuse a name that is none, or that nothing in the trash bears."""
        try:
            known = folder.is_name(run_id) and bool(os.lstat(f"{self._path}/{run_id}"))
        except (FileNotFoundError, NotADirectoryError):
            known = False
        if not known:
            raise self._absent(run_id)

    @contextmanager
    def _held(self, trash: int, run_id: str, *, unlock: bool = False, past_lock: bool = False) -> Iterator[bool]:
        """The lock of a run in the trash, so that none comes back while it is removed; False for a link, without one.

        With ``unlock`` its owner may enter it from now on, whatever its mode was.
        """
        path = f"{self._path}/{run_id}"
        try:
            fd = tree.entered(trash, run_id) if unlock else files.open_folder(run_id, trash)
        except NotADirectoryError:
            yield False
            return
        except FileNotFoundError:
            raise self._absent(run_id) from None
        with files.opened(fd):
            try:
                lock.acquire(fd, path, folder.LOCK_SECONDS)
            except RunBusy:
                if not past_lock:
                    raise
            if not folder.in_place(path, fd):
                raise self._absent(run_id)
            yield True

    def _absent(self, run_id: str) -> NoSuchRun:
        """What is said of a run that is not in the trash."""
        return NoSuchRun(f"The trash holds no run {clean(run_id)}")

    def _move(self, run_id: str, source: int, target: int, taken: str) -> None:
        """Rename a run from one directory into the other; ``taken`` is the refusal."""
        if files.exists(target, run_id):
            raise Refused(taken)
        try:
            os.rename(run_id, run_id, src_dir_fd=source, dst_dir_fd=target)
        except OSError as error:
            if error.errno not in {EEXIST, ENOTEMPTY}:
                raise
            raise Refused(taken) from error
        self._changed |= {target: None, source: None}


def _taken(run_id: str) -> str:
    """What is said of a run whose name something in the trash bears."""
    return f"The trash holds a run {clean(run_id)} already; restore or destroy that one first"


def mount_points() -> list[str]:
    """Where file systems are mounted, after proc_pid_mountinfo(5); nothing where the system does not tell."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            points = [line.split()[4] for line in file]
    except OSError:
        return []
    return [os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8)]), point)) for point in points]
