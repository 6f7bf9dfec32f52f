"""What people type for options: durations, sizes, signals, variables; every refusal says what to type instead."""

from __future__ import annotations

import re
import signal
import sys

from click import BadParameter

from runboard import amounts
from runboard.late import pattern

_SIGNAL = pattern(r"(?:SIG)?([A-Z][A-Z0-9]*)(?:([+-]\d+))?", re.ASCII)
ALL_LINES = sys.maxsize
"""As many lines as there are."""


def duration(text: str) -> float:
    """Seconds from 45s, 30m, 1h30m or 7d.

    Raises:
        BadParameter: It is no length of time, or a bare number.
    """
    try:
        return amounts.duration(text)
    except amounts.BadAmount as error:
        raise BadParameter(str(error)) from None


def time_limit(text: str) -> float:
    """A duration that a run may take; none at all makes no sense.

    Raises:
        BadParameter: It is no length of time, or zero.
    """
    seconds = duration(text)
    if seconds == 0:
        raise BadParameter(f"'{text}' is no time at all; leave the option out for no limit.")
    return seconds


def size(text: str) -> int:
    """Bytes from 500M, 5G or 1.5GiB, in powers of 1024.

    Raises:
        BadParameter: It is no size, or a bare number.
    """
    try:
        return amounts.size(text)
    except amounts.BadAmount as error:
        raise BadParameter(str(error)) from None


def signal_number(text: str) -> int:
    """A signal by number or by name: 9, KILL, SIGKILL, rtmin+3.

    Raises:
        BadParameter: This system has no such signal.
    """
    typed = text.strip().upper()
    number = _known_signal(typed)
    if number is None:
        raise BadParameter(f"'{text}' is no signal: say TERM, KILL, INT, or a number from 1 to 64.")
    return number


def line_count(text: str) -> int:
    """A number of lines, or ``ALL_LINES`` for "all".

    Raises:
        BadParameter: It is neither.
    """
    typed = text.strip().lower()
    if typed == "all":
        return ALL_LINES
    if not typed.isascii() or not typed.isdigit():
        raise BadParameter(f"'{text}' is no number of lines: say 200, 0 or all.")
    return min(int(typed), ALL_LINES)


def variable(text: str) -> tuple[str, str]:
    """One NAME=VALUE for a command's environment.

    Raises:
        BadParameter: There is no name or no equals sign.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise BadParameter(f"'{text}' is no variable: say NAME=VALUE.")
    return name, value


def _known_signal(typed: str) -> int | None:
    """The number of a signal written in capitals or digits, None where there is none."""
    match = _SIGNAL.fullmatch(typed)
    if match is None:
        number = int(typed) if typed.isdecimal() and len(typed) < 4 else 0
    else:
        base = getattr(signal, f"SIG{match[1]}", None)
        if not isinstance(base, signal.Signals) or (match[2] and match[1] not in {"RTMIN", "RTMAX"}):
            return None
        number = int(base) + int(match[2] or 0)
    return number if number in signal.valid_signals() else None
