"""Every way to end, on real processes: the confusion matrix has nothing off its diagonal, however many boards look."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import pytest

from runboard.control import Control
from runboard.model import Run
from runboard.store import Store
from tests.program import COMMAND, alive, ended, environment, record, runboard
from tests.waiting import until

CODES = (0, 1, 3, 126, 127, 130, 137, 143, 255)
SIGNALS = ("HUP", "INT", "QUIT", "ILL", "ABRT", "SEGV", "PIPE", "ALRM", "TERM", "KILL")
FAULTS = {"ILL", "ABRT", "SEGV"}
IGNORES_TERM = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(100)"
EXITS_0_ON_TERM = (
    "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(0))\nprint('ready', flush=True)\ntime.sleep(100)"
)

Ending = tuple[str, str, int | None, int | None, str | None]
"""Status, reason, exit code, signal, error: what run.json must say."""


@dataclass
class Case:
    """One way to end: how to start it, what to do to it, and the truth."""

    start: Callable[[Control, Path], Run]
    truth: Ending
    act: Callable[[Control, Run, Path], None] = lambda _control, _run, _runs: None


def sh(script: str, **options: object) -> Callable[[Control, Path], Run]:
    """Start a shell script."""
    return lambda control, _runs: control.start(["sh", "-c", script], **options)  # type: ignore[arg-type]


def python(script: str, **options: object) -> Callable[[Control, Path], Run]:
    """Start a Python script."""
    return lambda control, _runs: control.start([sys.executable, "-c", script], **options)  # type: ignore[arg-type]


def signalled(name: str) -> Callable[[Control, Run, Path], None]:
    """Signal the command alone, from outside, as kill(1) would."""

    def act(_control: Control, run: Run, _runs: Path) -> None:
        assert run.process.pid is not None
        os.kill(run.process.pid, Signals[f"SIG{name}"])

    return act


def killed(number: int = signal.SIGTERM, grace: float = 0.3) -> Callable[[Control, Run, Path], None]:
    """Have the user kill it, once it says that it is ready."""

    def act(control: Control, run: Run, runs: Path) -> None:
        log = runs / run.id / "output.log"
        until(lambda: "sleep" in run.command or b"ready" in log.read_bytes())
        control.kill(run.id, number, grace)

    return act


def by_signal(name: str) -> Ending:
    """The truth of a death by a signal from outside."""
    word = "Crashed:" if name in FAULTS else "Ended by"
    return ("failed", "signal", None, int(Signals[f"SIG{name}"]), f"{word} SIG{name}")


def unstartable(control: Control, runs: Path) -> Run:
    """Start a file that nobody may execute."""
    path = runs.parent / "not-executable"
    path.write_text("#!/bin/sh\n", "utf-8")
    return control.start([str(path)])


def cases() -> dict[str, Case]:
    """Every way to end that the matrix has a row for."""
    failed = "failed"
    found: dict[str, Case] = {}
    for code in CODES:
        truth: Ending = ("failed", "exited", code, None, f"Exited with code {code}")
        found[f"exit {code}"] = Case(sh(f"exit {code}"), truth if code else ("completed", "exited", 0, None, None))
    for name in SIGNALS:
        found[f"SIG{name}"] = Case(
            lambda control, _runs: control.start(["sleep", "100"]), by_signal(name), signalled(name)
        )
    by = "tester@here"
    found |= {
        "core": Case(
            sh("ulimit -c unlimited; kill -SEGV $$"), (failed, "signal", None, 11, "Crashed: SIGSEGV (core dumped)")
        ),
        "timeout": Case(sh("sleep 100", timeout=0.3), (failed, "timeout", None, 15, "Timeout exceeded (0.3s)")),
        "timeout in time": Case(sh("exit 0", timeout=60.0), ("completed", "exited", 0, None, None)),
        "user kill": Case(
            lambda control, _runs: control.start(["sleep", "100"]),
            (failed, "killed", None, 15, f"Killed by {by} (SIGTERM)"),
            killed(),
        ),
        "user SIGKILL": Case(
            lambda control, _runs: control.start(["sleep", "100"]),
            (failed, "killed", None, 9, f"Killed by {by} (SIGKILL)"),
            killed(signal.SIGKILL),
        ),
        "kill, exits 0 on TERM": Case(
            python(EXITS_0_ON_TERM), (failed, "killed", 0, None, f"Killed by {by} (SIGTERM)"), killed()
        ),
        "kill, ignores TERM": Case(
            python(IGNORES_TERM), (failed, "killed", None, 9, f"Killed by {by} (SIGTERM, then SIGKILL)"), killed()
        ),
        "not found": Case(
            lambda control, _runs: control.start(["no-such-program"]),
            (failed, "start-failed", None, None, "Could not be started: command not found: no-such-program"),
        ),
        "no cwd": Case(
            sh("exit 0", cwd="/no/such/place"),
            (
                *(failed, "start-failed", None, None),
                "Could not be started: working directory /no/such/place: No such file or directory",
            ),
        ),
    }
    return found


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A runs directory; whatever a test left alive in it is killed at the end."""
    root = tmp_path / "runs"
    yield root
    store = Store(str(root))
    for run_id in store.ids():
        pid = store.read(run_id).process.pid
        if pid is not None and alive(pid):
            os.killpg(pid, signal.SIGKILL)


