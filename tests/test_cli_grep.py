"""`grep` and `logs --grep` as a shell uses them: what they find, in which form, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from runboard.cli.asking import candidates
from runboard.cli.finding import FEW
from runboard.query import Query
from runboard.store import Store
from tests.leaving import leave, leave_failed
from tests.program import COMMAND, environment, runboard
from tests.terminal import Terminal
from tests.waiting import until
from tests.wire import foreign


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three runs with logs, and what is no log to read: a link out, a FIFO, none."""
    leave(tmp_path, "aaaa0001", log=b"one\nan Error here\n\x1b[31mtwo\x1b[0m error\n", name="first")
    leave_failed(tmp_path, "aaaa0002", log=b"zero\nerror: disk full\nlast\n")
    leave(tmp_path, "aaaa0003", log=b"fine\n")
    os.symlink("/etc/passwd", leave(tmp_path, "aaaa0004") / "output.log")
    os.mkfifo(leave(tmp_path, "aaaa0005") / "output.log")
    leave(tmp_path, "aaaa0006")
    for age, run_id in enumerate(("aaaa0001", "aaaa0002", "aaaa0003")):
        os.utime(tmp_path / run_id / "output.log", (1e9 - age, 1e9 - age))
    return tmp_path


def test_every_line_comes_with_its_run(runs: Path) -> None:
    """The log written last comes first; through a pipe the bytes are as they are; nothing outside is read."""
    done = runboard(runs, "grep", "error")
    lines = ["aaaa0001:\x1b[31mtwo\x1b[0m error", "aaaa0002:error: disk full"]
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, lines, "")
    assert runboard(runs, "grep", "-i", "error").stdout.count("\n") == 3
    assert runboard(runs, "grep", "error", "status:failed").stdout == "aaaa0002:error: disk full\n"
    assert runboard(runs, "grep", "root:").returncode == 1
    assert runboard(runs, "grep", "nowhere").stdout == ""


def test_the_forms(runs: Path) -> None:
    """Ids, counts, JSON and lines around; expressions only where they are asked for."""
    assert runboard(runs, "grep", "-l", "-i", "error").stdout == "aaaa0001\naaaa0002\n"
    assert runboard(runs, "grep", "-c", "-i", "error").stdout == "aaaa0001:2\naaaa0002:1\n"
    docs = [json.loads(line) for line in runboard(runs, "grep", "--json", "error").stdout.splitlines()]
    assert docs[0] == {"id": "aaaa0001", "name": "first", "offset": 18, "text": "two error"}
    assert runboard(runs, "grep", "-C1", "error:").stdout == "aaaa0002-zero\naaaa0002:error: disk full\naaaa0002-last\n"
    assert runboard(runs, "grep", "e.*or$").returncode == 1
    assert runboard(runs, "grep", "-E", "^[a-z]*: ?disk").stdout == "aaaa0002:error: disk full\n"
    assert runboard(runs, "grep", "-e", "-x").returncode == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["grep"], "no text to look for"),
        (["grep", ""], "no text to look for"),
        (["grep", "-E", "(x"], "bad expression '(x': there is a ( without its )"),
        (["grep", "-F", "-E", "x"], "contradict"),
        (["grep", "x", "age:"], "bad query"),
        (["logs", "aaaa0001", "-i"], "go with --grep only"),
        (["logs", "aaaa0001", "--grep", "x", "-f", "-c"], "do not follow"),
    ],
)
def test_what_cannot_be_meant_is_refused(runs: Path, words: list[str], sentence: str) -> None:
    """Wrong usage is told in a sentence, with exit code 2."""
    done = runboard(runs, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_one_run(runs: Path) -> None:
    """`logs --grep` counts, looks around, takes expressions and small letters, and fails where nothing is found."""
    assert runboard(runs, "logs", "aaaa0001", "--grep", "ERROR", "-i", "-c").stdout == "2\n"
    assert runboard(runs, "logs", "aaaa0001", "--grep", "ERROR", "-c").returncode == 1
    assert runboard(runs, "logs", "aaaa0001", "--grep", "Error", "-C", "1").stdout == "one\nan Error here\ntwo error\n"
    assert runboard(runs, "logs", "aaaa0001", "--grep", "^t.o", "-E").returncode == 1
    assert runboard(runs, "logs", "aaaa0002", "--grep", "^l.st$", "-E").stdout == "last\n"
    coloured = runboard(runs, "logs", "aaaa0002", "--grep", "disk", "--color", "always").stdout
    assert coloured == "error: \x1b[1;31mdisk\x1b[0m full\n"


def test_a_terminal_gets_clean_lines_with_names(runs: Path) -> None:
    """At a terminal a line shows whose it is, and no escape of the log's gets through."""
    leave(runs, "aaaa0007", log=b"error \x1b]0;evil\x07\x1b[2Jboo\n", name="evil \x1b[2J name")
    with Terminal([*COMMAND, "--runs-dir", str(runs), "grep", "error"], 100, 24) as terminal:
        terminal.wait_for("aaaa0007 evil  name: error boo")
        terminal.wait_for("aaaa0002 make aaaa0002: error: disk full")
        assert terminal.wait_exit() == 0
        assert foreign(terminal.raw) == []


def test_a_closed_pipe_or_a_signal_ends_it_with_its_child(tmp_path: Path) -> None:
    """Under head, at ctrl+C and at SIGTERM it stops at once, and no child searches on."""
    leave(tmp_path, "aaaa0001", log=b"a line with a needle\n" * 2_000_000)
    argv = [*COMMAND, "--runs-dir", str(tmp_path), "grep", "needle"]
    for number in (None, signal.SIGINT, signal.SIGTERM):
        verb = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        assert verb.stdout is not None
        assert verb.stdout.readline() == b"aaaa0001:a line with a needle\n"
        children = Path(f"/proc/{verb.pid}/task/{verb.pid}/children").read_text().split()
        if number is not None:
            verb.send_signal(number)
            verb.stdout.read()
        verb.stdout.close()
        assert verb.stderr is not None
        verb.stderr.close()
        verb.wait(10)
        assert verb.returncode == {None: 141, signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))  # noqa: B023 - asked at once


