"""A part of the screen painted anew looks as the whole of it does, and only who is in front is asked, for that part."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from runboard.model import Run
from runboard.ui.partial import PartialUpdate, _reflow, partial_update
from runboard.ui.sent import Cell, cells
from runboard.ui.table import RunTable
from tests.pilots import NOW, Desk, fixed_board

RUNS = [Run(f"{number:08x}", name=f"sleeper {number} 日本", started_at=NOW - number) for number in range(60)]


def whole(desk: Desk) -> list[list[Cell]]:
    """Every cell of the screen."""
    return [cells(strip, ColorSystem.TRUECOLOR) for strip in desk.app.screen._compositor.render_strips()]


@contextmanager
def asked() -> Iterator[list[tuple[Widget, Region]]]:
    """Who is asked for which cells."""
    found: list[tuple[Widget, Region]] = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (Widget, RunTable):
            stock = kind.render_lines

            def noted(self: Widget, crop: Region, stock=stock) -> list[Strip]:  # type: ignore[no-untyped-def]
                found.append((self, crop))
                return stock(self, crop)  # type: ignore[no-any-return]

            patch.setattr(kind, "render_lines", noted)
        yield found


@pytest.mark.parametrize("keys", [(), ("question_mark",), ("S",), ("z",)], ids=["board", "help", "question", "zoomed"])
async def test_a_part_looks_like_the_whole(keys: tuple[str, ...]) -> None:
    """Any rectangles, with a toast, a dialog or a wide character cut by their edges: each cell as in the whole."""
    chance = random.Random(4)
    async with fixed_board(RUNS, control=object()) as desk:
        desk.app._say("a word in the corner", False)
        await desk.press("j", *keys)
        compositor, expected = desk.app.screen._compositor, whole(desk)
        height, width = len(expected), len(expected[0])
        for _ in range(40):
            spots = [(chance.randrange(-5, width), chance.randrange(-5, height)) for _ in range(chance.randrange(1, 4))]
            compositor._dirty_regions = {
                Region(x, y, chance.randrange(1, 60), chance.randrange(1, 9)) for x, y in spots
            }
            dirty = {
                (x, y)
                for region in compositor._dirty_regions
                for y in range(max(0, region.y), min(height, region.bottom))
                for x in range(max(0, region.x), min(width, region.right))
            }
            update = partial_update(compositor)
            seen: set[tuple[int, int]] = set()
            for y, x, strip in update.pieces if update else ():
                part = cells(strip, ColorSystem.TRUECOLOR)
                there = {(x + at, y) for at in range(len(part))}
                assert not seen & there
                seen |= there
                for at, cell in enumerate(part):
                    halved = at in {0, len(part) - 1} and cell[0].strip() == ""
                    assert halved or cell == expected[y][x + at]
            assert seen == dirty


async def test_only_who_is_in_front_is_asked_and_for_no_more() -> None:
    """Three cells of the table cost three cells of the table; Textual's own asks all behind it for all their lines."""
    async with fixed_board(RUNS) as desk:
        compositor, region = desk.app.screen._compositor, Region(40, 5, 3, 1)
        with asked() as ours:
            compositor._dirty_regions = {region}
            assert isinstance(compositor.render_update(), PartialUpdate)
        assert [(widget.id, crop.area) for widget, crop in ours] == [("runs", 3)]
        with asked() as stock:
            compositor._render_chops(region, lambda y: y == 5)
        assert len(stock) > 2
        assert sum(crop.area for _widget, crop in stock) > 1000


async def test_a_tick_asks_for_the_ticking_cells_only() -> None:
    """A second later only the column of elapsed times is painted, as the whole screen then has it."""
    now = NOW
    async with fixed_board(RUNS, clock=lambda: now) as desk:
        screen = desk.app.screen
        await desk.until(lambda: not screen._dirty_widgets and not screen._compositor._dirty_regions)
        before = whole(desk)
        with asked() as found:
            now += 1
            desk.app._tick()
            await desk.until(lambda: any(widget is desk.table for widget, _crop in found))
        assert before != whole(desk)
        assert not {widget.id for widget, _crop in found} & {"board", "panes"}  # they are behind it
        # A line of the log may come meanwhile.
        assert sum(crop.area for widget, crop in found if widget is desk.table) < 400
        assert desk.table.render_lines(Region(0, 1, 10, 1))[0].text == desk.table.render_line(1).crop(0, 10).text


def test_changed_cells_are_sent_and_no_others() -> None:
    """A change of three cells in a wide line costs three cells, and looks like the whole line painted anew."""
    line, changed = "abcdefghij" * 8, "abcdefghij" * 3 + "XYZ" + "defghij" + "abcdefghij" * 4
    console = Console(color_system="truecolor", force_terminal=True, width=80)
    told = PartialUpdate([(0, 30, Strip([Segment(changed)]).crop(30, 33))]).render_segments(console)
    assert told == "\x1b[1;31HXYZ"
    stock = ChopsUpdate([{0: Strip([Segment(changed)])}], [(0, 30, 33)], [[80]])
    assert len(stock.render_segments(console)) > 30  # negative control
    screen = pyte.Screen(80, 2)
    pyte.Stream(screen).feed(f"{line}\x1b[H{told}")
    assert screen.display[0] == changed


async def test_parts_of_lines_are_those_of_whole_lines() -> None:
    """Some cells of a line, made alone, are those of the line: under the cursor, marked, and where texts are cut."""
    async with fixed_board([run._replace(issue="shop#1234567890", repo="shop") for run in RUNS]) as desk:
        await desk.press("space", "j", "j")
        table, width = desk.table, desk.table.size.width
        for y in range(1, 8):
            full = [table.render_lines(Region(0, y, width, 1))[0]]
            table._painting.restyle()
            for first in range(0, width - 7, 5):
                part = table.render_lines(Region(first, y, 7, 1))[0]
                assert cells(part, ColorSystem.TRUECOLOR) == cells(
                    full[0].crop(first, first + 7), ColorSystem.TRUECOLOR
                )


def test_nothing_dirty_is_nothing_to_paint() -> None:
    """A compositor without changes has no update."""
    assert partial_update(Compositor()) is None


class Heard(Widget):
    """A widget that notes what it is told of itself."""

    def __init__(self) -> None:
        """Nothing heard."""
        super().__init__()
        self.heard: list[str] = []

    def on_show(self) -> None:
        """It can be seen."""
        self.heard.append("show")

    def on_resize(self) -> None:
        """It has another size."""
        self.heard.append("resize")


class Asking(App[None]):
    """An app that asks where a widget is as soon as it is mounted, before anything was laid out."""

    def __init__(self) -> None:
        """Without the widget."""
        super().__init__()
        self.heard = Heard()

    async def add(self) -> None:
        """Mount it, and ask."""
        compositor = self.screen._compositor
        await self.mount(self.heard)
        compositor._full_map_invalidated = True
        assert self.heard in compositor.full_map


@pytest.mark.parametrize("stock", [False, True])
async def test_who_is_shown_is_told_whoever_asked_before(stock: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A widget whose place was asked for before it was laid out hears that it is shown; Textual's own forgets it."""
    if stock:
        monkeypatch.setattr(Compositor, "reflow", _reflow)
    app = Asking()
    async with app.run_test() as pilot:
        with app.batch_update():
            await app.add()
        for _ in range(20):
            await pilot.pause()
        assert app.heard.size.area
        assert ("show" in app.heard.heard, "resize" in app.heard.heard) == (not stock, not stock)
