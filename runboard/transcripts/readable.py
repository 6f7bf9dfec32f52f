"""One line of an agent's JSON in words: who said what, which tool ran with which argument, how it ended.

Every line is read by itself, so that a window on a log can be shown from anywhere; all text comes out clean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from runboard.safetext import clean_lines
from runboard.transcripts.fold import Event
from runboard.transcripts.lines import bared, parsed
from runboard.transcripts.readings import READINGS, Said

LINE_MOST = 8 << 20
"""Bytes of the longest line that is put into words."""

_TEXT_MOST = 4000
_PIECES_MOST = 50


class Piece(NamedTuple):
    """Something said or done: ``who`` is assistant, thinking, user, tool, result, warning, error, session or end."""

    who: str
    text: str


def lines_for_reading(raw: bytes) -> list[Piece] | None:
    """The pieces that one line of a log tells, none for an event without words; None for a line that is no event."""
    line = bared(raw.strip(b"\0\r\n")).removeprefix(b"[ERROR] ")
    if len(line) > LINE_MOST or not line.startswith((b"{", b"[{")):
        return None
    found = parsed(line)
    events = found if isinstance(found, list) else [found]
    told = [_reading(event) if isinstance(event, dict) else None for event in events[:_PIECES_MOST]]
    if all(said is None for said in told):
        return None
    return list(_pieces([one for said in told if said for one in said][:_PIECES_MOST]))


def _reading(event: Event) -> list[Said] | None:
    """What an event tells, in the words of the first format it fits."""
    for reading in READINGS:
        said = reading(event)
        if said is not None:
            return said
    return None


def _pieces(said: list[Said]) -> Iterator[Piece]:
    """Each piece that has words, clean and cut."""
    for who, told in said:
        text = clean_lines(told[: 2 * _TEXT_MOST]).strip()
        if text:
            yield Piece(who, text if len(text) <= _TEXT_MOST else text[:_TEXT_MOST] + "…")
