"""OpenCode's ``run --format json``: each ``step_finish`` tells its own step, so the whole log makes the usage.

A step that ends with anything but more tools is the last one; an error printed after it stands.
"""

from __future__ import annotations

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.steps import Steps, add_step
from runboard.transcripts.usage import Sums
from runboard.transcripts.words import label

_GOING_ON = frozenset({"tool-calls", "unknown"})
_CUT_SHORT = {
    "length": "The answer was cut at the output limit",
    "content-filter": "The answer was stopped by a content filter",
    "error": "The model's answer ended in an error",
}
_PARTS = frozenset({"step_start", "step_finish", "text", "tool_use", "reasoning"})


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
            add_step(self._sums, part)
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

    def fill(self, steps: Steps) -> None:
        """Close a gap with the steps that were counted in it, of whatever session."""
        self._sums.merge(steps.sums)
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
