"""Claude Code and its like, from the tables of their fields: which result is a success, what it says, what it took."""

from __future__ import annotations

from typing import Any

import pytest

from runboard.model import AgentVerdict, Reason, Status
from tests.agents import SESSION, claude_init, claude_result, claude_said, judged, known, log, used

ERROR, SUCCESS, NONE = AgentVerdict.ERROR, AgentVerdict.SUCCESS, AgentVerdict.NONE

RESULTS: list[tuple[str, dict[str, Any], AgentVerdict, str | None]] = [
    ("success", {}, SUCCESS, None),
    (
        "an API error with subtype success",
        {"is_error": True, "result": "API Error: 529 overloaded", "terminal_reason": "completed"},
        ERROR,
        "API Error: 529 overloaded",
    ),
    (
        "with its HTTP status",
        {"is_error": True, "result": "Invalid API key · Please run /login", "api_error_status": 401},
        ERROR,
        "Invalid API key · Please run /login (HTTP 401)",
    ),
    (
        "turn limit",
        {"subtype": "error_max_turns", "result": None, "errors": ["Reached maximum number of turns (30)"]},
        ERROR,
        "Reached maximum number of turns (30)",
    ),
    (
        "turn limit without a list, and is_error false as older versions write",
        {"subtype": "error_max_turns", "result": None},
        ERROR,
        "Reached the maximum number of turns",
    ),
    (
        "several errors",
        {"subtype": "error_during_execution", "is_error": True, "result": None, "errors": ["one", "two", 3]},
        ERROR,
        "one; two",
    ),
    (
        "budget",
        {"subtype": "error_max_budget_usd", "is_error": True, "result": None, "errors": []},
        ERROR,
        "Reached the maximum budget",
    ),
    ("a subtype of the future", {"subtype": "error_new", "result": None}, ERROR, "Ended with error_new"),
    (
        "usage limit with an epoch",
        {"is_error": True, "result": "Claude AI usage limit reached|1755806400"},
        ERROR,
        "Claude AI usage limit reached, resets 2025-08-21 20:00 UTC",
    ),
    ("is_error of a wrong type", {"is_error": "yes"}, ERROR, "All done."),
    ("no is_error", {"is_error": None}, SUCCESS, None),
    ("no subtype", {"subtype": None}, SUCCESS, None),
]


@pytest.mark.parametrize(
    ("fields", "verdict", "message"), [row[1:] for row in RESULTS], ids=[row[0] for row in RESULTS]
)
def test_a_result_is_what_its_fields_say(fields: dict[str, Any], verdict: AgentVerdict, message: str | None) -> None:
    """Subtype and is_error decide together; the message is the most telling field."""
    transcript = known(log(claude_init(), claude_said("I look."), claude_result(**fields)))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("claude", verdict, message)
    assert (transcript.session_id, transcript.model) == (SESSION, "claude-sonnet-5")
    assert transcript.response == ("All done." if verdict is SUCCESS else "I look.")


@pytest.mark.parametrize("row", [row for row in RESULTS if row[1].get("subtype", "") not in {None, "error_new"}])
def test_a_lone_result_is_known_by_its_fields(row: tuple[str, dict[str, Any], AgentVerdict, str | None]) -> None:
    """The json mode's only line, or a failed resume's, needs no opening before it."""
    _, fields, verdict, message = row
    transcript = known(log("npm warn something", claude_result(**fields)))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("claude", verdict, message)


def test_an_error_stands_whatever_the_exit_code() -> None:
    """A result that says error fails the run with exit code 0 as with 1; a success does not hide exit code 1."""
    failed = known(log(claude_result(is_error=True, result="API Error: 500")))
    for code in (0, 1):
        outcome = judged(failed, code)
        assert (outcome.status, outcome.reason, outcome.error) == (Status.FAILED, Reason.AGENT_ERROR, "API Error: 500")
    assert judged(known(log(claude_result())), 1).error == "Exited with code 1 after a success result"


