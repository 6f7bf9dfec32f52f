"""What is taken out of the log: clean text into the clipboard, by keys and mouse, and the file into programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from textual.events import MouseMove

from runboard.logs import COPY_MOST, LogView, Pager, Spot, Wish
from runboard.ui.logdesk import LogDesk
from tests.leaving import leave
from tests.logfile import opening
from tests.pilots import Desk, fixed_board
from tests.terminal import Terminal
from tests.test_ui_log import LIVE, OVER, write
from tests.test_ui_loglooks import put
from tests.waiting import until

HOSTILE = b"\x1b]52;c;ZXZpbA==\x07\x1b[31mred\x1b[0m\x9b2J \xe2\x80\xaeabc\x00\x1b[c\tend"


async def clipboard(desk: Desk, text: str) -> None:
    """Wait until a text is in the clipboard."""
    await desk.until(lambda: desk.app.clipboard == text)


async def test_keys_select_lines_and_copy_them(tmp_path: Path) -> None:
    """V begins with a line, keys go on past the screen, y copies all of them as they are in the file, once."""
    write(tmp_path, LIVE, 0, 300)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 299", "following")
        await desk.press("tab", "number_sign", "w", "V")
        await desk.shows("1 line selected, y copies")
        write(tmp_path, LIVE, 300, 310)
        await desk.shows("10 new lines")
        assert "line 300" not in desk.text()
        await desk.press("k", "k", "pageup", "g")
        await desk.shows("  1  line 0\n", "selected, y copies")
        await desk.press("y")
        await clipboard(desk, "\n".join(f"line {number}" for number in range(300)))
        await desk.shows("300 lines are in the clipboard")
        await desk.press("G")
        await desk.shows("line 309", "following")
        assert "y copies" not in desk.text()


async def test_what_is_copied_is_clean(tmp_path: Path) -> None:
    """No escape, no control, no number, no break of a row and no padding; a wrapped line is one line."""
    put(tmp_path, b"  " + HOSTILE + b"\n" + b"long " * 100 + b"\n")
    async with fixed_board([OVER], logs=tmp_path, size=(60, 30)) as desk:
        await desk.shows("long")
        await desk.press("tab", "w", "number_sign")
        await desk.shows("   2  long")
        await desk.press("V", "g")
        await desk.until(lambda: desk.log._selection is not None and desk.log._selection.ends[0].at == 0)
        await desk.press("y")
        await clipboard(desk, "  red\ufffd2J abc\tend\n" + "long " * 100)


async def test_the_mouse_selects_characters(tmp_path: Path) -> None:
    """What the mouse was drawn over is copied, across the rows of a wrapped line, wide characters too."""
    put(tmp_path, "abc \u65e5\u672c def\n" + "0123456789" * 12 + "\nlast\n")
    async with fixed_board([OVER], logs=tmp_path, size=(61, 30)) as desk:
        await desk.press("tab", "w")
        await desk.shows("last")
        top = desk.log.region.y + 1
        await desk.pilot.mouse_down(offset=(5, top))
        await desk.pilot._post_mouse_events([MouseMove], offset=(8, top), button=1)
        await desk.shows("y copies")
        await desk.pilot.mouse_up(offset=(8, top))
        await desk.press("y")
        await clipboard(desk, "\u65e5\u672c")
        await desk.pilot.mouse_down(offset=(11, top))
        await desk.pilot._post_mouse_events([MouseMove], offset=(3, top + 2), button=1)
        await desk.pilot.mouse_up(offset=(3, top + 2))
        await desk.shows("y copies")
        await desk.press("y")
        await clipboard(desk, "ef\n" + ("0123456789" * 12)[:63])


async def test_the_log_stands_still_under_a_pressed_button(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one presses on is still there when the mouse moves, however fast the log grows; a click lets it go on."""
    write(tmp_path, LIVE, 0, 300)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 299", "following")
        y = desk.log.region.y + 5
        pressed = desk.text().splitlines()[y].strip()
        for stands in (True, False):
            await desk.pilot.mouse_down(offset=(1, y))
            if stands:
                await desk.shows("paused")
            write(tmp_path, LIVE, 300, 600)
            await desk.shows("300 new lines" if stands else "line 599")
            await desk.pilot._post_mouse_events([MouseMove], offset=(9, y + 1), button=1)
            await desk.shows("selected, y copies")
            assert (pressed in desk.text()) is stands
            await desk.pilot.mouse_up(offset=(9, y + 1))
            await desk.press("escape", "G")
            await desk.shows("following")
            await desk.pilot.click(offset=(3, y))
            await desk.shows("following")
            write(tmp_path, LIVE, 0, 300, mode="w")  # and once more, as Textual has it: held from the first move on
            await desk.shows("line 299", "following")
            monkeypatch.setattr(desk.app._run_pane.reader, "hold", lambda _hold: None)


async def test_a_selection_is_left_before_anything_else(tmp_path: Path) -> None:
    """Esc gives it up, then what was found; another run has none; without one, y copies the command as ever."""
    write(tmp_path, OVER, 0, 50)
    async with fixed_board([OVER, LIVE], logs=tmp_path) as desk:
        await desk.press("down")
        await desk.shows("line 49")
        await desk.press("tab", "slash", *"line 49", "enter")
        await desk.shows("1 of 1")
        await desk.press("V")
        await desk.shows("1 line selected")
        await desk.press("escape")
        await desk.hides("selected")
        assert "1 of 1" in desk.text()
        await desk.press("y")
        await clipboard(desk, "x")
        await desk.press("V")
        await desk.shows("1 line selected")
        desk.table.focus()
        await desk.press("up")
        await desk.hides("selected")


