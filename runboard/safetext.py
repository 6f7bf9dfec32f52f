"""Text from outside made safe to show: no control reaches a screen, and what is left has one width on every terminal.

A sequence ends where a terminal would end it: at its terminator, at CAN or SUB, or at the control that begins the next
one. A string sequence that never ends is no sequence: its introducer goes and its text stays, so nothing can hide the
rest of a line. Each expression walks a text once, however its sequences are nested, cut short or repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import zip_longest
from unicodedata import category, east_asian_width

from runboard.late import pattern

CUT = 4096
"""Visible characters of a log line that are shown."""

_RAW_MOST = 1 << 16
"""Bytes of a log line that are looked at."""

_SGR_MOST = 64
"""Characters of the longest colour sequence kept; truecolor for both foreground and background takes 40."""

_MARKS_MOST = 4
"""Combining marks on one character; a written language uses three."""

_CACHE_MOST = 20_000
"""Characters whose replacement is remembered; a text of every character there is may not fill the memory."""

# Possessive quantifiers: what has matched is never given back and tried again, so the time stays linear.
_SEQUENCE = pattern(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"  # CSI, also cut short
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\n\x18\x1a\x1b\x80-\x9f]*+"  # OSC, DCS, SOS, PM, APC ...
    r"(?:\x1b\\|[\x07\x18\x1a\x9c]|(?=[\x1b\x80-\x9f]))"  # ... to their end
    r"|(?:\x1b[NO]|[\x8e\x8f])[ -~]?"  # SS2 and SS3 with the character they shift
    r"|\x1b[ -/]*+[0-~]?"  # any other escape, and ESC alone
)
_COLOUR = r"\x1b\[(?:[0-9]{0,3}[;:])*+[0-9]{0,3}+m"
_SGR = pattern(_COLOUR)
_SGR_BETWEEN = pattern(f"({_COLOUR})")
_SGR_RESETS = frozenset({"\x1b[m", "\x1b[0m"})
_ACTS = pattern(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\uffff"
    "\U000e0000-\U000e0fff\ud800-\udfff]"
)
_TOO_MANY_MARKS = pattern(f"\0{{{_MARKS_MOST + 1},}}")

_SPACES = frozenset("\t\n\v\f\r\x85\u2028\u2029")
_SILENT = frozenset("\0\a\x0e\x0f")  # no trace on a terminal: padding, the bell, the shift that `tput sgr0` ends with

_INVISIBLE = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x115F),  # Hangul fillers
    (0x3164, 0x3164),
    (0xFFA0, 0xFFA0),
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # variation selectors
    (0xFE00, 0xFE0F),
    (0xE0100, 0xE01EF),
    (0x1F3FB, 0x1F3FF),  # skin tones: part of the emoji before them, or one more
)
_WIDTH_DISPUTED = (
    (0x1160, 0x11FF),  # Hangul vowels and finals by themselves
    (0xD7B0, 0xD7FF),
    (0x2630, 0x2637),  # trigrams, hexagrams, counting rods: narrow before Unicode 16, wide since
    (0x268A, 0x268F),
    (0x4DC0, 0x4DFF),
    (0x1D300, 0x1D37F),
    (0x3248, 0x324F),  # circled numbers on squares
    (0x302A, 0x302F),  # wide combining marks
    (0x3099, 0x309A),
    (0x16FE4, 0x16FF1),
)

_VISIBLE_FORMATS = ((0x0600, 0x0605), (0x06DD, 0x06DD), (0x070F, 0x070F), (0x0890, 0x08E2), (0x110BD, 0x110CD))


class _Judged(dict[int, str]):
    """What each character becomes, judged when it first occurs; for str.translate."""

    def __init__(self, judge: Callable[[int], str], untouched: str = "") -> None:
        """Ask ``judge`` for every character that is not ``untouched``."""
        super().__init__((ord(character), character) for character in untouched)
        self._judge = judge

    def __missing__(self, code: int) -> str:
        """Judge a character, and remember it while there is room."""
        becomes = self._judge(code)
        if len(self) < _CACHE_MOST:
            self[code] = becomes
        return becomes


def _as_shown(code: int) -> str:
    """A character as it may be shown: itself, a space, U+FFFD, or nothing."""
    character, kind = chr(code), category(chr(code))
    if character in _SPACES or (kind == "Zs" and code != 0x3000):
        return " "
    if character in _SILENT or kind in {"Cf", "Me"} or _within(code, _INVISIBLE):
        return ""
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(code - 0x1F1E6 + ord("A"))  # half a flag is one cell or two; the letter it stands for is one
    if kind in {"Cc", "Cs", "Co", "Cn", "Mc"} or _within(code, _WIDTH_DISPUTED):
        return "\ufffd"
    return character


def _as_copied(code: int) -> str:
    """A character as it may be copied: itself, a break, or nothing; what joins letters and emoji is part of them."""
    kind = category(chr(code))
    if kind in {"Zl", "Zp"}:
        return "\n"
    return "" if kind in {"Cc", "Cs"} or (kind == "Cf" and code not in {0x200C, 0x200D}) else chr(code)


def _as_mark(code: int) -> str:
    """A combining mark as NUL, every other character as itself; for text already cleaned."""
    return "\0" if category(chr(code)) == "Mn" else chr(code)


def _as_sent(code: int) -> str:
    """A character as it may go to a terminal, by the width that Rich gives it."""
    kind = category(chr(code))
    if kind == "Cs" or code == 0xAD or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
        return "\ufffd"
    harmless = code in {0x200C, 0x200D} or _within(code, _VISIBLE_FORMATS)
    return "\u034f" if kind in {"Cc", "Zl", "Zp"} or (kind == "Cf" and not harmless) else chr(code)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    """Whether a character lies in one of the ranges."""
    return any(first <= code <= last for first, last in ranges)


_CELL, _LINES, _LOG = _Judged(_as_shown), _Judged(_as_shown, "\n\t"), _Judged(_as_shown, "\t\b")
_COPY = _Judged(_as_copied, "\n\t")
_MARKS, _WIRE = _Judged(_as_mark), _Judged(_as_sent)


def clean(text: str) -> str:
    """One line of text for a cell, a label or a title: whole sequences removed, breaks and tabs turned into spaces.

    What is invisible, or only changes the look of its neighbour, is removed; every other control becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return _capped(_SEQUENCE.sub("", text).translate(_CELL))


