"""A window on the matching lines of a log, with lines around them if wanted, from either end of a file of any size.

Nothing is gathered: which lines stand above and below the window is asked of the search whenever it moves.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from runboard import files
from runboard.logs.copied import Copied, Spell, Spot, gathered
from runboard.logs.hunt import line_end
from runboard.logs.lines import SLICE, Lines, Shrunk
from runboard.logs.search import NotYet, Search
from runboard.logs.source import NAME, Glimpse, open_regular, refusal
from runboard.logs.stand import Stand
from runboard.logs.view import FAR, FAR_MOST, PAN_STEP, Window
from runboard.logs.wrapped import ROWS_MOST, Line, Place, laid_out, part_of, risen, starts_of, sunk
from runboard.safetext import clean_log

Shown = TypeVar("Shown")

_REACH = 1 << 20
"""Bytes before or behind a match in which the lines around it are looked for."""

Row = tuple[int, bytes, bool]
"""A visible line: where it begins, its bytes, and whether it matches."""


class FilteredView(Stand):
    """Scrolled as a `LogView`: every call opens the file anew and reads a bounded part of it; for one owner."""

    def __init__(self, open_log: Callable[[], int], search: Search, render: Callable[[bytes], str] = clean_log) -> None:
        """Show what ``search`` finds."""
        super().__init__()
        self.near = 0
        self.search = search
        self._open_log = open_log
        self._render = render
        self._seen: Glimpse | None = None
        self._notice: str | None = None
        self._column = 0

    def end(self, rows: int) -> Window:
        """The last matching lines, and moving along with them from here on."""
        self._notice, self._following = None, True
        return self._look(lambda lines: self._last(lines, rows))

    def start(self, rows: int) -> Window:
        """The first matching lines."""
        self._notice, self._following = None, False
        return self._look(lambda lines: self._window(lines, Place(0), rows))

    def move(self, by: int, rows: int) -> Window:
        """The window so many visible lines further down or up."""
        self._notice = None
        return self._look(lambda lines: self._moved(lines, by, rows))

    def show_at(self, find: Callable[[int, int], int], rows: int, above: int = 0) -> Window:
        """The first visible lines from the byte that ``find`` tells on, ``above`` more before them."""
        self._notice, self._following = None, False

        def show(lines: Lines) -> Window:
            """Find the place in the open log."""
            at = find(lines.fd, lines.size)
            at = lines.back(min(at + 1, lines.size), 1, at - _REACH)
            return self._window(lines, self._gone(lines, Place(at), -above), rows)

        return self._look(show)

    def pan(self, column: int, rows: int) -> Window:
        """The same lines from so many bytes behind their beginnings on, as `LogView.pan` does."""
        self._column = 0 if column < FAR else column - column % PAN_STEP
        return self.poll(rows)

    def widen(self, near: int, rows: int) -> Window:
        """So many lines around each match from now on."""
        self.near = max(0, near)
        return self.poll(rows)

    def copy(self, first: Spot, last: Spot, spell: Spell) -> Copied | None:
        """The text of the visible lines between two places; None where it cannot be told."""

        def copied(lines: Lines) -> Copied:
            """Go through them in the open log."""
            visible = ((offset, raw) for offset, raw, _matches in self._down(lines, first.at))
            return gathered(visible, first, last, self._render, spell)

        found = self._look(copied)
        return found if isinstance(found, Copied) else None

    def poll(self, rows: int) -> Window:
        """The window as it is now."""
        return self._look(
            lambda lines: self._last(lines, rows) if self._following else self._window(lines, self._top, rows)
        )

    def show_as(self, render: Callable[[bytes], str]) -> None:
        """Turn lines into text in another way."""
        self._render = render

    def close(self) -> None:
        """Give up the search."""
        self.search.cancel()

    def _look(self, show: Callable[[Lines], Shown]) -> Shown | Window:
        """Open the log and show it; a sentence in place of lines if it cannot be read."""
        try:
            fd = open_regular(self._open_log)
        except FileNotFoundError:
            return _refused(f"{NAME} was deleted" if self._seen else f"There is no {NAME}")
        except files.Unfit as error:
            return _refused(str(error))
        try:
            now = Glimpse.of(fd)
            if self._seen is not None and (event := now.since(self._seen)):
                self._notice, self._following = event, True
            self._seen = now
            return show(Lines(fd, now.size))
        except Shrunk:
            return _refused(f"{NAME} became shorter while it was read")
        except OSError as error:
            return _refused(refusal(error))
        finally:
            os.close(fd)

    def _last(self, lines: Lines, rows: int) -> Window:
        """The window that ends with the last matching line."""
        return self._window(lines, self._gone(lines, Place(lines.size), -max(1, rows)), rows)

    def _moved(self, lines: Lines, by: int, rows: int) -> Window:
        """The window after scrolling; as much of the way is gone as can be told."""
        window = self._window(lines, self._gone(lines, self._top, max(-ROWS_MOST, min(by, ROWS_MOST))), rows)
        self._following = window.at_end
        return window

    def _gone(self, lines: Lines, top: Place, by: int) -> Place:
        """The row so many further down or up."""
        if self._width:
            top = risen(top, -by, lambda at: self._up(lines, at, 1), lambda at: self._height(lines, at))
            return sunk(top, by, lambda at: self._under(lines, at, 1), lambda at: self._height(lines, at))
        return Place(self._up(lines, top.at, -by) if by < 0 else self._under(lines, top.at, by))

    def _under(self, lines: Lines, at: int, count: int) -> int:
        """Where the visible line begins that is ``count`` after that at ``at``, as far as there are any."""
        way = deque(islice(self._down(lines, at), count + 1), 1)
        return way[0][0] if way else at

    def _height(self, lines: Lines, at: int) -> int:
        """How many rows the visible line takes that begins at ``at`` or is the next from there on."""
        row = next(self._down(lines, at), None)
        return 1 if row is None else len(starts_of(self._text(lines, row[0], row[1]), self._width))

    def _window(self, lines: Lines, top: Place, rows: int) -> Window:
        """The visible rows from a place on, or from further up where that would leave some empty."""
        rows = max(1, rows)
        found, shown = self._taken(lines, top, rows)
        if len(shown) < rows and top > Place(0):
            found, shown = self._taken(lines, self._gone(lines, found, len(shown) - rows), rows)
        self._top = found
        at_start = not shown or (not found.part and self._up(lines, found.at, 1) == found.at)
        return Window(tuple(shown[:rows]), lines.size, len(shown) <= rows, at_start, 0, self._notice, self._column)

    def _taken(self, lines: Lines, top: Place, rows: int) -> tuple[Place, list[Line]]:
        """The first visible row from a place on, and some from there, with one more; the end where there is none."""
        taken = list(islice(self._down(lines, top.at), rows + 1))
        if not taken:
            return Place(lines.size), []
        first = taken[0][0]
        texts = ((at, self._text(lines, at, raw), matches) for at, raw, matches in taken)
        shown = laid_out(texts, self._width, top.part if first == top.at else 0, rows + 1)
        return Place(first, part_of(shown[0], self._width)), shown

    def _text(self, lines: Lines, at: int, raw: bytes) -> str:
        """A line as it is shown."""
        return clean_log(lines.far(at, self._column, FAR_MOST)) if self._column else self._render(raw)

    def _down(self, lines: Lines, at: int) -> Iterator[Row]:
        """The visible lines from ``at`` on, where a line begins; as many as can be told."""
        with suppress(NotYet):
            last = self._before(lines, at) if self.near else None
            shown_to = 0 if last is None else self._tail(lines, last)
            match = self._after(lines, at)
            while at < lines.size:
                if match is not None and at > match:
                    match = self._after(lines, at)
                if at >= shown_to:
                    at = lines.size if match is None else max(at, self._head(lines, match))
                if at >= lines.size:
                    return
                ((offset, raw), *_), following = lines.take(at, 1, SLICE)
                yield offset, raw, offset == match
                if offset == match:
                    following, shown_to = self._behind(lines, match), self._tail(lines, match)
                at = following

    def _up(self, lines: Lines, at: int, count: int) -> int:
        """Where the visible line begins that is ``count`` before ``at``, as far as that can be told."""
        with suppress(NotYet):
            match = self._before(lines, at) if count > 0 else None
            following = self._after(lines, at) if self.near and count > 0 else None
            while count > 0 and at > 0:
                if match is not None and at <= match:
                    match, following = self._before(lines, at), match
                head = lines.size if following is None else self._head(lines, following)
                tail = 0 if match is None else self._tail(lines, match)
                if at > head or at <= tail:
                    inside = match is not None and at <= self._behind(lines, match)
                    at = match if inside and match is not None else lines.back(at, 1, at - _REACH)
                    count -= 1
                elif match is None:
                    break
                else:
                    at = tail
        return at

    def _before(self, lines: Lines, at: int) -> int | None:
        """The last match that begins before a place."""
        return self.search.before(lines.fd, at)

    def _after(self, lines: Lines, at: int) -> int | None:
        """The first match from a place on."""
        return self.search.after(lines.fd, lines.size, at)

    def _head(self, lines: Lines, match: int) -> int:
        """Where the lines begin that are shown before a match."""
        return lines.back(match, self.near, match - _REACH) if self.near else match

    def _behind(self, lines: Lines, match: int) -> int:
        """Where the line ends that matches, however many slices it is shown in."""
        ((at, raw), *_), following = lines.take(match, 1, SLICE)
        if following > at + len(raw) or following == lines.size:
            return following
        return min(line_end(lines.fd, following, lines.size) + 1, lines.size)

    def _tail(self, lines: Lines, match: int) -> int:
        """Where the lines end that are shown after a match."""
        return lines.skip(self._behind(lines, match), self.near, _REACH)


def _refused(sentence: str) -> Window:
    """No lines, and why."""
    return Window((), 0, at_end=True, at_start=True, skipped=0, notice=sentence)
