"""Disks that are full, read-only, immovable or hung: the runs go on, what cannot be saved is told, and saved later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.folder import UNSAVED
from runboard.model import Run
from runboard.store import Store
from tests.faults.disks import done, loop_disk, memory_disk, needs_root
from tests.faults.table import Table
from tests.program import ended, record, runboard
from tests.terminal import Terminal
from tests.waiting import until

WAITING = 'while [ ! -e "$0" ]; do sleep 0.02; done; exit 4'
"""A command that exits with 4 when a file is there."""


def begun(runs: Path, go: Path) -> Run:
    """A run that ends when it may."""
    return Control(Store(str(runs))).start(["sh", "-c", WAITING, str(go)], cwd="/")


def board_on(runs: Path) -> Terminal:
    """The board, as a person opens it."""
    return Terminal([sys.executable, "-m", "runboard", "--runs-dir", str(runs)], 140, 30)


def told(runs: Path, run_id: str) -> tuple[object, object]:
    """How ``ps`` tells a run's state and exit code, whatever can be saved."""
    listed = runboard(runs, "ps", "-a", "--json")
    assert listed.returncode == 0, listed.stderr
    [run] = [run for run in json.loads(listed.stdout) if run["id"] == run_id]
    return run["status"], run.get("exitCode")


def row(board: Terminal, run_id: str) -> str:
    """The row of a run; what is told of it in the corner stands below."""
    return board.text().partition(run_id)[2].partition("\n")[0]


def answers(board: Terminal) -> None:
    """The board answers two keys; that it does so while a disk is full, frozen or out of reach is the claim."""
    board.press("?")
    board.wait_for("Next run")
    board.press("escape")
    board.wait_gone("Next run")


def no_bytes(disk: Path) -> None:
    """Leave no byte."""
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def no_inodes(disk: Path) -> None:
    """Leave room for no further file."""
    (disk / "filler").mkdir()
    with suppress(OSError):
        for number in range(1000):
            (disk / "filler" / str(number)).touch()


def read_only(disk: Path) -> None:
    """Let nothing be written any more, but by who has it open already."""
    done("mount", "--bind", disk, disk)
    done("mount", "-o", "remount,bind,ro", disk)


def again(disk: Path) -> None:
    """Take back whatever was done."""
    subprocess.run(("mount", "-o", "remount,bind,rw", disk), check=False, capture_output=True)
    subprocess.run(("rm", "-rf", disk / "filler"), check=True)


@needs_root
@pytest.mark.parametrize("spoil", [no_bytes, no_inodes, read_only])
def test_an_ending_that_cannot_be_saved_is_kept_and_saved_later(
    tmp_path: Path, table: Table, spoil: Callable[[Path], None]
) -> None:
    """The run ends, the board says how and that it is not saved yet, keys answer; once there is room it is saved."""
    go = tmp_path / "go"
    with memory_disk(tmp_path / "disk", "size=1m,nr_inodes=60") as disk:
        runs = disk / "runs"
        run = begun(runs, go)
        with board_on(runs) as board:
            board.wait_for("running")
            before = (runs / run.id / "run.json").read_bytes()
            spoil(disk)
            go.touch()
            board.wait_for("not saved", 20)
            board.wait_for("Exited with code 4")
            answers(board)
            assert (runs / run.id / "run.json").read_bytes() == before
            assert told(runs, run.id) == ("failed", 4)
            refused = runboard(runs, "tag", run.id, "+x")
            assert (refused.returncode, "could not be written" in refused.stderr) == (1, True), refused.stderr
            again(disk)
            until(lambda: record(runs, run.id)["status"] == "failed", 20, "the ending is saved")
            until(lambda: "not saved" not in row(board, run.id), 20, "the row is as its record")
            board.press("q")
            assert board.wait_exit() == 0
        found = record(runs, run.id)
        harm = (found["status"], found.get("exitCode")) != ("failed", 4)
        table.tell("the disk is full or read-only while a run ends", 1, harm)
        assert not harm
        assert not [name for name in os.listdir(runs / run.id) if name.startswith(".")]


def test_who_does_not_look_at_errors_loses_the_record(tmp_path: Path, table: Table) -> None:
    """The control: a record rewritten in place on a full disk is torn afterwards, or empty."""
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    with memory_disk(tmp_path / "disk", "size=64k") as disk:
        (disk / "run.json").write_text('{"status": "running"}')
        no_bytes(disk)
        with suppress(OSError), (disk / "run.json").open("w") as file:
            file.write('{"status": "failed"}' * 5000)
        with pytest.raises(json.JSONDecodeError):
            json.loads((disk / "run.json").read_text())
        table.control("the disk is full or read-only while a run ends", 1, 1)


@needs_root
@pytest.mark.parametrize("what", ["run.json", ""])
def test_what_may_not_be_changed_is_shown_all_the_same(tmp_path: Path, table: Table, what: str) -> None:
    """An immutable record or directory is read and told; who wants to change it is told why not."""
    with loop_disk(tmp_path / "disk", tmp_path / "disk.img") as disk:
        runs = disk / "runs"
        run = begun(runs, tmp_path / "go")
        done("chattr", "+i", runs / run.id / what)
        try:
            with board_on(runs) as board:
                board.wait_for("running")
                (tmp_path / "go").touch()
                until(lambda: told(runs, run.id)[0] == "failed", 10, "ps judges in memory")
                refused = runboard(runs, "tag", run.id, "+x")
                assert (refused.returncode, "could not be written" in refused.stderr) == (1, True), refused.stderr
                board.wait_for("not saved", 20)
                board.press("q")
                assert board.wait_exit() == 0
            assert saved_carelessly(runs, run.id), "the control says that it has saved the ending"
            lies = record(runs, run.id)["status"] == "running"
        finally:
            done("chattr", "-i", runs / run.id / what)
        runboard(runs, "reconcile")
        assert record(runs, run.id)["status"] == "failed"
    table.tell("a record or directory is immutable", 1, 0)
    table.control("a record or directory is immutable", 1, lies)
    assert lies, "the control: the record is as it was"


