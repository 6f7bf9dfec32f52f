"""`demo` and `doctor`: sample runs of every kind that leave nothing behind, and a truthful word about this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from runboard import lock
from runboard.cli import probing, stage
from runboard.cli.demo import clear_away
from runboard.cli.probing import State
from runboard.control import Control
from runboard.store import Store
from tests.program import COMMAND, alive, environment, runboard
from tests.terminal import Terminal
from tests.waiting import until

LIVING = {"load generator", "backup, silent", "fix the rounding", "stubborn server", "train the ranker"}


def samples(runs: Path) -> dict[str, dict[str, object]]:
    """The demo's runs by name, as ps tells them."""
    return {run.get("name") or run["id"]: run for run in json.loads(runboard(runs, "ps", "-a", "--json").stdout)}


def test_demo_has_one_of_each(tmp_path: Path) -> None:
    """Samples end as their names say, the living ones live, and clearing them away leaves no process and no file."""
    done = subprocess.run(
        [*COMMAND, "demo", "--no-board"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(TMPDIR=str(tmp_path)),
        timeout=60,
    )
    root = Path(done.stdout.strip())
    assert (root.parent, done.stderr) == (tmp_path, "")
    until(lambda: samples(root)["link checker"]["status"] == "failed", 20)
    found = samples(root)
    pids = [int(str(run["pid"])) for run in found.values() if run["status"] == "running"]
    ends = {
        name: (run["status"], run.get("reason"), run.get("exitCode"), run.get("signal"))
        for name, run in found.items()
        if run["status"] != "running"
    }
    assert {name for name, run in found.items() if run["status"] == "running"} == LIVING
    assert ends == {
        "build": ("completed", "exited", 0, None),
        "unit tests": ("failed", "exited", 3, None),
        "interrupted script": ("failed", "exited", 130, None),
        "video decoder": ("failed", "signal", None, signal.SIGSEGV),
        "link checker": ("failed", "timeout", None, signal.SIGTERM),
        "issue-38-reviewer": ("completed", None, None, None),
    }
    chatty = root / str(found["load generator"]["id"]) / "output.log"
    until(lambda: b"\r" in chatty.read_bytes())
    clear_away(str(root))
    assert (list(tmp_path.iterdir()), [pid for pid in pids if alive(pid)]) == ([], [])


def test_demo_in_a_board_leaves_nothing(tmp_path: Path) -> None:
    """Leaving the board of the demo ends its runs and removes its directory."""
    with Terminal([*COMMAND, "demo"], 120, 40, {"TMPDIR": str(tmp_path)}) as terminal:
        terminal.wait_for("stubborn server", 30)
        [root] = tmp_path.iterdir()
        pids = [json.loads(path.read_bytes())["pid"] for path in root.glob("*/run.json")]
        terminal.press("q")
        assert terminal.wait_exit(30) == 0
    assert (list(tmp_path.iterdir()), [pid for pid in pids if pid and alive(pid)]) == ([], [])


def living(root: Path) -> list[int]:
    """The pids of the commands and shims in a demo's directory, which live by now."""
    runs = [json.loads(path.read_bytes()) for path in root.glob("*/run.json")]
    pids = [run["pid"] for run in runs] + [run.get("process", {}).get("shimPid") for run in runs]
    return [pid for pid in pids if pid and alive(pid)]


def keeper(root: Path) -> int:
    """The pid of the shell that waits beside a demo."""
    found = [
        int(name)
        for name in os.listdir("/proc")
        if name.isdigit()
        for words in [
            Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0") if os.path.exists(f"/proc/{name}") else []
        ]
        if words[:1] == [b"sh"] and os.fsencode(root) in words
    ]
    assert len(found) == 1
    return found[0]


HELD = """
import sys, time
from runboard.cli import stage
from runboard.control import Control
from runboard.store import Store
root = sys.argv[1]
stage.prepare(root)
with stage.held(root):
    print(Control(Store(root)).start(["sleep", "60"]).process.pid, flush=True)
    time.sleep(60)
"""


def test_who_holds_a_demo_and_is_killed_leaves_nothing(tmp_path: Path) -> None:
    """The shell beside it ends the run and removes the directory; without that, the run lives on."""
    for kept in (True, False):
        root = tmp_path / f"{stage.PREFIX}{kept}"
        root.mkdir()
        holder = subprocess.Popen([sys.executable, "-c", HELD, str(root)], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        with holder, holder.stdout:
            pid = int(holder.stdout.readline())
            if not kept:
                os.kill(keeper(root), signal.SIGKILL)
            holder.kill()
        if kept:
            until(lambda root=root: not root.exists(), 20)  # type: ignore[misc]
        assert alive(pid) is not kept
    assert stage.clear_abandoned(str(root), 0.0)
    assert not alive(pid)


@pytest.mark.nightly
def test_a_killed_demo_leaves_nothing(tmp_path: Path) -> None:
    """When the board of a demo is killed, what it started and its directory are gone a moment later."""
    with Terminal([*COMMAND, "demo"], 120, 40, {"TMPDIR": str(tmp_path)}) as terminal:
        terminal.wait_for("stubborn server", 30)
        [root] = tmp_path.iterdir()
        pids = [*living(root), keeper(root)]
        assert len(pids) > 2 * len(LIVING)
        os.kill(terminal.process, signal.SIGKILL)
        until(lambda: not root.exists(), 20)
        until(lambda: not any(map(alive, pids)))


@pytest.mark.nightly
def test_what_a_killed_demo_left_goes_with_the_next_board(tmp_path: Path) -> None:
    """With the shell killed too, the next board clears away, and the demo that it belongs to keeps all it has."""
    environ = {"TMPDIR": str(tmp_path)}
    with Terminal([*COMMAND, "demo"], 120, 40, environ) as first:
        first.wait_for("stubborn server", 30)
        [left] = tmp_path.iterdir()
        pids = living(left)
        for pid in (keeper(left), first.process):
            os.kill(pid, signal.SIGKILL)
        until(first.ended)
        with Terminal([*COMMAND, "demo"], 120, 40, environ) as second:
            assert living(left)  # negative control: else they would go on
            second.wait_for("stubborn server", 30)
            until(lambda: not left.exists(), 20)
            until(lambda: not any(map(alive, pids)))
            [root] = tmp_path.iterdir()
            assert len(living(root)) > 2 * len(LIVING) - 2


def test_a_demo_that_lives_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sweeps leaves the directory and the runs of a demo alone as long as that lives, and takes them afterwards."""
    root = f"{tmp_path}/{stage.PREFIX}here"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for kept in (True, False):
        os.mkdir(root)
        stage.prepare(root)
        with stage.held(root):
            run = Control(Store(root)).start(["sleep", "60"])
            assert run.process.pid is not None
            if not kept:  # negative control: not asking who holds it
                monkeypatch.setattr(lock, "acquire", lambda *_: None)
            stage.sweep()
            assert (alive(run.process.pid), os.path.exists(root)) == (kept, kept)
        stage.sweep()
        assert (alive(run.process.pid), os.path.exists(root)) == (False, False)


def test_what_is_not_a_dead_demos_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that nobody says is a demo's, one of a demo without a board, and a link to one stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = tmp_path / "elsewhere"
    for root in (dead, tmp_path / f"{stage.PREFIX}mine", tmp_path / f"{stage.PREFIX}bare"):
        root.mkdir()
        if root != tmp_path / f"{stage.PREFIX}bare":
            stage.prepare(str(root))
    (dead / ".demo" / "owner").touch()
    (tmp_path / f"{stage.PREFIX}link").symlink_to(dead)
    before = sorted(tmp_path.rglob("*"))
    stage.sweep()
    assert sorted(tmp_path.rglob("*")) == before
    dead.rename(tmp_path / f"{stage.PREFIX}dead")
    stage.sweep()
    assert not (tmp_path / f"{stage.PREFIX}dead").exists()


def test_doctor(tmp_path: Path) -> None:
    """Every check has a line with its word; the JSON has the same checks; a healthy machine gives 0."""
    told = json.loads(runboard(tmp_path, "doctor", "--json").stdout)
    done = runboard(tmp_path, "doctor")
    lines = {line[:14].strip(): line[16:24].strip() for line in done.stdout.splitlines()}
    assert {check["name"]: check["state"] for check in told["checks"]} == lines
    assert (done.returncode, told["healthy"], lines["runs directory"]) == (0, True, "ok")
    assert {"python", "pidfd", "exit info", "cgroup v2", "landlock", "inotify", "open files", "git", "rg"} <= set(lines)


def test_doctor_of_a_useless_place(tmp_path: Path) -> None:
    """A runs directory that cannot be one is missing, and the exit code says so."""
    (tmp_path / "file").write_text("", "utf-8")
    done = runboard(tmp_path / "file", "doctor")
    assert (done.returncode, "runs directory  missing" in done.stdout, done.stderr) == (1, True, "")


def test_probes_tell_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is taken away is told as degraded or missing: a program, a terminal, a place to be made."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probing.program("rg", "done without").state is State.DEGRADED
    assert probing.terminal({"TERM": "xterm"}).state is State.DEGRADED or os.isatty(0)
    [made, _file_system] = probing.runs_directory(str(tmp_path / "not" / "yet"))
    assert (made.state, made.detail) == (State.OK, f"{tmp_path}/not/yet, made with the first run")


@pytest.mark.parametrize(
    ("path", "kind"), [("/home/me/runs", "nfs4"), ("/home/me", "nfs4"), ("/homely", "ext4"), ("/mnt/a b/x", "xfs")]
)
def test_the_file_system_of_a_path(path: str, kind: str) -> None:
    """The longest mount point that holds a path decides; of two at the same place, the later mount."""
    mounts = (
        "22 1 8:1 / / rw - ext4 /dev/a rw\n"
        "23 22 8:2 / /home rw - xfs /dev/b rw\n"
        "24 22 0:5 / /home rw shared:1 - nfs4 server:/home rw\n"
        "25 22 8:3 / /mnt/a\\040b rw - xfs /dev/c rw\n"
    )
    assert probing.mounted(path, mounts) == kind
