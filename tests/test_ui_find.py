"""Finding, filtering and going to places in the log pane: by keys, on the screen, with real files."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from runboard.logs import LogView, search, sweep
from runboard.ui.cells import cut_start
from tests.pilots import Desk, fixed_board
from tests.test_ui_log import LIVE, OVER
from tests.waiting import patient


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A finished run's log of ten thousand lines with a time each, 100 of them with an error, and a live run's."""
    lines = (
        f"2026-09-21T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z step {n}{' Error: disk' * (n % 100 == 50)}\n"
        for n in range(10_000)
    )
    (tmp_path / f"{OVER.id}.log").write_text("".join(lines))
    (tmp_path / f"{LIVE.id}.log").write_text("all is well\n" * 100 + "a needle\n" + "still well\n" * 100)
    return tmp_path


async def typed(desk: Desk, key: str, text: str) -> None:
    """Type into the bar that a key opens, and accept."""
    if desk.app.focused is desk.table:
        await desk.press("tab")
    await desk.press(key)
    desk.app._run_pane.look_bar.entry.value = text
    await desk.press("enter")


def slow(there: Event, logs: Path) -> int:
    """Open the finished run's log on a disk that takes its time."""
    assert there.wait(patient(20))
    return os.open(logs / f"{OVER.id}.log", os.O_RDONLY)


def current(desk: Desk) -> str:
    """The line that is marked as the one chosen."""
    lines = desk.log._window.lines if desk.log._window else ()
    return next((line.text for line in lines if line.offset == desk.log._at), "")


async def test_find_goes_from_match_to_match(logs: Path) -> None:
    """The nearest match comes first, n and N go on and back and round; the title counts; what is found is marked."""
    async with fixed_board([OVER], logs=logs) as desk:
        await desk.shows("end of log")
        await typed(desk, "slash", "error")
        await desk.shows("/error 100 of 100")
        assert current(desk).endswith("step 9950 Error: disk")
        row = [line.offset for line in desk.log._window.lines].index(desk.log._at) + 1  # type: ignore[union-attr]
        marked = [part.text for part in desk.log.render_line(row) if part.style and part.style.bgcolor]
        assert "Error" in marked
        await desk.press("n")
        await desk.shows("/error 1 of 100")
        assert current(desk).endswith("step 50 Error: disk")
        await desk.press("n", "n", "n", "N")
        await desk.shows("/error 3 of 100")
        await desk.press("N", "N", "N")
        await desk.shows("/error 100 of 100")
        await desk.press("escape")
        await desk.hides("/error")
        assert not desk.app._board.query.terms


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["slash", *"error", "enter"], "/error 100 of 100"),
        (["g", "slash", *"error", "enter"], "/error 1 of 100"),
        (["slash", *"error", "enter", "n"], "/error 1 of 100"),
        (["ampersand", *"error", "enter"], "step 9950 Error: disk"),
        (["percent_sign", *"01:23:20", "enter"], "step 5000"),
    ],
    ids=["find", "from the start", "on", "only", "go to"],
)
async def test_a_log_that_is_still_being_read_can_be_searched(logs: Path, keys: list[str], shown: str) -> None:
    """What is typed ahead of the first line is done when there are lines, in the order in which it was typed."""
    there = Event()
    async with fixed_board([OVER], open_log=lambda _run_id: LogView(partial(slow, there, logs))) as desk:
        await desk.press("tab")
        await desk.shows("Reading the log")
        await desk.press(*keys)
        there.set()
        await desk.shows(shown)


async def test_a_jump_after_a_search_stays_where_it_went(logs: Path) -> None:
    """Both typed ahead, the search does not take one away from where one went after it."""
    there = Event()
    there.set()
    async with fixed_board([OVER], open_log=lambda _run_id: LogView(partial(slow, there, logs))) as desk:
        await desk.shows("step 9999")
        there.clear()
        await desk.press("tab", "slash", *"error", "enter", "g")
        there.set()
        await desk.shows("/error 100 ·", "T00:00:00Z")


