"""Reads the chosen run's log in a thread of its own, one request at a time: the screen never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runboard import logs
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

WATCHED_SECONDS = 3.0
"""How often one is whose writing the kernel tells of."""

PAINTED_PER_SECOND = 20_000
"""Cells that are painted each second of a log that moves by itself, however fast: a line over SSH takes no more."""

PAINTED_AT_ONCE = 20_000
"""Cells that may be painted before that counts: what comes now and then comes at once."""

PATIENCE_SECONDS = 0.15
"""The last run's lines stay for so long while another log is opened, then they give way to a word."""


SEARCH_SECONDS = 0.2
"""How often one looks how far a search is."""


class LogReader:
    """The one owner of the open log: what is wanted is set at any time, the latest wish counts."""

    def __init__(
        self,
        open_log: Callable[[str], logs.LogView],
        show: Callable[[str, logs.Seen | None, str | None], int],
        *,
        tools: bool = True,
    ) -> None:
        """Open logs by run id with ``open_log``; ``show`` gets the run id and what is seen, None while nothing is yet.

        The third argument of ``show`` is the sentence of an error; it returns how many cells were painted. Without
        ``tools`` no other program searches.
        """
        self._open_log = open_log
        self._show = show
        self._tools = tools
        self._aside = Aside("runboard-log")
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pager: logs.Pager | None = None
        self._viewed: str | None = None
        self._wanted: str | None = None
        self._wish = logs.Wish(0)
        self._calm = self._watched = False
        self._anew = False
        self._quiet = 0
        self._told: tuple[str, str] | None = None
        self._painted = 0.0
        self._painted_at = 0.0

    def choose(self, run_id: str | None, *, calm: bool) -> None:
        """Show the end of this run's log from now on; a ``calm`` one is looked at less often."""
        if run_id != self._wanted:
            # The log that is open already may be wanted again after none was: its end is shown anew.
            self._anew, self._told = True, None
            self._wish = self._still._replace(find=None, only=None, near=0, column=0, hold=False, to="end")
        if (run_id, calm) != (self._wanted, self._calm):
            self._wanted, self._calm = run_id, calm
            self._wake.set()

    def resize(self, rows: int) -> None:
        """Read so many lines for a screen; with none the log is left alone."""
        self._want(self._wish._replace(rows=rows))

    def move(self, by: int) -> None:
        """Scroll by lines."""
        self._want(self._wish._replace(by=self._wish.by + by, then=False))

    def jump(self, to: str) -> None:
        """Scroll to the ``start`` or the ``end``."""
        self._want(self._still._replace(to=to))

    def goto(self, place: str) -> None:
        """Scroll to a share or a time, as it is typed."""
        self._want(self._still._replace(place=place))

    def show_at(self, offset: int) -> None:
        """Show the line at an offset, of the whole log."""
        self._want(self._still._replace(only=None, near=0, offset=offset))

    def pan(self, column: int) -> None:
        """Read what lies so many bytes to the right."""
        self._want(self._wish._replace(column=column))

    def ends(self) -> None:
        """Find out how long the longest line on show is."""
        self._want(self._wish._replace(ends=True))

    def find(self, sought: logs.Sought | None) -> None:
        """Look for this, and go to the nearest one from where one has moved before."""
        self._want(self._wish._replace(find=sought, then=sought is not None))

    def step(self, by: int) -> None:
        """Go to a match further down or up."""
        self._want(self._still._replace(step=self._wish.step + by))

    def only(self, sought: logs.Sought | None, near: int = 0) -> None:
        """Show only lines that match, and so many around each."""
        self._want(self._wish._replace(only=sought, near=near))

    def show_raw(self, raw: bool) -> None:
        """Show an agent's events as they are, or in words."""
        self._want(self._wish._replace(raw=raw))

    def dress(self, width: int, times: logs.Times, *, numbers: bool) -> None:
        """Wrap long lines into so many cells (0: not), tell times so, and number lines or not."""
        self._want(self._wish._replace(width=width, times=times, numbers=numbers))

    def hold(self, hold: bool) -> None:
        """Stay where one is, also at the end, as long as that is wanted."""
        self._want(self._wish._replace(hold=hold))

    async def copy(self, first: logs.Spot, last: logs.Spot) -> logs.Copied | None:
        """The text between two places of the log on show; None where that cannot be read, or is another one by then."""
        run_id = self._wanted
        return await self._aside.do(
            lambda: self._pager.copy(first, last) if self._pager and self._viewed == run_id else None
        )

    @property
    def tells_events(self) -> bool:
        """Whether the log that is open has lines that can be put into words, as far as it was read."""
        return self._pager is not None and self._pager.reading.found

    @property
    def _still(self) -> logs.Wish:
        """What holds on of the present wish."""
        return self._wish._replace(step=0, place=None, offset=None, to=None, by=0, then=False, ends=False)

    def _want(self, wish: logs.Wish) -> None:
        """Have something else from now on."""
        if wish != self._wish:
            self._wish = wish
            self._wake.set()

    async def run(self) -> None:
        """Read until cancelled."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._pause())
                self._wake.clear()
                if self._wish.rows > 0 and self._wanted is not None:
                    await self._turn(self._wanted)
        finally:
            self._aside.end(self._close)

    def _pause(self) -> float:
        """How long nothing is to be expected, in seconds."""
        pause = POLL_SECONDS * float(QUIET_FACTOR ** (min(self._quiet, QUIET_TURNS) / QUIET_TURNS))
        if self._pager is not None and self._pager.busy:
            pause = SEARCH_SECONDS
        elif self._calm:
            pause = CALM_SECONDS
        elif self._watched and self._quiet:
            pause = WATCHED_SECONDS
        return max(pause, (self._owed() - PAINTED_AT_ONCE) / PAINTED_PER_SECOND)

    def _owed(self) -> float:
        """How many cells were painted of late, those forgotten that a line has carried meanwhile."""
        now = asyncio.get_running_loop().time()
        self._painted = max(0.0, self._painted - PAINTED_PER_SECOND * (now - self._painted_at))
        self._painted_at = now
        return self._painted

    async def _turn(self, run_id: str) -> None:
        """Do what is wanted most now, and show what came of it unless another run is wanted by then."""
        fresh = run_id != self._viewed
        reading = asyncio.ensure_future(self._aside.do(partial(self._see, run_id, self._wish)))
        self._wish = self._still
        if fresh:
            await asyncio.wait({reading}, timeout=PATIENCE_SECONDS)
            if not reading.done() and run_id == self._wanted:
                self._told = None  # an error from before gives way to the word that it is being read
                self._show(run_id, None, None)
        try:
            seen = await reading
        except (OSError, StoreError) as error:
            if run_id == self._wanted and self._told != (run_id, str(error)):
                self._told = run_id, str(error)
                self._show(run_id, None, str(error))
            return
        self._quiet = self._quiet + 1 if seen is None else 0
        if seen is not None:
            self._told = None
            if run_id == self._wanted:
                self._painted = self._owed() + self._show(run_id, seen, None)

    def _see(self, run_id: str, wish: logs.Wish) -> logs.Seen | None:
        """Do what is wished, in the thread; opens the log first if another one is open."""
        if self._pager is None or run_id != self._viewed:
            self._close()
            self._viewed = run_id
            view = self._open_log(run_id)
            self._pager = logs.Pager(view, raw=wish.raw, tools=self._tools, ended=self._rouse, grown=self._ring)
        if self._anew:  # nothing of it is on show, also where it was seen so before
            self._anew = False
            self._pager.forget()
        self._watched = not self._calm and self._pager.watch()  # before it is read: nothing is missed in between
        return self._pager.see(wish)

    def _ring(self) -> None:
        """Look at the log that has grown, from any thread."""
        with suppress(RuntimeError):  # as below
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._grown)

    def _grown(self) -> None:
        """Look at the log, unless more was painted of late than a line carries: then it is looked at soon anyway."""
        if self._owed() <= PAINTED_AT_ONCE:
            self._wake.set()

    def _rouse(self) -> None:
        """Look again at once, from any thread."""
        with suppress(RuntimeError):  # the loop has closed: nobody looks any more
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._wake.set)

    def _close(self) -> None:
        """Close the open log, in the thread; its searches are given up."""
        if self._pager is not None:
            self._pager.close()
            self._pager = None
