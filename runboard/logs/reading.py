"""Lines of an agent's log in words: who said what, which tool ran, how it ended; every other line as it is."""

from __future__ import annotations

from collections.abc import Sequence

from runboard.safetext import CUT, clean_log, clean_output, strip_sgr

_WHO = 10
"""Cells of the column that says who."""

_INKS = {"error": "31", "warning": "33"}
_QUIET = "2"
SILENT = f"\x1b[{_QUIET}m·\x1b[0m"
"""What stands for an event without words."""


class Reading:
    """How one log's lines become text; ``raw`` leaves events as they are, ``found`` tells whether any was seen."""

    def __init__(self, *, raw: bool = False) -> None:
        """Begin a log."""
        self.raw = raw
        self.found = False

    def __call__(self, line: bytes) -> str:
        """One whole line of the log, without its newline, as it is to be shown."""
        from runboard.transcripts.readable import lines_for_reading  # noqa: PLC0415 - 5 ms that the board shows sooner

        pieces = lines_for_reading(line)
        if pieces is None:
            return clean_log(line)
        self.found = True
        return clean_log(line) if self.raw else told(pieces)


def spelt(line: bytes, *, raw: bool = False) -> str:
    """The same line as it is to be copied: whole, and without colours."""
    from runboard.transcripts.readable import lines_for_reading  # noqa: PLC0415 - see above

    pieces = None if raw else lines_for_reading(line)
    return clean_output(line) if pieces is None else strip_sgr(told(pieces))


def told(pieces: Sequence[tuple[str, str]]) -> str:
    """What one event tells, on one line: who in a quiet colour of ours, then the text, all cut at `CUT` characters."""
    shown, room = list[str](), CUT
    for who, text in pieces:
        words = " ".join(text.split())
        if not words or room <= 0:
            continue
        words = words if len(words) <= room else words[:room] + "…"
        room -= len(words)
        shown.append(f"\x1b[{_INKS.get(who, _QUIET)}m{who:<{_WHO}}\x1b[0m {words}")
    return "   ".join(shown) or SILENT