def test_the_last_result_counts_and_messages_may_follow_it() -> None:
    """Several results are several turns; what the program says of itself afterwards takes nothing back."""
    turns = (claude_result(result="one", total_cost_usd=0.1), claude_result(result="two", total_cost_usd=0.3))
    after = {"type": "system", "subtype": "informational", "session_id": SESSION, "uuid": "u"}
    transcript = known(log(claude_init(), *turns, after, after))
    assert (transcript.verdict, transcript.response) == (SUCCESS, "two")
    assert transcript.usage is not None
    assert transcript.usage.cost == 0.3


def test_a_turn_that_begins_after_a_result_needs_its_own() -> None:
    """An opening after the result begins another turn, and the run ended before its result."""
    transcript = known(log(claude_init(), claude_result(), claude_init(), claude_said("Now the next.", "msg_2")))
    assert (transcript.verdict, judged(transcript, 143).error) == (NONE, "Ended without a result (exit code 143)")


def test_a_resumed_session_is_paid_once_and_two_sessions_twice() -> None:
    """Figures of one session are cumulative; those of another add to them."""
    one, other = claude_result(), claude_result(session_id="another")
    assert known(log(claude_init(), one, claude_init(), one)).usage == used(10, 20, read=300, cost=0.42)
    both = known(log(claude_init(), one, claude_init(session_id="another"), other))
    assert both.usage == used(20, 40, read=600, cost=0.84)


MODELS = {
    "claude-sonnet-5": {
        "inputTokens": 100,
        "outputTokens": 50,
        "cacheReadInputTokens": 4_000,
        "cacheCreationInputTokens": 300,
        "thinkingTokens": 20,
        "costUSD": 0.25,
        "contextWindow": 200_000,
    },
    "claude-haiku-5": {"inputTokens": 7, "outputTokens": 3, "cacheReadInputTokens": 0, "costUSD": 0.05},
}
FIGURES: list[tuple[str, dict[str, Any], object]] = [
    ("all models", {"modelUsage": MODELS}, used(107, 33, read=4_000, write=300, thought=20, cost=0.42)),
    ("models without a total", {"modelUsage": MODELS, "total_cost_usd": None},
     used(107, 33, read=4_000, write=300, thought=20, cost=0.3)),
    ("no models", {"modelUsage": {}}, used(10, 20, read=300, cost=0.42)),
    ("the older name of the cost", {"total_cost_usd": None, "total_cost": 0.11}, used(10, 20, read=300, cost=0.11)),
    ("nothing told but the cost", {"usage": {}}, used(cost=0.42)),
    ("nothing used", {"usage": {"input_tokens": 0, "output_tokens": 0}, "total_cost_usd": 0}, None),
    (
        "the cache written",
        {"usage": {"input_tokens": 193, "cache_read_input_tokens": 4_940_732, "cache_creation_input_tokens": 5,
                   "output_tokens": 9}},
        used(193, 9, read=4_940_732, write=5, cost=0.42),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "usage"), [row[1:] for row in FIGURES], ids=[row[0] for row in FIGURES])
def test_usage_is_that_of_all_models_where_it_is_told(fields: dict[str, Any], usage: object) -> None:
    """The usage of all models is preferred to the main loop's usage; what is not told is not there."""
    assert known(log(claude_result(**fields))).usage == usage


def test_usage_so_far_counts_each_message_once() -> None:
    """While it runs, messages are added up; one told block by block takes its own place, also between others'."""
    first = {"input_tokens": 4, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7}
    blocks = [claude_said("a", "m1", first), claude_said("b", "m1", {**first, "output_tokens": 30})]
    side = claude_said("side", "m2", {"input_tokens": 2, "output_tokens": 2}, parent_tool_use_id="toolu_1")
    data = log(claude_init(), blocks[0], side, blocks[1])
    transcript = known(data, ended=False)
    assert transcript.usage == used(6, 32, read=100, write=7)
    assert (transcript.verdict, transcript.response) == (NONE, "ab")
    assert known(data + log(claude_result())).usage == used(10, 20, read=300, cost=0.42)


