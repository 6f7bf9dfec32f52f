"""What is no agent's log is none: other programs' JSON, datasets, quotes; nor is what an agent quotes its own word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import OPT_INDENT_2, dumps

from runboard.model import AgentVerdict, Status
from runboard.transcripts import read_ended
from runboard.transcripts.folding import FORMATS
from tests.agents import (
    CAPTURES,
    PLACE,
    SESSION,
    WHEN,
    claude_init,
    claude_result,
    claude_said,
    folded,
    judged,
    known,
    log,
)

SUCCESS, NONE = AgentVerdict.SUCCESS, AgentVerdict.NONE

PINO = {"level": 30, "time": 1_795_338_001_543, "pid": 7, "hostname": "h", "msg": "request completed"}
STRANGERS: dict[str, bytes] = {
    "nothing": b"",
    "make": b"gcc -c main.c -o main.o\nmake: *** [Makefile:3: main.o] Error 1\n",
    "pytest": b"== test session starts ==\ntests/test_a.py ..F [100%]\nE   assert {'type': 'result'} == {}\n1 failed\n",
    "structlog": log({"event": "done", "level": "info", "type": "result", "status": "success", "timestamp": WHEN}) * 3,
    "a job runner": log(
        {"type": "init", "timestamp": WHEN, "job": 7},
        {"type": "message", "timestamp": WHEN, "role": "worker", "content": "hello"},
        {"type": "error", "timestamp": WHEN, "severity": "error", "message": "disk full"},
        {"type": "result", "timestamp": WHEN, "status": "error", "error": {"type": "X", "message": "disk full"}},
    ),
    "pino": log(
        {**PINO, "type": "system"}, {**PINO, "type": "error", "err": {"message": "x"}}, {**PINO, "type": "init"}
    ),
    "chats": log(
        {"type": "message", "role": "user", "content": "hi"},
        {"type": "message", "role": "assistant", "content": "hello"},
    )
    * 5,
    "finetuning": log({"messages": [{"role": "user", "content": "x"}], "metadata": {"source": "web"}}) * 5,
    "a model's answers": log(
        {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 1}},
        {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": []}},
        {"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": 1}}},
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    ),
    "a session kept by Claude Code": log(
        {"type": "user", "message": {"role": "user", "content": "x"}, "sessionId": SESSION, "uuid": "u"},
        {"type": "summary", "summary": "x", "leafUuid": "u"},
    ),
    "go test": log({"Time": WHEN, "Action": "pass", "Package": "x", "Elapsed": 0.1}) * 3,
    "cargo": log(
        {"reason": "compiler-message", "message": {"code": None, "level": "error"}}, {"reason": "build-finished"}
    ),
    "dart test": log(
        {"protocolVersion": "0.1.1", "type": "start", "time": 0},
        {"type": "error", "testID": 1, "error": "boom", "stackTrace": "", "isFailure": True, "time": 9},
        {"type": "done", "success": True, "time": 10},
    ),
    "yarn": log({"type": "step", "data": {"message": "Resolving"}}, {"type": "success", "data": "Saved lockfile."}),
    "terraform": log({"@level": "info", "@message": "x", "type": "apply_complete", "hook": {}}),
    "events of an application": log(
        {"type": "session.started", "data": {"user": 1}, "id": "1", "timestamp": WHEN},
        {"type": "session.error", "data": {"message": "gone"}, "id": "2", "timestamp": WHEN},
        {"type": "user.created", "data": {}, "id": "3"},
        {"type": "tool.used", "data": {}, "id": "4"},
    ),
    "a workflow": log(
        {"type": "turn.started"}, {"type": "turn.failed", "error": {"message": "x"}}, {"type": "turn.completed"}
    ),
    "a socket": log(
        {"type": "token", "token": "Hi"}, {"type": "complete", "total_tokens": 5}, {"type": "error", "error": "x"}
    ),
    "an upload": log(
        {"type": "complete", "success": True}, {"type": "result", "result": "ok"}, {"type": "result", "exitCode": 0}
    ),
    "errors of a web service": log({"session_id": "abc", "error": {"type": "invalid", "message": "no"}}) * 2,
    "answers of a web service": dumps({"response": "ok", "session_id": SESSION, "request": 1}, option=OPT_INDENT_2)
    + b"\n",
    "a package": dumps({"name": "x", "type": "module", "version": "1.0.0"}, option=OPT_INDENT_2) + b"\n",
    "numbers": log(
        1, "null", [], [1, 2], {}, {"type": None}, {"type": 1}, {"type": ["result"]}, {"type": {}}, ["result", {}]
    ),
    "a list": log([{"type": "feature", "id": 1}, {"type": "feature", "id": 2}]),
}
COMMANDS = ((), ("make", "-j8"), ("pytest", "-q"), ("sh", "-c", "npm run build"), ("python", "train.py", "--json"))


@pytest.mark.parametrize("name", STRANGERS)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command) or "no command")
def test_what_is_no_agents_log_is_none(name: str, command: tuple[str, ...]) -> None:
    """Build output, structured logs and datasets are nobody's, so the exit code alone decides."""
    data = STRANGERS[name]
    assert folded(data, command) is None
    assert read_ended(command, len(data), lambda offset, length: data[offset : offset + length]) is None
    assert judged(folded(data, command), 0).status is Status.COMPLETED


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["type", "time", "timestamp", "status", "message", "data", "id", "error", "level", "result"]
            ),
            st.one_of(
                st.sampled_from(["result", "error", "message", "init", "complete", "assistant", "success", WHEN]),
                st.integers(),
                st.none(),
                st.dictionaries(st.sampled_from(["message", "type", "id"]), st.text(max_size=3)),
            ),
        ),
        max_size=8,
    )
)
def test_records_that_share_words_with_agents_are_none(records: list[dict[str, Any]]) -> None:
    """Objects made of the words that agents use too, but not of their shapes, are nobody's."""
    assert folded(b"\n".join(dumps(record, option=0) for record in records if fits(record)) + b"\n") is None


