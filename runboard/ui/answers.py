"""Reads the chosen run's answer and lays it out, in a thread of its own: neither a disk nor a text stops the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from runboard.store import StoreError
from runboard.ui.aside import Aside

LOOK_SECONDS = 1.0
"""How often the answer on show is read again; it is laid out again only where it has changed."""

PATIENCE_SECONDS = 0.15
"""The last run's answer stays for so long while another is read."""


LOOKS = ("heading", "strong", "em", "struck", "code", "block", "quote", "mark", "rule")
"""The looks in which an answer is laid out."""


class Answer(NamedTuple):
    """A run's answer as lines to paint, none where there is no answer; ``trouble`` says why it cannot be read."""

    run_id: str
    lines: tuple[tuple[Segment, ...], ...]
    trouble: str | None = None


class _Wish(NamedTuple):
    """What is wanted: whose answer, in how many cells, in which looks, whether the run has ended."""

    run_id: str
    width: int
    looks: Mapping[str, Style]
    ended: bool


class AnswerReader:
    """Shows what was wished last; wishes may change at any time."""

    def __init__(self, read: Callable[[str], str | None], show: Callable[[str, Answer | None], None]) -> None:
        """Get an answer as Markdown by its run's id with ``read``; ``show`` gets None while it is being read."""
        self._read = read
        self._show = show
        self._aside = Aside("runboard-answer")
        self._wake = asyncio.Event()
        self._wish: _Wish | None = None
        self._shown: tuple[_Wish, str | None, Answer] | None = None

    def want(self, run_id: str | None, width: int, looks: Mapping[str, Style], *, ended: bool) -> None:
        """Show this run's answer in so many cells from now on; with no run or no cells, none."""
        wish = None if run_id is None or width <= 0 else _Wish(run_id, width, looks, ended)
        if wish != self._wish:
            if wish is None or self._shown is None or wish.run_id != self._shown[0].run_id:
                self._shown = None  # the pane may have forgotten it by the time it is wanted again
            self._wish = wish
            self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), None if self._wish is None else LOOK_SECONDS)
                self._wake.clear()
                if self._wish is not None:
                    await self._turn(self._wish)
        finally:
            self._aside.end()

    async def _turn(self, wish: _Wish) -> None:
        """Fulfil a wish, and show what came of it unless another one is present by then."""
        other = self._shown is None or self._shown[0].run_id != wish.run_id
        reading = asyncio.ensure_future(self._aside.do(partial(self._answer, wish)))
        if other:
            await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
            if not reading.done() and wish == self._wish:
                self._show(wish.run_id, None)
        try:
            found = await reading
        except OSError as error:
            found = None, Answer(wish.run_id, (), f"The answer cannot be read: {error.strerror or error}")
        except StoreError as error:
            found = None, Answer(wish.run_id, (), str(error))
        if wish == self._wish and (wish, *found) != self._shown:
            self._shown = wish, *found
            self._show(wish.run_id, found[1])

    def _answer(self, wish: _Wish) -> tuple[str | None, Answer]:
        """A run's answer and how it is laid out, in the thread; the lines on show where it has not changed."""
        text = self._read(wish.run_id)
        shown = self._shown
        if shown is not None and shown[:2] == (wish, text) and not shown[2].trouble:
            return text, shown[2]
        from runboard.ui.markdown import rendered  # noqa: PLC0415 - takes a while, and most boards show no answer

        lines = rendered(text, wish.width, wish.looks) if text else []
        return text, Answer(wish.run_id, tuple(map(tuple, lines)))
