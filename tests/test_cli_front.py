"""The front door as a shell sees it: wrong usage, terminals, closed pipes, interruptions, and the directory meant."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runboard.cli.app import VERBS, run_command_line
from runboard.cli.exits import Failure
from runboard.cli.place import check, runs_dir
from tests.leaving import leave
from tests.program import COMMAND, environment, runboard, start
from tests.terminal import Terminal


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonsense"], "there is no verb 'nonsense'. See runboard --help"),
        (["shwo"], "there is no verb 'shwo'; did you mean 'show'? See runboard --help"),
        (["--watch", "ps"], "--watch opens the board and takes no verb; did you mean 'runboard watch'?"),
        (["--nonsense"], "no such option"),
        (["kill"], "missing argument 'ID...'. See runboard kill --help"),
        (["show"], "missing argument 'ID'"),
        (["run"], "there is no command to start; give one, as in: runboard run -- make test"),
        (["run", "--"], "there is no command to start"),
        (["run", "--", ""], "there is no command to start"),
        (["run", "--timeout", "45", "--", "true"], "'45' has no unit: say 45s, 45m or 45h."),
        (["run", "--timeout", "soon", "--", "true"], "'soon' is no length of time: say 45s, 30m, 1h30m or 7d."),
        (["run", "--env", "A", "--", "true"], "'A' is no variable: say NAME=VALUE."),
        (["kill", "-s", "FOO", "x"], "'FOO' is no signal"),
        (["ps", "--format", "{nonsense}"], "--format knows no field 'nonsense'; the fields are id status"),
        (["ps", "--format", "{id"], "--format {id: expected '}' before end of string"),
        (["ps", "--format", "{id.upper}"], "--format knows no field 'id.upper'"),
        (["ps", "--format", "{id:>>>}"], "--format"),
        (["ps", "--json", "--format", "{id}"], "--format goes with none of --json"),
        (["ps", "--sort", "nonsense"], "--sort knows no column 'nonsense'; the columns are status id"),
        (["ps", "--color", "maybe"], "'maybe' is not one of"),
        (["ps", "nonsense:x"], "bad query: unknown key"),
        (["ps", '"open'], "bad query: a quote is not closed"),
        (["logs", "x", "-n", "-3"], "-n"),
        (["clean", "--max-size", "5"], "'5' has no unit: say 5M or 5G."),
        (["clean", "--all", "--older-than", "1d"], "--all takes no conditions"),
        (["clean", "--keep", "-1"], "-1"),
        (["trash", "nonsense"], "nonsense"),
        (["reconcile", "--forever", "x"], "--forever settles all runs; it takes no ID."),
        (["--runs-dir", "", "ps"], "--runs-dir is empty"),
    ],
)
def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    """Wrong usage exits with 2 and one line on stderr that says what is wrong, and prints no data."""
    code = run_command_line(["--runs-dir", str(tmp_path), *words])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n"), err.startswith("runboard: ")) == (2, "", 1, True)
    assert told in err


def test_usage_reaches_the_shell(tmp_path: Path) -> None:
    """What the program makes of wrong usage is what a shell sees of it."""
    done = runboard(tmp_path, "nonsense")
    told = "runboard: there is no verb 'nonsense'. See runboard --help\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)


@pytest.mark.parametrize("verb", ["show", "logs", "watch", "wait", "kill", "rerun", "reconcile"])
def test_no_such_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """Every verb that takes an id exits with 3 for one that nothing begins with, control characters and all."""
    leave(tmp_path, "aaaa0001")
    code = run_command_line(["--runs-dir", str(tmp_path), verb, "zz\n\x1b[31m"])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n"), "\x1b" in err) == (3, "", 1, False)
    assert err.startswith("runboard: no run begins with")


@pytest.mark.parametrize("verb", ["show", "logs", "watch", "wait", "kill", "rerun", "reconcile"])
def test_an_ambiguous_beginning(tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """A beginning of two ids is wrong usage, and both are named."""
    leave(tmp_path, "aaaa0001")
    leave(tmp_path, "aaaa0002")
    code = run_command_line(["--runs-dir", str(tmp_path), verb, "aaaa"])
    told = "runboard: 2 runs begin with aaaa: aaaa0001, aaaa0002\n"
    assert (code, *capsys.readouterr()) == (2, "", told)


def test_last_of_nothing(tmp_path: Path) -> None:
    """@last in an empty directory is no run, and how to start one is told."""
    done = runboard(tmp_path, "show", "@last")
    assert (done.returncode, "runboard run -- make test" in done.stderr) == (3, True)


def test_help(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The help names every verb; every verb has help of its own with an example."""
    front = runboard(tmp_path, "--help")
    assert (front.returncode, front.stderr) == (0, "")
    assert [verb for verb in VERBS if f"\n  {verb} " not in front.stdout] == []
    for verb in VERBS:
        assert (run_command_line([verb, "-h"]), f"Example: runboard {verb}" in capsys.readouterr().out) == (0, True), (
            verb
        )


