"""The board's order, filter and texts: pure values, checked against the naive way of doing the same."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from runboard.board import Board
from runboard.columns import COLUMNS, elapsed, reason_text, shown, status_word
from runboard.model import Identity, KillRequest, Outcome, Reason, Run, Status, Usage
from runboard.order import Sorting
from runboard.query import BadQuery, Query
from runboard.rank import of_row, of_run
from runboard.row import Row, place
from runboard.totals import Spending

NOW = 10_000.0


def run(run_id: str, status: str = "running", at: float = 1.0, **fields: object) -> Run:
    """A small run in one state."""
    base = Run(id=run_id, name=f"name {run_id}", started_at=at, **fields)  # type: ignore[arg-type]
    match status:
        case "completed":
            return base._replace(outcome=Outcome(Status.COMPLETED, Reason.EXITED, exit_code=0), completed_at=at + 10)
        case "failed":
            outcome = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)
            return base._replace(outcome=outcome, completed_at=at + 10)
        case "damaged":
            return base._replace(damage="run.json is cut short")
        case "queued":
            return base._replace(queued=True)
    return base


def test_running_first_then_queued_then_newest() -> None:
    """Running runs stand above queued ones, those above ended ones; within each the newest first."""
    board = Board([run("a", "completed", 5), run("b", at=1), run("c", at=3), run("d", "failed", 9), run("e", "queued")])
    assert board.order == ["c", "b", "e", "d", "a"]


def plain_order(runs: Iterable[Run], sorting: Sorting, now: float) -> list[str]:
    """The order of a plain sort: the usual one, then by the column's values, those without a value last."""
    usual = sorted(runs, key=place)
    if sorting.column is None:
        return [one.id for one in usual]
    value = of_run(sorting.column)
    told = [one for one in usual if value(one, now) is not None]
    told.sort(key=lambda one: value(one, now) or 0, reverse=sorting.falling)
    return [one.id for one in (*told, *(one for one in usual if value(one, now) is None))]


def random_run(chance: random.Random) -> Run:
    """A run of any kind, with few values, so that many are equal."""
    status = chance.choice(["running", "completed", "failed", "damaged", "queued"])
    usage = chance.choice([None, Usage(total_tokens=chance.randrange(5)), Usage(cost=chance.random())])
    texts = {"repo": chance.choice([None, "Web", "api"]), "issue": chance.choice([None, "#9", "#10"])}
    return run(f"r{chance.randrange(90)}", status, NOW - chance.randrange(20) * 600, usage=usage, **texts)


