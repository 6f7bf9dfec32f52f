"""Logs of coding agents for tests: real captures with what each must come to, and events written from the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orjson import dumps, loads

from runboard.model import Evidence, ExitRecord, Liveness, Outcome, Run, Transcript, Usage
from runboard.transcripts import Folding
from runboard.verdict import resolve_run_status

PLACE = Path(__file__).parent / "data" / "agents"
SESSION = "d346a675-035c-41b9-9bda-844e994ba0bd"
WHEN = "2026-11-22T09:02:18.968Z"
RUN = Run(id="a1b2c3d4", command=("sh", "-c", "agent"), started_at=1_000.0)


@dataclass(frozen=True)
class Capture:
    """One real log, how its process ended (negative: by that signal), and what a run must come to."""

    file: str
    tool: str
    returncode: int
    status: str
    reason: str
    error_contains: str = ""
    usage: dict[str, float] | None = None
    note: str = ""

    @property
    def data(self) -> bytes:
        """The log."""
        return (PLACE / self.file).read_bytes()

    @property
    def final_end(self) -> int | None:
        """The offset after the last byte of the event that says success; None where the log has none."""
        return len(self.data.rstrip()) if self.status == "completed" else None


CAPTURES = [Capture(**sample) for sample in loads((PLACE / "INDEX.json").read_bytes())["samples"]]


def log(*events: object, end: str = "\n") -> bytes:
    """Events as JSON lines; text and bytes as they are."""
    lines = [
        event.encode() if isinstance(event, str) else event if isinstance(event, bytes) else dumps(event)
        for event in events
    ]
    return b"".join(line + end.encode() for line in lines)


def folded(data: bytes, command: Sequence[str] = (), *, ended: bool = True) -> Transcript | None:
    """The transcript of a log, fed at once."""
    folding = Folding(command)
    folding.feed(data)
    return folding.transcript(ended=ended)


def known(data: bytes, command: Sequence[str] = (), *, ended: bool = True) -> Transcript:
    """The transcript of a log that must be known as an agent's."""
    transcript = folded(data, command, ended=ended)
    assert transcript is not None
    return transcript


def judged(transcript: Transcript | None, returncode: int | None, *, run: Run = RUN) -> Outcome:
    """How a run with this transcript ended; ``returncode`` None where nobody saw it end."""
    status = None if returncode is None else returncode << 8 if returncode >= 0 else -returncode
    record = None if status is None else ExitRecord(status, at=1_500.0, uptime=500.0)
    outcome = resolve_run_status(run, Evidence(Liveness.GONE, exit=record, log_size=1, transcript=transcript), 2_000.0)
    assert outcome is not None
    return outcome


def used(
    fresh_input: int | None = None,
    output: int | None = None,
    *,
    read: int | None = None,
    write: int | None = None,
    thought: int | None = None,
    cost: float | None = None,
) -> Usage:
    """Usage with its total, which is the sum of the parts."""
    total = (
        None
        if fresh_input is None or output is None
        else sum(part or 0 for part in (fresh_input, output, read, write, thought))
    )
    return Usage(fresh_input, output, total, cost, read, write, thought)


def claude_init(**more: Any) -> dict[str, Any]:
    """How a session of Claude Code begins."""
    named = {"session_id": SESSION, "cwd": "/src", "model": "claude-sonnet-5", "tools": ["Bash"], "mcp_servers": []}
    return {"type": "system", "subtype": "init", **named, "permissionMode": "default", "uuid": "u", **more}


def claude_said(text: str, name: str | None = "msg_1", usage: object = None, **more: Any) -> dict[str, Any]:
    """A message of Claude Code's."""
    told = usage if usage is not None else {"input_tokens": 4, "output_tokens": 9}
    content = [{"type": "text", "text": text}]
    message = {"id": name, "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": content}
    rest = {"parent_tool_use_id": None, "session_id": SESSION, **more}
    return {"type": "assistant", "message": {**message, "usage": told}, **rest}


def claude_result(**more: Any) -> dict[str, Any]:
    """How a session of Claude Code ends; a field given as None is left out."""
    event = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "duration_ms": 5_000,
        "duration_api_ms": 7_000,
        "num_turns": 3,
        "result": "All done.",
        "session_id": SESSION,
        "total_cost_usd": 0.42,
        "usage": {"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 300},
        "permission_denials": [],
        "uuid": "u9",
        **more,
    }
    return {key: value for key, value in event.items() if value is not None}


def reader(data: bytes, seen: list[tuple[int, int]] | None = None) -> Callable[[int, int], bytes]:
    """A pread on bytes, which notes what was asked for."""

    def read(offset: int, length: int) -> bytes:
        if seen is not None:
            seen.append((offset, length))
        return data[offset : offset + length]

    return read
