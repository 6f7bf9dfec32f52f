"""What the terminal shows, as far as it was told: so that only cells that differ go out, in as few bytes as say it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

Code = tuple[str, str, str]
"""Attributes, ink and ground as SGR has them, each empty where it is the terminal's own."""

Cell = tuple[str, Code]
"""A character with what is drawn over it, empty for the right half of a wide one; of a blank the ink is left out."""

_OWN: Code = ("", "", "")
_ERASED = "\x1b[K"
_GAP = 8
"""So many cells that are the same cost less than another move of the cursor."""


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
        old = line[x : x + len(new)]
        line[x : x + len(new)] = new
        for first, end in differing(old, new):
            pen.write(y, x + first, line[x + first :], end - first)

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
        self._parts: list[str] = []
        self._last = _OWN

    def write(self, y: int, x: int, line: list[Cell], size: int) -> None:
        """Write the first ``size`` cells of what a line has from ``x`` on; long blanks are erased and passed over."""
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
        """All that was written; afterwards the terminal has its own looks again."""
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
        if pieces and at - pieces[-1][1] < _GAP:
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
