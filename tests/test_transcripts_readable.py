"""Agents' lines in words: who said what, which tool ran with which argument, how it ended; strangers' lines are not."""

from __future__ import annotations

from typing import Any

import pytest
from orjson import dumps

from runboard.transcripts.readable import Piece, lines_for_reading
from tests.agents import CAPTURES, SESSION, WHEN, claude_init, claude_result, claude_said


def item(kind: str, state: str = "completed", **fields: Any) -> dict[str, Any]:
    """An item of Codex's."""
    return {"type": f"item.{state}", "item": {"id": "item_1", "type": kind, **fields}}


def block(who: str, **fields: Any) -> dict[str, Any]:
    """A message of Claude Code's with one block."""
    return {"type": who, "message": {"role": who, "content": [fields]}, "session_id": SESSION}


def opencode(kind: str, **fields: Any) -> dict[str, Any]:
    """An event of OpenCode's with one part."""
    return {"type": kind, "timestamp": 1, "sessionID": "ses_1", "part": fields}


def goose(role: str, **fields: Any) -> dict[str, Any]:
    """A message of goose's with one part."""
    return {"type": "message", "message": {"role": role, "created": 1, "content": [fields]}}


def cursor(subtype: str, **told: Any) -> dict[str, Any]:
    """A tool call of Cursor's."""
    return {"type": "tool_call", "subtype": subtype, "call_id": "c", "tool_call": {"shellToolCall": told}}


