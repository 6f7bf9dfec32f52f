"""The log of the chosen run: a window on a file of any size, with a line above it that always says where it stands."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.geometry import Region
from textual.strip import Strip

from runboard.columns import size_text
from runboard.logs import Line, Pattern, Progress, Seen, Window
from runboard.model import Run
from runboard.safetext import clean, strip_sgr
from runboard.ui.keys import key_of
from runboard.ui.logkeys import PAN, LogKeys, at_end

GUTTER = 8
"""Cells of a filtered line's place in the log."""

_STEADY = Style(blink=False, blink2=False, conceal=False)


class LogPane(LogKeys):
    """Shows what others read of a log, and marks what is looked for."""

    VIEW = "Log"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--match", "log--current", "log--place"}

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("log")
        self.tells_events = False
        self._raw = False
        self._seen: Seen | None = None
        self._at: int | None = None
        self._trouble: str | None = None
        self._skipped = 0
        self._strips: LRUCache[tuple[int, str], Strip] = LRUCache(512)

    # What is told to the pane.

    def show(self, run: Run | None, word: str, seen: Seen | None, trouble: str | None = None) -> int:
        """Show what is seen of a run's log, None while it is being read; ``trouble`` says why it cannot be.

        Returns about how many cells that paints.
        """
        other = (run.id if run else None) != (self._run.id if self._run else None)
        if other:
            self._pan, self._skipped, self._row = 0, 0, 0
        window = seen.window if seen else None
        before, self._window, self._trouble, self._seen = self._window, window, trouble, seen
        if at_end(before) != at_end(window):
            self.refresh_bindings()
        self._skipped += window.skipped if window and window is not before else 0
        self._run, self._word = run, word
        was, self._at = self._at, seen.at if seen else None
        if seen is not None and self._at is not None and self._at != was:
            self._reveal(self._at, seen)
        self._refresh_title()
        if seen is not None and seen.longest:
            self._pan_to(max(0, seen.longest - max(1, self.size.width - self._gutter) // 2) // PAN * PAN)
        if other or window is None or before is None or not window.lines or not before.lines:
            self.refresh()
            return self.size.width * self.size.height
        return self._repaint(before, window, {was, self._at} - {None} if was != self._at else set())

    def _repaint(self, before: Window, window: Window, marked: set[int | None]) -> int:
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

    def _reveal(self, at: int, seen: Seen) -> None:
        """Let the match that one has come to be seen, however far to the right it stands."""
        rows = [row for row, line in enumerate(seen.window.lines) if line.offset == at]
        self._row = rows[0] if rows else self._row
        first = seen.column or None
        if first is None and rows and self._pattern is not None:
            spans = self._pattern.spans(strip_sgr(seen.window.lines[rows[0]].text))
            first = seen.window.column + spans[0][0] if spans else None
        if first is not None and not self._pan <= first < self._pan + max(1, self.size.width - self._gutter - 8):
            self._pan_to(max(0, first - self.size.width // 2) // PAN * PAN)

    def seek(self, find: Pattern | None, only: Pattern | None) -> None:
        """Mark what is looked for; with ``only`` what is shown is those lines alone."""
        if (find, only) != (self._pattern, self._only):
            self._pattern, self._only, self._row = find, only, 0
            self._strips.clear()
            self.refresh()
            self.refresh_bindings()

    def tell_events(self, found: bool, *, raw: bool) -> None:
        """Whether the log has an agent's events, and whether they are shown as they are instead of in words."""
        if (found, raw) != (self.tells_events, self._raw):
            self.tells_events, self._raw = found, raw
            self._refresh_title()

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
    def _gutter(self) -> int:
        """Cells at the left for the place of a line that was filtered."""
        return GUTTER if self._only is not None else 0

    def _row_strip(self, row: int, line: Line, width: int) -> Strip:
        """A line in its row: its place if only some are shown, its text from where one has panned, marked if chosen."""
        left, window = self._pan, self._window
        if window is not None and window.column:
            left = max(0, left - window.column)
        room = width - self._gutter
        strip = self._line_strip(line).crop_extend(left, left + room, None)
        if self._only is not None and window is not None:
            place = f"{100 * line.offset / max(1, window.size):5.1f} % " if line.matches else ""
            ink = self.get_component_rich_style("log--place", partial=True)
            strip = Strip([Segment(f"{place:>{GUTTER}}", ink), *strip], GUTTER + room)
        current = row == self._row if self._only is not None else self._at == line.offset
        ground = self.get_component_rich_style("log--current") if current else self.rich_style
        return strip.apply_style(ground).simplify()

    def _line_strip(self, line: Line) -> Strip:
        """One cleaned line with its colours, its matches marked; nothing in a log blinks or hides."""
        key = (line.offset, line.text)
        strip = self._strips.get(key)
        if strip is None:
            pattern = self._pattern or self._only
            spans = pattern.spans(strip_sgr(line.text)) if pattern else []
            if spans or "\x1b" in line.text:
                text = Text.from_ansi(line.text)
                for first, last in spans:
                    text.stylize(self.get_component_rich_style("log--match", partial=True), first, last)
                segments = [
                    Segment(part, style + _STEADY if style else None)
                    for part, style, _control in text.render(self.app.console)
                    if part
                ]
            else:
                segments = [Segment(line.text)] if line.text else []
            strip = self._strips[key] = Strip([Segment(" "), *segments])
        return strip

    def _settled(self) -> bool:
        """The end of the log is where one stands."""
        return at_end(self._window)

    def _place_text(self) -> str:
        """Where in the log the window stands, whether it moves with it, and what was passed over."""
        window, run = self._window, self._run
        if window is None or run is None:
            return ""
        if not window.lines:
            return " · ".join(self._found_texts())
        parts = self._found_texts()
        parts += ["raw"] if self._raw and self.tells_events else []
        parts += [clean(window.notice)] if window.notice else []
        if self._skipped and window.at_end:
            parts.append(f"{size_text(self._skipped)} skipped")
        if window.at_end:
            parts.append("following" if run.active else "end of log")
        else:
            share = 100 * window.lines[-1].offset // max(1, window.size)
            word = "paused at" if run.active else "at"
            parts.append(f"{word} {share} %, {key_of(self.app, 'log.end')} to {'follow' if run.active else 'the end'}")
        if self._pan:
            parts.append(f"column {self._pan + 1:,}")
        return " · ".join(parts)

    def _found_texts(self) -> list[str]:
        """What is looked for, and how that goes."""
        seen, parts = self._seen, list[str]()
        if seen is None:
            return parts
        if self._only is not None and seen.only is not None:
            near = f" ±{self.near}" if self.near else ""
            parts.append(f"&{clean(self._only.text)}{near} · {_told(seen.only, None, ' line')}")
        if self._pattern is not None and seen.found is not None:
            parts.append(f"/{clean(self._pattern.text)} {_told(seen.found, seen.number)}")
        return parts

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


def _told(progress: Progress, number: int | None, unit: str = "") -> str:
    """How a search goes: how far it is, how many there are, and which one is chosen."""
    if progress.trouble is not None:
        return clean(progress.trouble)
    count = f"{progress.count:,}" if progress.count or not progress.done else "not found"
    if unit and count != "not found":
        count += unit if progress.count == 1 else f"{unit}s"
    told = f"{number:,} of {count}" if number is not None else count
    return told if progress.done else f"{told}, searching {int(100 * progress.share)} %"
