"""Each format's events as pairs of who and text, not yet clean; None for what is not one of its events."""

from __future__ import annotations

from collections.abc import Callable

from runboard.lenient import as_mapping
from runboard.transcripts.fold import Event
from runboard.transcripts.phrases import called, counted, denials, in_dollars, limit_words, listed, output, text_of
from runboard.transcripts.usage import tokens
from runboard.transcripts.words import sentence

Said = tuple[str, str]
"""Who, and what."""

_DOTTED = frozenset({"session", "assistant", "tool", "user", "hook", "permission"})


def codex(event: Event) -> list[Said] | None:
    """Codex: items as they start and end, turns, errors."""
    match event:
        case {"type": "item.completed" | "item.started" | "item.updated" as kind, "item": {"type": str()} as item}:
            said = _item(item, done=kind == "item.completed")
        case {"type": "thread.started", "thread_id": str(name)}:
            said = [("session", f"thread {name}")]
        case {"type": "turn.started"}:
            said = []
        case {"type": "turn.completed", "usage": dict(usage)}:
            said = [("end", listed("turn completed", counted(usage)))]
        case {"type": "turn.failed", **rest}:
            said = [("end", f"turn failed: {sentence(rest.get('error')) or 'no reason told'}")]
        case {"type": "error", "message": str(message)} if event.keys() == {"type", "message"}:
            said = [("error", message)]
        case _:
            return None
    return said


def _item(item: Event, *, done: bool) -> list[Said]:
    """One of Codex's items: what runs as it starts, what came of it as it ends."""
    match item:
        case {"type": "agent_message", "text": str(text)}:
            return [("assistant", text)]
        case {"type": "reasoning", "text": str(text)}:
            return [("thinking", text)]
        case {"type": "error", "message": str(message)}:
            return [("warning", message)]
        case {"type": "command_execution" | "mcp_tool_call" | "collab_tool_call"}:
            return [_outcome(item) if done else ("tool", _call(item))]
    return _deed(item) if done else []


def _call(item: Event) -> str:
    """What Codex is running: a command, or another server's tool."""
    if item["type"] == "command_execution":
        return called("shell", item.get("command"))
    name = ".".join(filter(None, (text_of(item.get("server")), text_of(item.get("tool")))))
    return called(name, item.get("arguments", item.get("prompt")))


def _outcome(item: Event) -> Said:
    """What came of it."""
    if item["type"] == "command_execution":
        code = item.get("exit_code")
        ended = f"exit {code}" if isinstance(code, int) else text_of(item.get("status"))
        return "result", listed(ended, output(item.get("aggregated_output")), between="\n")
    return ("error", output(item["error"])) if item.get("error") else ("result", output(item.get("result")))


def _deed(item: Event) -> list[Said]:
    """An item of Codex's that is told at its end only: files changed, a search, a list of what to do."""
    match item:
        case {"type": "file_change", "changes": list(changes)}:
            files = [f"{text_of(one.get('kind'))} {text_of(one.get('path'))}" for one in map(as_mapping, changes)]
            return [("tool", "file change: " + ", ".join(files[:20]))]
        case {"type": "web_search", "query": str(query)}:
            return [("tool", f"web search: {query}")]
        case {"type": "todo_list", "items": list(items)}:
            marked = [
                ("✔ " if one.get("completed") else "○ ") + text_of(one.get("text")) for one in map(as_mapping, items)
            ]
            return [("assistant", "\n".join(marked[:50]))]
    return []


def opencode(event: Event) -> list[Said] | None:
    """OpenCode: texts, tools with what came of them, the end of a step."""
    if not isinstance(event.get("sessionID"), str):
        return None
    part = as_mapping(event.get("part"))
    match event.get("type"):
        case "text":
            said = [("assistant", text_of(part.get("text")))]
        case "reasoning":
            said = [("thinking", text_of(part.get("text")))]
        case "tool_use":
            state = as_mapping(part.get("state"))
            failed = state.get("status") == "error"
            told = ("error", output(state.get("error"))) if failed else ("result", output(state.get("output")))
            said = [("tool", called(text_of(part.get("tool")), state.get("input"))), told]
        case "step_finish" if part.get("reason") != "tool-calls":
            said = [("end", listed(f"step finished: {text_of(part.get('reason'))}", in_dollars(part.get("cost"))))]
        case "error":
            said = [("error", sentence(event.get("error")) or "an error without a message")]
        case "step_start" | "step_finish" | "done":
            said = []
        case _:
            return None
    return said


def gemini(event: Event) -> list[Said] | None:
    """Gemini CLI's stream: messages, tools, errors, the result."""
    if not isinstance(event.get("timestamp"), str):
        return None
    match event:
        case {"type": "init", "session_id": str(), **rest}:
            said = [("session", listed("session started", text_of(rest.get("model"))))]
        case {"type": "message", "role": str(role), "content": str(text)}:
            said = [("assistant" if role == "assistant" else "user", text)]
        case {"type": "tool_use", "tool_name": str(name), **rest}:
            said = [("tool", called(name, rest.get("parameters")))]
        case {"type": "tool_result", "tool_id": str(), "status": str(status), **rest}:
            told = output(rest.get("output"))
            failed = ("error", sentence(rest.get("error")) or told or "failed")
            said = [failed if status == "error" else ("result", told or status)]
        case {"type": "error", "severity": str(severity), "message": str(message)}:
            said = [("error" if severity == "error" else "warning", message)]
        case {"type": "result", "status": str(status), **rest}:
            said = [("end", listed(status, sentence(rest.get("error")), counted(as_mapping(rest.get("stats")))))]
        case _:
            return None
    return said


