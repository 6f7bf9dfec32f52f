"""An agent's log in words: who said what, or the lines as they are; nothing else is taken for an agent's."""

from __future__ import annotations

import json
from pathlib import Path

from runboard.logs import Reading
from runboard.logs.reading import told
from runboard.model import Run
from runboard.safetext import CUT, strip_sgr
from tests.pilots import NOW, fixed_board

LIVE = Run("11111111", name="fix it", command=("agent",), started_at=NOW - 5)
OTHER = Run("22222222", name="serve", command=("server",), started_at=NOW - 9)


def said(text: str, role: str = "assistant") -> bytes:
    """A line in which somebody says something."""
    content = [{"type": "text", "text": text}]
    message = {"content": content, "id": "m1", "type": "message", "role": role, "model": "claude-x"}
    return json.dumps({"type": role, "message": message, "session_id": "s1"}).encode() + b"\n"


async def test_events_are_read_in_words_and_v_shows_them_as_they_are(tmp_path: Path) -> None:
    """Events are shown in words, other lines as they are; v toggles that, the title says raw, the help lists it."""
    (tmp_path / f"{LIVE.id}.log").write_bytes(b"starting\n" + said("The cart rounds\ntwice.") + b"warning: slow\n")
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("starting", "assistant  The cart rounds twice.", "warning: slow", "v raw")
        assert "raw ·" not in desk.text()
        await desk.press("v")
        await desk.shows('"text": "The cart rounds\\ntwice."', "raw · following", "warning: slow")
        await desk.press("question_mark")
        await desk.shows("events as they are, or in words")
        await desk.press("question_mark", "v")
        await desk.shows("assistant  The cart rounds twice.")
        await desk.hides("raw ·")


async def test_the_place_is_kept(tmp_path: Path) -> None:
    """Away from the end the same lines are shown in the other way."""
    (tmp_path / f"{LIVE.id}.log").write_bytes(b"".join(said(f"step {number}.") for number in range(500)))
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("step 499.")
        await desk.press("tab", "g", "j", "j", "j")
        await desk.shows("step 3.", "paused")
        await desk.hides("step 2.")
        await desk.press("v")
        await desk.shows('"text": "step 3."', "raw · paused")
        assert "step 2." not in desk.text()


async def test_an_ordinary_log_is_left_alone(tmp_path: Path) -> None:
    """JSON of a program that is no agent is shown as it is, with nothing to toggle, also after an agent's log."""
    line = b'{"type": "request", "message": "GET /", "role": "user", "level": "info"}'
    (tmp_path / f"{LIVE.id}.log").write_bytes(said("hello"))
    (tmp_path / f"{OTHER.id}.log").write_bytes(line + b"\n")
    async with fixed_board([LIVE, OTHER], logs=tmp_path) as desk:
        await desk.shows("assistant  hello", "v raw")
        await desk.press("down")
        await desk.shows(line.decode())
        await desk.hides("v raw")
        await desk.press("v", "up")
        await desk.shows("assistant  hello", "v raw")


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    """Escapes, markup and a forged colour in what was said do nothing."""
    text = "[@click=app.quit]go[/] \x1b]0;owned\x07\x1b[2J\x1b[5mblink\x9b31m\u202e[/b]"
    (tmp_path / f"{LIVE.id}.log").write_bytes(said(text))
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("assistant  [@click=app.quit]go[/] blink[/b]")
        for x in range(0, 60, 4):
            await desk.pilot.click(offset=(x, desk.log.region.y + 1))
        assert desk.app._exit is False
        assert not any(character in desk.text() for character in "\x1b\x9b\x07\u202e")
        assert not any(segment.style and segment.style.blink for segment in desk.log.render_line(1))


def test_a_long_event_is_understood_whole_and_cut_then() -> None:
    """An event far longer than what is shown is still read as one; its words are cut with an ellipsis."""
    reading = Reading()
    shown = reading(said("word " * 12_000).rstrip())
    assert reading.found
    assert shown.startswith("\x1b[2massistant \x1b[0m word word")
    assert shown.endswith("…")
    assert len(strip_sgr(shown)) < CUT + 20


def test_events_without_words_and_many_pieces_have_one_line() -> None:
    """An event that tells nothing is a quiet dot; several pieces stand behind one another, errors in red."""
    assert strip_sgr(told([])) == "·"
    assert (
        told([("tool", "ls\n-l"), ("error", "no")]) == "\x1b[2mtool      \x1b[0m ls -l   \x1b[31merror     \x1b[0m no"
    )
