"""Waiting for ends: each is told once and at once with the kernel's word on it, and nothing spins while none comes."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runboard.model import Identity, Reason, Run
from runboard.process import ExitWatch, here, identity_of, raise_file_limit, start_ticks
from runboard.reconcile import settle
from runboard.store import Store
from tests.pad import Pad
from tests.waiting import until

HAS_EXIT_INFO = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2]) >= (6, 15)


@pytest.fixture
def pad(tmp_path: Path) -> Iterator[Pad]:
    """A place to start runs from."""
    with Pad(tmp_path) as place:
        yield place


class Ends:
    """What a watch has told, in order."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.told: list[tuple[str, int | None]] = []
        self.changed = asyncio.Event()

    def __call__(self, run_id: str, status: int | None) -> None:
        """Take one end."""
        self.told.append((run_id, status))
        self.changed.set()

    async def number(self, count: int, limit: float = 5.0) -> list[tuple[str, int | None]]:
        """Wait for so many ends."""
        async with asyncio.timeout(limit):
            while len(self.told) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.told


@pytest.fixture
async def ends() -> Ends:
    """Where ends are told."""
    return Ends()


@pytest.fixture
async def watch(ends: Ends) -> AsyncIterator[ExitWatch]:
    """A watch on the test's loop."""
    found = ExitWatch(asyncio.get_running_loop(), ends)
    yield found
    found.close()


def run_of(pid: int, run_id: str = "watched") -> Run:
    """A run without a shim that is this process."""
    found = identity_of(pid)
    assert found is not None
    return Run(run_id, command=("sleep",), started_at=time.time(), process=found)


def zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has reaped it."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"


def sleepers(count: int) -> list[subprocess.Popen[bytes]]:
    """Processes to watch."""
    return [subprocess.Popen(["sleep", "60"]) for _ in range(count)]


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process to watch, a child that nobody reaps but the test."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.wait()


async def test_an_end_is_told_at_once_with_its_status(pad: Pad, watch: ExitWatch, ends: Ends) -> None:
    """For a run with a shim the end is told when it comes, with the raw wait status, whoever reaps it."""
    flights = {number: pad.start("sleep", pad.token) for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1)}
    assert all(watch.add(flight.run) for flight in flights.values())
    await asyncio.sleep(0.02)
    assert ends.told == []
    for number, flight in flights.items():
        os.kill(flight.pid, number)
    told = await ends.number(3)
    assert {run_id for run_id, _ in told} == {flight.run.id for flight in flights.values()}
    expected = {flight.run.id: int(number) for number, flight in flights.items()}
    if HAS_EXIT_INFO:
        assert dict(told) == expected
    for flight in flights.values():
        flight.exit()
        assert not watch.add(flight.run)
    await asyncio.sleep(0.05)
    assert len(ends.told) == 3


async def test_a_run_whose_shim_is_gone_still_has_its_status(pad: Pad, watch: ExitWatch, ends: Ends) -> None:
    """Without a shim the kernel is the only witness, and is heard."""
    flight = pad.shell("while [ ! -e go ]; do sleep 0.01; done; exit 9", cwd=pad.root)
    os.kill(flight.shim_pid, signal.SIGKILL)
    until(lambda: start_ticks(flight.shim_pid) is None)
    assert watch.add(flight.run)
    (pad.root / "go").touch()
    told = await ends.number(1)
    assert told == [(flight.run.id, 9 << 8 if HAS_EXIT_INFO else told[0][1])]


async def test_a_zombie_does_not_spin(sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends) -> None:
    """An end is told once though nobody reaps the process, and the loop then rests."""
    assert watch.add(run_of(sleeper.pid))
    sleeper.terminate()
    assert await ends.number(1) == [("watched", signal.SIGTERM)]
    before = time.process_time()
    await asyncio.sleep(0.5)
    assert time.process_time() - before < 0.05
    assert len(ends.told) == 1
    assert zombie(sleeper.pid)


async def test_a_naive_watch_spins_on_a_zombie(sleeper: subprocess.Popen[bytes]) -> None:
    """The control: a pidfd left registered for reading is ready for as long as the zombie is there."""
    loop = asyncio.get_running_loop()
    pidfd = os.pidfd_open(sleeper.pid)
    calls: list[float] = []
    loop.add_reader(pidfd, lambda: calls.append(time.monotonic()))
    sleeper.terminate()
    await asyncio.sleep(0.3)
    loop.remove_reader(pidfd)
    os.close(pidfd)
    assert len(calls) > 100


