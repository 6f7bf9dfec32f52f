"""The judge of what goes to a terminal: it knows all that Textual writes, and lets nothing else pass as that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.terminal import Terminal
from tests.waiting import until
from tests.wire import Foreign, foreign, modes_left_on, tokens

NATIVE = [
    b"\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?1016h",
    b"\x1b[?25l\x1b[?1004h\x1b[>25u\x1b[?2026$p\x1b[?2048$p\x1b[?2048h\x1b[?2004h\x1b[?7l",
    b"\x1b[?2026h\x1b[1;1H\x1b[38;2;224;224;224;48;2;30;30;30mtext\x1b[0m\r\n\x1b[H\x1b[1;38;5;1m\x1b[m\x1b[?2026l",
    b"\x1b]22;pointer\x07",
    b"\x1b[48;2;30;30;30m\x1b[K\x1b[24X\x1b[24C\x1b[0m",
    "größer 日本語 ● ✔ ▁▂ 👩\u200d💻 ❤\ufe0f \ufffd".encode(),
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l",
]

PASTE_AND_WRAP = {"bracketed paste 2004", "line wrap off"}

FOREIGN = [
    (b"\x1b[c", "csi"),
    (b"\x1b[6n", "csi"),
    (b"\x1b[>0q", "csi"),
    (b"\x1b[2J", "csi"),
    (b"\x1b[21t", "csi"),
    (b"\x1b[5A", "csi"),
    (b"\x1b[X", "csi"),
    (b"\x1b[0X", "csi"),
    (b"\x1b[4:3m", "csi"),
    (b"\x1b[>4;2m", "csi"),
    (b"\x1b[" + b"1;" * 30 + b"m", "csi"),
    (b"\x1b[?1002h", "csi"),
    (b"\x1b[?5h", "csi"),
    (b"\x1b[?1000;5h", "csi"),
    (b"\x1b[12h", "csi"),
    (b"\x1b[?2027$p", "csi"),
    (b"\x1b]0;title\x07", "osc"),
    (b"\x1b]52;c;cm0=\x07", "osc"),
    (b"\x1b]8;;http://example.org\x1b\\", "osc"),
    (b"\x1bP1$r0m\x1b\\", "string"),
    (b"\x1b_Gi=1\x1b\\", "string"),
    (b"\x1bPnever ended", "string"),
    (b"\x1bc", "escape"),
    (b"\x1b(0", "escape"),
    (b"\x1b", "escape"),
    (b"\x1b[31", "escape"),
    (b"\x07", "control"),
    (b"\x00", "control"),
    (b"\x08", "control"),
    (b"\t", "control"),
    (b"\r", "control"),
    (b"\x7f", "control"),
    ("\x9b".encode(), "unseen"),
    ("\u202e".encode(), "unseen"),
    ("\u2066".encode(), "unseen"),
    ("\u200b".encode(), "unseen"),
    ("\u2028".encode(), "unseen"),
    ("\ufeff".encode(), "unseen"),
    ("\U000e0041".encode(), "unseen"),
    (b"\xff", "unseen"),
    (b"\xed\xa0\x80", "unseen"),
]


@pytest.mark.parametrize("written", NATIVE)
def test_what_textual_writes_is_native(written: bytes) -> None:
    """Nothing of what Textual itself writes is called foreign."""
    assert foreign(written) == []


@pytest.mark.parametrize(("written", "kind"), FOREIGN)
def test_everything_else_is_foreign(written: bytes, kind: str) -> None:
    """Each piece that Textual never writes is found, with its kind and its place among native ones."""
    found = foreign(b"\x1b[0mab " + written)
    assert found[0].kind == kind
    assert found[0].offset == 7
    assert written.startswith(found[0].sample[:2])


def test_what_an_app_asks_for_can_be_allowed() -> None:
    """Bell, clipboard and links are foreign unless the app is known to use them."""
    written = b"\a\x1b]52;c;cm0=\x07\x1b]8;id=1-2;http://example.org\x1b\\here\x1b]8;;\x1b\\"
    assert [piece.kind for piece in foreign(written)] == ["control", "osc", "osc", "osc"]
    assert foreign(written, {"bell", "clipboard", "link"}) == []
    assert len(foreign(written, {"link"})) == 2


def test_the_place_of_what_is_unseen() -> None:
    """Offsets count bytes, also behind characters of several bytes and behind bytes that are no character."""
    assert foreign("é\u202e".encode() + b"\xff!") == [
        Foreign(2, "unseen", "\u202e".encode()),
        Foreign(5, "unseen", b"\xff"),
    ]


@settings(deadline=None)
@given(st.lists(st.sampled_from([piece for piece, _ in FOREIGN] + NATIVE) | st.binary(max_size=6)).map(b"".join))
def test_every_byte_belongs_to_one_token(written: bytes) -> None:
    """The tokens of any bytes, put together again, are those bytes."""
    assert b"".join(token.whole for token in tokens(written)) == written


APP = """
import sys
from rich.text import Text
from textual.app import App
from textual.content import Content
from textual.widgets import Static
from runboard.safetext import clean, clean_log
raw = open(sys.argv[1], "rb").read().split(b"--")
class Small(App):
    def compose(self):
        for piece in raw:
            if sys.argv[2] == "clean":
                yield Static(Content(clean(piece.decode("utf-8", "replace"))))
                yield Static(Text.from_ansi(clean_log(piece)))
            else:
                yield Static(Text(piece.decode("utf-8", "replace")))
        yield Static("all told")
    def on_ready(self): self.screen.scroll_end(animate=False)
    BINDINGS = [("q", "quit", "")]
