"""The themes in a list: the one under the cursor is worn at once, Enter keeps it, Escape does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from runboard.ui.arriving import Arriving


class Wardrobe(Arriving, ModalScreen[str | None], inherit_bindings=False):
    """Gives back the name of the theme that was chosen, None where none was."""

    BINDING_GROUP_TITLE = "Themes"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", id="themes.keep", priority=True),
        Binding("escape,q,T", "leave", "leave", id="themes.leave"),
        Binding("down,j", "move(1)", "Next theme", show=False, id="themes.down", priority=True),
        Binding("up,k", "move(-1)", "Previous theme", show=False, id="themes.up", priority=True),
    ]

    rack = query_one(OptionList)

    def __init__(self, names: list[str], worn: str, wear: Callable[[str], None]) -> None:
        """Offer these, of which one is worn; ``wear`` tries another one on."""
        super().__init__()
        self._names = names
        self._worn = worn
        self._wear = wear

    def compose(self) -> ComposeResult:
        """A title, the list, and what the keys do."""
        with Vertical(classes="dialog"):
            yield Static(Content("Theme"), classes="dialog-title")
            yield OptionList(*(Option(Content(name), id=name) for name in self._names), compact=True)

    def on_mount(self) -> None:
        """Begin at the one that is worn."""
        self.rack.highlighted = self._names.index(self._worn) if self._worn in self._names else 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Try it on."""
        event.stop()
        self._wear(str(event.option_id))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click chooses."""
        event.stop()
        self.dismiss(event.option_id)

    def action_move(self, by: int) -> None:
        """Look at another one; the list ends at its ends."""
        self.rack.highlighted = min(max(0, (self.rack.highlighted or 0) + by), len(self._names) - 1)

    def action_keep(self) -> None:
        """Keep the one that is worn now."""
        self.dismiss(self._names[self.rack.highlighted or 0])

    def action_leave(self) -> None:
        """Keep none."""
        self.dismiss(None)
