"""Identity: a pid alone names nobody; what is another's, elsewhere or of another boot is never signalled."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from runboard.model import Identity, Liveness, Run
from runboard.process import (
    NotOurs,
    TreeEnd,
    elsewhere,
    end_tree,
    here,
    identity_of,
    kernel_status,
    liveness,
    machine_restarted,
    members,
    open_pidfd,
    procfs,
    proven,
    shim_alive,
    signal_tree,
    start_ticks,
    wait_gone,
    where,
)
from runboard.process.table import ancestry
from tests.waiting import until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for unshare")
needs_unshare = pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare (util-linux)")
OTHER_BOOT = "00000000-0000-4000-8000-000000000000"


def exact(of: int, /, **other: Any) -> Run:
    """A run whose record names a process exactly, but for what is said otherwise."""
    found = identity_of(of)
    assert found is not None
    return Run("exactrun", command=("sleep",), started_at=time.time(), process=found._replace(**other))


def older(pid: int | None, started_at: float | None = None) -> Run:
    """A run of the older tool: a pid and a time."""
    return Run("olderrun", started_at=time.time() if started_at is None else started_at, process=Identity(pid))


def untouched(run: Run, run_dir: Path, bystander: subprocess.Popen[bytes]) -> None:
    """Neither way to signal reaches the bystander: both are refused in words, or find nobody."""
    with suppress(NotOurs):
        assert end_tree(run, str(run_dir), signal.SIGKILL, 0.1) == TreeEnd(0, (), escalated=False)
    with suppress(NotOurs):
        assert signal_tree(run, str(run_dir), signal.SIGKILL) == 0
    assert not proven(run, str(run_dir))
    assert bystander.poll() is None


def test_a_name_cannot_lie(tmp_path: Path) -> None:
    """A program called ") R 1 1 (" is read as what it is; reading up to the first parenthesis believes its name."""
    program = tmp_path / ") R 1 1 ("
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as child:
        try:
            until(lambda: b") R 1 1 () S " in Path(f"/proc/{child.pid}/stat").read_bytes())
            stat = procfs.read_stat(child.pid)
            assert stat is not None
            assert (stat.name, stat.ppid, stat.state) == (") R 1 1 (", os.getpid(), "S")
            naive = Path(f"/proc/{child.pid}/stat").read_text().split(")", 1)[1].split()
            assert (naive[0], naive[1]) == ("R", "1"), "the control: the name poses as a state and a parent"
            assert liveness(exact(child.pid)) is Liveness.ALIVE
        finally:
            child.kill()


def test_a_zombie_is_dead() -> None:
    """A process that has ended and is not reaped has no start ticks, is gone, and tells its status."""
    with subprocess.Popen(["sh", "-c", "read x; exit 3"], stdin=subprocess.PIPE) as child:
        run = exact(child.pid)
        assert kernel_status(None, child.pid) is None
        pidfd = open_pidfd(child.pid, run.process.start_ticks)
        assert child.stdin is not None
        child.stdin.close()
        assert wait_gone(run, 5)
        assert Path(f"/proc/{child.pid}/stat").exists()
        assert (start_ticks(child.pid), identity_of(child.pid), liveness(run)) == (None, None, Liveness.GONE)
        assert (kernel_status(None, child.pid), kernel_status(pidfd, child.pid)) == (3 << 8, 3 << 8)
        child.wait()
        if kernel_status(pidfd, child.pid) is not None:  # Linux 6.15
            assert kernel_status(pidfd, child.pid) == 3 << 8
        assert kernel_status(None, child.pid) is None
        os.close(pidfd or 0)


def test_a_process_whose_main_thread_left_lives() -> None:
    """A leader that is a zombie with other threads is a live process, though its state says Z."""
    code = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as child:
        try:
            until(lambda: (stat := procfs.read_stat(child.pid)) is not None and stat.state == "Z")
            assert liveness(exact(child.pid)) is Liveness.ALIVE
            assert kernel_status(None, child.pid) is None
        finally:
            child.kill()


def test_only_the_very_process_is_alive(bystander: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Any part of the identity that differs makes it another's: gone, or foreign where it cannot be told from here."""
    ticks = start_ticks(bystander.pid) or 0
    other: dict[str, Liveness] = {}
    cases: dict[str, tuple[dict[str, Any], Liveness]] = {
        "same": ({}, Liveness.ALIVE),
        "earlier ticks": ({"start_ticks": ticks - 1}, Liveness.GONE),
        "later ticks": ({"start_ticks": ticks + 1}, Liveness.GONE),
        "no ticks in this boot": ({"start_ticks": 0}, Liveness.GONE),
        "other boot": ({"boot_id": OTHER_BOOT}, Liveness.GONE),
        "other host": ({"host": "another"}, Liveness.FOREIGN),
        "other host and boot": ({"host": "another", "boot_id": OTHER_BOOT}, Liveness.FOREIGN),
        "other namespace": ({"pid_namespace": "pid:[1]"}, Liveness.FOREIGN),
        "other namespace of another boot": ({"pid_namespace": "pid:[1]", "boot_id": OTHER_BOOT}, Liveness.GONE),
        "init": ({"pid": 1, "start_ticks": start_ticks(1)}, Liveness.GONE),
        "no pid": ({"pid": None}, Liveness.GONE),
        "beyond": ({"pid": 2**22}, Liveness.GONE),
        "huge": ({"pid": 2**80}, Liveness.GONE),
        "negative": ({"pid": -bystander.pid}, Liveness.GONE),
    }
    for name, (fields, _) in cases.items():
        run = exact(bystander.pid, **fields)
        other[name] = liveness(run)
        if name != "same":
            untouched(run, tmp_path, bystander)
            assert members(run) == []
            assert not shim_alive(run)
    assert other == {name: expected for name, (_, expected) in cases.items()}
    assert proven(exact(bystander.pid), str(tmp_path))


