"""The log of the chosen run: a window on a file of any size, with a line above it that always says where it stands."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from runboard.columns import reason_text
from runboard.logs import Line, Window
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.cells import cut, fit

PAN = 8
"""Cells that one key pans to the side."""

_STEADY = Style(blink=False, blink2=False, conceal=False)


class LogPane(Widget, can_focus=True, inherit_bindings=False):
    """Shows windows that others read; says what it would like to see by messages."""

    BINDING_GROUP_TITLE = "Log"
    ALLOW_SELECT = False
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
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log-pane--title",
        "log-pane--quiet",
        "log-pane--accent",
        "log-pane--failed",
        "log-pane--empty",
    }

    class Moved(Message):
        """Other lines are wanted: ``by`` lines further, or where ``to`` is set, the start or the end."""

        def __init__(self, by: int = 0, to: str | None = None) -> None:
            """Say which."""
            super().__init__()
            self.by = by
            self.to = to

    class Resized(Message):
        """So many lines fit now."""

        def __init__(self, rows: int) -> None:
            """Say how many."""
            super().__init__()
            self.rows = rows

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__(id="log")
        self._run: Run | None = None
        self._word = ""
        self._window: Window | None = None
        self._trouble: str | None = None
        self._skipped = 0
        self._pan = 0
        self._title: tuple[str, str, str] = ("", "", "")
        self._strips: LRUCache[tuple[int, str], Strip] = LRUCache(512)

    @property
    def rows(self) -> int:
        """How many lines of a log fit below the title."""
        return max(0, self.size.height - 1)

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

    def tell(self, run: Run | None, word: str) -> None:
        """The run on show has changed."""
        emptied = (run is None) != (self._run is None)
        was_active = self._run.active if self._run else False
        self._run, self._word = run, word
        if emptied or (run and run.active) != was_active:
            self.refresh()
        self._refresh_title()

    def _refresh_title(self) -> None:
        """Paint the title line if it reads differently now."""
        title = self._title_texts()
        if title != self._title:
            self._title = title
            self.refresh(Region(0, 0, self.size.width, 1))

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
            style = self.get_component_rich_style("log-pane--empty")
            return Strip([Segment(fit(f" {self._empty_text()}", width), style)], width)
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

    def _title_texts(self) -> tuple[str, str, str]:
        """The status word, what run it is, and where in its log we stand."""
        run = self._run
        if run is None:
            return "", "", ""
        parts = [clean(run.id), clean(run.title)]
        if self.has_class("-zoomed"):
            parts.append(reason_text(run))
        return self._word, "  ".join(part for part in parts if part), self._place_text()

    def _title_strip(self, width: int) -> Strip:
        """The title line: the run at the left, the place in the log at the right; the run's name gives way."""
        word, name, place = self._title = self._title_texts()
        ground = self.get_component_rich_style("log-pane--title")
        inks = [self._ink(word), "log-pane--title", "log-pane--quiet"]
        if not _at_end(self._window):
            inks[2] = "log-pane--accent"
        place = cut(place, max(0, width - cell_len(word) - 14))
        left = max(0, width - cell_len(word) - cell_len(place) - 6)
        texts = [word, fit(name, left), place]
        segments = [Segment(" ", ground)]
        for text, ink in zip(texts, inks, strict=True):
            style = self.get_component_rich_style(ink)
            segments += [Segment(text, ground + Style(color=style.color)), Segment("  ", ground)]
        return Strip(segments).crop_extend(0, width, ground)

    def _ink(self, word: str) -> str:
        """The component that colours a status word."""
        if self._run is not None and self._run.active:
            return "log-pane--accent"
        return "log-pane--failed" if "failed" in word else "log-pane--quiet"

    def _place_text(self) -> str:
        """Where in the log the window stands, whether it moves with it, and what was passed over."""
        window, run = self._window, self._run
        if window is None or run is None or not window.lines:
            return ""
        parts = [clean(window.notice)] if window.notice else []
        if self._skipped and window.at_end:
            parts.append(f"{size_text(self._skipped)} skipped")
        if window.at_end:
            parts.append("following" if run.active else "end of log")
        else:
            share = 100 * window.lines[-1].offset // max(1, window.size)
            word = "paused at" if run.active else "at"
            parts.append(f"{word} {share} %, G to {'follow' if run.active else 'the end'}")
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

    def on_resize(self) -> None:
        """Ask for as many lines as fit now."""
        self.post_message(self.Resized(self.rows))

    def on_hide(self) -> None:
        """Ask for none while nobody can see them."""
        self.post_message(self.Resized(0))

    def on_show(self) -> None:
        """Ask again."""
        self.post_message(self.Resized(self.rows))

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


def size_text(count: int) -> str:
    """Bytes as people read them, in powers of 1024."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"
