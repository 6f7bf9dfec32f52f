"""What is innermost is closed first by q, Esc and Ctrl+C, whatever is open; Ctrl+C twice leaves from anywhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runboard.model import Outcome, Reason, Run, Status
from runboard.store import Store
from runboard.ui.taste import Taste
from tests.leaving import leave
from tests.pilots import NOW, fixed_board
from tests.terminal import Terminal

OPENED = {
    "details": (["i"], "Exit code", "q"),
    "help": (["?"], "The board", "q"),
    "themes": (["T"], "runboard-clear", "q"),
    "question": (["d"], "to the trash?", "q"),
    "mark": (["m"], "Leave", ""),
    "new run": (["n"], "Leave", ""),
    "tags": (["t"], "Leave", ""),
    "palette": (["ctrl+p"], "Search for", ""),
    "zoom": (["enter"], "back", "q"),
    "find bar": (["enter", "/"], "find text", ""),
    "found": (["enter", "/", *"hello", "enter"], "1 of", "q"),
    "only": (["enter", "&", *"hello", "enter"], "&hello", "q"),
    "filter bar": (["/"], "words  status:failed", ""),
    "filter": (["/", *"make", "enter"], "/ make", "q"),
    "marks": ([" "], "1 marked", "q"),
}
"""What can be open: the keys that open it, what is seen then, and q where that is no letter to type."""

FINE = Run(
    *("11111111", "fine", ("make",)),
    started_at=NOW - 9,
    completed_at=NOW - 1,
    outcome=Outcome(Status.COMPLETED, Reason.EXITED, None, 0),
)

HARMLESS = "completed  0000000"
"""What is seen on the board whatever is open over it, unless a run is zoomed."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs directory with three finished runs."""
    place = tmp_path_factory.mktemp("closing") / "runs"
    for number in range(3):
        leave(place, f"0000000{number}", log=b"hello\n" * 3)
    return place


def board(runs: Path) -> Terminal:
    """The board in a terminal."""
    return Terminal([sys.executable, "-m", "tests.opened", str(runs)], 120, 36)


def test_the_innermost_is_closed_first(runs: Path) -> None:
    """In a real terminal each open thing is closed by Ctrl+C, by Esc and by q, and the board is still there."""
    with board(runs) as terminal:
        terminal.wait_for(HARMLESS)
        for keys, seen, letter in OPENED.values():
            for closing in filter(None, ("ctrl+c", "escape", letter)):
                assert seen not in terminal.text()
                terminal.press(*keys)
                terminal.wait_for(seen)
                terminal.press(closing)
                terminal.wait_gone(seen)
                if keys[0] == "enter" and len(keys) > 1:  # the zoomed log is still there
                    terminal.wait_for("back")
                    terminal.press(closing if closing != "ctrl+c" else "z")
                    terminal.wait_gone("back")
                if closing == "escape":
                    terminal.press("end")  # a lone ESC is told from a sequence by what comes after it
        assert terminal.exit_code is None
        assert len(Store(str(runs)).ids()) == 3
        terminal.press("q")
        assert terminal.wait_exit() == 0


async def test_ctrl_c_twice_leaves_from_anywhere(runs: Path) -> None:
    """From a question, a form with something in it, the palette and a find bar in a zoomed log, two Ctrl+C leave."""
    for keys in (["question_mark"], ["n", "x"], ["ctrl+p", "k"], ["enter", "slash", "x"], ["space", "d"]):
        async with fixed_board([FINE], logs=runs, control=object()) as desk:
            await desk.press(*keys)
            depth = len(desk.app.screen_stack)
            await desk.press("ctrl+c")
            assert desk.app.is_running
            assert len(desk.app.screen_stack) <= depth
            await desk.press("ctrl+c")
            await desk.until(lambda: not desk.app.is_running)
            assert desk.app.return_code == 0


async def test_another_key_between_them_makes_it_no_twice(runs: Path) -> None:
    """Two things are closed one after the other by Ctrl+C where a key was pressed between; the board is still there."""
    async with fixed_board([FINE], logs=runs, control=object()) as desk:
        await desk.press("i", "ctrl+c", "question_mark", "ctrl+c", "slash", "x", "ctrl+c", "down")
        assert (desk.app.is_running, len(desk.app.screen_stack)) == (True, 1)


async def test_other_keys_can_be_set_for_closing() -> None:
    """Ctrl+C closes a question whose own key for no is another one."""
    async with fixed_board([FINE], control=object(), taste=Taste(keys={"confirm.no": "j"})) as desk:
        await desk.press("d")
        await desk.shows("to the trash?")
        await desk.press("escape")
        await desk.shows("to the trash?")
        await desk.press("ctrl+c")
        await desk.hides("to the trash?")
        assert desk.app.is_running
