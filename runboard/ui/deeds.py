"""An act on one run or many: done in a thread, with a way to stop between two."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Event
from typing import NamedTuple

from runboard.errors import ControlError, StoreError

TOLD = (ControlError, StoreError, OSError)
"""What an act may fail with; the message is told on the screen."""

TOGETHER = 8
"""So many runs are ended at the same time: each may take its grace."""

PATIENCE = 0.4
"""Seconds after which an act on several runs shows how far it is."""


class Deed(NamedTuple):
    """What came of an act on one run, in a sentence; ``error`` is what went wrong, if anything."""

    run_id: str
    text: str
    error: Exception | None = None


def one_by_one(run_ids: Iterable[str], act: Callable[[str], str]) -> Iterator[Deed]:
    """Do something to each run in turn."""
    for run_id in run_ids:
        yield attempt(run_id, act)


def together(run_ids: Iterable[str], act: Callable[[str], str]) -> Iterator[Deed]:
    """Do something to several runs at a time, for what takes long."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - it loads when it is first wanted

    coming = iter(run_ids)
    with ThreadPoolExecutor(TOGETHER, "runboard-acts") as hands:
        while some := list(islice(coming, TOGETHER)):
            yield from hands.map(lambda run_id: attempt(run_id, act), some)


def attempt(run_id: str, act: Callable[[str], str]) -> Deed:
    """Do something to one run; what it is told when that fails is a deed too."""
    try:
        return Deed(run_id, act(run_id))
    except TOLD as error:
        return Deed(run_id, str(error), error)


class Work:
    """Deeds under way in a thread; ``enough`` ends them between two."""

    def __init__(self, deeds: Iterator[Deed], count: int, doing: str) -> None:
        """Do these, ``count`` in all; ``doing`` says what, as in "Stopping"."""
        self.count = count
        self.doing = doing
        self.done: list[Deed] = []
        self.enough = Event()
        self.over = Event()
        self._deeds = deeds

    async def run(self) -> None:
        """Do them, and return when they are done or enough."""
        await asyncio.to_thread(self._run)

    def _run(self) -> None:
        """The thread."""
        try:
            for deed in self._deeds:
                self.done.append(deed)
                if self.enough.is_set():
                    break
        finally:
            self.over.set()