async def test_what_is_not_there_is_told(logs: Path) -> None:
    """Nothing found is said, and nothing moves; a bad expression is told while it is typed, a good one finds."""
    async with fixed_board([OVER], logs=logs) as desk:
        await desk.shows("step 9999")
        await typed(desk, "slash", "Nowhere")
        await desk.shows("/Nowhere not found", "step 9999")
        await desk.press("slash", "ctrl+r")
        desk.app._run_pane.look_bar.entry.value = "(step"
        await desk.press("enter")
        await desk.shows("no regular expression: there is a ( without its )")
        desk.app._run_pane.look_bar.entry.value = "step 1?23 *$"
        await desk.press("enter")
        await desk.shows("of 2")


async def test_the_tables_filter_stays(logs: Path) -> None:
    """The same key filters the table while that has the focus, and Esc in the log's bar leaves the filter alone."""
    async with fixed_board([OVER, LIVE], logs=logs) as desk:
        await desk.press("slash", *"over", "enter", "tab", "slash")
        await desk.shows("find text")
        await desk.press("escape")
        await desk.hides("find text")
        assert desk.app._board.query.terms
        assert desk.app.focused is desk.log


async def test_only_lines_that_match_are_shown(logs: Path) -> None:
    """The filter shows each line with its place, + and - lines around; Enter shows the chosen one in the whole log."""
    async with fixed_board([OVER], logs=logs) as desk:
        await typed(desk, "ampersand", "error")
        await desk.shows("&error · 100 lines", "99.5 %", "step 9950 Error")
        await desk.hides("step 9999")
        await desk.press("plus")
        await desk.shows("&error ±1", "step 9949", "step 9951")
        await desk.press("minus")
        await desk.hides("step 9951")
        await desk.press("g")
        await desk.shows("step 50 Error")
        await desk.press("j", "j", "enter")
        await desk.shows("step 250 Error", "step 251", "step 249")
        assert "&error" not in desk.text()
        await desk.press("escape", "ampersand")
        assert desk.app._run_pane.look_bar.entry.value == "error"
        desk.app._run_pane.look_bar.entry.value = "nothing like it"
        await desk.press("enter")
        await desk.shows("No line matches: nothing like it")
        await desk.press("escape")
        await desk.hides("No line matches")
        await desk.shows("step 250 Error")


async def test_places_are_gone_to(logs: Path) -> None:
    """A share, a time and a way back from the end lead there; what is no place is told, and the bar stays."""
    async with fixed_board([OVER], logs=logs) as desk:
        await desk.shows("step 9999")
        await typed(desk, "percent_sign", "50%")
        await desk.shows("step 5017")
        await typed(desk, "percent_sign", "01:00:05")
        await desk.shows("step 3605")
        await desk.hides("step 3604")
        await typed(desk, "percent_sign", "-100s")
        await desk.shows("step 9899")
        await typed(desk, "percent_sign", "noon")
        await desk.shows("'noon' is no place")
        await desk.press("escape")
        await desk.hides("'noon'")


async def test_another_run_forgets_what_was_found(logs: Path) -> None:
    """With another run under the cursor nothing is looked for any more, and its threads have ended."""
    async with fixed_board([LIVE, OVER], logs=logs) as desk:
        await typed(desk, "slash", "needle")
        await desk.shows("/needle 1 of 1")
        pager = desk.app._run_pane.reader._pager
        assert pager is not None
        assert pager._find is not None
        await desk.press("tab", "down")
        await desk.hides("/needle")
        await desk.until(lambda: pager._find[1].join(0))  # type: ignore[index]


async def test_keys_are_offered_where_they_do_something(logs: Path) -> None:
    """The last line names next and previous while something is found, more around while it is filtered."""
    async with fixed_board([OVER], logs=logs, size=(200, 50)) as desk:
        await desk.press("tab")
        await desk.shows("/ find", "& only", "% go to")
        assert "n next" not in desk.text()
        await typed(desk, "slash", "error")
        await desk.shows("n next", "N previous")
        assert "+ more around" not in desk.text()
        await typed(desk, "ampersand", "error")
        await desk.shows("+ more around")
        assert "- less" not in desk.text()


