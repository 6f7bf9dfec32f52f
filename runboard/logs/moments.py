"""Places in a log as people name them: a share of it, or a time that its lines carry, found by halving the file.

Times are compared as they are written: who types 14:05 means the line that reads 14:05, whatever its zone. Where lines
carry only the time of day, the log is taken to be shorter than a day; where they count seconds since 1970, a time of
day is that of this machine.
"""

from __future__ import annotations

import os
import re
import time
from calendar import timegm
from collections.abc import Iterator
from typing import NamedTuple

from runboard.late import pattern
from runboard.safetext import clean, clean_log, strip_sgr

DAY = 86400.0
_LOOK_MOST = 1 << 18
"""Bytes that are looked through for a line with a time."""

_HEAD = 512
"""Bytes of a line in which its time is looked for."""

_LINEAR = 1 << 13
"""Where so many bytes are left the lines are looked at one by one."""

_CLOCK = r"(?P<h>[01]?\d|2[0-3]):(?P<m>[0-5]\d)"
_FULL = rf"{_CLOCK}:(?P<s>[0-5]\d|60)(?P<f>[.,]\d{{1,9}})?"
_TYPED_CLOCK = rf"{_CLOCK}(?::(?P<s>[0-5]\d|60)(?P<f>[.,]\d{{1,9}})?)?"
_DATE = r"(?P<Y>[12]\d{3})[-/](?P<M>0[1-9]|1[0-2])[-/](?P<D>0[1-9]|[12]\d|3[01])"
_ZONE = r"(?:Z|[+-]\d\d:?\d\d)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATED = pattern(rf"(?<!\d){_DATE}[T ]{{1,2}}{_FULL}")
_SYSLOG = pattern(rf"\b(?P<N>{'|'.join(_MONTHS)}) {{1,2}}(?P<D>\d{{1,2}}) {_FULL}", re.IGNORECASE)
_TIMED = pattern(rf"(?<![\d:.]){_FULL}(?![\d:])")
_EPOCH = pattern(r"\W{0,2}(?P<E>1\d{9})(?P<ms>\d{3})?(?P<f>\.\d{1,9})?(?![\d])")
_TYPED_DATE = pattern(rf"{_DATE}(?:[T ]{_TYPED_CLOCK})?{_ZONE}")
_TYPED_TIME = pattern(rf"{_TYPED_CLOCK}{_ZONE}")
_SHARE = pattern(r"(\d{1,3}(?:\.\d{1,3})?) ?%?")
_BACK = pattern(r"-(\d{1,6}(?:\.\d+)?)([smhd])")
_LEAP = 1972
"""The year of dates that are written without one; it has a 29th of February."""

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}


class NoPlace(ValueError):
    """What is typed names no place in this log; the message says why."""


class Moment(NamedTuple):
    """When a line was written, as it says: seconds, in an order that is that of its ``kind``."""

    kind: str
    seconds: float

    @staticmethod
    def of(raw: bytes) -> Moment | None:
        """The time that a line carries near its beginning, if any."""
        found = written_at(strip_sgr(clean_log(raw[:_HEAD])))
        return None if found is None else found[0]


def written_at(text: str) -> tuple[Moment, int, int] | None:
    """The time in a text, and between which characters it stands, if there is one."""
    if found := _DATED.search(text):
        seconds = _day(int(found["Y"]), int(found["M"]), int(found["D"])) + _of_day(found)
        return Moment("dated", seconds), *found.span()
    if found := _SYSLOG.search(text):
        seconds = _day(_LEAP, _MONTHS.index(found["N"].lower()) + 1, int(found["D"])) + _of_day(found)
        return Moment("syslog", seconds), *found.span()
    if found := _EPOCH.match(text):
        return Moment("epoch", _of_epoch(found)), found.start("E"), found.end()
    if found := _TIMED.search(text):
        return Moment("timed", _of_day(found)), *found.span()
    return None


def place_of(fd: int, size: int, typed: str) -> int:
    """The offset that ``typed`` names: ``40%``, ``40``, ``14:05``, ``2026-09-21 14:05:30``, ``-10m`` before the end.

    Raises:
        NoPlace: It names none here.
    """
    typed = typed.strip()
    if share := _SHARE.fullmatch(typed):
        if float(share[1]) > 100:
            raise NoPlace("there are but 100 %")
        return int(size * float(share[1]) / 100)
    if not any(form.fullmatch(typed) for form in (_TYPED_DATE, _TYPED_TIME, _BACK, _EPOCH)):
        raise NoPlace(f"'{clean(typed[:40])}' is no place: say 40 %, 14:05, 2026-09-21 14:05:30, or -10m")
    return _Dated(fd, size).place(typed)


