"""Records as anybody may have written them, for hypothesis: of the right kind, odd, and wrong, in every field."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

ODD = "aAzZ019 %_'\"\\\n\t\x1f\0\x1b:*?-ßİıΣσςÄé한😀\u0301\u202e\ud800"
"""Characters that mean something to a query, a database, a terminal or a case mapping."""

words = st.one_of(
    st.sampled_from(["", "shop", "make test", "MAKE", "50%", "a_b", "o'clock", "two\nlines", "ΟΔΟΣ", "İzmir", "#12"]),
    st.text(st.sampled_from(ODD), max_size=8),
)
anything = st.one_of(st.none(), st.booleans(), st.integers(-5, 2**64), st.floats(), words, st.lists(words, max_size=2))
texts = st.one_of(words, words, st.none(), anything)
moments = st.one_of(
    st.integers(0, 2_000_000_000_000),
    st.sampled_from(["2026-11-22T10:11:12.345Z", "2026-11-22T11:11:12+01:00", "2026-11-22", "soon"]),
    anything,
)
counts = st.one_of(st.integers(0, 2_000_000), st.just(2**63 - 1), anything)
costs = st.one_of(st.floats(0, 100), st.integers(0, 5), anything)
usages = st.one_of(
    st.fixed_dictionaries({}, optional={"total_tokens": counts, "cost": costs, "input_tokens": counts}), anything
)
strings = st.one_of(st.lists(words, max_size=3), st.lists(anything, max_size=2), anything)
marks = st.fixed_dictionaries(
    {"at": moments},
    optional={"by": texts, "why": texts, "before": st.fixed_dictionaries({"status": st.sampled_from(["failed", "x"])})},
)


def docs(statuses: tuple[str, ...] = ("completed", "failed")) -> st.SearchStrategy[dict[str, Any]]:
    """Records in one of these states, with any choice of fields."""
    return st.fixed_dictionaries(
        {"status": st.sampled_from(statuses)},
        optional={
            **dict.fromkeys(("name", "repo", "issue", "persona", "model", "branch", "note", "error", "agent"), texts),
            "reason": st.one_of(st.sampled_from(["exited", "killed", "agent-error", "inferred", "marked"]), anything),
            "command": strings,
            "tags": strings,
            "warnings": strings,
            "startedAt": moments,
            "completedAt": moments,
            "exitCode": counts,
            "signal": st.one_of(st.integers(0, 70), anything),
            "coreDumped": anything,
            "usage": usages,
            "process": st.one_of(st.fixed_dictionaries({"host": texts}), anything),
            "killRequest": st.one_of(st.fixed_dictionaries({"at": moments, "signal": counts}), anything),
            "mark": st.one_of(marks, anything),
            "history": st.lists(anything, max_size=2),
            "env": st.dictionaries(words, words, max_size=2),
        },
    )
