"""`run`, `rerun`, `wait`, `kill`, `logs`, `watch` and `reconcile` on real processes, as a shell would use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.leaving import leave, leave_failed
from tests.program import COMMAND, alive, ended, environment, record, runboard, start
from tests.waiting import until


def spawn(runs: Path, *words: str) -> subprocess.Popen[str]:
    """Start a verb that is to be looked at while it runs."""
    return subprocess.Popen(
        [*COMMAND, "--runs-dir", str(runs), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def line_of(stream: object) -> str:
    """The next line of a verb's output, without its end."""
    assert stream is not None
    return str(stream.readline()).rstrip("\n")  # type: ignore[attr-defined]


def rest(verb: subprocess.Popen[str]) -> tuple[str, str]:
    """What a verb goes on to print until it ends, on stdout and on stderr; both are short."""
    assert verb.stdout is not None
    assert verb.stderr is not None
    told = verb.stdout.read(), verb.stderr.read()
    verb.wait(20)
    return told


def test_run_prints_only_the_id(tmp_path: Path) -> None:
    """The id is all that run prints, and every option is in the record and in the command's world."""
    work = tmp_path / "work dir"
    work.mkdir()
    words = ["--name", "my tests", "--tag", "a", "--tag", "b", "--timeout", "1h30m", "--cwd", str(work)]
    words += ["--env", "GREETING=hello=you", "--model", "m", "--repo", "r", "--issue", "12", "--persona", "p"]
    done = runboard(tmp_path / "runs", "run", *words, "--", "sh", "-c", 'echo "$GREETING $PWD $RUNBOARD_RUN_ID"')
    run_id = done.stdout.strip()
    assert (done.returncode, done.stderr, len(run_id)) == (0, "", 8)
    doc = ended(tmp_path / "runs", run_id)
    wanted = {"name": "my tests", "tags": ["a", "b"], "timeout": 90, "cwd": str(work), "issue": "12", "repo": "r"}
    wanted |= {"model": "m", "persona": "p", "env": ["GREETING"], "status": "completed"}
    assert {key: doc[key] for key in wanted} == wanted
    assert (tmp_path / "runs" / run_id / "output.log").read_text("utf-8") == f"hello=you {work} {run_id}\n"


def test_run_without_dashes(tmp_path: Path) -> None:
    """Options of the command are its own, with and without --, and so is a -- of its own."""
    for words, command in (
        (["sh", "-c", "exit 0"], ["sh", "-c", "exit 0"]),
        (["--name", "x", "echo", "--name", "y"], ["echo", "--name", "y"]),
        (["--", "echo", "--", "-n"], ["echo", "--", "-n"]),
        (["echo", "--", "a"], ["echo", "--", "a"]),
    ):
        assert record(tmp_path, start(tmp_path, *words))["command"] == command


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (["--", "no-such-command"], "command not found: no-such-command", 127),
        (["--", "/etc/passwd"], "not executable: /etc/passwd", 126),
        (["--cwd", "/no/such", "--", "true"], "working directory /no/such: No such file or directory", 126),
    ],
)
def test_what_could_not_be_started(tmp_path: Path, words: list[str], told: str, code: int) -> None:
    """A command that cannot be started has an id all the same, a sentence on stderr, and fails; wait gives its code."""
    done = runboard(tmp_path, "run", *words)
    run_id = done.stdout.strip()
    assert (done.returncode, len(run_id), told in done.stderr, done.stderr.count("\n")) == (1, 8, True, 1)
    assert record(tmp_path, run_id)["reason"] == "start-failed"
    assert runboard(tmp_path, "wait", run_id).returncode == code
    assert runboard(tmp_path, "run", "--wait", *words).returncode == code


