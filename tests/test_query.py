"""The query language, every query put to its three readers: runs, rows, and the index's SQL; they always agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard import record
from runboard.model import Run
from runboard.query import FIELDS, MEASURES, BadQuery, Query, Term
from runboard.row import Row, matching
from tests.records import ODD, docs

NOW = 1_000_000.0
DAY, GIB = 86400.0, float(1 << 30)
SIZES = {"a": 10, "b": 3 << 30}


def moment(before: float) -> float:
    """So many seconds before now, in the milliseconds of a record."""
    return (NOW - before) * 1000


RUNS = {
    "a": {
        "status": "completed",
        "name": "Train Ünder",
        "command": ["make", "train", "seed=7"],
        "startedAt": moment(DAY),
        "completedAt": moment(DAY - 60),
        "usage": {"total_tokens": 10_000, "cost": 1},
        "reason": "exited",
        "process": {"host": "Forge"},
    },
    "b": {
        "status": "failed",
        "repo": "web",
        "error": "Exited with code 1",
        "reason": "exited",
        "startedAt": moment(2 * DAY),
        "completedAt": moment(0),
        "usage": {"total_tokens": 9_999, "cost": 0.25},
        "tags": ["gpu", "slow one"],
        "note": "100% a_b\n'quoted' \"twice\"",
        "process": {"host": "anvil"},
    },
    "c": {"status": "completed", "repo": "web-old", "tags": ["slow"], "note": "two words", "name": "code 1 failed"},
}
"""Three finished runs as their records have them."""

TABLE = [
    ("", "abc"),
    ("train", "a"),
    ("TRAIN ünder", "a"),
    ("ÜNDER", "a"),
    ("-train", "bc"),
    ("failed", "bc"),
    ("status:failed", "b"),
    ("status:F", "b"),
    ("status:ailed", ""),
    ("status:running", ""),
    ("-status:running", "abc"),
    ("-status:failed", "ac"),
    ("reason:exit", "ab"),
    ("reason:xited", ""),
    ("-reason:exited", "c"),
    ("repo:web", "bc"),
    ("repo:web -tag:slow", ""),
    ("repo:web -tag:gpu", "c"),
    ("tag:gpu", "b"),
    ('tag:"slow one"', "b"),
    ('"two words"', "c"),
    ("two words", "c"),
    ('"words two"', ""),
    ("model:opus", ""),
    ("-model:opus", "abc"),
    ("host:forge", "a"),
    ("host:FOR", "a"),
    ("-host:forge", "bc"),
    ("anvil", ""),
    ('"status:failed"', ""),
    ("id:a", "a"),
    ("error:code", "b"),
    ("name:code", "c"),
    ("code", "bc"),
    ("note:two", "c"),
    ("command:make", "a"),
    ("seed=7", "a"),
    ("100%", "b"),
    ("note:%", "b"),
    ("note:a_b", "b"),
    ("axb", ""),
    ("'quoted'", "b"),
    ("age<1d", ""),
    ("age<=1d", "a"),
    ("age>1d", "b"),
    ("age<25h", "a"),
    ("age=1d", "a"),
    ("age=2d", "b"),
    ("age=47h", ""),
    ("age>0", "ab"),
    ("-age>1d", "ac"),
    ("age>1d12h", "b"),
    ("elapsed>30m", "b"),
    ("elapsed=1m", "a"),
    ("elapsed=60s", "a"),
    ("elapsed<1m", ""),
    ("-elapsed<=1m", "bc"),
    ("cost>1", ""),
    ("cost>=1", "a"),
    ("cost=0.25", "b"),
    ("cost<1 status:failed", "b"),
    ("-cost>=1", "bc"),
    ("cost>1m", ""),
    ("tokens>=10k", "a"),
    ("tokens<10k", "b"),
    ("tokens=9.9k", "b"),
    ("tokens=10K", "a"),
    ("tokens=9999", "b"),
    ("TOKENS>9998", "ab"),
    ("size>1G", "b"),
    ("size=3G", "b"),
    ("size<1k", "a"),
    ("size>=10B", "ab"),
    ("-size>1G", "ac"),
    ('"age<1d"', ""),
]
"""Queries and the runs that each finds."""


def whole() -> dict[str, Run]:
    """The runs of the table."""
    return {run_id: record.parse(doc, run_id) for run_id, doc in RUNS.items()}


def by_runs(query: Query, runs: Iterable[Run], sizes: Mapping[str, int]) -> list[str]:
    """What the query finds among runs."""
    return [run.id for run in runs if query.matches(run, NOW, sizes.get(run.id))]


def by_rows(query: Query, rows: list[Row], sizes: Mapping[str, int]) -> list[str]:
    """What it finds among rows, by the quick way, which must agree with the way for one."""
    found = [row.id for row in matching(rows, query, NOW, sizes)]
    assert found == [row.id for row in rows if row.matches(query, NOW, sizes.get(row.id))]
    return found


def by_sql(query: Query, rows: list[Row], sizes: Mapping[str, int]) -> list[str]:
    """What it finds in a database with the columns that the condition names."""
    database = sqlite3.connect(":memory:")
    try:
        database.create_function("found", 4, lambda hay, host, field, text: Term(field, text).found(hay, host))
        database.execute("CREATE TABLE runs (id, status, started REAL, ended REAL, host, hay, tokens, cost REAL, size)")
        database.executemany(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(row.id, ["completed", "failed"].index(row.status), row.started, row.ended, row.host, row.hay),
                    *(row.tokens, row.cost, sizes.get(row.id)),
                )
                for row in rows
            ],
        )
        where, needs = query.sql(NOW)
        return [run_id for (run_id,) in database.execute(f"SELECT id FROM runs WHERE {where} ORDER BY rowid", needs)]
    finally:
        database.close()


@pytest.mark.parametrize(("text", "found"), TABLE)
def test_queries(text: str, found: str) -> None:
    """Each finds the same runs whoever reads it: words are ANDed, keys look at one field, amounts are compared."""
    query, runs = Query.parse(text), whole()
    rows = [Row.of(run) for run in runs.values()]
    assert "".join(by_runs(query, runs.values(), SIZES)) == found
    assert "".join(by_rows(query, rows, SIZES)) == found
    assert "".join(by_sql(query, rows, SIZES)) == found


texts = st.one_of(
    st.text(st.sampled_from(ODD), min_size=1, max_size=3),
    st.sampled_from(["shop", "MAKE", "50%", "οδος", "i̇", "two lines", "\x1f", "a\nb", "failed", "exited", "com"]),
)
numbers = st.sampled_from(["0", "1", "0.5", "2", "10k", "1.5m", "9e"])
times = st.sampled_from(["0", "1s", "30m", "1h30m", "2d", "1.5w", "5000w"])
sized = st.sampled_from(["0", "1k", "1.5M", "2GiB", "3B"])
compared = st.one_of(
    st.tuples(st.sampled_from(["cost", "tokens"]), st.sampled_from(["<", "<=", "=", ">=", ">"]), numbers),
    st.tuples(st.sampled_from(["age", "elapsed"]), st.sampled_from(["<", "<=", "=", ">=", ">"]), times),
    st.tuples(st.just("size"), st.sampled_from(["<", "<=", "=", ">=", ">"]), sized),
).map("".join)
parts = st.one_of(
    texts.map(lambda text: '"' + text.replace('"', "") + '"'),
    st.tuples(st.sampled_from(FIELDS), texts).map(lambda pair: pair[0] + ':"' + pair[1].replace('"', "") + '"'),
    compared,
)
queries = st.lists(st.tuples(st.sampled_from(["", "-"]), parts).map("".join), max_size=3).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(docs(), min_size=1, max_size=5), queries, st.lists(st.none() | st.integers(0, 3 << 30), min_size=5))
def test_the_three_readers_agree(found: list[dict[str, Any]], text: str, sizes: list[int | None]) -> None:
    """On any records and any query, with every character that means something to one of them."""
    try:
        query = Query.parse(text)
    except BadQuery:
        return
    runs = [record.parse(doc, f"a{number}") for number, doc in enumerate(found)]
    known = {f"a{number}": size for number, size in enumerate(sizes) if size is not None}
    rows = [Row.of(run) for run in runs]
    expected = by_runs(query, runs, known)
    assert by_rows(query, rows, known) == expected
    assert by_sql(query, rows, known) == expected


def test_a_live_run_has_an_age_and_an_elapsed_time() -> None:
    """What runs is as old as it has been running; what is queued or damaged is compared as far as it is known."""
    live = record.parse({"status": "running", "startedAt": moment(3600)}, "a")
    assert Query.parse("age>30m elapsed<2h").matches(live, NOW)
    assert not Query.parse("elapsed>2h").matches(live, NOW)
    assert Query.parse("elapsed>2h").matches(live, NOW + 7200)
    assert not Query.parse("age>0").matches(live._replace(started_at=None, damage="torn"), NOW)


def test_a_query_knows_what_it_needs() -> None:
    """Only ages and elapsed times change with the clock, and only sizes need the disk."""
    known = [Query.parse(text) for text in ("train status:failed cost>1", "age<2d", "-elapsed>1h x", "size>1G")]
    assert [query.timed for query in known] == [False, True, True, False]
    assert [query.sized for query in known] == [False, False, False, True]


BAD = [
    ('"open', 'a quote is not closed; end it with "'),
    ("foo:x", "unknown key “foo:”; the keys are id name"),
    ("stats:x", "unknown key “stats:”, did you mean “status:”?; the keys"),
    ("status:", "“status:” needs a value, as in status:failed"),
    ("age<2", "age<2: '2' has no unit: say 2s, 2m or 2h"),
    ("elapsed>30", "elapsed>30: '30' has no unit: say 30s, 30m or 30h"),
    ("age<soon", "age<soon: 'soon' is no length of time: say 45s, 30m, 1h30m or 7d"),
    ("size>5", "size>5: '5' has no unit: say 5M or 5G"),
    ("cost>much", "cost>much: 'much' is no number: say 5, 0.25, 10k or 1.5M"),
    ("cost>-1", "cost>-1: '-1' is no number"),
    ("tokens>1T", "tokens>1T: '1T' is no number"),
    ("tokens>", "“tokens>” needs a value, as in tokens>10k"),
    ("tokns>10k", "unknown key “tokns>”, did you mean “tokens<”?; what can be compared are age elapsed"),
    ("zzz<=3", "unknown key “zzz<=”; what can be compared"),
    ("status>3", "“status>”: status is text and cannot be compared; write status:word"),
    ("age:2d", "“age:” is an amount; compare it, as in age<2d"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_bad_queries_say_what_is_wrong(text: str, sentence: str) -> None:
    """A mistake is named, with what to write instead."""
    with pytest.raises(BadQuery) as raised:
        Query.parse(text)
    assert str(raised.value).startswith(sentence)
    assert set(MEASURES) & set(FIELDS) == set()
