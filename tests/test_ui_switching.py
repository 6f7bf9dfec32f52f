"""Fast switching: whatever pane is open, no painted screen shows what is of another run than the pane's title names."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.screen import Screen

from runboard.model import Run
from runboard.process import Member
from runboard.process import Usage as ProcessUsage
from runboard.ui.detailspane import DetailsPane
from runboard.ui.log import LogPane
from runboard.ui.pane import Pane
from runboard.ui.processpane import ProcessPane
from runboard.ui.sources import Sources
from runboard.worktree import Changes, FileChange
from tests.pilots import NOW, Desk, fixed_board

RUNS = [
    Run(f"{number}" * 8, name=f"run {number}", command=("x", f"{number}" * 8), started_at=NOW - number)
    for number in range(1, 9)
]
SWITCHES = {"1": 200, "2": 60, "3": 60, "4": 60, "5": 60}
"""How often each view is switched."""

LOOKED = {"1": LogPane, "3": DetailsPane, "5": ProcessPane}
"""The panes whose titles a control lets go ahead, by their views."""


def changes_of(run: Run, _unwanted: Callable[[], bool]) -> Changes:
    """Changes that carry their run's id."""
    return Changes(f"main at {run.id}", (FileChange(run.id, 9, 0),), (), tuple(f"+{run.id}" for _ in range(50)))


def processes_of(run: Run) -> list[ProcessUsage]:
    """Processes that carry their run's id."""
    return [ProcessUsage(Member(10 + n, 1, 10 + n, "S", run.id, (run.id,), 0), 0.1, 4096, 9.0, 0) for n in range(30)]


SOURCES = Sources(changes=changes_of, processes=processes_of)


def ids_by_screen(desk: Desk) -> tuple[set[str], set[str]]:
    """The ids in the title of the pane and those below it, as they are painted now."""
    pane = desk.app._run_pane.present.region
    lines = desk.text().split("\n")[pane.y : pane.bottom]
    return set(re.findall(r"(\d)\1{7}", lines[0])), set(re.findall(r"(\d)\1{7}", "\n".join(lines[1:])))


async def switched(desk: Desk, view: str, paint: pytest.MonkeyPatch) -> tuple[int, list[tuple[set[str], set[str]]]]:
    """Go to and fro as fast as keys come; how many screens were painted, and those that told of several runs."""
    mixed, painted = list[tuple[set[str], set[str]]](), 0
    update = Screen._on_timer_update

    def watched(screen: Screen[object]) -> None:
        nonlocal painted
        update(screen)
        painted += 1
        title, content = ids_by_screen(desk)
        if content - title or len(title) > 1:
            mixed.append((title, content))

    paint.setattr(Screen, "_on_timer_update", watched)
    dice = random.Random(7)
    for _ in range(SWITCHES[view]):
        desk.table.action_move(dice.choice((-3, -2, -1, 1, 2, 3)))
        await desk.pilot.pause(dice.choice((0, 0, 0.001, 0.02)))
    await desk.pilot.pause()
    return painted, mixed


def write_logs(folder: Path) -> None:
    """A log for each run in which every line carries the run's id."""
    for run in RUNS:
        (folder / f"{run.id}.log").write_text("".join(f"{run.id} line {number}\n" for number in range(400)))


@pytest.mark.parametrize("view", SWITCHES)
async def test_no_screen_shows_another_runs_bytes(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred fast switches: each painted screen tells of one run, and the last one of the chosen."""
    write_logs(tmp_path)
    answer = "".join
    async with fixed_board(
        RUNS, logs=tmp_path, sources=SOURCES, read_response=lambda run_id: answer(f"- {run_id}\n" for _ in range(40))
    ) as desk:
        await desk.press(view)
        painted, mixed = await switched(desk, view, monkeypatch)
        assert painted > 20
        assert mixed == []
        cursor = desk.table.cursor
        assert cursor is not None
        await desk.until(lambda: ids_by_screen(desk) == ({cursor[0]}, {cursor[0]}))


@pytest.mark.parametrize("view", LOOKED)
async def test_a_title_that_goes_ahead_would_be_seen(
    view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: a pane that takes over the new run's name while it still has the old one's lines is caught."""
    write_logs(tmp_path)

    def hasty(pane: Pane, run: Run | None, word: str) -> None:
        pane._run, pane._word = run, word
        pane._refresh_title()

    monkeypatch.setattr(LOOKED[view], "tell", hasty)
    async with fixed_board(RUNS, logs=tmp_path, sources=SOURCES) as desk:
        await desk.press(view)
        await desk.until(lambda: ids_by_screen(desk)[1])
        _, mixed = await switched(desk, "2", monkeypatch)
        assert mixed


async def test_where_no_run_is_chosen_none_is_shown(tmp_path: Path) -> None:
    """A filter that leaves nothing leaves each pane empty, title and all; one that forgets nothing would show on."""
    write_logs(tmp_path)
    async with fixed_board(RUNS, logs=tmp_path, sources=SOURCES, read_response=lambda run_id: run_id * 3) as desk:
        for view, forgets in itertools.product(SWITCHES, (True, False)):
            await desk.press(view)
            await desk.until(lambda: all(ids_by_screen(desk)))
            with pytest.MonkeyPatch.context() as patch:
                if not forgets:
                    patch.setattr(type(desk.app._run_pane.present), "_forget", lambda _pane: None)
                desk.app._main.filter_bar.take("zzz")
                await desk.shows("No run matches")
                await desk.until(lambda: not ids_by_screen(desk)[0])
                if forgets or view == "1":
                    await desk.until(lambda: not ids_by_screen(desk)[1])
                else:
                    await asyncio.sleep(0.3)
                    assert ids_by_screen(desk)[1], f"negative control: {view}"
                desk.app._main.filter_bar.take("")
                await desk.hides("No run matches")