def test_version(tmp_path: Path) -> None:
    """The version is data."""
    done = runboard(tmp_path, "--version")
    assert (done.returncode, done.stdout.startswith("runboard 0."), done.stderr) == (0, True, "")


@pytest.mark.parametrize("options", [[], ["--watch"], ["demo"]])
def test_a_board_needs_terminals(tmp_path: Path, options: list[str]) -> None:
    """Without terminals there is no board: exit 2 and one line that names the streams."""
    done = runboard(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "runboard: the board needs a terminal, and stdin, stdout and stderr are none; for scripts: runboard ps\n"
    )


@pytest.mark.parametrize(("redirection", "name"), [("</dev/null", "stdin"), (">out", "stdout"), ("2>err", "stderr")])
def test_a_board_names_the_stream(tmp_path: Path, redirection: str, name: str) -> None:
    """In a terminal with one stream elsewhere, that one is named."""
    program = f"'{sys.executable}' -m runboard --runs-dir {tmp_path}/runs --watch {redirection}; echo code $?"
    with Terminal(["sh", "-c", f"cd {tmp_path}; {program}; cat err 2>/dev/null; echo; echo end"]) as terminal:
        terminal.wait_for("end")
        shown = " ".join(terminal.text().split())
    assert f"the board needs a terminal, and {name} is none" in shown
    assert ("code 2" in shown) or name == "stdout"


