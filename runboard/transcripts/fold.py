"""What every format's fold is: events go in, in order; at any time it tells the transcript they make so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import Any, ClassVar

from runboard.model import AgentVerdict, Transcript, Usage
from runboard.transcripts.usage import plus
from runboard.transcripts.words import Answer, label, sentence

Event = dict[str, Any]
"""One JSON object of a log."""

_NOTES_MOST = 20


class Shape(IntEnum):
    """How much an event looks like one of a format's own; what is not even ``WEAK`` could be anybody's."""

    NONE = 0
    WEAK = 1  # only together with the recorded command
    SURE = 2  # several fields agree that no other program writes together
    OPENING = 3  # a session begins


class Fold(ABC):
    """A session of one agent as its events tell it; a later event takes back what an earlier one said."""

    NAMES: ClassVar[tuple[str, ...]]
    """The tools that write this format; the first, if nothing tells which."""

    KINDS: ClassVar[frozenset[str]]
    """Values of ``type``, up to its first dot, by which the format can be recognised; "" is an object without one."""

    SKIPPED: ClassVar[tuple[bytes, ...]] = ()
    """Beginnings of lines that need not be parsed, ..."""

    UNSKIPPED: ClassVar[bytes] = b""
    """... unless this is found in them."""

    WHOLE: ClassVar[bool] = False
    """Whether usage is a sum over the whole log, which its end alone does not tell."""

    READS_TEXT: ClassVar[bool] = False
    """Whether lines that are no JSON mean something, ..."""

    ALL_TEXT: ClassVar[bool] = False
    """... or nothing else does, and whatever looks like JSON is text too."""

    def __init__(self, tool: str | None = None) -> None:
        """A session of which nothing is known yet, except perhaps by which tool it is meant to be."""
        self.tool = tool if tool in self.NAMES else self.NAMES[0]
        self.verdict = AgentVerdict.NONE
        self.message: str | None = None
        self.model: str | None = None
        self.session_id: str | None = None
        self.answer = Answer()
        self.used: Usage | None = None
        self.gap = False
        self.asked = True
        self._trouble: str | None = None
        self._notes: dict[str, str] = {}
        self._earlier: Usage | None = None
        self.forget()

    @staticmethod
    @abstractmethod
    def shape(event: Event) -> Shape:
        """How much an event looks like this format's."""

    @staticmethod
    def text_shape(line: str) -> Shape:  # noqa: ARG004 - most formats are all JSON
        """How much a line of text looks like this format's."""
        return Shape.NONE

    @abstractmethod
    def take(self, event: Event) -> bool:
        """Learn from an event; False for one that is not this format's."""

    def spent(self) -> Usage | None:
        """What the present session used so far; unless it is a sum, what was told last."""
        return self.used

    def forget(self) -> None:
        """Drop what belongs to the present session only, because another one begins."""
        self.used = None

    def read(self, text: str) -> None:  # noqa: B027 - most formats have nothing to learn from text
        """Learn from whole lines of text, their escape sequences removed."""

    @property
    def settled(self) -> bool:
        """Whether a final event was seen, and the whole answer before it."""
        return self.verdict is not AgentVerdict.NONE

    def skip(self) -> None:
        """Take note that events were passed over: sums can no longer be told."""
        self.gap = True

    def begin(self, session_id: object, model: object = None) -> None:
        """Open a session; one that goes on under its old id has cumulative figures, another one adds to them."""
        name = label(session_id)
        if name and self.session_id and name != self.session_id:
            self._earlier = plus(self._earlier, self.spent())
            self.forget()
        self.session_id = name or self.session_id
        self.model = label(model) or self.model
        self.reopen()

    def reopen(self) -> None:
        """Take the verdict back: work goes on after it."""
        self.verdict, self.message, self._trouble = AgentVerdict.NONE, None, None

    def succeed(self) -> None:
        """A final event said that all went well."""
        self.verdict, self.message, self._trouble = AgentVerdict.SUCCESS, None, None

    def fail(self, *told: object) -> None:
        """A final event told an error; the first of ``told`` that holds words is its message, else the last trouble."""
        words = (sentence(one) for one in told)
        self.message = next((text for text in words if text), None) or self._trouble
        self.verdict = AgentVerdict.ERROR

    def trouble(self, told: object) -> None:
        """An error was told that is not final; if nothing follows it, it was."""
        self._trouble = sentence(told) or self._trouble

    def go_on(self) -> None:
        """Something was done after the last trouble."""
        self._trouble = None

    def warn(self, told: object, topic: str | None = None) -> None:
        """Keep a warning; of one topic the last is kept, and none once there is nothing to tell."""
        text = sentence(told)
        key = topic or text or ""
        if text is None:
            self._notes.pop(key, None)
        elif key in self._notes or len(self._notes) < _NOTES_MOST:
            self._notes[key] = text

    def tell(self, *, ended: bool) -> Transcript | None:
        """The transcript so far; in one that has ended, a trouble that nothing followed is the error it ended in."""
        verdict, message = self.verdict, self.message
        if ended and verdict is AgentVerdict.NONE and self._trouble:
            verdict, message = AgentVerdict.ERROR, self._trouble
        return Transcript(
            tool=self.tool,
            verdict=verdict,
            message=message,
            response=self.answer.text(),
            usage=plus(self._earlier, self.spent()),
            model=self.model,
            session_id=self.session_id,
            warnings=tuple(note for note in self._notes.values() if note != message),
        )
