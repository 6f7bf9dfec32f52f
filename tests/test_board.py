"""The board's order, filter and texts: pure values, checked against the naive way of doing the same."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from runboard.board import Board, place
from runboard.columns import COLUMNS, elapsed, reason_text, shown, status_word
from runboard.model import Identity, KillRequest, Outcome, Reason, Run, Status
from runboard.query import BadQuery, Query

NOW = 10_000.0


def run(run_id: str, status: str = "running", at: float = 1.0, **fields: object) -> Run:
    """A small run in one state."""
    base = Run(id=run_id, name=f"name {run_id}", started_at=at, **fields)  # type: ignore[arg-type]
    match status:
        case "completed":
            return replace(base, outcome=Outcome(Status.COMPLETED, Reason.EXITED, exit_code=0), completed_at=at + 10)
        case "failed":
            outcome = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)
            return replace(base, outcome=outcome, completed_at=at + 10)
        case "damaged":
            return replace(base, damage="run.json is cut short")
        case "queued":
            return replace(base, queued=True)
    return base


def test_running_first_then_queued_then_newest() -> None:
    """Running runs stand above queued ones, those above ended ones; within each the newest first."""
    board = Board([run("a", "completed", 5), run("b", at=1), run("c", at=3), run("d", "failed", 9), run("e", "queued")])
    assert board.order == ["c", "b", "e", "d", "a"]


def test_a_thousand_random_changes_keep_the_order_of_a_plain_sort() -> None:
    """Whatever comes, changes and goes, with filters set and lifted, order and counts equal those of a fresh sort."""
    chance = random.Random(7)
    board, plain = Board(), dict[str, Run]()
    for step in range(1_000):
        run_id = f"r{chance.randrange(60)}"
        if chance.random() < 0.2:
            board.apply([], [run_id])
            plain.pop(run_id, None)
        else:
            status = chance.choice(["running", "completed", "failed", "damaged", "queued"])
            plain[run_id] = run(run_id, status, chance.randrange(20))
            board.apply([plain[run_id]])
        if step % 50 == 0:
            board.filter(chance.choice(["", "status:failed", "-r1", "name"]))
        expected = sorted(place(one) for one in plain.values() if board.query.matches(one, NOW))
        assert board.order == [entry[2] for entry in expected]
    tally = {status: sum(one.status is status for one in plain.values()) for status in Status}
    assert board.counts() == {status: count for status, count in tally.items() if count}


def test_a_delta_names_what_changed_and_only_that() -> None:
    """The same run again changes nothing; a new note changes a row and no order; an ending moves it."""
    board = Board([run("a"), run("b", at=2)])
    same = board.apply([run("a")])
    noted = board.apply([replace(run("a"), note="x")])
    ended = board.apply([run("b", "failed", 2)])
    assert (same.changed, same.reordered) == (frozenset(), False)
    assert (noted.changed, noted.reordered) == (frozenset({"a"}), False)
    assert (ended.changed, ended.reordered) == (frozenset({"b"}), True)
    assert board.order == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "abc"),
        ("train", "a"),
        ("TRAIN", "a"),
        ("status:failed", "b"),
        ("status:fail", "b"),
        ("-status:failed", "ac"),
        ("repo:web", "bc"),
        ("repo:web -tag:slow", "b"),
        ('"two words"', "c"),
        ("two words", "c"),
        ("model:opus", ""),
        ("reason:exited", "b"),
        ('"status:failed"', ""),
        ("id:a", "a"),
        ("-", "c"),
        ("error:code", "b"),
        ("note:two", "c"),
        ("command:make", "a"),
    ],
)
def test_queries(text: str, found: str) -> None:
    """Words are ANDed, keys look at one field, a dash negates, quotes take words as they are."""
    runs = [
        replace(run("a"), name="train", command=("make", "train")),
        replace(run("b", "failed"), repo="web"),
        replace(run("c"), repo="web-old", tags=("slow",), note="two words"),
    ]
    query = Query.parse(text)
    assert "".join(one.id for one in runs if query.matches(one, NOW)) == found


@pytest.mark.parametrize(
    ("text", "sentence"), [('"open', "quote is not closed"), ("foo:x", "unknown key"), ("status:", "needs a value")]
)
def test_bad_queries_say_what_is_wrong(text: str, sentence: str) -> None:
    """A mistake is named, and a board keeps its old filter."""
    board = Board([run("a")])
    board.filter("name")
    with pytest.raises(BadQuery, match=sentence):
        board.filter(text)
    assert board.order == ["a"]


def test_optional_columns_show_when_any_run_fills_them() -> None:
    """Repo, issue and model stand in the table only where some run has them."""
    bare = [column.key for column in shown([run("a")])]
    full = [column.key for column in shown([run("a"), replace(run("b"), repo="web", model="opus")])]
    assert "repo" not in bare
    assert [key for key in full if key not in bare] == ["repo", "model"]


def test_texts_of_rows() -> None:
    """Words for state, reason and time say what the run says, on one clean line."""
    hostile = replace(run("x"), name="a\x1b]0;owned\x07b\nc", process=Identity(pid=5))
    cells = {column.key: column.text(hostile, NOW) for column in COLUMNS}
    assert "\x1b" not in "".join(cells.values())
    assert "\n" not in "".join(cells.values())
    stopping = replace(run("s"), kill_request=KillRequest(1.0, "me", 15))
    assert [status_word(one) for one in (run("a"), stopping, run("f", "failed"), run("d", "damaged"))] == [
        "● running",
        "◐ stopping",
        "✘ failed",
        "■ damaged",
    ]
    assert reason_text(run("f", "failed")) == "Exited with code 1"
    assert reason_text(replace(run("f", "failed"), unsaved=True)) == "not saved yet · Exited with code 1"
    assert reason_text(replace(run("w"), warnings=("Rate limit: five hours", "Denied: Bash"))) == "Denied: Bash"
    assert reason_text(replace(run("w", "completed"), warnings=("Denied: Bash",))) == "1 warning"
    assert reason_text(replace(run("g"), foreign="on host b")) == "on host b"
    assert elapsed(run("a", at=NOW + 50), NOW) == 0.0
    assert elapsed(run("f", "failed"), NOW) == 10.0
    timed = replace(run("t", at=NOW - 90), timeout=1800.0)
    assert {column.key: column.text(timed, NOW) for column in COLUMNS}["elapsed"] == "1m30s/30m"
