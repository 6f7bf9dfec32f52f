"""A fault while somebody gets over a crash: whatever the second one does, a third look makes it whole."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest

from runboard.store import Store
from tests.faults.acts import ACTS
from tests.faults.crash import CRASHED, HUNG, Fate, Nursery, kill_at, needs_strace, points
from tests.faults.paths import NUMBER, PATHS, WritePath, litter
from tests.faults.table import Table
from tests.faults.test_write_paths import FALLIBLE, clear, some

FAULT = "a fault while a crash is got over"

SOME, MANY = (3, 3), (6, 12)
"""So many calls at which the first is killed, each with so many at which the second is harmed; and at night."""

CHANGING = {
    *("write", "pwrite64", "fsync", "ftruncate", "mkdir", "mkdirat", "linkat", "unlink", "unlinkat"),
    *("rename", "renameat", "renameat2"),
}
"""The calls between which something is half done."""

HARMS = ("KILL", "EIO", "ENOSPC", "EMFILE")

AGAIN = ("put", "put_once", "trash", "restore", "destroy", "settle", "ring")
"""The ways to write that are done again when they were broken off: records, answers, trash and back, endings, hooks."""

by_act = pytest.mark.parametrize("path", [path for path in PATHS if path.act in AGAIN], ids=AGAIN)


def harm(place: str, what: str) -> str:
    """The injection that kills at a place, or that lets all fail from there on."""
    call, _, when = place.partition(":")
    return kill_at(place) if what == "KILL" else f"{call}:error={what}:{when}+"


def crashed(writers: Nursery, store: Store, path: WritePath, place: str) -> str:
    """The run of an act that was killed at a place."""
    clear(store)
    run_id = path.ready(store)
    writers.ask("traced", path.act, store.root, run_id, number=NUMBER, inject=kill_at(place))
    return run_id


def diverged(store: Store, path: WritePath, run_id: str, fate: Fate) -> str:
    """What is wrong after the second fault, and after a third who has none."""
    if fate.said.startswith((HUNG, CRASHED)):
        return fate.said
    if wrong := path.wrong(store, run_id, fate):
        return wrong
    if path.act == "put_once":  # it is got over by any other writing
        ACTS["put_once"](store, run_id, NUMBER)
    path.recover(store, run_id)
    if wrong := path.wrong(store, run_id, Fate(killed=False, said="done", calls=[])):
        return f"not made whole: {wrong}"
    return f"left behind: {left}" if (left := litter(store.root)) else ""


def tried(writers: Nursery, store: Store, path: WritePath, many: tuple[int, int]) -> tuple[int, list[str]]:
    """Kill the first at some calls and harm the second at some of its own; how often, and what diverged."""
    clear(store)
    calls = writers.ask("traced", path.act, store.root, path.ready(store), number=NUMBER).calls
    turn, pairs, wrong = cycle(HARMS), 0, []
    for first in some(points(calls, CHANGING), many[0]):
        run_id = crashed(writers, store, path, first)
        second = writers.ask("traced", path.act, store.root, run_id, number=NUMBER).calls
        for place in some(points(second), many[1]):
            what = next(turn)
            if what != "KILL" and place.partition(":")[0] not in FALLIBLE:
                what = "KILL"
            run_id = crashed(writers, store, path, first)
            fate = writers.ask("traced", path.act, store.root, run_id, number=NUMBER, inject=harm(place, what))
            pairs += 1
            if said := diverged(store, path, run_id, fate):
                wrong.append(f"{first}, then {harm(place, what)}: {said}")
    return pairs, wrong


@needs_strace
@by_act
@pytest.mark.parametrize("many", [SOME, pytest.param(MANY, marks=pytest.mark.nightly)], ids=["some", "many"])
def test_a_fault_while_a_crash_is_got_over(
    writers: Nursery, store: Store, table: Table, path: WritePath, many: tuple[int, int]
) -> None:
    """Killed, and then killed or denied while it is done again: old or new, no lie; done a third time it is whole."""
    pairs, wrong = tried(writers, store, path, many)
    table.tell(FAULT, pairs, len(wrong))
    assert not wrong, "\n".join(wrong)


@needs_strace
def test_a_plain_write_does_not_get_over_it(writers: Nursery, store: Store, table: Table) -> None:
    """The control: who rewrites a record in place cannot read what the one before left."""
    path = replace(PATHS[0], act="naive", recover=lambda store, run_id: None)  # noqa: ARG005
    pairs, wrong = tried(writers, store, path, (4, 3))
    table.control(FAULT, pairs, len(wrong))
