"""Selecting in the log: lines with the keys, from character to character with the mouse, while it stands still."""

from __future__ import annotations

from textual import events

from runboard import logs
from runboard.safetext import strip_sgr
from runboard.ui.logkeys import LogKeys, at_end
from runboard.ui.loglooks import LogLooks
from runboard.ui.selection import Selection, column_of


class Picking(LogKeys):
    """What is selected are places in the file: they stay with their text, whatever the window shows."""

    def __init__(self, pane_id: str, looks: LogLooks) -> None:
        """Begin with nothing selected."""
        super().__init__(pane_id, looks)
        self._pressed: logs.Spot | None = None
        self._followed = False

    # What differs between panes.

    def _cell_at(self, line: logs.Line, x: int) -> int:
        """Which cell of a line's text stands in a column of the screen."""
        return x + line.first

    # Selecting.

    def _reach(self) -> None:
        """Lines are selected as far as the row one is at."""
        if self._selection is not None and self._selection.lines and (chosen := self._chosen) is not None:
            self._select(self._selection.to(logs.Spot(chosen.offset)))

    def _select(self, selection: Selection | None) -> None:
        """Have this selected, or nothing; while something is, nothing moves by itself."""
        if selection != self._selection:
            begun = (self._selection is None) != (selection is None)
            self._selection = selection
            if begun:
                self.post_message(self.Held(selection is not None))
                self.refresh_bindings()
            self._refresh_title()
            self.refresh()

    def action_select(self) -> None:
        """Begin to select lines with the one one is at, or give it up."""
        lines = self._window.lines if self._window else ()
        if self._selection is not None or not lines:
            self._select(None)
            return
        if self._only is None:
            found = [row for row, line in enumerate(lines) if line.offset == self._at]
            self._row = found[0] if found else len(lines) - 1 if at_end(self._window) else 0
        spot = logs.Spot(lines[min(self._row, len(lines) - 1)].offset)
        self._select(Selection(spot, spot, lines=True))

    def action_copy(self) -> None:
        """Have what is selected copied, else the line that is chosen."""
        if self._selection is not None:
            self.post_message(self.Copying(*self._selection.ends))
            self._select(None)
        elif (chosen := self._chosen) is not None:
            self.post_message(self.Copying(logs.Spot(chosen.offset), logs.Spot(chosen.offset, None)))

    # The mouse.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whoever presses on a line may be about to select, so it stays there; at the left edge, to move that edge."""
        if event.button == 1 and event.x > 0 and (spot := self._spot_at(event.x, event.y)) is not None:
            event.stop()
            self.capture_mouse()
            self._pressed, self._followed = spot, self._at_end
            if self._selection is not None and not self._selection.lines:
                self._select(None)
            if self._selection is None:
                self.post_message(self.Held(True))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What the mouse is drawn over is selected; past an edge, the lines move along.

        A button that is up by now was let go where nobody told us.
        """
        if not event.button:
            self.on_mouse_up()
        if self._pressed is None:
            return
        if event.y < 1 or event.y > self.rows:
            self.post_message(self.Moved(-1 if event.y < 1 else 1))
        spot = self._spot_at(event.x, max(1, min(event.y, self._shown)))
        if spot is not None and (spot != self._pressed or self._selection is not None):
            self._select(Selection(self._pressed, spot, lines=False))

    def on_mouse_up(self) -> None:
        """What is selected stays so; where that is nothing, all goes on as it did."""
        if self._pressed is not None:
            self._pressed = None
            self.release_mouse()
            if self._selection is None:
                self.post_message(self.Held(False))
                if self._followed:
                    self.post_message(self.Moved(to="end"))

    @property
    def _shown(self) -> int:
        """How many rows there are to see."""
        return len(self._window.lines) if self._window else 0

    def _spot_at(self, x: int, y: int) -> logs.Spot | None:
        """The place in the log that stands at a place on the screen."""
        if self._window is None or not 1 <= y <= self._shown:
            return None
        line = self._window.lines[y - 1]
        return logs.Spot(line.offset, column_of(strip_sgr(line.text), max(0, self._cell_at(line, x))))


def told(copied: logs.Copied) -> str:
    """What has come into the clipboard."""
    if not copied.text:
        return "Nothing to copy"
    count = f"{copied.lines:,} line{'s' * (copied.lines != 1)}"
    if copied.cut:
        return f"The first {count} are in the clipboard; there is more, and terminals take {logs.COPY_MOST:,} bytes"
    return f"{count} {'are' if copied.lines != 1 else 'is'} in the clipboard"
