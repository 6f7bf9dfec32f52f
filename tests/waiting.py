"""Waiting in tests: for a fact, never for a length of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], limit: float = 5.0, what: str = "") -> T:
    """Ask every 10 ms until the answer is true, and return it; AssertionError after ``limit`` seconds."""
    deadline = time.monotonic() + limit
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not true within {limit} s: {what or condition}"
        time.sleep(0.01)
    return answer
