"""Launching: the command's world is the caller's, a failure says why, and the launcher may die at any moment."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard import shim
from runboard.model import Identity, Liveness
from runboard.process import here, identity_of, launch, liveness, shim_alive, start_ticks, wait_gone
from runboard.process.launching import _program
from runboard.record import parse_started
from tests.pad import Pad, identity
from tests.waiting import until

REPORT = """
import json, os, resource, signal
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps({
    "cwd": os.getcwd(),
    "stdin": os.readlink("/proc/self/fd/0"),
    "stdout": os.readlink("/proc/self/fd/1"),
    "stderr": os.readlink("/proc/self/fd/2"),
    "files": sorted(os.listdir("/proc/self/fd")),
    "environ": open("/proc/self/environ").read().split("\\0")[:-1],
    "group": os.getpgid(0) == os.getpid(),
    "session": os.getsid(0),
    "blocked": int(status["SigBlk"], 16),
    "ignored": int(status["SigIgn"], 16),
    "limit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
}))
"""


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pad]:
    """A place to start runs from."""
    with Pad(tmp_path) as place:
        yield place


def test_a_launch_says_who_command_and_shim_are(pad: Pad) -> None:
    """What launch returns, what started.json says and what the kernel says are the same, and it waits for no end."""
    flight = pad.start("sleep", pad.token)
    assert parse_started(json.loads((flight.path / "started.json").read_bytes())) == flight.started
    assert flight.started.start_ticks == start_ticks(flight.pid)
    assert flight.started.shim_start_ticks == start_ticks(flight.shim_pid)
    assert identity_of(flight.pid, shim_pid=flight.shim_pid, shim_start_ticks=start_ticks(flight.shim_pid)) == (
        flight.run.process
    )
    assert (liveness(flight.run), shim_alive(flight.run)) == (Liveness.ALIVE, True)
    os.kill(flight.pid, signal.SIGKILL)
    assert wait_gone(flight.run, 5)
    assert liveness(flight.run) is Liveness.GONE
    until(lambda: not shim_alive(flight.run))


def test_waiting_for_an_end_gives_up_in_time(pad: Pad) -> None:
    """wait_gone says False for a command that goes on."""
    flight = pad.start("sleep", pad.token)
    assert not wait_gone(flight.run, 0.05)
    os.kill(flight.pid, signal.SIGKILL)


def test_the_command_gets_the_callers_world(pad: Pad, tmp_path: Path) -> None:
    """Directory, environment, log, group, signals and descriptors are as a command expects, whoever the launcher is."""
    work = tmp_path / "wörk dir"
    work.mkdir()
    environ = {"PATH": os.environ["PATH"], "LANG": "C", "EMPTY": "", "LINES": "a\nb=c"}
    old = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGHUP, signal.SIGCHLD, signal.SIGQUIT)}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        flight = pad.start(
            sys.executable, "-I", "-S", "-c", REPORT, cwd=work, environ=environ, own={"EMPTY": "no", "OWN": "1"}
        )
    finally:
        os.close(writer)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        for number, disposition in old.items():
            signal.signal(number, disposition)
    assert os.read(reader, 1) == b"", "somebody still holds a descriptor of the launcher"
    os.close(reader)
    assert flight.exit().wait_status == 0
    told = json.loads(flight.log())
    log = str(flight.path / "output.log")
    assert (told["cwd"], told["stdin"], told["stdout"], told["stderr"]) == (str(work), "/dev/null", log, log)
    assert told["files"] == ["0", "1", "2", "3"]  # 3 is the listing's own
    assert set(told["environ"]) - {"LC_CTYPE=C.UTF-8"} == {
        *(f"{name}={value}" for name, value in environ.items() if name != "EMPTY"),
        *("EMPTY=no", "OWN=1", pad.mark, f"RUNBOARD_RUN_ID={flight.run.id}"),
    }
    assert told["group"]
    assert told["session"] not in {os.getsid(0), flight.pid}
    assert (told["blocked"], told["ignored"] & 0x7FFFFFFF & ~(1 << 12 | 1 << 24)) == (0, 0)
    assert (flight.path / "output.log").stat().st_mode & 0o777 == 0o600


def test_nothing_is_added_to_the_environment(pad: Pad) -> None:
    """Not even the LC_CTYPE that Python puts into its own environment in the C locale (PEP 538) reaches the command."""
    flight = pad.start("/usr/bin/env", environ={})
    flight.exit()
    assert set(flight.log().splitlines()) == {pad.mark, f"RUNBOARD_RUN_ID={flight.run.id}"}


def test_no_signal_is_ignored(pad: Pad) -> None:
    """SIGPIPE and SIGXFSZ, which Python ignores, end the command as they should."""
    flight = pad.start("sh", "-c", "grep SigIgn /proc/$$/status")
    flight.exit()
    assert int(flight.log().split()[1], 16) & 0x7FFFFFFF == 0


def test_the_path_of_the_run_decides(pad: Pad, tmp_path: Path) -> None:
    """A command is looked for in the PATH it will have, and relative to its own directory."""
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "only-here"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    flights = [
        pad.start("only-here", own={"PATH": path}),
        pad.start("./only-here", cwd=tmp_path / "bin"),
    ]
    for flight in flights:
        assert flight.exit().wait_status == 0
        assert flight.log() == "found\n"
    assert pad.start("only-here").started.errno == 2


@pytest.mark.parametrize(
    ("command", "cwd", "errno", "stage"),
    [
        (("no-such-program",), "/", 2, "exec"),
        (("/etc/passwd",), "/", 13, "exec"),
        (("/etc",), "/", 13, "exec"),
        (("",), "/", 22, "exec"),
        ((), "/", 22, "exec"),
        (("true",), "/no/such/place", 2, "chdir"),
        (("true",), "/etc/passwd", 20, "chdir"),
        (("a\0b",), "/", 22, "exec"),
        (("true", "x" * 140_000), "/", 7, "exec"),
    ],
)
def test_what_cannot_be_started_says_why(pad: Pad, command: tuple[str, ...], cwd: str, errno: int, stage: str) -> None:
    """The errno and the stage are told, on disk too, and neither a command nor a shim nor an exit record is left."""
    flight = pad.start(*command, cwd=cwd)
    assert (flight.started.pid, flight.started.errno, flight.started.stage) == (None, errno, stage)
    if errno != 22:
        assert parse_started(json.loads((flight.path / "started.json").read_bytes())) == flight.started
    assert not (flight.path / "exit.json").exists()
    until(lambda: not shim_alive(flight.run))


@pytest.mark.parametrize(("interpreter", "errno"), [("/bin/false", 5), ("/no/such/python", 2)])
def test_a_shim_that_dies_is_told(pad: Pad, monkeypatch: pytest.MonkeyPatch, interpreter: str, errno: int) -> None:
    """Where the shim cannot be started, or ends without a word, the launch says so instead of waiting."""
    monkeypatch.setattr(sys, "executable", interpreter)
    flight = pad.start("true")
    assert (flight.started.pid, flight.started.errno, flight.started.stage) == (None, errno, "launch")


def test_a_log_that_is_a_link_is_refused(pad: Pad, tmp_path: Path) -> None:
    """output.log is never followed to another place."""
    path = tmp_path / "linked"
    path.mkdir()
    (path / "output.log").symlink_to(tmp_path / "elsewhere")
    directory = os.open(path, os.O_DIRECTORY)
    run = pad.start("true").run
    started = launch(run, directory, environ={}, successor=[])
    os.close(directory)
    assert (started.errno, started.stage) == (40, "launch")
    assert not (tmp_path / "elsewhere").exists()


def test_the_launcher_keeps_neither_child_nor_descriptor(pad: Pad) -> None:
    """After a launch there is no child to reap and nothing open that was not open before."""
    pad.start("true")
    before = sorted(os.listdir("/proc/self/fd"))
    flight = pad.start("sleep", pad.token)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert sorted(os.listdir("/proc/self/fd")) == before
    os.kill(flight.pid, signal.SIGKILL)


def test_a_launcher_without_standard_descriptors_can_launch(pad: Pad, tmp_path: Path) -> None:
    """Closed descriptors 0 to 2 are not mistaken for what the shim is given under these numbers."""
    code = (
        "import os, sys\nos.closerange(0, 3)\n"
        "from runboard.model import Run\nfrom runboard.process import launch\n"
        "d = os.open(sys.argv[1], os.O_DIRECTORY)\n"
        "launch(Run('bare', command=('echo', 'out'), cwd='/'), d, environ={'PATH': os.environ['PATH']}, successor=[])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=20, check=True)
    until((tmp_path / "exit.json").exists)
    assert (tmp_path / "output.log").read_text() == "out\n"


def test_the_limit_of_open_files_is_the_callers(pad: Pad, tmp_path: Path) -> None:
    """A launcher that raised its own soft limit gives its commands the one there was."""
    code = (
        "import os, resource, sys\n"
        "from runboard.model import Run\nfrom runboard.process import file_limit, launch, raise_file_limit\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))\n"
        "assert (file_limit(), raise_file_limit(), raise_file_limit(), file_limit()) == (200, 200, 200, 200)\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)\n"
        "d = os.open(sys.argv[1], os.O_DIRECTORY)\n"
        "run = Run('limited', command=('sh', '-c', 'ulimit -Sn; ulimit -Hn'), cwd='/')\n"
        "launch(run, d, environ={'PATH': os.environ['PATH']}, successor=[])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=20, check=True)
    until((tmp_path / "exit.json").exists)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert (tmp_path / "output.log").read_text() == f"200\n{hard}\n"


LAUNCHER = """
import os, sys, time
from runboard.model import Run
from runboard.process import launch
moment, path = sys.argv[1:3]
if moment == "before":
    os.kill(os.getpid(), 9)