def test_the_directory_that_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option counts most, then the environment, the config, ~/.agents/runs if it is there, the state directory."""
    home, config = tmp_path / "home", tmp_path / "config" / "runboard"
    monkeypatch.setenv("HOME", str(home))
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_STATE_HOME": str(tmp_path / "state")}
    found = [runs_dir(None, environ)]
    (home / ".agents" / "runs").mkdir(parents=True)
    found.append(runs_dir(None, environ))
    config.mkdir(parents=True)
    (config / "config.toml").write_text('runs_dir = "~/mine"\ntheme = "x"\n', "utf-8")
    found.append(runs_dir(None, environ))
    environ["RUNBOARD_RUNS"] = "~/env"
    found.append(runs_dir(None, environ))
    found.append(runs_dir("/given/../option", environ))
    expected = ["state/runboard/runs", "home/.agents/runs", "home/mine", "home/env"]
    assert found == [*(str(tmp_path / part) for part in expected), "/option"]


def test_defaults_without_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base directories that are not absolute are ignored, as the XDG specification says; an empty variable is none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    environ = {"XDG_CONFIG_HOME": "relative", "XDG_STATE_HOME": "", "RUNBOARD_RUNS": ""}
    assert runs_dir(None, environ) == str(tmp_path / ".local/state/runboard/runs")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("runs_dir = ", "is no valid TOML"),
        ("runs_dir = 5", "runs_dir must be an absolute path"),
        ('runs_dir = "relative"', "runs_dir must be an absolute path"),
        (b"\xff\xfe", "is no valid TOML"),
    ],
)
def test_a_bad_config(tmp_path: Path, text: str | bytes, told: str) -> None:
    """A config that cannot be used is one clear line and exit 2; a directory given by hand needs no config."""
    path = tmp_path / "runboard" / "config.toml"
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    argv = [*COMMAND, "ps"]
    env = environment(XDG_CONFIG_HOME=str(tmp_path))
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"config file {path}" in done.stderr
    assert told in done.stderr
    assert runs_dir("/given", {"XDG_CONFIG_HOME": str(tmp_path)}) == "/given"


def test_a_file_is_no_runs_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in the place of the directory, or of a part of its path, is wrong usage for every verb."""
    (tmp_path / "file").write_text("", "utf-8")
    for place in ("file", "file/runs"):
        for words in (["ps"], ["show", "x"], ["run", "--", "true"], ["clean", "-y"], ["trash"], ["reconcile"]):
            code = run_command_line(["--runs-dir", str(tmp_path / place), *words])
            out, err = capsys.readouterr()
            assert (code, out, err.count("\n"), str(tmp_path / place) in err) == (2, "", 1, True), words
    assert (tmp_path / "file").read_text("utf-8") == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_runs_directory(tmp_path: Path) -> None:
    """A directory that may not be looked into is told as such."""
    tmp_path.chmod(0)
    try:
        with pytest.raises(Failure, match="cannot be read: Permission denied"):
            check(str(tmp_path))
    finally:
        tmp_path.chmod(0o700)


def test_options_behind_the_verb(tmp_path: Path) -> None:
    """--runs-dir may stand before or behind the verb; the one behind counts."""
    leave(tmp_path / "right", "aaaa0001")
    done = runboard(tmp_path / "wrong", "ps", "-q", "--runs-dir", str(tmp_path / "right"))
    assert (done.returncode, done.stdout) == (0, "aaaa0001\n")


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """A reader that goes away ends a verb without a word, as head(1) expects."""
    for number in range(200):
        leave(tmp_path, f"aaaa{number:04}", command=["echo", "x" * 2000])
    with subprocess.Popen(
        [*COMMAND, "--runs-dir", str(tmp_path), "ps", "-a", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.read(10)
        program.stdout.close()
        assert (program.wait(20), program.stderr.read()) == (141, b"")


@pytest.mark.parametrize(
    ("redirection", "answer"),
    [(">&-", "0"), (">/dev/full", "1"), ("<&- >&- 2>&-", "0"), ("2>&-", "0"), ("2>/dev/full", "0")],
)
def test_streams_that_take_nothing(tmp_path: Path, redirection: str, answer: str) -> None:
    """Closed streams are done without; a full disk behind stdout is a failure that says so, and no traceback."""
    leave(tmp_path, "aaaa0001")
    script = f"'{sys.executable}' -m runboard --runs-dir {tmp_path} ps {redirection}; echo $? > {tmp_path}/code"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=False, env=environment(), timeout=30
    )
    assert ((tmp_path / "code").read_text("utf-8").strip(), "Traceback" in done.stderr) == (answer, False)
    assert ("No space left on device" in done.stderr) == (redirection == ">/dev/full")


def test_ctrl_c_is_130(tmp_path: Path) -> None:
    """An interruption ends a waiting verb with 130 and no traceback, and leaves the run alone."""
    run_id = start(tmp_path, "--", "sleep", "60")
    argv = [*COMMAND, "--runs-dir", str(tmp_path), "wait", "nonsense", run_id]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment()) as waiting:
        assert waiting.stderr is not None
        assert "no run begins with" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        assert (waiting.wait(10), waiting.stderr.read().strip()) == (130, "")
    assert runboard(tmp_path, "ps", "--format", "{status}").stdout == "running\n"
    assert runboard(tmp_path, "kill", "-9", run_id).returncode == 0