def test_a_message_that_is_an_error_is_the_last_word_only_if_nothing_follows() -> None:
    """An error told as a message ends a log that goes on no further, and no other."""
    failed = claude_said("API Error: 401 Invalid bearer token", error="authentication_failed")
    assert known(log(claude_init(), failed)).message == "API Error: 401 Invalid bearer token"
    assert known(log(claude_init(), failed, claude_said("ok", "m2"))).verdict is NONE


RATE = {"status": "rejected", "rateLimitType": "five_hour", "resetsAt": 1_790_902_800}
WARNINGS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("limit reached", {"type": "rate_limit_event", "rate_limit_info": RATE},
     ("Rate limit reached (five hour), resets 2026-10-02 01:00 UTC",)),
    ("limit near", {"type": "rate_limit_event",
                    "rate_limit_info": {**RATE, "status": "allowed_warning", "utilization": 0.92}},
     ("Rate limit is near (five hour, 92% used), resets 2026-10-02 01:00 UTC",)),
    ("all is allowed", {"type": "rate_limit_event", "rate_limit_info": {**RATE, "status": "allowed"}}, ()),
    ("odd times", {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 10**18}},
     ("Rate limit reached",)),
    ("retry", {"type": "system", "subtype": "api_retry", "attempt": 2, "max_retries": 10, "retry_delay_ms": 500},
     ("The API is tried again (2 of 10)",)),
    ("denied while it runs", {"type": "user", "message": {"role": "user", "content": [
        {"type": "tool_result", "is_error": True,
         "content": "Claude requested permissions to use Bash, but you haven't granted it yet."}]}},
     ("Claude requested permissions to use Bash",)),
    ("the same words from a tool", {"type": "user", "message": {"role": "user", "content": [
        {"type": "tool_result", "content": "grep: Claude requested permissions to use Bash"}]}}, ()),
    ("denials", claude_result(permission_denials=[
        {"tool_name": "Bash", "tool_use_id": "t", "tool_input": {}}, {"tool_name": "Write"}, {"tool_name": "Bash"}]),
     ("3 tool uses were denied permission: Bash, Write",)),
    ("one denial", claude_result(permission_denials=["Bash"]), ("A tool use was denied permission: Bash",)),
]  # fmt: skip


@pytest.mark.parametrize(("event", "warnings"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS])
def test_warnings_are_told_in_words(event: dict[str, Any], warnings: tuple[str, ...]) -> None:
    """Limits, retries and refusals are warnings, with the time a limit ends; what is allowed is none."""
    assert known(log(claude_init(), event), ended=False).warnings == warnings


def test_a_warning_that_is_over_is_gone() -> None:
    """A limit that is allowed again, and a retry that was answered, warn no more."""
    limit = {"type": "rate_limit_event", "rate_limit_info": RATE}
    allowed = {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}}
    retry = {"type": "system", "subtype": "api_retry", "attempt": 1}
    assert known(log(claude_init(), limit, retry, allowed, claude_said("ok"))).warnings == ()


def test_a_list_of_all_messages_is_read_as_they_are() -> None:
    """--output-format json --verbose prints the messages as one list; cut short, it is no success."""
    data = log([claude_init(), claude_said("I look."), claude_result()])
    assert (known(data).verdict, known(data).response) == (SUCCESS, "All done.")
    assert known(log(claude_init()) + data[:-3]).verdict is NONE


AMP_SESSION = "T-019e47a8-5090-7538-9035-f2fde26859b7"
AMP_SAID: dict[str, Any] = {
    "type": "assistant",
    "message": {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "4"}],
        "usage": {"input_tokens": 4, "cache_creation_input_tokens": 38_033, "output_tokens": 4},
    },
    "parent_tool_use_id": None,
    "session_id": AMP_SESSION,
}
AMP_RESULT = {"type": "result", "subtype": "success", "duration_ms": 2_956, "is_error": False, "num_turns": 1}


