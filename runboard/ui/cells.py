"""Text into cells: which columns fit a width, where each stands, and a text cut or padded to exactly its cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from runboard.columns import Column
from runboard.order import Sorting

RISING, FALLING = "▲", "▼"
"""Behind the title of the column that the rows are sorted by."""

NARROW = 60
"""Below so many cells columns stand one cell apart instead of two."""

NEED, NEED_AT = "!", 10
"""The mark of a run that needs somebody, and in which cell behind its status it stands."""

_LEAST = {"name": 16, "reason": 20, "last_line": 20}
_COMFORT = {"name": 26, "reason": 26, "last_line": 26}
_SHORT_NAME = 8
"""Cells that the name keeps where no name needs more and a reason does."""

_NICE = 4
"""Columns of this rank or above are shown only where the name and the reason still have their comfort."""

_MOST = {"last_line": 80, "reason": 46}
"""Cells of the columns that share what is left with the name, which takes all that is left then."""

GIVING = frozenset({"repo", "issue", "model", "persona", "tags", "engine"})
"""The columns that give cells which none of their texts needs to those whose texts are cut."""

GROWING: Mapping[str, int] = {"id": 24}
"""Columns that get more cells than theirs, at most so many, where their texts need them: other tools' ids are long."""

_BAR_ROOM = 5
"""Cells that the elapsed time gets more where nothing else needs them: for its bar beside a limit."""

_NOTHING: Mapping[str, int] = {}

_ABUNDANCE = {"name": 26, "reason": 40, "last_line": 40}
_SPARE = 10
"""Columns of this rank or above are shown only where there is room in abundance."""


class Slot(NamedTuple):
    """A column in its place: its first cell and how many it has."""

    column: Column
    x: int
    width: int


def lay_out(
    columns: Iterable[Column], width: int, *, chosen: bool = False, needed: Mapping[str, int] = _NOTHING
) -> tuple[Slot, ...]:
    """Place columns in so many cells: the least important go until the rest fit, the name takes what is left.

    Args:
        columns: Those that are wanted, in their order.
        width: The cells there are.
        chosen: Whether somebody has chosen them: they go only where there is no room at all.
        needed: The cells of the widest text of each, where that is known. Which columns stay does not depend on it.
    """
    kept = list(columns)
    gap = 1 if width < NARROW else 2
    for least_rank, needs in ((1, _LEAST),) if chosen else ((_SPARE, _ABUNDANCE), (_NICE, _COMFORT), (1, _LEAST)):
        while _room(kept, width, gap, needs) < 0 and (going := [one for one in kept if one.rank >= least_rank]):
            # What shows only where somebody wants it was wanted: what is there unasked makes room for it.
            kept.remove(max(going, key=lambda column: (not column.extra, column.rank)))
    cells = {column.key: column.width or _LEAST.get(column.key, 8) for column in kept}
    room = _room(kept, width, gap, _LEAST)
    if needed:
        for one in kept:
            if one.key in GIVING and not one.held:
                cells[one.key] = min(one.width, max(len(one.title), needed.get(one.key, 0)))
                room += one.width - cells[one.key]
        if "reason" in cells and "name" in cells and not any(one.held for one in kept if one.key == "name"):
            short = max(_SHORT_NAME, min(cells["name"], needed.get("name", 0)))
            room += cells["name"] - short
            cells["name"] = short
        room = _meet(kept, cells, room, needed)
    _share([column.key for column in kept if not column.width], cells, room)
    slots, x = [], 1
    for column in kept:
        slots.append(Slot(column, x, cells[column.key]))
        x += cells[column.key] + gap
    return tuple(slots)


def _meet(kept: list[Column], cells: dict[str, int], room: int, needed: Mapping[str, int]) -> int:
    """Give the columns that may grow what their texts need, or equal shares of it; what is left."""
    growing = {one.key: GROWING.get(one.key) for one in kept if not one.width or (one.key in GROWING and not one.held)}
    lacking = {key: min(needed.get(key, 0), most or needed.get(key, 0)) - cells[key] for key, most in growing.items()}
    for at, key in enumerate(sorted(lacking, key=lacking.__getitem__)):
        given = max(0, min(lacking[key], room // (len(lacking) - at)))
        cells[key] += given
        room -= given
    if room > 2 * _BAR_ROOM and any(one.key == "elapsed" and not one.held for one in kept):
        cells["elapsed"] += _BAR_ROOM
        room -= _BAR_ROOM
    return room


def _share(elastic: list[str], cells: dict[str, int], room: int) -> None:
    """Give what is left to the columns without a width of their own, or have the only one of them give what lacks.

    No column loses what it has; the name has the most.
    """
    if len(elastic) < 2:
        for key in elastic:
            cells[key] = max(1, cells[key] + room)
        return
    together = max(0, room) + sum(cells[key] for key in elastic)
    sharing = [key for key in _MOST if key in elastic][: len(elastic) - 1]
    for at, key in enumerate(sharing):
        others = sum(cells[key] for key in elastic if key not in sharing[: at + 1])
        cells[key] = max(cells[key], min(together // (len(elastic) - at), _MOST[key], together - others))
        together -= cells[key]
    cells[next(key for key in elastic if key not in sharing)] = together


def needy(slots: Iterable[Slot], texts: Iterable[str], need: str) -> tuple[str, ...]:
    """A run's texts with a mark behind the status, and why it needs somebody where there is no reason yet."""
    told = [need if slot.column.key == "reason" and not text else text for slot, text in zip(slots, texts, strict=True)]
    return (f"{told[0]:<{NEED_AT}}{NEED}", *told[1:])


def titles(slots: tuple[Slot, ...], sorting: Sorting) -> list[tuple[Slot, str, bool]]:
    """The title of each column, and whether the rows are sorted by it.

    The arrow stands right behind the title; of a full or right-aligned column in the gap, so that nothing moves.
    """
    arrow = FALLING if sorting.falling else RISING
    told = []
    for slot in slots:
        chosen = slot.column.key == sorting.column
        title = f"{slot.column.title}{arrow}" if chosen else slot.column.title
        wider = chosen and (slot.column.align == "right" or len(slot.column.title) == slot.width)
        told.append((Slot(slot.column, slot.x, slot.width + 1) if wider else slot, title, chosen))
    return told


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
