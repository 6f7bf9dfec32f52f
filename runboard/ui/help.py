"""The keys of what has the focus, and those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from runboard.ui.arriving import Arriving

KEYS = 15
"""Cells of the keys."""

ROOMY = 116
"""From so many cells on there are two columns."""

GROUPS = {"run": "The run", "board": "The board"}
"""What the keys that work everywhere are about, by the beginning of their ids."""


class Help(Arriving, ModalScreen[None], inherit_bindings=False):
    """A list that goes away with any of the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter,q", "dismiss", "close", id="help.close"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--key"}
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        """List these bindings."""
        super().__init__()
        self._bindings_shown = list(bindings)

    def compose(self) -> ComposeResult:
        """The lists: the keys of what has the focus, and beside or below them those that work everywhere."""
        self._arrange(self.app.size.width)
        with VerticalScroll(classes="dialog"), Container(id="help-lists"):
            yield Static(id="help-here")
            yield Static(id="help-everywhere")

    def on_mount(self) -> None:
        """Fill them."""
        lists = self._lists()
        for name, part in (("here", lists[:1]), ("everywhere", lists[1:])):
            for sheet in self.query(f"#help-{name}").results(Static):  # gone already where the board is being left
                sheet.update(self._sheet(part))

    def on_resize(self) -> None:
        """Stand as the new size suggests."""
        self._arrange(self.size.width)

    def _arrange(self, width: int) -> None:
        """Beside each other where there is room for that."""
        self.set_class(width >= ROOMY, "-beside")

    def _lists(self) -> list[tuple[str, list[tuple[list[str], str]]]]:
        """Every action once, with all its keys, in a list for each part of the screen."""
        groups: dict[str, dict[str, tuple[list[str], str]]] = {}
        for node, binding, enabled, tooltip in self._bindings_shown:
            text = tooltip or binding.description
            if text and enabled and not binding.system:
                kind = (binding.id or "").partition(".")[0]
                title = node.BINDING_GROUP_TITLE or GROUPS.get(kind, "Everywhere")
                group = groups.setdefault(title, {})
                keys, _ = group.setdefault(binding.action, ([], text))
                keys.append(self.app.get_key_display(binding))
        return [(title, [*actions.values()]) for title, actions in groups.items()]

    def _sheet(self, lists: Iterable[tuple[str, list[tuple[list[str], str]]]]) -> Table:
        """Keys at the left, and beside them what they do, in as many lines as that takes; lists one below the other."""
        ink = self.get_component_rich_style("help--key", partial=True)
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, min_width=KEYS - 2)
        table.add_column(overflow="fold")
        for at, (title, actions) in enumerate(lists):
            if at:
                table.add_row()
            table.add_row(Text(title, "bold"))
            for keys, text in actions:
                table.add_row(Text("  ".join(dict.fromkeys(keys)), ink), Text(text))
        return table
