"""A run's tree: all of it is found and ended, whatever it does to hide or to stay, and nothing else is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1

import psutil
import pytest

from runboard.process import NotOurs, TreeEnd, end_tree, members, shim_alive, signal_tree, start_ticks
from runboard.process.cgroup import cgroup_path, kill_cgroup
from tests.pad import Flight, Pad
from tests.test_shim import COUNTER, INNER
from tests.waiting import until

TREES = {
    "children": (4, "sleep TOKEN & sleep TOKEN & sleep TOKEN"),
    "sessions": (6, "setsid sleep TOKEN & setsid sh -c 'sleep TOKEN & sleep TOKEN' & sleep TOKEN"),
    "double forks": (5, "(setsid sh -c 'sleep TOKEN & exec sleep TOKEN' &); (sleep TOKEN &); sleep TOKEN"),
    "no environment": (4, "env -i setsid -f sleep TOKEN; env -i sh -c '(sleep TOKEN &)'; sleep TOKEN"),
    "ignores TERM": (3, "trap '' TERM; (setsid sleep TOKEN &); while :; do sleep 0.5; done"),
    "stopped": (3, "setsid sleep TOKEN & a=$!; sleep TOKEN & b=$!; sleep 0.1; kill -STOP $a $b $$; sleep TOKEN"),
    "all at once": (
        5,
        (
            "setsid sh -c \"trap '' TERM; (env -i setsid -f sleep TOKEN); (sleep TOKEN &); kill -STOP \\$\\$\" & "
            "(env -i setsid -f sleep TOKEN); exec sleep TOKEN"
        ),
    ),
    "a group that forks": (
        9,
        "while :; do sleep TOKEN & sleep 0.01; done & trap '' TERM; while :; do sleep 0.02; done",
    ),
}
"""Trees that hide or stay: how many processes there are (at least) once they stand, and the script that makes them."""

STAY = ("ignores TERM", "all at once", "a group that forks")


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pad]:
    """A place to start runs from."""
    with Pad(tmp_path) as place:
        yield place


def grown(pad: Pad, name: str) -> Flight:
    """A run whose tree stands."""
    count, script = TREES[name]
    flight = stands(pad.shell(script), count)
    if name == "stopped":
        until(lambda: {member.state for member in members(flight.run)} == {"T"})
    return flight


def said(flight: Flight) -> Flight:
    """The run, once its command has said that it is ready."""
    flight.says("ready")
    return flight


def stands(flight: Flight, count: int) -> Flight:
    """The run, once it has so many processes, each with its own program loaded."""

    def loaded() -> bool:
        found = members(flight.run)
        return len(found) >= count and all(member.command and member.name != "setsid" for member in found)

    until(loaded, what=f"{count} processes")
    return flight


@pytest.mark.parametrize("name", TREES)
def test_nothing_is_left_of_a_tree(pad: Pad, name: str) -> None:
    """After end_tree no process of the run lives, nor its shim once it has written down the ending."""
    flight = grown(pad, name)
    end = end_tree(flight.run, str(flight.path), SIGTERM, 0.3 if name in STAY else 20.0)
    assert end.survivors == ()
    assert end.signalled >= 2
    assert end.escalated == (name in STAY)
    assert set(pad.left()) <= {flight.shim_pid}
    flight.exit()
    until(lambda: not pad.left())


def test_killing_the_children_as_psutil_sees_them_leaves_survivors(pad: Pad) -> None:
    """The control: psutil's recursive children, all killed, are not the whole tree."""
    flight = grown(pad, "no environment")
    command = psutil.Process(flight.pid)
    for process in [*command.children(recursive=True), command]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    flight.exit()
    assert len(set(pad.left()) - {flight.shim_pid}) >= 2
    pad.sweep()


def test_a_tree_that_is_killed_at_once_goes_at_once(pad: Pad) -> None:
    """SIGKILL waits for no grace."""
    flight = grown(pad, "ignores TERM")
    before = time.monotonic()
    end = end_tree(flight.run, str(flight.path), SIGKILL, 60.0)
    assert time.monotonic() - before < 2.0
    assert (end.survivors, end.escalated) == ((), False)


def test_a_shim_killed_before_hides_nobody_who_carries_the_mark(pad: Pad) -> None:
    """Without the shim the orphans of the tree are found by the run's mark."""
    flight = grown(pad, "double forks")
    os.kill(flight.shim_pid, SIGKILL)
    until(lambda: start_ticks(flight.shim_pid) is None)
    assert end_tree(flight.run, str(flight.path), SIGTERM, 1.0).survivors == ()
    assert pad.left() == []


