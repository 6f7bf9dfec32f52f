"""Nothing in a log raises: wrong types in every field, depth, size, broken bytes; what it holds comes out clean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import dumps, loads

from runboard.model import AgentVerdict, Transcript
from runboard.transcripts import Folding
from runboard.transcripts.folding import FORMATS
from runboard.transcripts.lines import LINE_MOST
from runboard.transcripts.readable import lines_for_reading
from tests.agents import CAPTURES, SESSION, WHEN, claude_init, claude_result, claude_said, folded, known, log

BIG = 2**63 - 1
JUNK: tuple[object, ...] = (
    None, True, 0, -1, 1.5, BIG, 1e308, "", "x", "\ud7ff\u202e\x1b[31m", [], [1], [[]], {}, {"a": 1}, {"type": []},
)  # fmt: skip


def sessions() -> dict[str, list[Any]]:
    """A session of every format that is JSON, each with many kinds of its events."""
    part = {"id": "p", "messageID": "m", "sessionID": "ses_1", "type": "x"}
    step = {"reason": "stop", "tokens": {"input": 1, "output": 2, "cache": {"read": 1, "write": 1}}, "cost": 0.1}
    envelope = {"timestamp": 1, "sessionID": "ses_1"}
    goose_parts = [
        {"type": "text", "text": "t"},
        {"type": "toolRequest", "toolCall": {"value": {"name": "n", "arguments": {"command": "c"}}}},
        {"type": "toolResponse", "toolResult": {"status": "success", "value": {"content": [{"text": "o"}]}}},
    ]
    complete = {"type": "complete", "total_tokens": 3, "input_tokens": 2, "output_tokens": 1, "cost_usd": 0.1}
    captured = {capture.file: [loads(line) for line in capture.data.splitlines()] for capture in CAPTURES
                if capture.file in {"codex-tool.jsonl", "gemini-tool.jsonl", "opencode-tool.jsonl"}}  # fmt: skip
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1, "utilization": 0.5}}
    use = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}
    answered = {"type": "tool_result", "is_error": True, "content": "Claude requested permissions to use Bash"}
    message = {**claude_said("x")["message"], "content": [use]}
    return {
        **captured,
        "claude": [
            claude_init(),
            claude_said("x"),
            {**claude_said("x"), "message": message},
            {"type": "user", "message": {"role": "user", "content": [answered]}},
            limit,
            {"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 2},
            claude_result(
                modelUsage={"m": {"inputTokens": 1, "outputTokens": 2, "costUSD": 0.1}},
                permission_denials=[{"tool_name": "Bash"}],
            ),
            claude_result(subtype="error_max_turns", errors=["e"], api_error_status=429),
        ],
        "cursor": [
            {"type": "assistant", "message": {"role": "assistant", "content": [{"text": "x"}]}, "session_id": "s"},
            {"type": "tool_call", "subtype": "completed", "call_id": "c", "tool_call": {"readToolCall": {"args": {}}}},
            {"type": "result", "subtype": "success", "is_error": False, "session_id": "s", "request_id": "r"},
        ],
        "gemini-json": [
            {"session_id": SESSION, "response": "r", "warnings": ["w"], "error": {"type": "E", "message": "m"},
             "stats": {"models": {"m": {"tokens": {"prompt": 1, "candidates": 2}}}, "tools": {"totalCalls": 1}}},
        ],
        "gemini-errors": [
            {"type": "init", "timestamp": WHEN, "session_id": SESSION, "model": "m"},
            {"type": "error", "timestamp": WHEN, "severity": "error", "message": "m"},
            {"type": "result", "timestamp": WHEN, "status": "error", "error": {"message": "m"}, "stats": {}},
        ],
        "opencode": [
            {"type": "step_start", **envelope, "part": part},
            {"type": "step_finish", **envelope, "part": {**part, **step}},
            {"type": "error", **envelope, "error": {"name": "n", "data": {"message": "m"}}},
            {"type": "done", **envelope, "rejected": [{}]},
        ],
        "copilot": [
            {"type": "session.start", "data": {"sessionId": "s", "copilotVersion": "1", "selectedModel": "m"}},
            {"type": "assistant.message", "data": {"content": "c", "outputTokens": 1, "toolRequests": [{"name": "n"}]}},
            {"type": "session.error", "data": {"errorType": "e", "message": "m"}},
            {"type": "session.shutdown", "data": {"modelMetrics": {"m": {"usage": {"inputTokens": 1}}}}},
            {"type": "result", "sessionId": "s", "exitCode": 1, "usage": {"premiumRequests": 1}},
        ],
        "goose": [
            {"type": "message", "message": {"id": "1", "role": "assistant", "created": 1, "content": goose_parts}},
            {"type": "error", "error": "e"},
            complete,
            {"messages": [{"role": "assistant", "content": goose_parts}], "metadata": {**complete, "status": "done"}},
        ],
    }  # fmt: skip


def paths(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every field of a value, itself included."""
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*at, index))


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    """The value with something else at the end of a way."""
    if not path:
        return new
    inner = replaced(value[path[0]], path[1:], new)
    if isinstance(value, dict):
        return {**value, path[0]: inner}
    return [inner if index == path[0] else one for index, one in enumerate(value)]


