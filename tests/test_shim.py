"""The shim: the raw truth about every ending, the time limit over the whole tree, and nothing lost to a full disk."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import (
    SIGABRT,
    SIGALRM,
    SIGCONT,
    SIGHUP,
    SIGILL,
    SIGINT,
    SIGKILL,
    SIGPIPE,
    SIGQUIT,
    SIGSEGV,
    SIGSTOP,
    SIGTERM,
    Signals,
)

import pytest

from runboard.process import boot_clock, kernel_status, liveness, open_pidfd, shim_alive, start_ticks, wait_gone
from runboard.verdict import decode_wait_status
from tests.pad import Flight, Pad
from tests.waiting import until

CODES = (0, 1, 3, 126, 127, 130, 137, 143, 255)
SIGNALS = (SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGABRT, SIGSEGV, SIGPIPE, SIGALRM, SIGTERM, SIGKILL)
COUNTER = """
import signal, sys, time
asked = []
signal.signal(signal.SIGTERM, lambda number, frame: (asked.append(number), print("asked", flush=True)))
print("ready", flush=True)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    time.sleep(0.01)
print(len(asked), "in all", flush=True)
"""


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pad]:
    """A place to start runs from."""
    with Pad(tmp_path) as place:
        yield place


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status by its keys."""
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return start_ticks(pid) is None


def test_every_exit_code_is_told_as_it_was(pad: Pad) -> None:
    """An exit code is a code, those above 128 too, and never a signal."""
    flights = {code: pad.shell(f"exit {code}") for code in CODES}
    told = {code: decode_wait_status(flight.exit().wait_status) for code, flight in flights.items()}
    assert told == {code: (code, None, False) for code in CODES}


def test_every_signal_is_told_as_it_was(pad: Pad) -> None:
    """A death by a signal names the signal, whoever sent it, and no core that was not written."""
    flights = {number: pad.shell("ulimit -c 0; echo ready; exec sleep TOKEN") for number in SIGNALS}
    for number, flight in flights.items():
        flight.says("ready")
        os.kill(flight.pid, number)
    told = {number: decode_wait_status(flight.exit().wait_status) for number, flight in flights.items()}
    assert told == {number: (None, int(number), False) for number in SIGNALS}


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="the hard limit of core files is 0")
def test_a_core_dump_is_told(pad: Pad) -> None:
    """The status says that a core was written where one was."""
    flight = pad.shell("ulimit -c unlimited; kill -SEGV $$")
    assert decode_wait_status(flight.exit().wait_status) == (None, SIGSEGV, True)


def test_the_record_tells_when_and_at_what_price(pad: Pad) -> None:
    """exit.json holds the clocks of the end and what the command and its children used, and is whole and alone."""
    before = time.time(), boot_clock()
    flight = pad.start(sys.executable, "-I", "-S", "-c", "x = b'x' * 60_000_000\nfor i in range(2_000_000): pass")
    flight.exit()
    doc = flight.exit_doc()
    assert sorted(doc) == ["at", "maxRss", "oomKills", "status", "systemTime", "timedOutAt", "uptime", "userTime"]
    assert before[0] <= doc["at"] <= time.time()
    assert before[1] <= doc["uptime"] <= boot_clock()
    assert (doc["status"], doc["timedOutAt"]) == (0, None)
    assert doc["userTime"] > 0.01
    assert 60_000_000 < doc["maxRss"] < 200_000_000
    assert sorted(os.listdir(flight.path)) == ["exit.json", "output.log", "started.json"]


