"""A storm of runs under the cursor: the selection never changes by itself, and no act hits a run that was not named."""

from __future__ import annotations

import random
from dataclasses import replace
from signal import SIGTERM

from runboard.model import Outcome, Reason, Run, Status
from tests.pilots import NOW, Desk, fixed_board
from tests.test_ui_acts import DONE, LIVE, Hand

STEPS = 14


class Weather:
    """A hundred runs that start, end and go at random."""

    def __init__(self, seed: int) -> None:
        """Begin with fifty live ones."""
        self.chance = random.Random(seed)
        self.runs = {run.id: run for run in (self._made(number) for number in range(50))}
        self._count = 50

    def _made(self, number: int) -> Run:
        """A live run."""
        return replace(LIVE, id=f"{number:08x}", name=f"run {number}", started_at=NOW - self.chance.random() * 1000)

    def blow(self, spare: str | None) -> tuple[list[Run], list[str]]:
        """Some changes: runs that are new, that ended, that went; ``spare`` stays, though it may change."""
        changed, gone = [], []
        for _ in range(self.chance.randint(1, 6)):
            live = sum(run.active for run in self.runs.values())
            if live < 40 or (live < 100 and self.chance.random() < 0.5):
                run = self._made(self._count)
                self._count += 1
            else:
                run = self.chance.choice(list(self.runs.values()))
                if run.finished and run.id != spare:
                    gone.append(self.runs.pop(run.id).id)
                    continue
                bad = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)
                run = replace(run, outcome=self.chance.choice((DONE, bad)), completed_at=NOW)
            self.runs[run.id] = run
            changed.append(run)
        return [run for run in changed if run.id in self.runs], gone


async def storm(desk: Desk, weather: Weather, spare: str | None) -> None:
    """Publish what the weather brings."""
    changed, gone = weather.blow(spare)
    await desk.publish(*changed, removed=gone)


async def test_the_selection_stays_and_only_the_named_run_is_hit() -> None:
    """Whatever comes and goes, the cursor stays on its run; a stop hits the one that stood in the question.

    Acting by the row on which the cursor stood when the key was pressed would have hit another one in many cases.
    """
    weather, hand = Weather(7), Hand()
    hand.let.set()
    wrong_rows = asked = 0
    async with fixed_board(weather.runs.values(), control=hand) as desk:
        for _ in range(STEPS):
            desk.table.go_to(weather.chance.choice([run.id for run in weather.runs.values() if run.active]))
            await desk.press(weather.chance.choice(("j", "k")))
            cursor = desk.table.cursor
            assert cursor is not None
            await storm(desk, weather, cursor)
            assert desk.table.cursor == cursor, "the selection changed by itself"
            run = weather.runs[cursor]
            if run.finished:
                continue
            spot = desk.app._board.index_of(cursor)
            assert spot is not None
            await desk.press("s")
            await desk.shows("Stop this run?", f"{cursor}  {run.name}")
            for _ in range(3):
                await storm(desk, weather, cursor)
            wrong_rows += desk.app._board.at(min(spot, len(desk.app._board) - 1)) != cursor
            before = len(hand.calls)
            await desk.press("y")
            if weather.runs[cursor].finished:
                await desk.until(lambda: any("nothing was done" in toast for toast in desk.toasts()))
                assert len(hand.calls) == before
            else:
                await desk.until(lambda before=before: len(hand.calls) > before)  # type: ignore[misc]
                assert hand.calls[before:] == [("kill", cursor, SIGTERM)]
                asked += 1
            weather.runs[cursor] = replace(run, outcome=DONE, completed_at=NOW)
            await desk.publish(weather.runs[cursor])
    assert (asked > 4, wrong_rows > 1) == (True, True), (asked, wrong_rows)
