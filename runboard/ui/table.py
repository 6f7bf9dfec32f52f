"""The table of runs: rows live in the Board, the cursor sits on a run's id, only lines that differ are painted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import monotonic
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from runboard.board import Board, Delta
from runboard.columns import STOPPING, Column, shown
from runboard.model import Run, Status
from runboard.ui.cells import Slot, fit, lay_out
from runboard.ui.colours import ink

FLUSH_SECONDS = 0.1
"""Changes that come faster than this are painted together."""

Line = tuple[str, str, bool, tuple[str, ...]]
"""What a painted line shows: its run's id, the kind of row, whether the cursor is on it, and the text of each cell."""


class RunTable(ScrollView, can_focus=True, inherit_bindings=False):
    """The visible runs of a Board, of which only those on the screen are ever looked at."""

    BINDING_GROUP_TITLE = "Runs"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next run", show=False, id="table.down"),
        Binding("up,k", "move(-1)", "Previous run", show=False, id="table.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="table.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="table.page-up"),
        Binding("home,g", "first", "First run", show=False, id="table.first"),
        Binding("end,G", "last", "Last run", show=False, id="table.last"),
        Binding("enter", "open", "open", tooltip="Its log on the whole screen", id="table.open"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-table--header",
        "run-table--cursor",
        "run-table--empty",
        "run-table--text",
        "run-table--quiet",
        *(f"run-table--{kind}" for kind in (*(str(status) for status in Status), "stopping")),
    }

    class Highlighted(Message):
        """The cursor has come to another run, or to none."""

        def __init__(self, run_id: str | None) -> None:
            """Name the run under the cursor."""
            super().__init__()
            self.run_id = run_id

    class Opened(Message):
        """A run is to be opened."""

        def __init__(self, run_id: str) -> None:
            """Name the run."""
            super().__init__()
            self.run_id = run_id

    def __init__(self, board: Board, clock: Callable[[], float], stopping: Collection[str] = ()) -> None:
        """Show ``board`` at the time that ``clock`` tells (epoch seconds); ``stopping`` are ids asked to end."""
        super().__init__(id="runs")
        self.cursor: str | None = None
        self.reading = True
        self._board = board
        self._clock = clock
        self._stopping = stopping
        self._order: list[str] = []
        self._spot = 0
        self._pinned = False
        self._columns: list[Column] = shown([])
        self._slots: tuple[Slot, ...] = ()
        self._painted: dict[int, Line] = {}
        self._styles_by_name: dict[str, Style] = {}
        self._reordered = False
        self._flush_timer: Timer | None = None
        self._flushed_at = 0.0

    # What is told to the table.

    def take(self, delta: Delta) -> None:
        """Take note of what a batch changed; it is painted with the next flush."""
        self._reordered |= delta.reordered
        self._show_columns([run for run_id in delta.changed if (run := self._board.get(run_id))])
        self._flush_soon()

    def reorder(self) -> None:
        """Take over the Board's order at once, as after a change of its filter."""
        self._reordered = True
        self.flush()

    def loaded(self) -> None:
        """The first listing is complete: from here on the cursor stays on its run."""
        self.reading = False
        self._pinned = True
        self.refresh()

    def go_to(self, run_id: str) -> None:
        """Put the cursor on a run, if it is in the list."""
        if run_id in self._order:
            self._go(self._order.index(run_id))

    def flush(self) -> None:
        """Paint what differs from what is on the screen, and nothing else."""
        if self._flush_timer is not None:
            self._flush_timer.stop()
            self._flush_timer = None
        self._flushed_at = monotonic()
        if self._reordered:
            self._reordered = False
            self._relocate(self._board.order)
        for y in range(1, self.size.height):
            now, before = self._line(y), self._painted.get(y)
            if now != before:
                self.refresh(self._difference(y, before, now))

    def _flush_soon(self) -> None:
        """Flush at once after a quiet time or for the first rows, else when the present interval is over."""
        if self._flush_timer is None and self.is_mounted:
            wait = self._flushed_at + FLUSH_SECONDS - monotonic()
            if wait <= 0 or not self._order:
                self.flush()
            else:
                self._flush_timer = self.set_timer(wait, self.flush)

    def _show_columns(self, runs: list[Run]) -> None:
        """Add the columns that these runs are the first to fill; a column that is there stays."""
        have = {column.key for column in self._columns}
        if any(column.key not in have for column in shown(runs)):
            have |= {column.key for column in shown(runs)}
            every = shown(self._board.runs.values())
            self._columns = [column for column in every if column.key in have]
            self._lay_out()

    def _lay_out(self) -> None:
        """Place the columns in the present width."""
        self._slots = lay_out(self._columns, self.size.width)
        self._painted.clear()
        self.refresh()

    # The order and the cursor.

    def _relocate(self, order: list[str]) -> None:
        """Take over a new order: the cursor stays on its run and, where it can, the screen stays where it is."""
        old, old_spot, top = self._order, self._spot, self.scroll_offset.y
        rows = max(1, self.size.height - 1)
        self._order = order
        cursor = self._successor(old, order)
        self._spot = order.index(cursor) if cursor is not None else 0
        if self.virtual_size.height != len(order) + 1:
            self.virtual_size = Size(0, len(order) + 1)
        in_sight = top <= old_spot < top + rows
        anchor, line = (cursor, old_spot - top) if in_sight or not old else (old[min(top, len(old) - 1)], 0)
        # At the very top newcomers shall be seen, so the list moves only if the cursor would leave the screen.
        if top > 0 or self._spot >= rows:
            place = order.index(anchor) if anchor in order else self._spot
            self._scroll_to_row(place - line)
        if cursor != self.cursor:
            self.cursor = cursor
            self.post_message(self.Highlighted(cursor))

    def _successor(self, old: list[str], order: list[str]) -> str | None:
        """The run the cursor is on in the new order: its own, or when that is gone its nearest neighbour."""
        if not order:
            return None
        if self.cursor is None or not self._pinned:
            return order[0]
        present = set(order)
        neighbours = [*old[self._spot :], *reversed(old[: self._spot])]
        return next((run_id for run_id in (self.cursor, *neighbours) if run_id in present), order[0])

    def _scroll_to_row(self, row: int) -> None:
        """Make a row the first one on the screen, as far as the list reaches."""
        last_top = max(0, len(self._order) + 1 - self.size.height)
        row = min(max(0, row), last_top)
        if row != self.scroll_offset.y:
            self.scroll_to(y=row, animate=False, immediate=True)

    def _go(self, spot: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        if not self._order:
            return
        self._pinned = True
        self._spot = min(max(0, spot), len(self._order) - 1)
        top, rows = self.scroll_offset.y, max(1, self.size.height - 1)
        if not top <= self._spot < top + rows:
            self._scroll_to_row(self._spot if self._spot < top else self._spot - rows + 1)
        if self.cursor != self._order[self._spot]:
            self.cursor = self._order[self._spot]
            self.post_message(self.Highlighted(self.cursor))
        self.flush()

    # Painting.

    def _line(self, y: int) -> Line | None:
        """What the line at a height of the screen shows now; None where there is no row."""
        spot = self.scroll_offset.y + y - 1
        run = self._board.get(self._order[spot]) if spot < len(self._order) else None
        if run is None:
            return None
        stopping = run.id in self._stopping and run.status is Status.RUNNING
        now = self._clock()
        texts = tuple(slot.column.text(run, now) for slot in self._slots)
        if stopping:
            texts = (f"{STOPPING} stopping", *texts[1:])
        kind = "stopping" if texts and texts[0].startswith(STOPPING) else str(run.status)
        return run.id, kind, run.id == self.cursor, texts

    def _difference(self, y: int, before: Line | None, now: Line | None) -> Region:
        """The part of a line that must be painted: the changed cells, or all of it where another run stands there."""
        if before is None or now is None or before[:3] != now[:3] or len(before[3]) != len(now[3]):
            return Region(0, y, self.size.width, 1)
        changed = [slot for slot, old, new in zip(self._slots, before[3], now[3], strict=True) if old != new]
        first, last = changed[0], changed[-1]
        return Region(first.x, y, last.x + last.width - first.x, 1)

    def render_line(self, y: int) -> Strip:
        """Paint one line of the screen: the header, a row, a word about why there is none, or nothing."""
        width = self.size.width
        if y == 0:
            style = self._style("header")
            if not self._board.runs:
                return Strip.blank(width, self.rich_style)
            titles = [(slot, slot.column.title, style) for slot in self._slots]
            return self._strip(titles, style)
        line = self._line(y)
        if line is None:
            self._painted.pop(y, None)
            words = self._empty_words(width) if not self._order else []
            if 0 <= (spot := y - self.size.height // 2) < len(words):
                return Strip([Segment(fit(words[spot], width, "center"), self._style("empty"))], width)
            return Strip.blank(width, self.rich_style)
        self._painted[y] = line
        _run_id, kind, under_cursor, texts = line
        base = self._style("cursor") if under_cursor else self.rich_style
        cells = [
            (slot, text, base + self._colour(slot.column.key, kind))
            for slot, text in zip(self._slots, texts, strict=True)
        ]
        return self._strip(cells, base)

    def _strip(self, cells: list[tuple[Slot, str, Style]], between: Style) -> Strip:
        """Cells in their places, on a ground that fills the line."""
        width, segments, x = self.size.width, list[Segment](), 0
        for slot, text, style in cells:
            segments.append(Segment(" " * (slot.x - x), between))
            segments.append(Segment(fit(text, slot.width, slot.column.align), style))
            x = slot.x + slot.width
        segments.append(Segment(" " * max(0, width - x), between))
        return Strip(segments).crop(0, width).simplify()

    def _colour(self, column: str, kind: str) -> Style:
        """The ink of a cell."""
        return self._style(ink(column, kind), is_ink=True)

    def _style(self, name: str, *, is_ink: bool = False) -> Style:
        """A component's style, or only its ink without the ground; remembered until the theme changes."""
        key = f"{name}/{is_ink}"
        if key not in self._styles_by_name:
            style = self.get_component_rich_style(f"run-table--{name}")
            self._styles_by_name[key] = style.without_color + Style(color=style.color) if is_ink else style
        return self._styles_by_name[key]

    def _empty_words(self, width: int) -> list[str]:
        """Why there is no row, and what to do about it, in as many lines as the width takes."""
        if self._board.order:
            words = [""]  # there are rows, and the next flush shows them
        elif self._board.runs:
            words = ["No run matches.", "Esc clears the filter."]
        elif self.reading:
            words = ["Reading the runs…"]
        else:
            words = ["No runs yet.", "Start one: runboard run -- make test"]
        together = " ".join(words)
        return [together] if len(together) <= width else words

    def notify_style_update(self) -> None:
        """Forget styles of the old theme or focus."""
        super().notify_style_update()
        self._styles_by_name.clear()

    # Events and actions.

    def on_mount(self) -> None:
        """Take over what the Board already has."""
        self._show_columns(list(self._board.runs.values()))
        self.reorder()

    def on_resize(self) -> None:
        """Place the columns anew and keep the cursor in sight."""
        self._lay_out()
        self._scroll_to_row(min(max(self.scroll_offset.y, self._spot - self.size.height + 2), self._spot))

    def on_click(self, event: events.Click) -> None:
        """A click chooses a run, a second one opens it."""
        spot = event.y - 1 + self.scroll_offset.y
        if event.y >= 1 and spot < len(self._order):
            self._go(spot)
            if event.chain == 2:
                self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Nothing can be opened where there is nothing."""
        return action != "open" or self.cursor is not None

    def action_move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._go(self._spot + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self._go(self._spot + by * max(1, self.size.height - 2))

    def action_first(self) -> None:
        """Move the cursor to the first run."""
        self._go(0)

    def action_last(self) -> None:
        """Move the cursor to the last run."""
        self._go(len(self._order) - 1)

    def action_open(self) -> None:
        """Open the run under the cursor."""
        if self.cursor is not None:
            self.post_message(self.Opened(self.cursor))
