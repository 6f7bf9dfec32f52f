"""Every screen at every size: readable on usual ones, legible on small ones, alive on any, also while they change."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rich.cells import cell_len

from runboard.model import Run
from tests.pilots import NOW, Desk, fixed_board
from tests.test_ui_every_key import calm, desk_of_many

SCREENS = {
    "board": ([], ["Status", "running"], ["Status", "running"]),
    "log": (["down", "enter"], ["row-199", "q"], ["row-199"]),
    "response": (["down", "enter", "2"], ["row-000"], ["row-000"]),
    "facts": (["enter", "3"], ["Command", "make"], ["Command"]),
    "diff": (["enter", "4"], ["2 files changed", "a.py"], ["2 files changed"]),
    "processes": (["enter", "5"], ["PID", "Command"], ["PID"]),
    "details": (["i"], ["Command", "make"], ["Command"]),
    "help": (["question_mark"], ["Runs", "Next run"], ["Runs"]),
    "palette": (["ctrl+p"], ["Search for commands", "Details"], ["Search for commands"]),
    "stop": (["s"], ["Stop this run?", "n  No", "y  Yes"], ["Stop this run?", "n  No", "y  Yes"]),
    "many": (["ctrl+a", "d"], ["these 39 runs", "n  No", "y  Yes"], ["39 runs", "n  No", "y  Yes"]),
    "mark": (["down", "m"], ["Count this run as", "Why", "Leave"], ["Count this run as"]),
    "tags": (["t"], ["Tags", "Note", "Leave", "Save"], ["Tags"]),
    "new": (["n"], ["A new run", "Command"], ["A new run", "Command"]),
    "signal": (["x"], ["Send a signal", "TERM", "the whole tree", "enter sends"], ["Send a signal", "TERM"]),
    "themes": (["T"], ["Theme", "runboard"], ["Theme", "runboard"]),
    "columns": (["c"], ["Columns", "Status"], ["Columns", "Status"]),
    "find in all": (["F"], ["find in the logs"], ["find in the logs"]),
    "filter": (["slash"], ["words  status:failed"], ["words"]),
}
"""Every screen: the keys that open it, and what can be read at 80x24 and at 40x10."""

SIZES = [(80, 24), (40, 10), (20, 5), (1, 1), (200, 50)]


@pytest.mark.parametrize("size", [(40, 10), (20, 5), pytest.param((1, 1), marks=pytest.mark.nightly)], ids=str)
async def test_every_screen_opens_at_every_size(size: tuple[int, int], tmp_path: Path) -> None:
    """What matters of each screen can be read where there is room for it, and nothing fails where there is none.

    The storm opens each at 80x24, and goes through a single cell on each.
    """
    async with desk_of_many(tmp_path, size) as desk:
        for name, (keys, _usable, legible) in SCREENS.items():
            await calm(desk)
            await desk.press(*keys)
            await seen(desk, f"{name} at {size}", legible if size[0] >= 40 else [])
            assert desk.app.is_running


async def test_a_storm_of_sizes_hurts_nobody(tmp_path: Path) -> None:
    """Whatever is open while the window has every size, in any order, can be read before and stays open."""
    chance = random.Random(5)
    async with desk_of_many(tmp_path, (80, 24)) as desk:
        for name, (keys, usable, _legible) in SCREENS.items():
            await calm(desk)
            await desk.press(*keys)
            await seen(desk, f"{name} at first", usable)
            depth = len(desk.app.screen_stack)
            for size in chance.sample(SIZES, len(SIZES)):
                await desk.pilot.resize_terminal(*size)
            await desk.pilot.resize_terminal(80, 24)
            await seen(desk, f"{name} after the storm", usable)
            assert len(desk.app.screen_stack) == depth


async def seen(desk: Desk, where: str, texts: list[str]) -> None:
    """Wait for these texts; AssertionError with the screen says where they are missed."""
    try:
        await desk.shows(*texts)
    except AssertionError as error:
        raise AssertionError(f"{where}: {texts} {error}") from error


EMPTY = {
    (200, 50): ["No runs yet.", "runboard run -- make test", "runboard demo", "all keys of the board"],
    (80, 24): ["No runs yet.", "runboard run -- make test", "runboard demo", "all keys of the board"],
    (40, 10): ["No runs yet.", "Start one: runboard run -- make test"],
    (20, 5): ["No runs yet."],
    (1, 1): [],
}
"""What a board without a run says at each size."""


async def resized(desk: Desk, size: tuple[int, int]) -> None:
    """Change the window's size, and wait until nothing is wider than it."""
    await desk.pilot.resize_terminal(*size)
    await desk.until(lambda: max(map(cell_len, desk.text().splitlines()), default=0) <= size[0])


async def test_an_empty_board_can_be_read_at_every_size() -> None:
    """It says how to begin where there is room, and nothing of it is cut while it is; at one cell it lives."""
    async with fixed_board([], size=(120, 36), control=object()) as desk:
        for size, told in EMPTY.items():
            await resized(desk, size)
            await desk.shows(*told)
            assert desk.app.is_running


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "applied"])
async def test_a_filter_without_a_hit_says_so_at_every_size(typed: bool) -> None:
    """Why there is no row can be read, and the key that brings them back; it does, and without it there is no word."""
    run = Run("11111111", name="only one", command=("x",), started_at=NOW - 5)
    async with fixed_board([run], size=(120, 36)) as desk:
        await desk.press("slash", *"zz", *([] if typed else ["enter"]))
        for size in SIZES:
            await resized(desk, size)
            words = ["No run matches.", "clears the filter"] if size[0] >= 40 else ["No run"] if size[0] >= 20 else []
            await desk.shows(*words)
            assert run.id not in desk.text()
        await desk.pilot.resize_terminal(80, 24)
        await desk.press("escape", *(["escape"] if typed else []))
        await desk.shows(run.id)
        assert "No run matches." not in desk.text()
