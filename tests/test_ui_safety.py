"""Text from outside on the screen: shown as text, it runs no action and sends nothing of its own to the terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.widgets import Static

from runboard.model import Outcome, Reason, Run, Status, Transition
from runboard.record import parse
from runboard.ui.filterbar import FilterBar
from runboard.ui.wire import WireGuard
from tests.leaving import leave
from tests.pilots import NOW, fixed_board
from tests.terminal import Terminal
from tests.wire import foreign

MARKUP = "[@click=app.quit]go[/] [/b] [b [link=http://x]y[/link] [$error on red]z"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[c\x9b31m\x1b]8;;http://x\x07L\x1b]8;;\x07\u202eabc\u202c\x00\x08\u2028end"
FIELDS = ("name", "repo", "issue", "persona", "model", "branch", "note", "engine", "error", "cwd")


def marked(run_id: str, text: str) -> Run:
    """A run that has a text in every field that can hold one."""
    return Run(
        run_id,
        name=text,
        command=(text, text),
        cwd=text,
        env=(text,),
        repo=text,
        issue=text,
        persona=text,
        model=text,
        branch=text,
        tags=(text,),
        note=text,
        engine=text,
        started_at=NOW - 60,
        completed_at=NOW - 1,
        outcome=Outcome(Status.FAILED, Reason.AGENT_ERROR, text),
        history=(Transition(NOW - 1, "running", "failed", text, text, text),),
    )


@pytest.mark.parametrize("text", [MARKUP, HOSTILE], ids=["markup", "escapes"])
async def test_texts_in_every_place_are_texts(text: str, tmp_path: Path) -> None:
    """A hostile text in every field, the log, a notice and the filter breaks nothing, and clicks on it do nothing."""
    (tmp_path / "11111111.log").write_text(text * 3 + "\n", "utf-8", "surrogateescape")
    runs = [marked("11111111", text), Run("22222222", damage=text), marked(text[:20], text)]
    async with fixed_board(runs, logs=tmp_path, size=(200, 50), control=object()) as desk:
        await desk.publish(notices=[text])
        for keys in (["i"], ["escape"], ["enter"], ["i"], ["escape"], ["escape"], ["d"], ["n"], ["r"], ["n"]):
            await desk.press(*keys)
            if keys[0] != "escape":
                await desk.pilot.click(offset=(30, 24))
        desk.app.screen_stack[0].query_one(FilterBar).complain(text)
        await desk.pilot.pause()
        assert desk.app.is_running
        shown = desk.text()
        assert not any(character in shown for character in "\x1b\x07\x9b\u202e\u202c\x00\x08\u2028")
        if text is MARKUP:
            assert "[@click=app.quit]go[/]" in shown


async def test_the_guard_stops_what_slipped_through() -> None:
    """A widget that paints hostile text and actions past every cleaning sends none of it, and its width stays."""
    styled = Style(link="http://x", meta={"@click": "app.quit", "offset": (1, 2)}, bold=True)
    line = [Segment(HOSTILE, styled), Segment("plain", Style(bold=True)), Segment("", None, [(ControlType.BELL,)])]
    guard = WireGuard()
    guarded = guard.apply(line, Color(0, 0, 0))
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for one in guarded for character in one.text)
    assert all(one.style is None or (one.style.link is None and "@click" not in one.style.meta) for one in guarded)
    assert [one.cell_length for one in guarded] == [one.cell_length for one in line[:2]]
    assert guarded[0].style is not None
    assert (guarded[0].style.bold, guarded[0].style.meta) == (True, {"offset": (1, 2)})
    clean = [Segment("plain ✔ 日本", Style(bold=True)), Segment("text", None)]
    assert guard.apply(clean, Color(0, 0, 0)) is clean


@pytest.mark.parametrize("guarded", [True, False])
async def test_every_widget_passes_the_guard(guarded: bool) -> None:
    """Hostile content in any widget does not get past the guard and its actions do not run; without it both happen."""
    async with fixed_board([marked("11111111", "x")]) as desk:
        with pytest.MonkeyPatch.context() as patch:
            if not guarded:
                patch.setattr(WireGuard, "apply", lambda _self, segments, _background: segments)
            action = Text("go\x9b31m", Style(meta={"@click": "app.quit"}))
            await desk.app.screen.mount(Static(action, id="hostile"), before=0)
            await desk.pilot.pause()
            assert ("\x9b" in desk.text()) is not guarded
            await desk.pilot.click("#hostile", offset=(1, 0))
            await desk.pilot.pause()
            assert desk.app._exit is not guarded


def test_nothing_foreign_goes_to_the_terminal(tmp_path: Path) -> None:
    """On a real terminal, with hostile records and logs, all that is written is what Textual writes by itself."""
    runs = tmp_path / "runs"
    evil: dict[str, Any] = dict.fromkeys(FIELDS, HOSTILE + MARKUP)
    leave(runs, "11111111", log=(HOSTILE + "\n").encode() * 30, **evil, tags=[HOSTILE], command=["sh", HOSTILE])
    leave(runs, "2" + "\x1b]0;x\x07", log=b"\x1b[c" * 50)
    (runs / "33333333").mkdir()
    (runs / "33333333" / "run.json").write_text(json.dumps({"status": "\x1b[2J"}))
    with Terminal([sys.executable, "-m", "tests.opened", str(runs)], 120, 36) as terminal:
        terminal.wait_for("completed")
        steps = {
            "i": "Exit code",
            "q": "i details",
            "d": "trash?",
            "n": "i details",
            "enter": "esc back",
            "z": "enter open",
        }
        for key, then in (*steps.items(), ("down", "i details"), ("/", "esc clear"), ('"', "not closed")):
            terminal.press(key)
            terminal.wait_for(then)
        os.kill(terminal.process, SIGTERM)
        terminal.wait_exit()
        assert foreign(terminal.raw) == []


def test_such_text_unguarded_would_be_seen(tmp_path: Path) -> None:
    """Negative control: the same text printed as it is counts as foreign."""
    script = tmp_path / "hostile"
    script.write_text(HOSTILE, "utf-8", "surrogateescape")
    with Terminal(["cat", os.fspath(script)], 120, 36) as terminal:
        terminal.wait_exit()
        assert len(foreign(terminal.raw)) >= 5


def test_texts_of_records_are_clean_before_they_reach_the_board() -> None:
    """The record's reader has cleaned them already: the board cleans again, and the guard is the third."""
    run = parse({"status": "completed", "name": HOSTILE, "error": HOSTILE}, "11111111")
    assert run.outcome
    assert "\x1b" not in f"{run.name}{run.outcome.error}"