def assert_sound(data: bytes) -> Transcript | None:
    """A log folded and asked at every turn, its transcript made only of clean words and sound numbers."""
    folding = Folding()
    folding.feed(data)
    folding.transcript(ended=False)
    transcript = folding.transcript(ended=True)
    if transcript is not None:
        assert transcript.verdict in AgentVerdict
        words = [transcript.tool, transcript.message, transcript.model, transcript.session_id, *transcript.warnings]
        assert all(
            word is None or (isinstance(word, str) and word.isprintable() and len(word) <= 520) for word in words
        )
        assert transcript.response is None or "\x1b" not in transcript.response
        dumps(transcript, default=tuple)
    return transcript


@pytest.mark.parametrize("name", sessions())
def test_junk_in_any_field_raises_nothing(name: str) -> None:
    """Whatever stands in a field, in a session or in a line read by itself, is taken or passed over."""
    events = sessions()[name]
    for at, event in enumerate(events):
        for path in paths(event):
            for junk in JUNK:
                broken = replaced(event, path, junk)
                assert_sound(log(*events[:at], broken, *events[at + 1 :]))
                lines_for_reading(dumps(broken))


@pytest.mark.parametrize("name", sessions())
def test_depth_in_any_field_raises_nothing(name: str) -> None:
    """A value nested as deep as a parser goes is taken or passed over, also where the log is still written."""
    deep: Any = "x"
    for level in range(240):
        deep = {"a": deep, "type": "text", "message": "m"} if level % 2 else [deep]
    for at, event in enumerate(events := sessions()[name]):
        for path in paths(event):
            broken = replaced(event, path, deep)
            assert_sound(log(*events[:at], broken, *events[at + 1 :], '{"type":'))
            lines_for_reading(dumps(broken))


def test_objects_that_are_too_deep_are_no_events() -> None:
    """What the parser refuses for its depth is noise."""
    deep = b'{"type":"result","a":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n"
    assert known(log(claude_init()) + deep).verdict is AgentVerdict.NONE
    assert lines_for_reading(deep) is None


def test_numbers_that_are_none_are_not_there() -> None:
    """Negative, broken or enormous numbers are no counts; an event with what is no JSON number is no event."""
    result = log(claude_result(total_cost_usd=None, usage={"input_tokens": 4321}))
    for number in (b"-5", b"9" * 30, b"1e300", b"1.5", b'"7"', b"true", b"{}"):
        transcript = known(log(claude_init()) + result.replace(b"4321", number))
        assert (transcript.usage, transcript.verdict) == (None, AgentVerdict.SUCCESS)
    for number in (b"NaN", b"-Infinity", b"1e999"):
        assert known(log(claude_init()) + result.replace(b"4321", number)).verdict is AgentVerdict.NONE


