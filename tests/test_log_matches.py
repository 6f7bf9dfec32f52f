"""Searching logs as a stream: the lines a naive reader of the whole finds, by ourselves and by ripgrep or grep."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard import logs
from runboard.logs import hunt, matches, tools
from runboard.logs.hunt import Stopped
from runboard.logs.pattern import BadExpression, Pattern
from tests.logfile import no_descriptor_left, opening
from tests.waiting import until


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Where the log is, if the test makes one; every descriptor opened is closed."""
    with no_descriptor_left():
        yield tmp_path / "output.log"


def naive(data: bytes, wanted: bytes) -> list[int]:
    """Where the lines begin that hold a text, found in the whole."""
    found, at = [], 0
    for line in data.split(b"\n"):
        found += [at] if wanted in line else []
        at += len(line) + 1
    return found if not data.endswith(b"\n") or at - 1 not in found else found[:-1]


contents = st.lists(
    st.one_of(
        st.sampled_from([b"\n", b"ab", b"abab", b"b", b"xx\n", b"a" * 40, b"\xff", b"\0"]), st.binary(max_size=6)
    ),
    max_size=40,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(contents, st.sampled_from(["ab", "b", "aa", "x", "xx", "zz"]))
def test_both_directions_agree_with_a_naive_reader(data: bytes, text: str) -> None:
    """Forwards and backwards, with blocks of 32 bytes, the same lines are found as in the whole."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hunt, "BLOCK", 32)
        path = Path(folder, "output.log")
        path.write_bytes(data)
        wanted, pattern = naive(data, text.encode()), Pattern(text, ignore_case=False)
        with open(path, "rb") as file:
            fd = file.fileno()
            assert [first for first, _ in hunt.matching(fd, pattern, 0, len(data))] == wanted
            backwards, at = [], len(data)
            while found := hunt.last_match(fd, pattern, at, 0):
                backwards.append(at := found[0])
            assert backwards == wanted[::-1]


def which(*names: str) -> dict[str, str]:
    """The programs that are to be there, of those that are."""
    return {name: path for name in names if (path := shutil.which(name))}


@pytest.mark.parametrize("program", ["rg", "grep"])
@pytest.mark.parametrize(
    "text",
    ["needle", "-needle", "--help", "-e", "a*b", "[x", "$(x)", "ü", "\\", "*", "NEEDLE", "%s", "a\tb", "/etc/passwd"],
)
def test_programs_are_handed_texts_as_they_stand(
    log: Path, monkeypatch: pytest.MonkeyPatch, program: str, text: str
) -> None:
    """Whatever the text looks like, the child finds what we find; settings of the person's do not change that."""
    if not (path := shutil.which(program)):
        pytest.skip(f"needs {program}")
    (log.parent / "rc").write_text("--invert-match\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(log.parent / "rc"))
    monkeypatch.setenv("GREP_OPTIONS", "-v")
    filler = b"-e --help $(x) a*b [x \\ ne*dle\nneedle\n\0binary needle\n%s -needle NEEDLE \xff\xfe\n"
    filler += b"a\tb /etc/passwd \xc3\xbc\xc3\x9c\n"
    log.write_bytes(b"\xff\xfe" + filler * 300)
    for ignore_case in (False, True):
        pattern = Pattern(text, ignore_case=ignore_case)
        argv = tools.command(pattern, {program: path}.get)
        with open(log, "rb") as file:
            ours = [first for first, _ in hunt.matching(file.fileno(), pattern, 0, 1 << 30)]
            if argv is None:
                assert program == "grep"
                assert (ignore_case, text) == (True, "ü")
                continue
            assert list(tools.offsets(argv, file.fileno())) == ours
            assert ours


def test_a_line_too_long_for_a_child_is_searched_all_the_same(log: Path) -> None:
    """A child that runs out of memory is not believed; what it had found by then is not found twice."""
    log.write_bytes(b"needle\n" + b"x" * (150 << 20) + b"needle\nneedle\n")
    pattern, size = Pattern("needle"), log.stat().st_size
    with open(log, "rb") as file:
        for name, path in which("rg", "grep").items():
            argv = tools.command(pattern, {name: path}.get)
            assert argv is not None
            file.seek(7)  # from the start ripgrep maps the file, and has no need of memory
            with pytest.raises(tools.GaveUp):
                list(tools.offsets(argv, file.fileno()))
            file.seek(0)
        found = list(matches.search(file.fileno(), pattern, 0, size, tools=True))
    assert found == [0, 7, size - 7]


def children() -> set[str]:
    """The processes that we started and that are still there."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.skipif(not which("rg"), reason="needs rg")
def test_a_search_given_up_leaves_no_child(log: Path) -> None:
    """Whoever stops it, or takes only the first lines, finds the child gone; no error of its own is seen."""
    log.write_bytes(b"a line with the needle in it\n" * 1_000_000)
    before, argv = children(), tools.command(Pattern("needle"))
    assert argv is not None
    with open(log, "rb") as file:
        found = tools.offsets(argv, file.fileno())
        assert next(found) == 0
        assert children() != before
        found.close()  # type: ignore[attr-defined]
        assert children() == before
        file.seek(0)
        with pytest.raises(Stopped):
            list(tools.offsets(argv, file.fileno(), stopped=lambda: True))
        assert children() == before
        with pytest.raises(Stopped):
            list(hunt.matching(file.fileno(), Pattern("absent"), 0, 1 << 30, stopped=lambda: True))
    until(lambda: children() == before)


def test_without_any_program_we_search_ourselves(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing on the path, and for what a lone grep would read otherwise, the same lines come."""
    log.write_bytes(b"one\nTwo \xc3\x9c\nthree 33\n" * 600_000)
    monkeypatch.setattr(matches, "command", partial(tools.command, which=lambda _name: None))
    assert logs.count(opening(log), Pattern("ü"), tools=True) == 600_000
    assert logs.count(opening(log), Pattern("two", ignore_case=False), tools=True) == 0
    assert tools.command(Pattern("t.o", regex=True), {"grep": "/bin/grep"}.get) is None


@pytest.mark.parametrize(("text", "found"), [("err", ["err", "ERR"]), ("Err", []), ("ERR", ["ERR"]), (r"\W", ["a b"])])
def test_small_letters_mean_capitals_too(text: str, found: list[str]) -> None:
    """Typed small, both are meant; with a capital, the very letters."""
    pattern = Pattern(text, regex=text.startswith("\\"))
    assert [line for line in ("err", "ERR", "a b") if pattern.fits(line.encode())] == found


def test_an_expression_is_held_against_lines(log: Path) -> None:
    """Ends of lines are ends, CR or not; what is too long to be typed is refused."""
    log.write_bytes(b"step 12\r\nstep 13 done\nstep 14\nx" + b"y" * 300_000 + b"step 15\n")
    for tooled in (False, True):
        found = [line for _, line in logs.grep(opening(log), Pattern(r"step \d+$", regex=True), tools=tooled)]
        assert [line[-9:].strip(b"\r") for line in found[:2]] == [b"step 12", b"step 14"]
        assert len(found) == 3
    with pytest.raises(BadExpression, match="longer than"):
        Pattern("x" * 5000)


def test_lines_around(log: Path) -> None:
    """Groups are joined where they touch, divided by None where lines are left out, and no line comes twice."""
    log.write_bytes(b"".join(b"%d\n" % number for number in range(30)))
    got = list(logs.around(opening(log), Pattern("^(3|6|20|29)$", regex=True), 2))
    lines = [int(one.line) if one else None for one in got]
    assert lines == [1, 2, 3, 4, 5, 6, 7, 8, None, 18, 19, 20, 21, 22, None, 27, 28, 29]
    assert [int(one.line) for one in got if one and one.matches] == [3, 6, 20, 29]
    assert list(logs.around(opening(log), Pattern("^7$", regex=True), 0)) == [logs.Found(14, b"7", matches=True)]
    assert list(logs.around(opening(log), Pattern("absent"), 3)) == []
