"""The whole product as a person meets it: the board in tmux, real keys, the real screen, what is then on the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from tests.program import COMMAND, alive, ended, record, runboard
from tests.tmux import HAS_TMUX, Tmux
from tests.waiting import until

pytestmark = pytest.mark.skipif(not HAS_TMUX, reason="needs tmux")

CHATTY = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; exec sleep 100"


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A runs directory whose live runs are killed at the end."""
    root = tmp_path / "runs"
    root.mkdir()
    yield root
    for run in map(Store(str(root)).read, Store(str(root)).ids()):
        if run.process.pid is not None and alive(run.process.pid):
            os.killpg(run.process.pid, signal.SIGKILL)


def board(runs: Path, columns: int = 120, rows: int = 36, *options: str) -> Tmux:
    """The board on a runs directory."""
    return Tmux([*COMMAND, "--runs-dir", str(runs), *options], columns, rows)


def choose(screen: Tmux, name: str) -> None:
    """Move the cursor to a run by filtering for it and lifting the filter: the cursor stays on its run."""
    screen.wait_for("q quit")  # keys that come with Escape before the board reads them are one key to it
    screen.press("/")
    screen.press(*name)
    screen.press("Enter")
    screen.wait_for(" shown ")
    screen.press("Escape")
    until(lambda: " shown " not in screen.text())  # Escape and a key right behind it would be one


def test_stop_asks_names_the_run_and_takes_the_whole_tree(runs: Path) -> None:
    """The key s asks with No as default; y ends the tree, the row turns, and the record says who killed it."""
    control = Control(Store(str(runs)))
    run = control.start(["sh", "-c", "setsid sleep 100 & exec sleep 100"], name="to be stopped")
    with board(runs) as screen:
        screen.wait_for("to be stopped")
        screen.wait_for("running")
        screen.press("s")
        screen.wait_for("Stop this run?")
        assert run.id in screen.text()
        screen.press("Enter")  # the default is No
        screen.wait_gone("Stop this run?")
        assert alive(run.process.pid or 0)
        screen.press("s")
        screen.wait_for("Stop this run?")
        screen.press("y")
        screen.wait_for("Killed by")
    found = record(runs, run.id)
    assert (found["reason"], found["signal"]) == ("killed", 15)
    assert f"RUNBOARD_RUN_ID={run.id}" not in environments()


