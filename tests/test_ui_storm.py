"""A storm of runs under the cursor: the selection never changes by itself, and no act hits a run that was not named.

The board, the directory and the processes are real. What was hit is read from the disk: who asked a run to end stands
in its record, and what was thrown away lies in the trash.
"""

from __future__ import annotations

import asyncio
import random
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count, islice, takewhile
from pathlib import Path
from signal import SIGTERM

import pytest

from runboard.control import Control
from runboard.errors import StoreError
from runboard.model import Run
from runboard.store import Store
from runboard.ui.confirm import NAMED, Confirm
from runboard.ui.table import RunTable
from runboard.ui.working import Report
from tests.leaving import leave, leave_failed
from tests.pilots import Desk, real_board
from tests.program import record
from tests.test_strangers import exact

STEPS = 200
"""Steps of the storm that every suite has; after ``ASKS`` of them something is asked for."""

CAUGHT = 10 * STEPS
"""By when a careless board is caught: mostly at the first question, but what happens meanwhile is chance."""

ASKS = 34
LEAST_LIVE, MOST = 12, 110
SIZE = (64, 16)
PERSON = "ada@atlas"
ID = re.compile(r"\b[0-9a-f]{8}\b")
"""A run's id, where a question names it."""


class Weather:
    """Runs on a disk that start, end and go at random, some of them with a process."""

    def __init__(self, root: Path, seed: int) -> None:
        """Begin with a hundred, of which a few live."""
        self.chance = random.Random(seed)
        self.root = root
        self.live: dict[str, subprocess.Popen[bytes]] = {}
        self.ended: list[str] = []
        self.thrown: set[str] = set()
        self.control = Control(Store(str(root)), by="weather")
        self._count = 0
        for _ in range(LEAST_LIVE):
            self._start()
        for _ in range(100 - LEAST_LIVE):
            self._found()

    def _name(self) -> str:
        """The id of the next run, in no order."""
        self._count += 1
        return f"{self._count * 2654435761 % 2**32:08x}"

    def _start(self) -> None:
        """A run that lives."""
        run_id = self._name()
        self.live[run_id] = child = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, start_new_session=True)
        leave(self.root, run_id, age=0, name=f"live {run_id}", status="running", completedAt=None, **exact(child.pid))

    def _found(self) -> None:
        """A run that another machine has finished."""
        run_id, age = self._name(), self.chance.random() * 1000
        self.ended.append(run_id)
        (leave if self.chance.random() < 0.8 else leave_failed)(self.root, run_id, age=age, name=f"done {run_id}")

    def blow(self, run_id: str | None = None) -> None:
        """One change; with ``run_id`` it is that run which ends or goes."""
        self.reap()
        dice = self.chance.random()
        live = [known for known, child in self.live.items() if child.poll() is None]
        if run_id in live or (run_id is None and dice < 0.25 and len(live) > LEAST_LIVE):
            self.live[run_id or self.chance.choice(live)].kill()
        elif run_id is not None or (dice < 0.6 and len(self.ended) > MOST - 30):
            self._throw(run_id or self.chance.choice(self.ended))
        elif dice < 0.85:
            self._found()
        else:
            self._start()

    def _throw(self, run_id: str) -> None:
        """Somebody else throws a run away, unless nobody has settled it yet."""
        with suppress(StoreError):
            self.control.trash(run_id)
            self.thrown.add(run_id)
            self.ended.remove(run_id)

    def reap(self) -> None:
        """Take note of the processes that have ended, whoever ended them."""
        for run_id, child in list(self.live.items()):
            if child.poll() is not None:
                del self.live[run_id]
                self.ended.append(run_id)

    def present(self) -> list[Path]:
        """The directories of runs there are."""
        return [path for path in self.root.iterdir() if ID.fullmatch(path.name)]

    def over(self) -> None:
        """Leave no process behind."""
        for child in self.live.values():
            child.kill()
            child.wait()

    def hit(self) -> set[str]:
        """The runs that the board has ended or thrown away, as the disk has it."""
        trash = self.root / ".trash"
        thrown = {path.name for path in trash.iterdir() if ID.fullmatch(path.name)} if trash.exists() else set()
        ids = [path.name for path in self.present()]
        asked = {run_id for run_id in ids if (record(self.root, run_id).get("killRequest") or {}).get("by") == PERSON}
        return asked | (thrown - self.thrown)


