"""The board under a pilot: runs and a clock that stand still, or a real store, and keys that do not dawdle."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

from textual import _wait
from textual.pilot import Pilot

from runboard.batch import Batch
from runboard.board import Board
from runboard.cli.screen import read_response
from runboard.cli.sights import sources_of
from runboard.control import Control
from runboard.logs import LogView
from runboard.model import Run
from runboard.reconciler import Reconciler
from runboard.state import State
from runboard.store import Store
from runboard.ui.app import RunboardApp
from runboard.ui.log import LogPane
from runboard.ui.response import ResponsePane
from runboard.ui.sources import Sources
from runboard.ui.table import RunTable
from runboard.ui.taste import Taste
from tests.waiting import patient

NOW = 1_790_000_000.0
"""The moment at which fixed screens are taken, epoch seconds: 2026-09-21 14:13:20 UTC."""

_wait.SLEEP_GRANULARITY = 0.002  # Textual's pilot sleeps 20 ms twice for every key


class HandFeed:
    """A feed that publishes what the test says, when it says so."""

    def __init__(self, runs: Iterable[Run] = (), *, complete: bool = True) -> None:
        """Publish these at the start, as a complete listing or as the beginning of one."""
        self._first = Batch(tuple(runs), complete=complete)
        self.publish: Callable[[Batch], None] = lambda _batch: None
        self.stopped = False
        self.nudged: list[str] = []

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin with the first batch."""
        self.publish = publish
        publish(self._first)

    def stop(self) -> None:
        """Note that it was stopped."""
        self.stopped = True

    def nudge(self, run_id: str) -> None:
        """Note who is looked at."""
        self.nudged.append(run_id)


class Desk:
    """A board in a pilot's hands, and what one looks at on it."""

    def __init__(self, app: RunboardApp, pilot: Pilot[int], feed: HandFeed | Reconciler) -> None:
        """Keep the three together."""
        self.app = app
        self.pilot = pilot
        self.feed = feed

    @property
    def table(self) -> RunTable:
        """The table."""
        return self.app.screen_stack[0].query_one(RunTable)

    @property
    def log(self) -> LogPane:
        """The log pane."""
        return self.app.screen_stack[0].query_one(LogPane)

    @property
    def response(self) -> ResponsePane:
        """The response pane."""
        return self.app.screen_stack[0].query_one(ResponsePane)

    def text(self) -> str:
        """What is on the screen, modal screens included."""
        lines = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)

    def toasts(self) -> list[str]:
        """What has been told in the corner and is still there."""
        return [notice.message for notice in self.app._notifications]

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they are dealt with."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def publish(self, *runs: Run, removed: Iterable[str] = (), notices: Iterable[str] = ()) -> None:
        """Publish from another thread, and wait until it is on the screen."""
        await self.tell(Batch(runs, tuple(removed), tuple(notices)))

    async def tell(self, batch: Batch) -> None:
        """Publish a batch from another thread, and wait until it is on the screen."""
        assert isinstance(self.feed, HandFeed)
        await asyncio.to_thread(self.feed.publish, batch)
        self.app.call_next(self.app._take)
        await self.pilot.pause()
        self.table.flush()
        await self.pilot.pause()

    async def until(self, condition: Callable[[], object], limit: float = 5.0) -> None:
        """Wait for a fact; AssertionError with the screen when it does not come within a `patient` limit."""
        limit = patient(limit)
        async with asyncio.timeout(limit + 1):
            deadline = asyncio.get_running_loop().time() + limit
            while not condition():
                assert asyncio.get_running_loop().time() < deadline, f"not within {limit} s; the screen:\n{self.text()}"
                await self.pilot.pause(0.01)

    async def shows(self, *texts: str, limit: float = 5.0) -> None:
        """Wait until all of these texts are on the screen."""
        await self.until(lambda: all(text in self.text() for text in texts), limit)

    async def hides(self, text: str, limit: float = 5.0) -> None:
        """Wait until a text is not on the screen."""
        await self.until(lambda: text not in self.text(), limit)


def arranged(memory: State) -> dict[str, object]:
    """What is remembered beside what somebody has seen, which a board notes by itself after a second."""
    return {key: value for key, value in memory.load().items() if key != "attention"}


def file_log(folder: Path, run_id: str) -> LogView:
    """The log of a run that is a file named after it."""
    return LogView(partial(os.open, folder / f"{run_id}.log", os.O_RDONLY | os.O_NONBLOCK))


@asynccontextmanager
async def fixed_board(
    runs: Iterable[Run] = (),
    *,
    size: tuple[int, int] = (120, 36),
    logs: Path = Path("/nonexistent"),
    control: object = None,
    open_log: Callable[[str], LogView] | None = None,
    complete: bool = True,
    clock: Callable[[], float] = lambda: NOW,
    read_response: Callable[[str], str | None] = lambda _run_id: None,
    sources: Sources = Sources(),  # noqa: B008 - a frozen value
    taste: Taste | None = None,
    tooltips: bool = False,
    read_run: Callable[[str], Run | None] | None = None,
    lock: str = "",
) -> AsyncIterator[Desk]:
    """A board of these runs at a time that stands still; ``control`` is any object with the verbs that are used."""
    feed = HandFeed(runs := tuple(runs), complete=complete)
    opened = open_log or partial(file_log, logs)
    app = RunboardApp(
        Board(),
        feed,
        cast(Control | None, control),
        opened,
        title="~/.agents/runs",
        clock=clock,
        read_response=read_response,
        sources=sources,
        taste=taste or Taste(),
        read_run=read_run,
        lock=lock,
    )
    async with app.run_test(size=size, notifications=True, tooltips=tooltips) as pilot:
        desk = Desk(app, pilot, feed)
        await desk.until(lambda: all(app._board.get(run.id) for run in runs))  # they come from another thread
        await pilot.pause()
        desk.table.flush()
        await pilot.pause()
        yield desk


@asynccontextmanager
async def real_board(
    root: Path, *, watching: bool = False, size: tuple[int, int] = (120, 36), control: Control | None = None
) -> AsyncIterator[Desk]:
    """A board on a real runs directory, as the program wires it, or with another ``control``."""
    store = Store(str(root))
    feed = Reconciler(store, writing=not watching)
    app = RunboardApp(
        Board(),
        feed,
        None if watching else control or Control(store, by="ada@atlas"),
        lambda run_id: LogView(partial(store.open_file, run_id, "output.log")),
        title=str(root),
        read_response=partial(read_response, store),
        read_run=store.read,
        sources=sources_of(store),
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        yield Desk(app, pilot, feed)
