"""How fast agents' logs are folded: each format against orjson reading the same lines, and 2 GB of OpenCode."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

from orjson import dumps, loads

from runboard import tally
from runboard.model import Run
from runboard.store import Store
from runboard.transcripts import Folding
from tests.bench.figures import Figure

EVENTS = 200_000
ROUNDS = 3
BIG = 2 << 30
AIM = ">= 100 MB/s, or ratio <= 3"

SAID = "I looked at the parser; the second branch never runs, so I will move the check up and add a test for it. " * 3
OUTPUT = "".join(f"tests/test_{number}.py::test_case PASSED\n" for number in range(30))
WHEN = "2026-11-22T09:02:18.968Z"
SESSION = "d346a675-035c-41b9-9bda-844e994ba0bd"


def codex(number: int) -> Iterator[object]:
    """What Codex writes for one command and one message."""
    run = {"id": f"item_{number}", "type": "command_execution", "command": "bash -lc 'pytest -q'", "exit_code": 0}
    yield {"type": "item.started", "item": {**run, "aggregated_output": "", "status": "in_progress"}}
    yield {"type": "item.completed", "item": {**run, "aggregated_output": OUTPUT, "status": "completed"}}
    yield {"type": "item.completed", "item": {"id": f"item_{number}", "type": "agent_message", "text": SAID}}


def gemini(number: int) -> Iterator[object]:
    """What Gemini CLI writes for one tool and three pieces of a message."""
    told = {"timestamp": WHEN, "tool_id": f"shell_{number}"}
    yield {"type": "tool_use", **told, "tool_name": "run_shell_command", "parameters": {"command": "pytest -q"}}
    yield {"type": "tool_result", **told, "status": "success", "output": OUTPUT}
    for _ in range(3):
        yield {"type": "message", "timestamp": WHEN, "role": "assistant", "content": SAID[:100], "delta": True}


def claude(number: int) -> Iterator[object]:
    """What Claude Code writes for one tool use: the call, its result, a text."""
    usage = {
        "input_tokens": 4,
        "cache_creation_input_tokens": 900,
        "cache_read_input_tokens": 38033,
        "output_tokens": 90,
    }
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-sonnet", "usage": usage}
    rest = {"parent_tool_use_id": None, "session_id": SESSION}
    use = {"type": "tool_use", "id": f"toolu_{number}", "name": "Bash", "input": {"command": "pytest -q"}}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": OUTPUT}
    yield {"type": "assistant", "message": {**message, "content": [{"type": "text", "text": SAID}]}, **rest}
    yield {"type": "assistant", "message": {**message, "content": [use]}, **rest}
    yield {"type": "user", "message": {"role": "user", "content": [result]}, **rest}


def cursor(number: int) -> Iterator[object]:
    """What Cursor writes for one tool call and a text."""
    call = {"call_id": f"call_{number}", "session_id": SESSION}
    shell = {"shellToolCall": {"args": {"command": "pytest -q"}, "result": {"success": {"stdout": OUTPUT}}}}
    yield {"type": "thinking", "subtype": "delta", "text": SAID[:60], "session_id": SESSION}
    yield {"type": "tool_call", "subtype": "completed", **call, "tool_call": shell}
    said = {"role": "assistant", "content": [{"type": "text", "text": SAID}]}
    yield {"type": "assistant", "message": said, "session_id": SESSION}


def opencode(number: int) -> Iterator[object]:
    """What OpenCode writes for one step with a tool and a text."""
    ids = {"id": f"prt_{number}", "messageID": f"msg_{number}", "sessionID": "ses_dfd842914ffeAlZstyb4qvQ0ae"}
    envelope = {"timestamp": 1795338001543, "sessionID": ids["sessionID"]}
    state = {"status": "completed", "input": {"command": "pytest -q"}, "output": OUTPUT, "title": "pytest -q"}
    tokens = {"total": 1234, "input": 200, "output": 22, "reasoning": 12, "cache": {"write": 0, "read": 1000}}
    finish = {**ids, "reason": "tool-calls", "type": "step-finish", "tokens": tokens, "cost": 0.000715}
    yield {"type": "step_start", **envelope, "part": {**ids, "type": "step-start"}}
    yield {"type": "text", **envelope, "part": {**ids, "type": "text", "text": SAID}}
    yield {"type": "tool_use", **envelope, "part": {"type": "tool", "tool": "bash", "state": state, **ids}}
    yield {"type": "step_finish", **envelope, "part": finish}


def copilot(number: int) -> Iterator[object]:
    """What Copilot CLI writes for one tool, some pieces and a message."""
    envelope = {"id": f"{number:08x}-1111-4222-8333-444455556666", "timestamp": WHEN, "parentId": SESSION}
    done = {"toolCallId": f"call_{number}", "success": True, "result": {"content": OUTPUT}}
    yield {"type": "assistant.message_delta", "data": {"messageId": "m", "deltaContent": SAID[:20]}, **envelope}
    yield {"type": "assistant.message", "data": {"messageId": "m", "content": SAID, "toolRequests": []}, **envelope}
    yield {"type": "tool.execution_complete", "data": done, **envelope}


def goose(number: int) -> Iterator[object]:
    """What goose writes for one tool's answer and a text."""
    ids = {"created": 1795338001, "metadata": {"userVisible": True, "agentVisible": True}}
    result = {"status": "success", "value": {"content": [{"type": "text", "text": OUTPUT}]}}
    answer = {"type": "toolResponse", "id": f"call_{number}", "toolResult": result}
    yield {"type": "message", "message": {"id": f"a{number}", "role": "user", **ids, "content": [answer]}}
    for piece in (SAID[:100], SAID[100:]):
        content = [{"type": "text", "text": piece}]
        yield {"type": "message", "message": {"id": f"b{number}", "role": "assistant", **ids, "content": content}}


