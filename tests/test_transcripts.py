"""Real captures come to what they must, at every byte, in every cutting, and read only where their format needs it."""

from __future__ import annotations

import random
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.model import AgentVerdict, Run, Status, Usage
from runboard.transcripts import Folding, read_ended
from tests.agents import (
    CAPTURES,
    PLACE,
    Capture,
    claude_init,
    claude_result,
    claude_said,
    folded,
    judged,
    known,
    log,
    reader,
    used,
)

CAPTURE = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
OLDER = Run(id="older", started_at=1_000.0)
MIB = 1 << 20


def test_every_capture_is_in_the_index() -> None:
    """No capture is forgotten by the tests, and none is missing."""
    assert {path.name for path in PLACE.iterdir()} - {"INDEX.json"} == {capture.file for capture in CAPTURES}


@CAPTURE
def test_a_capture_comes_to_its_outcome_and_usage(capture: Capture) -> None:
    """Status, reason, error and usage of a run with this log and this end are those of the index, exactly."""
    transcript = known(capture.data)
    outcome = judged(transcript, capture.returncode)
    assert (str(outcome.status), str(outcome.reason)) == (capture.status, capture.reason)
    assert capture.error_contains in (outcome.error or "")
    if capture.usage is not None:
        assert transcript.usage == Usage(**capture.usage)  # type: ignore[arg-type]
    if capture.returncode >= 0:
        assert outcome.exit_code == capture.returncode


@CAPTURE
def test_a_capture_without_a_wait_status_is_never_a_success_by_accident(capture: Capture) -> None:
    """A run whose end nobody saw is completed only if its log says so."""
    outcome = judged(known(capture.data), None, run=OLDER)
    assert (outcome.status is Status.COMPLETED) == (capture.final_end is not None)


def test_what_failed_runs_used_is_told() -> None:
    """An error's result has figures too, and they were paid for."""
    files = {capture.file: known(capture.data).usage for capture in CAPTURES}
    assert files["gemini-empty.jsonl"] == used(200, 34, read=1000, thought=12)
    assert files["gemini-toolloop.jsonl"] == used(600, 102, read=3000, thought=36)
    assert files["codex-401.jsonl"] is None


def test_answers_models_and_sessions_are_told() -> None:
    """The last text is the response; model and session are those the log names."""
    told = {capture.file: known(capture.data) for capture in CAPTURES}
    for file in ("codex-tool.jsonl", "gemini-tool.jsonl", "opencode-tool.jsonl", "gemini-json-ok.json"):
        assert told[file].response == "Hello from mock."
    assert told["gemini-sigterm.jsonl"].response == "Hel"
    assert told["codex-401.jsonl"].response is None
    assert told["gemini-ok.jsonl"].model == told["gemini-json-ok.json"].model == "gemini-2.5-pro"
    assert told["codex-ok.jsonl"].session_id == "01a2027b-380a-7a81-b38f-ff1ad7fbf6f7"
    assert "Model metadata" in told["codex-ok.jsonl"].warnings[0]


def says_result(data: bytes) -> bool:
    """The naive way: a last line that speaks of a result is a success."""
    lines = data.splitlines()
    return bool(lines) and any(mark in lines[-1] for mark in (b"result", b"completed", b"step_finish", b"response"))


def wrong_prefixes(capture: Capture, succeeded: Callable[[bytes], bool]) -> list[int]:
    """The lengths at which a capture is taken for a success although its final event is not whole, or the reverse."""
    data, end = capture.data, capture.final_end
    return [cut for cut in range(len(data) + 1) if succeeded(data[:cut]) != (end is not None and cut >= end)]


def succeeds(data: bytes) -> bool:
    """Whether the log says success."""
    transcript = folded(data)
    return transcript is not None and transcript.verdict is AgentVerdict.SUCCESS


@CAPTURE
def test_a_prefix_is_a_success_only_with_the_whole_final_event(capture: Capture) -> None:
    """Cut at any byte, a log never raises, and says success exactly if its final event is wholly in it."""
    assert wrong_prefixes(capture, succeeds) == []