def clean_copy(text: str) -> str:
    """Text on its way into or out of a clipboard: nothing that acts or hides is left, every letter stays as it is."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SEQUENCE.sub("", text).translate(_COPY)


def clean_lines(text: str) -> str:
    r"""The same for a text of many lines: line breaks become ``\n``, tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _capped(_SEQUENCE.sub("", text).translate(_LINES))


def clean_log(raw: bytes) -> str:
    r"""One line of a log, without its ``\n``, as it is to be shown: only colours (SGR) survive, and end with the line.

    A progress display (``\r``) is shown in its last state that is not empty, ``\b`` takes back a character, tabs
    reach to the next eighth column, and after `CUT` visible characters an ellipsis stands for the rest.
    """
    if len(raw) <= CUT and raw.isascii():
        text = raw.decode("ascii")
        if text.isprintable():
            return text
    tail = raw[-_RAW_MOST:]
    if b"\r" in tail:
        return _last_state(tail, _shown)
    return _shown(raw[:_RAW_MOST], whole=len(raw) <= _RAW_MOST)


def clean_output(raw: bytes) -> str:
    """One line of a log as it is to be kept: as in `clean_log`, but whole, with its tabs, without colours."""
    return _last_state(raw, _kept)


def guarded(text: str) -> str:
    """The last guard before a terminal without a layout: of what is in a text only colours and breaks act on it."""
    if text.isascii() and text.isprintable():
        return text
    if not _ACTS.search(_SGR.sub("", text) if "\x1b" in text else text):
        return text
    return "".join(part if at % 2 else clean_lines(part) for at, part in enumerate(_SGR_BETWEEN.split(text)))


def strip_sgr(text: str) -> str:
    """A line of `clean_log` without its colours."""
    return _SGR.sub("", text) if "\x1b" in text else text


def splice(text: str, first: int, last: int, put: str) -> str:
    """A line of `clean_log` with its visible characters from ``first`` to before ``last`` exchanged for ``put``."""
    kept, at = [], 0
    for index, piece in enumerate(_SGR_BETWEEN.split(text)):
        if index % 2:
            kept.append(piece)
            continue
        begin, end = (max(0, min(len(piece), edge - at)) for edge in (first, last))
        at += len(piece)
        if begin < end:
            kept += [piece[:begin], put, piece[end:]]
            put = ""
        else:
            kept.append(piece)
    return "".join(kept)


