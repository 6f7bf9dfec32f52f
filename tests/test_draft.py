"""A new run as typed: what it would execute, and what speaks against starting it, each told at its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from runboard.draft import Draft, preview, troubles
from runboard.model import Run
from runboard.ui.newrun import draft_of, earlier

GOOD = Draft("sh -c 'exit 0'", timeout="1h30m", tags="a 'b c' a")


def test_a_line_is_split_or_read_by_sh() -> None:
    """Words as a shell splits them, acted on by nobody; or the line as it is, for sh to act on."""
    assert Draft("make 'two words' $HOME").command == ("make", "two words", "$HOME")
    assert Draft("a | b", shell=True).command == ("sh", "-c", "a | b")
    assert (Draft(" ").command, Draft(" ", shell=True).command) == ((), ())
    assert (GOOD.limit, GOOD.labels) == (5400.0, ("a", "b c"))


def test_the_preview_shows_each_argument_as_one() -> None:
    """Blanks inside an argument are seen, and characters that a shell would act on are pointed out."""
    assert preview(Draft("make 'two words' x")) == "make  'two words'  x"
    assert preview(Draft("a | b")).endswith("(no shell: | as typed)")
    assert preview(Draft("a | b", shell=True)) == "sh  -c  'a | b'"
    assert preview(Draft("it's")) == "a quotation mark is missing"
    assert "\x1b" not in preview(Draft("a\x1b[31mb"))


def test_what_is_good_is_let_through(tmp_path: Path) -> None:
    """A command on PATH or by its path, in a directory that is there, has no troubles."""
    (tmp_path / "tool").write_text("#!/bin/sh\n", "utf-8")
    (tmp_path / "tool").chmod(0o755)
    assert troubles(GOOD) == {}
    assert troubles(Draft("./tool x", cwd=str(tmp_path))) == {}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"line": ""}, "line", "There is no command."),
        ({"line": "'' x"}, "line", "There is no command."),
        ({"line": "no-such-program x"}, "line", "There is no program no-such-program"),
        ({"line": "/etc/passwd"}, "line", "There is no program /etc/passwd"),
        ({"line": "it's"}, "line", "A quotation mark is missing."),
        ({"cwd": "/no/such"}, "cwd", "There is no directory /no/such."),
        ({"cwd": "/etc/passwd"}, "cwd", "There is no directory /etc/passwd."),
        ({"timeout": "30"}, "timeout", "'30' has no unit: say 30s, 30m or 30h."),
        ({"timeout": "0"}, "timeout", "That is no time at all"),
        ({"tags": "'a"}, "tags", "A quotation mark is missing"),
    ],
)
def test_what_speaks_against_it_is_told_at_its_field(change: dict[str, str], field: str, words: str) -> None:
    """Each slip has a sentence of its own, and the other fields none."""
    found = troubles(GOOD._replace(**change))  # type: ignore[arg-type]
    assert list(found) == [field]
    assert found[field].startswith(words)


def test_earlier_commands_come_once_and_as_they_were() -> None:
    """The newest first, each once; what sh read is the line it was; what cannot be typed in a line is left out."""
    runs = [
        Run("1", command=("make", "a b"), cwd="/w", timeout=90.0, model="m"),
        Run("2", command=("sh", "-c", "a | b")),
        Run("3", command=("make", "a b"), cwd="/older"),
        Run("4", command=("sh", "-c", "two\nlines")),
        Run("5"),
    ]
    found = earlier(iter(runs))
    assert found == [Draft("make 'a b'", cwd="/w", timeout="1m30s", model="m"), Draft("a | b", shell=True)]
    assert draft_of(runs[0]).command == runs[0].command
