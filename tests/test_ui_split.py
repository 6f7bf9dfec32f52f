"""The split: below or beside, moved by keys and the mouse, as it was left the last time."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import MouseMove
from textual.geometry import Region

from runboard.model import Run
from runboard.state import State
from runboard.ui.taste import Taste
from tests.pilots import NOW, Desk, fixed_board
from tests.program import COMMAND, runboard
from tests.terminal import Terminal
from tests.waiting import until

ONE = Run("11111111", name="one", command=("x",), started_at=NOW - 5)


def regions(desk: Desk) -> tuple[Region, Region]:
    """Where table and pane stand."""
    return desk.table.region, desk.app._run_pane.region


def stands(desk: Desk) -> tuple[bool, bool]:
    """Whether the pane stands beside the table, and whether it stands below."""
    table, pane = regions(desk)
    return table.right == pane.x, table.bottom == pane.y


@pytest.mark.parametrize(("size", "beside"), [((120, 36), False), ((200, 50), True)])
async def test_wide_terminals_choose_beside_and_a_key_turns_it(size: tuple[int, int], beside: bool) -> None:
    """What the width suggests is turned round by |, and back."""
    async with fixed_board([ONE], size=size) as desk:
        for now in (beside, not beside, beside):
            await desk.until(lambda now=now: stands(desk) == (now, not now))  # type: ignore[misc]
            await desk.press("vertical_line")


async def test_keys_move_the_edge_and_it_is_as_it_was_left(tmp_path: Path) -> None:
    """Plus and minus give the pane more and less, both parts stay usable; the next board begins so."""
    memory = State(str(tmp_path))
    taste = Taste(remember=memory.save)
    async with fixed_board([ONE], taste=taste) as desk:
        heights = [desk.table.region.height]
        for key in ("plus", "plus", "minus"):
            await desk.press(key)
            await desk.until(lambda: desk.table.region.height != heights[-1])
            heights.append(desk.table.region.height)
        assert heights[0] > heights[1] > heights[2] < heights[3] == heights[1]
        await desk.press("vertical_line", *["minus"] * 30)
        await desk.until(lambda: regions(desk)[0].width == 96)
        table, pane = regions(desk)
        assert (pane.width, table.right) == (24, pane.x)
        kept = {"chosen": "beside", "below": 40, "beside": 80}
        await desk.until(lambda: memory.load().get("split") == kept)
    async with fixed_board([ONE], taste=taste._replace(remembered=memory.load())) as desk:
        await desk.until(lambda: regions(desk) == (table, pane))


@pytest.mark.parametrize("kept", [3, {"chosen": 5, "below": "x", "beside": True}, {"below": -900, "beside": 10**9}])
async def test_nonsense_that_was_kept_does_no_harm(kept: object) -> None:
    """Both parts can be seen whatever the file says."""
    async with fixed_board([ONE], taste=Taste(remembered={"split": kept})) as desk:
        assert min(region.height for region in regions(desk)) > 3


async def test_the_mouse_drags_the_edge() -> None:
    """The pane's title is its edge below the table, its first column beside it; a click alone moves nothing."""
    async with fixed_board([ONE]) as desk:
        before, pane = regions(desk)
        await desk.pilot.click(offset=(50, pane.y))
        assert regions(desk)[0] == before
        await desk.pilot.mouse_down(offset=(50, pane.y))
        await drag(desk, 50, 10)
        await desk.until(lambda: regions(desk)[0].height < before.height)
        await desk.press("vertical_line")
        await desk.until(lambda: stands(desk) == (True, False))
        across, pane = regions(desk)
        await desk.pilot.mouse_down(offset=(pane.x, pane.y + 4))
        await drag(desk, 40, pane.y + 4)
        await desk.until(lambda: regions(desk)[0].width < across.width)


async def drag(desk: Desk, x: int, y: int) -> None:
    """Go there with the button held, and let it go."""
    await desk.pilot._post_mouse_events([MouseMove], offset=(x, y), button=1)
    await desk.pilot.mouse_up(offset=(x, y))
    await desk.pilot.pause()


async def test_a_button_let_go_elsewhere_holds_nothing(tmp_path: Path) -> None:
    """A release that no terminal told of ends a drag of the edge, of a title and of a selection with the next move."""
    (tmp_path / f"{ONE.id}.log").write_text("a line\n" * 100)
    async with fixed_board([ONE], logs=tmp_path) as desk:
        await desk.shows("following")
        x = desk.text().splitlines()[desk.table.region.y].index("Name")
        for grip in ((50, desk.log.region.y), (x, desk.table.region.y), (5, desk.log.region.y + 5)):
            desk.table.focus()
            await desk.pilot.mouse_down(offset=grip)
            await desk.pilot._post_mouse_events([MouseMove], offset=(grip[0] + 4, grip[1] + 3), button=1)
            await desk.until(lambda: desk.app.mouse_captured)  # it would be so for ever
            await desk.pilot._post_mouse_events([MouseMove], offset=(20, 3), button=0)
            await desk.until(lambda: desk.app.mouse_captured is None)
        await desk.pilot.click("#tabs", offset=(8, 0))
        await desk.shows("1 of 1 shown")


def test_the_edge_follows_the_mouse_of_a_terminal(tmp_path: Path) -> None:
    """Through a pty: to the very row, as far as both can be used, and so it is remembered."""
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}
    runboard(tmp_path / "runs", "run", "--wait", "--", "true")

    def edge(terminal: Terminal) -> int:
        """The row of the pane's title."""
        return next((y for y, line in enumerate(terminal.screen()) if "Processes" in line), -1)

    def pulled(terminal: Terminal, y: int) -> int:
        """Where the edge is after another step of the mouse."""
        terminal.send(f"\x1b[<32;31;{y + 1}M".encode())
        return edge(terminal)

    with Terminal([*COMMAND, "--runs-dir", str(tmp_path / "runs")], 120, 36, environ) as terminal:
        terminal.wait_for("No output")
        terminal.send(f"\x1b[<0;31;{edge(terminal) + 1}M".encode())
        for to, there in ((10, 10), (1, 8), (33, 28), (13, 13)):
            until(lambda to=to, there=there: pulled(terminal, to) == there)  # type: ignore[misc]
        terminal.send(b"\x1b[<0;31;90m")  # let go below the window
        until(lambda: State(str(tmp_path / "state" / "runboard")).load().get("split"))
        terminal.press("q")
        terminal.wait_exit()
    assert State(str(tmp_path / "state" / "runboard")).load()["split"] == {"chosen": None, "below": 34, "beside": 60}


async def test_there_is_no_edge_on_a_short_screen_or_in_a_zoomed_pane() -> None:
    """Where only one part is seen, the keys do nothing."""
    async with fixed_board([ONE], size=(80, 10)) as desk:
        before = desk.table.region
        await desk.press("vertical_line", "plus", "minus")
        assert desk.table.region == before
    async with fixed_board([ONE]) as desk:
        await desk.press("z")
        before = desk.log.region
        await desk.press("vertical_line", "plus")
        assert desk.log.region == before
