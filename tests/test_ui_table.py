"""The table: the cursor is a run and never a place, and nothing is painted that has not changed."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from textual.events import MouseScrollDown
from textual.geometry import Region

from runboard.batch import Batch
from runboard.columns import COLUMNS, shown
from runboard.model import Outcome, Reason, Run, Status
from runboard.row import Row
from runboard.ui.cells import cut_start, fit, lay_out
from runboard.ui.table import RunTable
from tests.pilots import NOW, Desk, HandFeed, fixed_board

DONE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)


def running(number: int, age: float | None = None) -> Run:
    """A running run; a higher number is older, so it stands further down."""
    return Run(f"{number:08x}", name=f"run {number}", command=("x",), started_at=NOW - (age or number + 1))


def ended(run: Run, after: float = 1.0) -> Run:
    """The same run, completed."""
    assert run.started_at is not None
    return run._replace(outcome=DONE, completed_at=run.started_at + after)


def line_of(desk: Desk, text: str) -> int:
    """The screen line on which a text stands."""
    return next(number for number, line in enumerate(desk.text().splitlines()) if text in line)


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 160, 200, 300])
def test_columns_never_exceed_the_width(width: int) -> None:
    """At every width the columns stand side by side without touching, and status, id and name are always there."""
    slots = lay_out(COLUMNS, width)
    assert {"status", "id", "name"} <= {slot.column.key for slot in slots}
    assert all(one.x + one.width < other.x for one, other in pairwise(slots))
    if width >= 40:
        assert slots[-1].x + slots[-1].width <= width


def test_the_least_important_columns_go_first() -> None:
    """A narrow table has fewer columns, dropped by their rank."""
    keys = [[slot.column.key for slot in lay_out(shown([]), width)] for width in (40, 80, 120)]
    assert keys == [
        ["status", "id", "name"],
        ["status", "id", "name", "elapsed", "reason"],
        ["status", "id", "name", "elapsed", "age", "exit", "reason"],
    ]


def test_texts_fill_exactly_their_cells() -> None:
    """A text is cut with an ellipsis or padded, also where characters are two cells wide."""
    assert [fit("abc", 5), fit("abc", 5, "right"), fit("abcdef", 4), fit("日本語", 4), fit("ab", 0)] == [
        "abc  ",
        "  abc",
        "abc…",
        "日 …",
        "",
    ]
    assert cut_start("/home/ada/runs", 8) == "…da/runs"


async def test_the_cursor_stays_on_its_run() -> None:
    """Runs come, end and leave above the cursor: it stays on its run, which an index would not."""
    runs = [running(number) for number in range(1, 9)]
    async with fixed_board(runs) as desk:
        await desk.press("down", "down", "down")
        chosen = desk.table.cursor
        assert chosen == runs[3].id
        await desk.publish(running(0), ended(runs[0]), ended(runs[1]), removed=[runs[2].id])
        assert desk.table.cursor == chosen
        order = desk.app._board.order
        assert order.index(runs[3].id) == 1
        assert order[3] != chosen  # negative control: who kept the place would act on another run


async def test_the_cursor_keeps_its_screen_line() -> None:
    """In a scrolled list the line under the cursor does not move when rows come and go above it."""
    runs = [running(number) for number in range(10, 110)]
    async with fixed_board(runs) as desk:
        await desk.press(*["pagedown"] * 3)
        chosen, line = desk.table.cursor, line_of(desk, f"{desk.table.cursor}")
        await desk.publish(*(running(number) for number in range(5)), removed=[runs[0].id])
        assert (desk.table.cursor, line_of(desk, f"{chosen}")) == (chosen, line)


async def test_newcomers_are_seen_at_the_top() -> None:
    """A list that was not scrolled shows what comes in first place, with the cursor on its run."""
    runs = [running(number) for number in range(10, 110)]
    async with fixed_board(runs) as desk:
        await desk.publish(running(1))
        assert (desk.table.cursor, desk.table.scroll_offset.y) == (runs[0].id, 0)
        assert "run 1 " in desk.text()


async def test_a_run_that_leaves_hands_the_cursor_to_its_neighbour() -> None:
    """The cursor goes to the next run, at the end to the one before, in an empty list to none, and says so."""
    runs = [running(number) for number in range(3)]
    told: list[str | None] = []
    async with fixed_board(runs) as desk:
        hook = RunTable.Highlighted.__init__

        def noted(message: RunTable.Highlighted, run_id: str | None) -> None:
            told.append(run_id)
            hook(message, run_id)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunTable.Highlighted, "__init__", noted)
            await desk.press("down")
            await desk.publish(removed=[runs[1].id])
            assert desk.table.cursor == runs[2].id
            await desk.publish(removed=[runs[2].id])
            assert desk.table.cursor == runs[0].id
            await desk.publish(removed=[runs[0].id])
        assert told == [runs[1].id, runs[2].id, runs[0].id, None]
        assert "No runs yet" in desk.text()


async def test_until_the_listing_is_complete_the_cursor_waits_at_the_top() -> None:
    """Runs are read in pieces; whichever piece comes first, the board opens on the first row."""
    async with fixed_board([running(50)], complete=False) as desk:
        await desk.publish(running(7))
        assert desk.table.cursor == running(7).id
        assert isinstance(desk.feed, HandFeed)
        desk.feed.publish(Batch(complete=True))
        await desk.publish(running(3))
        assert desk.table.cursor == running(7).id


async def test_a_second_repaints_only_the_cells_that_changed() -> None:
    """As time goes on only elapsed and age are painted anew; when nothing reads differently, nothing is."""
    now = [NOW]
    runs = [running(1, 30), ended(running(2, 86400 * 3))]
    async with fixed_board(runs, clock=lambda: now[0]) as desk:
        painted: list[Region] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk.table, "refresh", lambda *regions, **_: painted.extend(regions))
            desk.table.flush()
            assert painted == []
            now[0] += 1
            desk.table.flush()
        slots = {slot.column.key: slot for slot in desk.table.places.slots}
        first, last = slots["elapsed"], slots["age"]
        assert painted == [Region(first.x, 1, last.x + last.width - first.x, 1)]


async def test_only_what_is_visible_is_ever_painted() -> None:
    """Ten thousand runs, a thousand of them changing at once: a screenful of lines is painted, and the loop is free."""
    runs = [running(number) for number in range(10_000)]
    async with fixed_board(runs) as desk:
        lines = 0
        render = RunTable.render_line

        def counted(table: RunTable, y: int) -> object:
            nonlocal lines
            lines += 1
            return render(table, y)

        gaps: list[float] = []
        ticking, begun = asyncio.create_task(tick(gaps)), time.monotonic()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunTable, "render_line", counted)
            for rounds in range(20):
                changed = [run._replace(name=f"round {rounds}") for run in runs[:1000]]
                assert isinstance(desk.feed, HandFeed)
                await asyncio.to_thread(desk.feed.publish, Batch(tuple(changed)))
                await asyncio.sleep(0.02)
            await desk.shows("round 19")
        ticking.cancel()
        frames = 4 + (time.monotonic() - begun) * 10
        assert lines <= frames * desk.table.size.height
        assert max(gaps) < 0.25


async def test_news_ask_no_line_but_those_of_the_runs_they_name() -> None:
    """What runs out of sight tell asks no line on the screen what it shows, what one in sight tells only that one.

    The control: as time goes on all lines are asked.
    """
    runs = [running(number) for number in range(200)]
    async with fixed_board(runs) as desk:
        asked: list[int] = []
        line = RunTable._line

        def noted(table: RunTable, y: int) -> object:
            asked.append(y)
            return line(table, y)

        def asked_by(*changed: Run) -> list[int]:
            asked.clear()
            desk.table.take(desk.app._board.apply(changed))
            return asked.copy()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunTable, "_line", noted)
            assert asked_by(*(run._replace(name="other") for run in runs[100:])) == []
            assert asked_by(runs[2]._replace(name="third"), runs[150]._replace(note="unseen")) == [3]
            desk.table.flush()
            assert asked[1:] == list(range(1, desk.table.size.height))
        await desk.shows("third")


async def tick(gaps: list[float]) -> None:
    """Note how long the loop keeps others waiting, in seconds of its thread's own work: the machine may be busy."""
    while True:
        before = time.thread_time()
        await asyncio.sleep(0)
        gaps.append(time.thread_time() - before)
        await asyncio.sleep(0.005)


