"""What was counted of an agent's log while it was written goes to whoever settles the run, and to no other log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import dumps, loads

from runboard import tally
from runboard.control import Control
from runboard.folder import STEPS
from runboard.model import Run, Usage
from runboard.store import Store
from runboard.transcripts import Steps, count_on, read_ended, read_running
from runboard.transcripts import steps as steps_module
from runboard.transcripts.steps import add_all
from runboard.transcripts.usage import Sums
from tests.agents import PLACE, reader
from tests.program import ended
from tests.waiting import until

COMMAND = ("opencode", "run", "--format", "json")
LINES = (PLACE / "opencode-tool.jsonl").read_bytes().splitlines(keepends=True)
STEP = LINES[2].strip()
MIB = 1 << 20
FILLER = dumps({"type": "x", "text": "y" * (256 << 10)}) + b"\n"


def grown(steps: int) -> bytes:
    """The beginning of a session: a quarter of a mebibyte for each step."""
    return LINES[0] + (LINES[2] + FILLER) * steps


def whole(before: bytes, end: bytes) -> Usage | None:
    """What a log comes to that is read from its beginning."""
    transcript = read_ended(COMMAND, len(before + end), reader(before + end))
    assert transcript is not None
    return transcript.usage


END = b"".join(LINES[3:])


def test_what_was_counted_is_not_read_again() -> None:
    """The end of a log that was followed reads a few MB more than its last window, and comes to the same."""
    data, steps = b"", Steps()
    folding = read_running(COMMAND, 0, reader(b""), steps)
    for _ in range(3):
        piece = grown(160)
        data += piece
        folding.feed(piece)
        count_on(folding, len(data), reader(data), steps)
    assert steps.end > len(data) - 66 * MIB
    kept = Steps.parse(loads(dumps(steps.dump(reader(data)))), reader(data))
    seen: list[tuple[int, int]] = []
    transcript = read_ended(COMMAND, len(data + END), reader(data + END, seen), kept)
    assert transcript is not None
    assert transcript.usage == whole(data, END)
    assert sum(length for _, length in seen) < 68 * MIB < len(data)


@pytest.mark.parametrize("spoil", [lambda data: data.replace(b"ses_", b"sez_"), lambda data: data[: 40 * MIB]])
def test_a_count_of_another_log_is_not_believed(spoil: Callable[[bytes], bytes]) -> None:
    """A log that was replaced, or that is shorter than what was counted, is counted anew."""
    data = grown(200)
    steps = Steps()
    later = data + (b"noise" * 20_000 + b"\n") * 300
    read_running(COMMAND, len(later), reader(later), steps)
    assert steps.end > 40 * MIB
    doc = steps.dump(reader(data))
    known = Steps.parse(doc, reader(data))
    assert known is not None
    assert known.dump(reader(data)) == doc
    assert Steps.parse(doc, reader(spoil(data))) is None


def test_a_spoilt_count_is_none() -> None:
    """Whatever stands in the place of a count raises nothing; only what one of ours wrote is taken."""
    data = grown(2)
    doc = Steps(0, len(LINES[0]), Sums()).dump(reader(data))
    assert Steps.parse(doc, reader(data)) is not None
    odd: list[object] = [None, [], {}]
    wrong: tuple[object, ...] = (None, -1, "x", {}, [1, 2, 3, 4, 5], 1e400)
    odd += [{**doc, key: value} for key, value in product(doc, wrong)]
    odd += [{**doc, "sums": {"tokens": tokens, "cost": 1}} for tokens in ([1] * 4, [1] * 6, [-1] * 5, [True, None] * 2)]
    assert [Steps.parse(one, reader(data)) for one in odd] == [None] * len(odd)


def altered(key: str, value: object) -> bytes:
    """The end of a step with one figure changed, or with a key that steps have not."""
    event = loads(STEP)
    part = event["part"]
    place = next((one for one in (part["tokens"]["cache"], part["tokens"], part) if key in one), part)
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value
    return dumps(event)


figures = st.one_of(st.integers(0, 2**53), st.sampled_from([0, 1.5, -1, True, "7", None, 2**60, 1e-7, [1]]))
ends = st.one_of(
    st.just(STEP),
    st.builds(altered, st.sampled_from(["input", "output", "reasoning", "read", "write", "cost", "total"]), figures),
    st.builds(altered, st.sampled_from(["cache", "tokens", "input2", "reason"]), figures),
    st.sampled_from([STEP[:-1], STEP + b"}", STEP.replace(b"step_finish", b"step_start"), b"x" + STEP, STEP + STEP]),
    st.just(dumps({**loads(STEP), "type": "text", "quoted": STEP.decode()})),
)


@given(st.lists(ends, max_size=5), st.integers(0, 5))
def test_many_steps_at_once_are_as_one_after_the_other(odd: list[bytes], usual: int) -> None:
    """A batch that holds anything unusual, in whatever place, is counted as carefully as a single step."""
    batch = [STEP] * usual + odd
    together, singly = Sums(), Sums()
    add_all(together, batch)
    for line in batch:
        add_all(singly, [line, b"{}"])
    assert together.usage() == singly.usage()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Store, Run, Path]]:
    """A run that lives, and has printed a long beginning; once its file ``go`` is there it says the rest and ends."""
    (tmp_path / "before").write_bytes(grown(400))
    (tmp_path / "end").write_bytes(END)
    wait = f"cat {tmp_path}/before; until [ -e {tmp_path}/go ]; do sleep 0.05; done; cat {tmp_path}/end"
    store = Store(str(tmp_path / "runs"))
    run = Control(store).start(["sh", "-c", wait])
    log = Path(store.path(run.id), "output.log")
    until(lambda: log.stat().st_size == len(grown(400)), 10)
    yield store, store.read(run.id), log
    (tmp_path / "go").touch()
    ended(tmp_path / "runs", run.id)


def fill_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes are read at an offset from now on, a number for each time."""
    seen: list[int] = []
    real = os.pread

    def pread(fd: int, length: int, offset: int) -> bytes:
        data = real(fd, length, offset)
        seen.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", pread)
    return seen


