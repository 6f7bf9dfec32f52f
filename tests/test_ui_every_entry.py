"""Every entry of the palette is chosen on a real app and does what it says; a new one needs a row here."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

from textual.events import Paste
from textual.widgets import OptionList

from runboard.control import Control, ControlError
from runboard.store import Store
from tests.pilots import Desk, real_board
from tests.program import record
from tests.test_ui_every_key import HEADER, calm, desk_of_many, hides, mark_of, says


def title_of(entry: str) -> str:
    """What an entry of the palette is called, without its key."""
    return entry.partition("  ")[0]


async def picked(desk: Desk, entry: str) -> None:
    """Choose an entry of the palette by its whole name."""
    await desk.press("ctrl+p")
    await desk.shows("Search for commands")
    desk.app.post_message(Paste(entry))
    palette = desk.app.screen.query_one(OptionList)
    await desk.until(lambda: palette.option_count and str(palette.get_option_at_index(0).prompt).startswith(entry))
    await desk.press("enter")


LOOKS = {
    "Open": hides(HEADER),
    "Details": says("History"),
    "Filter": says("words  status:failed"),
    "Columns": says("automatic"),
    "Find in all": says("find in the logs of all"),
    "Response": says("row-000"),
    "Help": says("The board"),
    "Themes": says("runboard-clear"),
    "Light theme": lambda desk, _was: desk.app.theme == "runboard-light",
    "Show Running": says("1 of 40 shown"),
    "Sort by": says("▲"),
    "Sort as usual": hides("▲"),
    "Wrap long lines": lambda desk, _was: desk.log.looks.wrap,
    "Number lines": says("200  row-199"),
    "Select lines": says("1 line selected, y copies"),
    "Signal": says("Send a signal"),
    "New": says("A new run"),
    "Facts": says("Command"),
    "Diff": says("2 files changed"),
    "Processes": says("40 processes"),
    "Copy": lambda desk, _was: desk.app.clipboard.startswith("make"),
    "Zoom": hides(HEADER),
    "Larger pane": lambda desk, was: was[3].count("row-") < desk.text().count("row-"),
    "Smaller pane": lambda desk, was: was[3].count("row-") > desk.text().count("row-"),
    "Turn pane": lambda desk, _was: desk.app._split.has_class("-beside"),
    "Choose all": says("40 marked"),
    "Choose the others": says("40 marked"),
}
"""What entries of the palette show; those that act are chosen on real runs."""

ACTS = ("Stop", "Kill", "Rerun", "Pause", "Continue", "Tags", "Mark", "Trash", "Undo", "Quit")


async def test_the_palette_shows_what_it_says(tmp_path: Path) -> None:
    """Each entry that only shows something shows it; every entry there is has a row, or is one of those that act."""
    async with desk_of_many(tmp_path) as desk:
        entries = [title_of(command.title) for command in desk.app.get_system_commands(desk.app.screen)]
        unknown = {entry for entry in entries if not entry.startswith(("Sort by", "Show "))} - set(LOOKS) - set(ACTS)
        assert unknown == set()
        for entry, effect in LOOKS.items():
            await calm(desk)
            if entry == "Sort as usual":
                await desk.press("greater_than_sign")
            if entry == "Response":
                await desk.press("down")
            was = mark_of(desk)
            assert not effect(desk, was)
            await picked(desk, "Sort by Name" if entry == "Sort by" else entry)
            await desk.until(lambda: effect(desk, was))  # noqa: B023 - waited for at once


async def test_the_palette_does_what_it_says(tmp_path: Path) -> None:
    """Each entry that acts does it to a real run, on the disk and on the screen."""
    store, root = Store(str(tmp_path)), tmp_path
    run = Control(store).start(["sleep", "60"], name="live")
    try:
        async with real_board(root) as desk:
            await desk.shows("● running")
            await picked(desk, "Pause")
            await desk.shows("‖ paused")
            assert record(root, run.id)["history"][-1]["to"] == "paused"
            await picked(desk, "Continue")
            await desk.shows("● running")
            assert record(root, run.id)["history"][-1]["to"] == "running"
            await picked(desk, "Tags")
            await desk.shows("Tags and note")
            await desk.press("x", "ctrl+s")
            await desk.until(lambda: record(root, run.id)["tags"] == ["x"])
            await picked(desk, "Stop")
            await desk.shows("Stop this run?")
            await desk.press("y")
            await desk.shows("Killed by ada@atlas (SIGTERM)")
            assert (record(root, run.id)["reason"], record(root, run.id)["signal"]) == ("killed", 15)
            await picked(desk, "Mark")
            await desk.shows("Count this run as")
            await desk.press("tab", "c")
            await desk.shows("✔ completed")
            assert record(root, run.id)["status"] == "completed"
            await picked(desk, "Trash")
            await desk.shows("to the trash?")
            await desk.press("y")
            await desk.shows("No runs yet")
            assert store.ids() == []
            await picked(desk, "Undo")
            await desk.shows("✔ completed")
            assert store.ids() == [run.id]
            await picked(desk, "Rerun")
            await desk.shows("Run this again?")
            await desk.press("y")
            await desk.until(lambda: len(store.ids()) == 2)
            (again,) = set(store.ids()) - {run.id}
            await desk.shows(again)
            await desk.until(lambda: desk.app._board.get(again))
            desk.table.go_to(again)
            await desk.until(lambda: desk.table.cursor == again)
            await picked(desk, "Kill")
            await desk.shows("Kill this run?", again)
            await desk.press("y")
            await desk.until(lambda: record(root, again)["status"] == "failed")
            await picked(desk, "Quit")
            await desk.until(lambda: not desk.app.is_running)
    finally:
        for run_id in store.ids():
            with suppress(ControlError):
                Control(store).kill(run_id, SIGKILL)
