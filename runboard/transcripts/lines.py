r"""Bytes into lines, and lines into the JSON objects they hold: cut anywhere, over many lines, with noise around them.

A line ends at ``\n`` or ``\r``: neither can stand inside a JSON string, and what follows ``\r`` begins at column 0.
"""

from __future__ import annotations

import re

from orjson import JSONDecodeError, loads

from runboard.late import pattern

LINE_MOST = 32 << 20
"""Bytes of the longest line, or pretty-printed object, that is read; a longer one is no event."""

_HEAD = 4096
_LONG = 1 << 16
_FOREIGN_MOST = 50
"""Lines of others that may stand between those of one pretty-printed object."""

_LABEL = b"[ERROR] {"
_ESCAPE = pattern(rb"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b]*+(?:\x07|\x1b\\)|[ -/]*+[0-Z\\^-~])")
_SESSION = pattern(rb'\s+"session_id": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",\s*')
_TYPED_EOF = pattern(rb"\A(?:\^D\x08\x08)+")  # what BSD script(1) leaves before the first output
_PAIR_OR_HALF = pattern(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


class Lines:
    """Whole lines out of pieces of any size; of a line without an end no more than `LINE_MOST` bytes are held."""

    def __init__(self) -> None:
        """Begin at the start of a line."""
        self._pieces: list[bytes] = []
        self._held = 0
        self._dropping = False
        self._return = b""

    def cut(self, data: bytes) -> list[bytes]:
        """The lines that end in ``data``, without their ends; NULs, which no text has, are taken out."""
        if b"\0" in data:
            data = data.replace(b"\0", b"")
        if self._return or b"\r" in data:
            data = self._unreturned(data)
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and (self._pieces or self._dropping):
            lines[0] = b"" if self._dropping else b"".join((*self._pieces, lines[0]))
        if len(data) + self._held > LINE_MOST:
            lines = [line if len(line) <= LINE_MOST else b"" for line in lines]
        if lines:
            self._pieces, self._held, self._dropping = [], 0, False
        if rest and not self._dropping:
            self._hold(rest)
        return lines

    def _unreturned(self, data: bytes) -> bytes:
        r"""``\r\n`` and ``\r`` as ``\n``; a ``\r`` at the very end waits for what follows it."""
        data = self._return + data
        self._return = data[-1:] if data.endswith(b"\r") else b""
        data = data.removesuffix(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def skip(self) -> None:
        """Pass over the rest of a line whose beginning is not known."""
        self._pieces, self._held, self._dropping = [], 0, True

    @property
    def rest(self) -> bytes:
        """The line that has not ended yet, as far as it is known."""
        return b"".join(self._pieces)

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of an unfinished line, as long as it may become an event."""
        self._pieces.append(piece)
        before, self._held = self._held, self._held + len(piece)
        if self._held > LINE_MOST or (before <= _LONG < self._held and not worthwhile(self.rest)):
            self.skip()


class Block:
    """A pretty-printed object being put together from lines: only its first and its last stand at column 0."""

    def __init__(self) -> None:
        """No object begun."""
        self._lines: list[bytes] = []
        self._size = 0
        self._foreign = 0

    @property
    def begun_by(self) -> str | None:
        """The tool whose object was begun and has not ended, if its first line shows which."""
        return "gemini" if len(self._lines) > 1 and _SESSION.fullmatch(self._lines[1]) else None

    def take(self, line: bytes) -> bytes | None:
        """Look at a line that is no event by itself; the whole object where it ends one."""
        if line.startswith((b" ", b"\t")):
            self._add(line)
            return None
        bare = line.rstrip()
        if bare == b"}":
            whole = b"\n".join((*self._lines, bare)) if self._lines else None
            self.drop()
            return whole
        if bare in {b"{", _LABEL}:
            self._lines, self._size, self._foreign = [b"{"], 1, 0
        elif bare and self._lines:
            self._foreign += 1
            if self._foreign > _FOREIGN_MOST:
                self.drop()
        return None

    def drop(self) -> None:
        """Give up the object that was begun."""
        self._lines, self._size, self._foreign = [], 0, 0

    def _add(self, line: bytes) -> None:
        """Keep a line of an object that was begun."""
        if self._lines:
            self._lines.append(line)
            self._size += len(line) + 1
            if self._size > LINE_MOST:
                self.drop()


def worthwhile(line: bytes) -> bool:
    """Whether a line, or its beginning, can be JSON of an agent; decided by its first bytes, however it was cut."""
    return len(line) <= LINE_MOST and bared(line[:_HEAD]).startswith((b"{", b"[", b" ", b"\t"))


def bared(line: bytes) -> bytes:
    """A line without escape sequences, byte order mark and the end-of-file mark of script(1)."""
    if b"\x1b" in line:
        line = _ESCAPE.sub(b"", line)
    return _TYPED_EOF.sub(b"", line).removeprefix(b"\xef\xbb\xbf")


def parsed(line: bytes) -> object:
    """The JSON of a line, or None; broken UTF-8 and halves of surrogate pairs are mended."""
    try:
        return loads(line)
    except JSONDecodeError:
        pass
    text = bared(line).strip().removeprefix(_LABEL[:-1])
    if not text.endswith((b"}", b"]")):
        return None
    text = text.decode("utf-8", "replace").encode("utf-8")
    if b"\\ud" in text or b"\\uD" in text:
        text = _PAIR_OR_HALF.sub(_mended, text)
    try:
        return loads(text)
    except JSONDecodeError:
        return None


def _mended(match: re.Match[bytes]) -> bytes:
    """An escape as it is, but half of a surrogate pair as U+FFFD."""
    return b"\\ufffd" if match[1] else match[0]
