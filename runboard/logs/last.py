"""The last line of a log: read from its end, never far, and told in words where an agent wrote it."""

from __future__ import annotations

import os
from collections.abc import Callable

from runboard import files
from runboard.logs.reading import SILENT, Reading
from runboard.logs.source import open_regular
from runboard.safetext import strip_sgr

NEAR, FAR = 1 << 13, 1 << 16
"""Bytes of a log's end that are read: at first, and where there is no whole line with something to see in them."""

LONGEST = 400
"""Characters of the line that are told."""

_MOST = 50
"""So many lines are looked at for one that has something to see."""


def last_line(open_log: Callable[[], int]) -> str:
    """The last line with something to see, clean and without colours; empty where there is none.

    Of a log that is no regular file, or cannot be read, it is told why.
    """
    try:
        fd = open_regular(open_log)
    except FileNotFoundError:
        return ""
    except files.Unfit as error:
        return str(error)
    try:
        with files.opened(fd):
            size = os.fstat(fd).st_size
            for most in (NEAR, FAR):
                start = max(0, size - most)
                told = _told(os.pread(fd, most, start), whole=not start)
                if told is not None:
                    return told[:LONGEST]
    except OSError as error:
        return f"output.log cannot be read: {os.strerror(error.errno) if error.errno else error}"
    return ""


def _told(data: bytes, *, whole: bool) -> str | None:
    """The last line in these bytes that tells something; None where it may stand before them."""
    reading = Reading()
    lines = data.split(b"\n")[-_MOST:]
    begun = 0 if whole or len(lines) == _MOST else 1  # the first one's beginning is out of sight
    for line in reversed(lines[begun:]):
        shown = reading(line) if line.strip() else ""
        if shown != SILENT and (text := _plain(shown)):
            return text
    if begun and len(data) == FAR and (end := lines[0].strip()):
        return f"…{_plain(reading(end))}"
    return "" if whole or len(data) == FAR else None


def _plain(shown: str) -> str:
    """A line without colours, its blanks drawn together."""
    return " ".join(strip_sgr(shown).split())