def test_a_time_limit_is_kept(pad: Pad) -> None:
    """TERM at the limit, KILL after the grace; what ends in time is not touched; the record says what happened when."""
    obeys = pad.start("sleep", pad.token, timeout=0.3)
    ignores = pad.shell("trap '' TERM; while :; do sleep 0.05; done", timeout=0.3, grace=0.3)
    exits = pad.shell("trap 'exit 0' TERM; while :; do sleep 0.02; done", timeout=0.3)
    stopped = pad.shell("kill -STOP $$; sleep TOKEN", timeout=0.3)
    in_time = pad.start("sleep", "0.1", timeout=1.0)
    told = {
        name: (flight.exit().wait_status, flight.exit().timed_out_at is not None)
        for name, flight in {"obeys": obeys, "ignores": ignores, "exits": exits, "stopped": stopped}.items()
    }
    assert told == {"obeys": (15, True), "ignores": (9, True), "exits": (0, True), "stopped": (15, True)}
    assert (in_time.exit().wait_status, in_time.exit().timed_out_at) == (0, None)
    for flight in (obeys, ignores):
        started, record = json.loads((flight.path / "started.json").read_bytes()), flight.exit()
        assert record.timed_out_at is not None
        assert record.uptime is not None
        assert 0.25 < record.timed_out_at - started["uptime"] < 1.5  # the limit began a moment before that was noted
        assert record.timed_out_at <= record.uptime
    assert (ignores.exit().uptime or 0) - (ignores.exit().timed_out_at or 0) >= 0.29


def test_an_end_before_the_limit_counts_however_late_the_shim_wakes(pad: Pad) -> None:
    """A command that ended in time has not timed out, though its shim could look only after the limit."""
    flight = pad.start("sleep", "0.05", timeout=0.3)
    os.kill(flight.shim_pid, SIGSTOP)
    until(lambda: gone(flight.pid))
    time.sleep(0.4)
    os.kill(flight.shim_pid, SIGCONT)
    assert (flight.exit().wait_status, flight.exit().timed_out_at) == (0, None)


def test_the_time_limit_ends_the_whole_tree(pad: Pad) -> None:
    """Other sessions, daemons with an empty environment and those who ignore TERM go too; another run does not."""
    (pad.root / "inner").mkdir()
    script = (
        f"{sys.executable} -c '{INNER}' {pad.root}/inner TOKEN; setsid sleep TOKEN & env -i setsid -f sleep TOKEN;"
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo ready; sleep TOKEN"
    )
    flight = pad.shell(script, timeout=1.0, grace=0.3)
    flight.says("ready")
    assert len(pad.left()) > 6
    assert flight.exit().wait_status == 15
    until(lambda: gone(flight.shim_pid))
    started = json.loads((pad.root / "inner" / "started.json").read_bytes())
    assert sorted(pad.left()) == sorted([started["pid"], started["shimPid"]])
    os.kill(started["pid"], SIGKILL)
    until((pad.root / "inner" / "exit.json").exists)


INNER = """
import os, sys, time
from runboard.model import Run
from runboard.process import launch
run = Run("inner", command=("sleep", sys.argv[2]), cwd="/", started_at=time.time())
launch(run, os.open(sys.argv[1], os.O_DIRECTORY), environ=dict(os.environ), successor=[])
"""


def test_the_ending_is_told_before_the_rest_of_the_tree_has_gone(pad: Pad) -> None:
    """After the limit the record and the successor do not wait for a stubborn child, nor does the child escape."""
    script = "setsid sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.05; done' & sleep TOKEN"
    settled = pad.root / "settled"
    flight = pad.shell(script, timeout=0.4, grace=0.7, successor=["/bin/sh", "-c", f"env >{settled}"])
    flight.says("ready")
    flight.exit()
    until(settled.exists)
    assert not gone(flight.shim_pid)
    assert shim_alive(flight.run)
    assert pad.left() != [flight.shim_pid]
    until(lambda: gone(flight.shim_pid))
    assert pad.left() == []


def test_each_process_is_asked_once(pad: Pad) -> None:
    """The time limit sends one SIGTERM to each process: a second one means "at once" to many programs."""
    flight = pad.shell(f"exec {sys.executable} -c '{COUNTER}' 0.9", timeout=0.4, grace=5.0)
    flight.exit()
    assert flight.log() == "ready\nasked\n1 in all\n"


@pytest.mark.parametrize("number", [SIGTERM, SIGINT, SIGHUP])
def test_a_wish_to_end_is_passed_on(pad: Pad, number: Signals) -> None:
    """The shim hands TERM, INT and HUP to the command's group and stays to see what comes of it."""
    flight = pad.start("sleep", pad.token)
    os.kill(flight.shim_pid, number)
    assert decode_wait_status(flight.exit().wait_status) == (None, number, False)


