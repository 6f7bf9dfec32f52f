"""The times at the beginnings of lines: as they are written, as what had passed since the first one, or left out."""

from __future__ import annotations

import os
from enum import StrEnum

from runboard.late import pattern
from runboard.logs.moments import DAY, Moment, written_at
from runboard.safetext import splice, strip_sgr

NEAR = 40
"""A time that begins behind so many characters, or behind two plain words, is something that the line tells."""

_HEAD = 512
"""Characters of a line in which its time is looked for."""

_FIRST = 1 << 18
"""Bytes in which the first time of a log is looked for."""

_WEEKDAY = pattern(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? \Z")
_KLOG = pattern(r"(?<=[IWEF])\d{4} \Z")
_ZONE = pattern(r"(?: [12]\d{3}\b)?(?:Z\b| ?UTC\b| ?[+-]\d\d:?\d\d\b)?")
_BEHIND = pattern(r":? ?(?:[-|] )?")
_CLOSING = {"[": "]", "(": ")", "<": ">"}


class Times(StrEnum):
    """How the times of lines are shown."""

    WRITTEN = "written"
    ELAPSED = "elapsed"
    HIDDEN = "hidden"


class Stamps:
    """The times of one log's lines, all of the kind that its first one has."""

    def __init__(self) -> None:
        """Show them as they are written."""
        self.times = Times.WRITTEN
        self.changed = False  # whether any was shown otherwise than it is written
        self._begun: Moment | None = None
        self._head: tuple[int, int] | None = None  # which file, and how much of it was looked through

    def learn(self, fd: int) -> None:
        """Find out when the log begins, from when on what has passed is told."""
        head = os.fstat(fd).st_ino, min(os.fstat(fd).st_size, _FIRST)
        if self._head is None or self._head[0] != head[0] or head[1] < self._head[1]:
            self._begun = None
        if self._begun is None and head != self._head:
            lines = os.pread(fd, _FIRST, 0).split(b"\n")[:-1]
            self._begun = next((found for line in lines if (found := Moment.of(line))), None)
        self._head = head

    def __call__(self, text: str) -> str:
        """A shown line with its time as it is wanted."""
        if self.times is Times.WRITTEN:
            return text
        plain = strip_sgr(text[: 2 * _HEAD])[:_HEAD]
        found = stamp_of(plain)
        if found is None:
            return text
        moment, first, last = found
        if self.times is Times.HIDDEN:
            if plain.startswith("{"):
                return text  # an event: without its value it would be none
            first, last = _wider(plain, first, last)
            self.changed = True
            return splice(text, first, last, "")
        if self._begun is None or self._begun.kind != moment.kind:
            return text
        self.changed = True
        return splice(text, first, last, _passed(moment, self._begun, exact="." in plain[first:last].replace(",", ".")))


def stamp_of(plain: str) -> tuple[Moment, int, int] | None:
    """When a line was written, and where that stands in its text, if it does near the beginning."""
    found = written_at(plain[:_HEAD])
    if found is None or found[1] > NEAR or sum(word.isalpha() for word in plain[: found[1]].split()) > 1:
        return None
    moment, first, last = found
    for before in (_KLOG, _WEEKDAY):
        if (earlier := before.search(plain, 0, first)) is not None:
            first = earlier.start()
    zone = _ZONE.match(plain, last)
    return moment, first, zone.end() if zone else last


def _wider(plain: str, first: int, last: int) -> tuple[int, int]:
    """The same with its brackets, and with what parts it from the rest of the line."""
    closing = _CLOSING.get(plain[first - 1 : first])
    if closing is not None and plain[last : last + 1] == closing:
        first, last = first - 1, last + 1
    elif closing is not None:
        return first, last + (plain[last : last + 1] == " ")
    behind = _BEHIND.match(plain, last)
    return first, behind.end() if behind else last


def _passed(moment: Moment, begun: Moment, *, exact: bool) -> str:
    """What had passed since the beginning: hours, minutes, seconds, and thousandths where they are written too."""
    seconds = moment.seconds - begun.seconds
    seconds = seconds % DAY if moment.kind == "timed" else seconds
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    whole = round(1000 * seconds) if exact else 1000 * int(seconds)
    told = f"{sign}{whole // 3_600_000}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}"
    return f"{told}.{whole % 1000:03}" if exact else told