spawn = os.posix_spawn
def spawn_and_die(*arguments, **options):
    spawn(*arguments, **options)
    os.kill(os.getpid(), 9)
os.posix_spawn = spawn_and_die
run = Run(os.path.basename(path), command=tuple(sys.argv[3:]), cwd="/", started_at=time.time())
launch(run, os.open(path, os.O_DIRECTORY), environ=dict(os.environ), successor=[])
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_launcher_may_be_killed_at_the_spawn(pad: Pad, tmp_path: Path, moment: str) -> None:
    """Killed before the spawn the run is gone; killed right after it the shim still starts the command and says so."""
    path = tmp_path / "cutshort"
    path.mkdir()
    run = pad.start("true").run._replace(id="cutshort")
    argv = [sys.executable, "-c", LAUNCHER, moment, str(path), "sleep", pad.token]
    with subprocess.Popen(argv) as launcher:
        ticks, place = start_ticks(launcher.pid), here()
        who = Identity(None, None, place.boot_id, place.pid_namespace, place.host)
        run = run._replace(process=who._replace(launcher_pid=launcher.pid, launcher_start_ticks=ticks))
        assert liveness(run) is Liveness.ALIVE
    assert launcher.returncode == -9
    if moment == "before":
        assert liveness(run) is Liveness.GONE
        return
    assert liveness(run) is Liveness.ALIVE
    until((path / "started.json").exists)
    started = parse_started(json.loads((path / "started.json").read_bytes()))
    assert started is not None
    assert start_ticks(started.pid or 0) == started.start_ticks
    assert (liveness(run), shim_alive(run)) == (Liveness.ALIVE, True)
    os.kill(started.pid or 0, signal.SIGTERM)
    until((path / "exit.json").exists)
    until(lambda: liveness(run) is Liveness.GONE)
    assert liveness(run._replace(process=identity(started))) is Liveness.GONE


