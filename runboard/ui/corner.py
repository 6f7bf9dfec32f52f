"""How much of the screen a word in the corner may take, and on which side it leaves in sight what is looked at.

The shares are those of the style sheet.
"""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.geometry import Region, Size
from textual.message import Message

from runboard.ui.cells import cut

SHORT = 15
"""Below so many lines the table has the screen for itself."""

BELOW = 2
"""Lines below it: the keys, and the one where a person types."""

COMPLAINT = 3
"""Lines at most of what is wrong with what they type."""

WIDEST, AROUND = 60, 5
"""Cells of a word in the corner, and how many of them are beside its text."""


MENTIONED_SECONDS = 3.0
"""How long it is seen why a key does nothing."""


class Complained(Message):
    """Something is wrong with what is typed at the bottom, or no longer."""


def lines_of(screen: Size) -> int:
    """How many lines at most are covered."""
    return max(1, screen.height * (20 if screen.height < SHORT else 30) // 100)


def width_of(screen: Size) -> int:
    """How many cells at most are covered."""
    return min(WIDEST, screen.width * 94 // 100)


def told(sentence: str, screen: Size) -> str:
    """A sentence as far as it can be read there; broken between words, a line loses a fifth of its cells at most."""
    lines, room = lines_of(screen), max(1, width_of(screen) - AROUND)
    return cut(sentence, lines * room - (lines - 1) * room // 5)


def mention(app: App[Any], sentence: str) -> None:
    """Tell quietly why a key does nothing, once however often it is pressed; nothing for an empty sentence."""
    seen = {notice.message for notice in app._notifications}
    if sentence and told(sentence, app.size) not in seen:
        app.notify(sentence, markup=False, timeout=MENTIONED_SECONDS)


def covers(table: Region, line: int, screen: Size, *, raised: bool = False) -> bool:
    """Whether what is told at the bottom, or raised above a complaint, would lie over this line of a table."""
    end = screen.height - BELOW - (COMPLAINT if raised else 0)
    first = end - lines_of(screen)
    return first <= line < end and table.right > screen.width - width_of(screen)