def test_a_killed_shim_harms_nothing(pad: Pad) -> None:
    """The command goes on without its shim and its end is then the kernel's to tell; only the record is missing."""
    flight = pad.shell("while [ ! -e stop ]; do sleep 0.02; done; echo done; exit 7", cwd=pad.root)
    os.kill(flight.shim_pid, SIGKILL)
    until(lambda: gone(flight.shim_pid))
    assert str(liveness(flight.run)) == "alive"
    pidfd = open_pidfd(flight.pid, flight.started.start_ticks)
    (pad.root / "stop").touch()
    assert wait_gone(flight.run, 5)
    assert flight.log() == "done\n"
    assert until(lambda: kernel_status(pidfd, flight.pid)) == 7 << 8
    assert not (flight.path / "exit.json").exists()
    os.close(pidfd or 0)


def test_the_shim_holds_nothing_of_others(pad: Pad) -> None:
    """It keeps no log open, pins no directory but the run's, outlives stray signals, has left the caller's session."""
    flight = pad.start("sleep", pad.token)
    until((flight.path / ".exit.json.shim").exists)
    held = Path(f"/proc/{flight.shim_pid}/fd")
    until(lambda: len(os.listdir(held)) == 4)
    assert {file.name: str(file.readlink()) for file in held.iterdir()} == {
        "0": "/dev/null",
        "1": "/dev/null",
        "2": "/dev/null",
        "3": str(flight.path),
    }
    assert os.readlink(f"/proc/{flight.shim_pid}/cwd") == "/"
    for number in (SIGALRM, SIGQUIT, SIGPIPE, SIGABRT):
        os.kill(flight.shim_pid, number)
    assert os.getsid(flight.shim_pid) not in {os.getsid(0), flight.shim_pid}
    words = Path(f"/proc/{flight.shim_pid}/cmdline").read_bytes()
    assert pad.token.encode() not in words, "pkill -f on the command would hit the shim"
    os.kill(flight.pid, SIGKILL)
    assert flight.exit().wait_status == SIGKILL


def test_orphans_are_adopted_and_reaped(pad: Pad) -> None:
    """A process that lost its parent becomes the shim's child, and leaves no zombie when it ends."""
    flight = pad.shell("(setsid sleep TOKEN & echo $! ); for i in 1 2 3 4 5; do (true &) ; done; sleep TOKEN")
    orphan = int(until(lambda: flight.log().strip()))
    until(lambda: status(orphan)["PPid"] == str(flight.shim_pid))
    children = Path(f"/proc/{flight.shim_pid}/task/{flight.shim_pid}/children")
    until(lambda: set(children.read_text().split()) == {str(flight.pid), str(orphan)})
    os.kill(orphan, SIGKILL)
    until(lambda: children.read_text().split() == [str(flight.pid)])
    os.killpg(flight.pid, SIGKILL)


SUCCESSOR = """
import json, os, sys
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
found = {
    "pid": os.getpid(),
    "exit": os.path.exists(sys.argv[1] + "/exit.json"),
    "marks": sorted(item for item in open("/proc/self/environ").read().split("\\0") if item.startswith("RUNBOARD_")),
    "blocked": int(status["SigBlk"], 16),
    "ignored": int(status["SigIgn"], 16) & 0x7FFFFFFF & ~(1 << 12 | 1 << 24),
}
open(sys.argv[1] + "/.found", "w").write(json.dumps(found))
os.rename(sys.argv[1] + "/.found", sys.argv[1] + "/found.json")
"""


def test_the_shim_becomes_the_successor(pad: Pad) -> None:
    """With the record on disk the shim turns into what it was told, unblocked, with the launcher's own environment."""
    successor = [sys.executable, "-I", "-S", "-c", SUCCESSOR, str(pad.root)]
    environ = {"RUNBOARD_RUN_ID": "outer", "RUNBOARD_SHIM": "outer", "RUNBOARD_RUNS": "/somewhere", "PATH": "/bin"}
    flight = pad.shell(
        "echo $RUNBOARD_RUN_ID $RUNBOARD_SHIM; kill -TERM $PPID; sleep 0.2", environ=environ, successor=successor
    )
    (pad.root / "exit.json").symlink_to(flight.path / "exit.json")
    until((pad.root / "found.json").exists)
    assert json.loads((pad.root / "found.json").read_text()) == {
        "pid": flight.shim_pid,
        "exit": True,
        "marks": [
            "RUNBOARD_RUNS=/somewhere",
            f"RUNBOARD_SETTLING={flight.run.id}",
            pad.mark,
        ],
        "blocked": 0,
        "ignored": 0,
    }
    assert flight.log() == f"{flight.run.id}\n"


