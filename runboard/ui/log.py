"""The log of the chosen run: a window on a file of any size, with a line above it that always says where it stands."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip

from runboard import logs
from runboard.model import Run
from runboard.safetext import clean, strip_sgr
from runboard.ui.logkeys import PAN
from runboard.ui.loglooks import LogLooks
from runboard.ui.logplace import Placing
from runboard.ui.selection import cell_of

GUTTER = 8
"""Cells of a filtered line's place in the log."""

DIGITS = 4
"""Cells that the number of a line has at least."""

UNKNOWN = "…"
"""What stands for a number that is not known yet."""

_STEADY = Style(blink=False, blink2=False, conceal=False)


class LogPane(Placing):
    """Shows what others read of a log, and marks what is looked for and what is selected."""

    VIEW = "Log"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--match",
        "log--current",
        "log--selected",
        "log--place",
        *(f"log--{level}" for level in logs.Level),
    }

    def __init__(self, looks: LogLooks | None = None) -> None:
        """Begin with no run."""
        super().__init__("log", looks or LogLooks())
        self._trouble: str | None = None
        self._digits = DIGITS
        self._dressed: tuple[object, ...] = (0, False, "written")
        self._strips: LRUCache[tuple[int, str], Strip] = LRUCache(512)

    # What is told to the pane.

    def show(self, run: Run | None, word: str, seen: logs.Seen | None, trouble: str | None = None) -> int:
        """Show what is seen of a run's log, None while it is being read; ``trouble`` says why it cannot be.

        Returns about how many cells that paints.
        """
        other = (run.id if run else None) != (self._run.id if self._run else None)
        if other:
            self._pan, self._skipped, self._row, self._digits = 0, 0, 0, DIGITS
            self._selection, self._pressed = None, None
        window = seen.window if seen else None
        ended, timed, numbered = self._at_end, self._timed, self._numbers
        before, self._window, self._trouble, self._seen = self._window, window, trouble, seen
        self._follows, self._timed = seen is None or seen.follows, seen is not None and seen.timed
        self._skipped += window.skipped if window and window is not before else 0
        self._run, self._word = run, word
        if (ended, timed) != (self._at_end, self._timed):
            self.refresh_bindings()
        if window is not None and window.notice:
            self._select(None)  # the file is another one
        self._reach()
        self._count_digits()
        was, self._at = self._at, seen.at if seen else None
        if seen is not None and self._at is not None and self._at != was:
            self._reveal(self._at, seen)
        self._refresh_title()
        if seen is not None and seen.longest:
            half = logs.FAR // 2 if self.looks.wrap else max(1, self.size.width - self._gutter) // 2
            self._pan_to(max(0, seen.longest - half) // self._step * self._step)
        if (
            other
            or numbered != self._numbers
            or window is None
            or before is None
            or not window.lines
            or not before.lines
        ):
            self.refresh()
            return self.size.width * self.size.height
        return self._repaint(before, window, {was, self._at} - {None} if was != self._at else set())

    def _repaint(self, before: logs.Window, window: logs.Window, marked: set[int | None]) -> int:
        """Paint the rows that read differently now, and return about how many cells those are."""
        if before.column != window.column:
            self.refresh()
            return self.size.width * self.size.height
        painted = 0
        for row in range(self.rows):
            old = before.lines[row] if row < len(before.lines) else None
            new = window.lines[row] if row < len(window.lines) else None
            if old != new or (new is not None and new.offset in marked):
                cells = (
                    max(self._line_strip(line).cell_length for line in (old, new) if line) - self._pan + self._gutter
                )
                cells = self.size.width if marked else min(max(1, cells), self.size.width)
                self.refresh(Region(0, row + 1, cells, 1))
                painted += cells
        return painted

    def _reveal(self, at: int, seen: logs.Seen) -> None:
        """Let the match that one has come to be seen, however far to the right it stands."""
        rows = [row for row, line in enumerate(seen.window.lines) if line.offset == at]
        self._row = rows[0] if rows else self._row
        first = seen.column or None
        reach = logs.FAR if self.looks.wrap else max(1, self.size.width - self._gutter - 8)
        if first is None and rows and self._pattern is not None and not self.looks.wrap:
            spans = self._pattern.spans(strip_sgr(seen.window.lines[rows[0]].text))
            first = seen.window.column + spans[0][0] if spans else None
        if first is not None and not self._pan <= first < self._pan + reach:
            self._pan_to(max(0, first - self.size.width // 2) // PAN * PAN)

    def seek(self, find: logs.Pattern | None, only: logs.Pattern | None) -> None:
        """Mark what is looked for; with ``only`` what is shown is those lines alone."""
        if (find, only) != (self._pattern, self._only):
            self._pattern, self._only, self._row = find, only, 0
            self._select(None)
            self._strips.clear()
            self._redress()
            self.refresh()
            self.refresh_bindings()

    # Painting.

    def render_line(self, y: int) -> Strip:
        """Paint the title, a line of the log, a word about why there is none, or nothing."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        lines = self._window.lines if self._window else ()
        if y <= len(lines):
            return self._row_strip(y - 1, lines[y - 1], width)
        if not lines and y == 2:
            return self._empty_strip(width)
        return Strip.blank(width, self.rich_style)

    @property
    def _numbers(self) -> tuple[int | None, ...]:
        """The numbers of the lines on show, none where they are not wanted."""
        told = self._seen.numbers if self._seen else None
        return told if told is not None and self.looks.numbers else ()

    def _count_digits(self) -> None:
        """Have room for the numbers; it grows with them, so that nothing jumps to and fro."""
        digits = max((len(str(number)) for number in self._numbers if number), default=0)
        if digits > self._digits:
            self._digits = digits
            self._redress()

    @property
    def _gutter(self) -> int:
        """Cells at the left for the number of a line, and for its place where it was filtered."""
        return (self._digits + 2 if self.looks.numbers else 0) + (GUTTER if self._only is not None else 0)

    def _redress(self) -> None:
        """Ask for lines in the looks that are liked now, in the room that is left for them."""
        width = max(2, self.size.width - self._gutter - 1) if self.looks.wrap and self.size.width else 0
        dressed = width, self.looks.numbers, self.looks.times
        if dressed != self._dressed:
            self._dressed = dressed
            self.post_message(self.Dressed(width, self.looks))
            self.refresh()
            self._refresh_title()

    def on_resize(self) -> None:
        """Another width wraps otherwise."""
        self._redress()

    def _left(self, line: logs.Line) -> int:
        """The first cell of a line's text on the screen."""
        if self.looks.wrap:
            return line.first
        return max(0, self._pan - (self._window.column if self._window else 0))

    def _cell_at(self, line: logs.Line, x: int) -> int:
        """Which cell of a line's text stands in a column of the screen."""
        return x - self._gutter - 1 + self._left(line)

    def _row_strip(self, row: int, line: logs.Line, width: int) -> Strip:
        """A line in its row: number and place before it, its text from where one has panned, marked if chosen."""
        left, room = self._left(line), width - self._gutter
        strip = self._line_strip(line)
        if self.looks.wrap:
            text = strip.crop(left + 1, None if line.last is None else line.last + 1)
            strip = Strip([Segment(" "), *text]).crop_extend(0, room, None)
        else:
            strip = strip.crop_extend(left, left + room, None)
        strip = self._with_selection(line, strip, left)
        if self._gutter:
            ink = self.get_component_rich_style("log--place", partial=True)
            strip = Strip([Segment(self._gutter_text(row, line), ink), *strip], width)
        current = self._is_current(line)
        ground = self.get_component_rich_style("log--current") if current else self.rich_style
        return strip.apply_style(ground).simplify()

    def _gutter_text(self, row: int, line: logs.Line) -> str:
        """The number of a line and its place, before its first row."""
        texts, window = "", self._window
        if self.looks.numbers:
            number = self._numbers[row] if row < len(self._numbers) else None
            told = UNKNOWN if number is None else str(number or "")
            texts = f" {told if not line.first else '':>{self._digits}} "
        if self._only is not None and window is not None:
            place = f"{100 * line.offset / max(1, window.size):5.1f} % " if line.matches and not line.first else ""
            texts += f"{place:>{GUTTER}}"
        return texts

    def _is_current(self, line: logs.Line) -> bool:
        """Whether one is at this line: the chosen one of those that match, or that of the present match."""
        if self._only is None:
            return self._at == line.offset
        return self._chosen is not None and self._chosen.offset == line.offset

    def _with_selection(self, line: logs.Line, strip: Strip, left: int) -> Strip:
        """A row with the part of it marked that is selected; of an empty line, its first cell."""
        plain = strip_sgr(line.text)
        span = self._selection.span(line.offset, len(plain)) if self._selection else None
        if span is None:
            return strip
        first, last = (max(0, cell_of(plain, column) - left) + 1 for column in span)
        last = max(last, first + (not plain))
        ink = self.get_component_rich_style("log--selected", partial=True)
        parts = strip.divide([min(first, strip.cell_length), min(last, strip.cell_length), strip.cell_length])
        return Strip.join([parts[0], parts[1].apply_style(ink), *parts[2:]])

    def _line_strip(self, line: logs.Line) -> Strip:
        """One cleaned line with its colours, its matches marked; nothing in a log blinks or hides."""
        key = (line.offset, line.text)
        strip = self._strips.get(key)
        if strip is None:
            pattern = self._pattern or self._only
            spans = pattern.spans(strip_sgr(line.text)) if pattern else []
            ink = self._ink_of(line)
            if spans or "\x1b" in line.text:
                text = Text.from_ansi(line.text, style=ink or "")
                for first, last in spans:
                    text.stylize(self.get_component_rich_style("log--match", partial=True), first, last)
                segments = [
                    Segment(part, style + _STEADY if style else None)
                    for part, style, _control in text.render(self.app.console)
                    if part
                ]
            else:
                segments = [Segment(line.text, ink)] if line.text else []
            strip = self._strips[key] = Strip([Segment(" "), *segments])
        return strip

    def _ink_of(self, line: logs.Line) -> Style | None:
        """The colour of a line that says how grave it is, unless it has colours of its own."""
        if "\x1b" in line.text or (self._window is not None and self._window.column):
            return None
        level = logs.level_of(line.text)
        return None if level is None else self.get_component_rich_style(f"log--{level}", partial=True)

    def _empty_text(self) -> str:
        """Why there are no lines."""
        if self._run is None:
            return ""
        if self._trouble:
            return clean(self._trouble)
        if self._window is None:
            return "Reading the log…"
        if self._window.notice:
            return clean(self._window.notice)
        if self._only is not None:
            progress = self._seen.only if self._seen else None
            words = "No line matches" if progress and progress.done else "Searching"
            return f"{words}: {clean(self._only.text)}"
        return "No output yet" if self._run.active else "No output"

    def notify_style_update(self) -> None:
        """Forget lines in the colours of the old theme."""
        super().notify_style_update()
        self._strips.clear()
