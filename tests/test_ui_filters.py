"""Filters side by side: chosen by a key or a click, saved under a name, and completed while they are typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from runboard.model import Outcome, Reason, Run, Status
from runboard.state import State
from runboard.ui import filterbar
from runboard.ui.completing import completed, finished
from runboard.ui.screen import BoardScreen
from runboard.ui.tabline import line, present, tabs
from runboard.ui.taste import Taste
from tests.pilots import NOW, Desk, arranged, fixed_board

BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", 3)
LIVE = Run(
    "aaaaaaaa", name="live one", command=("x",), started_at=NOW - 5, repo="shop/web", tags=("night", "two words")
)
LOST = LIVE._replace(id="bbbbbbbb", name="lost one", completed_at=NOW - 2, outcome=BAD, repo="Shop/API", tags=("gpu",))
RUNS = (LIVE, LOST)


def told(desk: Desk) -> tuple[list[str], str]:
    """The ids that are visible, and what stands in the filter bar."""
    return desk.app._board.order, desk.app._main.filter_bar.text


def test_names_fit_the_width() -> None:
    """As many as fit stand side by side, and the chosen one is among them."""
    names = [*tabs({"mine": "x", "All": "y"})]
    assert names == ["All", "Running", "Failed", "mine"]
    assert [tab.name for tab in line(names, None, 80)] == names
    assert [(tab.name, tab.x) for tab in line(names, "mine", 16)] == [("Failed", 0), ("mine", 9)]
    assert [tab.name for tab in line(names, "All", 14)] == ["All", "Running"]
    assert present(tabs({}), " status:failed ") == "Failed"
    assert present(tabs({}), "status:failed x") is None


async def test_keys_go_from_filter_to_filter() -> None:
    """Both keys go round; the table shows what the filter leaves, the cursor stays on its run while that is visible."""
    async with fixed_board(
        RUNS, taste=Taste(filters={"Shop": "repo:api"}, settled=frozenset({"board.filters"}))
    ) as desk:
        assert desk.text().splitlines()[1].split() == ["All", "Running", "Failed", "Shop"]
        await desk.press("down", "full_stop")
        assert told(desk) == ([LIVE.id], "status:running")
        await desk.press("full_stop")
        assert (told(desk), desk.table.cursor) == (([LOST.id], "status:failed"), LOST.id)
        await desk.press("full_stop")
        assert told(desk) == ([LOST.id], "repo:api")
        await desk.press("full_stop")
        assert (told(desk), desk.table.cursor) == (([LIVE.id, LOST.id], ""), LOST.id)
        await desk.press("comma")
        assert told(desk)[1] == "repo:api"
        await desk.press("escape")
        assert told(desk) == ([LIVE.id, LOST.id], "")
        await desk.pilot.click("#tabs", offset=(9, 0))
        await desk.pilot.pause()
        assert told(desk) == ([LIVE.id], "status:running")
        await desk.press("ctrl+p", *"show failed")
        await desk.shows("Show Failed")
        await desk.press("enter")
        await desk.until(lambda: told(desk) == ([LOST.id], "status:failed"))


@pytest.mark.parametrize(("size", "seen"), [((120, 30), True), ((80, 24), False), ((40, 10), False)])
async def test_the_line_takes_no_room_that_is_missed(size: tuple[int, int], seen: bool) -> None:
    """In a low window the line is there for filters of one's own only, in a very low one never; the keys work."""
    async with fixed_board(RUNS, size=size) as desk:
        assert ("Failed" in desk.text()) is seen
        await desk.press("full_stop")
        assert told(desk)[0] == [LIVE.id]
    async with fixed_board(RUNS, size=size, taste=Taste(remembered={"board.filters": {"Mine": "one"}})) as desk:
        assert ("Mine" in desk.text()) is (size[1] >= 15)


async def test_a_filter_is_saved_and_forgotten(tmp_path: Path) -> None:
    """ctrl+s in the filter bar asks for a name; the next board has it, and the palette takes it away."""
    memory = State(str(tmp_path))
    async with fixed_board(RUNS, taste=Taste(remember=memory.save)) as desk:
        await desk.press("slash", "ctrl+s")
        assert "Save this filter" not in desk.text()
        await desk.press("space", *"repo:", "ctrl+s")  # blanks around it are not kept
        assert "Save this filter" not in desk.text()  # it is none yet
        await desk.press(*"api")
        await desk.shows("ctrl+s save")
        await desk.press("ctrl+s")
        await desk.shows("Save this filter", "repo:api")
        await desk.press(*"Failed", "enter")
        await desk.shows("Failed is there already.")
        await desk.press(*["backspace"] * 6, *"[b]Api", "enter")
        await desk.hides("Save this filter")
        await desk.until(lambda: arranged(memory) == {"board.filters": {"[b]Api": "repo:api"}})
        assert desk.text().splitlines()[1].split() == ["All", "Running", "Failed", "[b]Api"]
        assert told(desk)[0] == [LOST.id]
        await desk.until(lambda: desk.app.focused is desk.table)  # the next key is one of the table's
    kept = {"board.filters": {"[b]Api": "repo:api", "broken": "nokey:x", "All": "x", "odd": 3}}
    async with fixed_board(RUNS, taste=Taste(remember=memory.save, remembered=kept)) as desk:
        assert desk.text().splitlines()[1].split() == ["All", "Running", "Failed", "[b]Api"]
        await desk.press("ctrl+p", *"forget the")
        await desk.shows("Forget the filter (b)Api")
        await desk.press("enter")
        await desk.until(lambda: arranged(memory) == {})
        assert desk.text().splitlines()[1].split() == ["All", "Running", "Failed"]