async def test_the_mouse_chooses_opens_and_scrolls() -> None:
    """A click puts the cursor on a row, a double click opens it, the wheel scrolls and leaves the cursor."""
    runs = [running(number) for number in range(100)]
    async with fixed_board(runs) as desk:
        await desk.pilot.click(RunTable, offset=(20, 4))
        assert desk.table.cursor == runs[3].id
        await desk.pilot.click(RunTable, offset=(20, 0))
        assert desk.table.cursor == runs[3].id
        await desk.pilot._post_mouse_events([MouseScrollDown], RunTable, (20, 4))
        await desk.pilot.pause()
        assert (desk.table.cursor, desk.table.scroll_offset.y > 0) == (runs[3].id, True)
        await desk.pilot.click(RunTable, offset=(20, 2), times=2)
        await desk.pilot.pause()
        assert desk.app.screen.has_class("-zoomed")


async def test_keys_move_the_cursor() -> None:
    """Arrows, j and k, pages, g and G, home and end reach every row and stop at the ends."""
    runs = [running(number) for number in range(100)]
    async with fixed_board(runs) as desk:
        found = []
        for key in ("j", "down", "k", "up", "up", "G", "j", "g", "end", "home", "pagedown", "pageup"):
            await desk.press(key)
            found.append(desk.app._board.order.index(desk.table.cursor or ""))
        page = desk.table.size.height - 2
        assert found == [1, 2, 1, 0, 0, 99, 99, 0, 99, 0, page, 0]