def test_wait_gives_the_code(tmp_path: Path) -> None:
    """Both run --wait and wait exit with the run's own code: its exit code, 128 + n by a signal, 124 over its time."""
    for words, code in (
        (["--", "true"], 0),
        (["--", "sh", "-c", "exit 3"], 3),
        (["--", "sh", "-c", "exit 255"], 255),
        (["--", "sh", "-c", "kill -SEGV $$"], 139),
        (["--timeout", "200ms", "--", "sleep", "60"], 124),
    ):
        done = runboard(tmp_path, "run", "--wait", *words)
        run_id = done.stdout.strip()
        assert (done.returncode, len(run_id)) == (code, 8), done.stderr
        again = runboard(tmp_path, "wait", run_id)
        assert (again.returncode, again.stdout, again.stderr) == (code, "", done.stderr)
        assert again.stderr.startswith(f"{run_id} {'failed' if code else 'completed'} after ")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": "agent-error", "exitCode": 0, "error": "limit"}, 1),
        ({"reason": "no-result", "exitCode": 7, "error": "none"}, 7),
        ({"reason": "lost", "exitCode": None, "error": "gone"}, 1),
        ({"reason": "oom", "exitCode": None, "signal": 9, "error": "oom"}, 137),
        ({"reason": "killed", "exitCode": None, "signal": 15, "error": "killed"}, 143),
        ({"reason": "killed", "exitCode": 0, "error": "killed"}, 1),
        ({"reason": None, "exitCode": None, "error": "of the older tool"}, 1),
    ],
)
def test_codes_of_other_endings(tmp_path: Path, fields: dict[str, object], code: int) -> None:
    """A failure never gives 0, whatever its process exited with."""
    leave(tmp_path, "aa01", status="failed", **fields)  # type: ignore[arg-type]
    assert runboard(tmp_path, "wait", "aa01").returncode == code
    assert runboard(tmp_path, "watch", "aa01").returncode == code


def test_waiting_for_several(tmp_path: Path) -> None:
    """Of several, 0 means that all completed, 4 that some did not; a wrong id is told before anything is waited for."""
    leave(tmp_path, "aa01")
    leave(tmp_path, "aa02")
    leave_failed(tmp_path, "bb01")
    assert runboard(tmp_path, "wait", "aa01", "aa02").returncode == 0
    assert runboard(tmp_path, "wait", "aa01", "bb01").returncode == 4
    done = runboard(tmp_path, "wait", "aa01", "nonsense")
    assert (done.returncode, done.stderr.splitlines()[0].startswith("runboard: no run begins with")) == (4, True)
    assert done.stderr.splitlines()[1].startswith("aa01 completed")


def test_follow_streams_to_the_end(tmp_path: Path) -> None:
    """With --follow, run prints output as it comes, clean, and the verdict on stderr, and exits with the code."""
    script = r'printf "one\033[2J\n"; read x < "$1"; printf "10%%\r50%%\r100%%\nlast"; exit 3'
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with spawn(tmp_path / "runs", "run", "--follow", "--", "sh", "-c", script, "sh", str(gate)) as following:
        run_id = line_of(following.stderr).removesuffix(" started")
        assert line_of(following.stdout) == "one"
        gate.write_text("go\n", "utf-8")
        out, err = rest(following)
    assert (out, following.returncode) == ("100%\nlast\n", 3)
    assert err.startswith(f"{run_id} failed after ")


def test_ctrl_c_leaves_the_run(tmp_path: Path) -> None:
    """Interrupting --follow or --wait leaves the run going, and says so."""
    for option in ("--follow", "--wait"):
        with spawn(tmp_path, "run", option, "--", "sh", "-c", "echo ready; exec sleep 60") as following:
            first = line_of(following.stderr if option == "--follow" else following.stdout).split()[0]
            until(lambda run_id=first: (tmp_path / run_id / "output.log").read_bytes() == b"ready\n")  # type: ignore[misc]
            following.send_signal(signal.SIGINT)
            _out, err = rest(following)
        assert (following.returncode, f"{first} goes on" in err, "Traceback" in err) == (130, True, False)
        assert alive(record(tmp_path, first)["pid"])
        assert runboard(tmp_path, "kill", "-9", first).returncode == 0


def test_rerun(tmp_path: Path) -> None:
    """A rerun is a new run of the same command with the same words; what the older tool left cannot be run again."""
    first = start(tmp_path, "--name", "n", "--tag", "t", "--env", "A=1", "--", "sh", "-c", "echo $A")
    done = runboard(tmp_path, "rerun", first, "--follow")
    assert (done.returncode, done.stdout, f"runboard rerun {first} --env A=…" in done.stderr) == (1, "", True)
    done = runboard(tmp_path, "rerun", first, "--follow", "--env", "A=2")
    assert (done.returncode, done.stdout) == (0, "2\n")
    again = record(tmp_path, done.stderr.split()[0])
    assert (again["rerunOf"], again["name"], again["tags"], again["env"]) == (first, "n", ["t"], ["A"])
    done = runboard(tmp_path, "rerun", first, "--follow", more={"A": "3"})
    assert (done.returncode, done.stdout) == (0, "3\n")
    assert done.stderr.startswith("A: taken from your environment")
    leave(tmp_path, "old", command=None, schema=None)
    done = runboard(tmp_path, "rerun", "old")
    assert (done.returncode, done.stdout, "does not say what command" in done.stderr) == (1, "", True)