HIDDEN = """
import asyncio, json, os, sys, time
from runboard.model import Run
from runboard.process import ExitWatch, identity_of
pid = int(sys.argv[1])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
async def main():
    told = asyncio.get_running_loop().create_future()
    watch = ExitWatch(asyncio.get_running_loop(), lambda run_id, status: told.set_result([time.monotonic(), status]))
    assert watch.add(Run("hidden", command=("x",), process=identity_of(pid)))
    print("ready", flush=True)
    cpu = time.process_time()
    print(json.dumps([*await told, time.process_time() - cpu]), flush=True)
    watch.close()
asyncio.run(main())
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be watched by somebody else")
@pytest.mark.skipif(not HAS_EXIT_INFO, reason="needs Linux 6.15 for the status after the reap")
@pytest.mark.parametrize("reaped", [True, False])
def test_a_status_that_only_the_reap_reveals_is_waited_for(sleeper: subprocess.Popen[bytes], reaped: bool) -> None:
    """Another user's zombie hides its status: the reap is waited for a little, without spinning, and not for ever."""
    argv = [sys.executable, "-c", HIDDEN, str(sleeper.pid)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "ready\n"
        sleeper.send_signal(signal.SIGUSR1)
        ended = time.monotonic()
        if reaped:
            time.sleep(0.05)
            sleeper.wait()
        at, status, cpu = json.loads(watcher.stdout.readline())
    assert status == (signal.SIGUSR1 if reaped else None)
    assert 0.04 < at - ended < (0.15 if reaped else 0.5)
    assert cpu < 0.03


async def test_adding_twice_tells_once(sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends) -> None:
    """Adding is idempotent, also after the end, until the run is removed."""
    run = run_of(sleeper.pid)
    assert watch.add(run)
    assert watch.add(run)
    sleeper.terminate()
    await ends.number(1)
    assert not watch.add(run)
    await asyncio.sleep(0.05)
    assert len(ends.told) == 1


async def test_what_is_gone_or_foreign_is_not_told(
    sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends
) -> None:
    """A process that is gone is refused, wrong ticks and other boots too; one of another host counts as watched."""
    run = run_of(sleeper.pid)
    for other in ({"start_ticks": 1}, {"boot_id": "another"}, {"pid": 2**22}, {"pid": None}, {"start_ticks": None}):
        stranger = run._replace(started_at=None, process=run.process._replace(**other))
        assert not watch.add(stranger)
    assert watch.add(run._replace(process=run.process._replace(host="another")))
    assert watch.add(run)
    watch.remove(run.id)
    watch.remove(run.id)
    sleeper.terminate()
    sleeper.wait()
    await asyncio.sleep(0.05)
    assert ends.told == []
    assert not watch.add(run)


async def test_a_run_that_gets_its_pid_later_is_watched_then(
    sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends
) -> None:
    """A run that is still being launched is watched by its launcher's life, and then by its command's."""
    place, me = here(), os.getpid()
    who = Identity(None, None, place.boot_id, place.pid_namespace, place.host)
    launching = Run("watched", process=who._replace(launcher_pid=me, launcher_start_ticks=start_ticks(me)))
    assert watch.add(launching)
    assert watch.add(run_of(sleeper.pid))
    sleeper.terminate()
    assert await ends.number(1) == [("watched", signal.SIGTERM)]


async def test_the_pid_of_the_older_tool_is_watched(
    sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends
) -> None:
    """A bare pid near its time is watched by the identity it has now."""
    assert watch.add(Run("older", started_at=time.time(), process=Identity(sleeper.pid)))
    assert not watch.add(Run("wrong", started_at=time.time() - 3600, process=Identity(sleeper.pid)))
    sleeper.terminate()
    assert await ends.number(1) == [("older", signal.SIGTERM)]


async def test_runs_added_while_others_end_are_not_confused(ends: Ends) -> None:
    """A descriptor number that is used again within one batch of ends does not end the new run."""
    children = sleepers(20)
    old, new = children[:10], children[10:]
    told: list[str] = []
    watch: ExitWatch

    def on_exit(run_id: str, _status: int | None) -> None:
        told.append(run_id)
        if run_id.startswith("old"):
            number = int(run_id[3:])
            watch.remove(f"old{(number + 1) % 10}")  # closes a descriptor that may be ready in this very batch
            assert watch.add(run_of(new[number].pid, f"new{number}"))

    watch = ExitWatch(asyncio.get_running_loop(), on_exit)
    try:
        for number, child in enumerate(old):
            assert watch.add(run_of(child.pid, f"old{number}"))
        for child in old:
            child.kill()
        for child in old:
            until(lambda child=child: start_ticks(child.pid) is None)  # type: ignore[misc]
        await asyncio.sleep(0.4)
        assert told
        assert [run_id for run_id in told if run_id.startswith("new")] == []
    finally:
        watch.close()
        for child in children:
            child.kill()
            child.wait()


async def test_ten_thousand_cost_nothing_while_none_ends(
    sleeper: subprocess.Popen[bytes], watch: ExitWatch, ends: Ends
) -> None:
    """Ten thousand watched runs take no CPU, and one end among them is told within milliseconds."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    raise_file_limit()
    count = min(10_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    run = run_of(sleeper.pid)
    with sleepers(1)[0] as other:
        for number in range(count):
            assert watch.add(run._replace(id=f"many{number}"))
        assert watch.add(run_of(other.pid, "one"))
        before = time.process_time()
        await asyncio.sleep(0.5)
        assert time.process_time() - before < 0.01
        other.kill()
        at = time.monotonic()
        assert (await ends.number(1)) == [("one", signal.SIGKILL)]
        assert time.monotonic() - at < 0.25
    watch.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


STARVED = """
import asyncio, os, resource, subprocess, sys, time
from runboard.model import Run
from runboard.process import ExitWatch, identity_of
children = [subprocess.Popen(["sleep", "60"]) for _ in range(30)]
runs = [Run(f"r{n}", command=("x",), process=identity_of(child.pid)) for n, child in enumerate(children)]
async def main():
    told, done = [], asyncio.Event()
    def on_exit(run_id, status):
        told.append((run_id, status))
        if len(told) == 30: done.set()
    watch = ExitWatch(asyncio.get_running_loop(), on_exit)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    assert all(watch.add(run) for run in runs)
    open_now = sum(1 for n in range(20) if os.path.lexists(f"/proc/self/fd/{n}"))
    assert 14 <= open_now <= 16, open_now
    await asyncio.sleep(0.05)
    assert told == []
    for child in children: child.terminate()
    await asyncio.wait_for(done.wait(), 10)
    assert sorted(told) == sorted((run.id, 15) for run in runs), told
    watch.close()
    print("all told")
asyncio.run(main())
"""


def test_without_descriptors_the_surplus_is_polled() -> None:
    """Thirty runs and twenty descriptors: every end is told, some by polling, and a few descriptors stay free."""
    done = subprocess.run([sys.executable, "-c", STARVED], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("all told\n", "")


BLIND = """
import asyncio, os, resource, signal, subprocess, sys
from runboard.model import Run
from runboard.process import ExitWatch, exits, identity_of
if "careless" in sys.argv:
    exits.ExitWatch._ended = lambda self, watched, reaped: self._tell(watched, None)
children = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
async def main():
    told, done = {}, asyncio.Event()
    def on_exit(run_id, status):
        told[run_id] = status
        if len(told) == 2: done.set()
    watch = ExitWatch(asyncio.get_running_loop(), on_exit)
    before = len(os.listdir("/proc/self/fd"))
    for child in children:
        assert watch.add(Run(f"r{child.pid}", command=("x",), process=identity_of(child.pid)))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    for child in children: child.terminate()
    await asyncio.sleep(0.5)
    children[0].wait()
    while not told: await asyncio.sleep(0.01)
    print(sorted(told.values(), key=str))
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    await asyncio.wait_for(done.wait(), 10)
    print(sorted(told.values(), key=str), len(os.listdir("/proc/self/fd")) - before)
    watch.close()
asyncio.run(main())
"""


@pytest.mark.skipif(not HAS_EXIT_INFO, reason="needs Linux 6.15 for the status after the reap")
@pytest.mark.parametrize(("how", "said"), [("", "[15]\n[15, 15] 0\n"), ("careless", "[None, None]\n[None, None] 0\n")])
def test_an_end_amid_a_lack_of_descriptors_keeps_its_status(how: str, said: str) -> None:
    """Who has no descriptor to look with keeps the pidfd until the reap, or until there are some; and then no longer.

    The control tells at once, and gives away what alone knew the status.
    """
    done = subprocess.run([sys.executable, "-c", BLIND, how], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (said, "")


async def test_closing_gives_everything_back(sleeper: subprocess.Popen[bytes], ends: Ends) -> None:
    """A closed watch holds no descriptor and tells nothing more."""
    before = sorted(os.listdir("/proc/self/fd"))
    watch = ExitWatch(asyncio.get_running_loop(), ends)
    assert watch.add(run_of(sleeper.pid))
    assert len(os.listdir("/proc/self/fd")) == len(before) + 2
    watch.close()
    assert sorted(os.listdir("/proc/self/fd")) == before
    sleeper.terminate()
    await asyncio.sleep(0.05)
    assert ends.told == []


@pytest.mark.skipif(not HAS_EXIT_INFO, reason="the kernel tells no wait status (before 6.15)")
async def test_an_end_that_is_yet_to_be_told_is_waited_for(tmp_path: Path) -> None:
    """Who looks at a run between its end and the word of it leaves it to the word, which knows the signal."""
    store = Store(str(tmp_path))
    (child,) = sleepers(1)
    run = store.create(run_of(child.pid))
    ends = Ends()
    watch = ExitWatch(asyncio.get_running_loop(), ends)
    try:
        assert (watch.add(run), watch.ending(run.id)) == (True, False)
        child.kill()
        child.wait()
        assert (ends.told, watch.ending(run.id)) == ([], True)
        assert [status for _, status in await ends.number(1)] == [9]
        assert watch.ending(run.id)
        watch.remove(run.id)
        assert not watch.ending(run.id)
    finally:
        watch.close()
    found = settle(store, run.id).outcome  # the negative control: looking alone, without the word
    assert found is not None
    assert (found.reason, found.signal) == (Reason.LOST, None)
