"""The keys of what has the focus, and those that work everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = 16
"""Cells of the keys."""

GROUPS = {"run": "The run", "board": "The board"}
"""What the keys that work everywhere are about, by the beginning of their ids."""


class Help(ModalScreen[None], inherit_bindings=False):
    """A list that goes away with any of the usual keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,enter,q,ctrl+c", "dismiss", "close", id="help.close"),
    ]
    AUTO_FOCUS = "VerticalScroll"

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        """List these bindings."""
        super().__init__()
        self._bindings_shown = list(bindings)

    def compose(self) -> ComposeResult:
        """The lists, one for each part of the screen."""
        with VerticalScroll(classes="dialog"):
            yield Static(self._content())

    def _content(self) -> Content:
        """Every action once, with all its keys."""
        groups: dict[str, dict[str, tuple[list[str], str]]] = {}
        for node, binding, enabled, tooltip in self._bindings_shown:
            text = tooltip or binding.description
            if text and enabled and not binding.system:
                kind = (binding.id or "").partition(".")[0]
                title = node.BINDING_GROUP_TITLE or GROUPS.get(kind, "Everywhere")
                group = groups.setdefault(title, {})
                keys, _ = group.setdefault(binding.action, ([], text))
                keys.append(self.app.get_key_display(binding))
        lines: list[Content] = []
        for title, actions in groups.items():
            lines += [Content("")] if lines else []
            lines.append(Content.styled(title, "bold"))
            for keys, text in actions.values():
                lines.append(Content.assemble((f"{'  '.join(dict.fromkeys(keys)):<{KEYS}}", "$accent"), text))
        return Content("\n").join(lines)
