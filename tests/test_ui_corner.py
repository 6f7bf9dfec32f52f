"""What is told in the corner: it leaves two thirds of the table in sight, and the chosen row where it can."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.geometry import Region, Size
from textual.widgets._toast import Toast, ToastRack

from runboard.model import Run
from runboard.ui.corner import lines_of, told
from tests.pilots import NOW, Desk, fixed_board

RUNS = [Run(f"{at:08x}", name=f"run {at}", command=("x",), started_at=NOW - at) for at in range(40)]
LONG = "Something long has to be told, with all its reasons, " * 8


def words(desk: Desk) -> list[Region]:
    """Where what is told in the corner can be seen."""
    placed = desk.app.screen._compositor.visible_widgets.items()
    return [region.intersection(clip) for widget, (region, clip) in placed if isinstance(widget, Toast)]


def covered(desk: Desk) -> list[Region]:
    """Which parts of the table lie under it."""
    found = [region.intersection(desk.table.region) for region in words(desk)]
    return [region for region in found if region.area]


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5)], ids=str)
async def test_a_third_of_the_table_at_most_is_covered(size: tuple[int, int]) -> None:
    """However much is told, and however long it is: two thirds of the table and the chosen row stay in sight."""
    async with fixed_board(RUNS, size=size) as desk:
        for key in ("home", "end", "up"):
            await desk.press(key)
            for at in range(4):
                desk.app._say(f"{at} {LONG}", True)
            await desk.until(lambda: len(desk.app.screen.query(Toast)) >= 4 and words(desk))
            await desk.pilot.pause()
            table, hidden = desk.table.region, covered(desk)
            lines = {y for region in hidden for y in range(region.y, region.bottom)}
            assert len(lines) <= table.height / 3, (key, hidden)
            assert desk.table.cursor_line not in lines, (key, hidden)


async def test_without_a_limit_more_is_covered() -> None:
    """The same four sentences in Textual's own rack lie over most of a small table, its chosen row too."""
    async with fixed_board(RUNS, size=(40, 10)) as desk:
        await desk.press("end")
        for at in range(4):
            App.notify(desk.app, f"{at} {LONG}", markup=False)
        await desk.until(lambda: len(desk.app.screen.query(Toast)) == 4)
        for widget in desk.app.screen.query("ToastRack, Toast"):
            widget.styles.max_height = "100vh"
        desk.app.screen.query_one(ToastRack).styles.dock = "bottom"
        await desk.until(lambda: sum(region.height for region in covered(desk)) > desk.table.region.height / 3)


def test_what_cannot_be_read_there_is_said_to_be_cut() -> None:
    """A sentence ends in an ellipsis where there is no room for all of it, and is whole where there is."""
    assert [lines_of(Size(80, height)) for height in (1, 5, 10, 24, 36)] == [1, 1, 2, 7, 10]
    assert (told(LONG, Size(120, 50)), told("short", Size(20, 5))) == (LONG, "short")
    cut = told(LONG, Size(40, 10))
    assert (cut[-1], cut[:-1], len(cut) <= 64) == ("…", LONG[: len(cut) - 1], True)


async def test_a_row_at_the_bottom_is_left_in_sight() -> None:
    """Where the chosen row is one that would be covered, what is told comes below the first line instead."""
    async with fixed_board(RUNS, size=(40, 10)) as desk:
        await desk.press("end", "up")
        await desk.publish(notices=["a notice"])
        await desk.shows("a notice", RUNS[-2].id)
        lines = desk.text().splitlines()
        assert next(y for y, line in enumerate(lines) if "a notice" in line) <= 3
        await desk.press("home")
        await desk.until(lambda: next(y for y, line in enumerate(desk.text().splitlines()) if "a notice" in line) >= 6)


async def test_the_newest_is_seen_first() -> None:
    """Where there is no room for all that is told, the newest is read and older ones wait; as Textual has it, not."""
    async with fixed_board(RUNS, size=(80, 24)) as desk:
        for at in range(4):
            desk.app._say(f"{at} {LONG}", True)
        desk.app._say("the newest of all", True)
        await desk.shows("the newest of all", "3 Something long")
        lines = desk.text().splitlines()
        at = next(y for y, line in enumerate(lines) if "the newest of all" in line)
        assert "3 Something long" in lines[at + 1]
        rack = desk.app.screen.query_one(ToastRack)
        rack.move_child(0, after=len(rack.children) - 1)
        await desk.hides("the newest of all")


