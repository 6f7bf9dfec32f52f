"""What people type for options is understood as they mean it, and refused with what to type instead."""

from __future__ import annotations

import signal

import click
import pytest

from runboard.cli.values import duration, signal_number, size, time_limit, variable


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("1h30m", 5400),
        ("90s", 90),
        ("7d", 604800),
        ("2w", 1209600),
        ("1.5h", 5400),
        ("500ms", 0.5),
        (" 2H ", 7200),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations(typed: str, seconds: float) -> None:
    """A length of time is its units added up."""
    assert duration(typed) == seconds


@pytest.mark.parametrize(
    "typed", ["45", "1.5", "", "s", "m30", "-5s", "5 m", "1h30", "abc", "1e3s", "٣s", "9999999d", "nan"]
)
def test_no_durations(typed: str) -> None:
    """Whatever has no unit, or is no length of time, is refused; a bare number's unit is never guessed."""
    with pytest.raises(click.BadParameter):
        duration(typed)


def test_a_bare_number_is_told_its_units() -> None:
    """The refusal offers the same number with units."""
    with pytest.raises(click.BadParameter, match=r"'45' has no unit: say 45s, 45m or 45h\."):
        duration("45")


@pytest.mark.parametrize("typed", ["0", "0s", "0h0m"])
def test_no_time_is_no_limit(typed: str) -> None:
    """A time limit of nothing would end a run before it began."""
    with pytest.raises(click.BadParameter, match="no time at all"):
        time_limit(typed)


@pytest.mark.parametrize(
    ("typed", "count"),
    [("5G", 5 << 30), ("1.5g", 3 << 29), ("500M", 500 << 20), ("10KiB", 10240), ("7B", 7), ("0", 0), ("1TB", 1 << 40)],
)
def test_sizes(typed: str, count: int) -> None:
    """Units are powers of 1024, however they are spelled."""
    assert size(typed) == count


@pytest.mark.parametrize("typed", ["5", "", "G", "-1G", "5X", "1,5G", "5GG"])
def test_no_sizes(typed: str) -> None:
    """A bare number is no size: 5 for 5G would clear nearly everything."""
    with pytest.raises(click.BadParameter):
        size(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("9", signal.SIGKILL),
        ("KILL", signal.SIGKILL),
        ("SIGTERM", signal.SIGTERM),
        ("int", signal.SIGINT),
        ("sigusr1", signal.SIGUSR1),
        ("RTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX-1", signal.SIGRTMAX - 1),
    ],
)
def test_signals(typed: str, number: int) -> None:
    """A signal goes by its number or its name."""
    assert signal_number(typed) == number


@pytest.mark.parametrize(
    "typed", ["0", "-9", "99", "FOO", "", "TERM+1", "RTMAX+1", "SIG", "_DFL", "SIG_IGN", "9.0", "BLOCK"]
)
def test_no_signals(typed: str) -> None:
    """Signal 0, unknown names and other names of the signal module are refused."""
    with pytest.raises(click.BadParameter):
        signal_number(typed)


def test_variables() -> None:
    """A variable is split at its first equals sign; its value may be empty."""
    assert [variable("A=b=c"), variable("A=")] == [("A", "b=c"), ("A", "")]


@pytest.mark.parametrize("typed", ["A", "=b", ""])
def test_no_variables(typed: str) -> None:
    """Without a name or an equals sign there is no variable."""
    with pytest.raises(click.BadParameter):
        variable(typed)
