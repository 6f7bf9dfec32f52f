"""Log files in tests: opened as the store opens them, and what it costs to read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runboard.logs import LogView, Window

FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
PROC_IO = 400
"""Bytes that counting the bytes read reads itself."""


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """What is done leaves as many open files as it found."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


def opening(path: Path) -> Callable[[], int]:
    """What opens a log as the store does: no link followed, no writer waited for."""
    return lambda: os.open(path, FLAGS)


def view(path: Path) -> LogView:
    """A fresh view of a file."""
    return LogView(opening(path))


def texts(window: Window | None) -> list[str]:
    """The lines of a window."""
    assert window is not None
    return [line.text for line in window.lines]


def bytes_read(act: Callable[[], object]) -> int:
    """How many bytes this process reads from files while something is done."""

    def counted() -> int:
        with open("/proc/self/io", "rb", buffering=0) as io:
            return int(io.read().split()[1])

    before = counted()
    act()
    return counted() - before - PROC_IO
