"""How verbs speak: data on stdout, narration on stderr, both safe to show; tables are cut only for a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from runboard.columns import Column
from runboard.files import encode
from runboard.model import Run, Status
from runboard.plain import ascii_text
from runboard.safetext import clean, guarded

_UNSEEN = (
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""What JSON may hold as it is although a terminal acts on it or nobody sees it; an escape means the same."""

_SGR = {Status.RUNNING: "36", Status.COMPLETED: "32", Status.FAILED: "31", Status.QUEUED: "33", Status.DAMAGED: "35"}
_COMFORTABLE, _NARROWEST = 16, 4
"""Cells that a column without a width of its own keeps while others can be left out, and when none can any more."""


class Style(NamedTuple):
    """What stdout is given: colours or not, how many cells there are (None: not a terminal), and ASCII only or not."""

    colour: bool = False
    width: int | None = None
    ascii: bool = False


def style(choice: str, environ: Mapping[str, str]) -> Style:
    """The style for stdout after ``--color``, NO_COLOR (no-color.org: only where it is not empty) and TERM."""
    terminal = is_terminal(sys.stdout)
    wanted = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Style(choice == "always" or (choice == "auto" and wanted), _terminal_width() if terminal else None)


def is_terminal(stream: object) -> bool:
    """Whether one of the standard streams is there and is a terminal."""
    asked = getattr(stream, "isatty", None)
    return bool(asked and asked())


def say(sentence: str) -> None:
    """One line of narration on stderr; a stderr that cannot be written to stops nothing."""
    try:
        sys.stderr.write(clean(sentence) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def complain(sentence: str) -> None:
    """One line on stderr that says what went wrong; behind the program's name it begins small."""
    begins_a_word = sentence[1:2].islower() or sentence[1:2] == " "
    say(f"runboard: {sentence[:1].lower() + sentence[1:] if begins_a_word else sentence}")


def put(text: str) -> None:
    """A line of data on stdout; to a terminal nothing goes that acts on it, whoever made the line."""
    sys.stdout.write((guarded(text) if is_terminal(sys.stdout) else text) + "\n")


def put_bytes(data: bytes) -> None:
    """Bytes on stdout, all of them: an unbuffered stream of Python's takes part of them and says nothing."""
    sys.stdout.flush()
    left = memoryview(data)
    while left:
        left = left[os.write(sys.stdout.fileno(), left) :]


def put_json(document: object, *, lines: bool = False) -> None:
    """A document as UTF-8 JSON on stdout, indented or in one line, with nothing in it that a terminal would act on."""
    text = encode(document, indent=not lines).decode()
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_UNSEEN, _escaped, text)
    put_bytes(text.encode())


def runs_text(count: int) -> str:
    """A number of runs with its word."""
    return f"{count} run" if count == 1 else f"{count} runs"


def cells(text: str) -> int:
    """How many cells of a terminal a clean line takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width  # noqa: PLC0415 - plain tables do without

    return sum(
        0 if category(char) in {"Mn", "Me"} else 2 if east_asian_width(char) in {"W", "F"} else 1 for char in text
    )


def cut(text: str, width: int) -> str:
    """The beginning of a clean line that fits ``width`` cells, with an ellipsis where something is missing."""
    if cells(text) <= width:
        return text
    end = min(len(text), width)
    while end and cells(text[:end]) > width - 1:
        end -= 1
    return text[:end] + "…" if width > 0 else ""


def table(runs: Sequence[Run], columns: Sequence[Column], now: float, look: Style) -> list[str]:
    """The lines of a table of runs under a heading; in a terminal cut to its width, least important columns first."""
    body = [[column.text(run, now) for column in columns] for run in runs]
    widths = [max(map(cells, [column.title, *(row[at] for row in body)])) for at, column in enumerate(columns)]
    kept = list(range(len(columns)))
    if look.width is not None:
        kept = _fitting(columns, widths, look.width)
    lines = [_line([columns[at].title.upper() for at in kept], kept, columns, widths)]
    for run, row in zip(runs, body, strict=True):
        texts = [row[at] for at in kept]
        line = _line(texts, kept, columns, widths)
        if look.colour and kept and columns[kept[0]].key == "status":
            line = f"\x1b[{_SGR[run.status]}m{line[: len(texts[0])]}\x1b[0m{line[len(texts[0]) :]}"
        lines.append(line)
    return list(map(ascii_text, lines)) if look.ascii else lines


def _fitting(columns: Sequence[Column], widths: list[int], room: int) -> list[int]:
    """Which columns a terminal of ``room`` cells has; those without a width of their own shrink in ``widths``."""
    kept, least = list(range(len(columns))), _COMFORTABLE
    while True:
        excess = sum(widths[at] + 2 for at in kept) - 2 - room
        elastic = [at for at in kept if columns[at].width == 0]
        if excess <= sum(max(0, widths[at] - least) for at in elastic) or len(kept) == 1:
            break
        if dispensable := [at for at in kept if columns[at].rank]:
            kept.remove(max(dispensable, key=lambda at: columns[at].rank))
        elif least > _NARROWEST:
            least = _NARROWEST
        else:
            kept.pop()
    for _cell in range(excess):
        widest = max(elastic or kept, key=lambda at: widths[at])
        widths[widest] -= 1
    return kept


def _line(texts: list[str], kept: list[int], columns: Sequence[Column], widths: list[int]) -> str:
    """One line of a table: each text cut and padded to its column, nothing behind the last."""
    parts = []
    for at, text in zip(kept, texts, strict=True):
        shown = cut(text, widths[at])
        gap = " " * (widths[at] - cells(shown))
        parts.append(gap + shown if columns[at].align == "right" else shown + gap)
    return "  ".join(parts).rstrip()


def _terminal_width() -> int:
    """The cells of the terminal behind stdout, 80 where it does not tell."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def _escaped(match: re.Match[str]) -> str:
    """A character as JSON escapes it, astral ones as a surrogate pair."""
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
