"""Starts a run: opens its log, hands the shim a sheet of what to do, and waits until it has said what became of it."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from errno import EINVAL, EIO
from types import MappingProxyType

import orjson

from runboard import shim
from runboard.files import TEMP
from runboard.model import Run
from runboard.process.limits import file_limit
from runboard.process.table import RUN_MARK, SETTLING_MARK, SHIM_MARK
from runboard.record import Started, parse_started

GRACE = 5.0
"""Seconds between the time limit's SIGTERM and its SIGKILL."""

_ROOM = 8192
"""Bytes that must be free on the disk for a run to start: what the records of a small one take."""


def launch(
    run: Run,
    run_dir_fd: int,
    *,
    environ: Mapping[str, str],
    own: Mapping[str, str] = MappingProxyType({}),
    successor: Sequence[str],
    grace: float = GRACE,
) -> Started:
    """Start the run's command under a shim of its own and return who it is, or why it could not be started.

    Args:
        run: Its command, cwd and timeout are used.
        run_dir_fd: The run's directory, open; it may be renamed afterwards.
        environ: The environment of the command, and of the successor, without any marker of ours.
        own: Variables of the command's alone, laid over ``environ``; they are written to no disk.
        successor: What the shim becomes at the end, by absolute path and started in ``/``; empty for nothing.
        grace: Seconds between the time limit's SIGTERM and its SIGKILL.
    """
    plain = {name: value for name, value in environ.items() if name not in {RUN_MARK, SHIM_MARK, SETTLING_MARK}}
    try:
        told = _start(run_dir_fd, plain | {SHIM_MARK: run.id}, run.id, _sheet(run, plain, own, successor, grace))
    except OSError as error:
        return Started(time.time(), errno=error.errno or EIO, stage="launch")
    except ValueError:
        return Started(time.time(), errno=EINVAL, stage="exec")
    try:
        started = parse_started(orjson.loads(told))
    except orjson.JSONDecodeError:
        started = None
    return started or Started(time.time(), errno=EIO, stage="launch")


def _sheet(
    run: Run, environ: Mapping[str, str], own: Mapping[str, str], successor: Sequence[str], grace: float
) -> bytes:
    """What the shim is to do, as NUL-separated fields; lists are preceded by their length."""
    fields = [run.id, str(run.timeout or 0), str(grace), str(file_limit()), run.cwd or os.getcwd()]
    for some in (run.command, successor, _pairs(environ.items()), _pairs(own.items())):
        fields += [str(len(some)), *some]
    encoded = [os.fsencode(field) for field in fields]
    if not run.command or not run.command[0] or any(b"\0" in field for field in encoded):
        raise ValueError("there is no program, or a NUL byte in what it is to be given")
    return b"\0".join(encoded)


def _pairs(items: Iterable[tuple[str, str]]) -> list[str]:
    """Variables as ``NAME=value``, without those whose name or value no environment can hold."""
    return [f"{name}={value}" for name, value in items if name and "=" not in name]


def _start(run_dir_fd: int, environ: Mapping[str, str], run_id: str, sheet: bytes) -> bytes:
    """Spawn the shim and return what it says through the pipe; nothing where it died without a word."""
    opened: list[int] = []
    try:
        _require_room(run_dir_fd)
        opened.append(_sheet_file(sheet))
        opened.append(_log_file(run_dir_fd))
        ready, told = os.pipe()
        opened += [ready, told]
        sources = [_high(fd) for fd in (opened[0], opened[1], opened[1], run_dir_fd, told)]
        opened += sources
        child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", _program(), run_id],
            environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, source, number) for number, source in enumerate(sources)],
            setsigmask=signal.valid_signals(),  # nothing can hit the shim before it listens
        )
        for fd in (told, sources[-1]):
            os.close(fd)
            opened.remove(fd)
        answer = b"".join(iter(lambda: os.read(ready, 4096), b""))
    finally:
        for fd in opened:
            os.close(fd)
    _collect(child)
    return answer


def _program() -> str:
    """The shim's compiled form where it is up to date, half a megabyte and 2 ms less for every run; else its source.

    The header is that of PEP 552: flags, then the source's time of change and size where the flags are 0.
    """
    source, cached = shim.__file__, shim.__spec__.cached if shim.__spec__ else None
    try:
        with open(cached or source, "rb") as file:
            flags, changed, size = struct.unpack("<4x3I", file.read(16))
        stat = os.stat(source)
    except (OSError, struct.error):
        return source
    own = (0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)
    return cached if cached and (flags, changed, size) == own else source


def _sheet_file(sheet: bytes) -> int:
    """The sheet in memory without a name: whole from the first moment, so that the launcher may die at any."""
    file = os.memfd_create("runboard-sheet", os.MFD_CLOEXEC)  # the environment in it is nobody's but the command's
    try:
        while sheet:
            sheet = sheet[os.write(file, sheet) :]
    except OSError:
        os.close(file)
        raise
    return file


def _require_room(run_dir_fd: int) -> None:
    """Refuse to start what could not even say how it ended, for want of space on the disk."""
    name = f"{TEMP}room.{os.getpid()}"  # swept by the next writer, should we die before it has lost its name
    file = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=run_dir_fd)
    try:
        with suppress(FileNotFoundError):  # swept already
            os.unlink(name, dir_fd=run_dir_fd)
        os.posix_fallocate(file, 0, _ROOM)
    finally:
        os.close(file)


def _log_file(run_dir_fd: int) -> int:
    """The run's output.log, to be appended to by the command itself."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open("output.log", flags, 0o600, dir_fd=run_dir_fd)


def _high(fd: int) -> int:
    """The same file under a number out of the way of those the shim is given."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)


def _collect(child: int) -> None:
    """Reap the shim's first half, which left as soon as it had a child of its own."""
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return  # this process ignores SIGCHLD, or somebody else collects its children
