"""One log as a person reads it: scrolled, searched and filtered by wishes, each answered by what is then to be seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from runboard.files import Unfit
from runboard.logs.filtered import FilteredView
from runboard.logs.hunt import Stopped, line_end, line_start, next_match
from runboard.logs.lines import Lines
from runboard.logs.moments import NoPlace, place_of
from runboard.logs.pattern import BadExpression, Pattern
from runboard.logs.reading import Reading
from runboard.logs.search import NEAR, NotYet, Progress, Search
from runboard.logs.source import opened
from runboard.logs.view import FAR, WINDOW_MOST, LogView, Window

WALK_MOST = 1 << 28
"""Bytes that one goes along a line to find its end."""

ABOVE = 3
"""Lines that stand above a match which was gone to, where there are any."""


class Sought(NamedTuple):
    """What a person looks for: a text, or with ``regex`` an expression; in small letters only it means capitals too."""

    text: str
    regex: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of a log now.

    ``find`` and ``only`` hold on: what is marked, and what alone is shown. The rest is done once: ``step`` goes to
    matches, ``place`` to what is typed, ``offset`` to a byte, ``to`` to the start or the end, ``by`` some lines on;
    ``ends`` asks where the longest line on show ends.
    """

    rows: int
    raw: bool = False
    find: Sought | None = None
    only: Sought | None = None
    near: int = 0
    column: int = 0
    step: int = 0
    place: str | None = None
    offset: int | None = None
    to: str | None = None
    by: int = 0
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be seen of a log: a window, how the search goes, which match one is at, and what could not be done.

    ``column`` is where the match lies, in bytes behind the beginning of its line, where that is far to the right;
    ``longest`` is how long the longest line on show is, and ``place`` where one wanted to go, where that was asked.
    """

    window: Window
    found: Progress | None = None
    only: Progress | None = None
    number: int | None = None
    at: int | None = None
    column: int = 0
    longest: int = 0
    place: str | None = None
    trouble: str | None = None


class Pager:
    """The views and searches of one log; for one owner, who closes it: what takes long goes on in threads."""

    def __init__(
        self, view: LogView, *, raw: bool = False, tools: bool = True, ended: Callable[[], object] = lambda: None
    ) -> None:
        """Read nothing yet; ``ended`` is called in some thread when there is news of a search."""
        self._ended = ended
        self.reading = Reading(raw=raw)
        self._log = view
        self._tools = tools
        self._log.show_as(self.reading)
        self._filtered: FilteredView | None = None
        self._find: tuple[object, Search] | None = None
        self._only: object = None
        self._seeking = 0
        self._waited: tuple[int | None, int, int, bool] | None = None  # what was known when there was no telling
        self._current: int | None = None  # the line of the match
        self._from: int | None = None  # from where on the nearest match is wanted
        self._at: int | None = None  # the slice of it that is shown
        self._right = 0
        self._column = 0
        self._window: Window | None = None
        self._seen: Seen | None = None

    @property
    def busy(self) -> bool:
        """Whether something is looked for that has not been found yet."""
        searches = [self._find[1]] if self._find else []
        searches += [self._filtered.search] if self._filtered else []
        return any(not search.progress.done for search in searches)

    def see(self, wish: Wish) -> Seen | None:
        """Do what is wished, and return what is to be seen then; None if that is the same as before."""
        trouble = None
        if wish.raw != self.reading.raw:
            self.reading.raw = wish.raw
            self._log.show_as(self.reading)
        try:
            self._want(wish)
            window = self._moved(wish)
        except (NoPlace, BadExpression) as error:
            trouble, window = str(error), None
        self._window = window or self._window or self._log.end(wish.rows)
        if self._seeking:
            self._seek(wish.rows)
        seen = Seen(
            self._window,
            self._find[1].progress if self._find else None,
            self._filtered.search.progress if self._filtered else None,
            self._find[1].number(self._current) if self._find and self._current is not None else None,
            self._at if self._find else None,
            self._right,
            self._longest() if wish.ends else 0,
            wish.place,
            trouble,
        )
        if seen == self._seen and wish.place is None and not wish.ends:
            return None
        self._seen = seen
        return seen

    def close(self) -> None:
        """Give up every search."""
        if self._find:
            self._find[1].cancel()
        if self._filtered:
            self._filtered.close()
        self._log.close()

    def _want(self, wish: Wish) -> None:
        """Begin and give up searches as it is wished."""
        words = self.reading.found and not wish.raw
        if self._find and (wish.find is None or self._find[0] != (wish.find, words)):
            self._find[1].cancel()
            self._find, self._current, self._at, self._seeking = None, None, None, 0
        if wish.find is not None and self._find is None:
            self._find = (wish.find, words), self._search(wish.find, words=words)
            self._seeking, self._waited, self._from = 1, None, None
        if self._filtered and (wish.only is None or self._only != (wish.only, words)):
            self._filtered.close()
            self._filtered, self._only, self._window = None, None, None
        if wish.only is not None and self._filtered is None:
            search = self._search(wish.only, words=words)
            self._filtered, self._only = FilteredView(self._log.open_log, search, self.reading), (wish.only, words)
            self._column = 0

    def _longest(self) -> int:
        """How many bytes the longest line on show has, as far as it is walked."""
        shown = self._window.lines if self._window else ()
        with suppress(OSError, Unfit), opened(self._log.open_log) as fd:
            size = os.fstat(fd).st_size if fd >= 0 else 0
            return max(
                (line_end(fd, one.offset, min(size, one.offset + WALK_MOST)) - one.offset for one in shown), default=0
            )
        return 0

    def _search(self, sought: Sought, *, words: bool) -> Search:
        """A search of this log; it is the lines' words that count where those are shown."""
        pattern = Pattern(sought.text, regex=sought.regex, shown=self.reading if words else None)
        return Search(self._log.open_log, pattern, tools=self._tools, ended=self._ended)

    def _moved(self, wish: Wish) -> Window | None:
        """Move as it is wished; None where nothing has changed."""
        view: LogView | FilteredView = self._filtered or self._log
        self._from = wish.offset if wish.offset is not None else self._from
        if (wish.place, wish.to, wish.by) != (None, None, 0) or (wish.offset is not None and self._current is not None):
            self._seeking = 0
        if self._find is not None:
            self._seeking += wish.step
        if self._filtered and self._filtered.near != wish.near:
            return self._filtered.widen(wish.near, wish.rows)
        if wish.place is not None or wish.offset is not None:
            return view.show_at(partial(_place, wish), wish.rows, 0 if wish.offset is None else ABOVE)
        if wish.to is not None:
            return self._to(view, wish)
        if wish.by:
            return view.move(wish.by, wish.rows)
        if wish.column != self._column:
            self._column = wish.column
            return view.pan(wish.column, wish.rows)
        return view.poll(wish.rows)

    def _to(self, view: LogView | FilteredView, wish: Wish) -> Window:
        """Go to the start or the end, and some lines on from there."""
        window = view.start(wish.rows) if wish.to == "start" else view.end(wish.rows)
        if window.at_end:  # all of it fits: who sees the end moves along with it
            window = view.end(wish.rows)
        return view.move(wish.by, wish.rows) if wish.by else window

    def _seek(self, rows: int) -> None:
        """Go to the next match or the one before, as often as wished, as far as that can be told; round at the ends."""
        assert self._find is not None
        before, search = self._seeking, self._find[1]
        told = (self._current, before, search.progress.count, search.progress.done)
        if told == self._waited:
            return
        self._waited = told
        with suppress(NotYet, Stopped, OSError, Unfit), opened(self._log.open_log) as fd:
            size = os.fstat(fd).st_size if fd >= 0 else 0
            while self._seeking:
                match = self._step(search, fd, size)
                if match is None:
                    self._seeking = 0
                    break
                self._current = match
                self._seeking -= 1 if self._seeking > 0 else -1
                self._locate(search.pattern, fd, size)
        if self._at is None or self._seeking == before or self._window is None:
            return
        at, above, view = self._at, ABOVE, self._filtered or self._log
        if any(line.offset == at for line in self._window.lines):  # it is to be seen: nothing moves, nor by itself
            at, above = self._window.lines[0].offset, 0
        self._window = view.show_at(lambda _fd, _size: at, rows, above)

    def _step(self, search: Search, fd: int, size: int) -> int | None:
        """The match one step on; the first time the nearest one, below the top of the window rather than above."""
        if self._current is None:
            top = self._window.lines[0].offset if self._window and self._window.lines else 0
            top = line_start(fd, top if self._from is None else self._from)
            below = search.after(fd, size, top)
            return search.before(fd, top) if below is None else below
        if self._seeking > 0:
            match = search.after(fd, size, min(size, line_end(fd, self._current, size) + 1))
            return search.after(fd, size, 0) if match is None else match
        match = search.before(fd, self._current)
        return search.before(fd, size) if match is None else match

    def _locate(self, pattern: Pattern, fd: int, size: int) -> None:
        """Find out on which line shown the match lies, and how far to the right on it."""
        assert self._current is not None
        self._at, self._right = self._current, 0
        if pattern.shown is None and (found := next_match(fd, pattern, self._current, min(size, self._current + NEAR))):
            hit = found[1]
            self._at = Lines(fd, size).back(min(hit + 1, size), 1, hit - WINDOW_MOST)
            self._right = hit - self._at if hit - self._at >= FAR else 0


def _place(wish: Wish, fd: int, size: int) -> int:
    """The offset that is wished for."""
    return place_of(fd, size, wish.place) if wish.place is not None else wish.offset or 0