@pytest.mark.parametrize("light", [False, True], ids=["whole", "rows"])
def test_a_thousand_random_changes_keep_the_order_of_a_plain_sort(light: bool) -> None:
    """Whatever comes, changes and goes, filtered and sorted, order, counts and sums equal those made anew."""
    chance = random.Random(7)
    board, plain, now, sorting = Board(), dict[str, Run](), NOW, Sorting()
    for step in range(500):
        new = {
            one.id: one
            for one in (random_run(chance) for _ in range(chance.choice([0, 1, 1, 2, 40, 400 if step % 5 == 0 else 1])))
        }
        gone = {f"r{chance.randrange(90)}" for _ in range(chance.choice([0, 0, 1, 5]))} - set(new)
        plain = {run_id: one for run_id, one in (plain | new).items() if run_id not in gone}
        rows = [Row.of(one) for one in new.values() if light and one.finished]
        board.apply([one for one in new.values() if not (light and one.finished)], gone, rows)
        if step % 30 == 0:
            board.filter(chance.choice(["", "status:failed", "-r1", "name", "repo:web", "age<1h", "elapsed>9m"]), now)
        if step % 20 == 0:
            sorting = Sorting(chance.choice([None, *(column.key for column in COLUMNS)]), chance.random() < 0.5)
            board.sort(sorting, now)
        if step % 50 == 49:
            now += 400.0
            board.filter(chance.choice(["", "status:running"]), now)
            board.sort(sorting, now)
        matching = [one for one in plain.values() if board.query.matches(one, now)]
        assert board.order == plain_order(matching, sorting, now)
        spots = [board.index_of(one.id) for one in plain.values()]
        assert {spot for spot in spots if spot is not None} == set(range(len(board)))
        check_sums(board, plain, now)
    tally = {status: sum(one.status is status for one in plain.values()) for status in Status}
    assert board.counts() == {status: count for status, count in tally.items() if count}


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_who_needs_somebody_stands_first(many: bool) -> None:
    """Those that need somebody stand above the running ones, the newest first, whatever comes, goes and is sorted by.

    Who is spared keeps its place until it changes its state, or until nobody looks at it any more.
    """
    chance = random.Random(11)
    board, plain = Board(), dict[str, Run]()
    for step in range(250):
        new = {
            one.id: one
            for one in (random_run(chance) for _ in range(chance.choice([0, 1, 3, 40, 400 if step % 5 == 0 else 1])))
        }
        gone = {f"r{chance.randrange(90)}" for _ in range(chance.choice([0, 1]))} - set(new)
        plain = {run_id: one for run_id, one in (plain | new).items() if run_id not in gone}
        for _ in range(40 if many else 2):
            who = f"r{chance.randrange(90)}"
            board.needs[who] = "look"
            board.needs.pop(f"r{chance.randrange(90)}", None)
        if step % 10 == 0:
            board.filter(chance.choice(["", "repo:web"]), NOW)
            board.sort(Sorting(chance.choice([None, "repo"])), NOW)
        board.apply(
            [one for one in new.values() if not one.finished], gone, [Row.of(r) for r in new.values() if r.finished]
        )
        usual = sorted(plain.values(), key=lambda one: (-1, *place(one)[1:]) if one.id in board.needs else place(one))
        found = [one for one in usual if board.query.matches(one, NOW)]
        if board.sorting.column:
            found.sort(key=lambda one: (one.repo is None, (one.repo or "").lower()))
        assert board.order == [one.id for one in found]


def test_what_is_looked_at_stays_where_it_stands() -> None:
    """A run under the cursor that needs nobody any more moves when the cursor has left, one that ends at once."""
    board = Board([run("a", at=9), run("b", at=8), run("c", "failed", at=1)])
    board.needs["c"] = "failed"
    assert (board.prefer(), board.order) == (True, ["c", "a", "b"])
    del board.needs["c"]
    assert (board.prefer("c"), board.order) == (False, ["c", "a", "b"])
    assert (board.prefer("a"), board.order) == (True, ["a", "b", "c"])
    board.needs["b"] = "silent"
    assert (board.prefer("b"), board.order) == (False, ["a", "b", "c"])
    board.apply([run("b", "failed", at=8)], spared="b")
    assert board.order == ["b", "a", "c"]


def check_sums(board: Board, plain: dict[str, Run], now: float) -> None:
    """The sums that a board has kept are those of all its runs."""
    spent = board.spending(now)
    tokens = [one.usage.total_tokens for one in plain.values() if one.usage and one.usage.total_tokens is not None]
    costs = [one.usage.cost for one in plain.values() if one.usage and one.usage.cost is not None]
    assert (spent.tokens if spent else None) == (sum(tokens) if tokens else None)
    assert (spent.cost if spent else None) == (pytest.approx(sum(costs), abs=1e-6) if costs else None)


def test_every_column_ranks_a_run_and_its_row_alike() -> None:
    """Whole or light, a finished run has the same place in every order; numbers rank as numbers."""
    chance = random.Random(3)
    runs = [one for one in (random_run(chance) for _ in range(200)) if one.finished]
    for column in COLUMNS:
        for one in runs:
            assert of_row(column.key)(Row.of(one), NOW) == of_run(column.key)(one, NOW), column.key
    issues = [run("a")._replace(issue="#10"), run("b")._replace(issue="#9"), run("c")]
    board = Board(issues)
    board.sort(Sorting("issue"), NOW)
    assert board.order == ["b", "a", "c"]
    board.sort(Sorting("issue", True), NOW)
    assert board.order == ["a", "b", "c"]