Small().run()
"""


@pytest.mark.parametrize("kind", ["clean", "raw"])
def test_a_hostile_log_reaches_the_terminal_only_uncleaned(tmp_path: Path, kind: str) -> None:
    """Each foreign piece, shown by a real app, is nothing to the terminal if it was cleaned; else it arrives."""
    hostile = tmp_path / "hostile"
    hostile.write_bytes(b"--".join(b"left " + piece + b" right" for piece, _ in FOREIGN))
    with Terminal([sys.executable, "-c", APP, str(hostile), kind], 60, 90) as terminal:
        terminal.wait_for("all told")
        terminal.press("q")
        if kind == "clean":
            assert terminal.wait_exit() == 0
            assert foreign(terminal.raw) == []
            assert terminal.modes_left_on() == set()
        else:
            until(lambda: len(foreign(terminal.raw)) > 10)


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (b"", set()),
        (NATIVE[1], {"cursor hidden", "focus 1004", "kitty keyboard", "in-band resize 2048"} | PASTE_AND_WRAP),
        (b"\x1b[?25l\x1b[?25h\x1b[?7l\x1b[?7h", set()),
        (b"\x1b[?1000;1006h\x1b[?1006l", {"mouse 1000"}),
        (b"\x1b[?1049h\x1b[?1049h\x1b[?1049l", set()),
        (b"\x1b[?5h", {"mode 5"}),
        (b"\x1b[?1000h\x1bc", set()),
        (b"\x1b[>1u\x1b[>5u\x1b[<2u", set()),
        (b"\x1b[>1u\x1b[<9u\x1b[>1u", {"kitty keyboard"}),
        (b"\x1b[?1049h\x1b[>1u\x1b[<u\x1b[?1049l", set()),
        (b"\x1b[?1049h\x1b[>1u\x1b[?1049l\x1b[<u", {"kitty keyboard"}),
        (b"text ?25l [?25l \x1b]0;\x1b[?1003h", {"mouse 1003"}),
    ],
)
def test_modes_left_on(written: bytes, left: set[str]) -> None:
    """A mode counts by its last switch; the keyboard of each screen is a stack of its own."""
    assert modes_left_on(written) == left