def test_kill_takes_the_tree(tmp_path: Path) -> None:
    """A kill ends also what left the group, says what happened, and a run that has ended cannot be killed again."""
    script = "import os, time\nif os.fork() == 0:\n    os.setsid()\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
    run_id = start(tmp_path, "--", sys.executable, "-c", script)
    log = tmp_path / run_id / "output.log"
    until(lambda: log.read_bytes().count(b"\n") == 2)
    pids = [int(pid) for pid in log.read_text("utf-8").split()]
    done = runboard(tmp_path, "kill", "@last")
    assert (done.returncode, done.stdout, f"{run_id} failed after" in done.stderr) == (0, "", True)
    assert ("Killed by " in done.stderr, [pid for pid in pids if alive(pid)]) == (True, [])
    assert record(tmp_path, run_id)["reason"] == "killed"
    again = runboard(tmp_path, "kill", run_id)
    assert (again.returncode, "had already ended" in again.stderr) == (1, True)


@pytest.mark.parametrize("spelling", [["-s", "KILL"], ["-9"], ["--grace", "100ms"]])
def test_kill_of_the_stubborn(tmp_path: Path, spelling: list[str]) -> None:
    """However the signal is spelled, it comes; with TERM ignored, KILL comes after the grace."""
    run_id = start(tmp_path, "--", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    until(lambda: (tmp_path / run_id / "output.log").read_bytes() == b"ready\n")
    assert runboard(tmp_path, "kill", *spelling, run_id).returncode == 0
    assert (record(tmp_path, run_id)["signal"], record(tmp_path, run_id)["reason"]) == (9, "killed")


def test_other_signals_are_only_sent(tmp_path: Path) -> None:
    """USR1 reaches the command, which goes on; several runs of which one had ended give 4."""
    leave(tmp_path, "aa01")
    run_id = start(tmp_path, "--", "sh", "-c", "trap 'echo got' USR1; echo ready; while :; do sleep 0.1; done")
    log = tmp_path / run_id / "output.log"
    until(lambda: log.read_bytes() == b"ready\n")
    done = runboard(tmp_path, "kill", "-s", "USR1", run_id)
    assert (done.returncode, done.stderr) == (0, f"{run_id} was sent SIGUSR1; it has not ended\n")
    until(lambda: b"got" in log.read_bytes())
    done = runboard(tmp_path, "kill", "aa01", "-KILL", run_id, run_id)
    assert (done.returncode, "aa01 had already ended" in done.stderr, f"{run_id} failed" in done.stderr) == (
        4,
        True,
        True,
    )


def test_logs(tmp_path: Path) -> None:
    """It prints the last lines clean; -n says how many, --grep which, --raw gives the bytes as they are."""
    raw = b"".join(b"line %d\n" % number for number in range(300)) + b"\x1b[31mred\x1b[0m\x1b[2J \xff\r\nend"
    leave(tmp_path, "aa01", log=raw)
    lines = runboard(tmp_path, "logs", "aa01").stdout.splitlines()
    assert (len(lines), lines[0], lines[-2:]) == (200, "line 102", ["red �", "end"])
    assert runboard(tmp_path, "logs", "aa01", "-n", "2", "--color", "always").stdout.startswith("\x1b[31mred\x1b[0m")
    assert runboard(tmp_path, "logs", "aa01", "-n", "0").stdout == ""
    assert len(runboard(tmp_path, "logs", "aa01", "-n", "all").stdout.splitlines()) == 302
    assert runboard(tmp_path, "logs", "aa01", "--grep", "line 29").stdout.splitlines()[:2] == ["line 29", "line 290"]
    assert runboard(tmp_path, "logs", "aa01", "--grep", "line 29", "-n", "1").stdout == "line 299\n"
    nothing = runboard(tmp_path, "logs", "aa01", "--grep", "[(line")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    argv = [*COMMAND, "--runs-dir", str(tmp_path), "logs", "--raw", "aa01"]
    assert subprocess.run(argv, capture_output=True, check=True, env=environment(), timeout=30).stdout == raw
    argv += ["-n", "1"]
    assert subprocess.run(argv, capture_output=True, check=True, env=environment(), timeout=30).stdout == b"end"


def test_logs_that_are_none(tmp_path: Path) -> None:
    """A run without output is told; something odd in the place of the log is refused, never waited for."""
    leave(tmp_path, "aa01")
    done = runboard(tmp_path, "logs", "aa01")
    assert (done.returncode, done.stdout, "no output" in done.stderr) == (0, "", True)
    os.mkfifo(leave(tmp_path, "aa02") / "output.log")
    (leave(tmp_path, "aa03") / "output.log").symlink_to("/etc/passwd")
    (leave(tmp_path, "aa04") / "output.log").mkdir()
    for run_id, kind in (("aa02", "a FIFO"), ("aa03", "a symbolic link"), ("aa04", "a directory")):
        for words in (["logs"], ["logs", "-f"], ["logs", "--raw"], ["logs", "--grep", "x"]):
            done = runboard(tmp_path, *words, run_id)
            assert (done.returncode, done.stdout, f"output.log is {kind}" in done.stderr) == (1, "", True), words


def test_logs_follow_until_the_end(tmp_path: Path) -> None:
    """Following prints what there is and what comes, each line once, and ends with the run, exit 0."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = 'echo early; echo skipped; echo first; read x < "$1"; echo second; exit 3'
    run_id = start(tmp_path / "runs", "--", "sh", "-c", script, "sh", str(gate))
    until(lambda: b"first" in (tmp_path / "runs" / run_id / "output.log").read_bytes())
    with (
        spawn(tmp_path / "runs", "logs", "-f", "-n", "1", run_id) as logs,
        spawn(tmp_path / "runs", "watch", run_id) as watch,
    ):
        assert (line_of(logs.stdout), line_of(watch.stdout)) == ("first", "early")
        gate.write_text("go\n", "utf-8")
        assert (rest(logs), logs.returncode) == (("second\n", ""), 0)
        out, err = rest(watch)
    assert (out, watch.returncode) == ("skipped\nfirst\nsecond\n", 3)
    assert "failed after" in err
    assert err.endswith(": Exited with code 3\n")


def test_reconcile(tmp_path: Path) -> None:
    """It settles what nobody could settle, says nothing of a success unless asked, and never invents an ending."""
    run_id = start(tmp_path, "--", "sleep", "60")
    doc = record(tmp_path, run_id)
    os.kill(doc["process"]["shimPid"], signal.SIGKILL)
    until(lambda: not alive(doc["process"]["shimPid"]))
    os.kill(doc["pid"], signal.SIGKILL)
    until(lambda: not alive(doc["pid"]))
    done = runboard(tmp_path, "reconcile", run_id)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert record(tmp_path, run_id)["reason"] in {"lost", "signal"}
    told = runboard(tmp_path, "reconcile", "-v")
    assert (told.returncode, told.stderr.startswith(f"{run_id} failed after")) == (0, True)


def test_reconcile_forever(tmp_path: Path) -> None:
    """With --forever it prints one line for each ending it sees, none for older ones, and stops upon TERM."""
    leave(tmp_path, "aa01")
    run_id = start(tmp_path, "--", "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done")
    with spawn(tmp_path, "reconcile", "--forever") as keeper:
        try:
            until(lambda: "anon_inode:inotify" in _open_files(keeper.pid), 20)
            os.kill(record(tmp_path, run_id)["pid"], signal.SIGTERM)
            line = line_of(keeper.stdout)
            quick = start(tmp_path, "--", "true")
            assert line_of(keeper.stdout).startswith(f"{quick} completed after")
        finally:
            keeper.terminate()
        out, err = rest(keeper)
    assert (line.startswith(f"{run_id} failed after"), line.endswith("Exited with code 3")) == (True, True)
    assert (out, err, keeper.returncode) == ("", "", 0)


def _open_files(pid: int) -> set[str]:
    """What a process has open; it watches directories only once it has read them all."""
    found = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.add(str(path.readlink()))
    return found


def test_json_of_a_live_run(tmp_path: Path) -> None:
    """A live run is running in JSON too, with a growing elapsed and no ending."""
    run_id = start(tmp_path, "--", "sleep", "60")
    doc = json.loads(runboard(tmp_path, "show", run_id, "--json").stdout)
    assert (doc["status"], doc["completedAt"], doc["elapsed"] >= 0, doc["unsaved"]) == ("running", None, True, False)
    assert runboard(tmp_path, "kill", "-9", run_id).returncode == 0
