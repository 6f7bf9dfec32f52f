"""What is seen of runs a moment ago: the last line, processors and memory, looked at only where somebody can see it."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from runboard.logs import last_line
from runboard.logs.last import FAR, NEAR
from runboard.model import Outcome, Reason, Run, Status
from runboard.process import Load
from runboard.ui.sources import Sources
from runboard.ui.taste import Taste
from tests.leaving import ago, leave
from tests.pilots import NOW, fixed_board, real_board
from tests.program import runboard, start
from tests.waiting import until

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
SAID = json.dumps({"type": "assistant", "message": {"content": [{"type": "text", "text": "All tests pass"}]}})

LINES = {
    "the last": (b"one\ntwo\n", "two"),
    "without an end": (b"one\ntwo", "two"),
    "blank ones behind it": (b"one\ntwo\n\n  \n\x1b[0m\n", "two"),
    "colours": (b"\x1b[31mred\x1b[0m  and\tbold\n", "red and bold"),
    "progress": (b"10 %\r55 %\r99 %", "99 %"),
    "controls": (b"a\x1b]0;owned\x07b\x9b2J\n", "ab\ufffd2J"),
    "nothing": (b"", ""),
    "nothing to see": (b"\n\n \n", ""),
    "an agent's": (SAID.encode() + b"\n", "assistant All tests pass"),
    "far behind blank ones": (b"here\n" + b" \n" * 40 + b" " * NEAR + b"\n", "here"),
    "too far": (b"here\n" + b" " * 2 * FAR + b"\n", ""),
    "too long": (b"x" * 3 * FAR, "…" + "x" * 399),
}


@pytest.mark.parametrize("name", LINES)
def test_the_last_line_of_a_log(name: str, tmp_path: Path) -> None:
    """The last line with something to see, clean, whatever stands behind it, and never read far."""
    log, told = LINES[name]
    (tmp_path / "output.log").write_bytes(log)
    assert last_line(partial(os.open, tmp_path / "output.log", os.O_RDONLY)) == told


def test_a_log_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    """A FIFO, a directory, a link and a log that nobody may read are told of; an absent one is nothing."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
    told = {name: last_line(partial(os.open, tmp_path / name, flags)) for name in ("fifo", "folder", "link", "none")}
    assert told == {
        "fifo": "output.log is a FIFO; it is not read",
        "folder": "output.log is a directory; it is not read",
        "link": "output.log is a symbolic link; it is not read",
        "none": "",
    }


def live(number: int) -> Run:
    """A running run; a higher number stands further down."""
    return Run(f"{number:08x}", name=f"run {number}", command=("x",), started_at=NOW - number, activity_at=NOW)


class Looked:
    """Sources that note of which runs somebody wanted to know something."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.weighed: list[set[str]] = []
        self.read: list[str] = []
        self.sources = Sources(loads=self.loads, last_line=self.last_line)

    def loads(self, runs: Sequence[Run]) -> Mapping[str, Load]:
        """Half a processor more for each run further down, and a mebibyte."""
        self.weighed.append({run.id for run in runs})
        return {run.id: Load(int(run.id, 16) / 2, int(run.id, 16) << 20) for run in runs}

    def last_line(self, run: Run) -> str:
        """A line that names its run."""
        self.read.append(run.id)
        return f"line of {run.id} [b]"


async def test_hidden_columns_cost_nothing() -> None:
    """Nobody looks at processes and logs where no column shows them; where one does, only at the rows in sight."""
    looked, runs = Looked(), [live(number) for number in range(1, 200)]
    async with fixed_board(runs, sources=looked.sources, size=(140, 24)) as desk:
        for _ in range(3):
            desk.app._tick()
            await desk.pilot.pause()
        assert (looked.weighed, looked.read, desk.app._board.samples) == ([], [], {})
        desk.table.arrangement.set(("name", "cpu", "memory", "last_line"), {})
        desk.table.show_columns()
        await desk.pilot.pause()
        desk.app._tick()
        await desk.shows("CPU", "150 %", "3.0 MB", "line of 00000003 [b]")
        seen = set(desk.table.on_screen)
        assert (looked.weighed[-1], set(looked.read)) == (seen, seen)
        assert len(seen) < 20
        desk.table.arrangement.set(("name",), {})
        desk.table.show_columns()
        await desk.pilot.pause()
        desk.app._tick()
        assert desk.app._board.samples == {}


async def test_a_log_that_has_ended_is_read_once() -> None:
    """A live run's last line is read again and again, that of an ended one once, also where it ends in between."""
    looked, done = Looked(), live(2)._replace(outcome=FINE, completed_at=NOW - 1)
    async with fixed_board([live(1), done], sources=looked.sources, taste=Taste(columns=("id", "last_line"))) as desk:
        for count in range(1, 4):
            desk.app._tick()
            await desk.until(lambda count=count: looked.read.count(live(1).id) >= count)  # type: ignore[misc]
            await desk.pilot.pause()
        await desk.publish(live(1)._replace(outcome=FINE, completed_at=NOW))
        before = looked.read.count(live(1).id)
        for _ in range(3):
            desk.app._tick()
            await desk.until(lambda: desk.app._sampling._lines.ready)
        assert (looked.read.count(live(1).id), looked.read.count(done.id)) == (before + 1, 1)


