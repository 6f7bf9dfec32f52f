"""What needs somebody: told as a table, marked on the board, gone to by a key, and not told again once looked at."""

from __future__ import annotations

import json
import random
from operator import itemgetter
from pathlib import Path

import pytest

from runboard.attention import KEY, SEEN_MOST, Kind, Limits, Need, Seen, due_of, need_of, needs_among
from runboard.board import Board
from runboard.model import KillRequest, Outcome, Reason, Run, Status
from runboard.state import State
from runboard.ui import vigil
from runboard.ui.remembrance import Remembrance
from runboard.ui.taste import Taste
from tests.pilots import NOW, Desk, fixed_board

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", 3)
LIVE = Run("11111111", name="live", command=("x",), started_at=NOW - 3600, activity_at=NOW - 5)
CRASHED = Run("22222222", name="crashed", command=("x",), started_at=NOW - 90, completed_at=NOW - 40, outcome=BAD)
QUIET = LIVE._replace(id="33333333", name="quiet", activity_at=NOW - 700)
LIMITED = "Rate limit reached (five hour), resets 14:00"

CASES = {
    "at work": (LIVE, None),
    "silent": (QUIET, Need(Kind.SILENT, "silent for 11m")),
    "silent since its start": (LIVE._replace(activity_at=None), Need(Kind.SILENT, "silent for 1h")),
    "just begun": (LIVE._replace(activity_at=None, started_at=NOW - 599), None),
    "paused": (QUIET._replace(paused=True), None),
    "elsewhere": (QUIET._replace(foreign="on host borealis"), None),
    "being stopped": (QUIET._replace(kill_request=KillRequest(NOW, "ada@atlas", 15)), None),
    "queued": (QUIET._replace(queued=True), None),
    "near its limit": (LIVE._replace(timeout=4000.0), Need(Kind.TIMEOUT, "6m40s left of its 1h6m")),
    "far from its limit": (LIVE._replace(timeout=4001.0), None),
    "limited": (LIVE._replace(warnings=(LIMITED,)), Need(Kind.WAITING, LIMITED)),
    "limited and near its limit": (LIVE._replace(timeout=3700.0, warnings=(LIMITED,)), Need(Kind.WAITING, LIMITED)),
    "another warning": (LIVE._replace(warnings=("The context was compacted",)), None),
    "failed": (CRASHED, Need(Kind.FAILED, "Exited with code 3")),
    "failed before somebody looked": (CRASHED._replace(completed_at=NOW - 101), None),
    "killed by somebody": (CRASHED._replace(outcome=Outcome(Status.FAILED, Reason.KILLED, "Killed")), None),
    "fine": (CRASHED._replace(outcome=FINE), None),
    "damaged": (Run("44444444", damage="half a file"), None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_needs_somebody(name: str) -> None:
    """Each case, with its reason in words; once looked at it is told no more."""
    run, need = CASES[name]
    seen = Seen(NOW - 100)
    assert need_of(run, NOW, Limits(), seen) == need
    if need is not None:
        assert need_of(run, NOW, Limits(), seen.looked(run.id, need.kind)) is None
        assert need_of(run, NOW, Limits(), seen.looked("another", need.kind)) == need


def test_the_limits_are_a_persons_own() -> None:
    """Silence and share are told by the settings."""
    assert need_of(LIVE, NOW, Limits(silent=5), Seen()) == Need(Kind.SILENT, "silent for 0s")
    assert need_of(LIVE._replace(timeout=7000.0), NOW, Limits(share=0.5), Seen()) is not None


@pytest.mark.parametrize("timeout", [None, 100.0, 5000.0])
@pytest.mark.parametrize("wrote", [None, NOW - 4000, NOW - 5])
def test_nobody_is_needed_before_it_is_due(timeout: float | None, wrote: float | None) -> None:
    """Time alone makes a live run need somebody at the moment that was foretold, and not a second sooner."""
    run, limits = LIVE._replace(timeout=timeout, activity_at=wrote), Limits()
    due = due_of(run, limits)
    assert need_of(run, due - 1, limits, Seen(0.0)) is None
    assert need_of(run, due + 1, limits, Seen(0.0)) is not None


@pytest.mark.parametrize("blind", [None, "warnings", "outcome", "timeout"])
def test_who_is_asked_only_when_it_matters_is_told_right(monkeypatch: pytest.MonkeyPatch, blind: str | None) -> None:
    """Whatever of a run changes, needs are those of the runs as they are; who overlooks something tells them wrong."""
    told = [name for name in vigil._MATTERS if name != blind]
    monkeypatch.setattr(vigil, "_of", itemgetter(*map(Run._fields.index, told)))
    chance, now = random.Random(3), [NOW]
    board = Board()
    keeper = vigil.Vigil(
        board, lambda: now[0], Limits(), Remembrance(Taste(remembered={KEY: {"since": 0.0, "marks": []}}))
    )
    runs = {f"run{number}": LIVE._replace(id=f"run{number}") for number in range(5)}
    wrong = 0
    for _ in range(3_000):
        run_id, (other, _need) = chance.choice(list(runs)), chance.choice(list(CASES.values()))
        name = chance.choice([name for name in Run._fields if name != "id"])
        runs[run_id] = runs[run_id]._replace(**{name: getattr(other, name)})
        now[0] += chance.choice([0.0, 0.0, 1.0])
        board.apply([runs[run_id]])
        keeper.take([runs[run_id]], (), ())
        due = {one: run for one, run in runs.items() if keeper._due.get(one, 0.0) <= now[0]}
        keeper.take(due.values(), (), ())  # as a tick does
        wrong += board.needs != needs_among(runs.values(), now[0], Limits(), Seen(0.0))
    assert (wrong > 0) is (blind is not None)


@pytest.mark.parametrize("late", [0.0, 1e9])
def test_the_words_go_on_with_the_time_and_nobody_is_asked_in_vain(
    monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    """For an hour needs are told as they are, each run asked once a minute; who asks too late tells old words."""
    asked = [0]

    def counted(run: Run, *more: object) -> Need | None:
        """Note that one is asked, and answer."""
        asked[0] += 1
        return need_of(run, *more)  # type: ignore[arg-type]

    def due(run: Run, *more: object) -> float:
        """When it is to be asked again, or later."""
        return due_of(run, *more) + late  # type: ignore[arg-type]

    monkeypatch.setattr(vigil, "need_of", counted)
    monkeypatch.setattr(vigil, "due_of", due)
    live = [LIVE._replace(id=f"run{number}", activity_at=NOW + number / 7) for number in range(5)]
    live.append(LIVE._replace(id="short", timeout=4000.0, started_at=NOW, activity_at=NOW + 3000))
    board, now = Board(), [NOW]
    keeper = vigil.Vigil(board, lambda: now[0], Limits(), Remembrance(Taste()))
    board.apply(live)
    keeper.take(live, (), ())
    wrong = 0
    for second in range(3_600):
        now[0] = NOW + second + 0.3
        if second == 1_800:
            keeper.look("run0")
        if second == 2_000:
            now[0] = NOW  # somebody sets the clock back, and a little later right again
        keeper.tick()
        wrong += board.needs != needs_among(live, now[0], Limits(), keeper._seen)
    assert (wrong > 0) is (late > 0)
    assert late or asked[0] < 6 * 50 + 500, "five say each minute for how long they are silent, one its last 400 s"


async def test_who_becomes_silent_is_noticed_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that needs nobody yet is not asked at each tick, and all the same told when its time has come."""
    asked: list[str] = []

    def counted(run: Run, *more: object) -> Need | None:
        """Note who is asked, and answer."""
        asked.append(run.id)
        return need_of(run, *more)  # type: ignore[arg-type]

    monkeypatch.setattr("runboard.ui.vigil.need_of", counted)
    now = [NOW]
    async with fixed_board([LIVE], clock=lambda: now[0]) as desk:
        await desk.shows("● running")
        asked.clear()
        for later in (60.0, 120.0):
            now[0] = NOW + later
            desk.app._vigil.tick()
        assert asked == []
        now[0] = NOW + 700
        await desk.until(lambda: desk.app._board.needs == {LIVE.id: "silent for 11m"})


def test_what_was_seen_survives_in_memory_and_is_bounded() -> None:
    """It comes back from JSON as it was; nonsense is a new beginning, and a time to come is none."""
    seen = Seen(NOW - 5)
    for number in range(SEEN_MOST + 5):
        seen = seen.looked(str(number), Kind.FAILED)
    assert len(seen.marks) == SEEN_MOST
    assert Seen.of(json.loads(json.dumps(seen.kept())), NOW) == seen
    for nonsense in (None, 3, {"since": "x", "marks": []}, {"since": 1.0, "marks": 2}, {}):
        assert Seen.of(nonsense, NOW) == Seen(NOW)
    assert Seen.of({"since": NOW + 999, "marks": [1, "a b"]}, NOW) == Seen(NOW, ("a b",))


def row_of(desk: Desk, run: Run) -> str:
    """A run's line in the table."""
    return next(line for line in desk.text().split("\n")[:16] if run.id in line)


async def test_a_needy_run_is_marked_counted_and_gone_to(tmp_path: Path) -> None:
    """The mark stands behind the status, the reason is in words; a goes from one to the next, and each is seen then."""
    memory = State(str(tmp_path))
    memory.save("attention", Seen(NOW - 100).kept())
    taste = Taste(remembered=memory.load(), remember=memory.save)
    async with fixed_board([LIVE, QUIET, CRASHED], taste=taste) as desk:
        await desk.shows("! 2 need you", "a attend")
        assert row_of(desk, QUIET).startswith(" ● running !")
        assert "silent for 11m" in row_of(desk, QUIET)
        assert row_of(desk, CRASHED).startswith(" ✘ failed  !")
        assert "!" not in row_of(desk, LIVE)
        await desk.press("a")
        assert desk.table.cursor == QUIET.id
        await desk.shows("! 1 needs you")
        await desk.press("a")
        assert desk.table.cursor == CRASHED.id
        await desk.hides("need you")
        await desk.hides("a attend")
        assert "!" not in row_of(desk, CRASHED)
        await desk.until(lambda: len(Seen.of(memory.load().get("attention"), NOW).marks) == 2)
    async with fixed_board([LIVE, QUIET, CRASHED], taste=taste._replace(remembered=memory.load())) as desk:
        await desk.shows("✘ failed")
        assert "need" not in desk.text().split("\n")[0]


async def test_one_key_says_that_all_has_been_seen(tmp_path: Path) -> None:
    """A leaves nothing that needs somebody, moves nothing, and is remembered; what comes after it is told."""
    memory = State(str(tmp_path))
    taste = Taste(remembered={"attention": Seen(NOW - 100).kept()}, remember=memory.save)
    late = CRASHED._replace(id="55555555", completed_at=NOW + 5)
    async with fixed_board([LIVE, QUIET, CRASHED, late], taste=taste) as desk:
        await desk.shows("! 3 need you")
        await desk.press("down", "down")
        cursor = desk.table.cursor
        await desk.press("A")
        await desk.hides("need you")
        assert desk.table.cursor == cursor
        assert "!" not in row_of(desk, QUIET) + row_of(desk, CRASHED)
        assert desk.toasts() == ["3 runs seen: what needs you from now on is told anew"]
        await desk.publish(LIVE._replace(outcome=BAD, completed_at=NOW + 1))
        await desk.shows("! 1 needs you")
        await desk.until(lambda: Seen.of(memory.load().get("attention"), NOW).since == NOW)
    taste = taste._replace(remembered=memory.load())
    async with fixed_board([LIVE, QUIET, CRASHED, late], taste=taste) as desk:
        await desk.shows("✘ failed")
        assert "need" not in desk.text().split("\n")[0]
        await desk.press("A")  # where nothing needs anybody the key says so
        assert desk.toasts() == ["No run needs you now"]


async def test_the_palette_has_it_too() -> None:
    """Where something needs somebody there is an entry that says so and does it; else there is none."""
    async with fixed_board([QUIET]) as desk:
        await desk.shows("! 1 needs you")
        entry = next(one for one in desk.app.get_system_commands(desk.app.screen) if one.title.startswith("Seen all"))
        await desk.press("ctrl+p", *"seen a")
        await desk.shows(entry.help)
        await desk.press("enter")
        await desk.hides("needs you")
        assert not [one for one in desk.app.get_system_commands(desk.app.screen) if one.title.startswith("Seen all")]


@pytest.mark.parametrize("key", ["i", "enter"])
async def test_who_looks_at_a_run_has_seen_it(key: str) -> None:
    """Opening its log or its details is looking; having the cursor on it is not."""
    taste = Taste(remembered={"attention": Seen(NOW - 100).kept()})
    async with fixed_board([CRASHED], taste=taste) as desk:
        await desk.shows("! 1 needs you")
        assert desk.table.cursor == CRASHED.id
        await desk.press(key)
        await desk.press("escape")
        await desk.hides("needs you")


async def test_a_failure_while_the_board_is_open_needs_somebody() -> None:
    """At the first opening ever nothing old is told; what fails from then on is."""
    async with fixed_board([LIVE, CRASHED]) as desk:
        await desk.shows("✘ failed")
        assert "needs you" not in desk.text()
        await desk.publish(LIVE._replace(outcome=BAD, completed_at=NOW + 1))
        await desk.shows("! 1 needs you", "✘ failed  !")


async def test_words_of_an_agent_are_shown_literally() -> None:
    """The reason comes from outside: it is text, whole to its last sign, and a click on it does nothing but choose."""
    run = LIVE._replace(warnings=("Rate limit [@click=app.quit]x[/] [b]y",))
    async with fixed_board([CRASHED, run]) as desk:
        await desk.shows("Rate limit [@click=app.quit]x[/] [b]y", "! 1 needs you")
        y, line = next((y, line) for y, line in enumerate(desk.text().splitlines()) if "Rate" in line)
        await desk.pilot.click(offset=(line.index("]x[") + 1, y))
        assert (desk.app.is_running, desk.table.cursor) == (True, run.id)
