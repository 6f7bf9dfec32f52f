"""Text from outside: nothing that a terminal would act on is left, however it was wrapped, and it costs linear time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from runboard.safetext import CUT, clean, clean_lines, clean_log, strip_sgr, wire_safe

WHOLE_SEQUENCES = {
    "colour": "\x1b[1;31m",
    "cursor": "\x1b[2;5H",
    "private mode": "\x1b[?1049h",
    "device attributes": "\x1b[c",
    "secondary attributes": "\x1b[>0c",
    "request mode, an intermediate": "\x1b[?2026$p",
    "cursor style, a space": "\x1b[2 q",
    "kitty keyboard": "\x1b[>1u",
    "window report": "\x1b[21t",
    "C1 CSI": "\x9b31m",
    "title, BEL": "\x1b]0;qqq\x07",
    "title, ST": "\x1b]0;qqq\x1b\\",
    "title, C1 ST": "\x1b]0;qqq\x9c",
    "title, C1 both": "\x9d0;qqq\x9c",
    "clipboard": "\x1b]52;c;cXFx\x07",
    "link": "\x1b]8;;http://qqq\x1b\\",
    "DCS": "\x1bP1$qqq\x1b\\",
    "C1 DCS": "\x90qqq\x9c",
    "sixel": "\x1bPq#0;2;0;0;0~~@@vv\x1b\\",
    "SOS": "\x1bXqqq\x1b\\",
    "C1 SOS": "\x98qqq\x9c",
    "PM": "\x1b^qqq\x1b\\",
    "C1 PM": "\x9eqqq\x9c",
    "APC (kitty picture)": "\x1b_Gqqq\x1b\\",
    "C1 APC": "\x9fqqq\x9c",
    "string ended by CAN": "\x1b]0;qqq\x18",
    "string ended by SUB": "\x1bPqqq\x1a",
    "string ended by the next sequence": "\x1b]0;qqq\x1b[0m",
    "string ended by a C1": "\x1b]0;qqq\x9b0m",
    "tmux passthrough": "\x1bPtmux;\x1b\x1b]0;qqq\x07\x1b\\",
    "SS2": "\x1bNq",
    "SS3": "\x1bOq",
    "C1 SS3": "\x8fq",
    "charset": "\x1b(B",
    "UTF-8 off": "\x1b%@",
    "alignment": "\x1b#8",
    "reset": "\x1bc",
    "save": "\x1b7",
    "8-bit controls": "\x1b F",
    "ESC before CSI": "\x1b\x1b[31m",
    "CSI in CSI": "\x1b[\x1b[31m",
    "OSC in CSI": "\x1b[3\x1b]0;qqq\x071q"[:-2],
    "ESC alone": "\x1b\x1b\x1b\x1b[m",
}

NASTY = [
    *("\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bN", "\x1bO", "\x1b\\", "\x1b(", "\x1b "),
    *("\x9b", "\x9d", "\x90", "\x98", "\x9c", "\x9e", "\x9f", "\x8e", "\x8f", "\x85", "\x07", "\x18", "\x1a", "\x7f"),
    *(
        "31",
        "m",
        ";",
        ":",
        "38;2;1;2;3m",
        "38:5:208m",
        "?25l",
        ">4;2m",
        "0;t",
        "A",
        "\\",
        "$",
        " ",
        "\x1b[31m",
        "\x1b[0m",
    ),
    *("\r", "\n", "\t", "\b", "\0", "a", "é", "日", "e\u0301", "\u0301", "\u0301" * 7, "\u200d", "\ufe0f", "\u20e3"),
    *(
        "\u202e",
        "\u2066",
        "\u061c",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\xad",
        "\U000e0041",
        "\U0001f3fd",
        "\U0001f1e9",
        "👩",
    ),
    *("\ud800", "\udc9b", "\ue000", "\uffff", "\U0010ffff", "\u1160", "\u0903", "\u3099", "…", "\ufffd"),
]
nasty_text = st.lists(st.sampled_from(NASTY), max_size=30).map("".join) | st.text(max_size=60)
nasty_bytes = nasty_text.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=80)

ANY_SGR = re.compile(r"\x1b\[[0-9;:]{0,61}m")


def controls(text: str) -> list[str]:
    """The characters of a text that a terminal could act on, or that show nothing, or that are no characters."""
    return [character for character in text if category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}]


def longest_run_of_marks(text: str) -> int:
    """How many combining marks stand on one character at most."""
    return max(map(len, re.findall("m+", "".join("m" if category(c) == "Mn" else "." for c in text))), default=0)


@pytest.mark.parametrize("sequence", WHOLE_SEQUENCES.values(), ids=WHOLE_SEQUENCES)
def test_a_sequence_goes_whole(sequence: str) -> None:
    """Of every kind of sequence nothing is left, and nothing around it is lost."""
    assert clean(f"left{sequence}right") == "leftright"
    assert clean_lines(f"left{sequence}\nright") == "left\nright"
    assert strip_sgr(clean_log(f"left{sequence}right".encode())) == "leftright"


def test_removing_only_escape_characters_would_not_do() -> None:
    """Negative control: a filter of single characters leaves the insides of the sequences and the C1 forms."""
    naive = {name: sequence.replace("\x1b", "") for name, sequence in WHOLE_SEQUENCES.items()}
    assert sum(bool(left) for left in naive.values()) > 35
    assert sum(bool(controls(left)) for left in naive.values()) > 10


@pytest.mark.parametrize("introducer", ["\x1b]", "\x1bP", "\x1bX", "\x1b^", "\x1b_"])
def test_a_string_that_never_ends_hides_nothing(introducer: str) -> None:
    """Without a terminator the introducer goes and the text stays, on one line and across lines."""
    assert clean(f"a{introducer}0;b") == "a0;b"
    assert clean_lines(f"a{introducer}0;b\nc\x07") == "a0;b\nc"


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0)])
def test_no_control_is_left(code: int) -> None:
    """Every C0, DEL and C1, alone, before text and as a raw byte of a log, leaves no control behind."""
    control = chr(code)
    for text in (control, control + "x", "x" + control, control * 3):
        assert controls(clean(text)) == []
        assert [c for c in controls(clean_lines(text)) if c not in "\n\t"] == []
        assert controls(ANY_SGR.sub("", clean_log(text.encode()))) == []
        assert controls(clean_log(b"x" + bytes([code]) + b"y")) == []


def test_breaks_and_tabs_become_spaces() -> None:
    """In one line every kind of break and the tab is one space; in a text of lines they stay breaks and tabs."""
    assert clean("a\nb\rc\td\ve\ff\x85g\u2028h\u2029i") == "a b c d e f g h i"
    assert clean_lines("a\r\nb\rc\n\td") == "a\nb\nc\n\td"


@pytest.mark.parametrize(
    ("hidden", "shown"),
    [
        ("\u202egnp.exe", "gnp.exe"),
        ("\u2066a\u2069\u200e\u200f\u061c\u202a\u202c", "a"),
        ("a\u200bb\u200cc\u200dd\u2060e\ufefff\xadg", "abcdefg"),
        ("ok\U000e0041\U000e0042\U000e007f", "ok"),
        ("❤\ufe0f ✔\ufe0e", "❤ ✔"),
        ("1\ufe0f\u20e3", "1"),
        ("👍\U0001f3fd", "👍"),
        ("👩\u200d💻", "👩💻"),
        ("🇩🇪", "DE"),
        ("\ud800\udc9b", "\ufffd\ufffd"),
        ("\uffff\ufdd0\U0001fffe", "\ufffd\ufffd\ufffd"),
        ("\ue000\U000f0000", "\ufffd\ufffd"),
        ("a\xa0b\u2003c\u3000d", "a b c\u3000d"),
        ("Z" + "\u0301" * 50 + "!", "Z" + "\u0301" * 4 + "!"),
        ("größer 日本語 Ελληνικά עברית 한국어 ไทยที่นี่", "größer 日本語 Ελληνικά עברית 한국어 ไทยที่นี่"),
    ],
)
def test_what_hides_or_disputes_its_width_goes(hidden: str, shown: str) -> None:
    """Bidi controls, zero-width and tag characters, emoji joiners and floods of marks go; languages stay."""
    assert clean(hidden) == shown
    assert clean_lines(hidden) == shown
    if "\ud800" not in hidden:  # bytes cannot hold a surrogate
        assert clean_log(hidden.encode()) == shown


def test_what_is_left_has_one_width() -> None:
    """Of all characters, those that clean() leaves are as wide to Rich, which lays out, as to wcwidth, which judges."""
    kept = [chr(code) for code in range(0x20000) if clean(chr(code)) == chr(code)]
    disputed = [character for character in kept if cell_len(character) != wcwidth(character)]
    assert len(kept) > 60_000
    assert disputed == []


@settings(deadline=None)
@given(nasty_text)
def test_clean_leaves_no_control_and_is_idempotent(text: str) -> None:
    """Whatever the text, no control and no tower of marks survives, and cleaning twice changes nothing."""
    cleaned = clean(text)
    assert controls(cleaned) == []
    assert longest_run_of_marks(cleaned) <= 4
    assert clean(cleaned) == cleaned
    lines = clean_lines(text)
    assert set(controls(lines)) <= {"\n", "\t"}
    assert clean_lines(lines) == lines


@settings(deadline=None)
@given(nasty_bytes)
@example(b"\x1b[31\x1b[0;1mtext")
@example(b"a" + b"\x1b[31m\xcc\x81" * 9)
def test_a_log_line_keeps_nothing_but_colours(raw: bytes) -> None:
    """Whatever the bytes, the line holds text and well-formed colours, ends without colour, and is stable."""
    shown = clean_log(raw)
    assert controls(ANY_SGR.sub("", shown)) == []
    assert longest_run_of_marks(strip_sgr(shown)) <= 4
    colours = ANY_SGR.findall(shown)
    assert not colours or colours[-1] in {"\x1b[0m", "\x1b[m"}
    assert strip_sgr(shown) == ANY_SGR.sub("", shown)
    assert clean_log(shown.encode()) == shown


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([s for s in WHOLE_SEQUENCES.values() if "\x9b" not in s[1:]]) | st.just("v"), max_size=20)
)
def test_sequences_side_by_side_leave_the_text_between(parts: list[str]) -> None:
    """Complete sequences in any order never eat the text beside them nor leave a byte of themselves."""
    assert clean("".join(parts)) == "v" * parts.count("v")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"", ""),
        (b"plain", "plain"),
        (b"crlf\r", "crlf"),
        (b"10%\r20%\r30%", "30%"),
        (b"10%\r20%\r\x1b[K", "20%"),
        (b"10%\r \r\r", "10%"),
        (b"\r\r\x1b[K\r", ""),
        (b"\x1b[32mok\x1b[0m", "\x1b[32mok\x1b[0m"),
        (b"\x1b[32mdangling", "\x1b[32mdangling\x1b[0m"),
        (b"\x1b[38;5;208mA\x1b[48;2;1;2;3mB\x1b[m", "\x1b[38;5;208mA\x1b[48;2;1;2;3mB\x1b[m"),
        (b"\x1b[4:3mcurly\x1b[38:2::1:2:3mcolon\x1b[0m", "\x1b[4:3mcurly\x1b[38:2::1:2:3mcolon\x1b[0m"),
        (b"\x1b[>4;2mA\x1b[?4mB\x1b[1 mC\x1b[1000mD", "ABCD"),
        (b"\x1b[" + b"1;" * 40 + b"mlong", "long"),
        (b"a\tb\tcc\tend", "a       b       cc      end"),
        (b"12345678\tx", "12345678        x"),
        ("日\tx".encode(), "日      x"),
        (b"\x1b[31ma\x1b[0m\tb", "\x1b[31ma\x1b[0m       b"),
        (b"N\bNA\bA", "NA"),
        (b"_\bu_\bn", "un"),
        (b"|\b/\b-\b\\\b", "\\"),
        (b" 5%\b\b\b10%\b\b\b", "10%"),
        (b"\b\b\bx", "x"),
        (b"a\x1b[1m\bb\x1b[0m", "\x1b[1mb\x1b[0m"),
        (b"\x80\x9b31m\xff", "\ufffd\ufffd31m\ufffd"),
        ("\x9b31mC1".encode(), "C1"),
        (b"bell\a\x0f", "bell"),
        (b"n\0u\x01l", "nu\ufffdl"),
    ],
)
def test_a_log_line_as_shown(raw: bytes, shown: str) -> None:
    """Progress, overstriking, tabs and colours come out as a terminal would end up showing them."""
    assert clean_log(raw) == shown


def test_a_long_line_is_cut() -> None:
    """4,096 visible characters stay, colours not counted, and an ellipsis says that there was more."""
    assert clean_log(b"x" * CUT) == "x" * CUT
    assert clean_log(b"x" * (CUT + 1)) == "x" * CUT + "…"
    assert clean_log(b"x" * 10_000_000) == "x" * CUT + "…"
    assert clean_log(b"\x1b[1m" + b"x" * CUT) == "\x1b[1m" + "x" * CUT + "\x1b[0m"
    assert clean_log(b"\x1b[1m" + b"x" * 5000) == "\x1b[1m" + "x" * CUT + "\x1b[0m…"
    assert strip_sgr(clean_log(b"\x1b[1mx" * 5000)) == "x" * CUT + "…"
    assert clean_log(b"old\r" * 1_000_000 + b"y" * 10_000) == "y" * CUT + "…"
    assert clean_log("é".encode() * 1_000_000) == "é" * CUT + "…"


@settings(deadline=None)
@given(nasty_text)
@example("👩\u200d\x1b👩")
@example("1\x1b\ufe0f")
@example("👩\u200d👩")
def test_wire_safe_keeps_every_cell(text: str) -> None:
    """What goes to the terminal holds no control and is as long, and as wide to Rich, as what was laid out."""
    safe = wire_safe(text)
    assert [character for character in safe if category(character) in {"Cc", "Zl", "Zp", "Cs"}] == []
    assert "\u202e" not in safe
    assert "\u2066" not in safe
    assert len(safe) == len(text)
    assert cell_len(safe) == cell_len(text)
    assert wire_safe(safe) == safe


def test_wire_safe_keeps_the_width_of_every_character() -> None:
    """Each of the 1,114,112 code points is replaced by one of the same width, or not at all."""
    everything = [chr(code) for code in range(0x110000)]
    changed = [character for character in everything if wire_safe(character) != character]
    assert 2000 < len(changed) < 3000
    assert [c for c in changed if len(wire_safe(c)) != 1 or cell_len(wire_safe(c)) != cell_len(c)] == []


@pytest.mark.parametrize(
    "unit",
    [
        "\x1b]",
        "\x1b[",
        "\x1b",
        "\x1bP",
        "\x9d",
        "\x9b",
        "\x1b[31",
        "\x1b ",
        "1;",
        "\b",
        "a\b",
        "\u0301",
        "\t",
        "\r",
        "\x1b]0;a",
    ],
)
def test_time_is_linear(unit: str) -> None:
    """A million characters of the worst that can be repeated take less than a second in each function."""
    text = unit * (1_000_000 // len(unit))
    raw = text.encode()
    for act in (lambda: clean(text), lambda: clean_lines(text), lambda: clean_log(raw)):
        assert seconds(act) < 1.0


def test_the_time_limit_would_catch_a_quadratic_expression() -> None:
    """Negative control: the same introducers against an expression that looks for each end anew take far too long."""
    naive = re.compile(r"\x1b\].*?\x07")
    small, large = ("\x1b]" * length for length in (2_000, 8_000))
    assert seconds(lambda: naive.sub("", large)) > 8 * seconds(lambda: naive.sub("", small))


def test_plain_text_is_fast() -> None:
    """Plain ASCII costs next to nothing: more than 20 MB/s even on a busy machine (about 300 MB/s on an idle one)."""
    line = b"2024-05-01T12:00:00Z INFO worker 7 took 12 ms for an ordinary line of some eighty bytes"
    spent = min(seconds(lambda: [clean_log(line) for _ in range(2000)]) for _ in range(5))
    assert len(line) * 2000 / spent > 20e6


def seconds(act: Callable[[], object]) -> float:
    """How long something takes, in seconds of processor time."""
    began = time.process_time()
    act()
    return time.process_time() - began
