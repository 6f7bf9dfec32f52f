"""Waiting in tests: for a fact, never for a length of time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 4.0
"""How much longer than ``A_GUARD`` and more is waited: a busy machine is no failure of the product."""

A_GUARD = 5.0
"""From so many seconds on a limit guards against waiting for ever; a shorter one is a claim, and is kept."""


def patient(limit: float) -> float:
    """How long to wait at most where a test says ``limit``, both in seconds."""
    return limit * PATIENCE if limit >= A_GUARD else limit


def until(condition: Callable[[], T], limit: float = 5.0, what: str = "") -> T:
    """Ask every 10 ms until the answer is true, and return it; AssertionError after a `patient` ``limit``."""
    limit = patient(limit)
    deadline = time.monotonic() + limit
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not true within {limit} s: {what or condition}"
        time.sleep(0.01)
    return answer