class Person:
    """Somebody who moves about, marks runs, and asks for things while everything changes; who knows what was named."""

    def __init__(self, desk: Desk, weather: Weather, control: Rowed) -> None:
        """Sit down."""
        self.desk, self.weather, self.chance = desk, weather, weather.chance
        self.control = control
        self.done = 0
        self.late = 0

    async def step(self) -> None:
        """Go somewhere or mark something, and let something happen; the cursor stays where it was put."""
        table = self.desk.table
        moves = (partial(table.action_move, 1), partial(table.action_move, -1), partial(table.action_page, 1))
        self.chance.choice(
            (*moves, *moves, table.action_first, table.action_last, partial(table.action_mark, "toggle"))
        )()
        cursor = table.cursor
        for _ in range(self.chance.randint(0, 2)):
            self.weather.blow()
        await asyncio.sleep(0.01)
        self._keeps(cursor)

    def _keeps(self, cursor: str | None) -> None:
        """The cursor is on its run as long as the board has that."""
        stays = self.desk.app._board.entry(str(cursor)) is not None
        assert self.desk.table.cursor == cursor or not stays, "the selection changed by itself"

    async def ask(self) -> None:
        """Ask for something; while the question is open more happens, now and then to the very run it names."""
        desk, table = self.desk, self.desk.table
        table.go_to(self.chance.choice(desk.app._board.order))
        cursor = table.cursor
        if len(table.marks) > NAMED or self.chance.random() < 0.5:
            await desk.press("escape")
        await desk.press(self.chance.choice("sS" if desk.app._board.lives(str(cursor)) else "d"))
        await desk.until(lambda: isinstance(desk.app.screen, Confirm) or not self._busy())
        if not isinstance(question := desk.app.screen, Confirm):
            return  # nobody stops what has ended, or throws away what runs
        await desk.until(lambda: ID.search(self._words(question)))
        named = set(ID.findall(self._words(question)))
        self.control.rows = {run_id: self._row(run_id) for run_id in named}
        await self._meanwhile(min(named) if self.chance.random() < 0.3 else None)
        self._keeps(cursor)
        before = self.weather.hit()
        await desk.press("y")
        while self._busy():
            await desk.until(lambda: not self._busy() or isinstance(desk.app.screen, Report))
            if isinstance(desk.app.screen, Report):
                await desk.press("escape")
        self._note(named, self.weather.hit() - before)

    async def _meanwhile(self, victim: str | None) -> None:
        """Let things happen while a question is open, and wait until the board shows them."""
        for _ in range(4):
            self.weather.blow()
        if victim is not None:
            self.weather.blow(victim)
        await self.desk.until(lambda: self.desk.app._board.total == len(self.weather.present()))

    def _row(self, run_id: str) -> int:
        """In which row a run stands, the first where it has gone since."""
        return self.desk.app._board.index_of(run_id) or 0

    def _busy(self) -> bool:
        """Whether an act is under way."""
        return any(worker.group == "acts" and not worker.is_finished for worker in self.desk.app.workers)

    def _note(self, named: set[str], hit: set[str]) -> None:
        """What was hit is what was named, or less where something else was sooner."""
        assert hit <= named, f"named {sorted(named)}, another was hit: {sorted(hit)}"
        self.done += hit == named
        self.late += hit != named
        self.weather.ended = [run_id for run_id in self.weather.ended if run_id not in hit]

    def _words(self, question: Confirm) -> str:
        """The text of a question, as it is painted."""
        region = question.query_one(".dialog").region
        lines = self.desk.text().split("\n")[region.y : region.bottom]
        return "\n".join(line[region.x : region.right] for line in lines)


