"""How the log looks: wrapped, numbered, with what times and colours; each is a key, remembered, and bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color

from runboard.logs.numbering import STEP, Numbering
from runboard.model import Run
from runboard.state import State
from runboard.ui.taste import Taste
from tests.logfile import opening
from tests.pilots import NOW, Desk, fixed_board
from tests.test_ui_log import LIVE, OVER, write


def put(folder: Path, text: str | bytes, run: Run = OVER) -> None:
    """Write a run's log."""
    (folder / f"{run.id}.log").write_bytes(text.encode() if isinstance(text, str) else text)


def ink_of(desk: Desk, text: str) -> tuple[str, bool]:
    """The colour of a text on the screen, and whether it is reversed or on another ground than the log's."""
    for strip in desk.app.screen._compositor.render_strips():
        for segment in strip:
            if text in segment.text and segment.style is not None:
                return segment.style.color.name if segment.style.color else "", segment.style.reverse is True
    raise AssertionError(f"{text} is not on the screen")


async def test_w_wraps_and_the_end_stays_in_sight(tmp_path: Path) -> None:
    """Long lines are laid over rows to their very end; what follows stays at the end, and w takes it back."""
    put(tmp_path, f"first\n{'x' * 150}END1\n" + "short\n" * 3, LIVE)
    async with fixed_board([LIVE], logs=tmp_path, size=(80, 30)) as desk:
        await desk.shows("short", "following")
        assert "END1" not in desk.text()
        await desk.press("tab", "w")
        await desk.shows("END1", "following")
        put(tmp_path, f"first\n{'x' * 150}END1\n" + "short\n" * 3 + f"{'y' * 300}END2\nlast", LIVE)
        await desk.shows("END2", "last", "following")
        await desk.press("w")
        await desk.hides("END2")
        await desk.shows("last", "following")


async def test_wrapped_lines_are_scrolled_by_rows(tmp_path: Path) -> None:
    """One key goes one row on, also within a line; a match is marked in the row it is in, over its break too."""
    put(tmp_path, "".join(f"{number:03}" for number in range(600)) + "\n" + "tail\n" * 60)
    async with fixed_board([OVER], logs=tmp_path, size=(61, 30)) as desk:
        await desk.shows("tail")
        await desk.press("tab", "w", "g")
        await desk.shows("\n 000001")
        await desk.press("j")
        await desk.shows("\n 020021")
        assert "000001" not in desk.text()
        await desk.press("slash", *"0190", "enter")
        await desk.shows("1 of 1 · at 0 %")
        await desk.press("g", "slash", *"598599", "enter")
        await desk.shows("597598599\n", "1 of 1")


async def test_a_line_of_ten_megabytes_does_not_freeze(tmp_path: Path) -> None:
    """Wrapped, what is shown of each of its slices is wrapped and no more; keys pan by what was not shown."""
    put(tmp_path, b"head\n" + b"x" * 5_000_000 + b"MIDDLE" + b"y" * 5_000_000 + b"FINIS\nlast\n")
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.press("tab", "w")
        await desk.shows("last")
        await desk.press("slash", *"MIDDLE", "enter")
        await desk.shows("MIDDLEy", "column ")
        await desk.press("g")
        await desk.hides("xMIDDLEy")
        await desk.press("dollar_sign")
        await desk.shows("FINIS")


async def test_looks_are_remembered(tmp_path: Path) -> None:
    """What was chosen is so the next time; what was remembered amiss counts as nothing."""
    memory = State(str(tmp_path / "state"))
    put(tmp_path, f"2026-09-21 14:00:00 {'x' * 200}END\n")
    async with fixed_board([OVER], logs=tmp_path, taste=Taste(remember=memory.save)) as desk:
        await desk.shows("14:00:00")
        await desk.press("tab", "w", "number_sign", "at")
        await desk.shows("END", "   1  +0:00:00")
        await desk.until(lambda: memory.load().get("log") == {"wrap": True, "numbers": True, "times": "elapsed"})
    async with fixed_board([OVER], logs=tmp_path, taste=Taste(remembered=memory.load())) as desk:
        await desk.shows("END", "   1  +0:00:00")
    amiss = {"log": {"wrap": "yes", "numbers": 1, "times": ["?"]}}
    async with fixed_board([OVER], logs=tmp_path, taste=Taste(remembered=amiss)) as desk:
        await desk.shows("2026-09-21 14:00:00 x")


async def test_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    """Each line bears its number, rows of a wrapped one only the first; so it is where only some are shown."""
    put(tmp_path, "".join(f"line {number}\n" for number in range(1, 10_001)) + "w" * 200 + "\n")
    async with fixed_board([OVER], logs=tmp_path, size=(80, 30)) as desk:
        await desk.press("tab", "number_sign", "w")
        await desk.shows(" 10000  line 10000", " 10001  www")
        assert desk.text().count("10001") == 1
        await desk.press("g")
        await desk.shows("     1  line 1\n", "     2  line 2\n")
        await desk.press("ampersand", *"99", "enter")
        await desk.shows(" 9999 ", "line 9999")


