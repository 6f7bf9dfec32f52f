"""What a run's processes use: the whole tree in its order, processor time between two looks, and one signal for one."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard.process import Gauge, NotOurs, members, signal_member
from tests.pad import Flight, Pad
from tests.waiting import until


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pad]:
    """A place to start runs from."""
    with Pad(tmp_path) as place:
        yield place
        place.sweep()


def stands(flight: Flight, count: int) -> Flight:
    """The run, when it has so many processes."""
    until(lambda: len(members(flight.run)) >= count)
    return flight


def test_a_tree_is_listed_with_its_depths_and_what_it_uses(pad: Pad) -> None:
    """Each process stands behind its parent; who works uses a processor, who sleeps none, and both have memory."""
    flight = stands(pad.shell("sh -c 'while :; do :; done; exit' & sleep 60 & wait"), 3)
    gauge = Gauge()
    first = gauge.processes(flight.run)
    assert [one.cpu for one in first] == [None] * 3
    assert [(one.depth, one.member.name) for one in first] == [(0, "sh"), (1, "sh"), (1, "sleep")]
    assert [one.member.ppid == first[0].member.pid for one in first] == [False, True, True]

    def working() -> bool:
        """Whether the loop, and it alone, is seen to work."""
        time.sleep(0.1)
        _, loop, sleeper = gauge.processes(flight.run)
        return (loop.cpu or 0) > 0.05 and sleeper.cpu == 0

    until(working)
    assert all(one.memory > 50_000 and 0 <= one.age < 60 for one in gauge.processes(flight.run))


def test_the_loads_of_several_runs_are_their_trees_sums(pad: Pad) -> None:
    """One look serves all runs; a run that has ended has no load."""
    busy = stands(pad.shell("while :; do :; done"), 1)
    idle = stands(pad.shell("sleep 60 & sleep 60 & wait"), 3)
    over = pad.shell("exit 0")
    until(lambda: not members(over.run))
    gauge = Gauge()
    runs = [busy.run, idle.run, over.run]
    assert set(gauge.loads(runs)) == {busy.run.id, idle.run.id}

    def told() -> bool:
        """Whether the one works and the other does not."""
        time.sleep(0.1)
        loads = gauge.loads(runs)
        return (loads[busy.run.id].cpu or 0) > 0.05 and loads[idle.run.id].cpu == 0

    until(told)
    loads = gauge.loads(runs)
    assert loads[idle.run.id].memory > loads[busy.run.id].memory > 0
    assert gauge.loads([]) == {}


def test_one_process_is_signalled_and_no_other(pad: Pad) -> None:
    """The chosen process of the tree ends, the rest goes on; the same pid with other start ticks is refused."""
    flight = stands(pad.shell("sleep 61 & sleep 62 & wait; sleep 63"), 3)
    path = str(flight.path)
    first, second = [one for one in members(flight.run) if one.name == "sleep"]
    with pytest.raises(NotOurs, match="gone"):
        signal_member(flight.run, path, (first.pid, first.start_ticks + 1), signal.SIGTERM)
    with pytest.raises(NotOurs, match="not of this run"):
        signal_member(flight.run, path, (1, 1), signal.SIGTERM)
    signal_member(flight.run, path, (first.pid, first.start_ticks), signal.SIGTERM)
    until(lambda: first.pid not in {one.pid for one in members(flight.run)})
    assert second.pid in {one.pid for one in members(flight.run)}
