"""Looks at something of the chosen run in a thread of its own, again and again: the latest wish counts, others end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from runboard.model import Run
from runboard.ui.aside import Aside

Found = TypeVar("Found")

PATIENCE_SECONDS = 0.15
"""What the last run had stays on show for so long while another one is looked at."""

SETTLE_SECONDS = 0.08
"""A run is looked at once the cursor has rested on it for so long."""

SPARING = 10
"""Looking takes at most one in so many seconds."""


class Lookout(Generic[Found]):
    """Shows what was wished last; a look that is not wished for any more is told to end."""

    def __init__(
        self,
        name: str,
        look: Callable[[Run, Callable[[], bool]], Found],
        show: Callable[[str, Found | None], None],
        every: float,
    ) -> None:
        """Look at a run that is active every so many seconds, and at an ended one once.

        Args:
            name: The name of the thread.
            look: Called in the thread with a run and with what says that the answer is not wanted any more.
            show: Gets the run's id and what was found, None while it takes long.
            every: Seconds; longer where a look takes long itself.
        """
        self._look = look
        self._show = show
        self._every = every
        self._aside = Aside(name)
        self._wake = asyncio.Event()
        self._run: Run | None = None
        self._shown: str | None = None

    def want(self, run: Run | None) -> None:
        """Look at this run from now on, or at none."""
        before, self._run = self._run, run
        if _key(before) != _key(run):
            self._wake.set()

    def again(self) -> None:
        """Look once more, now."""
        self._wake.set()

    async def run(self) -> None:
        """Look until cancelled."""
        pause: float | None = None
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause)
                self._wake.clear()
                pause = None
                if self._run is not None:
                    pause = await self._turn(self._run)
        finally:
            self._run = None
            self._aside.end()

    async def _turn(self, run: Run) -> float | None:
        """Look at a run, show what was found unless something else is wished by then; seconds until the next look."""
        key = _key(run)
        if self._shown != run.id:
            await asyncio.sleep(SETTLE_SECONDS)
            if _key(self._run) != key:
                return None
        begun = time.monotonic()
        looking = asyncio.ensure_future(self._aside.do(partial(self._look, run, lambda: _key(self._run) != key)))
        if self._shown != run.id:
            await asyncio.wait({looking}, timeout=PATIENCE_SECONDS)
            if not looking.done() and _key(self._run) == key:
                self._show(run.id, None)
        found = await looking
        if _key(self._run) == key:
            self._shown = run.id
            self._show(run.id, found)
        return max(self._every, SPARING * (time.monotonic() - begun)) if run.active else None


def _key(run: Run | None) -> tuple[str, bool] | None:
    """What makes a wish another one: the run, and whether it has ended."""
    return None if run is None else (run.id, run.active)