class Rowed(Control):
    """A control that knows in which row each named run stood when it was named; the product's, which does not care."""

    rows: dict[str, int]
    at: Callable[[int], str]


class ByRow(Rowed):
    """Negative control: acts on whatever stands by now in the row that was pointed at."""

    def kill(self, run_id: str, signal: int = SIGTERM, grace: float = 5.0, *, leader: bool = False) -> Run:
        """End the run in the row."""
        return super().kill(self.at(self.rows[run_id]), signal, grace, leader=leader)

    def trash(self, run_id: str, *, force: bool = False, branches: bool = False) -> tuple[str, ...]:
        """Throw away the run in the row."""
        return super().trash(self.at(self.rows[run_id]), force=force, branches=branches)


async def storm(root: Path, seed: int, going: Callable[[int], bool], kind: type[Rowed] = Rowed) -> Person:
    """Sit in a storm for as long as ``going`` says of the number of the step, and return who sat there."""
    weather = Weather(root, seed)
    control = kind(Store(str(root)), by=PERSON)
    try:
        async with real_board(root, size=SIZE, control=control) as desk:
            desk.app._disable_notifications = True  # a toast for every ending would cost more than all the rest
            board = desk.app._board
            control.at = lambda row: board.at(min(row, len(board) - 1))
            await desk.until(lambda: board.total == len(weather.present()))
            person = Person(desk, weather, control)
            steps = takewhile(going, count(1))
            while batch := tuple(islice(steps, ASKS)):
                with desk.app.batch_update():  # what is painted between questions is not the matter here, and dear
                    for _ in batch:
                        await person.step()
                await person.ask()
            return person
    finally:
        weather.over()


async def test_the_selection_stays_and_only_the_named_run_is_hit(tmp_path: Path) -> None:
    """Whatever comes and goes, the cursor stays on its run, and a yes hits those that stood in the question."""
    person = await storm(tmp_path, 7, lambda step: step <= STEPS)
    assert (person.done + person.late > 4, person.done > 1) == (True, True), (person.done, person.late)


@pytest.mark.nightly
async def test_a_minute_of_it(tmp_path: Path) -> None:
    """The same for a minute, or as much longer as a busy machine needs for it, with another seed every day."""
    end = time.monotonic() + 60
    person = await storm(tmp_path, int(time.time() // 86400), lambda step: time.monotonic() < end or step <= 80 * ASKS)
    assert (person.done > 40, person.late > 4) == (True, True), (person.done, person.late)


async def test_acts_by_row_would_hit_others(tmp_path: Path) -> None:
    """Negative control: who acts on the row that was pointed at hits a run that nobody named, and that is noticed."""
    with pytest.raises(AssertionError, match="another was hit"):
        await storm(tmp_path, 7, lambda step: step <= CAUGHT, ByRow)


async def test_a_cursor_on_a_row_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a cursor that stays in its row comes to other runs by itself, and that is noticed."""

    def by_row(table: RunTable) -> str | None:
        return table._keep(min(table._spot, len(table._board) - 1))

    monkeypatch.setattr(RunTable, "_settle_cursor", by_row)
    with pytest.raises(AssertionError, match="changed by itself"):
        await storm(tmp_path, 7, lambda step: step <= CAUGHT)


async def test_nothing_told_covers_what_a_question_names(tmp_path: Path) -> None:
    """However many toasts there are on a small screen, a question and the run it names are read."""
    leave(tmp_path, "0123abcd", name="the one")
    async with real_board(tmp_path, size=SIZE) as desk:
        await desk.shows("0123abcd")
        await desk.press("d")
        for number in range(9):
            desk.app.notify(f"toast {number} {'x' * 99}", timeout=60)
        await desk.until(lambda: len(desk.app.screen.query("Toast")) == 9)
        await desk.shows("▌", "Move this run to the trash?", "0123abcd  the one", "n  No")
