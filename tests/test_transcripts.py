"""Real captures come to what they must, at every byte, in every cutting, and read only where their format needs it."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orjson import dumps, loads

from runboard.model import AgentVerdict, Run, Status, Usage
from runboard.transcripts import Folding, read_ended, read_running
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
    used,
)

CAPTURE = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.file)
OLDER = Run(id="older", started_at=1_000.0)
MIB = 1 << 20


def reader(data: bytes, seen: list[tuple[int, int]] | None = None) -> Callable[[int, int], bytes]:
    """A pread on bytes, which notes what was asked for."""

    def read(offset: int, length: int) -> bytes:
        if seen is not None:
            seen.append((offset, length))
        return data[offset : offset + length]

    return read


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


def test_while_it_runs_there_is_no_last_word() -> None:
    """An error that may be followed by another attempt is an error only once nothing can follow."""
    data = b"".join((PLACE / "codex-401.jsonl").read_bytes().splitlines(keepends=True)[:5])
    assert known(data, ended=False).verdict is AgentVerdict.NONE
    assert known(data).verdict is AgentVerdict.ERROR
    assert known(data + b'{"type":"item.started","item":{"id":"i","type":"reasoning"}}\n').verdict is AgentVerdict.NONE


# What is read of a large log.


def padded_claude(size: int, *, result: bool = True, opening: bool = True) -> bytes:
    """A session of Claude Code as large as ``size``, most of it results of tools."""
    use = {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "x" * 100_000}]}}
    body = log(*([use] * (size // 100_000)))
    usage = {"input_tokens": 1, "output_tokens": 2}
    said = claude_said("Here it is.", usage=usage)
    return (log(claude_init()) if opening else b"") + body + log(said, *([claude_result()] if result else []))


def test_only_head_and_tail_of_a_large_log_are_read() -> None:
    """Of 20 MB with the result at their end, little more than a mebibyte is read."""
    data = padded_claude(20_000_000)
    seen: list[tuple[int, int]] = []
    transcript = read_ended((), len(data), reader(data, seen))
    assert transcript == known(data)
    assert sum(length for _, length in seen) < 1.2 * MIB


@pytest.mark.parametrize("back", [0.5, 3, 12, 30])
def test_a_result_is_looked_for_further_back(back: float) -> None:
    """Noise after the result, up to 32 MiB of it, does not hide the result."""
    data = padded_claude(2_000_000) + b"npm notice: something else is said here\n" * int(back * MIB / 40)
    transcript = read_ended((), len(data), reader(data))
    assert transcript is not None
    assert (transcript.verdict, transcript.response) == (AgentVerdict.SUCCESS, "All done.")


def test_sums_with_a_gap_are_not_told() -> None:
    """A killed session too large to be read has no usage rather than a wrong one, and no success."""
    data = padded_claude(40_000_000, result=False)
    transcript = read_ended((), len(data), reader(data))
    assert transcript is not None
    assert (transcript.verdict, transcript.usage, transcript.model) == (AgentVerdict.NONE, None, "claude-sonnet-5")
    small = padded_claude(3_000_000, result=False)
    assert known(small).usage == used(1, 2)


def test_a_log_of_nobody_is_hardly_read() -> None:
    """Of a large build log only the head and one window are looked at."""
    data = b"[ 50%] Building CXX object src/CMakeFiles/thing.dir/main.cpp.o\n" * 400_000
    seen: list[tuple[int, int]] = []
    assert read_ended(("make",), len(data), reader(data, seen)) is None
    assert sum(length for _, length in seen) < 1.2 * MIB


def test_noise_before_the_first_event_hides_nothing() -> None:
    """A setup that says more than the head holds does not keep the agent after it from being known."""
    data = b"added 1 package in 2s, and looked at a lot of others\n" * 50_000 + padded_claude(1_500_000)
    transcript = read_ended((), len(data), reader(data))
    assert transcript is not None
    assert transcript.verdict is AgentVerdict.SUCCESS


def test_a_line_larger_than_a_window_is_read() -> None:
    """A result line of 6 MB, alone in the window, makes the window grow."""
    answer = "A long answer. " * 400_000
    data = log(claude_init(), *["noise " * 100] * 200, claude_result(result=answer))
    transcript = read_ended((), len(data), reader(data))
    assert transcript is not None
    assert transcript.verdict is AgentVerdict.SUCCESS
    assert answer.strip().endswith(transcript.response or "nothing")
    assert len(transcript.response or "") >= MIB - 16


def test_a_streamed_answer_is_read_from_its_beginning() -> None:
    """An answer in pieces that began before the window is looked for further back."""
    lines = (PLACE / "gemini-tool.jsonl").read_bytes().splitlines(keepends=True)
    noise = b"[STARTUP] something that is said on the side\n"
    piece = lines[4].replace(b"Hello from mock.", b"piece")
    data = b"".join(lines[:4]) + noise * 2_000 + lines[4] + (piece + noise * 100) * 600 + lines[5]
    assert len(data) > 2.5 * MIB
    transcript = read_ended((), len(data), reader(data))
    assert transcript is not None
    assert transcript.response == "Hello from mock." + "piece" * 600


def opencode_log(steps: int, filler: int) -> bytes:
    """A session of OpenCode with so many steps and so much output of tools between them."""
    lines = (PLACE / "opencode-tool.jsonl").read_bytes().splitlines(keepends=True)
    tool = loads(lines[1])
    tool["part"]["state"]["output"] = 'quoted: {"type":"step_finish","part":{}}\n' + "y" * filler
    first = lines[0] + dumps(tool) + b"\n" + lines[2]
    return first * (steps - 1) + b"".join(lines[3:])


@pytest.mark.parametrize(("steps", "filler"), [(3, 10), (400, 9_000), (30, 90_000)])
def test_all_steps_of_a_large_opencode_log_are_summed(steps: int, filler: int) -> None:
    """Usage is the sum of every step, in whatever part of the log, and quotes of steps count for nothing."""
    data = opencode_log(steps, filler)
    transcript = read_ended(("opencode", "run", "--format", "json"), len(data), reader(data))
    cost = round(0.000715 * steps, 10)
    assert transcript is not None
    assert transcript.usage == used(200 * steps, 22 * steps, read=1000 * steps, thought=12 * steps, cost=cost)
    assert (transcript.verdict, transcript.response) == (AgentVerdict.SUCCESS, "Hello from mock.")


def test_steps_on_the_edges_of_pieces_are_counted_once() -> None:
    """Wherever a step's line falls on the pieces in which the gap is read, it is counted, and once."""
    lines = (PLACE / "opencode-tool.jsonl").read_bytes().splitlines(keepends=True)
    step = lines[2]
    for shift in range(0, 2 * len(step), 37):
        pad = b"x" * (MIB - 2 * len(step) + shift) + b"\n"
        data = lines[0] + step + pad + step + pad + step + b"z" * (2 * MIB) + b"\n" + b"".join(lines[3:])
        transcript = read_ended((), len(data), reader(data))
        assert transcript is not None
        assert transcript.usage is not None
        assert transcript.usage.input_tokens == 800, shift


