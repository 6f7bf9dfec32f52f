"""Looks at some runs in a thread of its own, now and then, and never more than a small part of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Generic, TypeVar

from textual.widget import Widget
from textual.worker import WorkType

from runboard.model import Run
from runboard.ui.aside import Aside

Found = TypeVar("Found")

SPARING = 50
"""Looking takes at most one in so many seconds."""


class Glance(Generic[Found]):
    """Looks at some runs in a thread of its own, at one time only once, and rests between."""

    def __init__(self, name: str, look: Callable[[Sequence[Run]], Mapping[str, Found]], rest: float) -> None:
        """Look with ``look``, which is called in the thread of this name, and rest for so many seconds at least."""
        self._aside = Aside(name)
        self._look, self._rest = look, rest
        self._looking = False
        self._next = 0.0

    @property
    def ready(self) -> bool:
        """Whether it is time to look."""
        return not self._looking and monotonic() >= self._next

    def at(self, runs: Sequence[Run], show: Callable[[Mapping[str, Found]], None], board: Widget, group: str) -> None:
        """Have what is found of these runs shown, by their ids; from now on it is no time to look.

        A worker of ``board`` waits for it. Where that never begins, since the board is left, nothing is left behind.
        """
        self._looking = True
        work: WorkType[None] = partial(self._at, runs, show, monotonic())
        board.run_worker(work, group=group)

    async def _at(self, runs: Sequence[Run], show: Callable[[Mapping[str, Found]], None], begun: float) -> None:
        """Wait for the thread."""
        try:
            found = await self._aside.do(partial(self._look, runs))
        finally:
            self._looking = False
            self._next = begun + max(self._rest, SPARING * (monotonic() - begun))
        show(found)
