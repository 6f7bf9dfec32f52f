"""What earlier runs of the same command tell: how often it succeeds, how long it takes, and who ran it again; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from runboard.columns import elapsed
from runboard.model import Run, Status
from runboard.query import HAY
from runboard.verdict import duration

NEWEST = 50
"""So many of the newest runs of a command are looked at: what was long ago says little."""

CELLS = 20
"""Cells of the bar of an expected end."""

_NAME = HAY.index("name")


def kind(hay: str) -> tuple[str, str]:
    """What runs of the same kind have in common: the field of their haystacks, and the text in it."""
    lines = hay.split("\n")
    return ("name", lines[_NAME]) if lines[_NAME] else ("command", lines[-1])


class Past:
    """Which finished runs share a name or a command: their ids by the hash of it, newest first, at most ``NEWEST``.

    It grows with what ends and never looks at all runs; what two commands of one hash have in common `weigh` finds out.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._groups: dict[int, tuple[str, ...]] = {}

    def take(self, run_id: str, hay: str, *, newest: bool = True) -> None:
        """Take note of a finished run by its haystack; while runs are listed newest first, the next is the oldest."""
        key = hash(kind(hay))
        group = self._groups.get(key, ())
        if run_id in group:
            return
        if newest:
            self._groups[key] = (run_id, *group[: NEWEST - 1])
        elif len(group) < NEWEST:
            self._groups[key] = (*group, run_id)

    def like(self, hay: str) -> tuple[str, ...]:
        """The ids of finished runs that may have the same name or command."""
        return self._groups.get(hash(kind(hay)), ())


class Earlier(NamedTuple):
    """What other runs of a command tell: how many ended and completed, how many seconds a success takes, and reruns."""

    ended: int = 0
    completed: int = 0
    usual: float | None = None
    reruns: tuple[str, ...] = ()


def weigh(run: Run, others: Iterable[Run]) -> Earlier:
    """What the others say of a run; those of another name, command or directory say nothing."""
    met = [other for other in others if other.id != run.id and _same(run, other)]
    ended = [other for other in met if other.finished]
    took = [time for other in ended if other.status is Status.COMPLETED if (time := elapsed(other, 0.0)) is not None]
    reruns = tuple(other.id for other in met if other.rerun_of == run.id)
    completed = sum(other.status is Status.COMPLETED for other in ended)
    from statistics import median  # noqa: PLC0415 - with it come fractions and decimals, which no start needs

    return Earlier(len(ended), completed, median(took) if took else None, reruns)


def expected(run: Run, earlier: Earlier, now: float) -> float | None:
    """Which part of its usual time a running run has taken, above 1 where it takes longer; None where nobody knows."""
    ran = elapsed(run, now)
    if not run.active or run.queued or ran is None or not earlier.usual:
        return None
    return ran / earlier.usual


def facts_of_past(run: Run, earlier: Earlier, now: float) -> list[tuple[str, str]]:
    """What is known from other runs in words, each fact with its name."""
    facts = [("Run again as", "  ".join(earlier.reruns))] if earlier.reruns else []
    if earlier.ended:
        share = f"{earlier.completed} of {earlier.ended} other runs completed"
        usual = "" if earlier.usual is None else f", usually in {_about(earlier.usual)}"
        facts.append(("This command", share + usual))
    part = expected(run, earlier, now)
    if part is not None and earlier.usual is not None:
        over = "" if part <= 1 else f"longer than usual by {_about((part - 1) * earlier.usual)}"
        left = over or f"about {_about((1 - part) * earlier.usual)} left"
        facts.append(("Expected", f"{bar(part)}  {min(part, 1):.0%}, {left}"))
    return facts


def bar(part: float, cells: int = CELLS) -> str:
    """A part of the whole as a line that fills, so many cells long."""
    full = min(cells, int(part * cells))
    return "━" * full + "─" * (cells - full)


def _about(seconds: float) -> str:
    """A length of time that claims no more than is known."""
    return duration(round(seconds, 1) if seconds < 10 else int(seconds))


def _same(run: Run, other: Run) -> bool:
    """Whether two runs are of the same kind: of the same name, else of the same command in the same directory."""
    if run.name or other.name:
        return run.name == other.name
    return bool(run.command) and (run.command, run.cwd) == (other.command, other.cwd)