async def test_of_a_filtered_log_what_is_seen_is_copied(tmp_path: Path) -> None:
    """Only lines that match are copied, the chosen one without a selection; a guest may copy too."""
    write(tmp_path, OVER, 0, 500)
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.shows("line 499")
        await desk.press("tab", "ampersand", *"line 49", "enter")
        await desk.shows("11 lines")
        await desk.press("g", "y")
        await clipboard(desk, "line 49")
        await desk.press("V", "G", "y")
        await clipboard(desk, "\n".join(["line 49", *(f"line {number}" for number in range(490, 500))]))


def test_what_is_copied_is_bounded(tmp_path: Path) -> None:
    """More than a terminal takes is cut at a character, and told; reading all of it is what is not done."""
    log = tmp_path / "log"
    log.write_bytes(f"\u20ac{1:08}\n".encode() * 1_000_000)
    pager = Pager(LogView(opening(log)))
    pager.see(Wish(10))
    copied = pager.copy(Spot(0), Spot(11_999_988, None))
    pager.close()
    assert copied is not None
    assert copied.cut
    assert COPY_MOST - 4 < len(copied.text.encode()) <= COPY_MOST
    assert copied.text.startswith("\u20ac00000001\n\u20ac")


SCRIPT = """#!/usr/bin/env python3
import json, os, sys, termios
mode = termios.tcgetattr(0)[3]
cooked = bool(mode & termios.ICANON and mode & termios.ECHO)
told = {"argv": sys.argv[1:], "cooked": cooked, "lessopen": "LESSOPEN" in os.environ}
open(os.environ["TOLD"], "w").write(json.dumps(told))
print("this is the pager", flush=True)
sys.stdin.readline()
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A program that tells how it was started, and waits for Enter."""
    path = tmp_path / "look at"
    path.write_text(SCRIPT)
    path.chmod(0o700)
    return path


def opened(runs: Path, *how: str, env: dict[str, str]) -> Terminal:
    """The board as the program opens it, on a real terminal."""
    argv = [sys.executable, "-m", "runboard", "--runs-dir", str(runs), *how]
    state = {"XDG_STATE_HOME": str(runs.parent / "state"), "XDG_CONFIG_HOME": str(runs.parent / "config")}
    return Terminal(argv, 120, 36, env=state | env)


def test_the_log_opens_in_pager_and_editor(tmp_path: Path, script: Path) -> None:
    """P and e give the terminal, as the shell had it, to the program with its words and the log's absolute path.

    Ctrl+C there is for that program; back on the board it goes on, and what failed is told.
    """
    runs, note = tmp_path / "runs", tmp_path / "told"
    leave(runs, "11111111", log=b"some output\n", status="completed", completedAt="2026-09-21T14:00:00Z")
    path = str(runs / "11111111" / "output.log")
    env = {
        "TOLD": str(note),
        "PAGER": f"'{script}' -x 'a b'",
        "EDITOR": f"'{script}'",
        "VISUAL": "",
        "LESSOPEN": "|evil %s",
    }
    with opened(runs, env=env | {"CODE": "3"}) as terminal:
        terminal.wait_for("some output")
        terminal.press("tab", "P")
        terminal.wait_for("this is the pager")
        until(lambda: note.exists() and note.read_text())
        assert json.loads(note.read_text()) == {"argv": ["-x", "a b", path], "cooked": True, "lessopen": False}
        assert terminal.modes_left_on() == set()
        terminal.press("enter")
        terminal.wait_for("ended with exit code 3")
        terminal.wait_for("some output")
        note.unlink()
        terminal.press("e")
        until(lambda: note.exists() and note.read_text())
        assert json.loads(note.read_text())["argv"] == [path]
        terminal.press("ctrl+c")
        terminal.wait_for("some output")
        terminal.press("q")
        terminal.press("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize(
    ("pager", "told"),
    [("/nonexistent/pager", "cannot be started"), ("'open quote", "$PAGER cannot be understood"), ("''", "")],
)
def test_a_pager_that_cannot_be_is_told(tmp_path: Path, pager: str, told: str) -> None:
    """A missing program and words that are none are said on the board, which has the terminal back."""
    runs = tmp_path / "runs"
    leave(runs, "11111111", log=b"some output\n", status="completed", completedAt="2026-09-21T14:00:00Z")
    with opened(runs, env={"PAGER": pager}) as terminal:
        terminal.wait_for("some output")
        terminal.press("tab", "P")
        terminal.wait_for(told or "cannot be started")
        terminal.press("?")
        terminal.wait_for("The board")


async def test_guests_are_not_offered_it(tmp_path: Path) -> None:
    """Who only looks has no such keys and no such entries; who may act has both."""
    write(tmp_path, OVER, 0, 5)
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.press("tab")
        entries = [command.title for command in desk.app.get_system_commands(desk.app.screen)]
        assert not any("pager" in entry or "editor" in entry for entry in entries)
        assert any(entry.startswith("Wrap long lines") for entry in entries)
        assert not {"P", "e"} & set(desk.app.screen.active_bindings)
        assert not isinstance(desk.log, LogDesk)
