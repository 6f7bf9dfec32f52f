"""Codex and Gemini CLI, row by row from the tables of their fields."""

from __future__ import annotations

from typing import Any

import pytest

from runboard.model import AgentVerdict, Usage
from tests.agents import SESSION, WHEN, known, log, used

ERROR, SUCCESS, NONE = AgentVerdict.ERROR, AgentVerdict.SUCCESS, AgentVerdict.NONE

THREAD = {"type": "thread.started", "thread_id": SESSION}
TURN = {"type": "turn.started"}
FULL = {
    "input_tokens": 1_200,
    "cached_input_tokens": 1_000,
    "cache_write_input_tokens": 50,
    "output_tokens": 34,
    "reasoning_output_tokens": 12,
}
DONE = {"type": "turn.completed", "usage": FULL}


def item(kind: str, **fields: Any) -> dict[str, Any]:
    """A completed item of Codex's."""
    return {"type": "item.completed", "item": {"id": "item_1", "type": kind, **fields}}


BAD_REQUEST = (
    '{"type":"error","error":{"type":"invalid_request_error","message":"Model is not supported"},"status":400}'
)

CODEX: list[tuple[str, tuple[object, ...], AgentVerdict, str | None]] = [
    ("completed", (THREAD, TURN, item("agent_message", text="Hi."), DONE), SUCCESS, None),
    ("failed", (THREAD, TURN, {"type": "turn.failed", "error": {"message": "boom"}}), ERROR, "boom"),
    (
        "a message that is JSON",
        (THREAD, TURN, {"type": "turn.failed", "error": {"message": BAD_REQUEST}}),
        ERROR,
        "Model is not supported",
    ),
    ("an error and no more", (THREAD, TURN, {"type": "error", "message": "stream cut"}), ERROR, "stream cut"),
    ("only reconnecting", (THREAD, TURN, {"type": "error", "message": "Reconnecting... 1/5 (x)"}), NONE, None),
    ("an error item is a warning", (THREAD, TURN, item("error", message="careful"), DONE), SUCCESS, None),
    ("a turn after the last", (THREAD, TURN, DONE, TURN), NONE, None),
    ("failed, then completed", (THREAD, {"type": "turn.failed", "error": {"message": "a"}}, TURN, DONE), SUCCESS, None),
    ("a failed command is no failed turn", (THREAD, TURN, item("command_execution", exit_code=1), DONE), SUCCESS, None),
]


@pytest.mark.parametrize(("events", "verdict", "message"), [row[1:] for row in CODEX], ids=[row[0] for row in CODEX])
def test_codex(events: tuple[object, ...], verdict: AgentVerdict, message: str | None) -> None:
    """A turn's end decides; errors before it are attempts."""
    transcript = known(log(*events))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("codex", verdict, message)


def test_codex_usage_is_the_threads_total() -> None:
    """Parts that include others are taken apart, and the second turn's totals include the first's."""
    assert known(log(THREAD, TURN, DONE)).usage == used(150, 22, read=1_000, write=50, thought=12)
    later = {"type": "turn.completed", "usage": {"input_tokens": 3_000, "output_tokens": 60}}
    assert known(log(THREAD, TURN, DONE, TURN, later)).usage == used(3_000, 60)
    other = {"type": "thread.started", "thread_id": "other"}
    assert known(log(THREAD, TURN, DONE, other, TURN, later)).usage == used(3_150, 82, read=1_000, write=50, thought=12)


def test_codex_warnings_and_model() -> None:
    """Warnings are items and refusals; the model is in no event, so it is the one asked for."""
    declined = item("command_execution", command="rm -rf /", status="declined")
    transcript = known(
        log(
            THREAD,
            TURN,
            item("error", message="careful"),
            declined,
            {"type": "error", "message": "Reconnecting... 1/5"},
        ),
        ("codex", "exec", "--json", "--model", "gpt-5.1-codex", "do it"),
    )
    assert transcript.warnings == ("careful", "Permission denied: rm -rf /", "Reconnecting... 1/5")
    assert transcript.model == "gpt-5.1-codex"
    assert known(log(THREAD, TURN, {"type": "error", "message": "Reconnecting... 1/5"}, DONE)).warnings == ()


INIT = {"type": "init", "timestamp": WHEN, "session_id": SESSION, "model": "gemini-2.5-pro"}
STATS = {"total_tokens": 1_246, "input_tokens": 1_200, "output_tokens": 34, "cached": 1_000, "input": 200}


def gemini_result(status: str = "success", **fields: Any) -> dict[str, Any]:
    """How Gemini CLI's stream ends."""
    return {"type": "result", "timestamp": WHEN, "status": status, "stats": STATS, **fields}


