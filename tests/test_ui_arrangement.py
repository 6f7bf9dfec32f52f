"""How the table is arranged: sorted and with the columns that were chosen, now and the next time."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Click, MouseMove, MouseUp

from runboard.cli.comfort import taste_of
from runboard.columns import COLUMNS, HINTS
from runboard.model import Outcome, Reason, Run, Status, Usage
from runboard.order import Sorting
from runboard.state import State
from runboard.ui.arrangement import NARROWEST, sorting_of, text_of
from runboard.ui.cells import lay_out
from runboard.ui.table import RunTable
from runboard.ui.taste import Taste
from tests.pilots import NOW, Desk, arranged, fixed_board
from tests.program import COMMAND, environment, runboard
from tests.terminal import Terminal
from tests.waiting import until

DONE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)


def ended(run_id: str, name: str, took: float, **more: object) -> Run:
    """A completed run."""
    run = Run(run_id, name=name, command=("x",), started_at=NOW - took - 60, completed_at=NOW - 60, outcome=DONE)
    return run._replace(**more)  # type: ignore[arg-type]


RUNS = (
    ended("aaaaaaaa", "cheap one", 5, usage=Usage(cost=0.5), persona="critic", tags=("night", "gpu")),
    ended("bbbbbbbb", "dear one", 9, usage=Usage(cost=9.0), repo="shop/web", model="opus"),
    ended("cccccccc", "plain one", 7),
)


def header(desk: Desk) -> list[str]:
    """The titles of the columns on the screen."""
    line = next((line for line in desk.text().splitlines() if line.startswith(" Status")), "")
    return line.replace("▲", "").replace("▼", "").split()


@pytest.mark.parametrize("text", ["", "cost", "-cost", "name", "-age"])
def test_a_sorting_is_a_setting_and_back(text: str) -> None:
    """What is kept is what is read, and a column that is none is the usual order."""
    assert text_of(sorting_of(text)) == text
    assert sorting_of("nothing") == Sorting()


async def test_the_sorting_comes_back(tmp_path: Path) -> None:
    """What was sorted by last is what the next board is sorted by, and the usual order is forgotten again."""
    memory = State(str(tmp_path))
    async with fixed_board(RUNS, taste=Taste(remember=memory.save)) as desk:
        desk.table.ordering.sort("cost")
        await desk.until(lambda: arranged(memory) == {"board.sort": "cost"})
        await desk.press("o")
        await desk.until(lambda: arranged(memory) == {"board.sort": "-cost"})
    async with fixed_board(RUNS, taste=Taste(remember=memory.save, sort="-cost")) as desk:
        assert desk.app._board.order == ["aaaaaaaa", "bbbbbbbb", "cccccccc"]
        assert "Cost▲" in desk.text()
        desk.table.ordering.sort(None)
        await desk.until(lambda: arranged(memory) == {})


async def test_the_columns_of_the_settings() -> None:
    """The columns that are set stand in their order, with the status before them and nothing else."""
    async with fixed_board(RUNS, taste=Taste(columns=("name", "cost", "id"))) as desk:
        assert header(desk) == ["Status", "Name", "Cost", "ID"]
    async with fixed_board(RUNS, taste=Taste(columns=("reason", "id")), size=(80, 24)) as desk:
        assert header(desk) == ["Status", "Reason", "ID"]


def test_settings_reach_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config file decides, else what was remembered; a board that only looks keeps nothing."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    State(str(tmp_path / "STATE/runboard")).save("board.sort", "-cost")
    (tmp_path / "CONFIG/runboard").mkdir(parents=True)
    (tmp_path / "CONFIG/runboard/config.toml").write_text('board.columns = ["id", "cost"]\n')
    taste = taste_of({}, writable=False)
    assert (taste.sort, taste.columns, taste.remember) == ("-cost", ("id", "cost"), None)
    assert ("board.columns" in taste.settled, "board.sort" in taste.settled, taste.early) == (True, False, True)


async def test_columns_are_chosen_with_the_table_behind(tmp_path: Path) -> None:
    """Each key of the list shows in the table at once; Escape takes it back, Enter keeps it for the next time."""
    memory = State(str(tmp_path))
    async with fixed_board(RUNS, taste=Taste(remember=memory.save), size=(160, 40)) as desk:
        await desk.press("down")
        before, chosen = header(desk), desk.table.cursor
        await desk.press("c")
        await desk.shows("Columns", "space show", "0 automatic")
        at = [line.split()[:2] for line in desk.text().splitlines()]
        assert at
        await desk.press("space")
        assert header(desk) == before  # the status is always there
        await desk.press("down", "space")
        assert header(desk) == [title for title in before if title != "ID"]
        await desk.press("escape")
        assert (header(desk), arranged(memory), desk.table.cursor) == (before, {}, chosen)
        await desk.press("c", "down", "space", "down", "down", "shift+up", "0", "escape")
        assert header(desk) == before
        await desk.press("c", "down", "shift+down", "j", *["right"] * 4, "enter")
        await desk.hides("automatic")
        width = desk.table.places.placed["repo"]
        kept = ["status", "name", "id", "repo", *(slot.column.key for slot in desk.table.places.slots[4:])]
        await desk.until(lambda: arranged(memory) == {"board.columns": kept, "board.widths": {"repo": 12}})
        assert (width, header(desk)[:4], desk.table.cursor) == (12, ["Status", "Name", "ID", "Repo"], chosen)
    again = Taste(remembered=memory.load(), columns=tuple(kept))
    async with fixed_board(RUNS, taste=again, size=(160, 40)) as desk:
        assert (header(desk)[:4], desk.table.places.placed["repo"]) == (["Status", "Name", "ID", "Repo"], 12)
        await desk.press("c", "0")
        assert header(desk) == before


async def test_columns_from_the_palette_and_by_mouse() -> None:
    """Columns that nobody sees unasked are shown by a click; where there is no room, the list says so."""
    async with fixed_board(RUNS, size=(120, 36), taste=Taste(columns=("name", "ended"))) as desk:
        assert header(desk) == ["Status", "Name", "Ended"]
        await desk.press("ctrl+p", *"columns")
        await desk.shows("Choose the table's columns")
        await desk.press("enter")
        await desk.shows("0 automatic", "always", "✔ Name")
        line = next(at for at, text in enumerate(desk.text().splitlines()) if "Name    " in text[78:])
        column = desk.text().splitlines()[line].rindex("Name")
        await desk.pilot.click(offset=(column, line))
        await desk.until(lambda: header(desk) == ["Status", "Ended"])
        await desk.press(*["down"] * 2, "space")
        await desk.until(lambda: header(desk) == ["Status", "Ended", "ID"])
        for word in (
            "[ ] move",
            "[ ] move",
            "enter keep",
        ):  # the keys are to be clicked too, the first of two is itself
            line = next(at for at, text in enumerate(desk.text().splitlines()) if word in text)
            await desk.pilot.click(offset=(desk.text().splitlines()[line].index(word), line))
        await desk.hides("automatic")
        assert header(desk) == ["Status", "ID", "Ended"]
        assert "1m" in desk.text()


def test_what_was_asked_for_stays_before_what_is_there_unasked() -> None:
    """A column that shows only where it is chosen is not the first to go for want of room; some day it goes too."""
    usual = [one for one in COLUMNS if not one.extra]
    wanted = [one for one in COLUMNS if not one.extra or one.key == "persona"]
    assert len(lay_out(wanted, 300, chosen=True)) == len(wanted)
    for width in (80, 100, 120):
        shown = [slot.column.key for slot in lay_out(wanted, width, chosen=True)]
        assert "persona" in shown
        assert "persona" not in [slot.column.key for slot in lay_out(usual, width, chosen=True)]
        assert len(shown) < len(wanted), "the control: there is not room for all"
    assert [slot.column.key for slot in lay_out(wanted, 24, chosen=True)] == ["status", "id", "name"]


async def test_extra_columns_tell_of_runs() -> None:
    """Persona and tags are told by whole runs and by rows."""
    async with fixed_board(RUNS, taste=Taste(columns=("id", "persona", "tags", "ended"))) as desk:
        assert header(desk) == ["Status", "ID", "Persona", "Tags", "Ended"]
        await desk.shows("critic", "night gpu")


async def test_settings_outlive_a_choice() -> None:
    """Where the config file says which columns there are, a choice holds until one leaves, and a word says so."""
    taste = Taste(columns=("id", "name"), settled=frozenset({"board.columns"}))
    async with fixed_board(RUNS, taste=taste) as desk:
        await desk.press("c", "down", "space", "enter")
        await desk.until(lambda: desk.toasts() == ["Until you leave: what is set says which columns come then"])
        assert header(desk) == ["Status", "Name"]


async def pull(desk: Desk, title: str, to: int, *, edge: bool = False) -> None:
    """Press on a title, or on its right edge, go there with the button held, and let it go."""
    slot = next(slot for slot in desk.table.places.slots if slot.column.title == title)
    x, y = slot.x + (slot.width if edge else 0), desk.table.region.y
    await desk.pilot.mouse_down(offset=(x, y))
    await desk.pilot._post_mouse_events([MouseMove], offset=((x + to) // 2, y + 1), button=1)
    await desk.pilot._post_mouse_events([MouseMove], offset=(to, y), button=1)
    await desk.pilot._post_mouse_events([MouseUp, Click], offset=(to, y), button=1)
    await desk.pilot.pause()


async def test_the_mouse_moves_and_widens_columns(tmp_path: Path) -> None:
    """A title that is pulled moves its column, its edge the width, both are kept; that sorts nothing, a click does."""
    memory = State(str(tmp_path))
    async with fixed_board(RUNS, taste=Taste(remember=memory.save), size=(160, 40)) as desk:
        before, rows = header(desk), list(desk.app._board.order)
        places = {slot.column.title: slot for slot in desk.table.places.slots}
        await pull(desk, "ID", places["Repo"].x + 1)
        assert header(desk) == ["Status", "Name", "Repo", "ID", *before[4:]]
        await pull(desk, "ID", 0)
        assert header(desk) == before
        slot = next(slot for slot in desk.table.places.slots if slot.column.key == "repo")
        await pull(desk, "Repo", slot.x + slot.width - 4, edge=True)
        assert (desk.table.places.placed["repo"], header(desk)) == (slot.width - 4, before)
        await pull(desk, "Repo", 159, edge=True)
        wide = desk.table.places.placed["repo"] > slot.width
        assert (wide, header(desk)) == (True, before), "none goes off the screen"
        await pull(desk, "Repo", 0, edge=True)
        assert desk.table.places.placed["repo"] == NARROWEST
        await pull(desk, "Status", 70)
        await pull(desk, "Status", 5, edge=True)
        assert header(desk) == [*before[:3], "Re…", *before[4:]]
        keys = [column.key for column in desk.table.places.columns]
        kept = {"board.columns": keys, "board.widths": {"repo": NARROWEST}}
        await desk.until(lambda: arranged(memory) == kept)
        assert (desk.app._board.sorting, desk.app._board.order) == (Sorting(), rows)
        await desk.pilot.click(RunTable, offset=(places["Name"].x + 1, 0))
        assert desk.app._board.sorting.column == "name"


async def test_a_wide_neighbour_does_not_swap_to_and_fro() -> None:
    """A narrow column that is pulled onto a wide one stands behind it for as long as the mouse stays on its place."""
    async with fixed_board(RUNS, taste=Taste(columns=("id", "repo", "name")), size=(120, 36)) as desk:
        (_, one, wide, _), y = desk.table.places.slots, desk.table.region.y
        await desk.pilot.mouse_down(offset=(one.x, y))
        for x in range(wide.x, wide.x + wide.width):
            await desk.pilot._post_mouse_events([MouseMove], offset=(x, y), button=1)
            assert header(desk) == ["Status", "Repo", "ID", "Name"]
        await desk.pilot._post_mouse_events([MouseMove], offset=(one.x, y), button=0)
        assert header(desk) == ["Status", "Repo", "ID", "Name"], "a button that is up pulls nothing"


async def test_titles_are_explained() -> None:
    """A mouse that rests on a title is told what it means, on a row and beside the titles nothing."""
    async with fixed_board(RUNS, tooltips=True, size=(120, 36)) as desk:
        y = desk.table.region.y
        for key in ("elapsed", "cost"):
            slot = next(slot for slot in desk.table.places.slots if slot.column.key == key)
            await desk.pilot.hover(offset=(slot.x + slot.width - 1, y))
            await desk.shows(HINTS[key][:16])
            await desk.pilot.hover(offset=(slot.x, y + 1))
            await desk.hides(HINTS[key][:16])


def test_the_mouse_of_a_terminal_moves_a_column(tmp_path: Path) -> None:
    """Through a pty: the reports of a press, a way and a release move a column, and it is there the next time."""
    runboard(tmp_path / "runs", "run", "--wait", "--", "true")
    state = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    for first in (True, False):
        with Terminal([*COMMAND, "--runs-dir", str(tmp_path / "runs")], 100, 24, state) as terminal:
            terminal.wait_for("No output")
            y, titles = next((y, line) for y, line in enumerate(terminal.screen()) if "Status" in line and "ID" in line)
            assert (titles.index("ID") < titles.index("Name")) is first
            if first:
                start, end = titles.index("ID") + 1, titles.index("Name") + 4
                for code, x, kind in ((0, start, "M"), (32, end - 1, "M"), (32, end, "M"), (0, end, "m")):
                    terminal.send(f"\x1b[<{code};{x};{y + 1}{kind}".encode())
                until(lambda t=terminal, y=y: -1 < t.screen()[y].find("Name") < t.screen()[y].find("ID"))  # type: ignore[misc]
            terminal.press("q")
            terminal.wait_exit()
