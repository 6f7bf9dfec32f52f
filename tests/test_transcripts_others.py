"""OpenCode, Copilot, goose and aider, row by row from the tables of their fields."""

from __future__ import annotations

from typing import Any

import pytest

from runboard.model import AgentVerdict, Reason, Status, Usage
from tests.agents import SESSION, WHEN, folded, judged, known, log, used

ERROR, SUCCESS, NONE = AgentVerdict.ERROR, AgentVerdict.SUCCESS, AgentVerdict.NONE

NAME = "ses_dfd842914ffeAlZstyb4qvQ0ae"


def opencode(kind: str, part: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """An event of OpenCode's."""
    told = {"part": {"id": "prt_1", "messageID": "msg_1", "sessionID": NAME, **part}} if part is not None else {}
    return {"type": kind, "timestamp": 1_795_338_001_543, "sessionID": NAME, **told, **fields}


START = opencode("step_start", {"type": "step-start"})


def finish(reason: str, **fields: Any) -> dict[str, Any]:
    """The end of a step of OpenCode's."""
    tokens = {"total": 1_234, "input": 200, "output": 22, "reasoning": 12, "cache": {"write": 5, "read": 1_000}}
    return opencode(
        "step_finish", {"type": "step-finish", "reason": reason, "tokens": tokens, "cost": 0.0005, **fields}
    )


def said(text: str) -> dict[str, Any]:
    """A text of OpenCode's."""
    return opencode("text", {"type": "text", "text": text})


API_ERROR = opencode("error", error={"name": "APIError", "data": {"message": "bad key", "statusCode": 401}})
OPENCODE: list[tuple[str, tuple[object, ...], AgentVerdict, str | None, str | None]] = [
    ("stop", (START, said("one"), said("two"), finish("stop")), SUCCESS, None, "one\ntwo"),
    ("tools are asked for", (START, said("I look."), finish("tool-calls")), NONE, None, "I look."),
    ("a second step", (START, said("a"), finish("tool-calls"), START, said("b"), finish("stop")), SUCCESS, None, "b"),
    ("a second step without end", (START, finish("stop"), START), NONE, None, None),
    ("cut at the limit", (START, finish("length")), ERROR, "The answer was cut at the output limit", None),
    ("a reason of the future", (START, finish("other")), SUCCESS, None, None),
    ("an error", (API_ERROR,), ERROR, "bad key", None),
    ("an error as text", (opencode("error", error="Session not found"),), ERROR, "Session not found", None),
    ("an error after the answer", (START, finish("stop"), API_ERROR), ERROR, "bad key", None),
    ("a name and no message", (opencode("error", error={"name": "MessageAbortedError", "data": {}}),), ERROR,
     "MessageAbortedError", None),
    ("done follows", (START, said("a"), finish("stop"), opencode("done", reason="idle")), SUCCESS, None, "a"),
    ("done alone ends nothing", (START, opencode("done", reason="idle")), NONE, None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("events", "verdict", "message", "response"), [row[1:] for row in OPENCODE], ids=[row[0] for row in OPENCODE]
)
def test_opencode(events: tuple[object, ...], verdict: AgentVerdict, message: str | None, response: str | None) -> None:
    """The last step's end decides, or the error after it."""
    transcript = known(log(*events))
    assert (transcript.verdict, transcript.message, transcript.response) == (verdict, message, response)
    assert (transcript.tool, transcript.session_id) == ("opencode", NAME)


def test_opencode_sums_its_steps() -> None:
    """Steps are exclusive, so they add up, while it runs too; dust of binary fractions is swept."""
    steps = [START, finish("tool-calls")] * 3
    usage = used(600, 66, read=3_000, write=15, thought=36, cost=0.0015)
    assert known(log(*steps), ended=False).usage == usage
    assert known(log(*steps, START, finish("stop", tokens={}, cost=None))).usage == usage


def test_opencode_refusals() -> None:
    """Refused permissions are told in plain text, or at the end."""
    text = "!  permission requested: bash (rm -rf build); auto-rejecting"
    assert known(log(START, text)).warnings == ("Permission denied: bash (rm -rf build)",)
    assert known(log(START, opencode("done", rejected=[{}, {}]))).warnings == (
        "2 requests for permission were rejected",
    )


def copilot(kind: str, **data: Any) -> dict[str, Any]:
    """An event of Copilot CLI's."""
    return {"type": kind, "data": data, "id": "1", "timestamp": WHEN, "parentId": None}


def copilot_result(code: int) -> dict[str, Any]:
    """How Copilot CLI ends."""
    usage = {"premiumRequests": 1, "totalApiDurationMs": 1_748, "sessionDurationMs": 4_000}
    return {"type": "result", "timestamp": WHEN, "sessionId": SESSION, "exitCode": code, "usage": usage}


QUOTA = copilot("session.error", errorType="quota", message="You have no quota", statusCode=402)
MESSAGE = copilot("assistant.message", messageId="m", content="All set.", model="gpt-5-mini", outputTokens=7)
COPILOT: list[tuple[str, tuple[object, ...], AgentVerdict, str | None]] = [
    ("exit code 0", (MESSAGE, copilot_result(0)), SUCCESS, None),
    ("exit code 1 after an error", (MESSAGE, QUOTA, copilot_result(1)), ERROR, "You have no quota"),
    ("exit code 1 and no word", (MESSAGE, copilot_result(1)), ERROR, "Ended with exit code 1"),
    ("an error that was overcome", (QUOTA, MESSAGE, copilot_result(0)), SUCCESS, None),
    ("an error and no result", (MESSAGE, QUOTA), ERROR, "You have no quota"),
    ("no result", (MESSAGE,), NONE, None),
    ("a lone result", (copilot_result(0),), SUCCESS, None),
]


@pytest.mark.parametrize(
    ("events", "verdict", "message"), [row[1:] for row in COPILOT], ids=[row[0] for row in COPILOT]
)
def test_copilot(events: tuple[object, ...], verdict: AgentVerdict, message: str | None) -> None:
    """The exit code in the result decides; the session's last error says why."""
    transcript = known(log(*events))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("copilot", verdict, message)
    if MESSAGE in events:
        assert (transcript.response, transcript.model) == ("All set.", "gpt-5-mini")


def test_copilot_usage() -> None:
    """Messages tell how long they are; only the session's end tells the rest."""
    assert known(log(MESSAGE, MESSAGE)).usage == Usage(output_tokens=14)
    figures = {"inputTokens": 1_200, "outputTokens": 34, "cacheReadTokens": 1_000, "cacheWriteTokens": 0}
    metrics = {"gpt-5-mini": {"usage": figures}, "gpt-5": {"usage": figures}}
    ended = copilot("session.shutdown", modelMetrics=metrics)
    assert known(log(MESSAGE, ended, copilot_result(0))).usage == used(400, 68, read=2_000)


def goose(text: str, name: str = "a", role: str = "assistant") -> dict[str, Any]:
    """A message of goose's."""
    content = [{"type": "text", "text": text}]
    return {"type": "message", "message": {"id": name, "role": role, "created": 1_795_338_001, "content": content}}


COMPLETE = {
    "type": "complete",
    "total_tokens": 1_290,
    "input_tokens": 1_234,
    "output_tokens": 56,
    "cache_read_input_tokens": 1_000,
    "cache_write_input_tokens": 0,
    "cost_usd": 0.01,
}
NOTHING = {"type": "complete", "total_tokens": None, "input_tokens": None, "output_tokens": None}
CAUGHT = "Ran into this error: Authentication error: no key.\n\nPlease retry if you think this is transient."
CREDITS = {"type": "systemNotification", "notificationType": "creditsExhausted", "msg": "Credits are gone"}
NO_CREDITS = {"type": "message", "message": {"role": "assistant", "created": 1, "content": [CREDITS]}}
GOOSE: list[tuple[str, tuple[object, ...], AgentVerdict, str | None, str | None]] = [
    ("pieces of one message", (goose("q", "u", "user"), goose("Hel"), goose("lo"), COMPLETE), SUCCESS, None, "Hello"),
    ("complete after an error", (goose("a"), {"type": "error", "error": "boom"}, NOTHING), ERROR, "boom", "a"),
    ("an error and no more", (goose("a"), {"type": "error", "error": "boom"}), ERROR, "boom", "a"),
    ("an error in the model's name", (goose(CAUGHT), COMPLETE), ERROR, "Authentication error: no key.", CAUGHT),
    ("such an error overcome", (goose(CAUGHT), goose("Done.", "b"), COMPLETE), SUCCESS, None, "Done."),
    ("the words as a quote", (goose("It said: " + CAUGHT), COMPLETE), SUCCESS, None, "It said: " + CAUGHT),
    ("no credits", (NO_CREDITS, NOTHING), ERROR, "Credits are gone", None),
    ("no end", (goose("a"),), NONE, None, "a"),
]


@pytest.mark.parametrize(
    ("events", "verdict", "message", "response"), [row[1:] for row in GOOSE], ids=[row[0] for row in GOOSE]
)
def test_goose(events: tuple[object, ...], verdict: AgentVerdict, message: str | None, response: str | None) -> None:
    """Complete is a success only if no error was the last word before it."""
    transcript = known(log(*events))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("goose", verdict, message)
    assert transcript.response == response


def test_goose_usage_and_object() -> None:
    """Input includes the cache; the json mode's one object is read like the stream."""
    usage = used(234, 56, read=1_000, cost=0.01)
    assert known(log(goose("a"), COMPLETE)).usage == usage
    metadata = {key: value for key, value in COMPLETE.items() if key != "type"}
    whole = {"messages": [goose("Hello")["message"]], "metadata": {**metadata, "status": "completed"}}
    transcript = known(log(whole))
    assert (transcript.tool, transcript.verdict, transcript.response) == ("goose", SUCCESS, "Hello")
    assert transcript.usage == usage


BANNER = ("Aider v0.86.1", "Main model: gpt-4o with diff edit format", "Git repo: .git with 3 files", "")
SPENT = "Tokens: 4.2k sent, 1.1k received. Cost: $0.02 message, $0.05 session."
AIDER: list[tuple[str, tuple[str, ...], Usage | None]] = [
    ("one answer", (SPENT,), used(4_200, 1_100, cost=0.05)),
    ("two answers", (SPENT, SPENT.replace("0.05", "0.07")), used(8_400, 2_200, cost=0.07)),
    ("no price", ("Tokens: 850 sent, 12 received.",), used(850, 12)),
    ("older numbers", ("Tokens: 1,234 sent, 56 received. Cost: $0.0012 message, $0.0012 session.",),
     used(1_234, 56, cost=0.0012)),
    ("caches", ("Tokens: 12k sent, 3.0k cache write, 8.0k cache hit, 1.1k received.",
                "Cost: $0.02 message, $0.05 session."), used(1_000, 1_100, read=8_000, write=3_000, cost=0.05)),
    ("sent without the cache", ("Tokens: 1.0k sent, 8.0k cache hit, 500 received.",), used(1_000, 500, read=8_000)),
    ("another session", (SPENT, *BANNER, SPENT), used(8_400, 2_200, cost=0.1)),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "usage"), [row[1:] for row in AIDER], ids=[row[0] for row in AIDER])
def test_aider_usage(lines: tuple[str, ...], usage: Usage | None) -> None:
    """Every answer's tokens are added; the cost is the session's."""
    transcript = known(log(*BANNER, "I fix it.", "", *lines))
    assert (transcript.tool, transcript.verdict, transcript.usage) == ("aider", SUCCESS, usage)


def test_aider_answer_and_model() -> None:
    """The answer is what stands between the head and the line of tokens, blank lines and JSON included."""
    lines = ("I fix it.", "", "calc.py", "```json", '{"type":"result","subtype":"success"}', "```", "")
    transcript = known(log(*BANNER, *lines, SPENT, "Applied edit to calc.py", "Commit 1a2b fix: add"))
    assert transcript.response == "\n".join(lines).strip()
    assert transcript.model == "gpt-4o"


def test_aider_errors() -> None:
    """An error of the model's library that nothing follows is the end; one that was overcome is not."""
    error = "litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key"
    failed = known(log(*BANNER, error, "The API provider is not able to authenticate you."))
    assert (failed.verdict, failed.message) == (ERROR, error.removeprefix("litellm."))
    assert known(log(*BANNER, error, "Retrying in 0.2 seconds...", "ok", SPENT)).verdict is SUCCESS
    assert known(log(*BANNER, "ok", SPENT, error)).verdict is ERROR
    stopped = known(log(*BANNER, "I beg", "^C KeyboardInterrupt"))
    assert (stopped.verdict, judged(stopped, 0).reason) == (ERROR, Reason.AGENT_ERROR)


def test_aider_without_an_answer() -> None:
    """A session that was asked something and has no answer has no result; one that only commits ends as it exits."""
    data = log(*BANNER, "Commit 1a2b fix: add")
    for command in ((), ("aider", "--message", "fix it"), ("aider", "-m", "fix it"), ("aider", "--message=fix")):
        assert judged(known(data, command), 0).status is Status.FAILED
    assert folded(data, ("aider", "--commit")) is None
    assert known(data, ("aider", "--commit"), ended=False).verdict is NONE
