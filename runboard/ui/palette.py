"""The command palette: the board's own actions, those that can be done now, and nothing else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.app import SystemCommand
from textual.binding import Binding
from textual.command import CommandPalette, SearchIcon
from textual.dom import DOMNode
from textual.screen import Screen

from runboard.safetext import clean
from runboard.ui.arriving import Arriving


class Palette(Arriving, CommandPalette):
    """Textual's palette without its pictogram."""

    def on_mount(self) -> None:
        """Put a plain sign where the magnifying glass is."""
        self.query_one(SearchIcon).icon = "/"


UNSHOWN = frozenset(
    {
        *("board.find", "board.seen", "board.turn-pane", "board.larger-pane", "board.smaller-pane"),
        *("run.facts", "run.diff", "run.processes", "run.copy", "run.zoom", "table.mark-all", "table.mark-invert"),
    }
)
"""Keys that the last line has no room for, and that are offered here."""


def bare(text: str) -> str:
    """A text for the palette, which would take square brackets for markup."""
    return clean(text).replace("[", "(").replace("]", ")")


def commands(
    screen: Screen[object], key_of: Callable[[Binding], str], run: Callable[[str, DOMNode], Awaitable[bool]]
) -> Iterator[SystemCommand]:
    """What the keys of a screen do now: each action once, with its key unless what has the focus takes that."""
    offered: set[str] = set()
    active = screen.active_bindings
    for node, bindings in screen._modal_binding_chain:
        for key, binding in bindings:
            if not (binding.show or binding.id in UNSHOWN) or binding.action in offered:
                continue
            if screen.app._check_action_state(binding.action, node):
                offered.add(binding.action)
                shown = f"  {key_of(binding)}" if active[key].binding == binding else ""
                title = f"{binding.description.capitalize()}{shown}"
                yield SystemCommand(bare(title), bare(binding.tooltip), partial(run, binding.action, node))
