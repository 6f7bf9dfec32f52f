"""Amounts as people type them: lengths of time, sizes and counts; every refusal says what to type instead."""

from __future__ import annotations

import re

from runboard.late import pattern

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = pattern(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)
_NUMBER = pattern(r"\d+(?:\.\d+)?", re.ASCII)
_SIZE = pattern(r"(\d+(?:\.\d+)?)([kmgt]?)(i?b)?", re.ASCII | re.IGNORECASE)
_COUNT = pattern(r"(\d+(?:\.\d+)?)([kmg]?)", re.ASCII | re.IGNORECASE)
_LONGEST = 100 * 365 * 86400.0
_DIGITS = 18


class BadAmount(ValueError):
    """What was typed is no such amount; the message is a sentence about it."""


def duration(text: str) -> float:
    """Seconds from 45s, 30m, 1h30m or 7d; a bare number is refused, because nobody can know its unit.

    Raises:
        BadAmount: It is no length of time.
    """
    typed = text.strip().lower()
    if typed == "0":
        return 0.0
    if _NUMBER.fullmatch(typed):
        raise BadAmount(f"'{text}' has no unit: say {typed}s, {typed}m or {typed}h.")
    parts = _PART.findall(typed)
    if not parts or "".join(count + unit for count, unit in parts) != typed:
        raise BadAmount(f"'{text}' is no length of time: say 45s, 30m, 1h30m or 7d.")
    seconds = sum(float(count) * _UNITS[unit] for count, unit in parts)
    if seconds > _LONGEST:
        raise BadAmount(f"'{text}' is longer than a hundred years.")
    return seconds


def size(text: str) -> int:
    """Bytes from 500M, 5G or 1.5GiB, in powers of 1024; a bare number is refused as likely a slip.

    Raises:
        BadAmount: It is no size.
    """
    typed = text.strip()
    match = _SIZE.fullmatch(typed)
    if match is None or len(match[1]) > _DIGITS:
        raise BadAmount(f"'{text}' is no size: say 500M, 5G or 1.5G.")
    count, unit, suffix = match.groups()
    if not unit and not suffix and float(count):
        raise BadAmount(f"'{text}' has no unit: say {typed}M or {typed}G.")
    return int(float(count) * 1024 ** " kmgt".index(unit.lower() or " "))


def count(text: str) -> float:
    """A number from 5, 0.25, 10k, 1.5M or 2G, in powers of 1000.

    Raises:
        BadAmount: It is no number.
    """
    typed = text.strip()
    match = _COUNT.fullmatch(typed)
    if match is None or len(match[1]) > _DIGITS:
        raise BadAmount(f"'{text}' is no number: say 5, 0.25, 10k or 1.5M.")
    return float(match[1]) * 1000.0 ** " kmg".index(match[2].lower() or " ")
