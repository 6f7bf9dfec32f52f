"""Claude Code's stream-json and json, and its like: Amp and Qwen Code write the same events with few fields changed.

The last ``result`` decides; informational events may follow it. Its ``usage`` is the main loop's only, so `modelUsage`,
which has every model and subagent, is preferred. Until there is one, the messages tell, each counted once.
"""

from __future__ import annotations

from typing import ClassVar

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.phrases import denials, limit_words
from runboard.transcripts.usage import Sums, dollars, fresh, plus, tokens, usage_of
from runboard.transcripts.words import label

_RECENT_MOST = 64
"""Messages told of again that are remembered; subagents that work side by side interleave theirs."""

_ENDINGS = {
    "error_max_turns": "Reached the maximum number of turns",
    "error_max_budget_usd": "Reached the maximum budget",
    "error_max_structured_output_retries": "No valid structured output after all retries",
    "error_during_execution": "Error during execution",
}

Parts = tuple[int | None, int | None, int | None, int | None, int | None]
"""Fresh input, cache read, cache write, output, reasoning."""


class Claude(Fold):
    """A session of Claude Code, Amp or Qwen Code."""

    NAMES: ClassVar[tuple[str, ...]] = ("claude", "amp", "qwen")
    KINDS = frozenset({"system", "assistant", "result", "rate_limit_event", "stream_event"})
    SKIPPED: ClassVar[tuple[bytes, ...]] = (b'{"type":"user"', b'{"type":"stream_event"')
    UNSKIPPED = b"requested permissions to"

    SILENT: ClassVar[frozenset[str]] = frozenset(
        {"stream_event", "tool_progress", "tool_use_summary", "auth_status", "prompt_suggestion", "control_request"}
    )

    @staticmethod
    def shape(event: Event) -> Shape:
        """Openings and results by several fields, messages by their session and the model's name."""
        match event.get("type"):
            case "system" if event.get("subtype") == "init" and not cursor_opens(event):
                return (Shape.WEAK, Shape.SURE, Shape.OPENING)[min(_agreeing(event, _OPENING), 2)]
            case "assistant":
                return _message_shape(event)
            case "result" if not cursor_ends(event) and isinstance(event.get("subtype"), str):
                known = event["subtype"] == "success" or event["subtype"] in _ENDINGS
                agreeing = _agreeing(event, _RESULT)
                return Shape.SURE if known and agreeing > 1 else Shape.WEAK if agreeing else Shape.NONE
            case "rate_limit_event" if isinstance(event.get("rate_limit_info"), dict):
                return Shape.SURE
            case "stream_event" if isinstance(event.get("event"), dict) and isinstance(event.get("session_id"), str):
                return Shape.SURE
        return Shape.NONE

    @property
    def settled(self) -> bool:
        """Whether a result was seen that tells its tokens, or whose messages were all seen."""
        return super().settled and not (self.gap and (self.used is None or self.used.input_tokens is None))

    def take(self, event: Event) -> bool:
        """Learn from a message, a result, or what the program says of itself."""
        kind = event.get("type")
        if kind == "assistant":
            self._said(event)
        elif kind == "result":
            return self._ended(event)
        elif kind == "system":
            return self._told(event)
        elif kind == "rate_limit_event":
            self.warn(limit_words(event.get("rate_limit_info")), "limit")
        elif kind == "user":
            self._refused(event)
        else:
            return kind in self.SILENT
        return True

    def spent(self) -> Usage | None:
        """What the last result told, with the messages' tokens where it told none."""
        final = self.used
        if final is not None and final.input_tokens is not None:
            return final
        cost = final.cost if final else None
        return usage_of(cost=cost) if self.gap else self._sums.usage(cost)

    def forget(self) -> None:
        """No message, no result."""
        super().forget()
        self._sums = Sums()
        self._recent: dict[str, Parts] = {}
        self._said_in: str | None = None

    def _said(self, event: Event) -> None:
        """A message, or one block of one: its text, if the main loop said it, and its usage, once."""
        message = as_mapping(event.get("message"))
        if self.model is None and message.get("model") != "<synthetic>":
            self.model = label(message.get("model"))
        blocks = message.get("content")
        texts = [as_mapping(block).get("text") for block in blocks] if isinstance(blocks, list) else []
        text = "".join(part for part in texts if isinstance(part, str))
        if text and event.get("parent_tool_use_id") is None:
            name = message.get("id") if isinstance(message.get("id"), str) else None
            (self.answer.add if name is not None and name == self._said_in else self.answer.put)(text)
            self._said_in = name
        if event.get("error"):
            self.trouble(text or event["error"])
        else:
            self.go_on()
            self._notes.pop("retry", None)
        if isinstance(message.get("usage"), dict):
            self._count(message.get("id"), self.parts(message["usage"]))

    def _count(self, name: object, parts: Parts) -> None:
        """Add a message's usage; one told of again under its id takes its own place."""
        if isinstance(name, str):
            if self._recent.get(name) == parts:
                return
            earlier = self._recent.pop(name, None)
            if earlier is not None:
                self._sums.add(earlier, sign=-1)
            elif len(self._recent) >= _RECENT_MOST:
                del self._recent[next(iter(self._recent))]
            self._recent[name] = parts
        self._sums.add(parts)

    def parts(self, usage: Event) -> Parts:
        """A ``usage`` object in parts; where its total says that the input includes what caches gave, without that."""
        given, output = tokens(usage.get("input_tokens")), tokens(usage.get("output_tokens"))
        read, write = tokens(usage.get("cache_read_input_tokens")), tokens(usage.get("cache_creation_input_tokens"))
        if given is not None and output is not None and usage.get("total_tokens") == given + output:
            given = fresh(given, read, write)
        return given, read, write, output, None

    def _ended(self, event: Event) -> bool:
        """A result: success only where neither the subtype nor ``is_error`` says otherwise."""
        subtype, is_error = event.get("subtype"), event.get("is_error")
        if not isinstance(subtype, str) and not isinstance(is_error, bool):
            return False
        self.session_id = label(event.get("session_id")) or self.session_id
        self._flavour(event)
        told = event.get("result")
        if (subtype is None or subtype == "success") and (is_error is False or is_error is None):
            self.succeed()
            if isinstance(told, str) and told:
                self.answer.put(told)
        else:
            self._failed(event, subtype)
        self.used = self.final(event)
        denied = denials(event.get("permission_denials"))
        if denied:
            self.warn(denied, "denied")
        return True

    def _failed(self, event: Event, subtype: object) -> None:
        """An error result: what it lists, else its text, else its subtype in words; with the HTTP status."""
        errors = event.get("errors")
        listed = "; ".join(one for one in errors if isinstance(one, str)) if isinstance(errors, list) else None
        ending = _ENDINGS.get(subtype) if isinstance(subtype, str) else None
        reason = event.get("terminal_reason")
        self.fail(listed, event.get("error"), event.get("result"), ending, reason if reason != "completed" else None)
        self.message = self.message or (f"Ended with {label(subtype)}" if subtype != "success" else None)
        status = tokens(event.get("api_error_status"))
        if status and str(status) not in (self.message or ""):
            self.message = f"{self.message or 'API error'} (HTTP {status})"

    def final(self, event: Event) -> Usage | None:
        """A result's usage: of all models where it tells them, else of the main loop."""
        told = event.get("total_cost_usd", event.get("total_cost"))
        total, cost = None, 0.0
        for usage in as_mapping(event.get("modelUsage")).values():
            one = as_mapping(usage)
            total = plus(total, _model_usage(one))
            cost += dollars(one.get("costUSD")) or 0.0
        cost_told = dollars(told) if told is not None else cost or None
        if total is None and isinstance(event.get("usage"), dict):
            given, read, write, output, _ = self.parts(event["usage"])
            total = usage_of(fresh_input=given, cache_read=read, cache_write=write, output=output)
        return usage_of(cost=cost_told) if total is None else total._replace(cost=cost_told)

    def _told(self, event: Event) -> bool:
        """What the program says of itself: that a session begins, that it tries again, that a tool was refused."""
        subtype = event.get("subtype")
        if subtype == "init":
            if cursor_opens(event):
                return False
            self.begin(event.get("session_id"), event.get("model"))
            self._flavour(event)
        elif subtype == "api_retry":
            attempt, most = tokens(event.get("attempt")), tokens(event.get("max_retries"))
            self.warn("The API is tried again" + (f" ({attempt} of {most})" if attempt else ""), "retry")
        elif subtype == "permission_denied":
            self.warn(f"Permission denied: {label(event.get('tool_name')) or 'a tool'}", "denied")
        return True

    def _flavour(self, event: Event) -> None:
        """Which of the family it is, by what only one of them writes."""
        if "qwen_code_version" in event:
            self.tool = "qwen"
        elif (self.session_id or "").startswith("T-"):
            self.tool = "amp"

    def _refused(self, event: Event) -> None:
        """A tool's result that says that nobody gave permission."""
        blocks = as_mapping(event.get("message")).get("content")
        for block in map(as_mapping, blocks if isinstance(blocks, list) else []):
            text = block.get("content")
            if block.get("is_error") is True and isinstance(text, str) and text.startswith("Claude requested perm"):
                self.warn(text.split(",")[0], "denied")