@pytest.mark.parametrize("size", [(120, 36), (60, 24), (40, 10)], ids=str)
async def test_what_is_wrong_with_a_filter_is_left_in_sight(size: tuple[int, int]) -> None:
    """However much is told, the complaint of a filter can be read to its end, and the chosen row is in sight."""
    async with fixed_board(RUNS, size=size) as desk:
        await desk.press("end", "slash", *"nokey:x or the like and more of it to have it long")
        await desk.until(lambda: desk.app._main.filter_bar.has_class("-bad"))
        for at in range(4):
            desk.app._say(f"{at} {LONG}", True)
        await desk.until(lambda: len(desk.app.screen.query(Toast)) >= 4 and words(desk))
        await desk.pilot.pause()
        trouble = desk.app.screen.query_one("#filter-trouble").region
        assert trouble.height >= 1
        assert not any(region.overlaps(trouble) for region in words(desk))
        assert not any(region.y <= desk.table.cursor_line < region.bottom for region in covered(desk))
        desk.app.screen.query_one(ToastRack).remove_class("-raised", "-above")
        await desk.until(lambda: any(region.overlaps(trouble) for region in words(desk)))


async def test_what_is_wrong_with_what_is_sought_is_left_in_sight() -> None:
    """The complaint of what is sought in the log is no less to be read, and there is room again when it is gone."""
    async with fixed_board(RUNS, size=(80, 24)) as desk:
        await desk.press("tab")
        await desk.shows("/ find")
        await desk.press("slash")
        await desk.shows("ctrl+r regex")
        for at in range(4):
            desk.app._say(f"{at} {LONG}", True)
        await desk.press("ctrl+r", *"(and", "enter")
        await desk.shows("no regular expression")
        trouble, rack = desk.app.screen.query_one("#look-trouble").region, desk.app.screen.query_one(ToastRack)
        await desk.until(lambda: rack.has_class("-raised") and words(desk))
        await desk.pilot.pause()
        assert not any(region.overlaps(trouble) for region in words(desk))
        rack.remove_class("-raised")
        await desk.until(lambda: any(region.overlaps(trouble) for region in words(desk)))
        rack.add_class("-raised")
        await desk.press("escape")
        await desk.until(lambda: not rack.has_class("-raised"))


async def test_the_line_where_one_types_is_left_in_sight() -> None:
    """However much is told, what is typed into the filter can be read to its end."""
    typed = "status:running elapsed<9d name:x " * 2
    async with fixed_board(RUNS, size=(80, 24)) as desk:
        await desk.press("slash", *("space" if sign == " " else sign for sign in typed))
        for at in range(4):
            desk.app._say(f"{at} {LONG}", True)
        await desk.until(lambda: len(words(desk)) >= 1)
        assert any(typed.rstrip() in line for line in desk.text().splitlines())


def broken_off(desk: Desk) -> bool:
    """Whether something that is told lies partly under a dialog."""
    placed = desk.app.screen._compositor.visible_widgets
    dialogs = [placed[one][0] for one in desk.app.screen.query(".dialog, CommandPalette > Vertical") if one in placed]
    return any(region.intersection(dialog).area for region in words(desk) for dialog in dialogs)


@pytest.mark.parametrize(
    ("size", "keys"), [((80, 24), "r F ctrl+p"), pytest.param((60, 12), "r n F", marks=pytest.mark.nightly)], ids=str
)
async def test_beside_a_dialog_one_line_is_told_whole(size: tuple[int, int], keys: str) -> None:
    """The newest in the last line, which no dialog reaches; on low screens, where one does, it waits.

    Once the dialog is closed all of it can be read.
    """
    async with fixed_board(RUNS, size=size, control=object()) as desk:
        await desk.press("end")
        for key in keys.split():
            await desk.press(key)
            for at in range(2):
                desk.app._say(f"{at} {LONG}", False)
            await desk.until(lambda: len(desk.app.screen.query(Toast)) >= 2)
            await desk.until(lambda: size[1] < 15 or words(desk))
            await desk.pilot.pause()
            assert not broken_off(desk), key
            assert {region.y for region in words(desk) if region.area} == ({size[1] - 1} if size[1] >= 15 else set())
            if key == "F" and size == (80, 24):  # negative control: where it is told on the board it would be
                rack = desk.app.screen.query_one(ToastRack)
                rack.styles.margin, rack.styles.max_height = (0, 0, 2, 0), "30vh"
                await desk.until(lambda: broken_off(desk))
            await desk.press("escape")
            await desk.shows(told(f"1 {LONG}", Size(*size))[-20:].split()[0])
            desk.app.clear_notifications()
            await desk.until(lambda: not words(desk))