@needs_root
def test_the_only_witness_outlives_a_record_that_cannot_be_written(tmp_path: Path, table: Table) -> None:
    """What a shim wrote and could not name any more is kept until the record tells it; the control: swept before."""
    with loop_disk(tmp_path / "disk", tmp_path / "disk.img") as disk:
        runs = disk / "runs"
        control = Control(Store(str(runs)))
        word = ended_word(runs, control.start(["sh", "-c", "exit 3"], cwd="/").id)
        kept, swept = (control.start(["sleep", "1000"], cwd="/") for _ in range(2))
        for run in (kept, swept):
            for pid in (run.process.shim_pid or 0, run.process.pid or 0):
                os.kill(pid, signal.SIGKILL)
            until(partial(lambda run: not alive(run), run), 10, "shim and command are gone")
            (runs / run.id / UNSAVED).write_bytes(word)
            done("chattr", "+i", runs / run.id / "run.json")
        (runs / swept.id / UNSAVED).unlink()
        assert runboard(runs, "reconcile", kept.id, swept.id).returncode != 0
        assert (runs / kept.id / UNSAVED).read_bytes() == word
        for run in (kept, swept):
            done("chattr", "-i", runs / run.id / "run.json")
        assert runboard(runs, "reconcile", kept.id, swept.id).returncode == 0
        codes = [record(runs, run.id).get("exitCode") for run in (kept, swept)]
        assert (codes, (runs / kept.id / UNSAVED).exists()) == ([3, None], False)
    table.tell("a record or directory is immutable", 1, 0)
    table.control("a record or directory is immutable", 1, codes[1] is None)


def ended_word(runs: Path, run_id: str) -> bytes:
    """What a shim writes of an end."""
    ended(runs, run_id)
    return (runs / run_id / "exit.json").read_bytes()


def alive(run: Run) -> bool:
    """Whether the command or the shim of a run still has its pid."""
    return any(os.path.exists(f"/proc/{pid}") for pid in (run.process.shim_pid, run.process.pid))


def saved_carelessly(runs: Path, run_id: str) -> bool:
    """Save an ending as a script does that looks at no error: a new file, and then its name."""
    script = 'cd "$0"; echo \'{"status": "failed"}\' >run.new; mv -f run.new run.json; rm -f run.new; echo saved'
    ran = subprocess.run(["sh", "-c", script, runs / run_id], capture_output=True, text=True, check=True)
    return "saved" in ran.stdout


@needs_root
def test_a_disk_that_hangs_leaves_the_board_its_keys(tmp_path: Path, table: Table) -> None:
    """A frozen file system stops whoever writes to it; the board answers keys meanwhile, and catches up afterwards."""
    with loop_disk(tmp_path / "disk", tmp_path / "disk.img") as disk:
        runs = disk / "runs"
        run = begun(runs, tmp_path / "go")
        with board_on(runs) as board:
            board.wait_for("running")
            done("fsfreeze", "-f", disk)
            try:
                (tmp_path / "go").touch()
                time.sleep(0.5)  # the board now hangs in its write, if it ever does
                plain = subprocess.Popen(["sh", "-c", 'echo x >"$0"', disk / "plain"])
                for _ in range(5):
                    answers(board)
                assert plain.poll() is None, "who writes by itself is still at it"
                table.control("the disk hangs (a key)", 1, 1)
                assert record(runs, run.id)["status"] == "running", "the disk does not hang"
                time.sleep(4)  # longer than a shim is waited for
            finally:
                done("fsfreeze", "-u", disk)
            assert plain.wait(10) == 0
            until(lambda: record(runs, run.id)["status"] != "running", 20, "the ending is saved once the disk is back")
            assert record(runs, run.id).get("exitCode") == 4, f"{record(runs, run.id)}"
            board.wait_for("Exited with code 4", 20)
            board.press("q")
            board.wait_exit()
    table.tell("the disk hangs (a key)", 10, 0)


def test_a_board_with_few_descriptors_lives(tmp_path: Path, table: Table) -> None:
    """Where a process may have 28 files, the board opens, shows runs and their endings, and answers keys."""
    runs, go = tmp_path / "runs", tmp_path / "go"
    started = [begun(runs, go) for _ in range(12)]
    command = f'ulimit -n 28; exec "{sys.executable}" -m runboard --runs-dir "{runs}"'
    with Terminal(["sh", "-c", command], 140, 40) as board:
        board.wait_for("12 running", 30)
        answers(board)
        go.touch()
        board.wait_for("12 failed", 30)
        board.press("q")
        assert board.wait_exit() == 0
    told_codes = [record(runs, run.id).get("exitCode") for run in started]
    table.tell("a process may have 28 files (a run)", 12, sum(code != 4 for code in told_codes))
    assert told_codes == [4] * 12
    keeper = 'ulimit -n 28; exec "$0" -c "import os, sys; [os.open(d, 0) for d in sys.argv[1:] for _ in range(3)]" "$@"'
    words = ["sh", "-c", keeper, sys.executable, *(str(runs / run.id) for run in started)]
    naive = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Too many open files" in naive.stderr, "the control: three descriptors for each run"
    table.control("a process may have 28 files (a run)", 12, 12)
