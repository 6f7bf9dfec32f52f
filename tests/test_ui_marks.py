"""Marks: many runs at once after one question, hit by their ids; whatever comes and goes meanwhile, no other is hit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from runboard.board import Board
from runboard.control import Control, ControlError
from runboard.model import Outcome, Reason, Run, Status
from runboard.store import Store
from runboard.ui.marks import Marks
from tests.pilots import NOW, fixed_board, real_board
from tests.program import record
from tests.test_ui_acts import DONE, LIVE, Hand
from tests.waiting import until

BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, SIGKILL)


def over(number: int, **more: object) -> Run:
    """A run that has ended; the higher its number, the longer ago."""
    at = NOW - 10 * number
    run = LIVE._replace(id=f"{number:08x}", name=f"run {number}", started_at=at - 1, completed_at=at, outcome=DONE)
    return run._replace(**more)  # type: ignore[arg-type]


def test_marks_are_ids_and_only_what_is_in_sight_counts() -> None:
    """Toggle, range, all and invert work on what the filter shows; a run that leaves the sight is not meant."""
    board = Board([over(number) for number in range(6)])
    marks = Marks(board)
    assert marks.do("toggle", "00000001") == 1
    marks.do("range", "00000003")
    assert list(marks) == ["00000001", "00000002", "00000003"]
    marks.do("toggle", "00000002")
    marks.do("invert", None)
    assert sorted(marks) == ["00000000", "00000002", "00000004", "00000005"]
    marks.do("all", None)
    board.filter("run", NOW)
    board.apply([], ["00000000"])
    board.apply([over(4, name="other")])
    assert "00000000" not in list(marks)
    assert "00000004" not in list(marks), "the filter hides it"
    marks.do("none", None)
    assert (list(marks), [run.id for run in marks.runs(over(9))]) == ([], ["00000009"])


async def test_marked_runs_go_to_the_trash_after_one_question_and_come_back_together(store: Store) -> None:
    """Space marks, the summary counts, d asks once with the number; u brings all of them back at once."""
    control = Control(store)
    runs = [control.start(["true"], name=f"done {number}") for number in range(4)]
    until(lambda: all(store.read(run.id).finished for run in runs))
    async with real_board(Path(store.root)) as desk:
        await desk.shows("done 0", "done 3", "✔ 4 completed")
        await desk.press("g", "space", "space", "space")
        await desk.shows("3 marked")
        assert desk.text().count("▌") == 3
        await desk.press("d")
        await desk.shows("Move these 3 runs to the trash?", "u brings them back.", "y  Yes, move them")
        await desk.press("y")
        await desk.until(lambda: len(store.ids()) == 1)
        await desk.hides("3 marked")
        await desk.press("u")
        await desk.until(lambda: len(store.ids()) == 4)
        await desk.shows("done 0", "done 3")


async def test_marked_runs_are_killed_and_what_fails_is_told_run_by_run(store: Store) -> None:
    """One question kills two trees; of a run that ended meanwhile nothing is done, and the record of each is true."""
    control = Control(store)
    runs = [control.start(["sleep", "60"], name=f"live {number}") for number in range(3)]
    async with real_board(Path(store.root)) as desk:
        await desk.shows("live 0", "live 2")
        await desk.press("ctrl+a")
        await desk.shows("3 marked")
        await desk.press("S")
        await desk.shows("Kill these 3 runs?")
        await desk.press("y")
        await desk.until(lambda: all(record(Path(store.root), run.id)["status"] == "failed" for run in runs), 10)
        await desk.until(lambda: any("Killing: 3 of 3 runs done" in toast for toast in desk.toasts()))
        await desk.shows("✘ 3 failed")
        await desk.press("m")
        await desk.shows("Count these 3 runs as…")
        await desk.press("enter", "enter")
        await desk.until(lambda: all(record(Path(store.root), run.id)["status"] == "completed" for run in runs))
        await desk.press("t", *"mine", "ctrl+s")
        await desk.until(lambda: all(record(Path(store.root), run.id).get("tags") == ["mine"] for run in runs))
        await desk.press("escape")
        await desk.hides("3 marked")


async def test_only_the_runs_of_the_question_are_hit() -> None:
    """While the question is open everything moves: those named are hit. By place in the list, others would be."""
    hand = Hand()
    hand.let.set()
    lives = [
        LIVE._replace(id=f"{number}{number}111111", name=f"live {number}", started_at=NOW - number)
        for number in range(1, 7)
    ]
    async with fixed_board(lives, control=hand) as desk:
        await desk.press("g", "down", "space", "space")
        await desk.press("s")
        await desk.shows("Stop these 2 runs?", "22111111  live 2", "33111111  live 3")
        places = [desk.app._board.index_of(run_id) for run_id in ("22111111", "33111111")]
        newer = [
            LIVE._replace(id=f"{number}{number}999999", name="newer", started_at=NOW + number) for number in range(4)
        ]
        await desk.publish(*newer, removed=["11111111"])
        await desk.press("y")
        await desk.until(lambda: len(hand.calls) == 2)
        assert sorted(str(call[1]) for call in hand.calls) == ["22111111", "33111111"]
        by_place = [desk.app._board.at(spot) for spot in places if spot is not None]
        assert by_place != ["22111111", "33111111"], "acting by place would have hit others"


async def test_a_failure_among_many_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something went wrong with one of many, a list says what with which; Esc leaves it."""

    class Picky(Hand):
        """Refuses one."""

        def _done(self, *call: object) -> Run:
            """Refuse the second."""
            run = super()._done(*call)
            if call[1] == "22111111":
                raise ControlError("run 22111111 was not signalled: [b]not ours[/b]")
            return run

    hand = Picky()
    hand.let.set()
    lives = [LIVE._replace(id=f"{number}{number}111111", started_at=NOW - number) for number in range(1, 4)]
    async with fixed_board(lives, control=hand) as desk:
        await desk.press("ctrl+a", "s", "y")
        await desk.shows("Stopping: 2 of 3 runs done, 1 not", "✘ 22111111  was not signalled: [b]not ours[/b]")
        await desk.press("escape")
        await desk.hides("runs done")