def lookers(runs: Path, count: int) -> list[subprocess.Popen[bytes]]:
    """So many settling processes, as boards are, looking at the directory."""
    argv = [*COMMAND, "--runs-dir", str(runs), "reconcile", "--forever"]
    return [
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment())
        for _ in range(count)
    ]


def said(found: dict[str, object]) -> tuple[object, ...]:
    """What a record says of its ending, in the order of ``Ending``."""
    return tuple(found.get(key) for key in ("status", "reason", "exitCode", "signal", "error"))


@pytest.mark.parametrize("boards", [0, 1, 3])
def test_confusion_matrix(runs: Path, boards: int, tmp_path: Path) -> None:
    """Every ending is told as what it was, with one step of history, while 0, 1 and 3 boards look."""
    os.chdir(tmp_path)  # where a core may fall
    control = Control(Store(str(runs)), by="tester@here")
    looking = lookers(runs, boards)
    try:
        table = cases() | {"not executable": Case(unstartable, ("failed", "start-failed", None, None, None))}
        started = {name: case.start(control, runs) for name, case in table.items()}
        for name, case in table.items():
            case.act(control, started[name], runs)
        matrix = Counter[tuple[object, object]]()
        wrong = {}
        for name, case in table.items():
            found = ended(runs, started[name].id, what=name)
            truth = case.truth if name != "not executable" else (*case.truth[:4], found["error"])
            matrix[truth[1], found["reason"]] += 1
            if said(found) != truth or len([s for s in found["history"] if s["from"] == "running"]) != 1:
                wrong[name] = (said(found), found["history"])
        assert wrong == {}
        assert all(row == column for row, column in matrix), matrix
        assert sum(matrix.values()) == len(table) >= 28
    finally:
        for looker in looking:
            looker.terminate()
        for looker in looking:
            looker.wait(10)


def test_a_killed_shim_leaves_the_command_alone_and_is_never_a_success(runs: Path) -> None:
    """A SIGKILL to the shim does not harm the command, whose later ending, seen by nobody, is lost and no success."""
    control = Control(Store(str(runs)))
    run = control.start(["sh", "-c", 'echo working; while [ ! -e "$0" ]; do sleep 0.02; done', str(runs / ".go")])
    assert run.process.shim_pid is not None
    assert run.process.pid is not None
    os.kill(run.process.shim_pid, signal.SIGKILL)
    until(lambda: not alive(run.process.shim_pid or 0))
    assert alive(run.process.pid)
    assert runboard(runs, "ps", "-q").stdout.split() == [run.id]
    assert record(runs, run.id)["status"] == "running"
    (runs / ".go").touch()
    until(lambda: not alive(run.process.pid or 0))
    runboard(runs, "reconcile")
    found = record(runs, run.id)
    assert (found["status"], found["reason"]) == ("failed", "lost")


