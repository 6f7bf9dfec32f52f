"""JSON values taken leniently: what has the wrong type or is out of range counts as not there, and nothing raises."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import Any

from runboard.safetext import clean, clean_lines

PID_MAX = 2**22
"""The largest pid Linux can give (PID_MAX_LIMIT, proc_sys_kernel(5)); a number above it names no process."""

LATEST = 253_000_000_000.0
"""Epoch seconds in the year 9987: what is later cannot be written back as a date in every time zone."""


def as_text(value: object) -> str | None:
    """A string cleaned for showing; numbers are taken too, because issues are often numbered."""
    if value is None:  # as most fields of most records are, a hundred thousand times over
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return clean(value) if isinstance(value, str) and value else None


def as_lines(value: object) -> str | None:
    """A string of several lines, cleaned for showing."""
    return clean_lines(value).strip("\n") or None if isinstance(value, str) else as_text(value)


def as_exact(value: object) -> str | None:
    """A string that must not be altered, or None."""
    return value if isinstance(value, str) and value else None


def as_strings(value: object) -> tuple[str, ...]:
    """A list of strings, or nothing at all where any part is something else."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return ()


def as_mapping(value: object) -> dict[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def as_number(value: object) -> float | None:
    """A finite number; true and false are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e300 or not isfinite(value):
        return None
    return float(value)


def as_count(value: object, most: int = 2**63 - 1) -> int | None:
    """A whole number from 0 to ``most``; a float, a bool or a number in a string is none."""
    if value is None or isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= most else None


def as_pid(value: object) -> int | None:
    """A pid that could name a process of a person's: above 1, whole, within the kernel's range."""
    pid = as_count(value, PID_MAX)
    return pid if pid is not None and pid > 1 else None


def as_time(value: object) -> float | None:
    """Epoch seconds from ISO 8601 text, or from the number of milliseconds JavaScript counts in."""
    if value is None:
        return None
    milliseconds = as_number(value)
    if milliseconds is not None:
        return milliseconds / 1000 if 0 <= milliseconds < LATEST * 1000 else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError):
        return None
    return at if 0 <= at < LATEST else None


def as_kind(value: object) -> str:
    """A JSON value's kind in a person's words."""
    names: dict[type, str] = {
        list: "a list",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "nothing" if value is None else names.get(type(value), "something else")
