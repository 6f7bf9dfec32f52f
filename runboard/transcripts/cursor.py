"""Cursor's stream-json and json: Claude's events without turns and cost; on a failure it writes no result at all."""

from __future__ import annotations

from typing import ClassVar

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.claude import Claude, cursor_ends, cursor_opens
from runboard.transcripts.fold import Event, Shape
from runboard.transcripts.usage import tokens, usage_of


class Cursor(Claude):
    """A session of Cursor's command line."""

    NAMES = ("cursor",)
    KINDS = frozenset({"system", "assistant", "result", "tool_call"})
    SKIPPED = (b'{"type":"user"', b'{"type":"thinking"', b'{"type":"tool_call"')
    UNSKIPPED = b""

    SILENT: ClassVar[frozenset[str]] = frozenset({"thinking", "tool_call", "connection", "interaction_query"})

    @staticmethod
    def shape(event: Event) -> Shape:
        """Openings and results by what Claude's lack; a message by having nothing but role and content."""
        match event.get("type"):
            case "system" if event.get("subtype") == "init" and cursor_opens(event):
                return Shape.OPENING
            case "result" if cursor_ends(event) and isinstance(event.get("session_id"), str):
                return Shape.SURE if isinstance(event.get("is_error"), bool) else Shape.WEAK
            case "result" if event.get("subtype") == "success":
                return Shape.WEAK
            case "assistant" if as_mapping(event.get("message")).keys() == {"role", "content"}:
                return Shape.SURE if isinstance(event.get("session_id"), str) else Shape.WEAK
            case "tool_call" if isinstance(event.get("call_id"), str) and isinstance(event.get("tool_call"), dict):
                return Shape.SURE
        return Shape.NONE

    def final(self, event: Event) -> Usage | None:
        """A result's usage, which newer versions tell."""
        usage = as_mapping(event.get("usage"))
        return usage_of(
            fresh_input=tokens(usage.get("inputTokens")),
            cache_read=tokens(usage.get("cacheReadTokens")),
            cache_write=tokens(usage.get("cacheWriteTokens")),
            output=tokens(usage.get("outputTokens")),
        )

    def _told(self, event: Event) -> bool:
        """That a session begins, if it is one of Cursor's."""
        if event.get("subtype") == "init":
            if not cursor_opens(event):
                return False
            self.begin(event.get("session_id"), event.get("model"))
        return True