class _Dated:
    """A log whose lines carry times, all of the kind that the first one has."""

    def __init__(self, fd: int, size: int) -> None:
        """Find out which kind."""
        self._fd, self._size, self._kind = fd, size, ""
        first = next(self._moments(0), None)
        if first is None:
            raise NoPlace("no line at the start of this log carries a time")
        self._kind, self._begun = first[1].kind, first[1].seconds
        last = first[1].seconds
        for _at, moment in self._moments(max(0, size - _LOOK_MOST)):
            last = moment.seconds
        self._ended = self._order(last)

    def place(self, typed: str) -> int:
        """Where the first line begins that is not before a time."""
        wanted = self._wanted(typed)
        low, high = 0, self._size
        while high - low > _LINEAR:
            middle = (low + high) // 2
            at, moment = next(self._moments(middle), (high, None))
            if moment is None or at >= high or self._order(moment.seconds) >= wanted:
                high = middle
            else:
                low = at
        for at, moment in self._moments(low):
            if self._order(moment.seconds) >= wanted:
                return at
        return self._size

    def _wanted(self, typed: str) -> float:
        """The time that is typed, as the order of this log counts."""
        if back := _BACK.fullmatch(typed):
            return self._ended - float(back[1]) * _SECONDS[back[2]]
        if epoch := _EPOCH.fullmatch(typed):
            if self._kind != "epoch":
                raise NoPlace("the lines of this log do not count seconds since 1970")
            return _of_epoch(epoch)
        if found := _TYPED_DATE.fullmatch(typed):
            return self._of_date((int(found["Y"]), int(found["M"]), int(found["D"])), _of_day(found))
        found = _TYPED_TIME.fullmatch(typed)
        return self._of_clock(_of_day(found) if found else 0.0)

    def _of_date(self, day: tuple[int, int, int], seconds: float) -> float:
        """A date and a time of day."""
        match self._kind:
            case "timed":
                return self._order(seconds)
            case "epoch":
                return _local(day, seconds)
            case "syslog":
                day = _LEAP, day[1], day[2]
        return _day(*day) + seconds

    def _of_clock(self, seconds: float) -> float:
        """A time of day: the last one of this log's, or, before its first line, that of its last day."""
        if self._kind == "timed":
            return self._order(seconds)
        if self._kind == "epoch":
            last = time.localtime(self._ended)
            wanted = _local((last.tm_year, last.tm_mon, last.tm_mday), seconds)
        else:
            wanted = self._ended // DAY * DAY + seconds
        return wanted - DAY if wanted > self._ended and wanted - DAY >= self._begun else wanted

    def _order(self, seconds: float) -> float:
        """What times of this log are compared by."""
        return (seconds - self._begun) % DAY if self._kind == "timed" else seconds

    def _moments(self, at: int) -> Iterator[tuple[int, Moment]]:
        """The lines with a time that begin from ``at`` on, as far as is looked at once: where, and when."""
        start = max(0, at - 1)
        data = os.pread(self._fd, _LOOK_MOST, start)
        begun = data.find(b"\n") + 1 if at else 0
        while at == 0 or begun > 0:
            end = data.find(b"\n", begun)
            end = len(data) if end < 0 else end
            moment = Moment.of(data[begun:end])
            if moment is not None and self._kind in {"", moment.kind}:
                yield start + begun, moment
            begun = end + 1
            if begun >= len(data):
                return


def _of_day(found: re.Match[str]) -> float:
    """The seconds since midnight of a time; none given, none passed."""
    return 3600.0 * int(found["h"] or 0) + 60 * int(found["m"] or 0) + int(found["s"] or 0) + _part(found["f"])


def _of_epoch(found: re.Match[str]) -> float:
    """Seconds since 1970, in which milliseconds may be told without a point."""
    return int(found["E"]) + int(found["ms"] or 0) / 1000 + _part(found["f"])


def _part(digits: str | None) -> float:
    """The part of a second behind a point or a comma."""
    return float(f"0.{digits[1:]}") if digits else 0.0


def _day(year: int, month: int, day: int) -> float:
    """Midnight of a day as written, in seconds."""
    return float(timegm((year, month, day, 0, 0, 0)))


def _local(day: tuple[int, int, int], seconds: float) -> float:
    """Seconds since 1970 at a time of day on this machine."""
    return time.mktime((*day, 0, 0, 0, 0, 0, -1)) + seconds
