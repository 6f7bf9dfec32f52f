"""Pids given to others, restarts, other hosts and pid namespaces: the program itself, from the shell, hurts nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runboard import process
from runboard.record import iso
from tests.faults.table import Table
from tests.program import alive, environment, record

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root for unshare"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare (util-linux)"),
]

ASK = '"$PYTHON" -m runboard --runs-dir "$RUNS" ps -a --json; "$PYTHON" -m runboard --runs-dir "$RUNS" kill -9 "$RUN"'


def inside(runs: Path, run_id: str, script: str, *unshare: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the shell in other namespaces."""
    settings = {"PYTHON": sys.executable, "RUNS": str(runs), "RUN": run_id}
    argv = ["unshare", *unshare, "sh", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment(**settings), timeout=120, check=False)
    if "unshare:" in done.stderr:
        pytest.skip(f"unshare is refused here: {done.stderr.strip()}")
    return done


def running(runs: Path, pid: int) -> str:
    """A run that is exactly this process of this place."""
    found, place = process.identity_of(pid), process.here()
    assert found is not None
    who = {"startTicks": found.start_ticks, "bootId": place.boot_id, "pidNamespace": place.pid_namespace}
    doc = {"id": "far", "status": "running", "startedAt": iso(time.time()), "pid": pid, "command": ["sleep", "60"]}
    (runs / "far").mkdir(parents=True)
    text = json.dumps(doc | {"process": {"pid": pid, "host": place.host, **who}})
    (runs / "far" / "run.json").write_text(text, "utf-8")
    return "far"


RESTART = """
echo 00000000-0000-4000-8000-000000000000 >"$RUNS/.boot"; echo "1.00 1.00" >"$RUNS/.uptime"
mount --bind "$RUNS/.boot" /proc/sys/kernel/random/boot_id && mount --bind "$RUNS/.uptime" /proc/uptime
"""

PLACES = {
    "another host": (("--uts",), "hostname elsewhere\n", "running"),
    "another pid namespace": (("--pid", "--fork", "--mount-proc"), "", "running"),
    "a restart": (("--mount",), RESTART, "failed"),
}


@pytest.mark.parametrize("name", PLACES)
def test_from_elsewhere_nobody_is_signalled(
    tmp_path: Path, bystander: subprocess.Popen[bytes], table: Table, name: str
) -> None:
    """Seen from another host or namespace a run is running and out of reach; after a restart it is lost."""
    unshare, prepare, status = PLACES[name]
    run_id = running(tmp_path, bystander.pid)
    done = inside(tmp_path, run_id, prepare + ASK, *unshare)
    told = {run["id"]: run["status"] for run in json.loads(done.stdout)}
    harm = not alive(bystander.pid) or told != {run_id: status} or done.returncode == 0
    table.tell(f"a run is looked at and killed from: {name}", 1, harm)
    assert not harm, done
    by_pid = inside(tmp_path, run_id, f"{prepare}kill -0 {bystander.pid} && echo alive", *unshare).stdout.strip()
    thought = "" if name == "another pid namespace" else "alive"  # a pid alone: dead, or there to be signalled
    table.control(f"a run is looked at and killed from: {name}", 1, by_pid == thought)
    assert record(tmp_path, run_id)["status"] == status
    if status == "failed":
        assert "restarted" in record(tmp_path, run_id)["error"]


REUSE = """
"$PYTHON" - <<'END'
import json, os, subprocess, sys, time
from pathlib import Path
runs = os.environ["RUNS"]
program = [sys.executable, "-m", "runboard", "--runs-dir", runs]
def call(*words): return subprocess.run([*program, *words], capture_output=True, text=True)
harm = naive = 0
for number in range(3):
    run_id = call("run", "--", "sleep", "60").stdout.strip()
    doc = json.loads(Path(runs, run_id, "run.json").read_text())
    os.kill(doc["process"]["shimPid"], 9)
    os.kill(doc["pid"], 9)
    while os.path.exists(f"/proc/{doc['pid']}"):
        try: os.waitpid(-1, os.WNOHANG)
        except ChildProcessError: pass
        time.sleep(0.01)
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(doc["pid"] - 1))
    stranger = subprocess.Popen(["sleep", "60"])
    assert stranger.pid == doc["pid"], (stranger.pid, doc["pid"])
    killed = call("kill", "-9", run_id)
    told = {run["id"]: run["status"] for run in json.loads(call("ps", "-a", "--json").stdout)}
    harm += stranger.poll() is not None or killed.returncode == 0 or told[run_id] != "failed"
    os.kill(json.loads(Path(runs, run_id, "run.json").read_text())["pid"], 9)
    naive += stranger.wait() == -9
print(json.dumps([harm, naive]))
END
"""


def test_a_pid_that_is_a_strangers_now_is_left_alone(tmp_path: Path, table: Table) -> None:
    """Three strangers get a dead run's pid: ``kill`` leaves them alone, ``ps`` calls the run failed; kill(1) hits."""
    done = inside(tmp_path, "", REUSE, "--pid", "--fork", "--mount-proc")
    assert done.returncode == 0, done.stderr
    harm, naive = json.loads(done.stdout)
    table.tell("a pid is given to a stranger", 3, harm)
    table.control("a pid is given to a stranger", 3, naive)
    assert harm == 0