async def test_numbers_are_counted_aside_where_that_takes_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened at its end, a long log shows … at once, how far the count is, and the numbers when it is done."""
    put(tmp_path, b"".join(b"%020d\n" % number for number in range(1, 600_001)))
    monkeypatch.setattr("runboard.logs.numbering.AT_ONCE", 0)
    monkeypatch.setattr(Numbering, "_run", lambda _self, given_up: given_up.wait(10))
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.press("tab", "number_sign")
        await desk.shows("   …  00000000000000600000", "counting lines 0 %")
        await desk.press("g")
        await desk.shows("00000000000000000001")
        await desk.press("number_sign")
        await desk.hides("counting")
        monkeypatch.undo()
        await desk.press("G", "number_sign")
        await desk.shows(" 600000  00000000000000600000")
        await desk.hides("counting")


def test_numbers_are_as_by_reading_all(tmp_path: Path) -> None:
    """Any line's number is that of a naive count, on both sides of each mark; a slice of a line has none."""
    log = tmp_path / "log"
    data = b"".join(b"x" * (number * 7919 % 300) + b"\n" for number in range(20_000))
    log.write_bytes(data)
    numbering = Numbering(opening(log))
    places = [0]
    for _ in range(20_000 - 1):
        places.append(data.index(b"\n", places[-1]) + 1)
    near = [at for at in places if at % STEP < 900 or at % STEP > STEP - 900]
    assert numbering.numbers(near) == tuple(places.index(at) + 1 for at in near)
    assert numbering.numbers([places[5] + 1, places[5]])[0] in {0, None}
    log.write_bytes(b"\n\nnew\n")
    assert numbering.numbers([2]) == (3,)


async def test_times_are_shown_relative_or_not_at_all(tmp_path: Path) -> None:
    """@ shows what had passed since the first line, then none, then as written; offered where there are any."""
    lines = "[2026-09-21 14:00:00.500] begin\nno time here\n[2026-09-21 15:02:03.250] end at 2026-09-21 15:00:00\n"
    put(tmp_path, lines)
    put(tmp_path, "nothing\n", LIVE)
    async with fixed_board([OVER, LIVE], logs=tmp_path) as desk:
        await desk.press("down")
        await desk.shows("no time here")
        await desk.press("tab", "at")
        await desk.shows("[+0:00:00.000] begin", "[+1:02:02.750] end at 2026-09-21 15:00:00", "times elapsed")
        await desk.press("at")
        await desk.shows("\n begin", "\n end at 2026-09-21 15:00:00", "times hidden")
        await desk.press("at")
        await desk.shows("[2026-09-21 14:00:00.500] begin")
        assert desk.app.screen.active_bindings["at"].enabled
        await desk.press("shift+tab", "up")
        await desk.shows("nothing")
        await desk.press("tab")
        assert "at" not in desk.app.screen.active_bindings


async def test_levels_have_colours_in_plain_logs(tmp_path: Path) -> None:
    """Errors are red, warnings amber, debugging steps back; lines with colours of their own keep them."""
    put(
        tmp_path,
        "ERROR:root:one\nlevel=warn two\n2026-09-21 14:00:00 DEBUG three\nan ERROR in prose\n"
        "\x1b[32mERROR\x1b[0m: green\nValueError: six\nINFO plain\n",
    )
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.shows("ValueError: six")
        told = {name: desk.app.theme_variables[name] for name in ("error", "amber", "quiet", "foreground")}
        wanted = {
            "ERROR:root:one": "error",
            "level=warn two": "amber",
            "14:00:00 DEBUG three": "quiet",
            "an ERROR in prose": "foreground",
            "ValueError: six": "error",
            "INFO plain": "foreground",
        }
        for text, name in wanted.items():
            assert Color.parse(ink_of(desk, text)[0]) == Color.parse(told[name]), text
        assert ink_of(desk, ": green")[0] != told["error"]


async def test_new_lines_are_counted_while_one_looks_elsewhere(tmp_path: Path) -> None:
    """Away from the end the title tells how many lines have come; back at the end none are new."""
    write(tmp_path, LIVE, 0, 1000)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 999", "following")
        await desk.press("tab", "pageup")
        await desk.shows("paused at 9")
        write(tmp_path, LIVE, 1000, 2234)
        await desk.shows("1,234 new lines, G to follow")
        await desk.press("G")
        await desk.shows("line 2233", "following")
        await desk.press("k")
        await desk.shows("%, G to follow")


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_the_follow_state_is_always_told(tmp_path: Path, size: tuple[int, int]) -> None:
    """Whatever else the title has to say, whether the log is followed stays in it."""
    run = Run("11111111", name="a name of some length", command=("x",), started_at=NOW - 5)
    write(tmp_path, run, 0, 1000)
    async with fixed_board([run], logs=tmp_path, size=size) as desk:
        await desk.press("enter", "slash", *"line 99", "enter")
        await desk.shows("paused")
        await desk.press("G")
        await desk.shows("following")
