"""What is copied of a log: clean text without colours, line numbers, the breaks of rows, or padding; bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from runboard.safetext import strip_sgr

COPY_MOST = 70_000
"""Bytes that terminals take for their clipboard; some stop at 100,000 in base64."""

LINES_MOST = 20_000
"""Lines that are looked at for it; of a filtered log they may lie far from each other."""

Spell = Callable[[bytes], str]
"""Gives a whole line as text, with its tabs, without colours."""


class Spot(NamedTuple):
    """A place in the text of a log: where a line begins, and how many of its visible characters stand before.

    None for all of them.
    """

    at: int
    column: int | None = 0


class Copied(NamedTuple):
    """A text, of how many lines it is, and whether there was more than is taken."""

    text: str
    lines: int
    cut: bool = False


def gathered(
    lines: Iterable[tuple[int, bytes]], first: Spot, last: Spot, render: Callable[[bytes], str], spell: Spell
) -> Copied:
    """The text from one spot to another on these lines, the first of which is that of ``first``.

    Lines that are but slices of a longer one, one right behind the other, are joined. A line that is not copied whole
    is copied as ``render`` shows it, for that is where its characters were counted.
    """
    parts, size, count, edge = list[str](), 0, 0, -1
    for offset, raw in lines:
        if offset > last.at or size > COPY_MOST or count == LINES_MOST:
            break
        begin = (first.column or 0) if offset == first.at else 0
        end = last.column if offset == last.at else None
        text = spell(raw) if not begin and end is None else strip_sgr(render(raw))[begin:end]
        if parts and offset != edge:
            parts.append("\n")
        parts.append(text)
        size += len(text.encode()) + 1
        count += 1
        edge = offset + len(raw)
    return _bounded("".join(parts), count, cut=count == LINES_MOST)


def _bounded(text: str, count: int, *, cut: bool) -> Copied:
    """No more than a terminal takes, and no half of a character."""
    data = text.encode()
    if len(data) <= COPY_MOST:
        return Copied(text, count, cut)
    kept = data[:COPY_MOST].decode("utf-8", "ignore")
    return Copied(kept, kept.count("\n") + 1, cut=True)
