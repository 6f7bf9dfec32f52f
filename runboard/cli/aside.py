"""What is done when the answer is out: by a process of its own, which nobody waits for and nothing depends on."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import active_count
from typing import NoReturn

from runboard.index import Index
from runboard.store import Store

_NICE = 10
"""How much it stands back behind whatever somebody waits for."""


def build_index(store: Store) -> None:
    """Have the index made for the next who asks; where threads run no process can be made of this one, and none is."""
    if active_count() > 1:
        return
    try:
        pid = os.fork()
    except OSError:  # no more processes are to be had: the next who asks tries again
        return
    if pid == 0:
        _alone(lambda: Index(store).build())
    os.waitpid(pid, 0)


def _alone(work: Callable[[], None]) -> NoReturn:
    """In the child: do it in a process without a parent, and end without a trace, however that went."""
    try:
        os.setsid()
        if os.fork() == 0:
            _let_go()
            work()
    finally:  # whatever goes wrong, the next who asks makes up for it
        os._exit(0)


def _let_go() -> None:
    """Keep nothing that a caller might wait for or miss: terminal, pipes, locks, directory, most of a core."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    os.nice(_NICE)