WRITTEN = {
    "claude": log(claude_init(), claude_said("I look."), claude_result()),
    "claude list": log([claude_init(), claude_said("I look."), claude_result()]),
    "claude alone": log("npm warn", claude_result()),
    "copilot": log(
        {"type": "assistant.message", "data": {"content": "Done."}, "id": "1"},
        {"type": "result", "sessionId": "s", "exitCode": 0, "usage": {"premiumRequests": 1}},
    ),
    "cursor": log(
        {"type": "assistant", "message": {"role": "assistant", "content": [{"text": "x"}]}, "session_id": "s"},
        {"type": "result", "subtype": "success", "is_error": False, "session_id": "s", "request_id": "r"},
    ),
    "goose": log({"type": "complete", "total_tokens": 3, "input_tokens": 2, "output_tokens": 1}),
    "aider": log("Aider v0.86.1", "Done.", "Tokens: 4.2k sent, 1.1k received."),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_prefix_of_a_written_log_is_a_success_only_with_its_end(name: str) -> None:
    """The same holds for logs of the formats of which there is no capture."""
    data = WRITTEN[name]
    end = len(data.rstrip())
    assert [cut for cut in range(len(data) + 1) if succeeds(data[:cut]) != (cut >= end)] == []


def test_the_naive_way_would_be_caught() -> None:
    """The same check finds the naive way wrong at a cut of every successful capture."""
    assert all(wrong_prefixes(capture, says_result) for capture in CAPTURES if capture.final_end)


@pytest.mark.parametrize("file", ["codex-tool.jsonl", "gemini-json-ok.json", "opencode-tool.jsonl"])
def test_a_log_can_be_asked_at_any_byte(file: str) -> None:
    """Asking in between, running or ended, changes nothing of what comes out at the end."""
    data = (PLACE / file).read_bytes()
    folding = Folding()
    for at in range(len(data)):
        folding.feed(data[at : at + 1])
        folding.transcript(ended=False)
        folding.transcript(ended=True)
    assert folding.transcript(ended=True) == folded(data)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_cutting_comes_to_the_same(data: st.DataObject) -> None:
    """Pieces cut anywhere, within lines, line ends and characters, fold to what the whole does."""
    raw = data.draw(st.sampled_from([*(capture.data for capture in CAPTURES), *HANDMADE]))
    raw = raw.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n", b"\r\r\n"])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    folding = Folding()
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        folding.feed(raw[start:end])
    assert folding.transcript(ended=True) == folded(raw)


HANDMADE = [
    log(claude_init(), claude_said("Grüße ✔"), claude_said("€", "msg_2"), claude_result(result="Grüße ✔ 𝄞")),
    log("Aider v0.86.1", "", "Grüße ✔", '{"type":"x"}', "", "Tokens: 4.2k sent, 1.1k received.", "Commit 1 x"),
    b"\x1b[2K" + log("Script started on 2026-11-22 09:00:00+00:00", claude_init(), "a\0b", claude_result()),
]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(CAPTURES), st.sampled_from(CAPTURES), st.randoms(use_true_random=False), st.booleans())
def test_two_logs_in_one_never_raise(one: Capture, other: Capture, choose: random.Random, bytewise: bool) -> None:
    """Two captures interleaved line by line or byte by byte are read without an exception, whatever they come to."""
    first = [one.data[at : at + 1] for at in range(len(one.data))] if bytewise else one.data.splitlines(keepends=True)
    second = [other.data[at : at + 1] for at in range(len(other.data))] if bytewise else other.data.splitlines(True)
    order = [0] * len(first) + [1] * len(second)
    choose.shuffle(order)
    mixed = b"".join((first if which == 0 else second).pop(0) for which in order)
    transcript = folded(mixed)
    assert transcript is None or transcript.verdict in AgentVerdict
    read_ended((), len(mixed), reader(mixed))


def test_one_agent_after_another_is_told_by_the_last_and_paid_together() -> None:
    """A log of two sessions has the second one's verdict and the usage of both."""
    data = log(claude_init(), claude_result()) + (PLACE / "codex-401.jsonl").read_bytes()
    transcript = known(data)
    assert (transcript.tool, transcript.verdict) == ("codex", AgentVerdict.ERROR)
    assert transcript.usage == used(10, 20, read=300, cost=0.42)


def test_a_second_session_that_was_interrupted_is_no_success() -> None:
    """The first session's success does not stand for the second, which has no end."""
    for first, second in (("codex-ok.jsonl", "codex-sigint.jsonl"), ("gemini-ok.jsonl", "gemini-sigterm.jsonl")):
        data = (PLACE / first).read_bytes() + (PLACE / second).read_bytes()
        transcript = known(data)
        assert transcript.verdict is AgentVerdict.NONE
        assert transcript.usage == known((PLACE / first).read_bytes()).usage


@pytest.mark.skipif(shutil.which("script") is None, reason="needs script(1), of util-linux")
@pytest.mark.parametrize("file", ["codex-tool.jsonl", "gemini-json-401.stderr.txt", "opencode-ok.jsonl"])
def test_a_recording_by_script_comes_to_the_same(file: str, tmp_path: Path) -> None:
    """What script(1) records of a program on a terminal, header, line ends and all, is the same log."""
    record = tmp_path / "output.log"
    subprocess.run(
        ["script", "-q", "-e", "-c", f"cat {shlex.quote(str(PLACE / file))}", str(record)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=20,
    )
    recorded = record.read_bytes()
    assert recorded.startswith(b"Script started")
    assert b"\r\n" in recorded
    assert folded(recorded) == folded((PLACE / file).read_bytes())


def test_while_it_runs_there_is_no_last_word() -> None:
    """An error that may be followed by another attempt is an error only once nothing can follow."""
    data = b"".join((PLACE / "codex-401.jsonl").read_bytes().splitlines(keepends=True)[:5])
    assert known(data, ended=False).verdict is AgentVerdict.NONE
    assert known(data).verdict is AgentVerdict.ERROR
    assert known(data + b'{"type":"item.started","item":{"id":"i","type":"reasoning"}}\n').verdict is AgentVerdict.NONE