def test_a_stopped_shim_is_woken_to_write_the_ending(pad: Pad) -> None:
    """The shim is not killed, and where it was stopped it is continued."""
    flight = pad.start("sleep", pad.token)
    os.kill(flight.shim_pid, SIGSTOP)
    assert end_tree(flight.run, str(flight.path), SIGTERM, 20.0) == TreeEnd(1, (), escalated=False)
    assert flight.exit().wait_status == SIGTERM
    until(lambda: not shim_alive(flight.run))


def test_who_ends_well_on_term_is_not_killed(pad: Pad) -> None:
    """A command that cleans up and exits 0 within the grace is let do so, and so are the helpers it starts for it."""
    flight = said(pad.shell("trap 'sleep 0.3; echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.02; done"))
    assert end_tree(flight.run, str(flight.path), SIGTERM, 20.0).escalated is False
    assert flight.exit().wait_status == 0
    assert flight.log().endswith("cleaned\n")


def test_each_process_is_asked_once(pad: Pad) -> None:
    """One SIGTERM to each process, not one by its group and another by its mark."""
    flight = said(pad.shell(f"exec {sys.executable} -c '{COUNTER}' 0.6"))
    assert end_tree(flight.run, str(flight.path), SIGTERM, 20.0) == TreeEnd(1, (), escalated=False)
    flight.exit()
    assert flight.log() == "ready\nasked\n1 in all\n"


