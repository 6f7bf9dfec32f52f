"""The codec of run.json at its edges: what can be read can be written back."""

from __future__ import annotations

import pytest

from runboard.record import dump, parse

EXTREMES = [
    {"timeout": 1e308},
    {"timeout": -5},
    {"timeout": 0},
    {"startedAt": "9999-12-31T23:59:59-23:59"},
    {"startedAt": "0001-01-01T00:00:00+14:00"},
    {"startedAt": 1e300},
    {"startedAt": 253402300799999},
    {"startedAt": -1},
    {"completedAt": "not a time"},
]


@pytest.mark.parametrize("extreme", EXTREMES, ids=str)
def test_extreme_times_are_not_told_and_stay_as_they_are(extreme: dict[str, object]) -> None:
    """A time or limit out of reason counts as not told, and the record is written back with it as it was."""
    found = {"id": "x", "status": "running", **extreme}
    run = parse(found, "x")
    assert (run.timeout, run.started_at, run.completed_at) == (None, None, None)
    assert {key: dump(run)[key] for key in found} == found


def test_times_of_either_tool_are_read() -> None:
    """ISO 8601 in UTC, with an offset or without a zone, and JavaScript's milliseconds are all the same moment."""
    texts: list[object] = ["2026-11-22T10:11:12.345Z", "2026-11-22T11:11:12.345+01:00", "2026-11-22T10:11:12.345"]
    moments = {parse({"status": "running", "startedAt": text}, "x").started_at for text in [*texts, 1795342272345]}
    assert moments == {1795342272.345}
