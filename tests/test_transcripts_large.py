"""Of a large log only so much is read as its format needs, in bounded memory, and it comes to what the whole does."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from orjson import dumps, loads

from runboard.model import AgentVerdict
from runboard.transcripts import Folding, read_ended, read_running
from tests.agents import PLACE, claude_init, claude_result, claude_said, folded, known, log, reader, used

MIB = 1 << 20


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


@pytest.mark.parametrize("back", [0.5, 3, pytest.param(12, marks=pytest.mark.nightly), 30])
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


def test_steps_are_summed_however_their_json_is_spaced() -> None:
    """A log whose writer puts its keys in another order, or blanks between them, is summed all the same."""
    events = [loads(line) for line in opencode_log(400, 9_000).splitlines()]
    for lines in (
        [json.dumps(event) for event in events],
        [json.dumps(dict(reversed(event.items())), separators=(",", ":")) for event in events],
    ):
        data = "".join(line + "\n" for line in lines).encode()
        transcript = read_ended((), len(data), reader(data))
        assert transcript is not None
        assert transcript.usage is not None
        assert transcript.usage.input_tokens == 200 * 400


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
