"""A window on a log of any size, scrolled by lines or moving along with its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from runboard import files
from runboard.logs.copied import Copied, Spell, Spot, gathered
from runboard.logs.lines import SLICE, Lines, Shrunk
from runboard.logs.moments import place_of
from runboard.logs.source import NAME, Glimpse, open_regular, refusal
from runboard.logs.stand import Stand
from runboard.logs.wrapped import ROWS_MOST, Line, Place, laid_out, part_of, risen, starts_of, sunk
from runboard.safetext import clean_log

Shown = TypeVar("Shown")

WINDOW_MOST = 1 << 18
"""Bytes read for the lines of one window; where lines are very long there are fewer of them."""

FAR = 2048
"""From so many bytes on a line that is panned is read where it is looked at, and shown by its bytes."""

FAR_MOST = 4096
"""Bytes of a line that are shown there."""

PAN_STEP = 1024
"""Such a place is moved in steps of so many bytes; within them the screen pans by itself."""

MOVE_MOST = 1 << 22
"""Bytes read to scroll by many lines; a longer way is not gone to its end."""


class Window(NamedTuple):
    """What is to be seen of a log.

    ``size`` is the file's, in bytes; ``skipped`` counts the bytes that were written since the last window and passed by
    unread, because more came than is read at once; ``notice`` is a sentence about the file: that it was truncated,
    replaced or rewritten (told until the view is moved), or why there are no lines. ``column`` is where the texts
    begin: 0, or, where one has panned farther than a line is shown at once, so many bytes behind each line's beginning.
    """

    lines: tuple[Line, ...]
    size: int
    at_end: bool
    at_start: bool
    skipped: int
    notice: str | None
    column: int = 0


class LogView(Stand):
    """A window on a log: every call opens the file anew, reads a bounded part of it and closes it.

    So nothing of a deleted log is kept alive, whatever takes its place is noticed, and no file is waited for. A view
    begins at the end and moves along with it; scrolling away holds it, scrolling back to the end lets it go. What
    happens to the file (truncation, replacement) brings it back to the end. For one owner: not safe between threads.
    """

    def __init__(self, open_log: Callable[[], int], render: Callable[[bytes], str] = clean_log) -> None:
        """Read nothing yet.

        Args:
            open_log: Returns a fresh descriptor that does not block, or raises OSError.
            render: Turns a line into the text to show, which has no escape but colours and a bounded length. It gets
                the line whole, but for one so long that it is shown in slices.
        """
        super().__init__()
        self.open_log = open_log
        self._render = render
        self._seen: Glimpse | None = None
        self._refused: str | None = None
        self._notice: str | None = None
        self._rows = 0
        self._column = 0

    def end(self, rows: int) -> Window:
        """The last lines, and moving along with them from here on."""
        self._notice, self._following = None, True
        return self._look(lambda lines, _: self._window(lines, self._last_top(lines, rows), rows))

    def start(self, rows: int) -> Window:
        """The first lines, and staying there."""
        self._notice = None
        window = self._look(lambda lines, _: self._window(lines, Place(0), rows))
        self._following = False
        return window

    def move(self, by: int, rows: int) -> Window:
        """The rows ``by`` further down, or up where it is negative, as far as there are any."""
        self._notice = None
        return self._look(lambda lines, before: self._moved(lines, before, by, rows))

    def goto(self, typed: str, rows: int) -> Window:
        """The lines from a place on that a person names: a share or a time, as `moments.place_of` has it.

        Raises:
            NoPlace: There is no such place; the message says why. The window stays.
        """
        return self.show_at(lambda fd, size: place_of(fd, size, typed), rows)

    def show_at(self, find: Callable[[int, int], int], rows: int, above: int = 0) -> Window:
        """The line with the byte that ``find`` tells of the open log and its size, ``above`` lines below the top."""
        return self._look(lambda lines, _: self._shown_at(lines, find(lines.fd, lines.size), rows, above))

    def pan(self, column: int, rows: int) -> Window:
        """The same lines from so many bytes behind their beginnings on, or, near them, from their beginnings."""
        self._column = 0 if column < FAR else column - column % PAN_STEP
        return self._look(lambda lines, before: self._anew(lines, before, rows))

    def wrap(self, width: int) -> None:
        """Lay lines over rows of so many cells; how many fit is then found out anew."""
        if width != self._width:
            super().wrap(width)
            self._rows = 0

    def copy(self, first: Spot, last: Spot, spell: Spell) -> Copied | None:
        """The text between two places, as ``spell`` gives each line; None where the log cannot be read."""
        found = self._look(lambda lines, _: gathered(_from(lines, first.at), first, last, self._render, spell))
        return found if isinstance(found, Copied) else None

    def poll(self, rows: int) -> Window | None:
        """The window as it is now, None if it is the same: the newest lines while at the end, else the place held."""
        refused = self._refused
        window = self._look(lambda lines, before: self._latest(lines, before, rows))
        return None if self._refused is not None and self._refused == refused else window

    def show_as(self, render: Callable[[bytes], str]) -> None:
        """Turn lines into text in another way: the next poll shows the same place anew."""
        self._render, self._rows = render, 0

    def close(self) -> None:
        """Forget the log; nothing was held open."""
        self._seen = None

    def _look(self, show: Callable[[Lines, Glimpse | None], Shown]) -> Shown | Window:
        """Open the log, find out what has become of it, and show it; a sentence in place of lines if it cannot be read.

        ``show`` is given how the log looked before, or None where it is another one now.
        """
        try:
            fd = open_regular(self.open_log)
        except FileNotFoundError:
            return self._refuse(f"{NAME} was deleted" if self._seen else f"There is no {NAME}")
        except files.Unfit as error:
            return self._refuse(str(error))
        try:
            now, before = Glimpse.of(fd), self._seen
            if before is not None and (event := now.since(before)):
                self._notice, self._following, before = event, True, None
            self._seen = now
            shown = show(Lines(fd, now.size), before)
        except Shrunk:
            return self._refuse(f"{NAME} became shorter while it was read")
        except OSError as error:
            return self._refuse(refusal(error))
        finally:
            os.close(fd)
        self._refused = None
        return shown

    def _refuse(self, sentence: str) -> Window:
        """No lines, and why; whatever can be read later is new."""
        self._refused, self._rows = sentence, 0
        return Window((), 0, at_end=True, at_start=True, skipped=0, notice=sentence)

    def _moved(self, lines: Lines, before: Glimpse | None, by: int, rows: int) -> Window:
        """The window after scrolling; moving along with the end from here on if it came there, else no more."""
        if before is None or (self._following and rows != self._rows):
            self._top = self._last_top(lines, rows)
        window = self._window(lines, self._gone(lines, self._top, by), rows)
        self._following = window.at_end
        return window

    def _gone(self, lines: Lines, top: Place, by: int) -> Place:
        """The row so many further down or up, as far as one goes at once."""
        if not self._width:
            at = lines.back(top.at, -by, top.at - MOVE_MOST)
            return Place(lines.skip(at, by, MOVE_MOST))
        by = max(-ROWS_MOST, min(by, ROWS_MOST))
        floor = top.at - MOVE_MOST
        top = risen(top, -by, lambda at: lines.back(at, 1, floor), lambda at: self._height(lines, at))
        return sunk(top, by, lambda at: lines.skip(at, 1, MOVE_MOST), lambda at: self._height(lines, at))

    def _height(self, lines: Lines, at: int) -> int:
        """How many rows a line takes."""
        taken, _stop = lines.take(at, 1, SLICE)
        return len(starts_of(self._text(lines, *taken[0]), self._width)) if taken else 1

    def _latest(self, lines: Lines, before: Glimpse | None, rows: int) -> Window | None:
        """The newest lines, or those at the place held; None where neither the log nor the rows have changed."""
        return None if before == self._seen and self._rows == max(rows, 1) else self._anew(lines, before, rows)

    def _anew(self, lines: Lines, before: Glimpse | None, rows: int) -> Window:
        """The newest lines while at the end, else those at the place held."""
        if not self._following:
            return self._window(lines, self._top, rows)
        skipped = max(0, lines.size - WINDOW_MOST - before.size) if before else 0
        return self._window(lines, self._last_top(lines, rows), rows, skipped)

    def _last_top(self, lines: Lines, rows: int) -> Place:
        """Where the window begins that shows the last rows."""
        rows = max(rows, 1)
        floor = lines.size - WINDOW_MOST
        if not self._width:
            return Place(lines.back(lines.size, rows, floor))
        end = Place(lines.size)
        return risen(end, rows, lambda at: lines.back(at, 1, floor), lambda at: self._height(lines, at))

    def _window(self, lines: Lines, top: Place, rows: int, skipped: int = 0) -> Window:
        """The rows from ``top`` on, or from further up where that would leave some empty."""
        rows = max(rows, 1)
        shown, stop = self._taken(lines, top, rows)
        if stop == lines.size and len(shown) < rows and top > Place(0):
            top = min(top, self._last_top(lines, rows))
            shown, stop = self._taken(lines, top, rows)
        part = part_of(shown[0], self._width) if shown else 0
        self._top, self._rows = Place(top.at, part), rows
        at_end = stop == lines.size and len(shown) <= rows
        at_start = top == Place(0)
        return Window(tuple(shown[:rows]), lines.size, at_end, at_start, skipped, self._notice, self._column)

    def _taken(self, lines: Lines, top: Place, rows: int) -> tuple[list[Line], int]:
        """Some rows and one more, where there are so many, and where the last line that was read ends."""
        taken, stop = lines.take(top.at, rows, WINDOW_MOST)
        texts = ((offset, self._text(lines, offset, raw), False) for offset, raw in taken)
        return laid_out(texts, self._width, top.part, rows + 1), stop

    def _text(self, lines: Lines, offset: int, raw: bytes) -> str:
        """A line as it is shown; far to its right from its bytes, whatever the line as a whole would say."""
        if not self._column:
            return self._render(raw)
        return clean_log(lines.far(offset, self._column, FAR_MOST))

    def _shown_at(self, lines: Lines, offset: int, rows: int, above: int) -> Window:
        """The window at a place; it stays there unless that is the end."""
        self._notice = None
        place = min(max(0, offset), max(0, lines.size - 1))
        top = lines.back(min(place + 1, lines.size), 1, place - WINDOW_MOST)
        window = self._window(lines, self._gone(lines, Place(top), -above), rows)
        self._following = window.at_end and offset >= lines.size
        return window


def _from(lines: Lines, at: int) -> Iterator[tuple[int, bytes]]:
    """The lines from a place on; what was read of them is forgotten on the way."""
    while at < lines.size:
        lines = lines.relieved()
        taken, at = lines.take(at, 1, SLICE)
        yield from taken