def test_a_look_leaves_its_count_to_whoever_comes_later(
    live: tuple[Store, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process that looks, or settles, reads the last window only; without the count it reads all."""
    store, run, log = live
    assert tally.Tally(store).look(run).usage is not None
    kept = Path(store.path(run.id), STEPS)
    assert kept.exists()
    with log.open("ab") as file:
        file.write(END)
    seen = fill_reads(monkeypatch)
    with store.reading(run.id) as folder:
        quick = tally.ended(folder, run)
        few = sum(seen)
        kept.unlink()
        slow = tally.ended(folder, run)
    assert quick == slow
    assert quick is not None
    assert quick.usage == whole(grown(400), END)
    assert few < 36 * MIB < sum(seen) - few


def test_the_count_goes_with_the_ending(live: tuple[Store, Run, Path], tmp_path: Path) -> None:
    """A run that has ended has its sums in its record, and the count beside its log is gone."""
    store, run, _ = live
    tally.Tally(store).look(run)
    kept = Path(store.path(run.id), STEPS)
    assert kept.exists()
    (tmp_path / "go").touch()
    usage = ended(tmp_path / "runs", run.id)["usage"]
    expected = whole(grown(400), END)
    assert expected is not None
    assert (usage["input_tokens"], usage["cost"]) == (expected.input_tokens, expected.cost)
    until(lambda: not kept.exists())


def test_who_only_looks_leaves_nothing(live: tuple[Store, Run, Path]) -> None:
    """A guest's board counts for itself."""
    store, run, _ = live
    before = set(os.listdir(store.path(run.id)))
    assert tally.Tally(store, writing=False).look(run).usage is not None
    assert set(os.listdir(store.path(run.id))) == before


@pytest.mark.parametrize("harm", [False, True])
def test_two_processes_count_as_one(harm: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long stretch is counted in two halves; where the other process dies its half is counted here."""
    data = LINES[0] + LINES[2] * 5_000 + END
    monkeypatch.setattr(tally, "TOGETHER_LEAST", 1)
    forked: list[int] = []
    real = os.fork

    def fork() -> int:
        forked.append(1)
        pid = real()
        if pid == 0 and harm:
            os._exit(1)
        return pid

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr("runboard.apart.active_count", lambda: 1)
    steps = Steps()
    tally._advance(steps, reader(data), len(data))
    assert forked
    alone = Steps()
    alone.advance(reader(data), len(data))
    assert (steps.sums.usage(), steps.end) == (alone.sums.usage(), len(data))
    assert alone.sums.usage() is not None


def test_what_is_done_apart_ends_with_its_context() -> None:
    """Work that is no longer wanted leaves no process behind."""
    script = """
import os, time
from runboard.apart import Apart
with Apart(lambda: time.sleep(60)) as work:
    assert work._pid > 0, "it was not begun"
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("nobody is left")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("nobody is left\n", "")


MARKED = b'{"type":"step_finish","timestamp":1,"n":%d}'
PIECES = st.lists(
    st.one_of(
        st.integers(0, 999).map(lambda number: MARKED % number),
        st.integers(0, 9).map(lambda number: b'{"type":"text","part":"' + b"x" * 7 * number + b'"}'),
        st.just(b""),
        st.just(MARKED % 1 + b"y" * 200),  # longer than a step's end may be
        st.just(b"z" * 150),
    ),
    max_size=25,
)


@given(PIECES, st.booleans(), st.integers(0, 40), st.sampled_from([64, 97, 128, 4096]))
def test_pieces_cut_no_line(lines: list[bytes], closed: bool, lost: int, piece: int) -> None:
    """However a log is cut into pieces, the steps in it are found, each once; one that shrinks meanwhile ends it."""
    data = b"\n".join(lines) + b"\n" * closed
    wanted = [line for line in lines if line.startswith(MARKED[:34]) and len(line) <= 60]
    read = reader(data[: max(0, len(data) - lost)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_CHUNK", piece)
        patch.setattr(steps_module, "_STEP_MOST", 60)
        found = [line for some in steps_module.marked_lines(read, 0, len(data)) for line in some]
    assert found == wanted[: len(found)]
    assert lost or found == wanted