def test_a_place_is_told_in_words() -> None:
    """Foreign places have a name; our own and what went with another boot have none."""
    me = identity_of(os.getpid())
    assert me is not None
    assert where(me) is None
    assert where(me._replace(host="gamma")) == "on host gamma"
    assert where(me._replace(pid_namespace="pid:[7]")) == "in another pid namespace"
    assert where(me._replace(boot_id=OTHER_BOOT, pid_namespace="pid:[7]")) is None
    assert where(Identity(5)) is None


def test_a_restart_is_seen() -> None:
    """Another boot id of this host is a restart; so is a start before this boot where no boot id was kept."""
    me = exact(os.getpid())
    assert not machine_restarted(me)
    assert machine_restarted(me._replace(process=me.process._replace(boot_id=OTHER_BOOT)))
    assert not machine_restarted(me._replace(process=me.process._replace(boot_id=OTHER_BOOT, host="another")))
    assert machine_restarted(older(5, started_at=1.0))
    assert not machine_restarted(older(5))


def test_we_ourselves_are_alive_where_it_is_certain() -> None:
    """A run that looks at itself from inside lives: exact identity holds for us and our ancestors too."""
    assert liveness(exact(os.getpid())) is Liveness.ALIVE
    assert liveness(exact(os.getppid())) is Liveness.ALIVE


def test_our_own_line_is_never_signalled(tmp_path: Path) -> None:
    """Known exactly or not, pid 1, we and our ancestors are refused; and a mere pid does not make us a run."""
    assert {1, os.getpid(), os.getppid()} <= ancestry()
    for pid in (os.getpid(), os.getppid()):
        with pytest.raises(NotOurs, match="inside it"):
            end_tree(exact(pid), str(tmp_path), signal.SIGKILL, 0.1)
    for number in (1, os.getpid(), os.getppid(), None, 0, -1):
        assert liveness(older(number)) is Liveness.GONE
        with pytest.raises(NotOurs):
            end_tree(older(number), str(tmp_path), signal.SIGKILL, 0.1)


def test_a_pid_of_the_older_tool_is_believed_only_near_its_time(bystander: subprocess.Popen[bytes]) -> None:
    """A process that started more than a minute before or after the record is not the record's."""
    now = time.time()
    told = {offset: liveness(older(bystander.pid, now + offset)) for offset in (-3600, -90, -50, 0, 50, 90, 3600)}
    assert {offset for offset, found in told.items() if found is Liveness.ALIVE} == {-50, 0, 50}
    assert set(told.values()) == {Liveness.ALIVE, Liveness.GONE}


Proof = Callable[[Path, Path], subprocess.Popen[bytes]]


def by_output(run_dir: Path, _: Path) -> subprocess.Popen[bytes]:
    """It writes to the run's log."""
    with (run_dir / "output.log").open("wb") as log:
        return subprocess.Popen(["sleep", "60"], stdout=log, cwd="/")


def by_directory(run_dir: Path, _: Path) -> subprocess.Popen[bytes]:
    """It works below the run's directory."""
    (run_dir / "repo").mkdir()
    return subprocess.Popen(["sleep", "60"], cwd=run_dir / "repo")


def by_home(run_dir: Path, _: Path) -> subprocess.Popen[bytes]:
    """Its HOME lies below the run's directory."""
    return subprocess.Popen(["sleep", "60"], cwd="/", env={"PATH": os.environ["PATH"], "HOME": f"{run_dir}/home"})


