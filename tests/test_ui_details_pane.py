"""The details pane and the command to copy: all that is known with its history, and words that a shell reads back."""

from __future__ import annotations

import os
import subprocess

import pytest

from runboard.facts import facts_of, shell_words
from runboard.model import Outcome, Reason, Run, Status, Transition
from runboard.ui.detailspane import folded, lines_of
from runboard.ui.sources import Sources
from tests.pilots import NOW, fixed_board

LIVE = Run("11111111", name="live", command=("make", "a b", "it's"), cwd="/home/ada", started_at=NOW - 50)
BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", 3)
OVER = Run("22222222", name="over", command=("x",), started_at=NOW - 90, completed_at=NOW - 40, outcome=BAD)
HISTORY = (
    Transition(NOW - 90, "", "running", "", "ada@atlas"),
    Transition(NOW - 40, "running", "failed", "exited", "shim", "time from the [/x] \x1b[31mexit record"),
)

WORDS = [
    ("plain", "words"),
    ("two words", "it's", "", '"', "$HOME", "`id`", "*", "a\\b", "!x", "#", "~"),
    ("new\nline", "tab\there", "esc\x1b[31m", "bell\x07", "\x7f", "back\\slash\n'quote'"),
    ("ünïcode", "\u202eevil", "\u00a0", "\u200b", "日本"),
    (os.fsdecode(b"\xff\xfe raw"), "1\n2"),
]


@pytest.mark.parametrize("words", WORDS, ids=range(len(WORDS)))
@pytest.mark.parametrize("shell", ["bash"])
def test_a_shell_reads_the_copied_command_back_exactly(shell: str, words: tuple[str, ...]) -> None:
    """Every word comes back byte by byte, and what is copied has nothing in it that is not printed."""
    text = shell_words(words)
    assert text.isprintable()
    text.encode()
    done = subprocess.run([shell, "-c", rf"printf '%s\0' {text}"], capture_output=True, check=True)
    assert done.stdout == b"".join(os.fsencode(word) + b"\0" for word in words)
    plain = " ".join(words)  # negative control: words with blanks between are read otherwise, or cannot all be seen
    naive = subprocess.run([shell, "-c", rf"printf '%s\0' {plain}"], capture_output=True, check=False)
    assert (naive.stdout == done.stdout and plain.isprintable()) is (words == ("plain", "words"))


async def test_3_shows_what_is_known_with_a_timeline() -> None:
    """Facts by name, then each step of the history with who and why; all of it read from where it is kept whole."""
    whole = OVER._replace(history=HISTORY, cwd="/home/ada/lab")
    sources = Sources(whole=lambda run: whole if run.id == OVER.id else run)
    async with fixed_board([LIVE, OVER], sources=sources) as desk:
        await desk.press("3")
        await desk.shows("Command", "make 'a b' 'it'\"'\"'s'", "/home/ada", "Elapsed")
        await desk.press("down")
        await desk.shows("/home/ada/lab", "History", "● running", "by ada@atlas", "✘ failed  +50s")
        await desk.shows("exited · by shim · time from the [/x] exit record")
        assert "\x1b" not in desk.text()
    async with fixed_board([OVER]) as desk:  # negative control: the row alone knows no history, and not where it ran
        await desk.press("3")
        await desk.shows("Exited with code 3")
        assert not any(text in desk.text() for text in ("History", "by ada@atlas", "/home/ada/lab"))


@pytest.mark.parametrize(
    ("ago", "words"),
    [(-3, "just now"), (0, "just now"), (11.9, "just now"), (15, "10s ago"), (59, "50s ago"), (134, "2m14s ago")],
)
def test_a_last_output_is_told_no_finer_than_it_is_looked_at(ago: float, words: str) -> None:
    """Logs are looked at in steps of ten seconds: of a run that writes all the time no nine seconds are counted."""
    assert dict(facts_of(LIVE._replace(activity_at=NOW - ago), NOW))["Last output"] == words


async def test_a_live_runs_details_go_on() -> None:
    """Elapsed time is told anew while one looks."""
    now = [NOW]
    async with fixed_board([LIVE], clock=lambda: now[0]) as desk:
        await desk.press("3")
        await desk.shows("Elapsed", " 50s")
        now[0] += 7
        await desk.until(lambda: any("Elapsed" in line and "57s" in line for line in desk.text().split("\n")[10:]))


async def test_3_tells_what_other_runs_of_the_command_do() -> None:
    """How often it completes, and when the end is expected, by runs of this command alone; what ends then counts."""
    fine = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
    done = LIVE._replace(id="33333333", started_at=NOW - 400, completed_at=NOW - 300, outcome=fine)
    async with fixed_board([LIVE, OVER, done]) as desk:
        await desk.press("3")
        await desk.shows("1 of 1 other runs completed, usually in 1m40s", f"{'━' * 10}{'─' * 10}  50%, about 50s left")
        await desk.publish(done._replace(id="44444444", name="live", completed_at=NOW - 390, outcome=BAD))
        await desk.shows("1 of 2 other runs completed, usually in 1m40s")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("the model is overloaded", ["the model", "is", "overloaded"]),
        ("see https://status.example", ["see", "https://st", "atus.examp", "le"]),
        ("    indented words", ["    indent", "ed words"]),
        ("a\n\nb  c", ["a", "", "b  c"]),
        ("接続が切れました again", ["接続が切れ", "ました", "again"]),
        ("1234567890 1", ["1234567890", "1"]),
        ("", [""]),
    ],
)
def test_a_text_is_broken_between_words(text: str, lines: list[str]) -> None:
    """A word is broken only where it has no room on a line of its own; nothing but the blank at a break is lost."""
    assert folded(text, 10) == lines
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")


async def test_a_long_fact_is_folded_into_the_width() -> None:
    """Nothing is lost at the right edge, in a narrow pane either."""
    run = LIVE._replace(command=("x" * 500,), history=HISTORY)
    for width in (20, 60, 120):
        lines = ["".join(text for text, _ in line) for line in lines_of(run, NOW, width)]
        assert sum(line.count("x") for line in lines if "exit" not in line and "[/x]" not in line) >= 500
        assert max(map(len, lines)) <= max(width, 45)
    async with fixed_board([run], size=(60, 30)) as desk:
        await desk.press("3", "tab")
        await desk.shows("Command")
        await desk.press("G")
        await desk.shows("exited · by shim", "end")


async def test_y_copies_the_command() -> None:
    """The clipboard gets the words as a shell reads them; a run without a command has no such key."""
    older = Run("33333333", issue="#1", started_at=NOW - 70)
    async with fixed_board([LIVE, older]) as desk:
        await desk.press("y")
        assert desk.app.clipboard == "make 'a b' 'it'\"'\"'s'"
        assert desk.toasts() == ["The command is in the clipboard"]
        desk.app.copy_to_clipboard("")
        await desk.press("down", "y")
        assert desk.app.clipboard == ""
    huge = LIVE._replace(command=("x" * 80_000,))
    async with fixed_board([huge]) as desk:
        await desk.press("y")
        assert desk.app.clipboard == ""
        assert desk.toasts() == ["The command is too long for a terminal's clipboard"]
