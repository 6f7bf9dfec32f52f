"""What is drawn, in ASCII: one table from our glyphs and lines to signs of the same width, and a mark for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import category, east_asian_width

SIGNS = {
    "●": "*",
    "✔": "+",
    "✘": "x",
    "○": "o",
    "◐": "~",
    "■": "#",
    "…": ".",
    "·": "-",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "⏎": "<",
    "▌": "|",
    "‖": "=",
    "━": "=",
    "─": "-",
    "▐": "|",
    "█": "#",
    "▎": "|",
    "▏": "|",
    "▕": "|",
    "•": "*",
    "≥": ">",
    "≤": "<",
    "\xd7": "x",
    "“": '"',
    "”": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u2013": "-",
    "\u2014": "-",
    "\xa0": " ",
}
"""A sign of one cell for each of one cell that we draw."""

UNKNOWN = "?"
"""What stands for a character that ASCII does not have and we do not draw."""


def ascii_text(text: str) -> str:
    """A clean text in ASCII, in as many cells as it had."""
    return text if text.isascii() else "".join(map(_sign, text))


def wanted(choice: str, environ: Mapping[str, str]) -> bool:
    """Whether to draw with ASCII only: because it was said, or because the locale has nothing else.

    Where no locale is set at all, nobody said so. Python itself sets LC_CTYPE to a locale of UTF-8 where LANG says
    "C" (PEP 538): LANG counts then.
    """
    if choice != "auto":
        return choice == "always"
    ctype = environ.get("LC_CTYPE", "")
    if ctype in {"C.UTF-8", "C.utf8", "UTF-8"} and environ.get("LANG"):
        ctype = ""
    told = environ.get("LC_ALL") or ctype or environ.get("LANG") or "UTF-8"
    return "utf8" not in told.lower().replace("-", "")


def _sign(char: str) -> str:
    """What one character is drawn as."""
    if char.isascii():
        return char
    if char in SIGNS:
        return SIGNS[char]
    if "\u2500" <= char <= "\u257f":
        return "-" if char in "─━┄┅┈┉╌╍═╴╶╸╺╼╾" else "|" if char in "│┃┆┇┊┋╎╏║╵╷╹╻╽╿" else "+"
    if "\u2580" <= char <= "\u259f" or "\u2800" <= char <= "\u28ff":
        return "#" if char != "\u2800" else " "
    if category(char) in {"Mn", "Me"}:
        return ""
    return UNKNOWN * (2 if east_asian_width(char) in {"W", "F"} else 1)
