"""On which line of a TOML text each key stands; the parser has taken the text, so that nothing is judged here."""

from __future__ import annotations

import re

from runboard.late import pattern

_BLANK = pattern(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = pattern(r"""\s*(?P<part>"(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(?P<dot>\.?)""")
_STRINGS = pattern(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})|'
    r"'''.*?'''(?:'{0,2})|"
    r'"(?:[^"\\]|\\.)*"|'
    r"'[^']*'",
    re.DOTALL,
)
_SCALAR = pattern(r"[^,\]}#\n]*")


def lines(text: str) -> dict[str, int]:
    """The line, from 1, of every key and table, by its dotted path; the first one where a path stands twice."""
    scan = _Scan(text)
    scan.document()
    return scan.found


class _Scan:
    """One walk through a text from its beginning to its end."""

    def __init__(self, text: str) -> None:
        """Begin at the beginning."""
        self.found: dict[str, int] = {}
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0

    def document(self) -> None:
        """Tables and assignments to the end; where nothing is understood any more, what was found stands."""
        table: list[str] = []
        while self._skip() < len(self._text):
            before = self._at
            if self._text.startswith("[", self._at):
                self._at += 1 + self._text.startswith("[[", self._at)
                table = self._key([])
                while self._text.startswith("]", self._at):
                    self._at += 1
            else:
                self._assignment(table)
            if self._at == before:
                return

    def _assignment(self, table: list[str]) -> None:
        """A key, an equals sign, and a value."""
        path = self._key(table)
        self._skip()
        if self._text.startswith("=", self._at):
            self._at += 1
            self._skip()
            self._value(path)

    def _key(self, table: list[str]) -> list[str]:
        """A key with all its dots, below a table; each part of the way gets its line."""
        self._skip()
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        path = list(table)
        while match := _KEY_PART.match(self._text, self._at):
            self._at = match.end()
            path.append(_plain(match["part"]))
            self.found.setdefault(".".join(path), self._line)
            if not match["dot"]:
                break
        return path

    def _value(self, path: list[str]) -> None:
        """A value, passed over; the keys of an inline table are found on the way."""
        opening = self._text[self._at : self._at + 1]
        if opening in {"[", "{"}:
            self._at += 1
            closing = "]" if opening == "[" else "}"
            while self._skip() < len(self._text) and not self._text.startswith(closing, self._at):
                before = self._at
                if self._text.startswith(",", self._at):
                    self._at += 1
                elif opening == "{":
                    self._assignment(path)
                else:
                    self._value(path)
                if self._at == before:
                    return
            self._at += 1
        else:
            match = _STRINGS.match(self._text, self._at) or _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else len(self._text)

    def _skip(self) -> int:
        """Pass over blanks, line ends and comments, and say where that leads."""
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._at


def _plain(part: str) -> str:
    """One part of a key as the parser has it."""
    if part[0] == "'":
        return part[1:-1]
    if part[0] != '"':
        return part
    if "\\" not in part:
        return part[1:-1]
    from tomllib import loads  # noqa: PLC0415 - only keys with escapes pay for it

    return next(iter(loads(f"{part} = 0")))