def test_many_runs_take_no_more_than_one(tmp_path: Path) -> None:
    """Thousands of logs are searched within few descriptors and short argument lists."""
    for number in range(1500):
        leave(tmp_path, f"{number:08x}", log=b"the needle\n")
    words = " ".join(["ulimit -n 32;", *COMMAND, "--runs-dir", str(tmp_path), "grep", "-l", "needle"])
    done = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 1500)


def test_of_many_runs_only_those_that_the_index_proposes_are_read(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same is found with an index and without; whoever it is wrong about is read, and not searched."""
    for number in range(FEW):
        leave(runs, f"b{number:07x}", age=90.0)
    leave(
        runs, "c0000001", log=b"error: live\n", status="running", pid=77, process={"host": "elsewhere", "bootId": "b"}
    )
    leave_failed(runs, "c0000002", log=b"error: edited\n")
    os.utime(runs / "c0000001" / "output.log", (1, 1))
    os.utime(runs / "c0000002" / "output.log", (2, 2))
    path, store, now = runs / "c0000002" / "run.json", Store(str(runs)), time.time()
    monkeypatch.setenv("XDG_CACHE_HOME", str(runs.with_name("cache")))
    assert set(candidates(store, Query.parse("status:failed"), now)) == {"aaaa0002", "c0000001", "c0000002"}

    def said(*words: str) -> list[bytes]:
        """What is found with the index, which is what is found without."""
        argv = [*COMMAND, "--runs-dir", str(runs), "grep", "-l", "error", *words]
        found = [
            subprocess.run(argv, capture_output=True, check=False, env=environment(XDG_CACHE_HOME=place)).stdout.split()
            for place in (os.environ["XDG_CACHE_HOME"], "/proc/nowhere")
        ]
        assert found[0] == found[1]
        return found[0]

    assert said("status:failed") == [b"aaaa0002", b"c0000002"]
    assert said("status:running") == [b"c0000001"]
    path.write_text(path.read_text("utf-8").replace('"failed"', '"completed"'), "utf-8")
    assert "c0000002" in candidates(store, Query.parse("status:failed"), now)  # it does not know yet
    assert said("status:failed") == [b"aaaa0002"]