@pytest.mark.parametrize(
    ("typed", "rest"),
    [
        ("sta", "tus:"),
        ("x -sta", "tus:"),
        ("s", ""),
        ("status:f", "ailed"),
        ("status:failed", ""),
        ("reason:oo", "m"),
        ("repo:shop/a", "PI"),
        ("tag:", "night"),
        ("tag:two", ""),
        ("cos", "t>"),
        ("nokey:", ""),
        ('"sta', ""),
        ("sta ", ""),
    ],
)
def test_what_is_offered(typed: str, rest: str) -> None:
    """Keys, words that are known, and what the runs have; nothing inside quotes, nothing that needs them."""
    runs: Callable[[], Iterable[Run]] = lambda: RUNS  # noqa: E731 - as the board gives them
    assert completed(typed, runs) == rest


async def test_what_is_offered_is_taken_by_tab_or_right() -> None:
    """Tab and Right take it, Enter keeps only what was typed; without an offer Tab leaves for the next part."""
    async with fixed_board(RUNS) as desk:
        bar = desk.app._main.filter_bar
        await desk.press("slash", *"sta")
        await desk.until(lambda: bar.offered == "status:")
        await desk.press("tab", *"fa")
        await desk.until(lambda: bar.offered == "status:failed")
        await desk.press("right")
        assert told(desk) == ([LOST.id], "status:failed")
        await desk.press("tab")
        assert desk.app.focused is not bar.entry
        await desk.press("slash", "end", "space", *"re")
        await desk.until(lambda: bar.offered == "status:failed reason:")
        await desk.press("enter")
        assert told(desk)[1] == "status:failed re"


@pytest.mark.parametrize(
    ("typed", "rest"),
    [("sta", ""), ("x -sta", "x "), ("s", None), ("star", None), ("status:f", None), ('"sta', None), ("sta ", None)],
)
def test_what_may_become_a_key(typed: str, rest: str | None) -> None:
    """The beginning of a key at the end of a line, which is not finished then."""
    assert finished(typed) == rest


async def test_the_table_is_not_emptied_by_half_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that no run has leaves all as it was while it may become a key; one that some run has filters at once."""
    keys = [*"status", "colon", *"failed"]
    async with fixed_board(RUNS) as desk:
        await desk.press("down", "slash")
        seen = []
        for key in keys:
            await desk.press(key)
            seen.append(told(desk)[0])
        assert [LOST.id] == seen[-1]
        assert [] not in seen
        assert desk.table.cursor == LOST.id
        for word, left in (("note", []), ("lost", [LOST.id]), ("re", [])):
            await desk.press("escape", "slash", *word)
            assert told(desk) == (left or [LIVE.id, LOST.id], word)
            await desk.press("enter")  # then it is a word like any other
            assert told(desk) == (left, word)
            await desk.press("slash")
        monkeypatch.setattr(filterbar, "finished", lambda _line: None)  # negative control: every word counts at once
        await desk.press("escape", "slash", *keys[:4])
        assert told(desk)[0] == []


async def test_the_run_one_comes_from_is_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed may hide it on the way: as soon as it is there it is under the cursor; what was chosen stays."""
    runs = [LIVE._replace(id=f"{number:08}", name=name) for number, name in enumerate(("ox", "cow", "cat", "owl"))]
    async with fixed_board(runs) as desk:
        await desk.press("down")
        for home in ("00000001", "00000003"):
            if home == "00000003":  # negative control: the cursor goes to whoever is nearest, and stays there
                monkeypatch.setattr(BoardScreen, "refilter", lambda screen: screen.table.reorder())
            assert desk.table.cursor == "00000001"
            await desk.press("slash", *"owl")
            assert desk.table.cursor == "00000003"
            await desk.press("backspace", "backspace")
            assert (told(desk)[1], desk.table.cursor) == ("o", home)
            await desk.press("w", "l", "enter", "escape")
            assert (told(desk)[1], desk.table.cursor) == ("", "00000003")
            desk.table.go_to("00000001")
