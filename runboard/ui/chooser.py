"""The columns in a list: shown or not, moved, made wider; the table behind follows at once, Enter keeps it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runboard.columns import COLUMNS
from runboard.ui.arrangement import FIXED, NARROWEST, WIDEST
from runboard.ui.arriving import Arriving
from runboard.ui.keys import key_of

_BY_KEY = {column.key: column for column in COLUMNS}
_CELLS = 14
"""Cells of a title in the list."""


@dataclass
class Wish:
    """The columns as somebody wants them: all in their order, those that are shown, and widths that were set.

    While it is ``automatic``, the board chooses by what the runs fill.
    """

    order: list[str]
    shown: set[str]
    widths: dict[str, int] = field(default_factory=dict)
    automatic: bool = True

    @classmethod
    def of(cls, keys: tuple[str, ...], present: list[str], widths: Mapping[str, int]) -> Wish:
        """What is wanted now: ``keys`` as chosen, none where it is automatic and these are ``present``."""
        chosen = list(keys) or [key for key in _BY_KEY if key in present]
        order = [*keys, *(key for key in _BY_KEY if key not in keys)]
        return cls(order, set(chosen), dict(widths), not keys)

    @property
    def keys(self) -> list[str]:
        """The columns to show in their order; none where the board is to choose."""
        return [] if self.automatic else [key for key in self.order if key in self.shown]

    def toggle(self, key: str) -> None:
        """Show it, or do not."""
        if key != FIXED:
            self.automatic = False
            self.shown ^= {key}

    def move(self, key: str, by: int) -> None:
        """Put it before or behind its neighbour; the first one stays."""
        at = self.order.index(key)
        if key != FIXED and 1 <= at + by < len(self.order):
            self.automatic = False
            self.order.insert(at + by, self.order.pop(at))

    def widen(self, key: str, width: int) -> None:
        """Give it so many cells."""
        if key != FIXED:
            self.widths[key] = min(max(NARROWEST, width), WIDEST)


class Keys(Widget):
    """What the keys do, as they are now; a click on one does it."""

    ALLOW_SELECT = False
    LINES: ClassVar = (
        (("toggle", "show"), ("move-up", "move-down", "move"), ("narrower", "wider", "width")),
        (("automatic", "automatic"), ("keep", "keep"), ("leave", "back")),
    )

    def __init__(self) -> None:
        """Begin with nothing painted, and nowhere to click."""
        super().__init__(id="columns-keys")
        self._spans: list[tuple[int, range, str]] = []

    def render(self) -> Content:
        """Each key and, behind those that belong together, what they do."""
        self._spans.clear()
        return Content("\n").join(self._line(y, line) for y, line in enumerate(self.LINES))

    def _line(self, y: int, line: tuple[tuple[str, ...], ...]) -> Content:
        """One line; the word belongs to the last of its keys."""
        parts, x = [], 0
        for *names, word in line:
            for name in names:
                shown, told = key_of(self.app, f"columns.{name}"), f" {word}   " if name == names[-1] else " "
                parts += [(shown, "$foreground"), (told, "$quiet")]
                self._spans.append((y, range(x, x + len(shown) + len(told.rstrip())), f"columns.{name}"))
                x += len(shown) + len(told)
        return Content.assemble(*parts).rstrip()

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does that was clicked."""
        at = event.get_content_offset(self)
        actions = {binding.id: binding.action for binding in ColumnChooser.BINDINGS if isinstance(binding, Binding)}
        for y, cells, name in self._spans:
            if at is not None and at.y == y and at.x in cells:
                await self.screen.run_action(actions[name])


class ColumnChooser(Arriving, ModalScreen[bool], inherit_bindings=False):
    """Gives back whether the columns are to be kept as they are shown now."""

    BINDING_GROUP_TITLE = "Columns"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", id="columns.keep", priority=True),
        Binding("escape,q,c", "leave", "back", id="columns.leave"),
        Binding("space", "pick", "show", id="columns.toggle", priority=True),
        Binding("right_square_bracket,shift+down,alt+down,J", "carry(1)", "down", id="columns.move-down"),
        Binding("left_square_bracket,shift+up,alt+up,K", "carry(-1)", "move", id="columns.move-up"),
        Binding("right,l", "widen(1)", "wider", id="columns.wider", priority=True),
        Binding("left,h", "widen(-1)", "width", id="columns.narrower", priority=True),
        Binding("0", "reset", "automatic", id="columns.automatic"),
        Binding("down,j", "move(1)", "Next column", show=False, id="columns.down", priority=True),
        Binding("up,k", "move(-1)", "Previous column", show=False, id="columns.up", priority=True),
    ]

    entries = query_one(OptionList)

    def __init__(self, wish: Wish, show: Callable[[Wish], Mapping[str, int]]) -> None:
        """Begin with what is wanted now; ``show`` shows it, and tells which have room and how many cells."""
        super().__init__()
        self._wish = wish
        self._show = show
        self._placed: Mapping[str, int] = {}
        self._at = 0

    def compose(self) -> ComposeResult:
        """A title, the list, and what the keys do."""
        with Vertical(classes="dialog"):
            yield Static(Content("Columns"), classes="dialog-title")
            yield OptionList(compact=True)
            yield Keys()

    def on_mount(self) -> None:
        """Show the list as it is."""
        self._tell()

    def _tell(self) -> None:
        """Show what is wanted now, in the table and in the list."""
        self._placed = self._show(self._wish)
        entries = self.entries
        entries.set_options([Option(self._line(key), id=key) for key in self._wish.order])
        entries.highlighted = self._at

    def _line(self, key: str) -> Content:
        """One column: whether it is shown, its title, and how wide it is."""
        wish = self._wish
        on = key in wish.shown
        told, ink = "", "$quiet"
        if key == FIXED:
            told = "always"
        elif on and key not in self._placed:
            told = "no room"
        elif on:
            told, ink = f"{self._placed[key]}", "$accent" if key in wish.widths else "$quiet"
        sign = ("✔ ", "$quiet" if key == FIXED else "$accent") if on else ("  ", "")
        title = f"{_BY_KEY[key].title:<{_CELLS}}"
        return Content.assemble(sign, (title, "$foreground" if on else "$quiet"), (f"{told:>8}", ink))

    @property
    def _key(self) -> str:
        """The column under the cursor."""
        return self._wish.order[self._at]

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The cursor goes where the mouse or a key has put it."""
        event.stop()
        if event.option_id == self._wish.order[event.option_index]:
            self._at = event.option_index

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click shows a column or does not."""
        event.stop()
        self._at = event.option_index
        self.action_pick()

    def action_move(self, by: int) -> None:
        """Look at another column; the list ends at its ends."""
        self._at = min(max(0, self._at + by), len(self._wish.order) - 1)
        self.entries.highlighted = self._at

    def action_pick(self) -> None:
        """Show the column, or do not."""
        self._wish.toggle(self._key)
        self._tell()

    def action_carry(self, by: int) -> None:
        """Move the column, and the cursor with it."""
        key = self._key
        self._wish.move(key, by)
        self._at = self._wish.order.index(key)
        self._tell()

    def action_widen(self, by: int) -> None:
        """Give the column a cell more or less."""
        if (width := self._placed.get(self._key)) is not None:
            self._wish.widen(self._key, width + by)
            self._tell()

    def action_reset(self) -> None:
        """Leave the columns and their widths to the board."""
        placed = self._show(Wish([], set()))
        self._wish = Wish.of((), list(placed), {})
        self._at = min(self._at, len(self._wish.order) - 1)
        self._tell()

    def action_keep(self) -> None:
        """Keep it so."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.dismiss(False)
