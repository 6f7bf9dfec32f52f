"""What agents say, in words for a person: their last answer as it was said, their errors as one clean sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from orjson import JSONDecodeError, loads

from runboard.late import pattern
from runboard.lenient import as_number, as_text
from runboard.safetext import clean

ANSWER_MOST = 1 << 20
"""Characters of an answer that are kept, from its end."""

SENTENCE_MOST = 500

_LABEL_MOST = 100
_NESTED_MOST = 1 << 16
_DEPTH_MOST = 4
_WRAPPED = pattern(r"(?:\[?(?:[\w ]{1,40}): ?)?(\{.*\})\]?", re.DOTALL)
_RESETS_AT = pattern(r"\|(\d{10})$")
_ESCAPE = pattern(
    r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]?|[]PX^_](?:[^\x07\x1b\n]*+(?:\x07|\x1b\\))?|[ -/]*+[0-~]?)|\x9b[0-?]*+[ -/]*+[@-~]?"
)
_CONTROL = pattern(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HALF = pattern("[\ud800-\udfff]")


class Answer:
    """The text an agent said last, put together from pieces; of a longer one its last mebichars are kept."""

    def __init__(self) -> None:
        """Nothing said yet."""
        self._pieces: list[str] = []
        self._size = 0

    def put(self, text: str) -> None:
        """Let a text take the place of all before it."""
        self._pieces, self._size = [], 0
        self.add(text)

    def add(self, text: str) -> None:
        """Add a piece to the end."""
        self._pieces.append(text)
        self._size += len(text)
        if self._size > 2 * ANSWER_MOST or len(self._pieces) > 10_000:
            self._pieces = ["".join(self._pieces)[-ANSWER_MOST:]]
            self._size = len(self._pieces[0])

    def text(self) -> str | None:
        """The answer as it was said, without control characters; None where there is none.

        It is text for a file: whoever shows it on a screen still cleans it.
        """
        return plain("".join(self._pieces)[-ANSWER_MOST:]).strip() or None


def plain(text: str) -> str:
    """A text that can be written to a file and read there: no escape sequences, no controls, no half characters."""
    text = text.replace("\r\n", "\n")
    text = _CONTROL.sub("", _ESCAPE.sub("", text))
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def sentence(value: object) -> str | None:
    """An error told as text, as an object, or as JSON inside a text: its innermost message, clean and on one line."""
    text = _message(value, _DEPTH_MOST)
    if text is None:
        return None
    text = _RESETS_AT.sub(lambda match: f", resets {moment(int(match[1]))}", text)
    text = " ".join(clean(text[: 4 * SENTENCE_MOST]).split())
    return (text if len(text) <= SENTENCE_MOST else text[: SENTENCE_MOST - 1] + "…") or None


def label(value: object) -> str | None:
    """A name, of a model, a session or a tool: clean, and no longer than a name is."""
    return as_text(value[:_LABEL_MOST]) if isinstance(value, str) else None


def moment(epoch: object) -> str | None:
    """A time in epoch seconds as a person reads it, in UTC; None for what is no time."""
    seconds = as_number(epoch)
    if seconds is None or not 0 < seconds < 1e11:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _message(value: object, depth: int) -> str | None:
    """The innermost message of an error; at most ``depth`` wrappings are taken off."""
    if isinstance(value, dict) and depth:
        told = (_message(value.get(key), depth - 1) for key in ("message", "data", "error", "name", "type"))
        return next((text for text in told if text), None)
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    match = _WRAPPED.fullmatch(text) if depth and "{" in text and len(text) <= _NESTED_MOST else None
    if match:
        try:
            return _message(loads(match[1]), depth - 1) or text
        except JSONDecodeError:
            return text
    return text
