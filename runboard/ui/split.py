"""The table and the pane, one below the other or side by side, with a divider that keys and the mouse move."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from textual import events
from textual.app import ComposeResult
from textual.containers import Container

from runboard.ui.remembrance import Remembrance
from runboard.ui.runpane import RunPane
from runboard.ui.table import RunTable

KEY = "split"
"""Under which it is remembered."""

WIDE = 180
"""From so many cells on they stand side by side, where nobody has chosen."""

STEP, LEAST, MOST = 5, 20, 80
"""Per cent of the room that the table gets: in which steps with the keys, and from what to what."""

USUAL = {"below": 45, "beside": 60}

_STANDS = ("-below-", "-beside-")
"""How a class begins that says which share the table has."""


class Split(Container):
    """Both parts; there is a class for each share, and a rule for those that were wanted."""

    def __init__(self, table: RunTable, run_pane: RunPane, remembrance: Remembrance) -> None:
        """Begin as it was left."""
        super().__init__(id="panes", classes="-split")
        self.table = table
        self.run_pane = run_pane
        self._remembrance = remembrance
        kept = remembrance.get(KEY)
        told: Mapping[object, object] = kept if isinstance(kept, Mapping) else {}
        chosen = told.get("chosen")
        self._chosen = chosen if isinstance(chosen, str) and chosen in USUAL else None
        self._shares = {way: _share(told.get(way), usual) for way, usual in USUAL.items()}
        self._grabbed = False

    def compose(self) -> ComposeResult:
        """The table first; what is inside is styled once, for it stands as it was left already."""
        self._arrange()
        yield self.table
        yield self.run_pane

    @property
    def way(self) -> str:
        """``below`` or ``beside``: as chosen, else as the width suggests."""
        return self._chosen or ("beside" if self.app.size.width >= WIDE else "below")

    @property
    def share(self) -> int:
        """Per cent of the room for the table."""
        return self._shares[self.way]

    @property
    def movable(self) -> bool:
        """Whether both can be seen."""
        return bool(self.table.region.area and self.run_pane.region.area)

    def turn(self) -> None:
        """Put the pane on the other side."""
        self._chosen = "below" if self.way == "beside" else "beside"
        self._arrange()
        self._keep()

    def resize(self, by: int) -> None:
        """Give the pane so many steps more of the room."""
        self._set((round(self.share / STEP) - by) * STEP)
        self._keep()

    def _set(self, share: int) -> None:
        """Give the table this share, as far as both can still be used."""
        self._shares[self.way] = _share(share, self.share)
        self._arrange()

    def _arrange(self) -> None:
        """Stand as chosen."""
        stands = f"-{self.way}-{self.share}"
        if self.has_class(stands):
            return
        size = f"height: 1fr; width: {self.share}%" if self.way == "beside" else f"height: {self.share}%"
        rule = f"#panes.{stands} > RunTable {{ {size}; }}"
        self.app.stylesheet.add_source(rule, read_from=(__file__, KEY))
        self.remove_class("-beside", *(name for name in self.classes if name.startswith(_STANDS)), update=False)
        self.add_class(stands, *(["-beside"] if self.way == "beside" else []))

    def _keep(self) -> None:
        """Remember how they stand."""
        self._remembrance.keep(KEY, {"chosen": self._chosen, **self._shares})

    # Events.

    def on_resize(self) -> None:
        """Another width may suggest another way."""
        self._arrange()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whoever presses on the edge of the pane may move it."""
        edge = self.run_pane.region
        beside = self.way == "beside"
        self._grabbed = self.movable and (event.screen_x == edge.x if beside else event.screen_y == edge.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The edge goes where the mouse goes; a button that is up by now was let go where nobody told us."""
        if not event.button:
            self.on_mouse_up()
        elif self._grabbed:
            self.capture_mouse()
            here, room = event.screen_y - self.region.y, self.region.height
            if self.way == "beside":
                here, room = event.screen_x - self.region.x, self.region.width
            self._set(ceil(100 * here / max(1, room)))

    def on_mouse_up(self) -> None:
        """The edge stays."""
        if self._grabbed:
            self._grabbed = False
            self.release_mouse()
            self._keep()


def _share(value: object, usual: int) -> int:
    """A share with which both can still be used; the usual one for what is none."""
    if not isinstance(value, int) or isinstance(value, bool):
        return usual
    return max(LEAST, min(MOST, value))