def fits(record: dict[str, Any]) -> bool:
    """Whether every number of a record fits into JSON's 64 bits."""
    return all(not isinstance(value, int) or abs(value) < 2**63 for value in record.values())


EVERY_CAPTURE = b"".join(capture.data for capture in CAPTURES if capture.file.endswith(".jsonl"))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda line: b"    " + line,
        lambda line: b"> " + line,
        lambda line: b"2026-11-22T09:02:18Z DEBUG event " + line,
        lambda line: b"'" + line + b"',",
        lambda line: line + b",",
        lambda line: dumps(line.decode()),
        lambda line: b"[" + dumps(line.decode()) + b"]",
        lambda line: dumps({"type": "log", "line": line.decode()}),
        lambda line: b'{"event":' + line + b"}",
        lambda line: line.replace(b'{"type":', b'{"kind":', 1),
        lambda line: line[:-1] + b" and so on",
    ],
    ids=[
        "indented",
        "cited",
        "logged",
        "in a list",
        "with a comma",
        "a string",
        "listed",
        "told",
        "inside",
        "renamed",
        "cut",
    ],
)
def test_a_quoted_log_is_none(wrap: Any) -> None:
    """Events that do not stand at column 0, whole and alone on their line, are quotes."""
    data = b"".join(wrap(line) + b"\n" for line in EVERY_CAPTURE.splitlines())
    transcript = folded(data)
    assert transcript is None or transcript.verdict is not SUCCESS
    if b"and so on" not in data:  # a line that begins like an agent's and is not whole was cut short
        assert transcript is None


def test_an_example_between_fences_is_none() -> None:
    """In Markdown, what stands between fences is an example; a fence that nobody closes hides nothing for long."""
    example = b"Run it like this:\n```json\n" + log(claude_init(), claude_result()) + b"```\nand read the result.\n"
    assert folded(example) is None
    assert folded(example.replace(b"```json", b"so:").replace(b"```", b"")) is not None
    unclosed = b"```\n" + b"text\n" * 100 + log(claude_init(), claude_result())
    assert known(unclosed).verdict is SUCCESS


QUOTES = EVERY_CAPTURE.decode() + log(claude_init(), claude_result()).decode()
PRETTY = dumps({"session_id": SESSION, "error": {"type": "Error", "message": "quoted"}}, option=OPT_INDENT_2).decode()


def quoting(text: str) -> dict[str, bytes]:
    """The text as every format's agent would say it, or a tool of its give it back, with no final event."""
    part = {"id": "p", "messageID": "m", "sessionID": "ses_1"}
    envelope = {"timestamp": 1, "sessionID": "ses_1"}
    call = {"type": "tool_call", "subtype": "completed", "call_id": "c", "session_id": SESSION}
    said = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    return {
        "claude": log(claude_init(), claude_said(text), {"type": "user", "message": {"role": "user", "content": text}}),
        "codex": log(
            {"type": "thread.started", "thread_id": SESSION},
            {"type": "item.completed", "item": {"id": "i", "type": "agent_message", "text": text}},
            {"type": "item.completed", "item": {"id": "i", "type": "command_execution", "aggregated_output": text}},
        ),
        "gemini": log(
            {"type": "init", "timestamp": WHEN, "session_id": SESSION, "model": "m"},
            {"type": "message", "timestamp": WHEN, "role": "assistant", "content": text},
            {"type": "tool_result", "timestamp": WHEN, "tool_id": "t", "status": "success", "output": text},
        ),
        "opencode": log(
            {"type": "step_start", **envelope, "part": part},
            {"type": "text", **envelope, "part": {**part, "text": text}},
            {"type": "tool_use", **envelope, "part": {**part, "tool": "x", "state": {"output": text}}},
        ),
        "copilot": log({"type": "assistant.message", "data": {"content": text}, "id": "1"}),
        "goose": log({"type": "message", "message": {**said, "created": 1}}),
        "cursor": log(
            {"type": "assistant", "message": said, "session_id": SESSION},
            {**call, "tool_call": {"readToolCall": {"result": {"success": {"content": text}}}}},
        ),
    }