def test_memory_stays_bounded() -> None:
    """Settling 96 MB of OpenCode, and a line without an end, takes less than 50 MB."""
    block = opencode_log(100, 9_000)
    size = 96_000_000 // len(block) * len(block)

    def read(offset: int, length: int) -> bytes:
        at = offset % len(block)
        return (block[at:] + block * (length // len(block) + 1))[: min(length, size - offset)]

    tracemalloc.start()
    transcript = read_ended((), size, read)
    endless = Folding()
    for _ in range(100):
        endless.feed(b'{"type":"assistant","text":"' + b"a" * MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert transcript is not None
    assert transcript.usage is not None
    assert transcript.usage.input_tokens == 200 * 100 * (size // len(block))
    assert peak < 50e6
    assert endless.transcript(ended=False) is None


def test_a_running_log_is_caught_up_with_and_followed() -> None:
    """A folding that caught up with a log goes on from there, its sums and its opening included."""
    before, after = opencode_log(400, 9_000), (PLACE / "opencode-ok.jsonl").read_bytes()
    folding = read_running((), len(before), reader(before))
    assert folding.wants_all
    folding.feed(after)
    assert folding.transcript(ended=True) == folded(before + after)
    data = padded_claude(3_000_000, result=False)
    running = read_running((), len(data), reader(data))
    assert not running.wants_all
    assert running.transcript(ended=False) == folded(data, ended=False)


def test_a_log_that_shrank_is_read_as_far_as_it_goes() -> None:
    """A size that is no longer true raises nothing."""
    data = padded_claude(2_000_000)
    assert read_ended((), 10 * len(data), reader(data)) is not None
    assert read_ended((), 10 * MIB, reader(b"")) is None
