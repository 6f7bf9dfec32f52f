"""What a board that shows no run says: why there is none, and for a first one, how to begin."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.geometry import Size

from runboard.board import Board
from runboard.ui.keys import key_of

WAYS = (
    ("runboard run -- make test", "start something that goes on without you"),
    ("runboard demo", "look around with living samples"),
)
"""What to type in a shell, and what for."""


def empty_line(app: App[Any], board: Board, size: Size, y: int, *, reading: bool) -> str:
    """The text of one line of an empty table of this size; nothing where the table is not empty."""
    if len(board):
        return ""
    words = _words(app, board, size, reading=reading)
    spot = y - (size.height - len(words)) // 2
    return words[spot] if 0 <= spot < len(words) else ""


def _words(app: App[Any], board: Board, size: Size, *, reading: bool) -> list[str]:
    """Why there is no row and what to do about it, in as many lines as fit."""
    if board.total:
        words = ["No run matches.", f"{key_of(app, 'board.back').capitalize()} clears the filter."]
    elif reading:
        words = ["Reading the runs…"]
    else:
        ways = [*WAYS, (key_of(app, "board.help"), "all keys of the board")]
        first = max(len(way) for way, _what in ways)
        lines = ["No runs yet.", "", *(f"{way:<{first}}   {what}" for way, what in ways)]
        wide = max(map(len, lines))
        if wide + 4 <= size.width and size.height >= 2 * len(lines):
            return [line.ljust(wide) for line in lines]  # each is centred, and they shall begin in one column
        words = ["No runs yet.", "Start one: runboard run -- make test"]
    together = " ".join(words)
    return [together] if len(together) <= size.width else words
