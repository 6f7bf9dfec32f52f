"""The keys of the log: what each asks for is said by a message; what it moves on the screen, moves at once."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message

from runboard import logs
from runboard.ui.keys import key_of
from runboard.ui.loglooks import LogLooks
from runboard.ui.pane import Pane
from runboard.ui.selection import Selection

PAN = 8
"""Cells that one key pans to the side."""


UNABLE = {
    "step": "Nothing is looked for in the log: {key} finds",
    "widen": "All lines are shown: there are none around",
    "select": "There is no line to select",
    "dress": "No line here tells its time",
}
"""Why the log's keys may do nothing."""


class LogKeys(Pane, inherit_bindings=False):
    """Moves, pans, finds and filters by asking whoever reads the log."""

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
        Binding("shift+right,dollar_sign", "pan_to('end')", "To the end of long lines", show=False, id="log.line-end"),
        Binding("shift+left,circumflex_accent", "pan_to('start')", "To their start", show=False, id="log.line-start"),
        Binding("slash", "look('/')", "find", tooltip="Find in the log", id="log.find"),
        Binding("n", "step(1)", "next", tooltip="To the next match", id="log.next"),
        Binding("N", "step(-1)", "previous", tooltip="To the match before", id="log.previous"),
        Binding("ampersand", "look('&')", "only", tooltip="Show only the lines that match", id="log.only"),
        Binding("plus", "widen(1)", "more around", tooltip="More lines around each match", id="log.wider"),
        Binding("minus", "widen(-1)", "less", tooltip="Fewer lines around each match", id="log.narrower"),
        Binding("percent_sign", "look('%')", "go to", tooltip="To a share or a time: 40 %, 14:05", id="log.goto"),
        Binding(
            "enter", "open", "Everything known of the run, or this line in the whole log", show=False, id="log.details"
        ),
        Binding(
            "w", "dress('wrap')", "wrap", show=False, tooltip="Wrap long lines, or pan to their ends", id="log.wrap"
        ),
        Binding(
            "number_sign",
            "dress('numbers')",
            "numbers",
            show=False,
            tooltip="Number the lines; in a long log … stands for numbers still being counted",
            id="log.numbers",
        ),
        Binding(
            "at",
            "dress('times')",
            "times",
            show=False,
            tooltip="Times of lines: as written, since the first line, or none",
            id="log.times",
        ),
        Binding("V", "select", "select", show=False, tooltip="Select lines; the mouse selects too", id="log.select"),
        Binding("y", "copy", "copy", tooltip="Copy what is selected, or the chosen line", id="log.copy"),
        Binding(
            *("escape,q", "forget", "clear"),
            tooltip="Leave what is selected, what is found, then the filter",
            id="log.forget",
        ),
    ]

    class Moved(Message):
        """Other lines are wanted: ``by`` lines further, or where ``to`` is set, the start or the end."""

        def __init__(self, by: int = 0, to: str | None = None) -> None:
            """Say which."""
            super().__init__()
            self.by = by
            self.to = to

    class Looking(Message):
        """One wants to type: what to find, which lines to show, or where to go."""

        def __init__(self, kind: str) -> None:
            """Say for what, by its sign."""
            super().__init__()
            self.kind = kind

    class Told(Message):
        """Something with a number."""

        def __init__(self, by: int) -> None:
            """Say which."""
            super().__init__()
            self.by = by

    class Stepped(Told):
        """Another match is wanted, so many further."""

    class Widened(Told):
        """More or fewer lines around each match are wanted."""

    class Panned(Message):
        """What lies so many cells to the right is wanted, or the ends of the lines on show."""

        def __init__(self, column: int | None) -> None:
            """Say how far; None for the ends."""
            super().__init__()
            self.column = column

    class Dressed(Message):
        """Lines are wanted in other looks: wrapped into so many cells (0: not), numbered or not, with such times."""

        def __init__(self, width: int, looks: LogLooks) -> None:
            """Say which."""
            super().__init__()
            self.width = width
            self.numbers = looks.numbers
            self.times = looks.times

    class Held(Message):
        """The lines on show shall stay, or need not any more."""

        def __init__(self, hold: bool) -> None:
            """Say which."""
            super().__init__()
            self.hold = hold

    class Copying(Message):
        """The text between two places is wanted in the clipboard."""

        def __init__(self, first: logs.Spot, last: logs.Spot) -> None:
            """Say which."""
            super().__init__()
            self.first = first
            self.last = last

    class Chosen(Told):
        """The line at an offset is wanted in the whole log."""

    class Forgotten(Message):
        """Nothing is looked for any more: first the match is given up, then the filter."""

    def __init__(self, pane_id: str, looks: LogLooks) -> None:
        """Begin with nothing on show, nothing looked for, and the first line chosen."""
        super().__init__(pane_id)
        self.near = 0
        self.looks = looks
        self._window: logs.Window | None = None
        self._follows = True
        self._timed = False
        self._pattern: logs.Pattern | None = None
        self._only: logs.Pattern | None = None
        self._selection: Selection | None = None
        self._at: int | None = None
        self._row = 0
        self._pan = 0

    # What differs between panes.

    def _redress(self) -> None:
        """Ask for lines in the looks that are liked now."""

    def _reach(self) -> None:
        """Another row has been come to."""

    def _select(self, selection: Selection | None) -> None:
        """Have this selected, or nothing."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.post_message(self.Moved(3))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves by three lines."""
        event.stop()
        self.post_message(self.Moved(-3))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is to do: no way to the end at the end, none from match to match where nothing is sought.

        The keys to find and to go on finding are the log's as long as there is a run: they do nothing else, and what
        is typed ahead of the log that is still being read is looked for when it is.
        """
        kept = None if self._run is not None else False
        some = self._window is not None and bool(self._window.lines)
        return {
            "jump": parameters != ("end",) or not self._at_end or self._choosing,
            "step": self._pattern is not None or kept,
            "widen": self._only is not None and (parameters == (1,) or self.near > 0),
            "forget": self._pattern is not None or self._only is not None or self._selection is not None,
            "look": self._run is not None,
            "select": some,
            "copy": some and (self._selection is not None or self._only is not None),
            "dress": parameters != ("times",) or self._timed or self.looks.times is not logs.Times.WRITTEN,
        }.get(action, True)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002 - as check_action's
        """Why what cannot be done now cannot; nothing is said at the end, and where there is nothing to give up."""
        return UNABLE.get(action, "").format(key=key_of(self.app, "log.find")) if self._run is not None else ""

    @property
    def _at_end(self) -> bool:
        """There is nothing further down, and what comes will be shown."""
        ended = self._run is None or not self._run.active
        return at_end(self._window) and (self._follows or ended)

    @property
    def _chosen(self) -> logs.Line | None:
        """The row one is at, where rows are chosen."""
        lines = self._window.lines if self._window else ()
        return lines[min(self._row, len(lines) - 1)] if lines else None

    @property
    def _choosing(self) -> bool:
        """Whether one goes from row to row: where only some lines are shown, or lines are selected."""
        return self._only is not None or (self._selection is not None and self._selection.lines)

    def action_move(self, by: int) -> None:
        """Scroll by lines; where one goes from row to row, to another row."""
        if self._choosing and self._window is not None:
            row = max(0, min(self._row + by, len(self._window.lines) - 1))
            by -= row - self._row
            for one in {row, self._row} if row != self._row else ():
                self.refresh(Region(0, one + 1, self.size.width, 1))
            self._row = row
            self._reach()
        if by:
            self.post_message(self.Moved(by))

    def action_page(self, by: int) -> None:
        """Scroll by screens, one line kept for the eye."""
        window = self._window
        if self._choosing and window is not None and (window.at_end if by > 0 else window.at_start):
            self.action_move(by * max(1, self.rows - 1))
            return
        self.post_message(self.Moved(by * max(1, self.rows - 1)))

    def action_jump(self, to: str) -> None:
        """Scroll to the start or the end."""
        self._row = 0 if to == "start" else max(0, self.rows - 1)
        self._reach()
        self.post_message(self.Moved(to=to))

    def action_pan(self, by: int) -> None:
        """Show what lies further to the side; of wrapped lines, what lies behind all that is shown."""
        self._pan_to(max(0, self._pan + by * self._step))

    @property
    def _step(self) -> int:
        """By how much one pans."""
        return logs.FAR if self.looks.wrap else PAN

    def action_pan_to(self, to: str) -> None:
        """Show the beginnings of the lines, or the end of the longest on the screen."""
        if to == "start":
            self._pan_to(0)
        else:
            self.post_message(self.Panned(None))

    def _pan_to(self, column: int) -> None:
        """Show what lies from a cell on; far to the right it has to be read first."""
        self._pan = column
        self._refresh_title()
        self.refresh()
        self.post_message(self.Panned(column))

    def action_look(self, kind: str) -> None:
        """Type what to look for, or where to go."""
        self.post_message(self.Looking(kind))

    def action_step(self, by: int) -> None:
        """Go to another match."""
        self.post_message(self.Stepped(by))

    def action_widen(self, by: int) -> None:
        """Show more or fewer lines around each match."""
        self.post_message(self.Widened(by))

    async def action_open(self) -> None:
        """Show the chosen line in the whole log; where that is what is shown, what is known of the run."""
        lines = self._window.lines if self._window else ()
        if self._only is None:
            await self.run_action("app.details")
        elif self._row < len(lines):
            self.post_message(self.Chosen(lines[self._row].offset))

    def action_forget(self) -> None:
        """Give up what is selected, else what is looked for."""
        if self._selection is not None:
            self._select(None)
        else:
            self.post_message(self.Forgotten())

    def action_dress(self, what: str) -> None:
        """Show lines otherwise from now on."""
        change = {"wrap": self.looks.toggle_wrap, "numbers": self.looks.toggle_numbers, "times": self.looks.next_times}
        change[what]()
        if what == "wrap":
            self._pan_to(0)
        if what == "times":
            self._select(None)  # its characters would be others
        self._redress()

    async def on_click(self, event: events.Click) -> None:
        """Choose a line where only some are shown."""
        row = event.y - 1
        if self._choosing and self._window is not None and 0 <= row < len(self._window.lines):
            self.action_move(row - self._row)


def at_end(window: logs.Window | None) -> bool:
    """Whether there is nothing further down."""
    return window is None or window.at_end