def cell_width(character: str) -> int:
    """The cells of one cleaned character."""
    if character.isascii():
        return 1
    return 0 if category(character) == "Mn" else 1 + (east_asian_width(character) in "WF")


def wire_safe(text: str) -> str:
    """The last guard before a terminal: every control replaced, one for one, by a character of the width it was given.

    The layout is done by then, and has counted a control or a bidi mark as no cell: U+034F, which shows nothing and
    does nothing, takes its place. U+FFFD takes the place of what was counted as one cell.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_WIRE)


def _last_state(raw: bytes, show: Callable[[bytes], str]) -> str:
    r"""What the last of several states of a line, divided by ``\r``, looks like, if anything of it can be seen."""
    first, *later = raw.split(b"\r")
    for state in reversed(later):
        shown = show(state) if state else ""
        if strip_sgr(shown).strip():
            return shown
    return show(first)


def _kept(raw: bytes) -> str:
    """One state of a log line as text without colours."""
    text = _SEQUENCE.sub("", raw.decode("utf-8", "replace")).translate(_LOG)
    return _capped(_overstruck([text])[0] if "\b" in text else text)


def _shown(raw: bytes, *, whole: bool = True) -> str:
    """One state of a log line, cleaned and cut; not ``whole`` where there is more of it than was looked at."""
    parts = _SGR_BETWEEN.split(_SEQUENCE.sub(_colour_only, raw.decode("utf-8", "replace")))
    texts = [part.translate(_LOG) for part in parts[::2]]
    if b"\b" in raw:
        texts = _overstruck(texts)
    texts = [_capped(text, begins=not index) for index, text in enumerate(texts)]
    if b"\t" in raw:
        texts = _untabbed(texts)
    shown, last_colour, room = [], "", CUT
    for text, colour in zip_longest(texts, parts[1::2], fillvalue=""):
        shown.append(text[:room])
        if len(text) > room:
            whole = False
            break
        room -= len(text)
        shown.append(colour)
        last_colour = colour or last_colour
    reset = "\x1b[0m" if last_colour and last_colour not in _SGR_RESETS else ""
    return "".join(shown) + reset + ("" if whole else "…")


def _colour_only(match: re.Match[str]) -> str:
    """A well-formed colour sequence as it is, nothing for any other."""
    sequence = match[0]
    return sequence if len(sequence) <= _SGR_MOST and _SGR.fullmatch(sequence) else ""


def _overstruck(texts: list[str]) -> list[str]:
    r"""Let each ``\b`` take back the character before it, over colours too; at the end it only moves the cursor."""
    kept: list[list[str]] = []
    holders: list[list[str]] = []
    for text in [*texts[:-1], texts[-1].rstrip("\b")]:
        kept.append([])
        for character in text:
            if character != "\b":
                kept[-1].append(character)
                holders.append(kept[-1])
            elif holders:
                holders.pop().pop()
    return ["".join(characters) for characters in kept]


def _untabbed(texts: list[str]) -> list[str]:
    """Tabs as spaces to the next eighth column, counted in cells across the parts of a line."""
    column, untabbed = 0, []
    for text in texts:
        pieces: list[str] = []
        for index, piece in enumerate(text.split("\t")):
            gap = 8 - column % 8 if index else 0
            column += gap + _cells(piece)
            pieces.append(" " * gap + piece)
        untabbed.append("".join(pieces))
    return untabbed


def _cells(text: str) -> int:
    """The cells that cleaned text takes."""
    if text.isascii():
        return len(text)
    wide = sum(east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - text.translate(_MARKS).count("\0")


def _capped(text: str, *, begins: bool = True) -> str:
    """Text without marks that tower over a character; none at its start unless the line ``begins`` there."""
    if text.isascii():
        return text
    marked = text.translate(_MARKS)
    kept, at = [], 0 if begins else len(marked) - len(marked.lstrip("\0"))
    for flood in _TOO_MANY_MARKS.finditer(marked, at):
        kept.append(text[at : flood.start() + _MARKS_MOST])
        at = flood.end()
    return "".join(kept) + text[at:]
