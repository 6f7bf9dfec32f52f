"""What the terminal shows, as far as it was told: so that only cells that differ go out, in as few bytes as say it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

Code = tuple[str, str, str]
"""Attributes, ink and ground as SGR has them, each empty where it is the terminal's own."""

Cell = tuple[str, Code]
"""A character with what is drawn over it, empty for the right half of a wide one; of a blank the ink is left out."""


class Piece(NamedTuple):
    """A piece of a line that is to be written: so many cells from the cell ``x`` on."""

    y: int
    x: int
    line: list[Cell]
    size: int

    def inked(self, step: int) -> Code:
        """The looks of its first letter, or of its last for a ``step`` of -1; of blanks alone, theirs."""
        some = self.line[self.x : self.x + self.size]
        return next((code for text, code in some[::step] if text != " "), some[0][1])


class Change(NamedTuple):
    """A line that changes, how it was, and between which cells it does so."""

    line: list[Cell]
    old: list[Cell]
    spans: list[tuple[int, int]]

    def pieces(self, y: int) -> list[Piece]:
        """What of it must be written."""
        spans: list[tuple[int, int]] = []
        for first, end in sorted(self.spans):
            if spans and first < spans[-1][1]:
                spans[-1] = spans[-1][0], max(end, spans[-1][1])
            else:
                spans.append((first, end))
        found = [(first, differing(self.old[first:end], self.line[first:end])) for first, end in spans]
        return [Piece(y, first + start, self.line, end - start) for first, ones in found for start, end in ones]


_OWN: Code = ("", "", "")
_ERASED = "\x1b[K"
_GAP, _TURN = 8, 4
"""So many cells that are the same cost less than another move of the cursor; or so many where other looks begin behind.

To turn from looks to looks costs twice a move, and other lines may have something to write in the same."""


