"""Fast switching: whatever pane is open, no painted screen shows what is of another run than the pane's title names."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.screen import Screen

from runboard.model import Outcome, Run, Status
from runboard.ui.log import LogPane
from runboard.ui.pane import Pane
from runboard.ui.sources import Sources
from runboard.worktree import Changes, FileChange
from tests.pilots import NOW, Desk, fixed_board

RUNS = [Run(f"{number}" * 8, name=f"run {number}", command=("x",), started_at=NOW - number) for number in range(1, 9)]
SWITCHES = {"1": 200, "2": 60, "4": 60}
"""How often each view is switched."""


def changes_of(run: Run, _unwanted: Callable[[], bool]) -> Changes:
    """Changes that carry their run's id."""
    return Changes(f"main at {run.id}", (FileChange(run.id, 9, 0),), (), tuple(f"+{run.id}" for _ in range(50)))


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


@pytest.mark.parametrize("view", ["1", "2", "4"])
async def test_no_screen_shows_another_runs_bytes(view: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred fast switches: each painted screen tells of one run, and the last one of the chosen."""
    write_logs(tmp_path)
    sources = Sources(changes=changes_of)
    answer = "".join
    async with fixed_board(
        RUNS, logs=tmp_path, sources=sources, read_response=lambda run_id: answer(f"- {run_id}\n" for _ in range(40))
    ) as desk:
        await desk.press(view)
        painted, mixed = await switched(desk, view, monkeypatch)
        assert painted > 20
        assert mixed == []
        cursor = desk.table.cursor
        assert cursor is not None
        await desk.until(lambda: ids_by_screen(desk) == ({cursor[0]}, {cursor[0]}))


async def test_a_title_that_goes_ahead_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a pane that takes over the new run's name while it still has the old one's lines is caught."""
    write_logs(tmp_path)

    def hasty(pane: Pane, run: Run | None, word: str) -> None:
        pane._run, pane._word = run, word
        pane._refresh_title()

    monkeypatch.setattr(LogPane, "tell", hasty)
    async with fixed_board(RUNS, logs=tmp_path) as desk:
        _, mixed = await switched(desk, "2", monkeypatch)
        assert mixed


async def test_the_chosen_run_is_settled_before_all_others() -> None:
    """Whoever keeps the board true is told which live run is looked at, once for each choice, and of no other."""
    over = RUNS[2].finish(Outcome(Status.COMPLETED), NOW, by="x", detail="x", seen_at=NOW)
    nudged: list[str] = []
    async with fixed_board([*RUNS[:2], over], sources=Sources(nudge=nudged.append)) as desk:
        await desk.until(lambda: nudged == [RUNS[0].id])
        await desk.publish(replace(RUNS[0], name="another"))
        await desk.press("j", "j", "k")
    assert nudged == [RUNS[0].id, RUNS[1].id, RUNS[1].id]