def test_a_command_that_did_not_start_is_settled_too(pad: Pad) -> None:
    """The successor runs after a failed start as well."""
    done = pad.root / "done"
    pad.start("no-such-program", successor=["/bin/touch", str(done)])
    until(done.exists)


def test_a_removed_directory_keeps_no_shim(pad: Pad) -> None:
    """Where the run's directory is gone there is nothing to write to, and nothing to wait for."""
    flight = pad.start("sleep", pad.token)
    until((flight.path / ".exit.json.shim").exists)
    for name in os.listdir(flight.path):
        (flight.path / name).unlink()
    flight.path.rmdir()
    os.kill(flight.pid, SIGKILL)
    until(lambda: gone(flight.shim_pid), 0.9)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small tmpfs")
    point = tmp_path / "small"
    point.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(point)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mount refuses a tmpfs here")
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "ballast").open("wb", buffering=0) as file, suppress(OSError):
        for _ in range(32):
            file.write(b"\0" * 4096)
    assert os.statvfs(disk).f_bavail == 0


@pytest.mark.parametrize("reserved", [True, False])
def test_a_full_disk_loses_no_ending(tmp_path: Path, small_disk: Path, reserved: bool) -> None:
    """The record is written at once, into room kept for it; where that is gone too, as soon as there is room again."""
    with Pad(small_disk) as pad:
        flight = pad.start("sleep", pad.token)
        reservation = flight.path / ".exit.json.shim"
        until(reservation.exists)
        until(lambda: reservation.stat().st_size == 512)
        if not reserved:
            reservation.unlink()
        fill(small_disk)
        os.kill(flight.pid, SIGTERM)
        if not reserved:
            time.sleep(0.2)
            assert not (flight.path / "exit.json").exists(), "the control: without the reservation there is no room"
            (small_disk / "ballast").unlink()
        assert flight.exit(3.0 if not reserved else 0.5).wait_status == 15
        until(lambda: gone(flight.shim_pid))


def test_a_full_disk_starts_nothing(small_disk: Path) -> None:
    """A launch that finds no room says so, and has started nothing."""
    with Pad(small_disk) as pad:
        pad.start("true").exit()
        fill(small_disk)
        full = pad.start("sleep", pad.token)
        assert (full.started.pid, full.started.errno, full.started.stage) == (None, 28, "launch")


@pytest.fixture
def tight_memory() -> Iterator[Path]:
    """A control group (v1) in which a process may have 24 MB."""
    group = Path(f"/sys/fs/cgroup/memory/runboard-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("24000000")
    except OSError as error:
        pytest.skip(f"no memory control group can be made here: {error.strerror}")
    try:
        yield group
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_a_death_for_want_of_memory_is_counted(pad: Pad, tight_memory: Path) -> None:
    """A command that the kernel kills for its hunger leaves SIGKILL and a count above 0."""
    hunger = "x = [bytes(1_000_000) + bytes([i]) * 1000000 for i in range(200)]"
    flight = pad.shell(f"echo $$ >{tight_memory}/cgroup.procs && exec {sys.executable} -I -S -c '{hunger}'")
    record = flight.exit(15.0)
    assert (decode_wait_status(record.wait_status)[1], record.oom_kills > 0) == (SIGKILL, True)


def test_many_at_once_are_told_apart(pad: Pad) -> None:
    """Many runs that end together leave as many true records."""
    flights: list[Flight] = [
        pad.shell(f"while [ ! -e {pad.root}/go ]; do sleep 0.02; done; exit {code}") for code in range(25)
    ]
    (pad.root / "go").touch()
    assert [decode_wait_status(flight.exit(15.0).wait_status)[0] for flight in flights] == list(range(25))
