"""The limit of open files: raised for a board that holds a pidfd per run, remembered for the commands it starts."""

from __future__ import annotations

import os
import resource

_remembered: list[int] = []


def raise_file_limit() -> int:
    """Raise our soft limit of open files to the hard one; returns the soft limit there was before any raise."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not _remembered:
        _remembered.append(soft)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return _remembered[0]  # some systems refuse "unlimited"; the old limit still works
    return _remembered[0]


def file_limit() -> int:
    """The soft limit of open files that a started command is to have: ours, as it was before any raise."""
    return _remembered[0] if _remembered else os.sysconf("SC_OPEN_MAX")
