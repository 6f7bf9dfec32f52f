"""The response pane: an answer as Markdown with nothing in it that acts, and words where there is none."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style

from runboard.cli.screen import RESPONSE_MOST, read_response
from runboard.model import Outcome, Reason, Run, Status
from runboard.store import Store
from runboard.ui.markdown import STYLES, rendered
from tests.leaving import leave
from tests.pilots import NOW, Desk, fixed_board, real_board

LIVE = Run("11111111", name="live", command=("x",), started_at=NOW - 50)
FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
OVER = Run("22222222", name="over", command=("x",), started_at=NOW - 90, completed_at=NOW - 40, outcome=FINE)
PLAIN = {look: Style() for look in STYLES}
ANSWER = """# Rounding

The cart rounds **once** now, see [the sum](https://example.org/sum) and `shop/cart.py`.

- lines keep fractions
- the sum is rounded

| where | how |
|-------|-----|
| line  | not |

```python
total = sum(lines)
```
"""
FULL = 1 << 16
HOSTILE = {
    "quotes": ">" * FULL,
    "stars": "*" * FULL,
    "brackets": "[" * FULL,
    "images": "![a" * (FULL // 3),
    "items": "- a\n" * (FULL // 4),
    "headings": "# a\n" * (FULL // 4),
    "tables": "|a|b|\n|-|-|\n" + "|1|2|\n" * (FULL // 6),
    "columns": "|" + "a|" * 8000 + "\n|" + "-|" * 8000 + "\n|" + "a|" * 8000,
    "fences": "```python\n" * (FULL // 10),
    "nested quotes": "\n".join(">" * depth + " a" for depth in range(1, 350)),
    "nested lists": "\n".join("  " * depth + "- a" for depth in range(1, 250)),
    "nested in turns": "> - " * (FULL // 4),
    "emphasis": "**a_b" * (FULL // 5),
    "definitions": "".join(f"[{number}]: x\n" for number in range(6000)),
    "one word": "x" * FULL,
}


def text_of(markdown: str, width: int = 60) -> str:
    """Markdown as it is laid out, without its looks."""
    lines = rendered(markdown, width, PLAIN)
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines)


def focus(desk: Desk) -> str | None:
    """The id of what has the focus."""
    return desk.app.focused.id if desk.app.focused else None


async def test_the_keys_show_log_and_response(tmp_path: Path) -> None:
    """2 shows the answer and 1 the log again; the title names both, the focus goes along, and Tab has two stops."""
    (tmp_path / f"{OVER.id}.log").write_text("a line of the log\n")
    async with fixed_board([OVER], logs=tmp_path, read_response=lambda _: ANSWER) as desk:
        await desk.shows("a line of the log", "Log  Response", "2 response")
        await desk.press("2")
        await desk.shows(
            "The cart rounds once now, see the sum (https://example.org/sum)", "total = sum(lines)", "1 log"
        )
        assert "a line of the log" not in desk.text()
        assert focus(desk) == "runs"
        await desk.press("tab")
        assert focus(desk) == "response"
        await desk.press("1")
        await desk.until(lambda: focus(desk) == "log")
        await desk.shows("a line of the log")
        await desk.press("tab")
        assert focus(desk) == "runs"


async def test_an_answer_that_is_not_there_is_told_in_words() -> None:
    """A running run has no answer yet, an ended one none; when it ends the answer comes by itself."""
    answers: dict[str, str] = {}
    async with fixed_board([LIVE, OVER], read_response=answers.get) as desk:
        await desk.press("2")
        await desk.shows("No answer yet")
        await desk.press("down")
        await desk.shows("22222222  over")
        await desk.hides("No answer yet")
        await desk.shows("No answer")
        await desk.press("up")
        answers[LIVE.id] = "It is **done**."
        await desk.publish(LIVE._replace(outcome=FINE, completed_at=NOW))
        await desk.until(lambda: desk.table.cursor == LIVE.id)
        await desk.shows("It is done.")


async def test_a_long_answer_is_scrolled() -> None:
    """It is shown from its start, the title says how far down one is, and another run's begins at its start again."""
    text = "\n\n".join(f"paragraph {number}" for number in range(200))
    async with fixed_board([LIVE, OVER], read_response=lambda run_id: text + run_id) as desk:
        await desk.press("2", "tab")
        await desk.shows("paragraph 0\n", "at 0 %")
        await desk.press("G")
        await desk.shows("paragraph 19911111111", "end  Log")
        await desk.press("g", "j", "j")
        await desk.shows("paragraph 1\n")
        await desk.hides("paragraph 0\n")
        await desk.press("shift+tab", "down")
        await desk.shows("paragraph 0\n", "22222222  over")


async def test_a_disk_that_hangs_stops_only_the_answer() -> None:
    """While an answer cannot be read the pane says so, and keys work."""
    release = threading.Event()

    def read(run_id: str) -> str | None:
        assert run_id == OVER.id or release.wait(10)
        return "the answer"

    async with fixed_board([LIVE, OVER], read_response=read) as desk:
        await desk.press("2")
        await desk.shows("Reading the answer…")
        await desk.press("i")
        await desk.shows("Command")
        await desk.press("escape")
        release.set()
        await desk.shows("the answer")


async def test_an_error_is_told() -> None:
    """An answer that cannot be read says why."""

    def read(_run_id: str) -> str | None:
        raise OSError(5, "The answer cannot be read: Input/output error")

    async with fixed_board([OVER], read_response=read) as desk:
        await desk.press("2")
        await desk.shows("The answer cannot be read: Input/output error")


async def test_a_short_screen_shows_it_whole() -> None:
    """Where there is no room beside the table the key gives the answer the whole screen."""
    async with fixed_board([OVER], size=(40, 10), read_response=lambda _: "the answer") as desk:
        await desk.press("2")
        await desk.shows("the answer")
        assert not desk.table.display
        await desk.press("escape")
        await desk.hides("the answer")


async def test_clicks_on_an_answer_do_nothing() -> None:
    """Links, actions in markup and character references are text; a click anywhere on them runs and opens nothing."""
    text = (
        "[@click=app.quit]go[/] [x](app.quit) <http://example.org> &#27;[2J&#x9b;31m&#x202e;abc [/b] <script>y</script>"
    )
    opened: list[str] = []
    async with fixed_board([OVER], read_response=lambda _: text, size=(120, 36)) as desk:
        desk.app.open_url = lambda url, **_: opened.append(url)  # type: ignore[method-assign]
        await desk.press("2")
        await desk.shows("[@click=app.quit]go[/] x (app.quit) http://example.org", "<script>y</script>")
        row = desk.response.region.y + 1
        for x in range(0, 120, 3):
            await desk.pilot.click(offset=(x, row))
        await desk.pilot.pause()
        assert (desk.app._exit, opened) == (False, [])
        assert not any(character in desk.text() for character in "\x1b\x9b\u202e")
        assert not any(
            segment.style and (segment.style.link or "@click" in segment.style.meta)
            for segment in desk.response.render_line(1)
        )


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_take_no_time_and_lose_nothing(name: str) -> None:
    """64 KiB of anything are laid out within seconds; what is too much for Markdown stands as it is."""
    text = HOSTILE[name]
    begun = time.process_time()
    shown = text_of(text)
    assert time.process_time() - begun < 5
    assert shown.strip()
    if name in {"quotes", "items", "nested quotes", "nested lists", "nested in turns", "definitions"}:
        assert "".join(shown.split()) == "".join(text.split())


pieces = st.sampled_from(
    [
        "> ",
        "- ",
        "1. ",
        "# ",
        "|",
        "-|-\n",
        "`",
        "```\n",
        "*",
        "_",
        "~~",
        "[a](b)",
        "![i](",
        ")",
        "<b>",
        "\n",
        "\n\n",
        "    ",
        "\t",
        "日",
        "a",
        "&#27;",
        "---\n",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(pieces, max_size=60).map("".join), st.integers(0, 70))
def test_any_markdown_is_laid_out(text: str, width: int) -> None:
    """No mixture of marks raises, and no control comes out of it."""
    shown = text_of(text, width)
    assert not any(ord(character) < 32 and character != "\n" for character in shown)


@pytest.mark.parametrize("cleaned", [True, False])
def test_character_references_are_cleaned_after_parsing(cleaned: bool) -> None:
    """What only parsing makes a character is cleaned too, in texts and in addresses; without that it would be seen."""
    with pytest.MonkeyPatch.context() as patch:
        if not cleaned:
            patch.setattr("runboard.ui.markdown.clean", str)
        shown = text_of("abc&#x202e;def [x](<a&#x202e;b>)")
    assert ("\u202e" not in shown) is cleaned


def test_looks_are_ours_and_code_is_left_alone() -> None:
    """Markdown's parts wear the looks that were given; code is neither guessed at nor wrapped away."""
    looks = {**PLAIN, "strong": Style(bold=True), "block": Style(color="red")}
    worn = {segment.text: segment.style for line in rendered(ANSWER, 60, looks) for segment in line}
    assert worn["once"] == Style(bold=True)
    assert worn["total = sum(lines)"] == Style(color="red")
    assert "    indented" in text_of("```\nif x:\n    indented\n```")
    assert text_of("see ![the plan](plan.png)") == "see the plan (plan.png)"


def test_the_file_is_read_as_it_is_wanted(tmp_path: Path) -> None:
    """The answer comes clean and at most its last part; one that is no regular file is refused, none is none."""
    store = Store(str(tmp_path))
    leave(tmp_path, "11111111")
    path = tmp_path / "11111111" / "response.md"
    assert read_response(store, "11111111") is None
    path.write_bytes(b"# done\r\n\x1b]0;x\x07\x1b[31mred\xff")
    assert read_response(store, "11111111") == "# done\nred\ufffd"
    path.write_text("first line\n" + "x" * RESPONSE_MOST + "\nlast line")
    assert read_response(store, "11111111") == "…\n\nlast line"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"response\.md is a FIFO"):
        read_response(store, "11111111")
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic link"):
        read_response(store, "11111111")


async def test_the_program_shows_the_file(tmp_path: Path) -> None:
    """Wired as in the program, the file of a run is what is shown."""
    leave(tmp_path, "11111111")
    (tmp_path / "11111111" / "response.md").write_text("It **works**.")
    async with real_board(tmp_path, watching=True) as desk:
        await desk.until(lambda: desk.table.cursor)
        await desk.press("2")
        await desk.shows("It works.")
