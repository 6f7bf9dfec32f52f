"""Rows: however a record came to be one, it says in every cell and to every query what the whole run says."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from runboard import files, record
from runboard.columns import COLUMNS, FILLS
from runboard.model import Run
from runboard.query import FIELDS, hay
from runboard.row import Row, place
from tests.bench.fleet import record as fleet_record
from tests.records import docs

NOW = 1_795_400_000.0


@settings(max_examples=400, deadline=None)
@given(docs())
def test_the_short_way_ends_where_the_long_way_does(doc: dict[str, Any]) -> None:
    """A row read straight from a record equals that of the parsed run, whatever stands in the record."""
    assert Row.read(doc, "a1b2c3d4") == Row.of(record.parse(doc, "a1b2c3d4"))


@settings(max_examples=400, deadline=None)
@given(docs())
def test_a_row_has_the_cells_of_its_run(doc: dict[str, Any]) -> None:
    """Every cell, the haystack, the host, the place in the order and the filled columns are those of the whole run."""
    whole = record.parse(doc, "a1b2c3d4")
    row = Row.of(whole)
    small = row.run()
    for column in COLUMNS:
        assert column.text(small, NOW) == column.text(whole, NOW), column.key
        assert column.fills is None or bool(row.fills & FILLS[column.key]) == column.fills(whole), column.key
    assert (hay(small), row.hay, small.process.host) == (hay(whole), hay(whole), whole.process.host)
    assert (row.place, row.status, row.elapsed) == (place(whole), whole.status, _elapsed(whole))
    assert Row.of(small) == row


def _elapsed(run: Run) -> float | None:
    """How long a finished run ran."""
    column = [run.started_at, run.completed_at]
    return None if None in column else max(0.0, (run.completed_at or 0.0) - (run.started_at or 0.0))


@pytest.mark.parametrize("doc", [None, [], {}, {"status": "running"}, {"status": "queued"}, {"status": ["failed"]}])
def test_what_has_not_ended_has_no_row(doc: object) -> None:
    """An active or damaged record gives no row."""
    assert Row.read(doc, "a") is None


def test_a_run_that_may_still_change_has_no_row() -> None:
    """An active run, a damaged one, and an ending that is not saved are refused."""
    ended = record.parse({"status": "failed"}, "a")
    for run in (Run("a"), Run("a", damage="torn"), ended._replace(unsaved=True)):
        with pytest.raises(ValueError, match="may still change"):
            Row.of(run)


def test_a_haystack_has_a_line_for_each_field() -> None:
    """The lines are the fields in their order, lower case; a value of several lines is one, half an emoji U+FFFD."""
    doc = {
        "status": "failed",
        "name": "Nightly",
        "repo": "Shop",
        "tags": ["GPU", "slow"],
        "note": "one\ntwo",
        "error": "Exited with code 1",
        "command": ["make", "a\nb", "\ud83d"],
        "reason": "exited",
        "issue": 12,
        "process": {"host": "Forge"},
    }
    row = Row.read(doc, "A1")
    assert row is not None
    assert dict(zip([field for field in FIELDS if field != "host"], row.hay.split("\n"), strict=True)) == {
        "id": "a1",
        "name": "nightly",
        "status": "failed",
        "reason": "exited",
        "repo": "shop",
        "issue": "12",
        "persona": "",
        "model": "",
        "branch": "",
        "tag": "gpu\x1fslow",
        "note": "one two",
        "error": "exited with code 1",
        "command": "make a b \ufffd",
    }
    assert row.host == "Forge"


def test_a_row_is_small() -> None:
    """A realistic run takes less than 850 bytes with all that it holds but the host, which rows share."""
    chance = random.Random(1)
    for number in range(50):
        doc = files.decode(files.encode(fleet_record(chance, number)))
        row = Row.read(doc, f"{number:08x}")
        assert row is not None
        size = sys.getsizeof(row) + sum(map(sys.getsizeof, (row.id, row.started, row.ended, row.hay, row.doc)))
        size += sum(sys.getsizeof(value) for value in (row.tokens, row.cost) if value is not None)
        assert size < 850, json.dumps(doc)