def environments() -> str:
    """The environments of all processes that may be read."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "environ").read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(found)


def test_kill_trash_undo_and_rerun(runs: Path) -> None:
    """S kills at once; d trashes after a question and u undoes; r starts the same command again with rerunOf."""
    control = Control(Store(str(runs)))
    run = control.start(["sleep", "100"], name="stubborn")
    with board(runs) as screen:
        screen.wait_for("stubborn")
        screen.press("S")
        screen.wait_for("Kill this run?")
        screen.press("y")
        screen.wait_for("SIGKILL)")
        assert record(runs, run.id)["signal"] == 9
        screen.press("d")
        screen.wait_for("to the trash?")
        screen.press("y")
        until((runs / ".trash" / run.id / "run.json").exists)
        screen.wait_for("No runs yet")
        screen.press("u")
        until((runs / run.id / "run.json").exists)
        screen.wait_for("Killed by")
        screen.press("r")
        screen.wait_for("Run this again?")
        screen.press("y")
        until(lambda: len(Store(str(runs)).ids()) == 2)
        [new] = [run_id for run_id in Store(str(runs)).ids() if run_id != run.id]
        until((runs / new / "run.json").exists)
        until(lambda: record(runs, new)["pid"] is not None)
        assert record(runs, new)["rerunOf"] == run.id
        screen.wait_for("running")


def test_moving_opening_details_filter_help_palette_and_leaving(runs: Path) -> None:
    """Every key that looks does what it says, and q leaves with the runs going on."""
    control = Control(Store(str(runs)))
    other = control.start(["sh", "-c", "exit 3"], name="bravo")
    ended(runs, other.id)
    chatty = control.start(["sh", "-c", CHATTY], name="alpha")
    with board(runs) as screen:
        screen.wait_for("alpha")
        screen.press("/", *"alpha", "Enter", "Escape")  # whatever needs somebody stands above it
        screen.wait_for("line 299")
        screen.wait_for("bravo")
        there, back = "kj" if screen.text().index("bravo") < screen.text().index("alpha") else "jk"
        screen.press(there)
        screen.wait_gone("line 299")
        screen.press(back)
        screen.wait_for("line 299")
        screen.press("Enter")
        screen.wait_gone("bravo")
        screen.press("g")
        screen.wait_for("line 0")
        screen.press("G")
        screen.wait_for("line 299")
        screen.press("Escape")
        screen.wait_for("bravo")
        screen.press("i")
        screen.wait_for("sh -c")
        assert chatty.id in screen.text()
        screen.press("Escape")
        screen.press("/")
        screen.press(*"bravo", "Enter")
        screen.wait_gone("alpha")
        screen.press("Escape")
        screen.wait_for("alpha")
        screen.press("?")
        screen.wait_for("Its log on the whole screen")
        screen.press("Escape")
        screen.press("C-p")
        screen.wait_for("Search for commands")
        screen.press(*"theme")
        screen.wait_for("Choose other colours")
        screen.press("Escape")
        screen.press("q")
        screen.wait_for("exit=0")
    assert alive(chatty.process.pid or 0)


def test_the_cursor_stays_on_its_run_while_rows_come_and_go(runs: Path) -> None:
    """A question names the run under the cursor though newer rows came in above it, and the act hits that run."""
    control = Control(Store(str(runs)))
    target = control.start(["sleep", "100"], name="target")
    with board(runs) as screen:
        screen.wait_for("target")
        newer = [control.start(["sleep", "100"], name=f"newer{number}") for number in range(5)]
        screen.wait_for("newer4")
        screen.press("s")
        screen.wait_for("Stop this run?")
        assert target.id in screen.text()
        late = control.start(["sleep", "100"], name="late")
        screen.wait_for("7 running")
        screen.press("y")
        screen.wait_for("Killed by")
    assert record(runs, target.id)["status"] == "failed"
    assert all(record(runs, run.id)["status"] == "running" for run in (*newer, late))


def test_a_run_that_ended_while_the_question_was_open_is_not_touched(runs: Path) -> None:
    """If the run ends by itself under an open question, y says so and its true ending stands."""
    run = Control(Store(str(runs))).start(
        ["sh", "-c", f"while [ ! -e {runs}/go ]; do sleep 0.05; done; exit 6"], name="late"
    )
    with board(runs) as screen:
        screen.wait_for("late")
        screen.press("s")
        screen.wait_for("Stop this run?")
        (runs / "go").touch()
        ended(runs, run.id)
        screen.wait_for("1 failed")
        screen.press("y")
        screen.wait_for("ended meanwhile")
    assert record(runs, run.id)["exitCode"] == 6


def test_watch_only_looks(runs: Path) -> None:
    """In --watch the acting keys do nothing, a dead process shows its verdict as not saved, and no file changes."""
    control = Control(Store(str(runs)))
    run = control.start(["sleep", "100"], name="watched")
    os.kill(run.process.shim_pid or 0, signal.SIGKILL)
    until(lambda: not alive(run.process.shim_pid or 0))
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    with board(runs, 120, 36, "--watch") as screen:
        screen.wait_for("watched")
        assert "read-only" in screen.text()
        for key in ("s", "S", "d", "r", "u"):
            screen.press(key)
        screen.press("i")
        screen.wait_for("sleep 100")
        assert "this run?" not in screen.text()
        screen.press("Escape")
        screen.wait_gone("Directory")
        os.kill(run.process.pid or 0, signal.SIGKILL)
        screen.wait_for("not saved yet · Ended by SIGKILL")
        screen.press("q")
        screen.wait_for("exit=0")
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10), (200, 50)])
def test_other_sizes_are_usable(runs: Path, columns: int, rows: int) -> None:
    """At each size the run is seen, stopped by s and y, and no line is wider than the screen."""
    run = Control(Store(str(runs))).start(["sh", "-c", "echo hello from the log; exec sleep 100"], name="small")
    with board(runs, columns, rows) as screen:
        screen.wait_for("small")
        if rows > 12:
            screen.wait_for("hello from the log")
        assert all(len(line) <= columns for line in screen.screen())
        screen.press("s")
        screen.wait_for(run.id)
        screen.wait_for("this run?")
        screen.press("y")
        until(lambda: record(runs, run.id)["status"] == "failed")
        screen.wait_for("failed")


def test_broken_directories_are_one_flagged_row_each(runs: Path) -> None:
    """Runs whose records cannot be read are damaged rows; a good run among them works, and the board stays up."""
    control = Control(Store(str(runs)))
    good = control.start(["sleep", "100"], name="good one")
    for name, content in {
        "half": b'{"id": "x", "sta',
        "nul": b"\0" * 500,
        "list": b"[1]",
        "word": b'{"status": 5}',
    }.items():
        (runs / name).mkdir()
        (runs / name / "run.json").write_bytes(content)
    (runs / "fifo").mkdir()
    os.mkfifo(runs / "fifo" / "run.json")
    (runs / "folder" / "run.json").mkdir(parents=True)
    (runs / "link").symlink_to(runs / good.id)
    (runs / "logfifo").mkdir()
    (runs / "logfifo" / "run.json").write_text('{"id": "logfifo", "status": "completed"}', "utf-8")
    os.mkfifo(runs / "logfifo" / "output.log")
    os.truncate(runs / "nul" / "run.json", 1 << 30)
    with board(runs) as screen:
        screen.wait_for("7 damaged", 15)
        screen.wait_for("good one")
        choose(screen, "logfifo")
        screen.wait_for("FIFO")
        choose(screen, "good")
        screen.press("s")
        screen.wait_for("Stop this run?")
        screen.press("y")
        screen.wait_for("Killed by")
        screen.press("q")
        screen.wait_for("exit=0")
    assert record(runs, good.id)["reason"] == "killed"


def test_the_board_refuses_without_a_terminal(runs: Path) -> None:
    """With no tty both boards exit with 2 and say in one line on stderr which stream is none."""
    for options in ([], ["--watch"]):
        done = runboard(runs, *options)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert "terminal" in done.stderr
        assert done.stdout == ""
