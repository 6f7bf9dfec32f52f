"""A part of the screen painted anew: each cell is asked of the widget in front, and of no other; who is shown is told.

What Textual 8.2 does not promise and this stands on is watched by tests/test_ui_terminal.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import Compositor, CompositorMap, CompositorUpdate, ReflowResult
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from runboard.ui.sent import Pen, Sent

Piece = tuple[int, int, Strip]
"""A line of the screen, a cell in it, and what it shows from there on."""

Spans = dict[int, list[tuple[int, int]]]
"""By line, where from and to before which cell something is still to be found out."""


class PartialUpdate(CompositorUpdate):
    """Pieces of lines, of which only the cells go out that differ from what the terminal shows."""

    def __init__(self, pieces: list[Piece], width: int = 0) -> None:
        """Send these, on a screen so wide."""
        self.pieces = pieces
        self.width = width
        self.sent = Sent()
        self.erases = False

    def render_segments(self, console: Console) -> str:
        """The update as it goes to the terminal."""
        pen = Pen(console._color_system or ColorSystem.TRUECOLOR, width=self.width, erases=self.erases)
        for y, x, strip in self.pieces:
            self.sent.update(y, x, strip, pen)
        return pen.told()


def partial_update(compositor: Compositor) -> PartialUpdate | None:
    """What makes the screen show the present state where something has changed; None where nothing has."""
    regions = compositor._dirty_regions.copy()
    compositor._dirty_regions.clear()
    wanted = _spans(compositor, regions)
    if not wanted:
        return None
    pieces: list[Piece] = []
    for widget, (region, clip) in compositor.visible_widgets.items():
        shown = region.intersection(clip)
        for lines, start, end in _blocks(_taken(wanted, shown)):
            crop = Region(start - region.x, lines.start - region.y, end - start, len(lines))
            pieces += [(y, start, strip) for y, strip in zip(lines, widget.render_lines(crop), strict=True)]
        if not wanted:
            break
    return PartialUpdate(pieces, compositor.size.width)


def _spans(compositor: Compositor, regions: Iterable[Region]) -> Spans:
    """Regions line by line, as far as they lie on the screen."""
    screen, spans = compositor.size.region, Spans()
    inside = [part for region in regions if (part := region.intersection(screen))]
    for y, start, end in compositor._regions_to_spans(inside):
        spans.setdefault(y, []).append((start, end))
    return spans


def _taken(wanted: Spans, shown: Region) -> Spans:
    """What a region has of what is wanted, which is then no longer wanted."""
    left, right = shown.column_span
    taken = Spans()
    for y in [y for y in wanted if shown.y <= y < shown.bottom]:
        mine = [(max(start, left), min(end, right)) for start, end in wanted[y] if start < right and end > left]
        if mine:
            taken[y] = mine
            others = [(start, min(end, left)) for start, end in wanted[y] if start < left]
            others += [(max(start, right), end) for start, end in wanted[y] if end > right]
            if others:
                wanted[y] = others
            else:
                del wanted[y]
    return taken


def _blocks(spans: Spans) -> list[tuple[range, int, int]]:
    """What is wanted, as rectangles: what lies in no one of them is not asked for."""
    blocks: list[tuple[range, int, int]] = []
    for y in sorted(spans):
        for start, end in spans[y]:
            if blocks and blocks[-1] == (range(blocks[-1][0].start, y), start, end):
                blocks[-1] = range(blocks[-1][0].start, y + 1), start, end
            else:
                blocks.append((range(y, y + 1), start, end))
    return blocks


def reflow(self: Compositor, parent: Widget, size: Size) -> ReflowResult:
    """Lay out, and name as shown or resized whoever differs from what the last layout said."""
    told: CompositorMap = getattr(self, "told_map", {})
    if self._full_map:
        self._full_map = told
    result = _reflow(self, parent, size)
    self.told_map = self._full_map  # type: ignore[attr-defined]
    return result


# Textual's own asks every widget that the changes' common rectangle touches for all its lines, those behind others too:
# the greater part of what a ticking board costs. Compositor.render_update() calls it for all but whole screens.
Compositor.render_partial_update = partial_update  # type: ignore[assignment,method-assign]

# Textual's own compares with its present map, which is also made anew when somebody asks where a widget is: one that
# had just been mounted was then never told that it is shown, and a log never read. Screen._refresh_layout() calls it.
_reflow = Compositor.reflow
Compositor.reflow = reflow  # type: ignore[method-assign]
