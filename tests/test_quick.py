"""``ps`` without the parser of all verbs: what it takes as plain means the same to that one, and the rest is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runboard.cli import app, ps
from runboard.cli.listing import Wish
from runboard.cli.quick import ps_call
from runboard.cli.said import UNSAID, Desk
from runboard.model import Run, Usage
from runboard.settings import BY_KEY
from tests.leaving import leave
from tests.program import environment

PLAIN = (
    "ps",
    "--runs-dir /r ps",
    "--runs-dir=/r --color=never ps --runs-dir /s -a",
    "ps --ascii --color always status:failed repo:x",
    "ps -a -n 3 word --sort -cost",
    "ps --limit=0 --sort=name --size",
    "ps --json --all",
    "ps --jsonl --jsonl",
    "ps -q x -- -status:failed --json",
    "ps --format={id} --format {status}",
    "ps --runs-dir= a",
    "ps ps ps",
)
ODD = (
    "",
    "word",
    "ps -h",
    "ps --help",
    "ps -aq",
    "ps -n3",
    "ps -n=3",
    "ps --limit -1",
    "ps --limit two",
    "ps -n",
    "ps --color red",
    "ps --json -q",
    "ps --all=yes",
    "ps --alll",
    "ps -",
    "show ps",
    "--version ps",
    "--watch ps",
    "--theme x ps",
    "-- ps",
)
WORDS = sorted({word for call in (*PLAIN, *ODD) for word in call.split()} | {"-n 5", "٣", "", "@last"})

Call = tuple[dict[str, object], Wish]


def by_the_parser(monkeypatch: pytest.MonkeyPatch, args: list[str]) -> Call | None:
    """What the parser of all verbs understands; None where it refuses."""
    calls: list[Call] = []

    def take(desk: Desk, wish: Wish) -> int:
        """Note what it was called with."""
        calls.append((vars(desk), wish))
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(ps, "list_runs", take)
        app.run_command_line(args)
    return calls[0] if calls else None


def quickly(args: list[str]) -> Call | None:
    """What is understood without."""
    found = ps_call(args)
    return None if found is None else (vars(found[0]), found[1])


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_call_means_the_same_to_both(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Options before and behind the verb and among the words; the later counts."""
    found = quickly(text.split())
    assert found is not None
    assert found == by_the_parser(monkeypatch, text.split())


@pytest.mark.parametrize("text", ODD)
def test_what_is_not_plain_is_left_to_the_parser(text: str) -> None:
    """Help, mistakes, clusters, other verbs."""
    assert ps_call(text.split()) is None


def test_whatever_is_taken_means_the_same_to_both(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any words in any order."""
    taken = 0

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.sampled_from(WORDS), max_size=5), st.integers(0, 1))
    def compare(words: list[str], at: int) -> None:
        """One call."""
        nonlocal taken
        args = [*words[:at], "ps", *words[at:]]
        found = quickly(args)
        taken += found is not None
        assert found is None or found == by_the_parser(monkeypatch, args)

    compare()
    capsys.readouterr()
    assert taken > 30


def test_what_nobody_said_is_what_the_settings_say() -> None:
    """The default that is known without loading the settings is theirs."""
    assert BY_KEY["ascii"].default == UNSAID


def test_a_short_ps_loads_no_parser_and_no_processes(tmp_path: Path) -> None:
    """Neither click nor settings nor what settles runs is loaded where all have ended; with a live run it is."""
    code = (
        "import sys\nfrom runboard.cli import main\n"
        f"sys.argv = ['runboard', '--runs-dir', {str(tmp_path)!r}, 'ps']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "known = ('click', 'runboard.settings', 'runboard.process', 'runboard.reconcile', 'sqlite3')\n"
        "print(*[name for name in known if name in sys.modules], file=sys.stderr)"
    )

    def loaded() -> list[str]:
        """What was."""
        env = environment(XDG_CONFIG_HOME=str(tmp_path / "no"))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        return done.stderr.split()

    leave(tmp_path, "0001")
    assert loaded() == []
    leave(tmp_path, "0002", status="running", pid=77, process={"host": "elsewhere", "bootId": "b"})
    assert loaded() == ["runboard.process", "runboard.reconcile"]


def test_values_are_compared_hashed_and_told_as_ever() -> None:
    """Equal in all but the record as found; a run never equal to what is none; frozen; told with their names."""
    one, same, other = (Run("a", name="x", raw=raw) for raw in ({}, {"k": 1}, {}))
    assert (one == same, hash(one) == hash(same), one == Run("a"), {one, same, other} == {one}) == (
        True,
        True,
        False,
        True,
    )
    assert one != tuple(one)
    assert "raw" not in repr(one)
    assert repr(Usage(1)) == (
        "Usage(input_tokens=1, output_tokens=None, total_tokens=None, cost=None, cache_read_tokens=None, "
        "cache_write_tokens=None, reasoning_tokens=None)"
    )
    with pytest.raises(AttributeError):
        one.name = "y"  # type: ignore[misc]