def test_with_a_board_looking_a_killed_shim_loses_nothing(runs: Path) -> None:
    """Where a board holds the pidfd and the kernel tells exits of strangers, even then the true code is saved."""
    control = Control(Store(str(runs)))
    [looker] = lookers(runs, 1)
    try:
        run = control.start(["sh", "-c", "sleep 1.5; exit 7"])
        assert run.process.shim_pid is not None
        until(lambda: b"pidfd" in b"".join(fds_of(looker.pid)), 10, "the board holds a pidfd")
        os.kill(run.process.shim_pid, signal.SIGKILL)
        found = ended(runs, run.id)
    finally:
        looker.terminate()
        looker.wait(10)
    release = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    # PIDFD_GET_INFO tells the exit of a process that is not our child since Linux 6.15.
    expected = ("failed", "exited", 7) if release >= (6, 15) else ("failed", "lost", None)
    assert (found["status"], found["reason"], found.get("exitCode")) == expected


def fds_of(pid: int) -> list[bytes]:
    """What the descriptors of a process point to."""
    links = []
    for entry in list(os.scandir(f"/proc/{pid}/fd")):
        try:
            links.append(os.readlink(entry.path).encode())
        except FileNotFoundError:
            continue
    return links


LAUNCHER = """
import os, sys
from runboard import process
from runboard.control import Control
from runboard.store import Store
def stall(*_args, **_more):
    print(run_id(), flush=True)
    import time
    time.sleep(100)
def run_id():
    return next(iter(Store(sys.argv[1]).ids()))
process.launch = stall
Control(Store(sys.argv[1])).start(["true"])
"""


def test_a_launcher_killed_between_mkdir_and_spawn(runs: Path) -> None:
    """While the launcher lives the run is starting; once it was killed, the run has failed to start."""
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(runs)], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    run_id = launcher.stdout.readline().strip()
    runboard(runs, "ps")
    assert record(runs, run_id)["status"] == "running"
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    runboard(runs, "ps")
    found = record(runs, run_id)
    assert (found["status"], found["reason"]) == ("failed", "start-failed")
    assert "launcher ended" in found["error"]


def test_a_launcher_killed_just_after_the_spawn_is_adopted(runs: Path) -> None:
    """A run whose launcher died before it recorded the pid is adopted from started.json and can be killed."""
    store = Store(str(runs))
    control = Control(store, by="tester@here")
    run = control.start(["sleep", "100"])
    path = runs / run.id / "run.json"
    stripped = record(runs, run.id)
    for key in ("pid", "startTicks", "shimPid", "shimStartTicks"):
        stripped["process"].pop(key, None)
    stripped["process"]["launcherPid"], stripped["process"]["launcherStartTicks"] = 2**22 - 1, 1
    stripped["pid"] = None
    import json  # noqa: PLC0415 - only here is a record written by hand

    path.write_text(json.dumps(stripped), "utf-8")
    assert runboard(runs, "ps", "-q").stdout.split() == [run.id]
    assert record(runs, run.id)["pid"] == run.process.pid
    control.kill(run.id, grace=0.5)
    assert ended(runs, run.id)["reason"] == "killed"


def test_an_ending_with_nobody_looking_is_saved_within_a_second(runs: Path) -> None:
    """With no board open the shim's successor persists the ending; typically 0.15 s, and never more than a few here."""
    run = Control(Store(str(runs))).start(["sh", "-c", "exit 5"])
    begun = time.monotonic()
    assert ended(runs, run.id, limit=5.0)["exitCode"] == 5
    assert time.monotonic() - begun < 5.0
