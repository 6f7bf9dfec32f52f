"""The log of the chosen run: a window on a file of any size, with a line above it that always says where it stands."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from runboard.columns import size_text
from runboard.logs import Line, Window
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.keys import key_of
from runboard.ui.pane import Pane

PAN = 8
"""Cells that one key pans to the side."""

_STEADY = Style(blink=False, blink2=False, conceal=False)


class LogPane(Pane, inherit_bindings=False):
    """Shows windows that others read; says what it would like to see by messages."""

    VIEW = "Log"
    BINDING_GROUP_TITLE = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "A line down", show=False, id="log.down"),
        Binding("up,k", "move(-1)", "A line up", show=False, id="log.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="log.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="log.page-up"),
        Binding("g,home", "jump('start')", "To the start", show=False, id="log.start"),
        Binding("G,end", "jump('end')", "follow", tooltip="To the end, and on with it", id="log.end"),
        Binding("right,l", "pan(1)", "Pan right", show=False, id="log.right"),
        Binding("left,h", "pan(-1)", "Pan left", show=False, id="log.left"),
        Binding("enter", "app.details", "Everything known of the run", show=False, id="log.details"),
    ]

    class Moved(Message):
        """Other lines are wanted: ``by`` lines further, or where ``to`` is set, the start or the end."""

        def __init__(self, by: int = 0, to: str | None = None) -> None:
            """Say which."""
            super().__init__()
            self.by = by
            self.to = to

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("log")
        self.tells_events = False
        self._raw = False
        self._window: Window | None = None
        self._trouble: str | None = None
        self._skipped = 0
        self._pan = 0
        self._strips: LRUCache[tuple[int, str], Strip] = LRUCache(512)

    # What is told to the pane.

    def show(self, run: Run | None, word: str, window: Window | None, trouble: str | None = None) -> None:
        """Show a window of a run's log, None while it is being read; ``trouble`` says why it cannot be."""
        other = (run.id if run else None) != (self._run.id if self._run else None)
        if other:
            self._pan, self._skipped = 0, 0
        before, self._window, self._trouble = self._window, window, trouble
        if _at_end(before) != _at_end(window):
            self.refresh_bindings()
        self._skipped += window.skipped if window else 0
        self._run, self._word = run, word
        self._refresh_title()
        if other or window is None or before is None or not window.lines or not before.lines:
            self.refresh()
            return
        for row in range(self.rows):
            old = before.lines[row] if row < len(before.lines) else None
            new = window.lines[row] if row < len(window.lines) else None
            if old != new:
                cells = max(self._line_strip(line).cell_length for line in (old, new) if line) - self._pan
                self.refresh(Region(0, row + 1, min(max(1, cells), self.size.width), 1))

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
            strip = self._line_strip(lines[y - 1])
            return strip.crop_extend(self._pan, self._pan + width, None).apply_style(self.rich_style).simplify()
        if not lines and y == 2:
            return self._empty_strip(width)
        return Strip.blank(width, self.rich_style)

    def _line_strip(self, line: Line) -> Strip:
        """One cleaned line with its colours; nothing in a log blinks or hides."""
        key = (line.offset, line.text)
        strip = self._strips.get(key)
        if strip is None:
            if "\x1b" in line.text:
                segments = [
                    Segment(text, style + _STEADY if style else None)
                    for text, style, _control in Text.from_ansi(line.text).render(self.app.console)
                    if text
                ]
            else:
                segments = [Segment(line.text)] if line.text else []
            strip = self._strips[key] = Strip([Segment(" "), *segments])
        return strip

    def _settled(self) -> bool:
        """The end of the log is where one stands."""
        return _at_end(self._window)

    def _place_text(self) -> str:
        """Where in the log the window stands, whether it moves with it, and what was passed over."""
        window, run = self._window, self._run
        if window is None or run is None or not window.lines:
            return ""
        parts = ["raw"] if self._raw and self.tells_events else []
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
            parts.append(f"column {self._pan + 1}")
        return " · ".join(parts)

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
        return "No output yet" if self._run.active else "No output"

    def notify_style_update(self) -> None:
        """Forget lines in the colours of the old theme."""
        super().notify_style_update()
        self._strips.clear()

    # Events and actions.

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.post_message(self.Moved(3))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.post_message(self.Moved(-3))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to go back to while the end is shown."""
        return (action, parameters) != ("jump", ("end",)) or not _at_end(self._window)

    def action_move(self, by: int) -> None:
        """Scroll by lines."""
        self.post_message(self.Moved(by))

    def action_page(self, by: int) -> None:
        """Scroll by screens, one line kept for the eye."""
        self.post_message(self.Moved(by * max(1, self.rows - 1)))

    def action_jump(self, to: str) -> None:
        """Scroll to the start or the end."""
        self.post_message(self.Moved(to=to))

    def action_pan(self, by: int) -> None:
        """Show what lies further to the side."""
        self._pan = max(0, self._pan + by * PAN)
        self.refresh()


def _at_end(window: Window | None) -> bool:
    """Whether there is nothing further down."""
    return window is None or window.at_end
