"""A pane of lines that are all there: scrolled by keys and wheel, never moving by itself."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.strip import Strip

from runboard.ui.pane import Pane

PAN = 8
"""Cells that one key pans to the side."""


def scrolling(name: str) -> list[Binding]:
    """The keys that scroll the pane of this name."""
    return [
        Binding("down,j", "move(1)", "A line down", show=False, id=f"{name}.down"),
        Binding("up,k", "move(-1)", "A line up", show=False, id=f"{name}.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id=f"{name}.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id=f"{name}.page-up"),
        Binding("g,home", "jump('start')", "To the start", show=False, id=f"{name}.start"),
        Binding("G,end", "jump('end')", "To the end", show=False, id=f"{name}.end"),
    ]


def panning(name: str) -> list[Binding]:
    """The keys that show what lies further to the side of the pane of this name."""
    return [
        Binding("right,l", "pan(1)", "Pan right", show=False, id=f"{name}.right"),
        Binding("left,h", "pan(-1)", "Pan left", show=False, id=f"{name}.left"),
    ]


class ScrolledPane(Pane, inherit_bindings=False):
    """The scrolling; what the lines are is its children's."""

    def __init__(self, pane_id: str) -> None:
        """Begin at the start."""
        super().__init__(pane_id)
        self._top = 0
        self._pan = 0

    # What differs between panes.

    def _count(self) -> int:
        """How many lines there are."""
        return 0

    def _line(self, at: int) -> Strip:
        """One line, as wide as it is."""
        raise IndexError(at)

    # Painting.

    @property
    def _last_top(self) -> int:
        """The first line on show when the end is."""
        return max(0, self._count() - self.rows)

    def render_line(self, y: int) -> Strip:
        """Paint the title, a line, a word about why there is none, or nothing."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        at, count = self._top + y - 1, self._count()
        if at < count:
            strip = self._line(at).crop_extend(self._pan, self._pan + width, None)
            return strip.apply_style(self.rich_style).simplify()
        if not count and y == 2:
            return self._empty_strip(width)
        return Strip.blank(width, self.rich_style)

    def _place_text(self) -> str:
        """How far down we are, where not all of it fits."""
        parts = []
        if self._count() and self._last_top:
            parts.append("end" if self._top >= self._last_top else f"at {100 * self._top // self._count()} %")
        if self._pan:
            parts.append(f"column {self._pan + 1}")
        return " · ".join(parts)

    def _relined(self, *, anew: bool) -> None:
        """There are other lines; ``anew`` shows them from their start."""
        if anew:
            self._top, self._pan = 0, 0
        self._top = min(self._top, self._last_top)
        self._refresh_title()
        self.refresh()

    # Events and actions.

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.action_move(-3)

    def action_move(self, by: int) -> None:
        """Scroll by lines."""
        self._go(self._top + by)

    def action_page(self, by: int) -> None:
        """Scroll by screens, one line kept for the eye."""
        self._go(self._top + by * max(1, self.rows - 1))

    def action_jump(self, to: str) -> None:
        """Scroll to the start or the end."""
        self._go(0 if to == "start" else self._last_top)

    def action_pan(self, by: int) -> None:
        """Show what lies further to the side."""
        self._pan = max(0, self._pan + by * PAN)
        self._refresh_title()
        self.refresh()

    def _go(self, top: int) -> None:
        """Show the lines from this one on, as far as there are any."""
        top = max(0, min(top, self._last_top))
        if top != self._top:
            self._top = top
            self._refresh_title()
            self.refresh()