class Sent:
    """The cells of the screen, line by line, where they are known."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._lines: dict[int, list[Cell] | list[Segment]] = {}
        self._told: set[int] = set()

    def forget(self) -> None:
        """The terminal may show anything."""
        self._lines.clear()
        self._told.clear()

    def learn(self, top: int, lines: Iterable[Iterable[Iterable[Segment]]]) -> None:
        """Whole lines were sent, each in parts; what their cells are is found out when that is asked."""
        for y, parts in enumerate(lines, top):
            self._lines[y] = [segment for part in parts for segment in part]
            self._told.discard(y)

    def update(self, y: int, x: int, segments: Iterable[Segment], pen: Pen) -> None:
        """Have a line show these from ``x`` on; nothing is written where it does so already."""
        new = cells(segments, pen.depth)
        line = self._cells(y, pen.depth)
        line += [("", _OWN)] * (x + len(new) - len(line))
        pen.change(y, line, x, x + len(new))
        line[x : x + len(new)] = new

    def _cells(self, y: int, depth: ColorSystem) -> list[Cell]:
        """The cells of a line; one that is not known has none that looks like any other."""
        if y not in self._told:
            self._told.add(y)
            self._lines[y] = cells((one for one in self._lines.get(y, ()) if isinstance(one, Segment)), depth)
        return self._lines[y]  # type: ignore[return-value]


class Pen:
    """Writes cells as they go to a terminal: of the looks only what differs from what was written before."""

    def __init__(self, depth: ColorSystem, *, width: int = 0, erases: bool = False) -> None:
        """Write in so many colours on lines so wide; ``erases`` says that what is erased keeps the ground it is given.

        Without a width nothing is erased to the end of a line: there may be more behind what is written.
        """
        self.depth = depth
        self._width = width
        self._erases = erases
        self._changes: dict[int, Change] = {}
        self._parts: list[str] = []
        self._last = _OWN

    def change(self, y: int, line: list[Cell], first: int, end: int) -> None:
        """A line is about to change from a cell to before an end; it is written when all that changes has done so."""
        change = self._changes.setdefault(y, Change(line, [], []))
        change.old.extend(line[len(change.old) :])
        change.spans.append((first, end))

    def _write(self, piece: Piece) -> None:
        """Write a piece of a line as the line is in the end; long blanks are erased and passed over."""
        y, x, line, size = piece.y, piece.x, piece.line[piece.x :], piece.size
        self._parts.append(f"\x1b[{y + 1};{x + 1}H")
        free = self._free(line, size) if x + len(line) == self._width else size
        at, erased = 0, False
        while at < size:
            text, code = cell = line[at]
            start, at = at, at + 1
            if text != " " or code[0]:
                if text:
                    self._turn(code)
                    self._parts.append(text)
                continue
            while at < size and line[at] == cell:
                at += 1
            self._rest_on(code[2], line[at] if at < size else None)
            passed = f"\x1b[{at - start}C" if at < size else ""
            if start < free:
                self._parts.append(self._blanks(at - start, passed))
            elif at - start <= len(passed) + (0 if erased else len(_ERASED)):
                self._parts.append(" " * (at - start))
            else:
                self._parts.append(passed if erased else _ERASED + passed)
                erased = True

    def told(self) -> str:
        """What makes the terminal show all that has changed; afterwards it has its own looks again."""
        for piece in in_turn(piece for y, one in self._changes.items() for piece in one.pieces(y)):
            self._write(piece)
        self._changes.clear()
        if self._last != _OWN:
            self._parts.append("\x1b[0m")
            self._last = _OWN
        return "".join(self._parts)

    def _blanks(self, count: int, passed: str) -> str:
        """So many blanks that the line goes on behind: erased and ``passed`` over if that is shorter, else written."""
        erased = f"\x1b[{count}X{passed}"
        return erased if self._erases and len(erased) < count else " " * count

    def _free(self, line: list[Cell], size: int) -> int:
        """From which of ``size`` cells on the line can be erased: one ground, and behind them nothing else."""
        ground = line[size - 1][1][2]
        blank = (" ", ("", "", ground))
        if (ground and not self._erases) or any(cell != blank for cell in line[size:]):
            return size
        first = size
        while first and not line[first - 1][1][0] and line[first - 1][1][2] == ground:
            first -= 1
        return first

    def _rest_on(self, ground: str, after: Cell | None) -> None:
        """Have this ground for blanks; their ink may be that of what comes after them."""
        if self._last[0] or self._last[2] != ground:
            like = after is not None and not after[1][0] and after[1][2] == ground
            self._turn(("", after[1][1] if after is not None and like else self._last[1], ground))

    def _turn(self, wanted: Code) -> None:
        """Go on in these looks."""
        if wanted != self._last:
            self._parts.append(_switch(self._last, wanted))
            self._last = wanted


def cells(segments: Iterable[Segment], depth: ColorSystem) -> list[Cell]:
    """The cells that segments take."""
    found: list[Cell] = []
    for text, style, _control in segments:
        code = _OWN if style is None else _code(style, depth)
        blank = code if code[0] else ("", "", code[2])
        if text.isascii():
            found += [(char, blank if char == " " else code) for char in text]
            continue
        for char in text:
            width = cell_len(char)
            if width == 0 and found:
                found[-1] = (found[-1][0] + char, found[-1][1])
            else:
                found.append((char, blank if char == " " else code))
                found += [("", code)] * (width - 1)
    return found


def differing(old: list[Cell], new: list[Cell]) -> list[tuple[int, int]]:
    """Where two lines of the same length differ: pieces from a first cell to before an end, no wide one cut in two."""
    pieces: list[tuple[int, int]] = []
    for at, (before, after) in enumerate(zip(old, new, strict=True)):
        if before == after and before[0]:
            continue
        if pieces and at - (end := pieces[-1][1]) < (_GAP if after[1] == new[end - 1][1] else _TURN):
            pieces[-1] = (pieces[-1][0], at + 1)
        elif before != after:
            pieces.append((at, at + 1))
    whole = []
    for first, end in pieces:
        while first > 0 and not (new[first][0] and old[first][0]):
            first -= 1  # noqa: PLW2901 - the left half of what begins in the middle
        while end < len(new) and not new[end][0]:
            end += 1  # noqa: PLW2901 - likewise at the right
        whole.append((first, end))
    return whole


def in_turn(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces so that one follows that goes on in the looks in which the last one ends, where there is one."""
    waiting: dict[Code, deque[Piece]] = {}
    for piece in pieces:
        waiting.setdefault(piece.inked(1), deque()).append(piece)
    ordered: list[Piece] = []
    last = _OWN
    while waiting:
        look = last if last in waiting else next(iter(waiting))
        ordered.append(waiting[look].popleft())
        if not waiting[look]:
            del waiting[look]
        last = ordered[-1].inked(-1)
    return ordered


@lru_cache(4096)
def _switch(last: Code, wanted: Code) -> str:
    """What changes the looks from one to another."""
    if last[0] != wanted[0]:
        codes = ";".join(chain(filter(None, wanted)))
        return "\x1b[0m" + (f"\x1b[{codes}m" if codes else "")
    parts = [wanted[1] or "39"] if last[1] != wanted[1] else []
    parts += [wanted[2] or "49"] if last[2] != wanted[2] else []
    return f"\x1b[{';'.join(parts)}m"


@lru_cache(1024)
def _code(style: Style, depth: ColorSystem) -> Code:
    """A style in the words of SGR."""
    bare = Style.combine([style.without_color])._make_ansi_codes(depth)
    ink = ";".join(style.color.downgrade(depth).get_ansi_codes(foreground=True)) if style.color else ""
    ground = ";".join(style.bgcolor.downgrade(depth).get_ansi_codes(foreground=False)) if style.bgcolor else ""
    return bare, "" if ink == "39" else ink, "" if ground == "49" else ground


@lru_cache(1)
def keeps_ground() -> bool:
    """Whether what this terminal erases keeps the present ground, by so many cells too (terminfo's bce and ech).

    Of one that is not known, no.
    """
    import curses  # noqa: PLC0415 - it would hold up the first frame, which does without

    try:
        curses.setupterm(fd=2)
    except curses.error:
        return False
    return curses.tigetflag("bce") == 1 and curses.tigetstr("ech") == b"\x1b[%p1%dX"