def test_sums_of_the_largest_numbers_can_be_written() -> None:
    """However often the largest count is told, what comes of it still fits into JSON."""
    most = {"input_tokens": 2**53 - 1, "output_tokens": 2**53 - 1}
    transcript = known(log(claude_init(), *(claude_said("x", None, most) for _ in range(2_000))))
    assert dumps(transcript, default=tuple)
    assert transcript.usage is not None
    assert transcript.usage.total_tokens == BIG


def test_lines_of_megabytes_are_read_and_beyond_the_limit_dropped() -> None:
    """A line of 5 MB is an event; one beyond the limit is none, however it is cut, and what follows it is read."""
    image = {"type": "user", "message": {"role": "user", "content": [{"type": "image", "data": "i" * 5_000_000}]}}
    data = log(claude_init(), image, claude_said("s" * 5_000_000), claude_result())
    assert known(data).verdict is AgentVerdict.SUCCESS
    huge = log(claude_result(result="r" * LINE_MOST))
    for rest, verdict in ((b"", AgentVerdict.NONE), (log(claude_result()), AgentVerdict.SUCCESS)):
        whole = log(claude_init()) + huge + rest
        folding = Folding()
        for at in range(0, len(whole), 7 << 20):
            folding.feed(whole[at : at + (7 << 20)])
        assert folding.transcript(ended=True) == folded(whole)
        assert known(whole).verdict is verdict


def test_broken_text_is_mended() -> None:
    """Bad UTF-8 and halves of surrogate pairs, which JavaScript writes, do not hide the event they stand in."""
    result = log(claude_result(result="cut here: HALF"))
    for broken in (b"\xff\xfe", b"\xe2\x82", rb"\ud83d", rb"\ude00", rb"\ud83dx\ude00", rb"\\ud83d \ud83d"):
        transcript = known(log(claude_init()) + result.replace(b"HALF", broken + b" end"))
        assert transcript.verdict is AgentVerdict.SUCCESS
        assert "\ufffd" in (transcript.response or "")
        (transcript.response or "").encode()
    whole = known(result.replace(b"HALF", rb"\ud83d\ude00 \\ud83d"))
    assert whole.response == "cut here: \U0001f600 \\ud83d"


def test_texts_come_out_clean() -> None:
    """Escapes and controls leave messages, names and answers; the answer keeps its lines and its letters."""
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31mred\x00\x08\u202eabc"
    transcript = known(
        log(claude_init(model=evil, session_id=evil), claude_result(is_error=True, result=evil, session_id=evil))
    )
    assert (transcript.message, transcript.model) == ("red\ufffdabc", "red\ufffdabc")
    answer = known(log(claude_init(), claude_result(result=f"{evil}\r\nनमस्ते 👩‍👩‍👧\tx\n"))).response
    assert answer == "red\u202eabc\nनमस्ते 👩‍👩‍👧\tx"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([c.data for c in CAPTURES])), max_size=5))
def test_any_bytes_raise_nothing(pieces: list[bytes]) -> None:
    """Noise of any kind before, between and after captures is read without an exception."""
    assert_sound(b"".join(pieces))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CAPTURES), st.data())
def test_damaged_captures_raise_nothing(capture: Any, data: st.DataObject) -> None:
    """Bytes changed, removed or put in anywhere are read without an exception."""
    raw = bytearray(capture.data)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b"\n", b"\r", b"{", b"}", b'"', b"\x1b[", b"null"]))
        )
    assert_sound(bytes(raw))
    for line in bytes(raw).splitlines():
        assert all("\x1b" not in piece.text for piece in lines_for_reading(line) or ())


def test_every_format_is_tried() -> None:
    """The sessions above are of every format that is JSON, so no fold is left out."""
    tried = set()
    for events in sessions().values():
        folding = Folding()
        folding.feed(log(*events))
        tried.add(type(folding.fold))
    assert tried == {one for one in FORMATS if one.KINDS}
