"""What earlier runs tell of a command: success, usual time, reruns; and an end expected no sooner than is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from runboard.model import Outcome, Reason, Run, Status
from runboard.past import NEWEST, Earlier, Past, bar, expected, facts_of_past, weigh
from runboard.query import hay
from tests.leaving import leave, leave_failed
from tests.program import runboard

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)


def over(run_id: str, took: float, outcome: Outcome = FINE, **more: object) -> Run:
    """A run of make in /w that has ended."""
    run = Run(run_id, command=("make", "x"), cwd="/w", started_at=100.0, completed_at=100.0 + took, outcome=outcome)
    return run._replace(**more)  # type: ignore[arg-type]


LIVE = Run("live", command=("make", "x"), cwd="/w", started_at=1000.0)


def test_runs_of_the_same_command_and_place_are_weighed() -> None:
    """Only the same command in the same directory counts, failures not for the time; the median is no mean."""
    others = [over("a", 10), over("b", 20), over("c", 900), over("d", 1, BAD), over("e", 5, cwd="/elsewhere")]
    others += [over("f", 5, command=("make", "y")), over("g", 5, name="other"), LIVE]
    assert weigh(LIVE, others) == Earlier(4, 3, 20.0)


def test_a_name_says_more_than_the_command() -> None:
    """Runs of one name belong together whatever they ran."""
    named = LIVE._replace(name="nightly")
    assert weigh(named, [over("a", 7, name="nightly", command=("other",)), over("b", 9)]) == Earlier(1, 1, 7.0)


def test_who_ran_it_again_is_told() -> None:
    """The runs that say that they are its reruns are named."""
    first = over("first", 3, BAD)
    again = weigh(first, [over("again", 3, rerun_of="first"), over("x", 3, rerun_of="somebody")])
    assert again.reruns == ("again",)
    assert ("Run again as", "again") in facts_of_past(first, again, 0.0)


@pytest.mark.parametrize(
    ("now", "part", "words"),
    [
        (1000.0, 0.0, "0%, about 20s left"),
        (1015.0, 0.75, "75%, about 5s left"),
        (1050.0, 2.5, "100%, longer than usual by 30s"),
    ],
)
def test_an_end_is_expected(now: float, part: float, words: str) -> None:
    """A running run is set against the usual time; what takes longer is not promised any end."""
    earlier = Earlier(2, 1, 20.0)
    assert expected(LIVE, earlier, now) == part
    facts = dict(facts_of_past(LIVE, earlier, now))
    assert (facts["This command"], facts["Expected"].endswith(words)) == (
        "1 of 2 other runs completed, usually in 20s",
        True,
    )
    assert len(bar(part)) == 20


def test_nothing_is_expected_of_what_nobody_knows() -> None:
    """A finished or queued run, and one without an earlier success, has no expected end, and no words for it."""
    assert expected(over("a", 3), Earlier(1, 1, 5.0), 0) is None
    assert expected(LIVE._replace(queued=True), Earlier(1, 1, 5.0), 1001.0) is None
    assert (expected(LIVE, Earlier(3, 0), 1001.0), facts_of_past(LIVE, Earlier(), 0)) == (None, [])


def test_the_newest_are_kept_however_they_come() -> None:
    """Listed newest first and then as they end, a command keeps its newest runs; none is kept twice."""
    past = Past()
    for number in range(NEWEST + 10):
        run = over(f"old{number}", 1)
        past.take(run.id, hay(run), newest=False)
    assert past.like(hay(LIVE)) == tuple(f"old{number}" for number in range(NEWEST))
    for name in ("new", "new"):
        past.take(name, hay(over(name, 1)))
    found = past.like(hay(LIVE))
    assert (found[:2], len(found)) == (("new", "old0"), NEWEST)
    assert past.like(hay(LIVE._replace(command=("else",)))) == ()


STRANGERS = {
    "few": (1, {}),
    "many": (220, {}),
    "many that are open": (220, {"status": "running", "completedAt": None, "process": {"host": "elsewhere"}}),
    "many that ran more": (220, {"command": ["make", "it", "all"]}),
}
"""How many runs of other kinds there are, and what of them."""


@pytest.mark.parametrize("name", STRANGERS)
def test_show_tells_it_too(name: str, tmp_path: Path) -> None:
    """Among few runs as among many, whether they run or are found by the same words, `show` weighs its own kind alone.

    Who looked at the first 200 of all that are open or found would miss the earlier runs, which are older.
    """
    number, fields = STRANGERS[name]
    for at in range(3):
        leave(tmp_path, f"aaaa000{at}", command=["make", "it"], age=900.0)
    leave_failed(tmp_path, "bbbb0000", command=["make", "it"], age=900.0)
    for at in range(number):
        leave(tmp_path, f"cccc{at:04}", **fields)  # type: ignore[arg-type]
    done = runboard(tmp_path, "show", "aaaa0000")
    assert (done.returncode, "2 of 3 other runs completed, usually in 1s" in done.stdout) == (0, True), done.stdout
    if not fields:
        assert "other runs" not in runboard(tmp_path, "show", "cccc0000").stdout
