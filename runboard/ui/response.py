"""The answer of the chosen run: lines that others laid out, scrolled like a log but never moving by themselves."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.answers import LOOKS, Answer
from runboard.ui.pane import Pane


class ResponsePane(Pane, inherit_bindings=False):
    """Shows an answer in the looks of the theme."""

    VIEW = "Response"
    BINDING_GROUP_TITLE = "Response"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "A line down", show=False, id="response.down"),
        Binding("up,k", "move(-1)", "A line up", show=False, id="response.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="response.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="response.page-up"),
        Binding("g,home", "jump('start')", "To the start", show=False, id="response.start"),
        Binding("G,end", "jump('end')", "To the end", show=False, id="response.end"),
        Binding("enter", "app.details", "Everything known of the run", show=False, id="response.details"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"response--{look}" for look in LOOKS}

    class Restyled(Message):
        """The theme has changed: the lines are wanted in its looks."""

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("response")
        self._lines: tuple[Strip, ...] = ()
        self._answer: Answer | None = None
        self._top = 0

    def show(self, run: Run, word: str, answer: Answer | None) -> None:
        """Show the answer of a run, None while it is being read; another run's is shown from its start."""
        if answer is None or self._answer is None or answer.run_id != self._answer.run_id:
            self._top = 0
        self._run, self._word, self._answer = run, word, answer
        self._lines = tuple(Strip([Segment(" "), *line]) for line in answer.lines) if answer else ()
        self._top = min(self._top, self._last_top)
        self._refresh_title()
        self.refresh()

    def looks(self) -> dict[str, Style]:
        """The looks of the present theme, by the names in `LOOKS`."""
        return {look: self.get_component_rich_style(f"response--{look}", partial=True) for look in LOOKS}

    @property
    def _last_top(self) -> int:
        """The first line on show when the end is."""
        return max(0, len(self._lines) - self.rows)

    def render_line(self, y: int) -> Strip:
        """Paint the title, a line of the answer, a word about why there is none, or nothing."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        at = self._top + y - 1
        if at < len(self._lines):
            return self._lines[at].crop_extend(0, width, None).apply_style(self.rich_style).simplify()
        if not self._lines and y == 2:
            return self._empty_strip(width)
        return Strip.blank(width, self.rich_style)

    def _place_text(self) -> str:
        """How far down the answer we are, where not all of it fits."""
        if not self._lines or self._last_top == 0:
            return ""
        return "end" if self._top >= self._last_top else f"at {100 * self._top // len(self._lines)} %"

    def _empty_text(self) -> str:
        """Why there is no answer."""
        if self._run is None:
            return ""
        if self._answer is None:
            return "Reading the answer…"
        if self._answer.trouble:
            return clean(self._answer.trouble)
        return "No answer yet" if self._run.active else "No answer"

    def notify_style_update(self) -> None:
        """Ask for lines in the looks of the new theme."""
        super().notify_style_update()
        self.post_message(self.Restyled())

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

    def _go(self, top: int) -> None:
        """Show the lines from this one on, as far as there are any."""
        top = max(0, min(top, self._last_top))
        if top != self._top:
            self._top = top
            self._refresh_title()
            self.refresh()