def by_nothing(_: Path, aside: Path) -> subprocess.Popen[bytes]:
    """Everything of it lies beside the run's directory, under a name that begins alike; its output is a pipe."""
    aside.mkdir()
    return subprocess.Popen(["sleep", "60"], cwd=aside, stdout=subprocess.PIPE, env={"HOME": str(aside)} | os.environ)


@pytest.mark.parametrize("proof", [by_output, by_directory, by_home, by_nothing])
def test_a_run_of_the_older_tool_is_ended_only_with_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proof: Proof
) -> None:
    """Its output, directory or HOME in the run's directory is proof; a fitting pid and time alone are none."""
    run_dir = tmp_path / "olderrun"
    run_dir.mkdir()
    monkeypatch.chdir(run_dir)  # where "pipe:[123]" would be a path below the run's directory
    child = proof(run_dir, tmp_path / "olderrunning")
    try:
        run = older(child.pid)
        until(lambda: b"HOME=" in Path(f"/proc/{child.pid}/environ").read_bytes(), what="its program is loaded")
        assert liveness(run) is Liveness.ALIVE
        if proof is by_nothing:
            untouched(run, run_dir, child)
        else:
            assert proven(run, str(run_dir))
            assert end_tree(run, str(run_dir), signal.SIGTERM, 2.0).survivors == ()
            assert child.wait(5) == -signal.SIGTERM
    finally:
        child.kill()
        child.wait()
        if child.stdout:
            child.stdout.close()


def test_a_lack_of_descriptors_is_no_death(bystander: subprocess.Popen[bytes]) -> None:
    """Where nothing can be opened nothing is said of a process, least of all that it is gone."""
    run = exact(bystander.pid)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            liveness(run)
        with pytest.raises(OSError, match="Too many open files"):
            members(run)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert liveness(run) is Liveness.ALIVE


def test_a_pidfd_is_verified(bystander: subprocess.Popen[bytes]) -> None:
    """Only the process with these ticks gives a descriptor, and a refusal leaves none open."""
    ticks = start_ticks(bystander.pid)
    before = len(os.listdir("/proc/self/fd"))
    pidfd = open_pidfd(bystander.pid, ticks)
    assert pidfd is not None
    os.close(pidfd)
    for pid, wrong in ((bystander.pid, 1), (2**22, None), (2**80, None), (0, None), (-1, None)):
        assert open_pidfd(pid, wrong) is None
    assert len(os.listdir("/proc/self/fd")) == before


