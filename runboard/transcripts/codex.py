"""Codex's ``exec --json``: ``turn.completed`` or ``turn.failed`` ends a turn; usage is the whole thread's so far."""

from __future__ import annotations

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import fresh, tokens, usage_of
from runboard.transcripts.words import label

_ITEMS = frozenset(
    {
        "agent_message",
        "reasoning",
        "command_execution",
        "file_change",
        "mcp_tool_call",
        "collab_tool_call",
        "web_search",
        "todo_list",
        "error",
    }
)
_STARTED, _COMPLETED, _FAILED = "turn.started", "turn.completed", "turn.failed"


class Codex(Fold):
    """A thread of Codex."""

    NAMES = ("codex",)
    KINDS = frozenset({"thread", "turn", "item", "error"})

    @staticmethod
    def shape(event: Event) -> Shape:
        """A thread by its id, an item by id and kind, a turn by the fields of its usage."""
        match event:
            case {"type": "thread.started", "thread_id": str()}:
                return Shape.OPENING
            case {"type": "item.started" | "item.updated" | "item.completed", "item": {"id": str(), "type": str(kind)}}:
                return Shape.SURE if kind in _ITEMS else Shape.WEAK
            case {"type": "turn.completed", "usage": {"input_tokens": int(), "output_tokens": int()}}:
                return Shape.SURE
            case {"type": "turn.completed"} | {"type": "turn.failed", "error": {"message": str()}}:
                return Shape.WEAK
            case {"type": "turn.started"} | {"type": "error", "message": str()} if len(event) <= 2:
                return Shape.WEAK
        return Shape.NONE

    def take(self, event: Event) -> bool:
        """Learn from an item, a turn or an error."""
        kind = event.get("type")
        if kind == "item.completed":
            self.go_on()
            self._done(as_mapping(event.get("item")))
        elif kind in {"item.started", "item.updated"}:
            self.go_on()
        elif kind == _COMPLETED:
            self.used = _thread(as_mapping(event.get("usage"))) or self.used
            self.warn(None, "retry")
            self.succeed()
        elif kind == _FAILED:
            self.warn(None, "retry")
            self.fail(event.get("error"), event.get("message"))
        elif kind == _STARTED:
            self.reopen()
        elif kind == "thread.started":
            self.begin(event.get("thread_id"))
        elif kind == "error" and isinstance(event.get("message"), str):
            self._erred(event["message"])
        else:
            return False
        return True

    def _done(self, item: Event) -> None:
        """An item that is complete: the answer so far, a warning, a refusal."""
        kind, text = item.get("type"), item.get("text")
        if kind == "agent_message" and isinstance(text, str):
            self.answer.put(text)
        elif kind == "error":
            self.warn(item.get("message"))
        elif item.get("status") == "declined":
            self.warn(f"Permission denied: {label(item.get('command')) or label(kind) or 'an action'}", "denied")

    def _erred(self, message: str) -> None:
        """An error that may still be followed by another attempt, or by the turn's failure."""
        if message.startswith("Reconnecting"):
            self.warn(message, "retry")
        else:
            self.trouble(message)


def _thread(total: Event) -> Usage | None:
    """A thread's totals, whose input includes what the cache gave and took, and whose output the reasoning."""
    read, write = tokens(total.get("cached_input_tokens")), tokens(total.get("cache_write_input_tokens"))
    thought = tokens(total.get("reasoning_output_tokens"))
    return usage_of(
        fresh_input=fresh(tokens(total.get("input_tokens")), read, write),
        cache_read=read,
        cache_write=write,
        output=fresh(tokens(total.get("output_tokens")), thought),
        reasoning=thought,
    )