OUTPUT = "\n".join(f"line {number}" for number in range(40))
HEAD = "\n".join(f"line {number}" for number in range(6)) + " …"
BASH = {"command": "ls -la", "description": "List files"}
USAGE = {"input_tokens": 2_400, "output_tokens": 68}
LIMIT = {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": 1_790_902_800}

TOLD: list[tuple[object, list[tuple[str, str]]]] = [
    # Claude Code, Amp, Qwen Code
    (claude_init(), [("session", "session started · claude-sonnet-5")]),
    (claude_said("Hello\nthere"), [("assistant", "Hello\nthere")]),
    (block("assistant", type="tool_use", name="Bash", input=BASH), [("tool", "Bash: ls -la")]),
    (block("assistant", type="tool_use", name="Task", input={"x": 1}), [("tool", 'Task: {"x":1}')]),
    (block("assistant", type="thinking", thinking="Hm."), [("thinking", "Hm.")]),
    (block("user", type="tool_result", content=OUTPUT), [("result", HEAD)]),
    (block("user", type="tool_result", is_error=True, content=[{"type": "text", "text": "no"}]), [("error", "no")]),
    (claude_result(), [("end", "success · 3 turns · $0.42")]),
    (
        claude_result(subtype="error_max_turns", errors=["Reached maximum number of turns (30)"], num_turns=30),
        [("end", "failed: Reached maximum number of turns (30) · 30 turns · $0.42")],
    ),
    (
        {"type": "rate_limit_event", "rate_limit_info": LIMIT},
        [("warning", "Rate limit reached (five hour), resets 2026-10-02 01:00 UTC")],
    ),
    ({"type": "system", "subtype": "status", "session_id": SESSION}, []),
    # Codex
    ({"type": "thread.started", "thread_id": "01a2"}, [("session", "thread 01a2")]),
    (item("command_execution", "started", command="bash -lc 'ls'"), [("tool", "shell: bash -lc 'ls'")]),
    (item("command_execution", command="x", aggregated_output="a\n", exit_code=0), [("result", "exit 0\na")]),
    (item("reasoning", text="Hm."), [("thinking", "Hm.")]),
    (item("file_change", changes=[{"path": "a.py", "kind": "add"}]), [("tool", "file change: add a.py")]),
    (item("web_search", query="orjson"), [("tool", "web search: orjson")]),
    (
        item("mcp_tool_call", "started", server="docs", tool="find", arguments={"query": "x"}),
        [("tool", "docs.find: x")],
    ),
    (item("mcp_tool_call", server="docs", tool="find", error={"message": "no"}), [("error", '{"message":"no"}')]),
    (
        item("todo_list", items=[{"text": "a", "completed": True}, {"text": "b", "completed": False}]),
        [("assistant", "✔ a\n○ b")],
    ),
    ({"type": "turn.started"}, []),
    ({"type": "turn.completed", "usage": USAGE}, [("end", "turn completed · 2,400 tokens in, 68 out")]),
    ({"type": "turn.failed", "error": {"message": "boom"}}, [("end", "turn failed: boom")]),
    # Gemini CLI
    ({"type": "message", "timestamp": WHEN, "role": "user", "content": "q"}, [("user", "q")]),
    (
        {"type": "tool_use", "timestamp": WHEN, "tool_name": "read_file", "tool_id": "t", "parameters": {"path": "a"}},
        [("tool", "read_file: a")],
    ),
    (
        {"type": "tool_result", "timestamp": WHEN, "tool_id": "t", "status": "error", "error": {"message": "no"}},
        [("error", "no")],
    ),
    ({"type": "error", "timestamp": WHEN, "severity": "warning", "message": "slow"}, [("warning", "slow")]),
    (
        {"type": "result", "timestamp": WHEN, "status": "error", "error": {"message": "x"}, "stats": USAGE},
        [("end", "error · x · 2,400 tokens in, 68 out")],
    ),
    # OpenCode
    (opencode("text", text="Hello"), [("assistant", "Hello")]),
    (
        opencode("tool_use", tool="bash", state={"status": "completed", "input": BASH, "output": "a\n"}),
        [("tool", "bash: ls -la"), ("result", "a")],
    ),
    (
        opencode("tool_use", tool="bash", state={"status": "error", "input": BASH, "error": "denied"}),
        [("tool", "bash: ls -la"), ("error", "denied")],
    ),
    (opencode("step_finish", reason="stop", cost=0.000715), [("end", "step finished: stop · $0.0007")]),
    (opencode("step_finish", reason="tool-calls"), []),
    # Copilot CLI
    (
        {"type": "assistant.message", "data": {"content": "", "toolRequests": [{"name": "bash", "arguments": BASH}]}},
        [("tool", "bash: ls -la")],
    ),
    (
        {"type": "tool.execution_complete", "data": {"success": False, "error": {"message": "denied"}}},
        [("error", "denied")],
    ),
    ({"type": "tool.execution_complete", "data": {"success": True, "result": {"content": "a"}}}, [("result", "a")]),
    ({"type": "session.mcp_servers_loaded", "data": {}}, []),
    ({"type": "result", "exitCode": 1, "sessionId": "s"}, [("end", "exit code 1")]),
    # goose
    (goose("assistant", type="text", text="Hello"), [("assistant", "Hello")]),
    (
        goose("assistant", type="toolRequest", toolCall={"value": {"name": "shell", "arguments": BASH}}),
        [("tool", "shell: ls -la")],
    ),
    (
        goose("user", type="toolResponse", toolResult={"status": "success", "value": {"content": [{"text": "a"}]}}),
        [("result", "a")],
    ),
    (
        {"type": "complete", "total_tokens": 2_468, **USAGE, "cost_usd": 0.01},
        [("end", "complete · 2,400 tokens in, 68 out · $0.01")],
    ),
    # Cursor
    (cursor("started", args=BASH), [("tool", "shell: ls -la")]),
    (cursor("completed", result={"success": {"stdout": "a"}}), [("result", '{"stdout":"a"}')]),
    (cursor("completed", result={"rejected": {"reason": "no"}}), [("error", '{"reason":"no"}')]),
]


@pytest.mark.parametrize(("event", "pieces"), TOLD)
def test_an_event_is_told_in_words(event: object, pieces: list[tuple[str, str]]) -> None:
    """Every format's events come out as who and what, with the argument that tells most."""
    assert lines_for_reading(dumps(event)) == [Piece(*piece) for piece in pieces]


STRANGERS = [
    b"", b"make: done", b"{", b"}", b"[1]", b"null", b'"text"', b"{}", b'{"type":"Feature","id":1}', b"[STARTUP] x",
    b'{"level":30,"msg":"x"}', b'{"type":"result","status":"ok"}', b'  {"type":"turn.started"}', b'{"type":"turn.star',
    b"Tokens: 4.2k sent, 1.1k received.",
]  # fmt: skip


@pytest.mark.parametrize("line", STRANGERS)
def test_a_line_that_is_no_known_event_is_none(line: bytes) -> None:
    """Text, other programs' objects and broken lines are left as they are."""
    assert lines_for_reading(line) is None


def test_every_line_of_every_capture_is_told() -> None:
    """Each JSON line of a stream is known, alone and in a list of all."""
    for capture in CAPTURES:
        lines = [line for line in capture.data.splitlines() if line.startswith(b'{"type"')]
        assert all(lines_for_reading(line) is not None for line in lines)
        together = [piece for line in lines for piece in lines_for_reading(line) or []]
        assert (lines_for_reading(b"[" + b",".join(lines) + b"]") or []) == together


def test_noise_around_a_line_is_passed_over() -> None:
    """Escapes, line ends and labels around an event are no part of it."""
    for line in (
        b'\x1b[2K{"type":"turn.started"}\x1b[0m\r\n',
        b'\0{"type":"turn.started"}',
        b'[ERROR] {"type":"turn.started"}',
    ):
        assert lines_for_reading(line) == []


def test_pieces_are_clean_and_cut() -> None:
    """What an agent says cannot act on the screen that shows it, nor fill it."""
    evil = "\x1b]0;x\x07\x1b[2Jred\x00\u202e\r\nnext"
    assert lines_for_reading(dumps(claude_said(evil))) == [Piece("assistant", "red\nnext")]
    told = lines_for_reading(dumps(claude_said("long " * 100_000)))
    assert told is not None
    assert len(told[0].text) == 4_001
    many = {"type": "assistant", "message": {"content": [{"type": "text", "text": "x"}] * 1_000}}
    assert len(lines_for_reading(dumps(many)) or []) == 50
    assert lines_for_reading(b'{"type":"error","message":"' + b"x" * (9 << 20) + b'"}') is None
