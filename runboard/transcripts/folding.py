"""A log folded into a transcript piece by piece: feed its bytes in order, ask at any time."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from orjson import JSONDecodeError, loads

from runboard.model import AgentVerdict, Transcript, Usage
from runboard.transcripts.aider import Aider
from runboard.transcripts.claude import Claude
from runboard.transcripts.codex import Codex
from runboard.transcripts.copilot import Copilot
from runboard.transcripts.cursor import Cursor
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.gemini import Gemini
from runboard.transcripts.gemini_json import GeminiJson
from runboard.transcripts.goose import Goose
from runboard.transcripts.hint import hint
from runboard.transcripts.lines import Block, Lines, bared, parsed, worthwhile
from runboard.transcripts.opencode import OpenCode
from runboard.transcripts.usage import plus

FORMATS: tuple[type[Fold], ...] = (Codex, OpenCode, Gemini, Claude, Copilot, Cursor, Goose, GeminiJson, Aider)
"""Every format, in the order in which they are tried."""

_BY_KIND: dict[str, tuple[type[Fold], ...]] = {
    kind: tuple(one for one in FORMATS if kind in one.KINDS) for one in FORMATS for kind in one.KINDS
}
_FENCED_MOST = 100
"""Lines that a Markdown fence hides from recognition at most; some are never closed."""

_BROKEN_OFF = {
    b'{"type":"thread.started","thread_id":': "codex",
    b'{"type":"step_start","timestamp":': "opencode",
    b'{"type":"init","timestamp":': "gemini",
    b'{"type":"system","subtype":"init",': "claude",
    b'{"type":"result","subtype":"': "claude",
    b'{"type":"assistant.': "copilot",
}
"""How a log begins that was cut before its first event was whole."""

_TEXT_MOST = 1 << 16
_STARTS = (b"{", b"[{", b"[ERROR] {")


class Folding:
    """A log being read; it is nobody's until an event, or a line, shows which agent wrote it."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        """Begin at the start of a log; ``command`` is what was run, as far as it is known."""
        self._hint = hint(command)
        self._lines = Lines()
        self._block = Block()
        self._fold: Fold | None = None
        self._before: Usage | None = None
        self._skipped: tuple[bytes, ...] = ()
        self._all_text = False
        self._broken: str | None = None
        self._gap = False
        self._texts = 0
        self._fenced = 0
        self.whole_lines = 0

    def feed(self, data: bytes) -> None:
        """Read on; the pieces may be cut anywhere."""
        lines = self._lines.cut(data)
        self.whole_lines += len(lines)
        for at, line in enumerate(lines):
            if self._all_text:
                self._prose(lines[at:])
                break
            if line.startswith(b'{"'):
                if not (self._skipped and line.startswith(self._skipped)) or self._wanted(line):
                    self._object(line)
            elif line:
                self._other(line)

    def skip(self) -> None:
        """Pass over a part of the log: what is fed next begins anywhere, and its line is left out."""
        self._lines.skip()
        self._block.drop()
        self._gap = True
        if self._fold is not None:
            self._fold.skip()

    def transcript(self, *, ended: bool) -> Transcript | None:
        """What the log says so far; None where it is no known agent's.

        ``ended`` says that no more will come: a line without an end is one then, and an error that nothing
        followed was the last word. The response is what was said last; it is the answer if the verdict is success.
        """
        if ended and self._lines.rest:
            whole = deepcopy(self)
            whole.feed(b"\n")
            return whole.transcript(ended=True)
        told = self._fold.tell(ended=ended) if self._fold is not None else self._cut_short() if ended else None
        if told is None:
            return None
        return told._replace(usage=plus(self._before, told.usage), model=told.model or self._hint.model)

    @property
    def recognised(self) -> bool:
        """Whether the log is known to be an agent's."""
        return self._fold is not None

    @property
    def settled(self) -> bool:
        """Whether the verdict and the answer are known, if nothing more comes."""
        return self._fold is not None and self._fold.settled

    @property
    def fold(self) -> Fold | None:
        """The session being folded, once it is known whose it is."""
        return self._fold

    @property
    def wants_all(self) -> bool:
        """Whether the usage is a sum over the whole log, so that its head and tail are not enough."""
        if self._fold is not None:
            return self._fold.WHOLE
        return any(one.WHOLE and not self._hint.tools.isdisjoint(one.NAMES) for one in FORMATS)

    def _cut_short(self) -> Transcript | None:
        """What is known of a log that ends before its first whole event: that a result is missing."""
        tool = self._hint.program if self._hint.events else self._broken or self._block.begun_by
        believed = tool is not None and self._hint.believes((tool,), Shape.OPENING, alone=True)
        return Transcript(tool, AgentVerdict.NONE) if tool is not None and believed else None

    def _wanted(self, line: bytes) -> bool:
        """Whether a line of a kind that need not be read tells something all the same."""
        mark = self._fold.UNSKIPPED if self._fold is not None else b""
        return bool(mark) and mark in line

    def _object(self, line: bytes) -> None:
        """A line that begins like an object."""
        try:
            event = loads(line)
        except JSONDecodeError:
            event = parsed(line) if worthwhile(line) else None
        if isinstance(event, dict):
            self._event(event)
        else:
            self._part(line)

    def _other(self, line: bytes) -> None:
        """A line with something before its JSON, a list of events, or none of these."""
        if len(line) > _TEXT_MOST and not worthwhile(line):
            return
        line = bared(line)
        found = parsed(line) if line.startswith(_STARTS) else None
        if isinstance(found, dict):
            self._event(found)
        elif isinstance(found, list):
            for event in found:
                if isinstance(event, dict):
                    self._event(event)
        else:
            self._part(line)

    def _part(self, line: bytes) -> None:
        """A line that is nothing by itself: part of a pretty-printed object, or text."""
        whole = self._block.take(line)
        if whole is not None:
            event = parsed(whole)
            if isinstance(event, dict):
                self._event(event)
        elif len(line) <= _TEXT_MOST:
            self._text(line)
        cut = line.startswith(b'{"type":"') and not line.rstrip().endswith((b"}", b"},"))
        if cut and self._fold is None and not self._fenced:
            self._broken = next((tool for start, tool in _BROKEN_OFF.items() if line.startswith(start)), self._broken)

    def _event(self, event: Event) -> None:
        """Give an event to the session it belongs to, or see whether it shows whose the log is."""
        fold, kind = self._fold, event.get("type", "")
        if not isinstance(kind, str) or (fold is not None and fold.take(event)) or self._fenced:
            return
        for candidate in _BY_KIND.get(kind.partition(".")[0], ()):
            shape = candidate.shape(event)
            if fold is not None and (shape is not Shape.OPENING or isinstance(fold, candidate)):
                continue
            if shape and self._hint.believes(candidate.NAMES, shape, alone=not self._texts):
                self._recognise(candidate).take(event)
                return

    def _recognise(self, kind: type[Fold]) -> Fold:
        """Begin to fold a session of this format, after one of another that may have come before."""
        if self._fold is not None:
            self._before = plus(self._before, self._fold.spent())
        named = self._hint.tools.intersection(kind.NAMES)
        fold = kind(min(named) if len(named) == 1 else None)
        fold.asked = self._hint.asks
        if self._gap:
            fold.skip()
        self._fold, self._skipped, self._all_text = fold, kind.SKIPPED, kind.ALL_TEXT
        return fold

    def _text(self, line: bytes) -> None:
        """A line that is no JSON: a fence, an agent's own words, or somebody's noise."""
        fold = self._fold
        if fold is not None and not fold.READS_TEXT:
            return
        self._fence(line)
        text = line.decode("utf-8", "replace").rstrip()
        if fold is None and text:
            self._texts += 1
            shape = Aider.text_shape(text)
            if self._fenced or not shape or not self._hint.believes(Aider.NAMES, shape, alone=True):
                return
            fold = self._recognise(Aider)
        if fold is not None:
            fold.read(text)

    def _prose(self, lines: list[bytes]) -> None:
        """Lines of a log that has no JSON."""
        if self._fold is not None:
            kept = [line for line in lines if len(line) <= _TEXT_MOST or worthwhile(line)]
            self._fold.read(bared(b"\n".join(kept)).decode("utf-8", "replace"))

    def _fence(self, line: bytes) -> None:
        """Between two fences of Markdown stands an example; a fence that nobody closes is given up."""
        if line.startswith(b"```"):
            self._fenced = 0 if self._fenced else _FENCED_MOST
        elif self._fenced:
            self._fenced -= 1
