"""The table of runs: rows live in the Board, the cursor sits on a run's id, only lines that differ are painted."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from runboard.board import Board
from runboard.model import Status
from runboard.order import Delta, Key
from runboard.ui.arrangement import Arrangement
from runboard.ui.marks import Marks
from runboard.ui.ordering import Ordering
from runboard.ui.painting import Painting
from runboard.ui.places import Places
from runboard.ui.rows import Fresh, Line, Rows, difference
from runboard.ui.tablekeys import TABLE_KEYS
from runboard.ui.titlebar import TitleBar, TitledView
from runboard.ui.welcome import empty_line


class RunTable(TitledView, can_focus=True, inherit_bindings=False):
    """The visible runs of a Board, of which only those on the screen are ever looked at."""

    BINDING_GROUP_TITLE = "Runs"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = TABLE_KEYS
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "run-table--header",
        "run-table--sorted",
        "run-table--cursor",
        "run-table--empty",
        "run-table--mark",
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

    class Marked(Message):
        """Other runs are marked."""

    def __init__(
        self, board: Board, clock: Callable[[], float], stopping: Collection[str], arrangement: Arrangement
    ) -> None:
        """Show ``board`` at the time that ``clock`` tells (epoch seconds); ``stopping`` are ids asked to end."""
        super().__init__(id="runs")
        self.cursor: str | None = None
        self.reading = True
        self.marks = Marks(board)
        self._board = board
        self._rows = Rows(clock, stopping)
        self.arrangement, self.places = arrangement, Places(arrangement)
        self.ordering = Ordering(board, self.places.shown, clock, self.reorder, arrangement)
        self._titles = TitleBar(self, arrangement, lambda: self.places.titled(empty=not board.total), self.show_columns)
        self._spot = 0
        self._key: Key = ()
        self._pinned, self._measured = False, Size(0, 0)
        self._painted: dict[int, Line] = {}
        self._fresh = Fresh()
        self._painting = Painting(self)

    # What is told to the table.

    def take(self, delta: Delta) -> None:
        """Show what a batch changed."""
        self.marks.tidy(delta.changed)
        if delta.reordered:
            self._relocate()
        self._show_columns()
        self.flush(None if delta.reordered else delta.changed)

    def reorder(self) -> None:
        """Take over the Board's order, as after a change of its filter or its sorting."""
        self.marks.tidy()
        self._relocate()
        self.refresh(Region(0, 0, self.size.width, 1))
        self.flush()

    def loaded(self) -> None:
        """The first listing is complete: from here on the cursor stays on its run."""
        self.reading = False
        self._pinned = True
        self.places.forget()
        self._lay_out()
        self.flush()

    def go_to(self, run_id: str) -> None:
        """Put the cursor on a run, if it is in the list."""
        if (spot := self._board.index_of(run_id)) is not None:
            self._go(spot)

    @property
    def held(self) -> str | None:
        """The run that somebody may look at: the one under the cursor, once the cursor stays on its run."""
        return self.cursor if self._pinned else None

    @property
    def cursor_line(self) -> int:
        """On which line of the screen the cursor is."""
        return self.region.y + 1 + self._spot - self.scroll_offset.y

    @property
    def on_screen(self) -> list[str]:
        """The ids of the rows on the screen."""
        return [line.run_id for line in self._painted.values()]

    def flush(self, among: Collection[str] | None = None) -> None:
        """Paint what differs from what is on the screen, and nothing else; only lines of those ``among`` can differ."""
        width, height = self.size
        self._fresh.forget()
        changed, wider, shown = [], False, self._board.stretch(self.scroll_offset.y, height - 1)
        for y in range(1, height) if among is None else (y for y, one in enumerate(shown, 1) if one in among):
            now, before = self._line(y), self._painted.get(y)
            if now != before:
                wider |= now is not None and self.places.see(now.texts)
                changed.append(difference(self.places.slots, y, width, before, now))
                self._fresh.keep(y, now)
        if wider:
            self._lay_out()
        elif changed:
            self.refresh(*changed)

    def _show_columns(self) -> None:
        """Add the columns that some run is the first to fill; a column that is there stays."""
        if self.places.fill(self._board.filled):
            self.show_columns()

    def show_columns(self) -> None:
        """Show the columns that were chosen, or those that the runs fill."""
        self.places.choose()
        self._lay_out()

    def _lay_out(self) -> None:
        """Place the columns in the present width."""
        self.places.lay_out(self.size.width)
        self._rows.lay_out(self.places.slots)
        self._painting.lay_out(self.places.slots, self.size.width)
        self._painted.clear()
        self._fresh.forget()
        self.refresh()

    # The order and the cursor.

    def _relocate(self) -> None:
        """Take over a new order: the cursor stays on its run and, where it can, the screen stays where it is."""
        top, rows, old_spot = self.scroll_offset.y, max(1, self.size.height - 1), self._spot
        anchor = None if self.cursor is None or top <= old_spot < top + rows else self._first_painted()
        cursor = self._settle_cursor()
        if self.virtual_size.height != len(self._board) + 1:
            self.virtual_size = Size(0, len(self._board) + 1)
        row, line = anchor or (self._spot, old_spot - top)
        # At the very top newcomers shall be seen, so the list moves only if the cursor would leave the screen.
        if top > 0 or self._spot >= rows:
            self._scroll_to_row(row - line)
        if cursor != self.cursor:
            self.cursor = cursor
            self.post_message(self.Highlighted(cursor))

    def _settle_cursor(self) -> str | None:
        """The run the cursor is on in the new order: its own, or when that is gone its nearest neighbour."""
        board = self._board
        spot: int | None = 0
        if self.cursor is not None and self._pinned:
            spot = board.index_of(self.cursor)
            if spot is None:
                spot = board.spot(self._key)
        return self._keep(min(spot or 0, len(board) - 1))

    def _keep(self, spot: int) -> str | None:
        """Remember the place of the cursor, and the key by which it is found again should its run go."""
        if spot < 0:
            self._spot, self._key = 0, ()
            return None
        run_id = self._board.at(spot)
        self._spot, self._key = spot, self._board.key(run_id)
        return run_id

    def _first_painted(self) -> tuple[int, int] | None:
        """The place of the first run on the screen that is still there, and on which line it was painted."""
        for y, line in sorted(self._painted.items()):
            if (spot := self._board.index_of(line.run_id)) is not None:
                return spot, y - 1
        return None

    def _scroll_to_row(self, row: int) -> None:
        """Make a row the first one on the screen, as far as the list reaches."""
        last_top = max(0, len(self._board) + 1 - self.size.height)
        row = min(max(0, row), last_top)
        if row != self.scroll_offset.y:
            self.scroll_to(y=row, animate=False, immediate=True)

    def _go(self, spot: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        if not len(self._board):
            return
        self._pinned = True
        cursor = self._keep(min(max(0, spot), len(self._board) - 1))
        top, rows = self.scroll_offset.y, max(1, self.size.height - 1)
        if not top <= self._spot < top + rows:
            self._scroll_to_row(self._spot if self._spot < top else self._spot - rows + 1)
        if self.cursor != cursor:
            self.cursor = cursor
            self.post_message(self.Highlighted(cursor))
        self.flush()

    # Painting.

    def _line(self, y: int, *, lately: bool = False) -> Line | None:
        """What the line at a height of the screen shows now, or did ``lately``; None where there is no row."""
        spot = self.scroll_offset.y + y - 1
        if lately and (line := self._fresh.take(y)) and self._board.stretch(spot, 1) == [line.run_id]:
            return line
        run = self._board.get(self._board.at(spot)) if spot < len(self._board) else None
        if run is None:
            return None
        return self._rows.line(run, self._board, under_cursor=run.id == self.cursor, marked=run.id in self.marks)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Lines as they go out: there is nothing around them that Textual would have to paint, only its filters."""
        filters, ground = self.get_line_filters(), self.background_colors[1]
        first, end = crop.column_span
        strips = []
        for y in crop.line_range:
            line = self._line(y, lately=True) if y > 0 and (first or end < self.size.width) else None
            if line is None:
                strip = self.render_line(y).crop(first, end)
            else:
                self._painted[y] = line
                strip = self._painting.part(line, first, end)
            for one in filters:
                strip = strip.apply_filter(one, ground)
            strips.append(strip)
        return strips

    def render_line(self, y: int) -> Strip:
        """Paint one line of the screen: the header, a row, a word about why there is none, or nothing."""
        if y == 0:
            return self._painting.header(self._board.sorting) if self._board.total else self._painting.blank()
        line = self._line(y)
        if line is None:
            self._painted.pop(y, None)
            return self._painting.word(empty_line(self.app, self._board, self.size, y, reading=self.reading))
        self._painted[y] = line
        return self._painting.row(line)

    def notify_style_update(self) -> None:
        """Forget styles of the old theme or focus."""
        super().notify_style_update()
        self._painting.restyle()

    # Events and actions.

    def on_mount(self) -> None:
        """Take over what the Board already has; a first frame may have shown it, and the cursor on its first run."""
        self._show_columns()
        self.reorder()
        self._pinned = self.cursor is not None

    def on_resize(self) -> None:
        """Place the columns anew and keep the cursor in sight."""
        if self.size != self._measured:
            self._measured = self.size
            self.places.forget()
        self._lay_out()
        self.flush()
        self._scroll_to_row(min(max(self.scroll_offset.y, self._spot - self.size.height + 2), self._spot))

    def on_click(self, event: events.Click) -> None:
        """A click chooses a run, a second one opens it; one on a title sorts by its column."""
        spot = event.y - 1 + self.scroll_offset.y
        if event.y == 0 or self._titles.dragged:
            if (column := self._titles.at(event.x)) is not None and not self._titles.dragged:
                self.ordering.choose(column)
        elif spot < len(self._board):
            self._go(spot)
            if event.chain == 2:
                self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Nothing can be opened, marked or sorted where there is nothing."""
        return (action not in {"open", "mark"} or self.cursor is not None) and (
            action not in {"sort", "turn"} or self._board.total > 0
        )

    @property
    def lack(self) -> str:
        """Why there is no run under the cursor; empty where there is one."""
        return "" if self.cursor else "No run matches the filter" if self._board.total else "There is no run yet"

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002 - as check_action's
        """Why what cannot be done now cannot."""
        return self.lack

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
        self._go(len(self._board) - 1)

    def action_mark(self, how: str) -> None:
        """Mark runs, or take marks away."""
        self._go(self._spot + self.marks.do(how, self.cursor))
        self.post_message(self.Marked())

    def action_sort(self, by: int) -> None:
        """Sort by the next column to the right or left."""
        self.ordering.step(by)

    def action_turn(self) -> None:
        """Turn the order round."""
        self.ordering.turn()

    def action_open(self) -> None:
        """Open the run under the cursor."""
        if self.cursor is not None:
            self.post_message(self.Opened(self.cursor))
