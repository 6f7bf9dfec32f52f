"""The line of saved filters: one key or a click goes to the next; a filter is saved under a name, and forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from rich.cells import cell_len
from textual import events
from textual.app import SystemCommand
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from runboard.query import BadQuery, Query
from runboard.safetext import clean
from runboard.ui.palette import bare
from runboard.ui.remembrance import Remembrance
from runboard.ui.tabline import GENERAL, line, present, tabs
from runboard.ui.taste import Taste

KEY = "board.filters"
"""Under which the saved ones are remembered."""

LONGEST = 24
"""Cells of a name."""


class FilterTabs(Widget):
    """The filters of the settings and those that were saved; knows which of them is the present one."""

    ALLOW_SELECT = False

    class Chosen(Message):
        """Another filter was chosen."""

        def __init__(self, text: str) -> None:
            """Say which."""
            super().__init__()
            self.text = text

    def __init__(self, taste: Taste, remembrance: Remembrance) -> None:
        """Begin with no filter."""
        super().__init__(id="tabs")
        self._remembrance = remembrance
        self._set = _usable(taste.filters if KEY in taste.settled else {})
        self._saved = {name: text for name, text in _usable(remembrance.get(KEY)).items() if name not in self._set}
        self._text = ""
        self._dress()

    @property
    def names(self) -> dict[str, str]:
        """Every filter by its name."""
        return tabs(self._set | self._saved)

    def tell(self, text: str) -> None:
        """Say what the filter is now."""
        self._text = text
        self.refresh()

    def step(self, by: int) -> None:
        """Go to the next filter or the one before; from one without a name to the first or the last."""
        names = list(self.names)
        now = present(self.names, self._text)
        spot = names.index(now) + by if now is not None else (0 if by > 0 else -1)
        self.choose(names[spot % len(names)])

    def choose(self, name: str) -> None:
        """Go to a filter."""
        self.post_message(self.Chosen(self.names.get(name, "")))

    def save(self, name: str) -> None:
        """Remember the present filter under a name."""
        self._keep(self._saved | {name: self._text.strip()})

    def forget(self, name: str) -> None:
        """Remember it no more."""
        self._keep({one: text for one, text in self._saved.items() if one != name})

    def commands(self) -> Iterator[SystemCommand]:
        """The palette's entries."""
        for name, text in self.names.items():
            yield SystemCommand(bare(f"Show {name}"), bare(text) or "Every run", partial(self.choose, name))
        for name, text in self._saved.items():
            yield SystemCommand(bare(f"Forget the filter {name}"), bare(text), partial(self.forget, name))

    def wrong(self, name: str) -> str | None:
        """What is wrong with a name for the present filter, in a sentence."""
        if not name:
            return "A filter needs a name."
        if cell_len(name) > LONGEST:
            return f"At most {LONGEST} cells."
        if name in GENERAL:
            return f"{name} is there already."
        return "It is set in your config file." if name in self._set else None

    def render(self) -> Content:
        """The names."""
        parts, x = list[str | tuple[str, str]](), 0
        for tab in line(list(self.names), present(self.names, self._text), max(0, self.size.width)):
            lined = " underline" if tab.ink == "accent" and self.app.no_color else ""  # else nothing would tell it
            parts += [" " * (tab.x - x), (tab.name, f"${tab.ink}{lined}")]
            x = tab.x + cell_len(tab.name)
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Go to the filter that was clicked."""
        at = event.get_content_offset(self)
        for tab in line(list(self.names), present(self.names, self._text), max(0, self.size.width)):
            if at is not None and tab.x <= at.x < tab.x + cell_len(tab.name):
                self.choose(tab.name)

    def _keep(self, saved: dict[str, str]) -> None:
        """Remember these."""
        self._saved = saved
        self._remembrance.keep(KEY, saved or None)
        self._dress()
        self.refresh()

    def _dress(self) -> None:
        """Where there is little room, the line is there for who has filters of their own."""
        self.set_class(len(self.names) > len(GENERAL), "-own")


def _usable(kept: object) -> dict[str, str]:
    """What was remembered, as far as it can be understood."""
    found = {}
    for name, text in kept.items() if isinstance(kept, Mapping) else ():
        if isinstance(name, str) and isinstance(text, str) and clean(name) not in GENERAL:
            try:
                Query.parse(text)
            except BadQuery:
                continue
            found[clean(name)] = text
    return found
