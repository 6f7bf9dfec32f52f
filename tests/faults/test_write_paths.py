"""Every way to write, killed and denied at its system calls: old or new, no lie, no hang, no crash, no litter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

import pytest

from runboard.model import Reason, Run
from runboard.store import Store
from tests.agents import claude_init, claude_result, log
from tests.faults import acts
from tests.faults.crash import CRASHED, HUNG, Fate, Nursery, kill_at, needs_strace, points
from tests.faults.paths import NUMBER, PATHS, WritePath, litter
from tests.faults.table import Table

ERRORS = ("EIO", "ENOSPC", "EDQUOT", "EROFS", "ESTALE", "EMFILE")

FALLIBLE = {
    *("openat", "read", "write", "pread64", "pwrite64", "fsync", "syncfs", "ftruncate", "getdents64", "lseek"),
    *("rename", "renameat", "renameat2", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "flock"),
    *("newfstatat", "fstat", "statx", "fchown", "fchmod", "pipe2"),
}
"""The system calls that a disk, a quota or a limit makes fail."""

SOME = 24
"""At so many points of each way is tried each time, evenly spread; at night at all."""

by_path = pytest.mark.parametrize("path", PATHS, ids=[path.act for path in PATHS])


def some(places: Sequence[str], most: int | None) -> Sequence[str]:
    """At most so many of the places, the first and the last among them, evenly spread."""
    if most is None or len(places) <= most:
        return places
    return [places[round(number * (len(places) - 1) / (most - 1))] for number in range(most)]


def shape(writers: Nursery, store: Store, path: WritePath) -> list[str]:
    """The system calls of one undisturbed act."""
    clear(store)
    run_id = path.ready(store)
    fate = writers.ask("traced", path.act, store.root, run_id, number=NUMBER)
    assert fate.done or path.act == "be_shim", fate.said
    assert path.wrong(store, run_id, fate) == ""
    return fate.calls


def begun(places: list[str], calls: list[str], path: WritePath) -> list[str]:
    """The places from where the act itself begins: before its ``setsid`` a shim is only being dressed as one."""
    if path.act != "be_shim":
        return places
    first = next(number for number, call in enumerate(calls) if call.startswith("setsid"))
    dressing = set(points(calls[:first]))
    return [place for place in places if place not in dressing]


def clear(store: Store) -> None:
    """Begin with an empty directory again, so that no trial has to do with the one before."""
    shutil.rmtree(store.root, ignore_errors=True)


def ruined(store: Store, path: WritePath, run_id: str, fate: Fate) -> str:
    """What is wrong after a trial, and after it was got over."""
    if fate.said.startswith((HUNG, CRASHED)):
        return fate.said
    if (wrong := path.wrong(store, run_id, fate)) != "":
        return wrong
    path.recover(store, run_id)
    return f"left behind: {left}" if (left := litter(store.root)) else ""


def killed_everywhere(writers: Nursery, store: Store, path: WritePath, most: int | None) -> tuple[int, list[str]]:
    """Kill a writer at its system calls; how often, and what was ruined."""
    calls = shape(writers, store, path)
    places = some(begun(points(calls), calls, path), most)
    harm = []
    for place in places:
        clear(store)
        run_id = path.ready(store)
        fate = writers.ask("traced", path.act, store.root, run_id, number=NUMBER, inject=kill_at(place))
        if wrong := ruined(store, path, run_id, fate):
            harm.append(f"{place}: {wrong}")
    return len(places), harm


def denied_everywhere(
    writers: Nursery, store: Store, path: WritePath, most: int | None, errors: Sequence[str]
) -> tuple[int, list[str]]:
    """Let each fallible call fail, once and from then on, with one of the errors in turn; how often, and the harm."""
    calls = shape(writers, store, path)
    places = some(begun(points(calls, FALLIBLE), calls, path), most)
    trials = [(place, end, error) for place in places for end in ("", "+") for error in errors]
    turn = cycle(ERRORS)
    picked = trials if len(errors) == len(ERRORS) else [(place, end, next(turn)) for place, end, _ in trials]
    harm = []
    for place, end, error in picked:
        clear(store)
        run_id = path.ready(store)
        call, _, when = place.partition(":")
        inject = f"{call}:error={error}:{when}{end}"
        fate = writers.ask("traced", path.act, store.root, run_id, number=NUMBER, inject=inject)
        wrong = ruined(store, path, run_id, fate)
        if wrong:
            harm.append(f"{inject}: {wrong}")
    return len(picked), harm


@needs_strace
@by_path
def test_killed_at_its_calls(writers: Nursery, store: Store, table: Table, path: WritePath) -> None:
    """Whoever is killed leaves the old or the new, and what is left unfinished is swept by the next."""
    tried, harm = killed_everywhere(writers, store, path, SOME)
    table.tell("killed at a system call of a write path", tried, len(harm))
    assert not harm, "\n".join(harm)


@needs_strace
@by_path
def test_denied_at_its_calls(writers: Nursery, store: Store, table: Table, path: WritePath) -> None:
    """Whatever fails is told in a sentence or got over, nothing unwritten is called written, and nothing is left."""
    tried, harm = denied_everywhere(writers, store, path, SOME // 2, ERRORS[:1])
    table.tell("a system call of a write path fails, once or from then on", tried, len(harm))
    assert not harm, "\n".join(harm)


@needs_strace
@pytest.mark.nightly
@by_path
def test_killed_at_every_call(writers: Nursery, store: Store, table: Table, path: WritePath) -> None:
    """The same at each and every call."""
    tried, harm = killed_everywhere(writers, store, path, None)
    table.tell("killed at a system call of a write path", tried, len(harm))
    assert not harm, "\n".join(harm)


@needs_strace
@pytest.mark.nightly
@by_path
def test_denied_at_every_call(writers: Nursery, store: Store, table: Table, path: WritePath) -> None:
    """The same with each error at each call."""
    tried, harm = denied_everywhere(writers, store, path, None, ERRORS)
    table.tell("a system call of a write path fails, once or from then on", tried, len(harm))
    assert not harm, "\n".join(harm)


AGENT = log(claude_init(), claude_result(is_error=True, result="API Error: 401")).decode()

UNSEEN: dict[str, tuple[Callable[[Store], Run], str, Reason]] = {
    "a command that had begun": (acts.beginning, "begun\n", Reason.LOST),
    "an agent that has failed": (acts.well_over, AGENT, Reason.AGENT_ERROR),
}
"""Runs that nobody has settled, what is in their logs, and how they ended; the last made the other by a blind eye."""


def left(store: Store, made: Callable[[Store], Run], text: str) -> str:
    """A run whose shim is gone, and its log; an empty one is none."""
    clear(store)
    run_id = made(store).id
    if text:
        Path(store.path(run_id), "output.log").write_text(text)
    return run_id


def looks(calls: list[str]) -> list[str]:
    """The first places of a trace at which a log is looked for, at, or into."""
    only = {"openat", "newfstatat", "fstat", "statx", "pread64"}
    made = [call for call in calls if call.partition("(")[0] in only]
    first = next(number for number, call in enumerate(made) if '"output.log"' in call)
    return points(calls, only)[first : first + 12]


def reason(store: Store, run_id: str) -> Reason | None:
    """How a run is said to have ended; None while it is not."""
    outcome = store.read(run_id).outcome
    return outcome.reason if outcome else None


@needs_strace
@pytest.mark.parametrize("name", UNSEEN)
def test_a_log_that_cannot_be_seen_is_no_empty_one(writers: Nursery, store: Store, table: Table, name: str) -> None:
    """A disk that once denies a look at a log makes no ending of its own; the control: without a log it is another."""
    made, text, true = UNSEEN[name]
    run_id = left(store, made, "")
    assert writers.ask("traced", "settle", store.root, run_id).done
    assert reason(store, run_id) not in {true, None}
    run_id = left(store, made, text)
    places = looks(writers.ask("traced", "settle", store.root, run_id).calls)
    assert len(places) > 1
    assert reason(store, run_id) is true
    told = []
    for place in places:
        run_id = left(store, made, text)
        writers.ask("traced", "settle", store.root, run_id, inject=place.replace(":when", ":error=EIO:when"))
        told.append(reason(store, run_id))
    harm = [place for place, one in zip(places, told, strict=True) if one not in {true, None}]
    table.tell("a system call of a write path fails, once or from then on", len(told), len(harm))
    assert harm == []


@needs_strace
def test_a_plain_write_does_harm(writers: Nursery, store: Store, table: Table, tmp_path: Path) -> None:
    """The control: a file rewritten in place is torn by a kill, and gone by an error."""
    naive = WritePath("naive", PATHS[0].ready, PATHS[0].wrong, PATHS[0].recover)
    tried, torn = killed_everywhere(writers, store, naive, None)
    table.control("killed at a system call of a write path", tried, len(torn))
    tried, gone = denied_everywhere(writers, store, naive, None, ERRORS[:1])
    table.control("a system call of a write path fails, once or from then on", tried, len(gone))
    assert all("torn" in harm for harm in torn), torn
    assert gone, "no error did harm"
