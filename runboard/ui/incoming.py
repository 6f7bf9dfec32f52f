"""What a terminal sends, piece by piece: keys, whole sequences and whole pastes; what no terminal sends is dropped.

Textual's parser presses the letters of a sequence that it does not know as keys, also inside a paste: a line of a log,
pasted into a form, would act on runs, and so would a report that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from time import monotonic

from textual._xterm_parser import XTermParser
from textual.events import Key, Paste
from textual.message import Message

from runboard.late import pattern
from runboard.safetext import clean_copy

PASTE_MOST = 1 << 18
"""Characters of a paste that are taken."""

PASTE_SECONDS = 5.0
"""A paste of which nothing comes for so long has ended, whatever the terminal says."""

_HELD_MOST = 1 << 16
"""Characters of a sequence without an end that are kept."""

_KEY_MOST = 256
"""Characters of the longest sequence that is looked at; a key with its text takes forty."""

_BEGIN, _END = "\x1b[200~", "\x1b[201~"
_WHOLE = pattern(
    r"\x1b\[M[^\x1b]{3}"  # a mouse without numbers, which nobody asked for
    r"|\x1b\[\[[A-E]"  # F1 to F5 of the Linux console
    r"|\x1b?\x1b\[(?![M\[])(?:[0-?]*[ -/]*[@-~]|[0-9]+\$|<?[-0-9;]+[mM])"
    r"|\x1b?\x1bO[0-?]*[ -~]"
    r"|\x1b[]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[^]P_^XO\x1b\[]"
)
_BEGUN = pattern(r"\x1b\[M[^\x1b]{0,2}|\x1b?\x1b\[\[?[-0-?]*[ -/]*|\x1b[]P_^X][^\x07\x1b]*\x1b?|\x1b?\x1bO?[0-?]*")
_SPOILT = pattern(r"\x1b\[M[^\x1b]{0,2}|\x1b[]P_^X][^\x07\x1b]*|\x1b\[\[?[-0-?]*[ -/]*|\x1b")


class Incoming:
    """Makes messages of what comes in; a sequence may come in parts."""

    def __init__(self, *, debug: bool = False) -> None:
        """Begin with nothing."""
        self._debug = debug
        self._parser = XTermParser(debug)
        self._held = ""
        self._paste: list[str] | None = None
        self._last = 0.0

    def take(self, text: str) -> Iterator[Message]:
        """What has come, as far as it is whole."""
        self._last = monotonic()
        rest, self._held = self._held + text, ""
        while rest:
            if self._paste is not None:
                rest = yield from self._pasted(rest)
                continue
            keys, escape, rest = rest.partition("\x1b")
            yield from self._understood(keys)
            rest = escape + rest
            if rest.startswith(_BEGIN):
                self._paste, rest = [], rest[len(_BEGIN) :]
            elif whole := _WHOLE.match(rest):
                yield from self._understood(whole[0])
                rest = rest[whole.end() :]
            elif escape:
                if _BEGUN.fullmatch(rest):
                    self._held = rest if len(rest) < _HELD_MOST else rest[:3]
                    return
                spoilt = _SPOILT.match(rest)
                assert spoilt is not None
                rest = rest[spoilt.end() :]

    @property
    def waiting(self) -> bool:
        """Whether something has come in part: if nothing comes for a moment, `late` tells what it was."""
        return self._paste is not None or bool(self._held) or self._parser._timeout_time is not None

    def late(self) -> Iterator[Message]:
        """Nothing has come for a moment: what was held is a key by itself, or the beginning of nothing."""
        if self._paste is not None:
            if monotonic() - self._last > PASTE_SECONDS:
                yield self._closed()
            return
        held, self._held = self._held, ""
        if held == "\x1b":
            yield Key("escape", "\x1b")
        elif len(held) == 2:  # Alt with a letter that begins sequences
            yield from self._understood(held)
        yield from self._parser.tick()

    def _pasted(self, text: str) -> Generator[Message, None, str]:
        """Keep what belongs to a paste; its end gives what was kept, and the text behind it."""
        assert self._paste is not None
        inside, end, rest = text.partition(_END)
        if not end:  # it may have come in part
            cut = next((size for size in range(len(_END) - 1, 0, -1) if text.endswith(_END[:size])), 0)
            inside, self._held = text[: len(text) - cut], text[len(text) - cut :]
        if sum(map(len, self._paste)) < PASTE_MOST:
            self._paste.append(inside[:PASTE_MOST])
        if end:
            yield self._closed()
        return rest

    def _closed(self) -> Paste:
        """The paste that has come to its end."""
        text, self._paste = "".join(self._paste or ()), None
        return Paste(clean_copy(text[:PASTE_MOST]))

    def _understood(self, piece: str) -> Iterator[Message]:
        """What Textual makes of keys or of one sequence; of one that it does not know, nothing."""
        found: list[Message] = []
        if piece.startswith("\x1b") and len(piece) > _KEY_MOST:
            return
        try:
            found += self._parser.feed(piece) if piece else ()
            if not found and len(piece) == 2 and piece[0] == "\x1b":
                self._parser._timeout_time = 0.0  # Alt with a key: the parser would wait for more
                found += self._parser.tick()
        except (ValueError, ArithmeticError, LookupError):  # absurd numbers
            found = []
        if piece.startswith("\x1b") and len(piece) > 2 and (not found or _spelt(found[0])):
            self._renew()
            return
        yield from found

    def _renew(self) -> None:
        """A parser that waits for nothing; where the mouse was is known on."""
        before, self._parser = self._parser, XTermParser(self._debug)
        self._parser.last_x, self._parser.last_y = before.last_x, before.last_y


def _spelt(message: Message) -> bool:
    """Whether this is how Textual begins to press the letters of a sequence."""
    return isinstance(message, Key) and message.key == "circumflex_accent"
