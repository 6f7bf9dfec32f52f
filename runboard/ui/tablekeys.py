"""The keys of the table of runs."""

from __future__ import annotations

from textual.binding import Binding, BindingType

TABLE_KEYS: list[BindingType] = [
    Binding("down,j", "move(1)", "Next run", show=False, id="table.down"),
    Binding("up,k", "move(-1)", "Previous run", show=False, id="table.up"),
    Binding("space", "mark('toggle')", "mark it", show=False, tooltip="Mark it, or unmark it", id="table.mark"),
    Binding("shift+down", "mark('down')", "Mark it and go down", show=False, id="table.mark-down"),
    Binding("shift+up", "mark('up')", "Mark it and go up", show=False, id="table.mark-up"),
    Binding("V,ctrl+@", "mark('range')", "Mark from the last mark to here", show=False, id="table.mark-range"),
    Binding(
        "ctrl+a", "mark('all')", "choose all", show=False, tooltip="Mark all that match the filter", id="table.mark-all"
    ),
    Binding(
        "asterisk",
        "mark('invert')",
        "choose the others",
        show=False,
        tooltip="Mark the others instead",
        id="table.mark-invert",
    ),
    Binding("pagedown", "page(1)", "A page down", show=False, id="table.page-down"),
    Binding("pageup", "page(-1)", "A page up", show=False, id="table.page-up"),
    Binding("home,g", "first", "First run", show=False, id="table.first"),
    Binding("end,G", "last", "Last run", show=False, id="table.last"),
    Binding("less_than_sign", "sort(-1)", "Sort by the column before", show=False, id="table.sort-left"),
    Binding("greater_than_sign", "sort(1)", "Sort by the next column", show=False, id="table.sort-right"),
    Binding("o", "turn", "Turn the order round", show=False, id="table.turn"),
    Binding("enter", "open", "open", tooltip="Its log on the whole screen", id="table.open"),
]
"""What moves, marks, sorts and opens."""
