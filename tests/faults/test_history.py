"""The checker of histories itself: a true one passes, and each doctored one is found out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.faults.history import Belief, wrongs
from tests.faults.table import Table

DISK: dict[str, Mapping[str, Any]] = {
    "a": {"status": "failed", "startedAt": "2026-01-01T10:00:00Z", "completedAt": "2026-01-01T10:00:05Z"},
    "b": {"status": "running", "startedAt": "2026-01-01T10:00:00Z"},
}

TRUE = [
    Belief(1.0, "a", "", "running", "shim"),
    Belief(5.0, "a", "running", "over", "shim"),
    Belief(1.1, "a", "running", "running", "settler 1"),
    Belief(1.2, "a", "", "running", "board 2"),
    Belief(1.2, "b", "", "running", "board 2"),
    Belief(5.1, "a", "running", "failed", "settler 3"),
    Belief(5.2, "a", "", "failed", "cli 4"),
    Belief(5.2, "a", "", "failed", "board 2"),
]

History = tuple[list[Belief], dict[str, Mapping[str, Any]]]

DOCTORED: dict[str, Callable[[], History]] = {
    "ended twice": lambda: ([*TRUE, TRUE[5]._replace(who="settler 9")], DISK),
    "ended otherwise by another": lambda: ([*TRUE, TRUE[5]._replace(after="completed")], DISK),
    "ended by nobody": lambda: ([one for one in TRUE if one.who != "settler 3"], DISK),
    "an ending that never was": lambda: ([*TRUE, Belief(6.0, "b", "", "completed", "cli 4")], DISK),
    "an ending of what is not there": lambda: ([*TRUE, Belief(6.0, "c", "", "failed", "cli 4")], DISK),
    "a state that is none": lambda: ([*TRUE, Belief(6.0, "b", "", "sleeping", "cli 4")], DISK),
    "back to life": lambda: ([*TRUE, Belief(6.0, "a", "", "running", "cli 4")], DISK),
    "a board that stays behind": lambda: (TRUE[:-1], DISK),
    "a board that missed a run": lambda: ([one for one in TRUE if one.run != "b"], DISK),
    "over before it began": lambda: (TRUE, DISK | {"a": {**DISK["a"], "completedAt": "2026-01-01T09:00:00Z"}}),
    "a shim that saw the end first": lambda: ([TRUE[0]._replace(at=9.0), *TRUE[1:]], DISK),
    "an end that nobody took over": lambda: ([*TRUE, Belief(6.0, "b", "running", "over", "shim")], DISK),
}


def test_a_true_history_passes() -> None:
    """Nothing is wrong with what really happened."""
    assert wrongs(TRUE, DISK, ["board 2"]) == []


@pytest.mark.parametrize("name", DOCTORED)
def test_a_doctored_history_is_found_out(name: str, table: Table) -> None:
    """The control of the checker: each lie is told in words."""
    beliefs, disk = DOCTORED[name]()
    found = wrongs(beliefs, disk, ["board 2"])
    assert found
    table.control("a history is checked", 1, bool(found))
