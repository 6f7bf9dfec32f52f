"""`ps` and `show`: what is listed, in what order and form, for people in a terminal, for pipes and for scripts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from runboard.cli.printing import Style, cells, cut, table
from runboard.columns import COLUMNS
from runboard.record import parse
from tests.leaving import ago, leave, leave_damaged, leave_failed
from tests.program import COMMAND, environment, runboard, start
from tests.terminal import Terminal

HEAVY = ("textual", "rich", "asyncio", "psutil", "watchfiles")


def ids(runs: Path, *words: str) -> list[str]:
    """The ids that ps lists, in order."""
    done = runboard(runs, "ps", "-q", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_no_runs_yet(tmp_path: Path) -> None:
    """An empty directory and one that does not exist are the same: no data, how to start one, exit 0, nothing made."""
    for runs in (tmp_path, tmp_path / "absent"):
        done = runboard(runs, "ps")
        told = "No runs yet. Start one: runboard run -- make test\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, "", told)
        assert runboard(runs, "ps", "--json").stdout == "[]\n"
        assert (runboard(runs, "ps", "-q").stdout, runboard(runs, "ps", "--jsonl").stdout) == ("", "")
    assert not (tmp_path / "absent").exists()


def test_order_and_limit(tmp_path: Path) -> None:
    """Running runs come first, then the newest twenty that ended; -a lists all, -n so many, running ones included."""
    for number in range(25):
        leave(tmp_path, f"aa{number:02}", age=1000 - number)
    live = start(tmp_path, "--", "sleep", "60")
    newest = [f"aa{number:02}" for number in range(24, -1, -1)]
    try:
        assert ids(tmp_path) == [live, *newest[:20]]
        assert ids(tmp_path, "-a") == [live, *newest]
        assert ids(tmp_path, "-n", "3") == [live, *newest[:2]]
        assert ids(tmp_path, "-n", "0") == []
        assert len(json.loads(runboard(tmp_path, "ps", "--json").stdout)) == 21
    finally:
        runboard(tmp_path, "kill", "-9", live)


def test_queries(tmp_path: Path) -> None:
    """Words are conditions that must all hold, in one argument or several; nothing found is told and no failure."""
    leave(tmp_path, "aa01", name="unit tests", repo="shop", tags=["nightly"])
    leave_failed(tmp_path, "aa02", 3, name="unit tests", repo="site")
    assert ids(tmp_path, "status:failed") == ["aa02"]
    assert ids(tmp_path, "unit", "repo:shop") == ["aa01"]
    assert ids(tmp_path, 'repo:site "unit tests"') == ["aa02"]
    assert ids(tmp_path, "--", "-tag:nightly") == ["aa02"]
    done = runboard(tmp_path, "ps", "nothing")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "None of 2 runs matches.\n")


def test_sorting(tmp_path: Path) -> None:
    """A column sorts in its natural order, a minus turns it round, and runs without a value come last."""
    leave_failed(tmp_path, "aa01", 9, age=30, name="beta")
    leave_failed(tmp_path, "aa02", 10, age=20, name="Alpha", startedAt=ago(500))
    leave(tmp_path, "aa03", age=10, name="gamma", exitCode=None)
    assert ids(tmp_path, "--sort", "name") == ["aa02", "aa01", "aa03"]
    assert ids(tmp_path, "--sort", "-name") == ["aa03", "aa01", "aa02"]
    assert ids(tmp_path, "--sort", "exit") == ["aa01", "aa02", "aa03"]
    assert ids(tmp_path, "--sort", "-exit") == ["aa02", "aa01", "aa03"]
    assert ids(tmp_path, "--sort", "elapsed")[0] == "aa02"
    assert ids(tmp_path, "--sort", "age")[0] == "aa03"


def test_json_is_the_record_and_more(tmp_path: Path) -> None:
    """JSON has the record as it is on disk, unknown keys included, with what can only be told now."""
    leave_failed(tmp_path, "aa01", 3, custom={"kept": [1, 2]}, command=["sh", "-c", "exit 3"])
    listed = json.loads(runboard(tmp_path, "ps", "--json").stdout)
    shown = json.loads(runboard(tmp_path, "show", "aa", "--json").stdout)
    line = json.loads(runboard(tmp_path, "ps", "--jsonl").stdout)
    disk = json.loads((tmp_path / "aa01" / "run.json").read_text("utf-8"))
    assert {key: listed[0][key] for key in disk} == disk
    assert [listed[0][key] for key in ("damage", "foreign", "unsaved")] == [None, None, False]
    assert listed[0]["elapsed"] == pytest.approx(1.0, abs=0.1)
    assert (line, shown["directory"]) == (listed[0], str(tmp_path / "aa01"))


def test_formats(tmp_path: Path) -> None:
    """A template is filled in with clean text; widths and the escapes of tab and newline work."""
    leave_failed(
        tmp_path, "aa01", 3, name="line\none\x1b[31m", tags=["a", "b"], usage={"total_tokens": 12, "cost": 0.5}
    )
    template = r"{id:<6}|{status}\t{exitCode}|{name}|{tags}|{tokens}|{cost}|{pid}|{elapsed}|{{}}"
    done = runboard(tmp_path, "ps", "--format", template)
    assert done.stdout == "aa01  |failed\t3|line one|a,b|12|0.5||1|{}\n"


def test_damage_is_one_row(tmp_path: Path) -> None:
    """A run that cannot be read is one flagged row among the others, in every form, and is left as it is."""
    leave(tmp_path, "aa01")
    before = (leave_damaged(tmp_path, "aa02") / "run.json").read_bytes()
    done = runboard(tmp_path, "ps")
    assert (done.returncode, "■ damaged" in done.stdout, "✔ completed" in done.stdout) == (0, True, True)
    listed = {run["id"]: run for run in json.loads(runboard(tmp_path, "ps", "--json").stdout)}
    assert (listed["aa02"]["status"], bool(listed["aa02"]["damage"]), listed["aa01"]["damage"]) == (
        "damaged",
        True,
        None,
    )
    for words, code in (
        (["show", "aa02"], 0),
        (["show", "aa02", "--json"], 0),
        (["wait", "aa02"], 1),
        (["watch", "aa02"], 1),
        (["kill", "aa02"], 1),
        (["rerun", "aa02"], 1),
        (["reconcile", "aa02"], 1),
        (["reconcile"], 0),
        (["clean", "-y"], 0),
    ):
        done = runboard(tmp_path, *words)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (words, done.stderr)
    assert (tmp_path / "aa02" / "run.json").read_bytes() == before


def test_a_pipe_gets_everything_plain(tmp_path: Path) -> None:
    """Piped, a table is neither cut nor coloured, and nothing from a record acts on a terminal."""
    leave_failed(tmp_path, "aa01", 3, name="x" * 300 + "\x1b]0;title\x07\x9b31m\u202eend")
    plain = runboard(tmp_path, "ps").stdout + runboard(tmp_path, "show", "@last").stdout
    plain += runboard(tmp_path, "ps", "--json").stdout
    assert ("x" * 300 in plain, "…" in plain) == (True, False)
    assert not set(plain) & {"\x1b", "\x07", "\x9b", "\u202e"}
    coloured = runboard(tmp_path, "ps", "--color", "always").stdout
    assert "\x1b[31m✘ failed\x1b[0m" in coloured


def test_a_terminal_gets_what_fits(tmp_path: Path) -> None:
    """In a terminal a table is coloured and cut to the width; NO_COLOR and a dumb terminal take the colours away."""
    leave_failed(tmp_path, "aa01", 3, name="a name that is a good deal longer than forty cells are")
    for number in range(22):
        leave(tmp_path, f"bb{number:02}", age=100)
    argv = [*COMMAND, "--runs-dir", str(tmp_path), "ps"]
    with Terminal(argv, 40, 60) as terminal:
        assert terminal.wait_exit(20) == 0
        lines = terminal.text().splitlines()
    assert (max(map(len, lines)) <= 40, "\x1b[31m" in terminal.raw.decode(), len(lines[1].split("aa01")) == 2) == (
        True,
    ) * 3
    assert "… 3 more (-a shows all)" in terminal.text()
    for changes in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        with Terminal(argv, 40, 60, changes) as terminal:
            terminal.wait_exit(20)
        assert b"\x1b[31m" not in terminal.raw
    with Terminal(argv, 40, 60, {"NO_COLOR": ""}) as terminal:
        terminal.wait_exit(20)
    assert b"\x1b[31m" in terminal.raw


def test_narrow_tables() -> None:
    """However narrow the terminal, no line is wider, wide characters count twice, and what a run is goes last."""
    run = parse(
        {"id": "aa01", "status": "failed", "name": "名前の長い実行" * 5, "error": "e" * 80, "repo": "r"}, "aa01"
    )
    for width in range(1, 130):
        lines = table([run], COLUMNS, 0.0, Style(colour=False, width=width))
        assert max(map(cells, lines)) <= width
    assert table([run], COLUMNS, 0.0, Style(colour=False, width=30))[1].startswith("✘ failed")
    assert (cut("名前", 3), cut("名前", 4), cut("abc", 0), cut("abcd", 3)) == ("名…", "名前", "", "ab…")


def test_show_tells_all(tmp_path: Path) -> None:
    """It tells command, ending, files and history, each text clean, and nothing that is not known."""
    leave_failed(
        tmp_path,
        "aa01",
        3,
        log=b"12345",
        command=["sh", "-c", "echo 'a b'\x1b[2J"],
        note="first\nsecond\x1b[31m",
        killRequest={"at": ago(61), "by": "me@here", "signal": 15},
        history=[
            {"at": ago(60), "from": "running", "to": "failed", "reason": "exited", "by": "shim", "detail": "seen"}
        ],
    )
    done = runboard(tmp_path, "show", "aa01")
    told = " ".join(done.stdout.split())
    for part in (
        "Status ✘ failed",
        "Why Exited with code 3",
        "Exit code 3",
        "output.log (5 B)",
        "Stop asked SIGTERM by me@here",
        "Note first second",
        "running → failed exited by shim (seen)",
        f"Record {tmp_path}/aa01/run.json",
    ):
        assert part in told
    assert ("\x1b" in done.stdout, "Model" in done.stdout, "None" in done.stdout) == (False, False, False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_read_only_directory_is_judged_in_memory(tmp_path: Path) -> None:
    """An ending that cannot be written is told all the same, as unsaved."""
    folder = leave(
        tmp_path, "aa01", status="running", completedAt=None, pid=4194000, exitCode=None, reason=None, startedAt=ago(9)
    )
    (folder / "output.log").write_bytes(b"")
    made = {"bootId": Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip(), "startTicks": 1}
    made |= {"host": os.uname().nodename, "pidNamespace": os.readlink("/proc/self/ns/pid")}
    doc = json.loads((folder / "run.json").read_text("utf-8")) | {"process": made}
    (folder / "run.json").write_text(json.dumps(doc), "utf-8")
    program = shlex.join([*COMMAND, "--runs-dir", str(tmp_path), "ps", "--json"])
    script = f"cd {tmp_path} && mount --bind . . && mount -o remount,bind,ro . && exec {program}"
    argv = ["unshare", "-m", "sh", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment(), timeout=30)
    [run] = json.loads(done.stdout)
    assert (run["status"], run["unsaved"], run["reason"]) == ("failed", True, "lost")
    assert json.loads((folder / "run.json").read_text("utf-8"))["status"] == "running"


def test_ps_json_loads_little(tmp_path: Path) -> None:
    """`ps --json` with a live run loads none of the heavy libraries, and the check sees one that is loaded."""
    live = start(tmp_path, "--", "sleep", "60")
    leave(tmp_path, "aa01")
    look = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr))\n"
        "from runboard.cli import main\n"
    )
    try:
        for extra, loaded in (("", "[]"), ("import asyncio\n", "['asyncio']")):
            argv = [sys.executable, "-c", extra + look + "main()", "--runs-dir", str(tmp_path), "ps", "--json"]
            done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment(), timeout=30)
            assert (len(json.loads(done.stdout)), done.stderr.strip()) == (2, loaded)
    finally:
        runboard(tmp_path, "kill", "-9", live)
