"""OpenCode's ``run --format json``: each ``step_finish`` tells its own step, so the whole log makes the usage.

A step that ends with anything but more tools is the last one; an error printed after it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.lines import parsed
from runboard.transcripts.usage import Sums, dollars, tokens
from runboard.transcripts.words import label

_GOING_ON = frozenset({"tool-calls", "unknown"})
_CUT_SHORT = {
    "length": "The answer was cut at the output limit",
    "content-filter": "The answer was stopped by a content filter",
    "error": "The model's answer ended in an error",
}
_PARTS = frozenset({"step_start", "step_finish", "text", "tool_use", "reasoning"})

_MARK = b'"step_finish"'
_USUAL_MARK = b'{"type":"step_finish","timestamp":'
"""How OpenCode itself writes the end of a step: the longer the mark, the faster a gigabyte is searched for it."""

_CHUNK = 1 << 19
_STEP_MOST = 1 << 16
"""Bytes of the longest line that can be the end of a step."""


class OpenCode(Fold):
    """A session of OpenCode; sub-agents' sessions are not in its log."""

    NAMES = ("opencode",)
    KINDS = frozenset({*_PARTS, "error", "done"})
    WHOLE = True
    READS_TEXT = True

    def __init__(self, tool: str | None = None) -> None:
        """A log without steps; they are added up whatever session they are of."""
        self._sums = Sums()
        self._name: str | None = None
        super().__init__(tool)

    @staticmethod
    def shape(event: Event) -> Shape:
        """Every event has a ``sessionID`` and a time in milliseconds, and a part of that session or an error."""
        match event:
            case {"type": str(kind), "timestamp": int(), "sessionID": str(name), "part": dict(part)} if kind in _PARTS:
                if part.get("sessionID") != name:
                    return Shape.WEAK
                return Shape.OPENING if kind == "step_start" else Shape.SURE
            case {"type": "error", "timestamp": int(), "sessionID": str(), "error": dict() | str()} if len(event) == 4:
                return Shape.SURE
            case {"type": str(), "sessionID": str()}:
                return Shape.WEAK
        return Shape.NONE

    def take(self, event: Event) -> bool:
        """Learn from a step, a text or an error."""
        name = event.get("sessionID")
        if not isinstance(name, str):
            return False
        if name != self._name:
            self._name, self.session_id = name, label(name)
            self.reopen()
        kind, part = event.get("type"), as_mapping(event.get("part"))
        if kind == "step_finish":
            self.step(part)
            self._finished(part.get("reason"))
        elif kind == "text":
            self._said(part.get("text"))
        elif kind == "step_start":
            self.reopen()
            self._texts = False
        elif kind == "error":
            self.warn(event.get("error"))
            self.fail(event.get("error"))
        elif kind == "done":
            self._rejected(event.get("rejected"))
        return True

    def read(self, text: str) -> None:
        """A question for permission is told in plain text even among JSON."""
        if "auto-rejecting" in text and "permission requested" in text:
            asked = text.partition("permission requested:")[2].partition(";")[0].strip()
            self.warn(f"Permission denied: {asked}", "denied")

    def spent(self) -> Usage | None:
        """The sum of all steps; None where some were passed over."""
        return None if self.gap else self._sums.usage()

    def forget(self) -> None:
        """No text yet."""
        self._texts = False

    def step(self, part: Event) -> None:
        """Add a step's figures, in which no token is counted twice."""
        told = as_mapping(part.get("tokens"))
        cache = as_mapping(told.get("cache"))
        counts = (
            tokens(told.get("input")),
            tokens(cache.get("read")),
            tokens(cache.get("write")),
            tokens(told.get("output")),
            tokens(told.get("reasoning")),
        )
        cost = dollars(part.get("cost"))
        if cost is not None or counts != (None,) * 5:
            self._sums.add(counts, cost)

    def fill(self, read: Callable[[int, int], bytes], start: int, end: int) -> None:
        """Close a gap: add the steps of this session that ended between two offsets of the log.

        Args:
            read: The bytes of the log at an offset, at most so many.
            start: Offset of the first byte passed over.
            end: Offset of the first byte that was not, the beginning of a line.
        """
        for line in marked_lines(read, start, end):
            event = parsed(line)
            if isinstance(event, dict) and event.get("type") == "step_finish":
                self.step(as_mapping(event.get("part")))
        self.gap = False

    def _said(self, text: object) -> None:
        """A text of the answer; those of one step belong together."""
        if isinstance(text, str):
            if self._texts:
                self.answer.add("\n" + text)
            else:
                self.answer.put(text)
            self._texts = True

    def _finished(self, reason: object) -> None:
        """The end of a step, which is the end of the work unless tools were asked for."""
        if not isinstance(reason, str) or reason in _GOING_ON:
            self.reopen()
        elif reason in _CUT_SHORT:
            self.fail(_CUT_SHORT[reason])
        else:
            self.succeed()

    def _rejected(self, listed: object) -> None:
        """What nobody was there to permit, as newer versions tell it at the end."""
        if isinstance(listed, list) and listed:
            self.warn(f"{len(listed)} requests for permission were rejected", "denied")


def marked_lines(read: Callable[[int, int], bytes], start: int, end: int) -> Iterator[bytes]:
    """The lines between two offsets that hold the mark of a step's end, found without looking at the others."""
    carried, broken, at = b"", False, start
    mark = _mark_of(read(start, min(_CHUNK, end - start)), read(max(start, end - _CHUNK), min(_CHUNK, end - start)))
    while at < end:
        chunk = read(at, min(_CHUNK, end - at))
        if not chunk:
            return
        at += len(chunk)
        data = carried + chunk
        last = data.rfind(b"\n") + 1
        first = data.find(b"\n") + 1 if broken else 0
        yield from _marked(data, mark, first, last)
        broken = len(data) - last > _STEP_MOST or (broken and not last)
        carried = b"" if broken else data[last:]
    if carried:
        yield from _marked(carried + b"\n", mark, 0, len(carried) + 1)


def _mark_of(*samples: bytes) -> bytes:
    """The mark to search for: the usual one where all steps of the samples bear it, as one program wrote the log."""
    steps = sum(sample.count(_MARK) for sample in samples)
    usual = sum(sample.count(_USUAL_MARK) for sample in samples)
    return _USUAL_MARK if 0 < steps == usual else _MARK


def _marked(data: bytes, mark: bytes, first: int, last: int) -> Iterator[bytes]:
    """The marked lines among the whole lines between two offsets of ``data``."""
    at = data.find(mark, first, last)
    while at >= 0:
        begin = max(data.rfind(b"\n", max(at - _STEP_MOST, first), at) + 1, first)
        finish = data.find(b"\n", at, last)
        if finish - begin <= _STEP_MOST:
            yield data[begin:finish]
        at = data.find(mark, finish, last)
