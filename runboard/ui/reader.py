"""Reads the chosen run's log in a thread of its own, one request at a time: the screen never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runboard.logs import LogView, Reading, Window
from runboard.store import StoreError
from runboard.ui.aside import Aside

POLL_SECONDS = 0.1
"""How often the log of a run that may still write is looked at."""

QUIET_TURNS = 40
"""After so many looks without a new line a log counts as quiet, and is looked at less and less often until then."""

QUIET_FACTOR = 4
"""How much less often a quiet log is looked at."""

CALM_SECONDS = 1.0
"""How often any other log is."""

PATIENCE_SECONDS = 0.15
"""The last run's lines stay for so long while another log is opened, then they give way to a word."""


class LogReader:
    """The one owner of the open LogView: what is wanted is set at any time, the latest wish counts."""

    def __init__(
        self, open_log: Callable[[str], LogView], show: Callable[[str, Window | None, str | None], None]
    ) -> None:
        """Open logs by run id with ``open_log``; ``show`` gets the run id and its window, None while there is none yet.

        The third argument of ``show`` is the sentence of an error.
        """
        self._open_log = open_log
        self._show = show
        self._aside = Aside("runboard-log")
        self._wake = asyncio.Event()
        self._view: LogView | None = None
        self._reading = Reading()
        self._raw = False
        self._viewed: str | None = None
        self._wanted: str | None = None
        self._rows = 0
        self._calm = False
        self._quiet = 0
        self._told: tuple[str, str] | None = None
        self._jump: str | None = None
        self._by = 0

    def choose(self, run_id: str | None, *, calm: bool) -> None:
        """Show the end of this run's log from now on; a ``calm`` one is looked at less often."""
        if run_id != self._wanted:
            # The log that is open already may be wanted again after none was: its end is shown anew.
            self._jump, self._by = "end", 0
        if (run_id, calm) != (self._wanted, self._calm):
            self._wanted, self._calm = run_id, calm
            self._wake.set()

    def resize(self, rows: int) -> None:
        """Read so many lines for a screen; with none the log is left alone."""
        if rows != self._rows:
            self._rows = rows
            self._wake.set()

    def move(self, by: int) -> None:
        """Scroll by lines."""
        self._by += by
        self._wake.set()

    def jump(self, to: str) -> None:
        """Scroll to the ``start`` or the ``end``."""
        self._jump, self._by = to, 0
        self._wake.set()

    @property
    def tells_events(self) -> bool:
        """Whether the log that is open has lines that can be put into words, as far as it was read."""
        return self._reading.found

    def show_raw(self, raw: bool) -> None:
        """Show an agent's events as they are, or in words."""
        if raw != self._raw:
            self._raw = raw
            self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        try:
            while True:
                pause = POLL_SECONDS * QUIET_FACTOR ** (min(self._quiet, QUIET_TURNS) / QUIET_TURNS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), CALM_SECONDS if self._calm else pause)
                self._wake.clear()
                if self._rows > 0 and self._wanted is not None:
                    await self._turn(self._wanted)
        finally:
            self._aside.end(self._close)

    async def _turn(self, run_id: str) -> None:
        """Do what is wanted most now, and show what came of it unless another run is wanted by then."""
        fresh = run_id != self._viewed
        reading = asyncio.ensure_future(self._aside.do(self._work(run_id)))
        self._jump, self._by = None, 0
        if fresh:
            await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
            if not reading.done() and run_id == self._wanted:
                self._show(run_id, None, None)
        try:
            window = await reading
        except (OSError, StoreError) as error:
            if run_id == self._wanted and self._told != (run_id, str(error)):
                self._told = run_id, str(error)
                self._show(run_id, None, str(error))
            return
        self._quiet = self._quiet + 1 if window is None else 0
        if window is not None:
            self._told = None
            if run_id == self._wanted:
                self._show(run_id, window, None)

    def _work(self, run_id: str) -> Callable[[], Window | None]:
        """The one call of the view that serves the present wish."""
        rows, jump, by = self._rows, self._jump, self._by
        return partial(self._window, run_id, rows, jump, by, raw=self._raw)

    def _window(self, run_id: str, rows: int, jump: str | None, by: int, *, raw: bool) -> Window | None:
        """Read a window, in the thread; opens the log first if another one is open."""
        if self._view is None or run_id != self._viewed:
            self._close()
            self._viewed = run_id
            self._view = self._open_log(run_id)
            self._reading = Reading(raw=raw)
            self._view.show_as(self._reading)
            return self._view.end(rows)
        if raw != self._reading.raw:
            self._reading.raw = raw
            self._view.show_as(self._reading)
        if jump is not None:
            window = self._view.start(rows) if jump == "start" else self._view.end(rows)
            if window.at_end:  # all of it fits: who sees the end moves along with it
                window = self._view.end(rows)
            return self._view.move(by, rows) if by else window
        return self._view.move(by, rows) if by else self._view.poll(rows)

    def _close(self) -> None:
        """Close the open log, in the thread."""
        if self._view is not None:
            self._view.close()
            self._view = None
