"""Expressions: what Python's own find, found in time that grows with the text alone, and refused with a sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.regex import BadExpression, Expression

atoms = st.sampled_from(
    ["a", "b", "_", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\W", r"\b", "^", "$", "é", "(?:ab|b)", r"\."]
)
times = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"])
parts = st.tuples(atoms, times).map(lambda pair: pair[0] + ("" if pair[0] in {r"\b", "^", "$"} else pair[1]))
expressions = st.lists(st.one_of(parts, parts, parts, st.just("|")), max_size=7).map("".join)
lines = st.text("ab_c1 .éÉ", max_size=9)


@settings(max_examples=500, deadline=None)
@given(expressions, lines, st.booleans())
def test_they_find_what_pythons_find(text: str, line: str, ignore_case: bool) -> None:
    """Whether a line matches is what `re` says; where the first match begins too."""
    ours, theirs = Expression(text, ignore_case=ignore_case), re.compile(text, re.IGNORECASE if ignore_case else 0)
    assert ours.found_in(line) == bool(theirs.search(line))
    spans = ours.spans(line, 99)
    first = next((match.start() for match in theirs.finditer(line) if match[0]), None)
    if spans and first is not None:
        assert spans[0][0] <= first
    assert all(theirs.fullmatch(line, *span) or theirs.match(line, span[0]) for span in spans)
    assert all(last <= first for (_, last), (first, _) in pairwise(spans))


@pytest.mark.skipif(not shutil.which("rg"), reason="needs rg")
def test_ripgrep_reads_them_as_we_do() -> None:
    """What is handed to ripgrep finds the same lines, whatever its own signs mean."""
    data = [
        "foo.bar",
        "fooxbar",
        "a[b",
        "x{2}",
        "tab\there",
        "ÉCOLE",
        "naïve 12",
        "end",
        "",
        "a&&b",
        "back\\slash",
        "a-b",
    ]
    cases = [
        r"foo\.bar",
        "foo.bar",
        r"a\[b",
        "[[]",
        r"\{2\}",
        r"\t",
        "école",
        r"\w{5} \d+",
        "^end$",
        "[&&]",
        r"[\\-]",
        "a|x",
        "^$",
    ]
    for text in cases:
        ours = [line for line in data if Expression(text, ignore_case=True).found_in(line)]
        argv = ["rg", "--no-config", "-i", "-N", "-e", Expression(text).for_ripgrep, "-"]
        done = subprocess.run(argv, input="\n".join(data) + "\n", capture_output=True, text=True, check=False)
        assert (text, done.stdout.splitlines()) == (text, ours)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(", "without its )"),
        (")", "without its ("),
        ("[a", "without its ]"),
        ("*a", "nothing before the *"),
        ("a**", ""),
        ("a\\", "lone \\"),
        (r"(a)\1", "back references"),
        ("(?=a)", "only (?: is known"),
        ("a{2", "behind a {"),
        ("a{1001}", "from 0 to 1000"),
        ("[z-a]", "runs backwards"),
        (r"\xq1", "hexadecimal"),
        ("(" * 60 + ")" * 60, "nested too deep"),
        ("(a{1000}){1000}", "too large"),
    ],
)
def test_what_is_none_is_told(text: str, why: str) -> None:
    """Each mistake has its sentence; a repeated repetition is none."""
    if why:
        with pytest.raises(BadExpression, match=re.escape(why)):
            Expression(text)
    else:
        assert Expression(text).found_in("aaa")


@pytest.mark.parametrize("text", ["(a+)+$", "^(a|a)*$", "^a*a*a*a*a*a*$", "(.*)(.*)(.*)(.*)x"])
def test_no_line_keeps_them_busy(text: str) -> None:
    """Expressions that keep one who tries again busy for years read a long line once; its matches are bounded too."""
    line = "a" * 50_000 + "b"
    counted = Expression(text)
    assert not counted.found_in(line)
    assert counted.spans(line[:4000] + "b", 50) == []
    assert Expression("a+b|a").spans("a" * 4000, 10_000) != []


def test_memory_of_states_is_bounded() -> None:
    """An expression that meets many characters in many states forgets again."""
    expression = Expression("(.{0,20}x){0,5}")
    assert not Expression("q").found_in("".join(map(chr, range(0x4E00, 0x4E00 + 20_000))))
    expression.found_in("".join(map(chr, range(0x4E00, 0x4E00 + 30_000))))
    assert expression._anywhere._remembered <= 20_000