def test_amp_is_known_and_its_messages_are_added_up() -> None:
    """Amp's result has no usage; its messages have, and no ids."""
    opening = {"type": "system", "subtype": "init", "cwd": "/src", "session_id": AMP_SESSION, "tools": ["Bash"]}
    result = {**AMP_RESULT, "result": "4", "session_id": AMP_SESSION}
    transcript = known(log(opening, AMP_SAID, AMP_SAID, result))
    assert (transcript.tool, transcript.verdict, transcript.response) == ("amp", SUCCESS, "4")
    assert transcript.usage == used(8, 8, write=76_066)


def test_amp_tells_errors_and_refusals_its_own_way() -> None:
    """Amp's error is a string beside the subtype, its denials are names."""
    result = {**AMP_RESULT, "subtype": "error_during_execution", "is_error": True, "error": "Thread not found"}
    transcript = known(log({**result, "session_id": AMP_SESSION, "permission_denials": ["Bash"]}))
    assert (transcript.tool, transcript.verdict, transcript.message) == ("amp", ERROR, "Thread not found")
    assert transcript.warnings == ("A tool use was denied permission: Bash",)


def test_qwen_is_known_and_its_input_includes_the_cache() -> None:
    """Qwen Code's usage has a total of input and output, so its input is not fresh; its error is an object."""
    opening = {
        "type": "system",
        "subtype": "init",
        "session_id": SESSION,
        "model": "qwen3",
        "qwen_code_version": "0.24",
    }
    usage = {"input_tokens": 2_468, "output_tokens": 112, "cache_read_input_tokens": 2_000, "total_tokens": 2_580}
    result = claude_result(total_cost_usd=None, usage=usage)
    transcript = known(log(opening, result))
    assert (transcript.tool, transcript.model, transcript.usage) == ("qwen", "qwen3", used(468, 112, read=2_000))
    failed = claude_result(subtype="error_during_execution", is_error=True, result=None, error={"message": "no key"})
    assert known(log(opening, failed)).message == "no key"


CURSOR_INIT = {
    "type": "system",
    "subtype": "init",
    "apiKeySource": "login",
    "cwd": "/src",
    "session_id": SESSION,
    "model": "Composer 2.5",
    "permissionMode": "default",
}
CURSOR_RESULT = {
    "type": "result",
    "subtype": "success",
    "duration_ms": 5_398,
    "duration_api_ms": 5_398,
    "is_error": False,
    "result": "pong",
    "session_id": SESSION,
    "request_id": "e0b1",
}


def test_cursor_is_told_from_claude_by_its_opening_and_its_result() -> None:
    """Cursor's opening lists no tools and its lone result has a request and no cost; newer ones tell usage."""
    usage = {"inputTokens": 18_411, "outputTokens": 131, "cacheReadTokens": 5_959, "cacheWriteTokens": 0}
    for data in (log(CURSOR_INIT, CURSOR_RESULT), log(CURSOR_RESULT)):
        transcript = known(data)
        assert (transcript.tool, transcript.verdict, transcript.response) == ("cursor", SUCCESS, "pong")
        assert transcript.usage is None
    assert known(log(CURSOR_INIT, {**CURSOR_RESULT, "usage": usage})).usage == used(18_411, 131, read=5_959)
    assert known(log(CURSOR_INIT, CURSOR_RESULT)).model == "Composer 2.5"


def test_cursor_without_a_result_is_no_success() -> None:
    """On a failure Cursor writes text and no JSON; a tool's result is no result of the run."""
    call = {"type": "tool_call", "subtype": "completed", "call_id": "c", "session_id": SESSION, "tool_call": {}}
    transcript = known(log(CURSOR_INIT, call, "ActionRequiredError: Named models unavailable"))
    assert (transcript.tool, transcript.verdict) == ("cursor", NONE)
    assert judged(transcript, 1).error == "Ended without a result (exit code 1)"
