"""Filters side by side in one line: all, running, failed, and those that a person has saved; pure, for every screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

GENERAL = {"All": "", "Running": "status:running", "Failed": "status:failed"}
"""The filters that everybody has, by their names."""

GAP = 3


class Tab(NamedTuple):
    """One name in the line: its first cell, and the name of its colour."""

    name: str
    x: int
    ink: str


def tabs(filters: Mapping[str, str]) -> dict[str, str]:
    """All filters that there are, by their names; the general ones stand first and mean what they say."""
    return GENERAL | {name: text for name, text in filters.items() if name not in GENERAL}


def present(names: Mapping[str, str], text: str) -> str | None:
    """The name of the filter that this text is; None where it has none."""
    words = text.split()
    return next((name for name, filter_text in names.items() if filter_text.split() == words), None)


def line(names: Sequence[str], chosen: str | None, width: int) -> list[Tab]:
    """As many names as fit, the chosen one among them: where it would not fit, the first ones go."""
    first = 0
    if chosen is not None:
        while first < names.index(chosen) and _length(names[first : names.index(chosen) + 1]) > width:
            first += 1
    shown, x = list[Tab](), 0
    for name in names[first:]:
        if x + cell_len(name) > width and shown:
            break
        shown.append(Tab(name, x, "accent" if name == chosen else "faint"))
        x += cell_len(name) + GAP
    return shown


def _length(names: Sequence[str]) -> int:
    """The cells of names side by side."""
    return sum(cell_len(name) + GAP for name in names) - GAP
