"""Gemini CLI's stream-json: one ``result`` at the end, or none at all where it was interrupted, with exit code 0."""

from __future__ import annotations

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import fresh, tokens, usage_of
from runboard.transcripts.words import label


class Gemini(Fold):
    """A session of Gemini CLI, event by event."""

    NAMES = ("gemini",)
    KINDS = frozenset({"init", "message", "tool_use", "tool_result", "error", "result"})

    @staticmethod
    def shape(event: Event) -> Shape:
        """Every event has a time as text; the rest by the fields that go together."""
        match event:
            case {"type": "init", "timestamp": str(), "session_id": str(), "model": str()}:
                return Shape.OPENING
            case {"type": "tool_use", "timestamp": str(), "tool_name": str(), "tool_id": str()} | {
                "type": "tool_result",
                "timestamp": str(),
                "status": str(),
                "tool_id": str(),
            }:
                return Shape.SURE
            case {"type": "result", "timestamp": str(), "status": "success" | "error", **rest}:
                return Shape.SURE if "total_tokens" in as_mapping(rest.get("stats")) else Shape.WEAK
            case {"type": "message", "timestamp": str(), "role": str(), "content": str()} | {
                "type": "error",
                "timestamp": str(),
                "severity": str(),
                "message": str(),
            }:
                return Shape.WEAK
        return Shape.NONE

    def take(self, event: Event) -> bool:
        """Learn from a piece of the answer, a tool, an error or the result."""
        kind = event.get("type")
        if kind == "message":
            self._said(event)
        elif kind in {"tool_use", "tool_result"}:
            self._answering = self._headless = False
            self.go_on()
        elif kind == "result" and isinstance(event.get("status"), str):
            self._ended(event)
        elif kind == "error" and "severity" in event:
            self._erred(event)
        elif kind == "init" and isinstance(event.get("session_id"), str):
            self.begin(event["session_id"], event.get("model"))
            self._answering = self._headless = False
        else:
            return False
        return True

    @property
    def settled(self) -> bool:
        """Whether the result was seen, and the answer from its first piece."""
        return super().settled and not self._headless

    def skip(self) -> None:
        """An answer that is being given now may have begun in what was passed over."""
        super().skip()
        self._answering, self._headless = False, True

    def forget(self) -> None:
        """No result, and no answer begun."""
        super().forget()
        self._answering = self._headless = False

    def _said(self, event: Event) -> None:
        """A piece of the answer goes to those before it, unless something else came between."""
        text = event.get("content")
        if event.get("role") == "assistant" and isinstance(text, str):
            (self.answer.add if self._answering else self.answer.put)(text)
            self._answering = True
        else:
            self._answering = self._headless = False
        self.go_on()

    def _erred(self, event: Event) -> None:
        """A warning, or an error that may be the last word."""
        if event.get("severity") == "error":
            self.trouble(event.get("message"))
        else:
            self.warn(event.get("message"))

    def _ended(self, event: Event) -> None:
        """The result; an error without a message is the one told before it."""
        stats = as_mapping(event.get("stats"))
        self.used = _total(stats) or self.used
        if event["status"] == "success":
            self.succeed()
        else:
            self.fail(event.get("error"))
        self.model = self.model or label(next(iter(as_mapping(stats.get("models"))), None))


def _total(stats: Event) -> Usage | None:
    """A result's figures: input includes what the cache gave; what is neither input nor output was thinking."""
    given, output, total = (tokens(stats.get(f"{key}_tokens")) for key in ("input", "output", "total"))
    read = tokens(stats.get("cached"))
    thought = fresh(total, given, output) if given is not None and output is not None else None
    return usage_of(fresh_input=fresh(given, read), cache_read=read, output=output, reasoning=thought)
