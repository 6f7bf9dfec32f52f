"""How wide the columns are: free cells go where a text is cut, nothing shrinks while one reads; and a run's bar."""

from __future__ import annotations

import pytest

from runboard.columns import COLUMNS, elapsed_text, filled
from runboard.model import Outcome, Reason, Run, Status
from runboard.ui.cells import Slot, lay_out
from runboard.ui.progress import cell_text
from tests.pilots import NOW, Desk, fixed_board

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
LONG = "The machine restarted while it ran"
LIVE = Run("11111111", name="live one", command=("x",), issue="#1", started_at=NOW - 30)
LOST = LIVE._replace(id="22222222", completed_at=NOW - 5, outcome=Outcome(Status.FAILED, Reason.LOST, LONG))
USUAL = filled((1 << len(COLUMNS)) - 1)
ELAPSED = next(column for column in COLUMNS if column.key == "elapsed")


def cells(width: int, **needed: int) -> dict[str, int]:
    """How many cells each of the usual columns has."""
    return {slot.column.key: slot.width for slot in lay_out(USUAL, width, needed=needed)}


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 160, 200, 300])
def test_widths_follow_the_texts_and_columns_do_not(width: int) -> None:
    """Whatever the texts need, the same columns stand there, within the width; none has less than its title."""
    before = cells(width)
    for name, reason in ((0, 0), (10, 200), (200, 10), (200, 200), (30, 30)):
        slots = lay_out(USUAL, width, needed={"name": name, "reason": reason, "issue": 4, "repo": 90, "id": 2 * name})
        assert [slot.column.key for slot in slots] == list(before)
        if width >= 40:
            assert slots[-1].x + slots[-1].width <= width
        assert all(slot.width >= min(before[slot.column.key], len(slot.column.title)) for slot in slots)


def test_free_cells_go_where_a_text_is_cut() -> None:
    """Where both names and reasons fit both are whole; else what one does not need is the other's; blind it is cut."""
    blind = cells(120)
    seen = cells(120, name=24, reason=len(LONG), issue=4)
    assert (seen["name"] >= 24, seen["reason"] >= len(LONG)) == (True, True)
    assert (blind["reason"] < len(LONG), blind["issue"] > seen["issue"]) == (True, True)
    short, least = cells(120, name=9, reason=90, issue=4), cells(120, name=16, reason=90, issue=4)
    assert (short["name"], short["reason"]) == (9, least["reason"] + 7)  # short names leave more to long reasons
    assert cells(120, name=9, reason=9, issue=4)["name"] > least["name"]  # and none where no reason needs it
    both = cells(120, name=90, reason=90, issue=4)
    assert abs(both["name"] - both["reason"]) <= 5


def test_ids_of_other_tools_are_whole_where_there_is_room() -> None:
    """A long id is whole beside names and reasons that are; an endless one takes a bounded part, and nobody's least."""
    wide = cells(120, id=14, name=20, reason=30, issue=4)
    assert (wide["id"], wide["name"] >= 20, wide["reason"] >= 30) == (14, True, True)
    assert cells(120, name=20, reason=30, issue=4)["id"] == 8, "the control: nobody has a longer one"
    endless = cells(200, id=900, name=20, reason=30, issue=4)
    assert (endless["id"], endless["name"] >= 20, endless["reason"] >= 30) == (24, True, True)
    narrow = cells(80, id=900, name=90, reason=90)
    assert (8 <= narrow["id"] <= 24, narrow["name"] >= 16, narrow["reason"] >= 20) == (True, True, True)


def test_what_a_person_has_set_gives_nothing() -> None:
    """A column that somebody has made wide stays so, whatever stands in it."""
    own = [one._replace(width=16, held=True) if one.key == "issue" else one for one in USUAL]
    own = [one._replace(width=5, held=True) if one.key == "id" else one for one in own]
    slots = lay_out(own, 160, needed={"issue": 2, "reason": 90, "id": 20})
    widths = {slot.column.key: slot.width for slot in slots}
    assert (widths["issue"], widths["id"]) == (16, 5)


def reason_at(desk: Desk) -> int:
    """In which cell the reasons begin."""
    return next(line for line in desk.text().splitlines() if "Reason" in line).index("Reason")