@pytest.mark.parametrize(
    "text", [QUOTES, "\n" + QUOTES, "x\n" + PRETTY + "\n[ERROR] " + PRETTY], ids=["said", "new", "pretty"]
)
@pytest.mark.parametrize("tool", quoting(""))
def test_what_an_agent_quotes_is_not_its_own_word(tool: str, text: str) -> None:
    """Another tool's events inside a string, also after an escaped line break, end nothing and change no tool."""
    transcript = known(quoting(text)[tool])
    assert (transcript.tool, transcript.verdict, transcript.usage or 0) == (tool, NONE, transcript.usage or 0)
    assert (transcript.response or "").endswith(text.strip()[-100:])


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
def test_a_log_cut_in_its_first_event_has_no_result(capture: Any) -> None:
    """A log that breaks off in the event it begins with is an agent's that did not end, even with nothing recorded."""
    start = capture.data.index(b'{\n  "session_id"' if b'{\n  "session_id"' in capture.data else b'{"type"')
    if capture.data[start:].startswith(b'{"type":"error"'):
        return
    transcript = known(capture.data[: start + 62])
    assert (transcript.tool, transcript.verdict) == (capture.tool.removesuffix("-json"), NONE)


def test_a_result_cut_short_is_no_result() -> None:
    """A lone result of which 200 bytes reached the log is known for what it is."""
    data = log(claude_result(result="x" * 1_000))[:200]
    assert (known(data).tool, known(data).verdict) == ("claude", NONE)


def test_noise_around_events_hides_none() -> None:
    """Escapes, script(1), carriage returns, marks and labels around an event leave it one."""
    event, result = log(claude_init()).strip(), log(claude_result()).strip()
    for before, after in (
        (b"\x1b[2K\x1b[1G", b"\x1b[0m"),
        (b"\x1b]0;claude\x07", b""),
        (b"\xef\xbb\xbf", b""),
        (b"^D\x08\x08", b""),
        (b"working 10%\rworking 20%\r", b"\r"),
        (b"\0\0\0", b"\0"),
        (b"", b"   "),
    ):
        data = b"Script started on 2026-11-22\r\n" + before + event + after + b"\r\n" + result + b"\r\nScript done\r\n"
        assert known(data).verdict is SUCCESS, before


def test_objects_are_read_pretty_printed_labelled_and_twice() -> None:
    """An object over many lines counts once it is whole, whatever stands between its lines, and twice is once."""
    pretty = dumps(claude_result(), option=OPT_INDENT_2)
    lines = pretty.splitlines(keepends=True)
    noisy = b"".join(lines[:5]) + b"(node:7) Warning: something\n" + b"".join(lines[5:])
    for data in (
        pretty,
        pretty + b"\n" + pretty,
        b"[ERROR] " + pretty,
        b"{\n  broken\n" + pretty,
        noisy,
        b"}\n{\n" + pretty,
    ):
        assert known(data).verdict is SUCCESS
    assert folded(noisy[: noisy.rindex(b"}")]) is None
    assert folded(pretty.replace(b"\n", b"\n  ")) is None
    error = PLACE / "gemini-json-401.stderr.txt"
    twice = error.read_bytes() + b"[ERROR] " + PRETTY.encode()
    assert known(twice).message == "quoted"


def naive(data: bytes) -> bool:
    """The naive way: a line that speaks of a type that agents write is an agent's."""
    return any(f'"{kind}'.encode() in data for one in FORMATS for kind in one.KINDS if kind)


def test_the_naive_way_would_be_caught() -> None:
    """Most of the strangers, and every quote, would be taken for an agent's by their words alone."""
    assert sum(map(naive, STRANGERS.values())) > len(STRANGERS) / 2
    assert naive(b"> " + EVERY_CAPTURE)
