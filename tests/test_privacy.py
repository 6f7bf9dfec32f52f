"""Privacy: what is made is for its owner alone under any umask, and the value of a variable is written nowhere."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from runboard.cli.privacy import privacy
from runboard.cli.probing import State
from runboard.control import Control, ControlError
from runboard.facts import facts_of
from runboard.state import State as Remembered
from runboard.store import Store
from tests.leaving import leave
from tests.program import COMMAND, ended, environment, record, runboard
from tests.waiting import until

SECRET = "sesame-7f3b9c"


def everything(*places: Path) -> dict[str, int]:
    """The mode of every directory and file below some places, and of the places."""
    found = {}
    for place in places:
        for folder, _, names in os.walk(place):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                found[path] = stat.S_IMODE(os.lstat(path).st_mode)
    return found


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_whatever_is_made_is_private(tmp_path: Path, umask: int) -> None:
    """Runs, records, logs, answers, hooks, journal, trash, state and index: 0700 and 0600, whatever the umask."""
    runs, cache, state = tmp_path / "runs", tmp_path / "cache", tmp_path / "state"
    config = tmp_path / "config" / "runboard"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[hooks]\non_finish = "cat"\n')
    more = {"XDG_CACHE_HOME": str(cache), "XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(config.parent)}
    old = os.umask(umask)
    try:
        for script in ("echo answer", "exit 3"):
            words = [*COMMAND, "--runs-dir", str(runs), "run", "--wait", "--", "sh", "-c", script]
            subprocess.run(words, env=environment(**more), check=False, capture_output=True)
        Remembered(str(state / "runboard")).save("theme", "nord")
        for run_id in Store(str(runs)).ids():
            ended(runs, run_id)
            until((runs / run_id / "hook.json").exists)
    finally:
        os.umask(old)
    for number in range(205):
        leave(tmp_path / "many", f"{number:08x}")
    old = os.umask(umask)
    try:
        argv = [*COMMAND, "--runs-dir", str(tmp_path / "many"), "ps"]
        subprocess.run(argv, env=environment(**more), check=True, capture_output=True)
        first = Store(str(runs)).ids()[0]
        Control(Store(str(runs)), by="me").trash(first)
    finally:
        os.umask(old)
    found = everything(runs, cache, state)
    names = {os.path.basename(path) for path in found}
    assert {"run.json", "output.log", "started.json", "exit.json", "response.md", ".journal", ".trash"} <= names
    assert {"board.json", "hook.json"} <= names
    assert any(path.startswith(str(cache)) and os.path.isfile(path) for path in found)
    others = {path: oct(mode) for path, mode in found.items() if mode & 0o077}
    assert others == {}


def test_a_naive_writer_would_be_seen(tmp_path: Path) -> None:
    """Negative control: open() and makedirs() under the same umask make what others can read and write."""
    old = os.umask(0)
    try:
        os.makedirs(tmp_path / "runs" / "aa01")
        (tmp_path / "runs" / "aa01" / "run.json").write_text("{}")
    finally:
        os.umask(old)
    assert set(everything(tmp_path / "runs").values()) == {0o777, 0o666}


def traces(place: Path) -> list[str]:
    """The files below a place that hold the secret."""
    return [path for path in everything(place) if os.path.isfile(path) and SECRET.encode() in Path(path).read_bytes()]


def test_the_value_of_a_variable_is_written_nowhere(tmp_path: Path) -> None:
    """Of --env only the name is in the record, in what show and ps print, and in what a hook is given."""
    runs = tmp_path / "runs"
    config = tmp_path / "runboard"
    config.mkdir()
    (config / "config.toml").write_text(f'[hooks]\non_finish = "cat >>{tmp_path}/told"\n')
    more = {"XDG_CONFIG_HOME": str(tmp_path)}
    check = f'test "$TOKEN" = {SECRET[:-2]}""{SECRET[-2:]}'  # the command line is the person's own, and kept
    done = runboard(runs, "run", "--wait", "--env", f"TOKEN={SECRET}", "--", "sh", "-c", check, more=more)
    run_id = done.stdout.strip()
    assert (done.returncode, record(runs, run_id)["env"]) == (0, ["TOKEN"])
    assert traces(tmp_path) == []
    for words in (["show", run_id], ["show", run_id, "--json"], ["ps", "-a", "--json"], ["logs", run_id, "--raw"]):
        printed = runboard(runs, *words, more=more)
        assert (printed.returncode, SECRET in printed.stdout + printed.stderr) == (0, False), words
    assert "TOKEN" in runboard(runs, "show", run_id).stdout


def test_values_of_earlier_versions_are_not_shown_and_go_with_the_first_change(tmp_path: Path) -> None:
    """A record that kept values loads with the names; nothing prints them, and whoever writes it leaves them out."""
    leave(tmp_path, "aa01", env={"TOKEN": SECRET, "LANG": "C"}, strange={"kept": [1]})
    store = Store(str(tmp_path))
    run = store.read("aa01")
    assert run.env == ("LANG", "TOKEN")
    assert ("Environment", "LANG TOKEN") in facts_of(run, 1e10)
    for words in (["show", "aa01", "--json"], ["ps", "-a", "--json"], ["ps", "-a", "--jsonl"], ["show", "aa01"]):
        assert SECRET not in runboard(tmp_path, *words).stdout
    Control(store, by="me").note("aa01", "changed")
    assert (traces(tmp_path), record(tmp_path, "aa01")["env"]) == ([], ["LANG", "TOKEN"])
    assert record(tmp_path, "aa01")["strange"] == {"kept": [1]}


def test_a_rerun_says_which_values_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a value nothing is started, and one is told what to type; the caller's environment will do."""
    leave(tmp_path, "aa01", env=["RB_ONE", "RB_TWO"], command=["sh", "-c", 'echo "$RB_ONE $RB_TWO"'], cwd="/")
    control = Control(Store(str(tmp_path)), by="me")
    monkeypatch.setenv("RB_ONE", "1")
    with pytest.raises(ControlError, match="runboard rerun aa01 --env RB_TWO=…"):
        control.rerun("aa01")
    assert Store(str(tmp_path)).ids() == ["aa01"]
    run = control.rerun("aa01", {"RB_TWO": "2"})
    ended(tmp_path, run.id)
    assert (tmp_path / run.id / "output.log").read_text() == "1 2\n"
    assert run.env == ("RB_ONE", "RB_TWO")