async def test_columns_grow_on_the_screen_and_never_shrink() -> None:
    """A reason that comes and would be cut gets free cells; when it goes nothing moves, until the window changes."""
    async with fixed_board([LIVE], size=(110, 36)) as desk:
        before = reason_at(desk)
        await desk.publish(LOST)
        await desk.shows(LONG)
        after = reason_at(desk)
        assert after < before
        await desk.publish(removed=[LOST.id])
        await desk.hides(LONG)
        assert reason_at(desk) == after
        await desk.pilot.resize_terminal(111, 36)
        await desk.until(lambda: reason_at(desk) > after)


def bar_of(width: int, run: Run = LIVE, usual: float | None = None) -> str:
    """What stands in so many cells for the elapsed time."""
    return cell_text(Slot(ELAPSED, 0, width), run, NOW, usual)


def test_a_bar_says_how_far_a_run_is() -> None:
    """It fills up to the usual time, ends in a + after it, and where nobody knows there is none."""
    assert [bar_of(11, usual=seconds) for seconds in (300, 60, 40, 30, 20)] == [
        *("────    30s", "━━──    30s", "━━━─    30s", "━━━━    30s", "━━━+    30s"),
    ]
    over = LIVE._replace(completed_at=NOW, outcome=FINE)
    for run in (over, LIVE._replace(queued=True), LIVE._replace(started_at=None), Run("x", damage="torn")):
        assert bar_of(11, run, 60) == elapsed_text(run, NOW)
    assert bar_of(11) == "30s"


def test_a_limit_and_a_bar_stand_together_where_there_is_room() -> None:
    """A limit alone is told by its bar too; where one must go it is the limit, and never the elapsed time."""
    limited = LIVE._replace(timeout=120.0)
    assert [bar_of(16, limited, 60), bar_of(16, limited)] == ["━━──      30s/2m", "━───      30s/2m"]
    assert [bar_of(11, limited, 60), bar_of(11, limited), bar_of(7, limited, 60)] == ["━━──    30s", "30s/2m", "30s/2m"]
    for seconds in (1, 59, 119, 3599, 35_999, 90_000):  # and that does not change as it runs
        longer = LIVE._replace(started_at=NOW - seconds, timeout=172_800.0)
        assert [bar_of(width, longer, 9e6)[:4] for width in (16, 11)] == ["────"] * 2
        assert (bar_of(16, longer)[0] in "━─", bar_of(11, longer)) == (True, elapsed_text(longer, NOW))


async def test_the_rows_tell_it_of_what_ran_before() -> None:
    """A live run's row has a bar by runs of its command alone, and another as more of them end; others have none."""
    done = LIVE._replace(id="33333333", started_at=NOW - 400, completed_at=NOW - 340, outcome=FINE)
    other = LIVE._replace(id="44444444", name="another")
    async with fixed_board([LIVE, other, done], size=(100, 30)) as desk:
        await desk.shows("━━──")

        def bars() -> dict[str, bool]:
            """Which rows have a bar."""
            lines = desk.text().splitlines()[:12]
            return {run.id: any(run.id in line and "─" in line for line in lines) for run in (LIVE, other, done)}

        assert bars() == {LIVE.id: True, other.id: False, done.id: False}
        await desk.publish(*(done._replace(id=f"5555555{at}", completed_at=NOW - 390) for at in range(2)))
        await desk.shows("━━━+")
        await desk.publish(LIVE._replace(completed_at=NOW, outcome=FINE))
        await desk.until(lambda: bars()[LIVE.id] is False)
        await desk.until(lambda: desk.app._board.usual == {})


async def test_who_looks_asks_once() -> None:
    """Nothing is read again for a row whose past is the same; that each second asks is what it would cost else."""
    done = [LIVE._replace(id=f"3333333{at}", completed_at=NOW - 10, outcome=FINE) for at in range(3)]
    read: list[str] = []

    def reading(run_id: str) -> Run | None:
        """Note who is read."""
        read.append(run_id)
        return next((run for run in done if run.id == run_id), None)

    async with fixed_board([LIVE, *done], read_run=reading) as desk:
        await desk.shows("━━━+")
        assert sorted(read) == [run.id for run in done]
        memory = desk.app._memory
        assert (memory.usual([LIVE]), sorted(read)) == ({LIVE.id: 20.0}, [run.id for run in done])
        memory.tell(LIVE)
        assert len(read) == 2 * len(done)
