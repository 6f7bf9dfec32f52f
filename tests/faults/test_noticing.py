"""Whatever the notifier loses (limits, overflows, odd names, unmounted directories), every run is seen in seconds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from tests.faults.disks import memory_disk, needs_root
from tests.faults.table import Table
from tests.leaving import leave
from tests.test_reconciler import looking
from tests.waiting import until

SECONDS = 8.0
"""Within so many everything must be seen: two sweeps, and much of everything on a busy machine."""

LOOKER = """
import sys, time
from runboard.reconciler import Reconciler
from runboard.store import Store
seen, wanted = set(), int(sys.argv[2])
def hear(batch):
    for notice in batch.notices: print("notice", notice, flush=True)
    if batch.blind is not None: print("blind", batch.blind, flush=True)
    if batch.complete: print("complete", flush=True)
    seen.update(row.id for row in batch.rows)
reconciler = Reconciler(Store(sys.argv[1]))
reconciler.start(hear)
steps = 600  # not a moment on the clock: it may be made to stand still meanwhile
while len(seen) < wanted and (steps := steps - 1): time.sleep(0.05)
print("seen", len(seen), flush=True)
reconciler.stop()
"""


BARE = """
import os, sys, time
from watchfiles._rust_notify import RustNotify
bare = RustNotify([sys.argv[1]], False, False, 0, False, True)
print("ready", flush=True)
seen, steps = set(), 600
while (steps := steps - 1) and not (found := bare.watch(50, 50, 500, None)) == "timeout" or not seen:
    seen |= {os.path.basename(path) for _, path in found} if isinstance(found, set) else set()
print("seen", sum(len(name) == 8 and name[0] != "." for name in seen), flush=True)
"""


DEAF = """
import pathlib, sys
from watchfiles._rust_notify import RustNotify
bare = RustNotify([sys.argv[1]], False, False, 0, False, True)
pathlib.Path(sys.argv[1], "seen").mkdir()
print(bare.watch(50, 50, 500, None))
"""


def looker(runs: Path, wanted: int, *before: str) -> subprocess.Popen[str]:
    """One who looks until so many runs were seen."""
    argv = [*before, sys.executable, "-c", LOOKER, str(runs), str(wanted)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def heard(process: subprocess.Popen[str], word: str) -> str:
    """The next line that begins with a word."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return line.strip()
    raise AssertionError(f"it never said {word!r}")


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_without_inotify_it_looks_every_few_seconds_and_says_so(tmp_path: Path, table: Table, limit: str) -> None:
    """At the user's limit of instances or watches new runs are seen by looking, and the board says why it is late."""
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux)")
    runs = tmp_path / "runs"
    leave(runs, "old00001")
    set_limit = f'echo 0 >/proc/sys/user/{limit} && exec "$@"'
    process = looker(runs, 2, "unshare", "-Ur", "sh", "-c", set_limit, "sh")
    with process:
        assert process.stdout is not None
        before = process.stdout.readline()
        if not before:
            pytest.skip("unshare -Ur is refused here")
        leave(runs, "new00001")
        said = [before, *process.stdout]
    assert said[-1].strip() == "seen 2"
    assert any("changes are noticed by looking every few seconds" in line for line in said)
    assert "blind True\n" in said
    argv = ["unshare", "-Ur", "sh", "-c", set_limit, "sh", sys.executable, "-c", DEAF, str(runs)]
    bare = subprocess.run(argv, capture_output=True, text=True, check=False)
    table.control("no inotify instance or watch is left", 1, bare.returncode != 0 or bare.stdout == "timeout\n")
    table.tell("no inotify instance or watch is left", 1, 0)


def test_a_queue_that_overflows_costs_seconds(tmp_path: Path, table: Table) -> None:
    """Stopped while 20,000 changes are told, it sees all runs that came after them; a bare notifier misses some."""
    runs = tmp_path / "runs"
    leave(runs, "old00001")
    with looker(runs, 51) as process:
        heard(process, "complete")
        bare = subprocess.Popen([sys.executable, "-c", BARE, str(runs)], stdout=subprocess.PIPE, text=True)
        heard(bare, "ready")
        for one in (process, bare):
            one.send_signal(signal.SIGSTOP)
        for number in range(20_000):  # of two files in turn: twice of the same is told once
            os.close(os.open(runs / f".{number % 2}", os.O_CREAT | os.O_WRONLY, 0o600))
        for number in range(50):
            leave(runs, f"{number:08x}")
        for one in (process, bare):
            one.send_signal(signal.SIGCONT)
        told = heard(process, "seen")
    table.tell("the inotify queue overflows (a run)", 50, 51 - int(told.split()[1]))
    assert told == "seen 51"
    with bare:
        table.control("the inotify queue overflows (a run)", 50, 50 - int(heard(bare, "seen").split()[1]))


def test_a_name_that_is_no_text_is_got_over(tmp_path: Path, table: Table) -> None:
    """One file name that is not UTF-8, which ends a bare notifier for good, delays nothing that comes after it."""
    leave(tmp_path, "old00001")
    with looking(tmp_path) as audience:
        bare = RustNotify([str(tmp_path)], False, False, 0, False, True)
        os.close(os.open(os.fsencode(tmp_path) + b"/\xff\xfe", os.O_CREAT, 0o600))
        with pytest.raises(WatchfilesRustInternalError):
            bare.watch(50, 50, 2000, None)
        table.control("a file name is not UTF-8", 1, 1)
        bare.close()
        leave(tmp_path, "new00001")
        until(lambda: "new00001" in audience.runs, SECONDS)
    table.tell("a file name is not UTF-8", 1, 0)


def test_a_runs_directory_that_is_made_anew_is_followed(tmp_path: Path, table: Table) -> None:
    """Removed and made again, its old runs go and its new ones are seen; a bare notifier hears nothing of the new."""
    runs = tmp_path / "runs"
    leave(runs, "old00001")
    with looking(runs) as audience:
        bare = RustNotify([str(runs)], False, False, 0, False, True)
        shutil.rmtree(runs)
        leave(runs, "new00001")
        until(lambda: "new00001" in audience.runs and "old00001" not in audience.runs, SECONDS)
        while bare.watch(50, 50, 300, None) != "timeout":
            pass
        leave(runs, "new00002")
        until(lambda: "new00002" in audience.runs, SECONDS)
        table.control("the runs directory is made anew", 1, bare.watch(50, 50, 300, None) == "timeout")
        bare.close()
    table.tell("the runs directory is made anew", 1, 0)


@needs_root
def test_a_runs_directory_that_is_unmounted_and_comes_back(tmp_path: Path, table: Table) -> None:
    """What is on a file system that goes away leaves the board; when another comes in its place its runs are seen."""
    place = tmp_path / "runs"
    with memory_disk(place, "size=1m") as runs:
        leave(runs, "old00001")
        with looking(runs) as audience:
            assert "old00001" in audience.runs
            bare = RustNotify([str(runs)], False, False, 0, False, True)
            subprocess.run(("umount", "-l", runs), check=True)
            until(lambda: "old00001" not in audience.runs, SECONDS)
            subprocess.run(("mount", "-t", "tmpfs", "tmpfs", runs), check=True)
            while bare.watch(50, 50, 300, None) != "timeout":
                pass
            leave(runs, "new00001")
            until(lambda: "new00001" in audience.runs, SECONDS)
            table.control("the runs directory is unmounted", 1, bare.watch(50, 50, 300, None) == "timeout")
            bare.close()
    table.tell("the runs directory is unmounted", 1, 0)
