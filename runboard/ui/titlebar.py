"""The mouse on the table's titles: a click sorts, a drag moves a column, a drag of its right edge changes its width."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from textual import events
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.widget import Widget

from runboard.columns import HINTS
from runboard.ui.arrangement import FIXED, NARROWEST, WIDEST, Arrangement
from runboard.ui.cells import Slot
from runboard.ui.hover import hover

Titled = tuple[tuple[Slot, ...], tuple[str, ...]]
"""The columns whose titles are seen, in their places, and the keys of all that are shown where there is room."""


class _Grip(NamedTuple):
    """What was grabbed: a column by its title or by its edge, at which cell, and how all columns stood then.

    Places are told by how it all stood then: by how it stands now, a wide neighbour would swap to and fro.
    """

    slot: Slot
    edge: bool
    x: int
    slots: tuple[Slot, ...]
    keys: tuple[str, ...]


class TitleBar:
    """Arranges the columns as the mouse pulls at their titles."""

    def __init__(
        self, table: Widget, arrangement: Arrangement, titled: Callable[[], Titled], show: Callable[[], None]
    ) -> None:
        """Follow the mouse over ``table``: ``titled`` tells what is seen there, ``show`` shows the columns anew."""
        self._table = table
        self._arrangement = arrangement
        self._titled = titled
        self._show = show
        self._grip: _Grip | None = None
        self.dragged = False

    def at(self, x: int) -> str | None:
        """The column whose title is at a cell."""
        over = _over(self._titled()[0], x)
        return over.column.key if over is not None and x <= over.x + over.width else None

    def press(self, event: events.MouseDown) -> None:
        """Grab the column there."""
        self.dragged, self._grip = False, None
        slots, keys = self._titled()
        over = _over(slots, event.x) if event.y == 0 and event.button == 1 else None
        if over is not None:
            self._grip = _Grip(over, event.x >= over.x + over.width - 1, event.x, slots, keys)

    def move(self, event: events.MouseMove) -> None:
        """What is held goes where the mouse goes; a mouse that rests on a title is told what it means."""
        if self._grip is not None and (self.dragged or event.x != self._grip.x):
            self._pull(self._grip, event.x)
        title = self.at(event.x) if event.y == 0 and self._grip is None else None
        hover(self._table, HINTS.get(title, "") if title else "")

    def release(self) -> bool:
        """Let go; whether the columns were pulled at."""
        grip, self._grip = self._grip, None
        if grip is None or not self.dragged:
            return False
        self._table.release_mouse()
        return grip.slot.column.key != FIXED

    def _pull(self, grip: _Grip, x: int) -> None:
        """Have the column so wide, or in that place; the first one stays as it is."""
        if not self.dragged:
            self.dragged = True
            self._table.capture_mouse()
        arrangement = self._arrangement
        if grip.slot.column.key == FIXED:
            return
        if grip.edge:
            self._widen(grip, x)
        elif (moved := _moved(grip, x)) != self._titled()[1]:
            arrangement.set(moved, arrangement.widths)
            self._show()

    def _widen(self, grip: _Grip, x: int) -> None:
        """Give the column so many cells, or as many as drive none off the screen that was there."""
        arrangement, key = self._arrangement, grip.slot.column.key
        most = min(max(NARROWEST, grip.slot.width + x - grip.x), WIDEST, self._table.size.width)
        for width in range(most, min(most, grip.slot.width) - 1, -1):
            arrangement.set(arrangement.keys, {**arrangement.widths, key: width})
            self._show()
            if {slot.column.key for slot in self._titled()[0]} >= {slot.column.key for slot in grip.slots}:
                break


class TitledView(ScrollView):
    """A view under titles, at which the mouse pulls."""

    class Arranged(Message):
        """The mouse has arranged the columns."""

    _titles: TitleBar

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whoever presses on a title may pull at its column."""
        self._titles.press(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What is held goes where the mouse goes; a button that is up by now was let go where nobody told us."""
        if not event.button:
            self.on_mouse_up()
        self._titles.move(event)

    def on_mouse_up(self) -> None:
        """The column stays there."""
        if self._titles.release():
            self.post_message(self.Arranged())


def _over(slots: tuple[Slot, ...], x: int) -> Slot | None:
    """The column at a cell, to which the gap behind it belongs."""
    return next((slot for slot in reversed(slots) if slot.x <= x), None)


def _moved(grip: _Grip, x: int) -> tuple[str, ...]:
    """The columns with the grabbed one where the mouse is; before the first there is no place."""
    key = grip.slot.column.key
    target = (_over(grip.slots, x) or grip.slots[0]).column.key
    keys = list(grip.keys)
    at = max(1, keys.index(target))
    keys.remove(key)
    keys.insert(at, key)
    return tuple(keys)