async def test_what_takes_long_shows_how_far_it_is_and_can_be_ended() -> None:
    """Forty runs stopped eight at a time: the progress is seen, Esc ends it after those under way, the rest is left."""
    hand = Hand()
    lives = [LIVE._replace(id=f"{number:08d}", started_at=NOW - number) for number in range(40)]
    async with fixed_board(lives, control=hand) as desk:
        await desk.press("ctrl+a", "s", "y")
        await desk.shows("Stopping: 0 of 40 runs", "Esc stops after the present one.")
        await desk.press("escape")
        await desk.shows("Stopping after the present one…")
        hand.let.set()
        await desk.until(lambda: any("left when you stopped it" in toast for toast in desk.toasts()))
        assert 0 < len(hand.calls) <= 16


async def test_marks_by_every_key() -> None:
    """Shift and arrows mark and move, V marks a range, * the others; Esc takes marks away before the filter."""
    async with fixed_board([over(number) for number in range(8)], control=object()) as desk:
        await desk.press("g", "shift+down", "shift+down")
        await desk.shows("2 marked")
        await desk.press("down", "down", "V")
        await desk.shows("5 marked")
        await desk.press("asterisk")
        assert list(desk.table.marks) == ["00000005", "00000006", "00000007"]
        await desk.press("slash", *"run", "enter", "escape")
        await desk.hides("marked")
        await desk.shows("8 of 8 shown")
        await desk.press("escape")
        await desk.hides("shown")


async def test_a_mark_is_seen_on_its_row_and_nowhere_else() -> None:
    """The row of a marked run begins with a bar, wherever the order takes it."""
    async with fixed_board([over(number) for number in range(3)], control=object()) as desk:
        await desk.press("g", "down", "space")
        lines = [line for line in desk.text().splitlines() if "▌" in line]
        assert (len(lines), "run 1" in lines[0]) == (1, True)
        await desk.publish(over(1, outcome=BAD, completed_at=NOW + 5))
        lines = [line for line in desk.text().splitlines() if "▌" in line]
        assert (len(lines), "run 1" in lines[0]) == (1, True)


async def test_the_question_tells_what_many_take_where_that_is_known() -> None:
    """The size of all of them together stands in the question, but only where each is known."""
    runs = [over(number, size=1 << 20) for number in range(3)]
    async with fixed_board(runs, control=object()) as desk:
        await desk.press("ctrl+a", "d")
        await desk.shows("Move these 3 runs to the trash?", "They take 3.0 MB in all.")
    async with fixed_board([*runs, over(5)], control=object()) as desk:
        await desk.press("ctrl+a", "d")
        await desk.shows("Move these 4 runs to the trash?")
        assert "in all" not in desk.text()
