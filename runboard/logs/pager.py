"""One log as a person reads it: scrolled, searched and filtered by wishes, each answered by what is then to be seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runboard.files import Unfit
from runboard.logs.alarm import Alarm
from runboard.logs.copied import Copied, Spot
from runboard.logs.filtered import FilteredView
from runboard.logs.hunt import Stopped, line_end, line_start, next_match
from runboard.logs.lines import Lines
from runboard.logs.moments import NoPlace, place_of
from runboard.logs.numbering import News, Numbering
from runboard.logs.pattern import BadExpression, Pattern
from runboard.logs.reading import Reading, spelt
from runboard.logs.search import NEAR, NotYet, Search
from runboard.logs.source import opened
from runboard.logs.stamps import Stamps, Times, stamp_of
from runboard.logs.view import FAR, WINDOW_MOST, LogView, Window
from runboard.logs.wishes import Seen, Sought, Wish
from runboard.logs.wrapped import Line, starts_of
from runboard.safetext import cell_width, strip_sgr

WALK_MOST = 1 << 28
"""Bytes that one goes along a line to find its end."""

ABOVE = 3
"""Lines that stand above a match which was gone to, where there are any."""

LOOKED = 8
"""Lines on show of which one must bear a time for the times to be something to choose."""


class Pager:
    """The views and searches of one log; for one owner, who closes it: what takes long goes on in threads."""

    def __init__(
        self,
        view: LogView,
        *,
        raw: bool = False,
        tools: bool = True,
        ended: Callable[[], object] = lambda: None,
        grown: Callable[[], object] = lambda: None,
    ) -> None:
        """Read nothing yet; ``ended`` is called in some thread when there is news of a search."""
        self._ended = ended
        self._alarm = Alarm(view.open_log, grown)
        self.reading = Reading(raw=raw)
        self._log = view
        self._tools = tools
        self._stamps = Stamps()
        self._log.show_as(self._render)
        self._numbering = Numbering(view.open_log, ended)
        self._news = News()
        self._held = False
        self._width = 0
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
        return self._numbering.busy or any(not search.progress.done for search in searches)

    def see(self, wish: Wish) -> Seen | None:
        """Do what is wished, and return what is to be seen then; None if that is the same as before."""
        trouble = None
        self._dress(wish)
        if wish.hold and not self._held:
            self._view.hold()  # what is on the screen shall stay, and not what has come since
        try:
            self._want(wish)
            window = self._moved(wish)
        except (NoPlace, BadExpression) as error:
            trouble, window = str(error), None
        self._window = window or self._window or self._log.end(wish.rows)
        if self._seeking:
            self._seek(wish.rows)
        if wish.hold:
            self._view.hold()
        self._held = wish.hold
        seen = self._found(self._window, wish, trouble)
        if seen == self._seen and wish.place is None and not wish.ends:
            return None
        self._seen = seen
        return seen

    def forget(self) -> None:
        """Tell again what there is to be seen, also if it is the same as before."""
        self._seen = None

    def copy(self, first: Spot, last: Spot) -> Copied | None:
        """The text between two places of what is shown, as `LogView.copy` gives it."""
        return self._view.copy(first, last, self._spell)

    def watch(self) -> bool:
        """Have ``grown`` called when the log is written from now on; whether that can be told."""
        return self._alarm.set()

    def close(self) -> None:
        """Give up every search and every count."""
        self._alarm.close()
        self._numbering.cancel()
        if self._find:
            self._find[1].cancel()
        if self._filtered:
            self._filtered.close()
        self._log.close()

    def _found(self, window: Window, wish: Wish, trouble: str | None) -> Seen:
        """Everything there is to be seen."""
        if self._filtered is None:
            self._news.look(self._log.open_log, window.size, at_end=window.at_end)
        find = self._find[1] if self._find else None
        numbers = self._numbers(window) if wish.numbers else None
        return Seen(
            window,
            find.progress if find else None,
            self._filtered.search.progress if self._filtered else None,
            number=find.number(self._current) if find and self._current is not None else None,
            at=self._at if find else None,
            column=self._right,
            longest=self._longest() if wish.ends else 0,
            place=wish.place,
            trouble=trouble,
            numbers=numbers,
            counted=self._numbering.share if numbers and None in numbers else 1.0,
            fresh=self._news.lines if self._news.known else None,
            fresh_bytes=self._news.bytes,
            follows=self._view.follows,
            timed=self._stamps.changed or any(stamp_of(strip_sgr(line.text)) for line in window.lines[:LOOKED]),
        )

    def _numbers(self, window: Window) -> tuple[int | None, ...]:
        """The numbers of the lines on show."""
        with suppress(OSError, Unfit):
            return self._numbering.numbers(line.offset for line in window.lines)
        return tuple(None for _ in window.lines)

    def _dress(self, wish: Wish) -> None:
        """Show lines as it is wished: raw or in words, with what times, wrapped or not, numbered or not."""
        if (wish.raw, wish.times) != (self.reading.raw, self._stamps.times):
            self.reading.raw, self._stamps.times = wish.raw, wish.times
            for view in self._views:
                view.show_as(self._render)
        if wish.times is Times.ELAPSED:
            with suppress(OSError, Unfit), opened(self._log.open_log) as fd:
                self._stamps.learn(fd)
        self._width = wish.width
        for view in self._views:
            view.wrap(wish.width)
        if not wish.numbers:
            self._numbering.cancel()

    @property
    def _view(self) -> LogView | FilteredView:
        """What shows the log now."""
        return self._filtered or self._log

    @property
    def _views(self) -> tuple[LogView | FilteredView, ...]:
        """What shows the log."""
        return (self._log, self._filtered) if self._filtered else (self._log,)

    def _render(self, line: bytes) -> str:
        """A line as it is shown."""
        return self._stamps(self.reading(line))

    def _spell(self, line: bytes) -> str:
        """A line as it is copied."""
        return self._stamps(spelt(line, raw=self.reading.raw))

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
            self._filtered, self._only = FilteredView(self._log.open_log, search, self._render), (wish.only, words)
            self._filtered.wrap(wish.width)
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
        view = self._view
        self._from = wish.offset if wish.offset is not None else self._from
        moves = (wish.place, wish.to, wish.by) != (None, None, 0)
        if (moves and not wish.then) or (wish.offset is not None and self._current is not None):
            self._seeking = 0
        if self._find is not None:
            self._seeking += wish.step
        if self._filtered and self._filtered.near != wish.near:
            return self._filtered.widen(wish.near, wish.rows)
        if wish.place is not None or wish.offset is not None:
            return view.show_at(partial(_place, wish), wish.rows, 0 if wish.offset is None else ABOVE)
        if wish.to is not None:
            return self._to(view, wish)
        if wish.by or (self._held and not wish.hold):
            return view.move(wish.by, wish.rows)
        if wish.column != self._column:
            self._column = wish.column
            self._window = view.pan(wish.column, wish.rows)
            if self._width and self._right >= wish.column and self._line_of_match() is not None:
                self._bring(wish.rows)
            return self._window
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
        told = (self._current, before, search.progress.found, search.progress.done)
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
        self._bring(rows)

    def _bring(self, rows: int) -> None:
        """Bring the match on the screen; where it is to be seen nothing moves, nor by itself."""
        at, view = self._at, self._view
        assert at is not None
        if self._row_of_match() is None:
            self._window = view.show_at(lambda _fd, _size: at, rows, ABOVE)
            if self._row_of_match() is None and (line := self._line_of_match()) is not None:
                row, part = line
                self._window = view.move(row + part - ABOVE, rows)
        view.hold()

    def _row_of_match(self) -> int | None:
        """In which row on show the match is, None for none."""
        assert self._window is not None
        for row, line in enumerate(self._window.lines):
            if line.offset == self._at:
                cell = self._cell_of_match(line)
                if line.first <= cell and (line.last is None or cell < line.last):
                    return row
        return None

    def _line_of_match(self) -> tuple[int, int] | None:
        """The first row on show of the line with the match, and how many rows further down it is."""
        for row, line in enumerate(self._window.lines if self._window else ()):
            if line.offset == self._at:
                starts = starts_of(line.text, self._width)
                return row, sum(line.first < start <= self._cell_of_match(line) for start in starts)
        return None

    def _cell_of_match(self, line: Line) -> int:
        """The cell in which the match begins, 0 where it cannot be seen in what is shown."""
        assert self._window is not None
        assert self._find is not None
        plain = strip_sgr(line.text)
        near = self._right - self._window.column if self._right else 0
        spans = self._find[1].pattern.spans(plain)
        first = min((first for first, _last in spans), key=lambda first: abs(first - near), default=0)
        return first if plain.isascii() else sum(map(cell_width, plain[:first]))

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
