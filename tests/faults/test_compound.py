"""A fault in the midst of getting over a crash: the next one still finds the old or the new, and makes it whole."""

from __future__ import annotations

from itertools import cycle

import pytest

from runboard.store import Store
from tests.faults.acts import ACTS
from tests.faults.crash import Fate, Nursery, kill_at, needs_strace, points
from tests.faults.paths import NUMBER, PATHS, WritePath
from tests.faults.table import Table
from tests.faults.test_write_paths import FALLIBLE, begun, clear, ruined, shape, some

FAULT = "a fault while a crash is got over"

FEW = 6
"""So many pairs of each way are tried each time, evenly spread; at night three for each of twelve crashes."""

BY_ACT = {path.act: path for path in PATHS}

GOT_OVER = {
    **{
        name: name for name in ("put", "put_once", "trash", "restore", "destroy", "settle", "remember", "index", "ring")
    },
    "be_shim": "settle",
}
"""How what a dead writer has left is got over: by doing it again, or by whoever settles what a shim left."""


SLOW = "be_shim"
"""After most deaths of a shim whoever settles waits ten seconds for it, so that these are tried at night."""

NIGHTLY = pytest.param(SLOW, marks=pytest.mark.nightly)


def seconds(calls: list[str]) -> list[str]:
    """Every second fault, as strace is told of it: a kill at each call, and what a disk or a limit says at some."""
    errors = cycle(("EIO", "ENOSPC", "EMFILE"))
    denied = [place.replace(":when", f":error={next(errors)}:when") for place in points(calls, FALLIBLE)]
    return [one for pair in zip(cycle(map(kill_at, points(calls))), denied, strict=False) for one in pair]


def twice(writers: Nursery, store: Store, path: WritePath, again: str, many: tuple[int, int]) -> tuple[int, list[str]]:
    """Kill a writer, let ``again`` fail or die on what it left, and look after a third has done it; tries, and harm."""
    crashes, each = many
    over = shape(writers, store, BY_ACT.get(again, path))
    calls = over if again == path.act else shape(writers, store, path)
    firsts = some(begun(points(calls), calls, path), crashes)
    faults = seconds(over)
    harm, tried = [], 0
    for number, first in enumerate(firsts):
        for turn in range(each):
            second = faults[(number * 7 + turn * len(faults) // each) % len(faults)]
            clear(store)
            run_id = path.ready(store)
            writers.ask("traced", path.act, store.root, run_id, number=NUMBER, inject=kill_at(first))
            fate = writers.ask("traced", again, store.root, run_id, number=NUMBER, inject=second)
            if wrong := ruined(store, path, run_id, fate) or unfinished(store, path, run_id):
                harm.append(f"{first}, then {second}: {wrong}")
            tried += 1
    return tried, harm


def unfinished(store: Store, path: WritePath, run_id: str) -> str:
    """What is not as it was to be after it was got over."""
    if path.act == "put_once":  # any other writing has got over it
        ACTS["put_once"](store, run_id, NUMBER)
    wrong = path.wrong(store, run_id, Fate(killed=False, said="done", calls=[]))
    return f"not made whole: {wrong}" if wrong else ""


@needs_strace
@pytest.mark.parametrize("many", [(FEW, 1), pytest.param((12, 3), marks=pytest.mark.nightly)])
@pytest.mark.parametrize("act", [*(act for act in GOT_OVER if act != SLOW), NIGHTLY])
def test_a_fault_while_a_crash_is_got_over(
    writers: Nursery, store: Store, table: Table, act: str, many: tuple[int, int]
) -> None:
    """Killed, and killed or denied again while that is got over: old or new, no lie, nothing left; then whole."""
    tried, harm = twice(writers, store, BY_ACT[act], GOT_OVER[act], many)
    table.tell(FAULT, tried, len(harm))
    assert not harm, "\n".join(harm)


@needs_strace
def test_a_plain_write_does_not_get_over_it(writers: Nursery, store: Store, table: Table) -> None:
    """The control: a record rewritten in place is torn by the first, and not to be read by the second."""
    naive = WritePath("naive", PATHS[0].ready, PATHS[0].wrong, PATHS[0].recover)
    tried, harm = twice(writers, store, naive, "naive", (FEW, 1))
    assert harm, f"the control did not fail in {tried} tries"
    table.control(FAULT, tried, len(harm))
