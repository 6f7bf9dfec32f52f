"""The first frame: what the board's screen will look like, as plain text, painted before Textual is loaded.

Lines, columns and colours are those of the style sheet, so that Textual paints over it without a jump; tests compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from rich.cells import cell_len

from runboard.board import Board
from runboard.columns import STOPPING, shown
from runboard.model import Run
from runboard.plain import ascii_text
from runboard.ui.arrangement import Arrangement
from runboard.ui.cells import Slot, fit, lay_out, needy, titles
from runboard.ui.colours import DARK, KINDS, PALETTES, ink, sequence
from runboard.ui.headline import Headline
from runboard.ui.progress import cell_text
from runboard.ui.remembrance import Remembrance
from runboard.ui.sendable import sendable
from runboard.ui.tabline import GENERAL, line
from runboard.ui.taste import Taste
from runboard.ui.widths import Widths

Cell = tuple[str, str, str]
"""A text, the name of its colour and that of its ground."""

NARROWEST, LOWEST = 20, 5
"""In a smaller window there is nothing worth painting early."""


class Layout(NamedTuple):
    """Where things stand in a window: the table's cells, and the first line below the summary."""

    columns: int
    rows: int
    top: int
    table_columns: int
    table_rows: int

    @classmethod
    def of(cls, columns: int, rows: int, *, empty: bool) -> Layout:
        """The layout that the style sheet makes of a window's size."""
        top = 2 if rows >= 30 else 1
        panes = rows - top - 1
        if rows < 15 or empty:
            return cls(columns, rows, top, columns, panes)
        if columns >= 180:
            return cls(columns, rows, top, columns * 60 // 100, panes)
        return cls(columns, rows, top, columns, max(4, panes * 45 // 100))


class Look(NamedTuple):
    """What a person has set of it: colours, columns, ASCII alone; the board itself is sorted as they want."""

    colours: Mapping[str, str] = DARK
    arrangement: Arrangement | None = None
    ascii: bool = False

    @classmethod
    def of(cls, taste: Taste) -> Look:
        """After a person's taste."""
        return cls(PALETTES.get(taste.theme, DARK), Arrangement(taste, Remembrance(taste)), taste.ascii)

    def slots(self, board: Board, runs: list[Run], width: int, rows: int, now: float) -> tuple[Slot, ...]:
        """The columns in their places, as wide as the first rows need them."""
        own, widths = self.arrangement, Widths()
        columns = shown(runs) if own is None else own.columns(board.filled)
        place = partial(lay_out, columns, width, chosen=own is not None and bool(own.keys))
        slots = place()
        for run in runs[:rows]:
            widths.see(slots, _texts(board, run, slots, now))
        return place(needed=widths.needed)


USUAL = Look()
"""Where nobody has set anything."""


def frame(
    board: Board,
    columns: int,
    rows: int,
    *,
    title: str,
    read_only: bool,
    lock: str | None = None,
    now: float,
    depth: int,
    look: Look = USUAL,
) -> list[str]:
    """Every line of the screen as it goes to a terminal, each with its place.

    Args:
        board: The runs.
        columns: The window's width.
        rows: Its height.
        title: The runs directory as people write it, clean.
        read_only: Whether the board will only look.
        lock: How that is seen to, in words.
        now: Epoch seconds.
        depth: How many colours the terminal has; 0 for none.
        look: What is set of the looks.
    """
    layout = Layout.of(columns, rows, empty=not board.total)
    headline = Headline.of(board, now, title, read_only=read_only, lock=lock or "").parts(columns - 2)
    lines: list[list[Cell]] = [[(" ", "", ""), *((text, colour, "") for text, colour in headline)]]
    lines += [_filters(columns) if board.total else [] for _ in range(layout.top - 1)]
    lines += [[*cells, *_beside(layout, y)] for y, cells in enumerate(_table(board, layout, now, look))]
    while len(lines) < rows - 1:
        lines.append(_below(layout, len(lines) - layout.top))
    return [
        f"\x1b[{y};1H{_painted(cells, columns, depth, look)}" for y, cells in enumerate([*lines[: rows - 1], []], 1)
    ]


def _filters(columns: int) -> list[Cell]:
    """The line of filters, none of which is chosen but the first."""
    cells, x = list[Cell](), 0
    for tab in line(list(GENERAL), next(iter(GENERAL)), columns - 2):
        cells += [(" " * (tab.x + 1 - x), "", ""), (tab.name, tab.ink, "")]
        x = tab.x + 1 + cell_len(tab.name)
    return cells


def _table(board: Board, layout: Layout, now: float, look: Look) -> list[list[Cell]]:
    """The header and the first rows."""
    order = board.order
    width = layout.table_columns - (len(order) + 1 > layout.table_rows)
    runs = [run for run_id in order if (run := board.get(run_id))]
    slots = look.slots(board, runs, layout.table_columns, layout.table_rows - 1, now)
    told = [(slot, title, "accent" if sorts else "faint") for slot, title, sorts in titles(slots, board.sorting)]
    lines = [_line(told, "")] if runs else []
    for run in runs[: layout.table_rows - 1]:
        texts = _texts(board, run, slots, now)
        chosen = run is runs[0]
        kind = "stopping" if texts and texts[0].startswith(STOPPING) else str(run.status)
        cells = [
            (slot, text, KINDS[ink(slot.column.key, kind, chosen=chosen)])
            for slot, text in zip(slots, texts, strict=True)
        ]
        lines.append(_line(cells, "cursor" if chosen else ""))
    ends = [(" " * max(0, width - _length(line)), "", line[0][2] if line else "") for line in lines]
    lines = [
        [*line, end, (" " * (layout.table_columns - width), "", "")] for line, end in zip(lines, ends, strict=True)
    ]
    return lines + [[(" " * layout.table_columns, "", "")]] * (layout.table_rows - len(lines))


def _texts(board: Board, run: Run, slots: tuple[Slot, ...], now: float) -> tuple[str, ...]:
    """What stands in the cells of a run's row."""
    texts = tuple(cell_text(slot, run, now) for slot in slots)
    need = board.needs.get(run.id)
    return texts if need is None or not texts else needy(slots, texts, need)


def _line(cells: list[tuple[Slot, str, str]], ground: str) -> list[Cell]:
    """Texts in their columns."""
    line, x = list[Cell](), 0
    for slot, text, colour in cells:
        line += [(" " * (slot.x - x), "", ground), (fit(text, slot.width, slot.column.align), colour, ground)]
        x = slot.x + slot.width
    return line


def _beside(layout: Layout, y: int) -> list[Cell]:
    """The pane's part of a line of the table, where it stands beside it."""
    return [(" " * (layout.columns - layout.table_columns), "", "surface" if y else "panel")]


def _below(layout: Layout, y: int) -> list[Cell]:
    """A line of the pane, where it stands below the table."""
    return [(" " * layout.columns, "", "panel" if y == layout.table_rows else "surface")]


def _painted(cells: list[Cell], columns: int, depth: int, look: Look) -> str:
    """One line in its colours, as wide as the window."""
    parts, last = [], ""
    for text, colour, ground in [*cells, (" " * max(0, columns - _length(cells)), "", "")]:
        switch = sequence(look.colours[colour or "foreground"], look.colours[ground or "background"], depth)
        safe = ascii_text(sendable(text)) if look.ascii else sendable(text)
        parts.append(safe if switch == last else switch + safe)
        last = switch if text else last
    return "".join(parts)


def _length(cells: list[Cell]) -> int:
    """How many cells of the terminal they take."""
    return sum(cell_len(text) for text, _, _ in cells)