def test_doctor_tells_what_others_may(tmp_path: Path) -> None:
    """Runs that others can read or swap are told with the command that mends it; done, it is well."""
    runs = tmp_path / "runs"
    assert privacy(str(runs)).state is State.OK
    folder = leave(runs, "aa01", log=b"x")
    cases = (
        (0o700, 0o755, 0o644, "yours alone", None),
        (0o755, 0o700, 0o644, "others can read the names of your runs", "runs"),
        (0o755, 0o755, 0o600, "others can read the names of your runs", "runs"),
        (0o755, 0o755, 0o644, "others can read 1 run in", "runs"),
        (0o750, 0o750, 0o640, "others can read 1 run in", "runs"),
        (0o777, 0o700, 0o600, "others can write into", "runs"),
    )
    for outer, inner, file, told, mended in cases:
        for name in ("run.json", "output.log"):
            (folder / name).chmod(file)
        folder.chmod(inner)
        runs.chmod(outer)
        check = privacy(str(runs))
        assert (told in check.detail, check.state is State.OK) == (True, mended is None), (check, oct(outer))
        if mended:
            subprocess.run(["sh", "-c", check.detail.rpartition(": ")[2]], check=True)
            assert privacy(str(runs)).state is State.OK
    tmp_path.chmod(0o777)
    check = privacy(str(runs))
    assert "others can put another directory in the place of" in check.detail
    subprocess.run(["sh", "-c", check.detail.rpartition(": ")[2]], check=True)
    assert privacy(str(runs)).state is State.OK
    tmp_path.chmod(0o1777)
    assert privacy(str(runs)).state is State.OK, "a sticky directory protects what is in it"
    tmp_path.chmod(0o700)


def test_doctor_shows_it(tmp_path: Path) -> None:
    """The verb has it among its checks, as a warning that fails nothing."""
    leave(tmp_path / "runs", "aa01")
    (tmp_path / "runs").chmod(0o755)
    checks = {
        check["name"]: check for check in json.loads(runboard(tmp_path / "runs", "doctor", "--json").stdout)["checks"]
    }
    assert (checks["privacy"]["state"], "chmod go-rwx" in checks["privacy"]["detail"]) == ("degraded", True)


def test_the_sheet_of_a_launch_is_on_no_disk(tmp_path: Path) -> None:
    """Not even for a moment is there a file with the environment in it: the launcher's calls are watched."""
    trace = tmp_path / "trace"
    if subprocess.run(["strace", "-V"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace is not installed")
    argv = ["strace", "-f", "-qq", "-s", "4000", "-e", "trace=write,pwrite64,writev", "-o", str(trace), *COMMAND]
    argv += ["--runs-dir", str(tmp_path / "runs"), "run", "--wait", "--env", f"TOKEN={SECRET}", "--", "true"]
    done = subprocess.run([*argv], env=environment(), capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        pytest.skip("tracing is not permitted here")
    assert done.returncode == 0, done.stderr
    wrote = [line for line in trace.read_text(errors="replace").splitlines() if SECRET in line]
    assert len(wrote) == 1, "the sheet, once"
    fd = wrote[0].partition("write(")[2].partition(",")[0]
    assert fd.isdigit()
    assert traces(tmp_path / "runs") == []