_OPENING: dict[str, type | tuple[type, ...]] = {
    "session_id": str,
    "cwd": str,
    "model": str,
    "tools": list,
    "mcp_servers": list,
    "permissionMode": str,
    "permission_mode": str,
    "apiKeySource": str,
    "uuid": str,
}
_RESULT: dict[str, type | tuple[type, ...]] = {
    "is_error": bool,
    "session_id": str,
    "num_turns": int,
    "total_cost_usd": (int, float),
    "total_cost": (int, float),
    "duration_ms": (int, float),
    "duration_api_ms": (int, float),
    "usage": dict,
    "modelUsage": dict,
    "permission_denials": list,
    "errors": list,
    "uuid": str,
}


def _agreeing(event: Event, fields: dict[str, type | tuple[type, ...]]) -> int:
    """How many fields are there with the type they should have."""
    return sum(isinstance(event.get(key), kind) for key, kind in fields.items())


def _message_shape(event: Event) -> Shape:
    """Whether a message is of this family: it carries the model's own id, name or usage, and the session's."""
    message = as_mapping(event.get("message"))
    own = message.get("type") == "message" or any(key in message for key in ("id", "model", "usage"))
    if not own or message.get("role", "assistant") != "assistant" or not isinstance(message.get("content"), list):
        return Shape.NONE
    return Shape.SURE if isinstance(event.get("session_id"), str) else Shape.WEAK


def _model_usage(one: Event) -> Usage | None:
    """One model's part of ``modelUsage``."""
    output, thinking = tokens(one.get("outputTokens")), tokens(one.get("thinkingTokens"))
    return usage_of(
        fresh_input=tokens(one.get("inputTokens")),
        cache_read=tokens(one.get("cacheReadInputTokens")),
        cache_write=tokens(one.get("cacheCreationInputTokens")),
        output=fresh(output, thinking),
        reasoning=thinking,
    )


def cursor_opens(event: Event) -> bool:
    """Whether an opening is Cursor's, which names the key's source and the permissions but lists no tools."""
    return (
        isinstance(event.get("apiKeySource"), str)
        and isinstance(event.get("permissionMode"), str)
        and not any(key in event for key in ("tools", "mcp_servers", "claude_code_version", "uuid"))
    )


def cursor_ends(event: Event) -> bool:
    """Whether a lone result is Cursor's, which has a ``request_id`` and tells neither turns nor cost."""
    unlike = ("total_cost_usd", "total_cost", "num_turns", "modelUsage", "uuid")
    return isinstance(event.get("request_id"), str) and not any(key in event for key in unlike)