async def test_a_disk_that_hangs_holds_nothing_up() -> None:
    """A log that cannot be read leaves its cell empty; processes and keys go on, and the log is not asked for again."""
    hold, asked = threading.Event(), list[str]()

    def stuck(run: Run) -> str:
        """Never answer in time."""
        asked.append(run.id)
        hold.wait(20)
        return "late"

    sources = Looked().sources._replace(last_line=stuck)
    taste = Taste(columns=("id", "memory", "last_line"))
    async with fixed_board([live(1), live(2)], sources=sources, taste=taste) as desk:
        for _ in range(3):
            desk.app._tick()
            await desk.pilot.pause()
        await desk.shows("2.0 MB")
        await desk.press("down")
        assert (desk.table.cursor, len(asked)) == (live(2).id, 1)
        hold.set()
        await desk.shows("late")


async def test_who_sorts_by_what_runs_use_sees_the_largest_of_all() -> None:
    """All live runs are looked at then, in sight or not; those that have ended come last; the cursor stays."""
    now, looked = [NOW], Looked()
    runs = [live(number) for number in range(1, 80)]
    ended = live(99)._replace(outcome=FINE, completed_at=NOW - 1)
    async with fixed_board([*runs, ended], sources=looked.sources, clock=lambda: now[0], size=(100, 24)) as desk:
        await desk.press("down")
        desk.table.ordering.sort("cpu")
        desk.app._tick()
        await desk.until(lambda: looked.weighed == [{run.id for run in runs}])
        await desk.until(lambda: len(desk.app._board.samples) == len(runs))
        now[0] += 6
        desk.app._tick()
        assert desk.app._board.order == [*(run.id for run in reversed(runs)), ended.id]
        assert desk.table.cursor == live(2).id


def test_ps_looks_where_it_is_asked_to(tmp_path: Path) -> None:
    """The same columns in ps: chosen, as fields and sorted by; whoever is busy comes first, and who wrote last."""
    leave(tmp_path, "aaaa0001", log=b"one\n\x1b[31mtwo\x1b[0m\n", age=60, startedAt=ago(90))
    busy = start(tmp_path, "--name", "busy", "--", "sh", "-c", "while :; do :; done")
    idle = start(tmp_path, "--name", "idle", "--", "sh", "-c", "echo ready; exec sleep 60")
    try:
        until((tmp_path / idle / "output.log").read_bytes)
        table = runboard(tmp_path, "ps", "--columns", "id,cpu,memory,last_line").stdout.splitlines()
        assert table[0].split() == ["ID", "CPU", "MEMORY", "LAST", "LINE"]
        assert next(line for line in table if idle in line).endswith("  ready")
        assert next(line for line in table if "aaaa0001" in line).split() == ["aaaa0001", "two"]
        lines = runboard(tmp_path, "ps", "--sort", "cpu", "--format", "{id} {cpu} {memory}").stdout.splitlines()
        told = [line.split() for line in lines]
        assert [line[0] for line in told] == [busy, idle, "aaaa0001"]
        assert float(told[0][1]) > float(told[1][1])
        assert (int(told[0][2]) > 100_000, told[2]) == (True, ["aaaa0001"])
        wrote = runboard(tmp_path, "ps", "--sort", "last_line", "--format", "{last_line}").stdout.splitlines()
        assert wrote.index("ready") < wrote.index("two")
    finally:
        runboard(tmp_path, "kill", "-9", busy, idle)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--columns", "id,memry"], "there is no column 'memry'; did you mean 'memory'?"),
        (["--columns", "id,id"], "names the column id twice"),
        (["--columns", ","], "--columns needs some of status id"),
        (["--columns", "id", "--json"], "--columns is for the table"),
    ],
)
def test_columns_that_cannot_be(words: list[str], told: str, tmp_path: Path) -> None:
    """What is wrong is named, with the nearest column there is."""
    done = runboard(tmp_path, "ps", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def files_below(root: Path) -> dict[Path, bytes]:
    """Every file there, and what is in it."""
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def test_a_guest_sees_them_too(tmp_path: Path) -> None:
    """The read-only board tells what a real run uses and wrote last, and of one that has ended only what it wrote."""
    over = start(tmp_path, "--wait", "--", "echo", "it is done")
    run_id = start(tmp_path, "--", "sh", "-c", "echo working on it; exec sleep 60")
    kept = files_below(tmp_path)
    try:
        async with real_board(tmp_path, watching=True) as desk:
            await desk.shows(run_id, over)
            desk.table.arrangement.set(("id", "memory", "last_line"), {})
            desk.table.show_columns()
            await desk.shows("working on it", "it is done", "MB", limit=10)
            rows = {one: next(line for line in desk.text().splitlines() if one in line) for one in (run_id, over)}
            told = {
                one: re.sub(r"\d+(\.\d)? (MB|KB)", "SIZE", line).split(one)[1].split() for one, line in rows.items()
            }
            assert told == {run_id: ["SIZE", "working", "on", "it"], over: ["it", "is", "done"]}
            memory = desk.app._board.samples[run_id].memory
            assert memory is not None
            assert memory > 100_000
        assert files_below(tmp_path) == kept
    finally:
        runboard(tmp_path, "kill", "-9", run_id)
