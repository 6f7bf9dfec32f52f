"""A log as a file: opened only where it is a regular one, and told from another that has taken its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from errno import ELOOP, ENXIO
from typing import NamedTuple, Self

from runboard import files

NAME = "output.log"

_HEAD = 64
"""Bytes at the start of a log by which it is known again."""

_ODD = {ELOOP: "a symbolic link", ENXIO: "a socket"}  # what open(2) refuses by itself


class Glimpse(NamedTuple):
    """What a log looked like: which file, how long, when changed (nanoseconds), and how it begins."""

    device: int
    inode: int
    size: int
    changed_ns: int
    head: bytes

    @classmethod
    def of(cls, fd: int) -> Self:
        """Look at an open log."""
        info = os.fstat(fd)
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, os.pread(fd, _HEAD, 0))

    def since(self, before: Glimpse) -> str | None:
        """What happened to the log between two looks, in words, if anything but growing did."""
        if (self.device, self.inode) != (before.device, before.inode):
            return f"{NAME} was replaced by another file"
        if self.size < before.size:
            return f"{NAME} was truncated"
        if not self.head.startswith(before.head):
            return f"{NAME} was rewritten"
        return None


def open_regular(open_log: Callable[[], int]) -> int:
    """A descriptor of the log, which the caller closes.

    Raises:
        FileNotFoundError: There is none.
        files.Unfit: It is no regular file, or cannot be read; the message is a sentence.
    """
    try:
        fd = open_log()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise files.Unfit(refusal(error)) from error
    info = os.fstat(fd)
    if files.is_plain(info):
        return fd
    os.close(fd)
    raise files.Unfit(f"{NAME} is {files.kind(info)}; it is not read")


@contextmanager
def opened(open_log: Callable[[], int]) -> Iterator[int]:
    """A descriptor of the log, or -1, which reads as an empty one, where there is none."""
    try:
        fd = open_regular(open_log)
    except FileNotFoundError:
        fd = -1
    try:
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


def refusal(error: OSError) -> str:
    """Why a log cannot be read, as a sentence."""
    if error.errno in _ODD:
        return f"{NAME} is {_ODD[error.errno]}; it is not read"
    return f"{NAME} cannot be read: {os.strerror(error.errno) if error.errno else error}"