def copilot(event: Event) -> list[Said] | None:
    """Copilot CLI: messages, tools, errors, the result; its many other events tell nothing to read."""
    kind, data = event.get("type"), as_mapping(event.get("data"))
    match kind:
        case "result" if isinstance(event.get("exitCode"), int):
            said = [("end", f"exit code {event['exitCode']}")]
        case "assistant.message":
            calls = data.get("toolRequests")
            listed = [as_mapping(call) for call in calls] if isinstance(calls, list) else []
            asked = [("tool", called(text_of(call.get("name")), call.get("arguments"))) for call in listed]
            said = [("assistant", text_of(data.get("content"))), *asked]
        case "assistant.reasoning":
            said = [("thinking", text_of(data.get("content")))]
        case "user.message":
            said = [("user", text_of(data.get("content")))]
        case "tool.execution_complete" if data.get("success") is False:
            said = [("error", sentence(data.get("error")) or "failed")]
        case "tool.execution_complete":
            said = [("result", output(as_mapping(data.get("result")).get("content")))]
        case "session.error":
            said = [("error", sentence(data) or "an error without a message")]
        case "session.warning" | "session.info":
            said = [("warning", sentence(data) or "")]
        case str() if kind.partition(".")[0] in _DOTTED and isinstance(event.get("data"), dict):
            return []
        case _:
            return None
    return said


def goose(event: Event) -> list[Said] | None:
    """Goose: messages with their parts, notifications, errors, the ending."""
    match event:
        case {"type": "message", "message": {"role": str(role), "content": list(parts)}}:
            return [said for part in parts for said in _goose_part(role, as_mapping(part))]
        case {"type": "notification", "extension_id": str(), **rest}:
            return [("session", text_of(rest.get("message")))]
        case {"type": "error", "error": str(message)} if event.keys() == {"type", "error"}:
            return [("error", message)]
        case {"type": "complete", "total_tokens": _}:
            return [("end", listed("complete", counted(event), in_dollars(event.get("cost_usd"))))]
    return None


def _goose_part(role: str, part: Event) -> list[Said]:
    """One part of a message of goose's."""
    match part.get("type"):
        case "text":
            return [("assistant" if role == "assistant" else "user", text_of(part.get("text")))]
        case "thinking":
            return [("thinking", text_of(part.get("thinking")))]
        case "toolRequest":
            call = as_mapping(as_mapping(part.get("toolCall")).get("value"))
            return [("tool", called(text_of(call.get("name")), call.get("arguments")))]
        case "toolResponse":
            result = as_mapping(part.get("toolResult"))
            value = as_mapping(result.get("value")).get("content", result.get("error"))
            return [("error" if result.get("status") == "error" else "result", output(value))]
        case "systemNotification":
            return [("warning", text_of(part.get("msg")))]
    return []


def cursor(event: Event) -> list[Said] | None:
    """Cursor's own events; the rest of what it writes is like Claude's."""
    match event:
        case {"type": "thinking", "subtype": "delta" | "completed", "session_id": str()}:
            return [("thinking", text_of(event.get("text")))]
        case {"type": "tool_call", "subtype": str(subtype), "tool_call": dict(call)}:
            name = next((key for key in call if key.endswith("ToolCall")), "tool")
            told = as_mapping(call.get(name))
            if subtype != "completed":
                return [("tool", called(name.removesuffix("ToolCall"), told.get("args")))]
            result = as_mapping(told.get("result"))
            refused = result.get("rejected", result.get("error"))
            return [("error", output(refused)) if refused else ("result", output(result.get("success")))]
    return None


def claude(event: Event) -> list[Said] | None:
    """Claude Code and its like: messages block by block, limits, the result."""
    match event:
        case {"type": "assistant" | "user" as who, "message": {"content": list(blocks)}}:
            said = [said for block in blocks for said in _block(who, as_mapping(block))]
        case {"type": "assistant" | "user" as who, "message": {"content": str(text)}}:
            said = [(who, text)]
        case {"type": "system", "subtype": "init", **rest}:
            said = [("session", listed("session started", text_of(rest.get("model"))))]
        case {"type": "system", "subtype": "api_retry"}:
            said = [("warning", "the API is tried again")]
        case {"type": "system", "subtype": str()} | {"type": "stream_event", "event": dict()}:
            said = []
        case {"type": "rate_limit_event", "rate_limit_info": info}:
            said = [("warning", limit_words(info) or "")]
        case {"type": "result", **rest} if isinstance(rest.get("subtype"), str) or isinstance(
            rest.get("is_error"), bool
        ):
            said = _result(rest)
        case _:
            return None
    return said


def _result(event: Event) -> list[Said]:
    """Claude's result in one line; its text was said before."""
    failed = event.get("subtype", "success") != "success" or event.get("is_error") not in (False, None)
    errors = event.get("errors")
    told = errors[0] if isinstance(errors, list) and errors else event.get("error", event.get("result"))
    turns = tokens(event.get("num_turns"))
    said = [
        "failed: " + (sentence(told) or text_of(event.get("subtype"))) if failed else "success",
        f"{turns} turns" if turns else "",
        in_dollars(event.get("total_cost_usd")),
        denials(event.get("permission_denials")) or "",
    ]
    return [("end", listed(*said))]


def _block(who: str, block: Event) -> list[Said]:
    """One block of a message of Claude's."""
    match block.get("type"):
        case "text":
            return [(who, text_of(block.get("text")))]
        case "thinking":
            return [("thinking", text_of(block.get("thinking")))]
        case "tool_use":
            return [("tool", called(text_of(block.get("name")), block.get("input")))]
        case "tool_result":
            return [("error" if block.get("is_error") is True else "result", output(block.get("content")))]
    return []


READINGS: tuple[Callable[[Event], list[Said] | None], ...] = (codex, opencode, gemini, copilot, goose, cursor, claude)
"""Every format's reading, in the order in which they are tried."""
