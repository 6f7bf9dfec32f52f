"""Copilot CLI's json: dotted events with ``data``, then a ``result`` with the exit code, unless it could not start."""

from __future__ import annotations

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import fresh, plus, tokens, usage_of
from runboard.transcripts.words import label

_ENVELOPE = frozenset({"type", "data", "id", "timestamp", "parentId", "ephemeral", "agentId"})
_OWN = ("assistant.", "tool.execution_", "session.mcp_", "session.tools_", "session.skills_", "session.custom_agents_")


class Copilot(Fold):
    """A session of GitHub Copilot's command line."""

    NAMES = ("copilot",)
    KINDS = frozenset({"session", "assistant", "tool", "result"})
    SKIPPED = (b'{"type":"assistant.message_delta"', b'{"type":"assistant.reasoning_delta"')

    @staticmethod
    def shape(event: Event) -> Shape:
        """Dotted types that only this program has, in its envelope; a result by exit code, session and requests."""
        kind = event.get("type")
        if kind == "result":
            if isinstance(event.get("exitCode"), bool) or not isinstance(event.get("exitCode"), int):
                return Shape.NONE
            own = isinstance(event.get("sessionId"), str) or "premiumRequests" in as_mapping(event.get("usage"))
            return Shape.SURE if own else Shape.WEAK
        if not isinstance(kind, str) or not isinstance(event.get("data"), dict) or not event.keys() <= _ENVELOPE:
            return Shape.NONE
        if kind.startswith(_OWN):
            return Shape.SURE
        if kind == "session.error":
            return Shape.SURE if {"errorType", "message"} <= event["data"].keys() else Shape.WEAK
        return Shape.OPENING if kind == "session.start" and "copilotVersion" in event["data"] else Shape.WEAK

    def take(self, event: Event) -> bool:
        """Learn from a message, an error or the result."""
        kind = event.get("type")
        if kind == "result":
            return self._ended(event)
        if not isinstance(kind, str) or "." not in kind:
            return False
        data = as_mapping(event.get("data"))
        match kind:
            case "assistant.message":
                self._said(data)
            case "session.error":
                self.warn(data)
                self.trouble(data)
            case "session.warning":
                self.warn(data.get("message"))
            case "session.start":
                self.begin(data.get("sessionId"), data.get("selectedModel"))
            case "session.shutdown":
                self.used = _total(as_mapping(data.get("modelMetrics"))) or self.used
            case "assistant.turn_start" | "user.message":
                self.reopen()
        self.model = self.model or label(data.get("model"))
        return True

    def spent(self) -> Usage | None:
        """The figures that the session told at its end, if it did; else how much the messages were."""
        return self.used or (usage_of(output=self._written) if self._written and not self.gap else None)

    def forget(self) -> None:
        """Nothing written."""
        super().forget()
        self._written = 0

    def _said(self, data: Event) -> None:
        """A message; one that only asks for tools has no text."""
        text = data.get("content")
        if isinstance(text, str) and text and data.get("parentToolCallId") is None:
            self.answer.put(text)
        self._written += tokens(data.get("outputTokens")) or 0
        self.go_on()

    def _ended(self, event: Event) -> bool:
        """The result, which is an error by its exit code alone; the last error of the session says why."""
        code = event.get("exitCode")
        if isinstance(code, bool) or not isinstance(code, int):
            return False
        self.session_id = label(event.get("sessionId")) or self.session_id
        if code == 0:
            self.succeed()
        else:
            self.fail()
            self.message = self.message or f"Ended with exit code {code}"
        return True


def _total(models: Event) -> Usage | None:
    """The figures of all models, whose input includes what caches gave and took."""
    total = None
    for one in models.values():
        told = as_mapping(as_mapping(one).get("usage"))
        read, write = tokens(told.get("cacheReadTokens")), tokens(told.get("cacheWriteTokens"))
        model = usage_of(
            fresh_input=fresh(tokens(told.get("inputTokens")), read, write),
            cache_read=read,
            cache_write=write,
            output=tokens(told.get("outputTokens")),
        )
        total = plus(total, model)
    return total