async def test_an_agents_words_are_searched(tmp_path: Path) -> None:
    """Where an agent's log is put into words, these are what is found; raw, the bytes are."""
    event = {
        "type": "assistant",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "caf\u00e9 au lait"}]},
    }
    (tmp_path / f"{OVER.id}.log").write_text("\n".join([json.dumps(event)] * 3) + "\n")
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.shows("café au lait")
        await typed(desk, "slash", "café")
        await desk.shows("of 3")
        await typed(desk, "slash", "message")
        await desk.shows("not found")
        await desk.press("v")
        await desk.shows("raw", "of 3")


async def test_a_match_far_to_the_right_is_shown(tmp_path: Path) -> None:
    """In a line of ten megabytes the view pans to what is found, and to the line's end, and says where it stands."""
    (tmp_path / f"{OVER.id}.log").write_bytes(b"." * 5_000_000 + b"needle" + b"-" * 5_000_000 + b"the end\nlast\n")
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.shows("last")
        await typed(desk, "slash", "needle")
        await desk.shows("..needle--", "column ")
        await desk.press("g", "circumflex_accent")
        await desk.hides("needle--")
        await desk.press("dollar_sign")
        await desk.shows("---the end", "column 9,9")


async def test_progress_is_shown(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a search goes on its share is told, and Esc ends it."""
    monkeypatch.setattr(search.Search, "_look", lambda self, _fd, _before: self._given_up.wait(10) and None)
    async with fixed_board([OVER], logs=logs) as desk:
        await desk.shows("end of log")
        await typed(desk, "slash", "Nowhere at all")
        await desk.shows("searching 0 %")
        await desk.press("escape")
        await desk.hides("searching")


async def test_all_logs_are_searched(logs: Path) -> None:
    """What the logs of all runs hold is listed with its run; Enter goes there, and n goes on from there."""
    async with fixed_board([LIVE, OVER], logs=logs) as desk:
        await desk.press("F", "enter")
        await desk.shows("nothing is typed that could be found")
        await desk.press(*"needle", "enter")
        await desk.shows("11111111 live                  a needle", "1 line in 2 logs")
        await desk.press("escape", "down")
        await desk.press("F", *"step 77", "enter")
        await desk.shows("111 lines in 2 logs", "22222222 over")
        await desk.press("down", "enter")
        await desk.shows("/step 77 2 of 111", "step 770")
        assert current(desk).endswith("step 770")
        await desk.press("n")
        await desk.shows("/step 77 3 of 111")


async def test_too_much_is_cut_and_a_bad_expression_told(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More lines than are kept end the search with a word; leaving it ends its thread."""
    monkeypatch.setattr(sweep, "HITS_MOST", 50)
    async with fixed_board([LIVE, OVER], logs=logs) as desk:
        await desk.press("F", *"step", "enter")
        await desk.shows("the first 50 lines; there are more")
        screen = desk.app.screen
        await desk.press("shift+tab", "ctrl+r", "(", "enter")
        await desk.shows("no regular expression")
        await desk.press("escape")
        assert screen._sweep.join(5)  # type: ignore[attr-defined]
        assert desk.app.screen is not screen


@pytest.mark.parametrize(
    "size",
    [(200, 50), pytest.param((80, 24), marks=pytest.mark.nightly), (40, 10)],
    ids=lambda size: "x".join(map(str, size)),
)
async def test_the_count_stands_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    """However long what is looked for is, which match it is and whether it follows; at 40x10 only that."""
    sought = "a needle in a haystack that has many words more than a title has room for"
    whole = ("12 of 12 ·", "· paused at ") if size[0] > 40 else (" paused ",)
    log = tmp_path / f"{LIVE.id}.log"
    log.write_text((". " * 300 + sought + "\nwell" * 99 + "\n") * 12)
    async with fixed_board([LIVE], logs=tmp_path, size=size) as desk:
        await desk.press("enter" if size[1] < 15 else "tab")
        await desk.shows("following")
        await typed(desk, "slash", sought)
        await desk.shows(*whole)
        with log.open("a") as more:
            more.write("well\n" * 2000)
        await desk.until(lambda: "2,000 new lines" in desk.log._title[2])
        assert all(text in desk.text() for text in whole)
        monkeypatch.setattr(type(desk.log), "_cut_place", lambda _log, place, room: cut_start(place, room))
        desk.log.refresh()  # negative control: whatever stands at the left is cut
        await desk.hides(whole[0])
