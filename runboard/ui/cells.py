"""Text into cells: which columns fit a width, where each stands, and a text cut or padded to exactly its cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from runboard.columns import Column

NARROW = 60
"""Below so many cells columns stand one cell apart instead of two."""

_LEAST = {"name": 16, "reason": 20}
_COMFORT = {"name": 26, "reason": 26}
_NICE = 4
"""Columns of this rank or above are shown only where the name and the reason still have their comfort."""

_REASON_MOST = 46

_ABUNDANCE = {"name": 26, "reason": 40}
_SPARE = 10
"""Columns of this rank or above are shown only where there is room in abundance."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A column in its place: its first cell and how many it has."""

    column: Column
    x: int
    width: int


def lay_out(columns: Iterable[Column], width: int, *, chosen: bool = False) -> tuple[Slot, ...]:
    """Place columns in so many cells: the least important go until the rest fit, the name takes what is left.

    Columns that somebody has ``chosen`` go only where there is no room at all.
    """
    kept = list(columns)
    gap = 1 if width < NARROW else 2
    for least_rank, needs in ((1, _LEAST),) if chosen else ((_SPARE, _ABUNDANCE), (_NICE, _COMFORT), (1, _LEAST)):
        while _room(kept, width, gap, needs) < 0 and (going := [one for one in kept if one.rank >= least_rank]):
            kept.remove(max(going, key=lambda column: column.rank))
    room = _room(kept, width, gap, _LEAST)
    least = {column.key: column.width or _LEAST.get(column.key, 8) for column in kept}
    spare = max(0, room)
    elastic = [column.key for column in kept if not column.width]
    if {"reason", "name"} <= set(elastic):
        together = spare + least["name"] + least["reason"]
        least["reason"] = max(least["reason"], min(together // 2, _REASON_MOST))
        least["name"] = together - least["reason"]
    elif elastic:
        least[elastic[0]] = max(1, least[elastic[0]] + room)
    slots, x = [], 1
    for column in kept:
        slots.append(Slot(column, x, least[column.key]))
        x += least[column.key] + gap
    return tuple(slots)


def fit(text: str, width: int, align: str = "left") -> str:
    """A text in exactly so many cells: padded as its alignment says, or cut with an ellipsis."""
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    left = {"right": width - length, "center": (width - length) // 2}.get(align, 0)
    return " " * left + text + " " * (width - length - left)


def cut(text: str, width: int) -> str:
    """A text in at most so many cells, its beginning kept."""
    return fit(text, width) if cell_len(text) > width else text


def cut_start(text: str, width: int) -> str:
    """A text in at most so many cells, its end kept: for paths."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[1:]
    return "…" + text if width > 0 else ""


def _room(columns: list[Column], width: int, gap: int, needs: dict[str, int]) -> int:
    """How many cells are left when every column has what it needs; negative where they do not fit."""
    taken = sum(column.width or needs.get(column.key, 8) for column in columns)
    return width - 2 - taken - gap * (len(columns) - 1)
