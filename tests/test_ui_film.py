"""The README's moving picture: a minute at the board, played with fixed runs at a fixed time."""

from __future__ import annotations

import os
from pathlib import Path

from runboard.model import KillRequest, Outcome, Reason, Run, Status
from tests.pictures import SCREENSHOTS, film, frames_of, in_utc, still
from tests.pilots import NOW, Desk, fixed_board
from tests.test_ui_screens import ANSWER, LOG, RUNS

__all__ = ["in_utc"]

MOST = 2_000_000
"""Bytes; a README is read over slow lines too."""

STOPPED = "3f9a1c07"
SCENES: tuple[tuple[tuple[str, ...], str, float], ...] = (
    ((), "make -j8 world", 2.5),
    (("a",), "batch 5000", 1.8),
    (("s",), "Stop this run?", 2.2),
    (("y",), "train resnet50: ✘ failed", 2.6),
    (("slash",), "enter keep", 0.5),
    (("f", "a"), "/ fa", 0.3),
    (("i", "l", "e", "d"), "/ failed", 1.8),
    (("escape", "slash", *"review", "enter"), "1 of 18 shown", 1.2),
    (("2",), "The login test no longer flakes", 3.0),
    (("1", "enter"), "batch 5000", 2.0),
)
"""Keys, what is on the screen when they have been dealt with, and for how many seconds that is shown."""


class Hand:
    """A control that ends the one run it is asked to end, as if its processes had obeyed."""

    def kill(self, run_id: str, _signal: int = 15) -> Run:
        """The run as it was settled."""
        run = next(one for one in RUNS if one.id == run_id)
        asked = run._replace(kill_request=KillRequest(NOW, "ada@atlas", 15))
        outcome = Outcome(Status.FAILED, Reason.KILLED, "Killed by ada@atlas (SIGTERM)", None, 15)
        return asked.finish(outcome, NOW, by="ada@atlas", seen_at=NOW)


async def scenes(desk: Desk, wanted: list[str]) -> list[tuple[str, float]]:
    """Play, and take a picture of each scene as soon as it is the wanted one, or at rest."""
    frames = []
    for number, (keys, shown, seconds) in enumerate(SCENES):
        desk.app.clear_notifications()  # they would go by themselves, some time later
        await desk.press(*keys)
        if keys == ("y",):
            await desk.publish(Hand().kill(STOPPED))
        await desk.shows(shown)
        frames.append((await still(desk, f"scene-{number}", next(iter(wanted[number:]), None)), seconds))
    return frames


async def test_the_film_shows_the_board_as_it_is(tmp_path: Path) -> None:
    """Each scene of the moving picture is, to the byte, what these keys lead to, and the whole is small."""
    path = SCREENSHOTS / "film.svg"
    wanted = frames_of(path.read_text("utf-8")) if path.exists() else []
    for run in RUNS:
        (tmp_path / f"{run.id}.log").write_text("\n".join(LOG) + "\n", "utf-8")
    async with fixed_board(
        RUNS, size=(100, 28), logs=tmp_path, control=Hand(), read_response=lambda _run_id: ANSWER
    ) as desk:
        moving = film(await scenes(desk, wanted))
    if os.environ.get("RUNBOARD_SNAPSHOTS") == "write":
        path.write_text(moving, "utf-8")
    assert path.read_text("utf-8") == moving, f"{path} differs; look at it after RUNBOARD_SNAPSHOTS=write"
    assert len(moving) < MOST


def test_a_film_gives_its_pictures_back() -> None:
    """The pictures of a film are those it was made of, and each has its time."""
    pictures = [f'<svg class="x" viewBox="0 0 1 1">\n<g>{text}</g>\n</svg>\n' for text in ("one", "two")]
    moving = film([(pictures[0], 1.0), (pictures[1], 3.0)])
    assert frames_of(moving) == pictures
    assert "@keyframes shown-0{0%{opacity:1}0.000%{opacity:1}25.000%,100%{opacity:0}}" in moving
    assert "@keyframes shown-1{0%{opacity:0}25.000%{opacity:1}100.000%,100%{opacity:0}}" in moving