def test_time_moves_live_runs_in_order_and_filter() -> None:
    """As time goes on a live run passes finished ones in the order by elapsed, and comes and goes by its age."""
    board = Board([run("live", at=NOW - 5), Row.of(run("done", "completed", NOW - 60))])
    board.sort(Sorting("elapsed", True), NOW)
    assert board.order == ["done", "live"]
    assert not board.tick(NOW + 1)
    assert board.tick(NOW + 60)
    assert board.order == ["live", "done"]
    board.filter("age<3m", NOW + 61)
    assert board.order == ["live", "done"]
    assert board.tick(NOW + 125)
    assert board.order == ["live"]
    assert board.tick(NOW + 200)
    assert board.order == []


def test_what_was_spent_in_the_last_hour_is_told_without_the_rest() -> None:
    """The cost of the last hour counts what lived in it, in parts, and goes down as time passes."""
    hour = 3600.0
    ended = run("a", "completed", NOW - hour)._replace(completed_at=NOW - hour / 2, usage=Usage(cost=1.0))
    older = run("b", "completed", NOW - 3 * hour)._replace(completed_at=NOW - 2 * hour, usage=Usage(cost=8.0))
    live = run("c", at=NOW - 2 * hour)._replace(usage=Usage(cost=4.0))
    board = Board([Row.of(ended), Row.of(older), live])
    assert board.spending(NOW) == Spending(None, 13.0, 3.0)
    later = board.spending(NOW + hour / 4)
    assert later is not None
    assert later.per_hour == pytest.approx(0.5 + 4 * 4 / 9)
    board.apply([], ["a", "c"])
    assert board.spending(NOW + hour / 4) == Spending(None, 8.0, 0.0)


def test_a_delta_names_what_changed_and_only_that() -> None:
    """The same run again changes nothing; a new note changes a row and no order; an ending moves it."""
    board = Board([run("a"), run("b", at=2)])
    same = board.apply([run("a")])
    noted = board.apply([run("a")._replace(note="x")])
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
        run("a")._replace(name="train", command=("make", "train")),
        run("b", "failed")._replace(repo="web"),
        run("c")._replace(repo="web-old", tags=("slow",), note="two words"),
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
    full = [column.key for column in shown([run("a"), run("b")._replace(repo="web", model="opus")])]
    assert "repo" not in bare
    assert [key for key in full if key not in bare] == ["repo", "model"]


def test_texts_of_rows() -> None:
    """Words for state, reason and time say what the run says, on one clean line."""
    hostile = run("x")._replace(name="a\x1b]0;owned\x07b\nc", process=Identity(pid=5))
    cells = {column.key: column.text(hostile, NOW) for column in COLUMNS}
    assert "\x1b" not in "".join(cells.values())
    assert "\n" not in "".join(cells.values())
    stopping = run("s")._replace(kill_request=KillRequest(1.0, "me", 15))
    assert [status_word(one) for one in (run("a"), stopping, run("f", "failed"), run("d", "damaged"))] == [
        "● running",
        "◐ stopping",
        "✘ failed",
        "■ damaged",
    ]
    assert reason_text(run("f", "failed")) == "Exited with code 1"
    assert reason_text(run("f", "failed")._replace(unsaved=True)) == "not saved yet · Exited with code 1"
    assert reason_text(run("w")._replace(warnings=("Rate limit: five hours", "Denied: Bash"))) == "Denied: Bash"
    assert reason_text(run("w", "completed")._replace(warnings=("Denied: Bash",))) == "1 warning"
    assert reason_text(run("g")._replace(foreign="on host b")) == "on host b"
    assert elapsed(run("a", at=NOW + 50), NOW) == 0.0
    assert elapsed(run("f", "failed"), NOW) == 10.0
    timed = run("t", at=NOW - 90)._replace(timeout=1800.0)
    assert {column.key: column.text(timed, NOW) for column in COLUMNS}["elapsed"] == "1m30s/30m"
