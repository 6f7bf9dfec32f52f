"""Lines of the table as they are painted: made once for each look, and kept as long as some line may have it."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from runboard.order import Sorting
from runboard.ui.cells import Slot, fit, titles
from runboard.ui.colours import ink
from runboard.ui.rows import Line

KEPT = 512
"""So many lines are kept: more than fit on any screen."""

Cell = tuple[Slot, str, Style]
"""A text in its place and its looks."""


class Painting:
    """The table's looks: its styles, remembered until the theme changes, and strips in the present columns."""

    def __init__(self, table: Widget) -> None:
        """Paint with the component styles of ``table``."""
        self._table = table
        self._slots: tuple[Slot, ...] = ()
        self._width = 0
        self._styles: dict[tuple[str, ...], Style] = {}
        self._strips: dict[Line, Strip] = {}
        self._parts: dict[tuple[object, ...], Strip] = {}

    def lay_out(self, slots: tuple[Slot, ...], width: int) -> None:
        """Paint these columns from now on, in so many cells."""
        self._slots, self._width = slots, width
        self._strips.clear()
        self._parts.clear()

    def restyle(self) -> None:
        """Forget the looks of the old theme or focus."""
        self._styles.clear()
        self._strips.clear()
        self._parts.clear()

    def row(self, line: Line) -> Strip:
        """A run's line."""
        strip = self._strips.get(line)
        if strip is None:
            if len(self._strips) >= KEPT:
                self._strips.clear()
            strip = self._strips[line] = self._row(line)
        return strip

    def part(self, line: Line, first: int, end: int) -> Strip:
        """Some cells of a run's line, without making the whole of it."""
        if line.marked or line in self._strips:
            return self.row(line).crop(first, end)
        look = (line.kind, line.under_cursor, first, end, *(text for _, text in self._within(line, first, end)))
        strip = self._parts.get(look)
        if strip is None:  # what one run's clock shows another's has shown a second before
            if len(self._parts) >= KEPT:
                self._parts.clear()
            cells = self._cells(line, first, end)
            start = min(first, cells[0][0].x) if cells else first
            whole = self._strip(cells, self._base(_ground(line)), start, end)
            strip = self._parts[look] = whole.crop(first - start, end - start)
        return strip

    def header(self, sorting: Sorting) -> Strip:
        """The titles of the columns, the one that the rows are sorted by in the colour of what is chosen."""
        style, chosen = self._component("header"), self._component("sorted")
        told = titles(self._slots, sorting)
        cells = [(slot, title, chosen if sorts else style) for slot, title, sorts in told]
        return self._strip(cells, style, 0, self._width).crop(0, self._width).simplify()

    def word(self, text: str) -> Strip:
        """A word in the middle of a line that has no run."""
        return Strip([Segment(fit(text, self._width, "center"), self._component("empty"))], self._width)

    def blank(self) -> Strip:
        """A line with nothing on it."""
        return Strip.blank(self._width, self._base(""))

    def _row(self, line: Line) -> Strip:
        """Paint a run's line."""
        ground, width = _ground(line), self._width
        strip = self._strip(self._cells(line, 0, width), self._base(ground), 0, width).crop(0, width).simplify()
        if not line.marked:
            return strip
        return Strip([Segment("▌", self._inked(ground, "mark")), *strip.crop(1)], strip.cell_length)

    def _cells(self, line: Line, first: int, end: int) -> list[Cell]:
        """The texts of a line that reach into some cells."""
        ground, chosen = _ground(line), line.under_cursor
        return [
            (slot, text, self._inked(ground, ink(slot.column.key, line.kind, chosen=chosen)))
            for slot, text in self._within(line, first, end)
        ]

    def _within(self, line: Line, first: int, end: int) -> list[tuple[Slot, str]]:
        """Those of a line's texts, in their places, that reach into some cells."""
        told = zip(self._slots, line.texts, strict=True)
        return [(slot, text) for slot, text in told if slot.x < end and slot.x + slot.width > first]

    def _strip(self, cells: list[Cell], between: Style, x: int, end: int) -> Strip:
        """Texts in their places, on a ground that reaches from a cell to before an end."""
        segments: list[Segment] = []
        for slot, text, style in cells:
            if slot.x > x:
                segments.append(Segment(" " * (slot.x - x), between))
            segments.append(Segment(fit(text, slot.width, slot.column.align), style))
            x = slot.x + slot.width
        if end > x:
            segments.append(Segment(" " * (end - x), between))
        return Strip(segments)

    def _inked(self, ground: str, name: str) -> Style:
        """A ground with the ink of a component, without the component's own ground."""
        if (ground, name) not in self._styles:
            style = self._component(name)
            self._styles[ground, name] = self._base(ground) + style.without_color + Style(color=style.color)
        return self._styles[ground, name]

    def _base(self, ground: str) -> Style:
        """The table's own style, or the ground of a component."""
        if ground:
            return self._component(ground)
        if () not in self._styles:
            self._styles[()] = self._table.rich_style
        return self._styles[()]

    def _component(self, name: str) -> Style:
        """A component's style."""
        if (name,) not in self._styles:
            self._styles[name,] = self._table.get_component_rich_style(f"run-table--{name}")
        return self._styles[name,]


def _ground(line: Line) -> str:
    """The component that a line stands on; empty for the table's own."""
    return "cursor" if line.under_cursor else ""
