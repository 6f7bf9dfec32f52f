"""What the recorded command adds: weak signs count, quotes of others do not, and a result that is due is missed."""

from __future__ import annotations

import pytest

from runboard.model import AgentVerdict, Status
from runboard.transcripts import Folding
from tests.agents import PLACE, claude_result, folded, judged, known, log

SUCCESS, NONE = AgentVerdict.SUCCESS, AgentVerdict.NONE


def test_one_agent_running_another_keeps_the_last_word() -> None:
    """A program that is itself an agent prints no other agent's events but as quotes."""
    quote = (PLACE / "codex-401.jsonl").read_bytes()
    assert folded(quote, ("claude", "-p", "explain")) is None
    assert folded(quote, ("codex", "exec", "explain")) is not None
    assert folded(quote, ("sh", "run-claude.sh")) is not None


def test_text_of_an_agent_is_no_result() -> None:
    """Where an agent was asked for text, a lone result after other text is an example; alone it is believed."""
    command = ("claude", "-p", "how does a result look?")
    assert folded(log("It looks like this:", claude_result(is_error=True)), command) is None
    assert known(log(claude_result()), command).verdict is SUCCESS
    asked = (*command, "--output-format", "json")
    assert known(log("Warning: no stdin", claude_result()), asked).verdict is SUCCESS


WEAK: list[tuple[tuple[str, ...], bytes, AgentVerdict]] = [
    (
        ("goose", "run", "-t", "x", "--output-format", "stream-json"),
        log({"type": "error", "error": "x"}),
        AgentVerdict.ERROR,
    ),
    (("copilot", "-p", "x", "--output-format=json"), log({"type": "result", "exitCode": 0}), SUCCESS),
    (("npx", "@openai/codex@latest", "exec", "--json"), log({"type": "turn.started"}), NONE),
    (
        ("sh", "-c", "cd x && codex exec --json y"),
        log({"type": "turn.failed", "error": {"message": "x"}}),
        AgentVerdict.ERROR,
    ),
    (("gemini", "-o", "json"), log({"error": {"message": "x"}}), AgentVerdict.ERROR),
]


@pytest.mark.parametrize(("command", "data", "verdict"), WEAK)
def test_the_command_makes_weak_signs_count(command: tuple[str, ...], data: bytes, verdict: AgentVerdict) -> None:
    """With the tool's name in the command, events that anybody could have written are the tool's."""
    assert known(data, command).verdict is verdict
    assert folded(data) is None


EVENTS_DUE = [
    ("codex", "exec", "--json", "x"),
    ("claude", "-p", "x", "--output-format", "stream-json", "--verbose"),
    ("gemini", "--output-format=json", "-p", "x"),
    ("opencode", "run", "--format", "json", "x"),
    ("amp", "-x", "y", "--stream-json"),
]


@pytest.mark.parametrize("command", EVENTS_DUE, ids=lambda command: command[0])
def test_an_agent_that_must_tell_its_end_and_does_not_is_no_success(command: tuple[str, ...]) -> None:
    """A log without any event, of a tool that was told to write them, has no result, whatever the exit code."""
    for data in (b"", b"YOLO mode is enabled.\n", b'{"type":"thr'):
        outcome = judged(known(data, command), 0)
        assert (outcome.status, outcome.error) == (Status.FAILED, "Ended without a result (exit code 0)")
        assert folded(data, command, ended=False) is None
    assert folded(b"0.1.0\n", (*command, "--version")) is None
    assert folded(b"[]\n", (command[0], "mcp", "list", "--json")) is None


def test_a_folding_can_be_asked_before_it_knows() -> None:
    """Nothing was fed, so nothing is known, and nothing raises."""
    folding = Folding()
    assert (folding.transcript(ended=False), folding.transcript(ended=True)) == (None, None)
    assert (folding.recognised, folding.settled, folding.wants_all) == (False, False, False)
    assert Folding(("opencode", "run")).wants_all