def test_a_run_inside_a_run_is_another(pad: Pad) -> None:
    """Ending a run leaves alone what was started as a run from within it, its shim and even its unmarked daemons."""
    (pad.root / "inner").mkdir()
    outer = pad.shell(
        f"{sys.executable} -c '{INNER}' {pad.root}/inner TOKEN; setsid sleep TOKEN & touch {pad.root}/go; sleep TOKEN"
    )
    until((pad.root / "go").exists)
    stands(outer, 3)
    inner = json.loads((pad.root / "inner" / "started.json").read_bytes())
    parent = Path(f"/proc/{inner['shimPid']}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) == outer.shim_pid, "the inner shim is the outer's child, and a run of its own all the same"
    assert {inner["pid"], inner["shimPid"]} & {member.pid for member in members(outer.run)} == set()
    assert end_tree(outer.run, str(outer.path), SIGKILL, 0.0).signalled == 3
    outer.exit()
    until(lambda: set(pad.left()) == {inner["pid"], inner["shimPid"]})
    os.kill(inner["pid"], SIGTERM)
    until((pad.root / "inner" / "exit.json").exists)


def test_what_the_successor_starts_is_not_of_the_tree(pad: Pad) -> None:
    """When the shim has become the successor the run's orphans are still found below it, its own helpers are not it."""
    script = f"sleep {pad.token} & echo $! >{pad.root}/helper; wait"
    orphans = "setsid -f sleep TOKEN; env -i setsid -f sleep TOKEN; sleep 0.1"
    flight = pad.shell(orphans, successor=["/bin/sh", "-c", script])
    helper = int(until(lambda: (pad.root / "helper").exists() and (pad.root / "helper").read_text().strip()))
    until(lambda: not shim_alive(flight.run))
    assert {helper, flight.shim_pid} < set(pad.left())
    assert end_tree(flight.run, str(flight.path), SIGTERM, 1.0).signalled == 2
    assert sorted(pad.left()) == sorted([helper, flight.shim_pid])
    os.kill(helper, SIGKILL)


def test_a_program_inside_a_run_cannot_end_it(pad: Pad) -> None:
    """Whoever runs below the command is refused, in words, and signals nobody."""
    code = (
        "import os, sys; from runboard.model import *; from runboard.process import *\n"
        "who = identity_of(os.getppid()); run = Run(sys.argv[1], command=(1,), process=who)\n"
        "try: print(end_tree(run, '.', 9, 0.1))\n"
        "except NotOurs as error: print('refused:', error)\n"
    )
    flight = pad.start("sh", "-c", f'{sys.executable} -c "$1" $RUNBOARD_RUN_ID; echo after', "sh", code)
    assert flight.exit().wait_status == 0
    assert flight.log() == f"refused: this program itself runs inside it (process {flight.pid})\nafter\n"


def test_one_signal_reaches_everybody(pad: Pad) -> None:
    """signal_tree stops and continues a whole tree, and ends nobody."""
    flight = grown(pad, "sessions")
    for number, states in ((SIGSTOP, {"T"}), (SIGCONT, {"S"})):
        assert signal_tree(flight.run, str(flight.path), number) == 6
        until(lambda states=states: {member.state for member in members(flight.run)} == states)  # type: ignore[misc]
    assert len(members(flight.run)) == 6
    end_tree(flight.run, str(flight.path), SIGKILL, 0.0)


def test_a_signal_that_is_no_end_is_only_sent(pad: Pad) -> None:
    """SIGUSR1 arrives as itself."""
    flight = said(pad.shell("trap 'echo usr1; exit 4' USR1; echo ready; while :; do sleep 0.02; done"))
    assert signal_tree(flight.run, str(flight.path), SIGUSR1) >= 1
    assert flight.exit().wait_status == 4 << 8
    assert flight.log().endswith("usr1\n")


def test_members_are_told_as_they_are(pad: Pad) -> None:
    """Each member has its parent, state, name, words and owner; the shim and we are none."""
    flight = stands(pad.shell("sleep TOKEN & wait"), 2)
    until(lambda: [(one.name, one.state) for one in members(flight.run)] == [("sh", "S"), ("sleep", "S")])
    shell, child = members(flight.run)
    assert (shell.pid, shell.ppid, shell.name, shell.uid) == (flight.pid, flight.shim_pid, "sh", os.geteuid())
    assert (child.ppid, child.name, child.command, child.state) == (flight.pid, "sleep", ("sleep", pad.token), "S")
    assert child.start_ticks == start_ticks(child.pid)
    end_tree(flight.run, str(flight.path), SIGTERM, 1.0)
    assert members(flight.run) == []


def test_another_users_process_is_a_survivor_and_not_waited_for_long(pad: Pad) -> None:
    """What may not be signalled is named as left, at once and not after seconds of trying."""
    if os.geteuid() != 0:
        pytest.skip("needs root to start a process as somebody else")
    code = (
        "import os, sys; from runboard.model import *; from runboard.process import *; import json\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "who = Identity(**json.loads(sys.argv[2]))\n"
        "end = end_tree(Run(sys.argv[1], command=('x',), process=who), '/', 15, 0.2)\n"
        "print(end.signalled, len(end.survivors), end.escalated)\n"
    )
    flight = pad.start("sleep", pad.token)
    who = {name: getattr(flight.run.process, name) for name in flight.run.process._fields}
    argv = [sys.executable, "-c", code, flight.run.id, json.dumps(who)]
    before = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "0 1 True\n"
    assert time.monotonic() - before < 2.0
    os.kill(flight.pid, SIGKILL)


def test_a_run_that_is_still_starting_is_found_by_its_shim(pad: Pad) -> None:
    """Without a recorded pid the tree is the one below the shim that carries the run's mark; without a shim none."""
    flight = grown(pad, "sessions")
    run = flight.run._replace(process=flight.run.process._replace(pid=None, start_ticks=None, shim_pid=None))
    assert {member.pid for member in members(run)} == {member.pid for member in members(flight.run)}
    assert end_tree(run, str(flight.path), SIGTERM, 1.0).survivors == ()
    until(lambda: not pad.left())
    with pytest.raises(NotOurs, match="no process yet"):
        end_tree(run, str(flight.path), SIGTERM, 1.0)


@pytest.fixture
def groups() -> Iterator[Path]:
    """The mount of a cgroup v2 hierarchy in which groups can be made."""
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    mounts = [line.split()[4] for line in lines if " - cgroup2 " in line]
    if not mounts or not os.access(mounts[0], os.W_OK):
        pytest.skip("no cgroup v2 in which a group can be made")
    made = Path(mounts[0])
    yield made
    for group in made.glob("runboard-*"):
        until(lambda group=group: not (group / "cgroup.procs").read_text())  # type: ignore[misc]
        group.rmdir()


def enter(group: Path, *pids: int) -> Path:
    """Make a control group and put processes into it."""
    group.mkdir()
    for pid in pids:
        (group / "cgroup.procs").write_text(str(pid))
    return group


def test_a_control_group_of_its_own_ends_at_one_stroke(pad: Pad, groups: Path) -> None:
    """A cgroup v2 called after the run is killed whole, with what left group, tree and mark behind."""
    flight = pad.shell("while [ ! -e go ]; do sleep 0.02; done; " + TREES["no environment"][1], cwd=pad.root)
    group = enter(groups / f"runboard-{flight.run.id}", flight.pid)
    (pad.root / "go").touch()
    stands(flight, TREES["no environment"][0])
    assert cgroup_path(flight.pid) == str(group)
    assert kill_cgroup(flight.run)
    assert flight.exit().wait_status == SIGKILL
    until(lambda: not pad.left())


@pytest.mark.parametrize("name", ["shared", "with the shim"])
def test_no_other_control_group_is_touched(pad: Pad, groups: Path, name: str) -> None:
    """A group not called after the run, or holding its shim, is not killed; the run is ended all the same."""
    flight = pad.start("sleep", pad.token)
    if name == "shared":
        enter(groups / "runboard-shared", flight.pid)
    else:
        enter(groups / f"runboard-{flight.run.id}", flight.pid, flight.shim_pid)
    assert not kill_cgroup(flight.run)
    assert end_tree(flight.run, str(flight.path), SIGKILL, 0.0).survivors == ()
    assert flight.exit().wait_status == SIGKILL
