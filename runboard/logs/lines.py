"""The lines of a log as they are shown, found from any place in either direction without reading far.

A line ends at its newline. A stretch without one is cut at every multiple of `SLICE` in the file that lies at least
`SLICE` behind the line's beginning, so that a line of 10 MB is some 160 lines of 64 KiB: a cut can be told by looking
at the `SLICE` bytes before it, whatever the line's length. A character of several bytes on a cut is lost.
"""

from __future__ import annotations

import os

from runboard.late import pattern
from runboard.logs.hunt import line_end

SLICE = 1 << 16
"""Bytes; no line shown is twice as long."""

_BLOCK = 1 << 16
"""Bytes that are read at once."""

_HELD_MOST = 1 << 20
"""Bytes that are held before `Lines.relieved` forgets them."""

_HALF_CHARACTER = pattern(rb"\A[\x80-\xbf]{1,3}")


class Shrunk(Exception):
    """The log became shorter while it was read."""


class Lines:
    """The lines of an open log, whose size is taken as ``size``; what was read stays while this object lives."""

    def __init__(self, fd: int, size: int) -> None:
        """Read nothing yet."""
        self.size = size
        self.fd = fd
        self._base = 0
        self._data = b""

    def back(self, at: int, count: int, floor: int) -> int:
        """Where the line begins that is ``count`` lines before ``at``, as far as ``floor`` lets it be looked for."""
        while count > 0 and at > 0:
            before = self._before(at, floor)
            if before is None:
                break
            at, count = before, count - 1
        return at

    def skip(self, at: int, count: int, most: int) -> int:
        """Where the line begins that is ``count`` lines after ``at``, as far as ``most`` bytes go."""
        ceiling = at + most
        while count > 0 and at < min(self.size, ceiling):
            at, count = self._after(at)[1], count - 1
        return at

    def take(self, at: int, count: int, most: int) -> tuple[list[tuple[int, bytes]], int]:
        """Up to ``count`` lines from ``at`` on, with their offsets, that end within ``most`` bytes; and where they end.

        The first line is taken even if it is longer.
        """
        taken: list[tuple[int, bytes]] = []
        ceiling = at + most
        while len(taken) < count and at < self.size:
            end, following = self._after(at)
            if following > ceiling and taken:
                break
            taken.append((at, self._data[at - self._base : end - self._base]))
            at = following
        return taken, at

    def far(self, at: int, column: int, most: int) -> bytes:
        """What lies so many bytes behind ``at`` on its line, whatever slices that is cut into; nothing past its end."""
        begin = at + column
        if begin >= self.size or line_end(self.fd, at, begin) < begin:
            return b""
        piece = self._read(begin, min(begin + most, self.size)).partition(b"\n")[0]
        return _HALF_CHARACTER.sub(b"", piece)

    def relieved(self) -> Lines:
        """These lines, or, where a lot of them is held by now, the same with nothing held."""
        return self if len(self._data) <= _HELD_MOST else Lines(self.fd, self.size)

    def _before(self, at: int, floor: int) -> int | None:
        """The beginning of the line that ends at ``at``; None where it would have to be looked for before ``floor``."""
        farthest = at - 2 * SLICE - 1
        low = max(floor, farthest, 0)
        if not self._base < at <= self._base + len(self._data):
            self._hold(max(low, at - _BLOCK), at)
        end = at - 1 if self._data[at - 1 - self._base] == 0x0A else at
        while (newline := self._data.rfind(b"\n", max(low - self._base, 0), end - self._base)) < 0 and self._base > low:
            self._hold(max(low, self._base - _BLOCK), at)
        cut = (end - 1) // SLICE * SLICE
        if newline < 0 and low > 0:
            return cut if low == farthest else None
        first = self._base + newline + 1 if newline >= 0 else 0
        return cut if cut - first >= SLICE else first

    def _after(self, at: int) -> tuple[int, int]:
        """Where the line that begins at ``at`` ends, and where the next one begins."""
        cut = min(-(-(at + SLICE) // SLICE) * SLICE, self.size)
        last = min(cut + 1, self.size)  # a newline right on the cut ends the line there
        if not self._base <= at < self._base + len(self._data):
            self._hold(at, min(at + _BLOCK, self.size))
        searched = at
        while (newline := self._data.find(b"\n", searched - self._base, last - self._base)) < 0:
            searched = self._base + len(self._data)
            if searched >= last:
                return cut, cut
            self._hold(at, min(searched + _BLOCK, self.size))
        return self._base + newline, self._base + newline + 1

    def _hold(self, low: int, high: int) -> None:
        """Have the bytes from ``low`` to ``high`` in memory, and keep those held already that border on them."""
        end = self._base + len(self._data)
        if low > end or high < self._base:
            self._base, self._data, end = low, b"", low
        if high > end:
            self._data += self._read(end, high)
        if low < self._base:
            self._data = self._read(low, self._base) + self._data
            self._base = low

    def _read(self, low: int, high: int) -> bytes:
        """Bytes of the file, all of them."""
        data = os.pread(self.fd, high - low, low)
        if len(data) < high - low:
            raise Shrunk
        return data