async def test_a_column_appears_when_a_run_fills_it_and_stays() -> None:
    """Repo, issue and model are there only once some run has one; they do not flicker away again."""
    async with fixed_board([running(1)], size=(200, 50)) as desk:
        assert "Issue" not in desk.text()
        await desk.publish(running(2)._replace(issue="#412"))
        assert "Issue" in desk.text()
        await desk.publish(removed=[running(2).id])
        assert "Issue" in desk.text()


async def test_sorting_keeps_the_cursor_on_its_run_and_screen_line() -> None:
    """Sorted by any column and back, filtered and not, the line under the cursor stays, and so does its run."""
    runs = [running(number)._replace(name=f"run {number * 37 % 301:03}") for number in range(300)]
    async with fixed_board(runs) as desk:
        await desk.press(*["pagedown"] * 8)
        chosen, spots = desk.table.cursor or "", set[int | None]()
        line = line_of(desk, chosen)
        for keys in ([], ["greater_than_sign"] * 3, ["o"], ["slash", "1", "enter"], ["less_than_sign"], ["escape"]):
            await desk.press(*keys)
            assert (desk.table.cursor, line_of(desk, chosen)) == (chosen, line), keys
            spots.add(desk.app._board.index_of(chosen))
        assert len(spots) > 3  # negative control: who kept the place would act on another run


async def test_keys_and_clicks_sort_by_a_column() -> None:
    """< and > choose the column, o turns the order round, a title clicked twice too, and the third time as usual."""
    runs = [running(number)._replace(name=name) for number, name in enumerate(["beta", "Alpha", "gamma"])]
    async with fixed_board(runs) as desk:
        header = desk.text().splitlines()[2]

        def names() -> str:
            return "".join(
                word[0].lower() for word in desk.text().split() if word.lower() in {"alpha", "beta", "gamma"}
            )

        assert names()[:3] == "bag"
        await desk.press(*["greater_than_sign"] * 3)
        assert (names()[:3], "Name▲" in desk.text()) == ("abg", True)
        await desk.press("o")
        assert (names()[:3], "Name▼" in desk.text()) == ("gba", True)
        await desk.press(*["less_than_sign"] * 3)
        assert (names()[:3], desk.text().splitlines()[2]) == ("bag", header)
        await desk.pilot.click(RunTable, offset=(header.index("Elapsed") + 2, 0))
        await desk.pilot.pause()
        assert (names()[:3], desk.text().splitlines()[2]) == ("gab", header.replace("Elapsed ", "Elapsed▼"))
        await desk.pilot.click(RunTable, offset=(header.index("Elapsed") + 2, 0))
        await desk.pilot.pause()
        assert (names()[:3], desk.text().splitlines()[2]) == ("bag", header.replace("Elapsed ", "Elapsed▲"))
        await desk.pilot.click(RunTable, offset=(header.index("Elapsed") + 2, 0))
        await desk.pilot.pause()
        assert (names()[:3], desk.text().splitlines()[2]) == ("bag", header)


async def test_a_row_shows_what_its_run_showed() -> None:
    """A finished run that becomes a row keeps its line, and the cursor stays on it."""
    runs = [running(0), *(ended(running(number))._replace(repo="web") for number in range(1, 4))]
    async with fixed_board(runs) as desk:
        await desk.press("down", "down")
        before, cursor = desk.text(), desk.table.cursor
        await desk.tell(Batch(rows=tuple(Row.of(run) for run in runs[1:])))
        assert (desk.text(), desk.table.cursor) == (before, cursor)


async def test_the_board_opens_on_the_first_row_whatever_comes_last() -> None:
    """Live runs that come with the end of the listing, behind the rows, stand on top with the cursor on the first."""
    rows = tuple(Row.of(ended(running(number))) for number in range(100, 200))
    async with fixed_board([], complete=False) as desk:
        await desk.tell(Batch((running(1), running(2)), complete=True, rows=rows))
        assert (desk.table.cursor, desk.table.scroll_offset.y) == (running(1).id, 0)
        await desk.tell(Batch((running(0),)))
        assert desk.table.cursor == running(1).id