@needs_root
def test_a_status_that_is_kept_from_us_is_not_read_as_success() -> None:
    """The kernel shows 0 for the status of another user's zombie; that is not taken for an exit code."""
    code = (
        "import os, sys\nfrom runboard.process import kernel_status\nfrom runboard.process.procfs import read_stat\n"
        "pid = int(sys.argv[1])\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
        "print(read_stat(pid).state, read_stat(pid).exit_code, kernel_status(None, pid))\n"
    )
    with subprocess.Popen(["sh", "-c", "exit 3"]) as child:
        until(lambda: start_ticks(child.pid) is None)
        argv = [sys.executable, "-c", code, str(child.pid)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout == "Z 0 None\n"
        assert kernel_status(None, child.pid) == 3 << 8


def test_the_table_without_proc_agrees(bystander: subprocess.Popen[bytes]) -> None:
    """What psutil tells where there is no /proc is what /proc tells here."""
    ours, theirs = procfs.read_stat(bystander.pid), elsewhere.read_stat(bystander.pid)
    assert ours is not None
    assert theirs is not None
    told = [(stat.pid, stat.name, stat.ppid, stat.group, stat.dead) for stat in (ours, theirs)]
    assert told[0] == told[1]
    assert elsewhere.command_of(bystander.pid) == procfs.command_of(bystander.pid) == ("sleep", "60")
    assert elsewhere.owner_of(bystander.pid) == procfs.owner_of(bystander.pid) == os.geteuid()
    assert b"PATH=" + os.fsencode(os.environ["PATH"]) in elsewhere.environ_of(bystander.pid)
    assert bystander.pid in elsewhere.pids()
    gone = 2**22
    assert (elsewhere.read_stat(gone), elsewhere.owner_of(gone)) == (None, None)
    assert (elsewhere.command_of(gone), elsewhere.environ_of(gone)) == ((), ())


def test_a_process_without_proc_that_shows_us_little_lives(
    bystander: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another user's process uses is hidden from us by some systems; it is not taken for gone, nor is a lack."""

    def hidden(_self: object) -> object:
        """Refuse, as for a process of another user."""
        raise psutil.AccessDenied(bystander.pid)

    monkeypatch.setattr("psutil._pslinux.Process.memory_info", hidden)
    found = elsewhere.read_stat(bystander.pid)
    assert found is not None
    assert (found.dead, found.cpu_ticks, found.resident) == (False, 0, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            elsewhere.read_stat(bystander.pid)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def inside(code: str, *unshare: str, given: object = None) -> Any:
    """Run Python with ``given`` in other namespaces and return what it prints, as JSON."""
    prelude = (
        "import json, os, subprocess, sys, time\nfrom dataclasses import replace\n"
        "from runboard.model import Identity, Run\nfrom runboard.process import *\n"
        "given = json.loads(sys.argv[1])\n"
    )
    argv = ["unshare", *unshare, sys.executable, "-c", prelude + code, json.dumps(given)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 0 and "unshare:" in done.stderr:
        pytest.skip(f"unshare is refused here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


REUSE = """
victim = subprocess.Popen(["sleep", "60"])
run = Run("reused", command=("sleep",), started_at=time.time(), process=identity_of(victim.pid))
pidfd = open_pidfd(victim.pid, run.process.start_ticks)
time.sleep(0.03)  # a pid cannot come round within one tick of 10 ms but by our own doing
victim.kill(); victim.wait()
found = []
for _ in range(20):
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(victim.pid - 1))
    stranger = subprocess.Popen(["sleep", "60"])
    assert stranger.pid == victim.pid
    refused = 0
    for act in (lambda: end_tree(run, "/", 9, 0.0), lambda: signal_tree(run, "/", 9)):
        try:
            act()
        except NotOurs:
            refused += 1
    old = Run("older", started_at=time.time(), process=Identity(victim.pid))
    try:
        end_tree(old, "/proc/sys", 9, 0.0)
    except NotOurs:
        refused += 1
    found.append([str(liveness(run)), refused, stranger.poll(), kernel_status(pidfd, victim.pid)])
    os.kill(victim.pid, 9)
    assert stranger.wait() == -9
print(json.dumps(found))
"""


@needs_root
@needs_unshare
def test_a_pid_given_to_another_is_left_alone() -> None:
    """Twenty strangers get a dead run's very pid: not alive, not signalled; a bare pid would have hit each of them."""
    found = inside(REUSE, "--pid", "--fork", "--mount-proc")
    assert [entry[:3] for entry in found] == [["gone", 3, None]] * 20
    assert {entry[3] for entry in found} <= {9, None}


LOOK = """
run = Run("looked", command=("sleep",), started_at=time.time(), process=Identity(**given))
try:
    end_tree(run, "/", 9, 0.0)
    refusal = None
except NotOurs as error:
    refusal = str(error)
found = {"liveness": str(liveness(run)), "where": where(run.process), "restarted": machine_restarted(run)}
print(json.dumps(found | {"refusal": refusal, "members": len(members(run))}))
"""


def given_of(pid: int) -> dict[str, object]:
    """A process's identity as plain values."""
    found = identity_of(pid)
    assert found is not None
    return {name: getattr(found, name) for name in Identity._fields}


@needs_root
@needs_unshare
@pytest.mark.parametrize(
    ("unshare", "place"),
    [(("--pid", "--fork", "--mount-proc"), "in another pid namespace"), (("--uts",), f"on host {here().host}")],
)
def test_from_another_place_a_run_is_foreign(
    bystander: subprocess.Popen[bytes], unshare: tuple[str, ...], place: str
) -> None:
    """Seen from another pid namespace or another host a run is neither alive nor gone, and is not signalled."""
    rename = "import socket; socket.sethostname('elsewhere')\n" if "--uts" in unshare else ""
    found = inside(rename + LOOK, *unshare, given=given_of(bystander.pid))
    assert found == {
        "liveness": "foreign",
        "where": place,
        "restarted": False,
        "refusal": f"it runs {place}",
        "members": 0,
    }
    assert bystander.poll() is None


@needs_root
@needs_unshare
def test_after_a_restart_a_run_is_gone(bystander: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """With another boot id under the same host name the run is gone and says why, whoever has its pid now."""
    (tmp_path / "boot_id").write_text(OTHER_BOOT + "\n")
    bind = f"bound = ['mount', '--bind', {str(tmp_path / 'boot_id')!r}, '/proc/sys/kernel/random/boot_id']\n"
    bind += "subprocess.run(bound, check=True)\n"
    found = inside(bind + LOOK, "--mount", given=given_of(bystander.pid))
    assert found == {
        "liveness": "gone",
        "where": None,
        "restarted": True,
        "refusal": "the machine has restarted since; its processes are gone",
        "members": 0,
    }
    assert bystander.poll() is None
