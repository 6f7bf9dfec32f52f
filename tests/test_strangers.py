"""A pid that is somebody else's now is never signalled, its run never running; another host's is left alone."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from runboard import process
from runboard.record import iso
from tests.program import alive, record, runboard

PIDS: dict[str, Any] = {
    "true": True,
    "null": None,
    "float": 4.5,
    "huge": 10**30,
    "beyond the kernel": 2**22 + 1,
    "negative": -1,
    "minus group": -os.getpgid(0),
    "zero": 0,
    "text": "1",
    "list": [1],
}


def write(runs: Path, run_id: str, **fields: Any) -> None:
    """Write a record by hand; startedAt is now, unless said otherwise."""
    (runs / run_id).mkdir(parents=True)
    doc = {"id": run_id, "status": "running", "startedAt": iso(time.time())} | fields
    (runs / run_id / "run.json").write_text(json.dumps(doc), "utf-8")


def exact(pid: int, **wrong: Any) -> dict[str, Any]:
    """An exact identity of a live process, made wrong in some part."""
    place = process.here()
    ticks = process.start_ticks(pid)
    who = {"startTicks": ticks, "bootId": place.boot_id, "pidNamespace": place.pid_namespace, "host": place.host}
    return {"pid": pid, "command": ["sleep", "60"], "process": {"pid": pid} | who | wrong}


def statuses(runs: Path) -> dict[str, str]:
    """What ps says of each run."""
    done = runboard(runs, "ps", "-a", "--json")
    assert done.returncode == 0, done.stderr
    return {run["id"]: run["status"] for run in json.loads(done.stdout)}


@pytest.mark.parametrize("pid", PIDS.values(), ids=PIDS)
def test_a_pid_that_is_none_is_not_running(tmp_path: Path, pid: Any) -> None:
    """A record whose pid names no process is never running, and kill signals nobody."""
    write(tmp_path, "odd", pid=pid)
    assert runboard(tmp_path, "kill", "odd").returncode == 1
    assert statuses(tmp_path) == {"odd": "failed"}
    assert record(tmp_path, "odd")["reason"] == "lost"


@pytest.mark.parametrize("who", ["init", "ourselves", "parent"])
def test_our_own_line_is_never_signalled(tmp_path: Path, who: str) -> None:
    """Pid 1, the killing process's parent and its own line of ancestors are never a run of the older tool."""
    pid = {"init": 1, "ourselves": os.getpid(), "parent": os.getppid()}[who]
    write(tmp_path, "line", pid=pid)
    assert runboard(tmp_path, "kill", "line", "-s", "KILL").returncode == 1
    assert alive(os.getppid())
    assert statuses(tmp_path)["line"] != "running"


def test_a_reused_pid_is_left_alone(tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    """Wrong start ticks or another boot make the pid a stranger's: not running, not signalled."""
    ticks = process.start_ticks(bystander.pid) or 0
    write(tmp_path, "ticks", **exact(bystander.pid, startTicks=ticks - 1))
    write(tmp_path, "boot", **exact(bystander.pid, bootId="00000000-0000-0000-0000-000000000000"))
    for run_id in ("ticks", "boot"):
        assert runboard(tmp_path, "kill", run_id, "-s", "KILL").returncode == 1
    assert statuses(tmp_path) == {"ticks": "failed", "boot": "failed"}
    assert "restarted" in record(tmp_path, "boot")["error"]
    assert alive(bystander.pid)


def test_with_the_right_identity_the_same_process_is_the_run(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """The control: with nothing wrong in the identity it is running, and a kill ends it."""
    write(tmp_path, "right", **exact(bystander.pid))
    assert statuses(tmp_path) == {"right": "running"}
    done = runboard(tmp_path, "kill", "right", "--grace", "1s")
    assert (done.returncode, alive(bystander.pid)) == (0, False), done.stderr
    assert record(tmp_path, "right")["reason"] == "killed"


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a run to somebody else needs root")
def test_a_user_cannot_have_root_signal_a_process_of_its_own(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """A user's record that names root's process has it signalled neither at once nor when it is overdue.

    The control: in a run of root's own it is.
    """
    write(tmp_path, "trap", **exact(bystander.pid), timeout=0.0001)
    for path in (tmp_path / "trap", tmp_path / "trap" / "run.json"):
        os.chown(path, 65534, 65534)
    killing = runboard(tmp_path, "kill", "trap", "-s", "KILL")
    assert (killing.returncode, "of another user (0) than the run" in killing.stderr) == (1, True), killing.stderr
    assert runboard(tmp_path, "reconcile").returncode == 0
    assert alive(bystander.pid)
    os.chown(tmp_path / "trap", 0, 0)
    runboard(tmp_path, "kill", "trap", "-s", "KILL")
    assert not alive(bystander.pid)


def test_a_stranger_that_is_called_the_shim_keeps_its_children(
    tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    """What descends from the process that a record calls the shim is the run's only where that has the shim's mark."""
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout is not None
        child = int(stranger.stdout.readline())
        try:
            named = {"shimPid": stranger.pid, "shimStartTicks": process.start_ticks(stranger.pid)}
            write(tmp_path, "trap", **exact(bystander.pid, **named))
            assert runboard(tmp_path, "kill", "trap", "-s", "KILL").returncode == 0
            assert (alive(bystander.pid), alive(stranger.pid), alive(child)) == (False, True, True)
        finally:
            os.kill(child, 9)


@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"pidNamespace": "pid:[1]"}])
def test_another_hosts_run_is_left_alone_and_says_so(
    tmp_path: Path, bystander: subprocess.Popen[bytes], elsewhere: dict[str, str]
) -> None:
    """A run of another host or pid namespace stays running on disk, is not signalled, and says where it is."""
    write(tmp_path, "far", **exact(bystander.pid, **elsewhere))
    before = (tmp_path / "far" / "run.json").read_bytes()
    killing = runboard(tmp_path, "kill", "far", "-s", "KILL")
    assert killing.returncode == 1
    assert "not signalled" in killing.stderr
    assert statuses(tmp_path) == {"far": "running"}
    word = "elsewhere" if "host" in elsewhere else "namespace"
    assert word in runboard(tmp_path, "ps").stdout
    assert alive(bystander.pid)
    assert (tmp_path / "far" / "run.json").read_bytes() == before


def test_a_run_of_the_older_tool_is_killed_only_with_proof(tmp_path: Path, bystander: subprocess.Popen[bytes]) -> None:
    """A process that merely started at the right time is running but not killed; one that writes the log is."""
    write(tmp_path, "near", pid=bystander.pid)
    (tmp_path / "mine").mkdir()
    with (tmp_path / "mine" / "output.log").open("wb") as log:
        child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=log)
    try:
        doc = {"id": "mine", "status": "running", "pid": child.pid, "startedAt": iso(time.time())}
        (tmp_path / "mine" / "run.json").write_text(json.dumps(doc), "utf-8")
        assert statuses(tmp_path) == {"near": "running", "mine": "running"}
        assert runboard(tmp_path, "kill", "near").returncode == 1
        assert runboard(tmp_path, "kill", "mine").returncode == 0
        assert (alive(bystander.pid), alive(child.pid)) == (True, False)
    finally:
        child.kill()
        child.wait()
