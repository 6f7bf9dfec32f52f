"""The lock of an open directory: waited for as long as is wanted, and who holds it told by name."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from runboard.errors import RunBusy, told
from runboard.safetext import clean


def acquire(fd: int, path: str, limit: float) -> None:
    """Take the lock of an open run directory, waiting up to ``limit`` seconds for another holder.

    Raises:
        RunBusy: Somebody else held it all the time; the message says who.
    """
    deadline, pause = time.monotonic() + limit, 0.0005
    while True:
        with told(f"{clean(path)} cannot be locked"), suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if time.monotonic() >= deadline:
            raise RunBusy(
                f"{clean(path)} has been locked by {_holder(fd)} for {limit:g} s; try again once that is done"
            )
        time.sleep(min(pause, max(deadline - time.monotonic(), 0)))
        pause = min(pause * 2, 0.02)


def _holder(fd: int) -> str:
    """Who holds the lock of an open directory, as /proc/locks tells (proc(5)): pid, name, and whether it is stopped."""
    info = os.fstat(fd)
    file = f"{os.major(info.st_dev):02x}:{os.minor(info.st_dev):02x}:{info.st_ino}"
    try:
        with open("/proc/locks", encoding="ascii") as locks:
            pid = next(words[4] for words in map(str.split, locks) if words[1] == "FLOCK" and words[5] == file)
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
    except (OSError, StopIteration, IndexError):
        return "another process"
    return f"process {pid} ({clean(name)}{', which is stopped' if rest.split()[0] in 'Tt' else ''})"
