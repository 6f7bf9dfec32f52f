"""The form that gives the present filter a name."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from runboard.safetext import clean
from runboard.ui.filtertabs import FilterTabs
from runboard.ui.form import Form


class FilterName(Form[str]):
    """Asks for the name of the present filter."""

    def __init__(self, filter_tabs: FilterTabs, text: str) -> None:
        """Name the filter ``text``."""
        super().__init__("Save this filter", Content(clean(text)))
        self._tabs = filter_tabs

    def rows(self) -> Iterator[Widget]:
        """One field."""
        yield self.field("name", "Name", placeholder="what stands in the line of filters")

    def made(self) -> str | None:
        """The name, if it can be one."""
        name = clean(self.value("name")).strip()
        if wrong := self._tabs.wrong(name):
            self.complain({"name": wrong})
            return None
        return name

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """There is nothing else to fill in."""
        event.stop()
        self.action_save()