def gemini_said(text: str, role: str = "assistant") -> dict[str, Any]:
    """A piece of a message in Gemini CLI's stream."""
    return {"type": "message", "timestamp": WHEN, "role": role, "content": text, "delta": True}


TOOL = {"type": "tool_use", "timestamp": WHEN, "tool_name": "shell", "tool_id": "t1", "parameters": {}}
GEMINI: list[tuple[str, tuple[object, ...], AgentVerdict, str | None, str | None]] = [
    (
        "success",
        (gemini_said("q", "user"), gemini_said("Hel"), gemini_said("lo"), gemini_result()),
        SUCCESS,
        None,
        "Hello",
    ),
    (
        "only the last message",
        (gemini_said("I look."), TOOL, gemini_said("Done."), gemini_result()),
        SUCCESS,
        None,
        "Done.",
    ),
    ("error", (gemini_result("error", error={"type": "X", "message": "no quota"}),), ERROR, "no quota", None),
    (
        "an error wrapped twice",
        (gemini_result("error", error={"message": '[API Error: {"error":{"message":"bad key"}}]'}),),
        ERROR,
        "bad key",
        None,
    ),
    (
        "an error told before",
        ({"type": "error", "timestamp": WHEN, "severity": "error", "message": "empty"}, gemini_result("error")),
        ERROR,
        "empty",
        None,
    ),
    ("none", (gemini_said("Hel"),), NONE, None, "Hel"),
    ("a status of the future", (gemini_result("cancelled"),), ERROR, None, None),
]


@pytest.mark.parametrize(
    ("events", "verdict", "message", "response"), [row[1:] for row in GEMINI], ids=[row[0] for row in GEMINI]
)
def test_gemini(events: tuple[object, ...], verdict: AgentVerdict, message: str | None, response: str | None) -> None:
    """The result decides; the answer is what was said since the last tool."""
    transcript = known(log(INIT, *events))
    assert (transcript.verdict, transcript.message, transcript.response) == (verdict, message, response)
    assert (transcript.tool, transcript.model, transcript.session_id) == ("gemini", "gemini-2.5-pro", SESSION)


@pytest.mark.parametrize(
    ("stats", "usage"),
    [
        (STATS, used(200, 34, read=1_000, thought=12)),
        ({"total_tokens": 1_246, "input_tokens": 1_200, "output_tokens": 34}, used(1_200, 34, thought=12)),
        ({"total_tokens": 10, "input_tokens": 7, "output_tokens": 3, "cached": 0}, used(7, 3)),
        ({"total_tokens": 0, "input_tokens": 0, "output_tokens": 0}, None),
        ({"total_tokens": 5}, None),
    ],
)
def test_gemini_usage(stats: dict[str, Any], usage: Usage | None) -> None:
    """What is neither input nor output was thinking; figures that older versions lack are not there."""
    assert known(log(INIT, gemini_result(stats=stats))).usage == usage


def gemini_object(**fields: Any) -> dict[str, Any]:
    """What Gemini CLI prints in json mode."""
    tokens = {
        "input": 200,
        "prompt": 1_200,
        "candidates": 34,
        "total": 1_246,
        "cached": 1_000,
        "thoughts": 12,
        "tool": 0,
    }
    models = {"gemini-2.5-pro": {"api": {}, "tokens": tokens}, "gemini-2.5-flash": {"tokens": {**tokens, "tool": 9}}}
    stats = {"models": models, "tools": {"totalCalls": 0}, "files": {}}
    return {"session_id": SESSION, "response": "Hello.", "stats": stats, **fields}


def test_gemini_object() -> None:
    """The figures of all models are added; an error beside them decides; warnings are kept."""
    transcript = known(log(gemini_object(warnings=["old node"])))
    assert (transcript.verdict, transcript.response, transcript.warnings) == (SUCCESS, "Hello.", ("old node",))
    assert transcript.usage == used(409, 68, read=2_000, thought=24)
    failed = known(log(gemini_object(error={"type": "FatalError", "message": "too many turns", "code": 53})))
    assert (failed.verdict, failed.message) == (ERROR, "too many turns")
    assert known(log({key: value for key, value in gemini_object().items() if key != "session_id"})).verdict is SUCCESS


def test_gemini_object_without_an_answer_is_no_success() -> None:
    """An empty answer is an error, unless tools were used."""
    assert known(log(gemini_object(response=""))).message == "The model returned an empty response"
    stats = {**gemini_object()["stats"], "tools": {"totalCalls": 2}}
    assert known(log(gemini_object(response="", stats=stats))).verdict is SUCCESS
