"""What the terminal shows, as far as it was told: so that only cells that differ go out, in as few bytes as say it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate

Code = tuple[str, str, str]
"""Attributes, ink and ground as SGR has them, each empty where it is the terminal's own."""

Cell = tuple[str, Code]
"""A character with what is drawn over it, empty for the right half of a wide one; of a blank the ink is left out."""

_OWN: Code = ("", "", "")
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

    def update(self, y: int, x: int, segments: Iterable[Segment], depth: ColorSystem) -> str:
        """What makes a line show these from ``x`` on; nothing where it does so already."""
        new = cells(segments, depth)
        line = self._cells(y, depth)
        line += [("", _OWN)] * (x + len(new) - len(line))
        old = line[x : x + len(new)]
        line[x : x + len(new)] = new
        return "".join(f"\x1b[{y + 1};{x + first + 1}H{painted(new[first:end])}" for first, end in differing(old, new))

    def _cells(self, y: int, depth: ColorSystem) -> list[Cell]:
        """The cells of a line; one that is not known has none that looks like any other."""
        if y not in self._told:
            self._told.add(y)
            self._lines[y] = cells((one for one in self._lines.get(y, ()) if isinstance(one, Segment)), depth)
        return self._lines[y]  # type: ignore[return-value]


# ChopsUpdate is what Compositor.render_partial_update() makes; its spans and chops say what is to be painted where.
class CroppedUpdate(ChopsUpdate):
    """A partial update that sends only the changed cells; Textual's own begins every line at its widget's left edge."""

    sent: Sent | None = None

    def render_segments(self, console: Console) -> str:
        """The update as it goes to the terminal."""
        parts, sent = list[str](), self.sent or Sent()
        for y, first, end in self.spans:
            for stop, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is not None and x < end and stop > first:
                    part = strip.crop(max(x, first) - x, min(stop, end) - x)
                    parts.append(sent.update(y, max(x, first), part, console._color_system or ColorSystem.TRUECOLOR))
        return "".join(parts)


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


def painted(line: list[Cell]) -> str:
    """Cells as they go to a terminal: of the looks only what differs from the cell before, and none at the end."""
    parts, last = [], _OWN
    for text, code in line:
        ink = last[1] if text == " " and not code[0] and not last[0] else code[1]
        wanted = (code[0], ink, code[2])
        if wanted != last and text:
            parts.append(_switch(last, wanted))
            last = wanted
        parts.append(text)
    return "".join([*parts, "\x1b[0m" if last != _OWN else ""])


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