OPENINGS: dict[str, object] = {
    "codex": {"type": "thread.started", "thread_id": SESSION},
    "gemini": {"type": "init", "timestamp": WHEN, "session_id": SESSION, "model": "gemini-2.5-pro"},
    "claude": {"type": "system", "subtype": "init", "session_id": SESSION, "model": "claude-sonnet", "tools": []},
    "cursor": {
        "type": "system",
        "subtype": "init",
        "apiKeySource": "login",
        "permissionMode": "default",
        "session_id": SESSION,
    },
}
WRITERS: dict[str, Callable[[int], Iterator[object]]] = {
    "codex": codex,
    "gemini": gemini,
    "claude": claude,
    "cursor": cursor,
    "opencode": opencode,
    "copilot": copilot,
    "goose": goose,
}


def log(name: str, events: int = EVENTS) -> list[bytes]:
    """The lines of a session of one format, without a final event."""
    opening = [dumps(OPENINGS[name])] if name in OPENINGS else []
    block = [dumps(event) for number in range(1000) for event in WRITERS[name](number)]
    return opening + list(islice(cycle(block), events - len(opening)))


def aider_log(lines: int) -> list[bytes]:
    """A long session of aider, whose answers are a page of code each."""
    code = [
        b"    self.assertEqual(add(%d, %d), %d)  # the second branch never ran" % (one, one, 2 * one)
        for one in range(60)
    ]
    end = [b"", b"Tokens: 4.2k sent, 1.1k received. Cost: $0.02 message, $0.05 session.", b"Applied edit to calc.py"]
    return [b"Aider v0.86.1", *islice(cycle([b"I move the check up.", b"", *code, *end]), lines - 1)]


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def fold(data: bytes) -> Folding:
    """A log fed in pieces of a mebibyte."""
    folding = Folding()
    for at in range(0, len(data), 1 << 20):
        folding.feed(data[at : at + (1 << 20)])
    assert folding.recognised
    return folding


def parse(lines: list[bytes]) -> None:
    """What orjson alone does with the same lines; those of text are strings to it."""
    for line in lines:
        loads(line)


def speed(name: str) -> Figure:
    """Megabytes a second are in the name; samples and floor are seconds for the same lines."""
    lines = aider_log(EVENTS) if name == "aider" else log(name)
    data = b"\n".join(lines) + b"\n"
    as_json = [dumps(line.decode()) for line in lines] if name == "aider" else lines
    pairs = [(seconds(lambda: fold(data)), seconds(lambda: parse(as_json))) for _ in range(ROUNDS)]
    ours = sorted(pair[0] for pair in pairs)
    rate = len(data) / 1e6 / ours[len(ours) // 2]
    return Figure(f"fold {name}, {rate:.0f} MB/s", "s", ours, "orjson.loads", [pair[1] for pair in pairs], AIM)


def big_opencode(place: Path) -> list[Figure]:
    """A log of 2 GB in steps of 10 KB read as when its run is settled, its sums included: unseen, and looked at before.

    The peak of memory is in the name.
    """
    store = Store(str(place / "big"))
    run = store.create(Run("", command=("opencode", "run", "--format", "json"), cwd="/", started_at=1.5))
    path = Path(store.path(run.id), tally.LOG)
    block = b"\n".join(log("opencode", 4_000)).replace(b"PASSED", b"PASSED" + b" " * 250) + b"\n"
    with path.open("wb") as file:
        while file.tell() < BIG:
            file.write(block)

    def floor() -> None:
        with path.open("rb", buffering=0) as file:
            while file.read(4 << 20):
                pass

    def read() -> None:
        with store.reading(run.id) as folder:
            transcript = tally.ended(folder, run)
        assert transcript is not None
        assert transcript.usage is not None

    floor()
    unseen, floors = [seconds(read) for _ in range(ROUNDS)], [seconds(floor) for _ in range(ROUNDS)]
    tracemalloc.start()
    read()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    tally.Tally(store).look(run)
    seen = [seconds(read) for _ in range(ROUNDS)]
    return [
        Figure(f"2 GB of OpenCode, {peak:.0f} MB", "s", unseen, "reading it", floors, "about 1 s, < 50 MB"),
        Figure("the same, looked at before", "s", seen, "reading it", floors, "< 1 s"),
    ]


def folding(place: Path) -> list[Figure]:
    """Every format at 200,000 events, and a large log read as little as can be."""
    return [*(speed(name) for name in (*WRITERS, "aider")), *big_opencode(place)]