def test_a_run_may_be_moved_while_it_runs(pad: Pad, tmp_path: Path) -> None:
    """The shim writes to the directory it was given, wherever that is called by now."""
    flight = pad.start("sleep", pad.token)
    (tmp_path / ".trash").mkdir()
    flight.path.rename(tmp_path / ".trash" / "moved")
    os.kill(flight.pid, signal.SIGTERM)
    until((tmp_path / ".trash" / "moved" / "exit.json").exists)
    assert not flight.path.exists()


def test_the_compiled_shim_is_used_only_while_it_is_true(tmp_path: Path) -> None:
    """A cached form is started where it was made from the source as it is; a stale, torn or missing one is not."""
    code = "from runboard import shim; from runboard.process.launching import _program as p; print(p(), shim.__file__)"
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)

    def programs(**extra: str) -> tuple[str, str]:
        argv = [sys.executable, "-c", code]
        done = subprocess.run(argv, env=environ | extra, capture_output=True, text=True, timeout=20, check=True)
        first, second = done.stdout.split()
        return first, second

    chosen, source = programs()
    assert chosen.endswith(".pyc")
    assert source == shim.__file__
    cached = Path(chosen)
    whole = cached.read_bytes()
    for broken in (whole[:8] + b"\1\2\3\4" + whole[12:], whole[:10], b""):
        cached.write_bytes(broken)
        assert programs(PYTHONDONTWRITEBYTECODE="1")[0] == source
    cached.unlink()
    assert programs(PYTHONDONTWRITEBYTECODE="1")[0] == source
    assert _program() in {source, shim.__spec__.cached if shim.__spec__ else None}
