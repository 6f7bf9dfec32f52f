"""What a person says of runs on the board: marks, tags, notes, pauses; each key asserted on disk and on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest

from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.store import Store
from tests.pilots import Desk, real_board
from tests.program import record
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, SIGKILL)


def over(store: Store, script: str, name: str, **words: object) -> Run:
    """A run that has ended."""
    run = Control(store).start(["sh", "-c", script], name=name, **words)  # type: ignore[arg-type]
    until(lambda: store.read(run.id).finished)
    return store.read(run.id)


async def typed(desk: Desk, text: str) -> None:
    """Type a text into what has the focus."""
    await desk.press(*("space" if char == " " else char for char in text))


async def test_m_marks_a_failed_run_completed(store: Store) -> None:
    """The form names the run; a reason, enter, enter: it counts as completed on disk and in its row."""
    run = over(store, "exit 3", "flaky")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("Exited with code 3")
        await desk.press("m")
        await desk.shows("Count this run as…", f"{run.id}  flaky", "Exited with code 3")
        await typed(desk, "the net")
        await desk.press("enter", "enter")
        await desk.shows("✔ completed", "Marked completed by ada@atlas")
        doc = record(Path(store.root), run.id)
        assert (doc["status"], doc["mark"]["why"], doc["mark"]["by"]) == ("completed", "the net", "ada@atlas")
        await desk.press("m", "tab", "f")
        await desk.until(lambda: record(Path(store.root), run.id)["status"] == "failed")
        await desk.shows("✘ failed", "Marked failed by ada@atlas")


async def test_esc_keeps_nothing_and_asks_where_something_was_typed(store: Store) -> None:
    """Esc leaves an untouched form at once; a touched one says what is lost, and a second Esc leaves."""
    run = over(store, "exit 3", "flaky")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("Exited with code 3")
        await desk.press("m", "escape")
        await desk.hides("Count this run as…")
        await desk.press("m", "x", "escape")
        await desk.shows("what you typed is lost", "Count this run as…")
        await desk.press("y")
        await desk.hides("what you typed is lost")
        await desk.press("escape", "escape")
        await desk.hides("Count this run as…")
        assert "mark" not in record(Path(store.root), run.id)


async def test_t_edits_tags_and_note_of_a_live_run(store: Store) -> None:
    """Tags are edited as words, the note with its lines; what was put there meanwhile by others stays."""
    control = Control(store)
    run = control.start(["sleep", "60"], name="live", tags=["old", "two words"])
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running")
        await desk.press("t")
        await desk.shows("Tags and note", "old 'two words'")
        control.tag(run.id, add=["meanwhile"])
        await desk.press("home", *("delete",) * 4)
        await desk.press("end")
        await typed(desk, " new")
        await desk.press("enter")
        await typed(desk, "one")
        await desk.press("enter")
        await typed(desk, "two")
        await desk.press("ctrl+s")
        await desk.hides("Tags and note")
        await desk.until(lambda: record(Path(store.root), run.id).get("note") == "one\ntwo")
        assert record(Path(store.root), run.id)["tags"] == ["two words", "meanwhile", "new"]
        await desk.press("i")
        await desk.shows("two words meanwhile new")


async def test_tags_that_are_none_are_told_at_their_field(store: Store) -> None:
    """A quotation mark that is missing is told below the field, and the form stays."""
    run = over(store, "true", "fine")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("✔ completed")
        await desk.press("t", "'", "a", "ctrl+s")
        await desk.shows("A quotation mark is missing")
        assert "tags" not in record(Path(store.root), run.id)


async def test_p_pauses_and_continues(store: Store) -> None:
    """A press of p stops the tree without a question, the row says paused, and p again lets it go on."""
    run = Control(store).start(["sh", "-c", "sleep 60; :"], name="live")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running", "p pause")
        await desk.press("p")
        await desk.shows("‖ paused", "p continue")
        # The kernel says so a moment before the record does.
        await desk.until(lambda: record(Path(store.root), run.id)["history"][-1]["to"] == "paused")
        await desk.press("p")
        await desk.shows("● running", "p pause")
        await desk.until(lambda: record(Path(store.root), run.id)["history"][-1]["to"] == "running")


async def test_names_of_a_run_are_no_markup(store: Store) -> None:
    """A name, a tag and a note that look like markup are shown as they are."""
    over(store, "exit 1", "[red]x[/nope]", tags=["[b]"])
    async with real_board(Path(store.root)) as desk:
        await desk.shows("[red]x[/nope]")
        await desk.press("m")
        await desk.shows("Count this run as…", "[red]x[/nope]")
        await desk.press("escape", "t")
        await desk.shows("Tags and note", "[b]")


async def test_u_undoes_several_levels(store: Store) -> None:
    """What this board threw away comes back, the newest first."""
    first, second = over(store, "true", "first"), over(store, "true", "second")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("first", "second")
        for left in (1, 0):
            await desk.press("g", "d")
            await desk.shows("to the trash?")
            await desk.press("y")
            await desk.until(lambda left=left: len(store.ids()) == len(desk.app._board) == left)  # type: ignore[misc]
        await desk.shows("No runs yet")
        await desk.press("u")
        await desk.until(lambda: store.ids() == [first.id])
        await desk.press("u")
        await desk.until(lambda: sorted(store.ids()) == sorted([first.id, second.id]))
        await desk.shows("first", "second")


async def test_the_details_of_both_runs_tell_of_the_other(store: Store) -> None:
    """Of a run and its rerun each names the other, and a live one says when it usually ends."""
    first = over(store, "exit 1", "flaky")
    second = Control(store).rerun(first.id)
    until(lambda: store.read(second.id).finished)
    async with real_board(Path(store.root)) as desk:
        await desk.shows(first.id, second.id)
        await desk.press("g", "i")
        await desk.shows("Rerun of", first.id, "This command", "0 of 1 other runs completed")
        await desk.press("escape", "G", "i")
        await desk.shows("Run again as", second.id)
    logs = [Path(store.path(run_id), "output.log") for run_id in (first.id, second.id)]
    assert all(log.exists() for log in logs)


async def test_an_expected_end_is_told_of_a_live_run(store: Store) -> None:
    """A live run of a known command shows how far it is, by the usual time of those that completed."""
    over(store, "sleep 0.1", "quick")
    Control(store).start(["sh", "-c", "sleep 60"], name="quick")
    async with real_board(Path(store.root)) as desk:
        await desk.shows("● running", "✔ completed")
        await desk.press("g", "i")
        await desk.shows("Expected", "100%, longer than usual by", "1 of 1 other runs completed, usually in")
