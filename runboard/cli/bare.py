"""The commonest call, ``runboard`` without a verb, told from all others without loading what parses those."""

from __future__ import annotations

from typing import NamedTuple


class Bare(NamedTuple):
    """A call for the board: the runs directory as it was given, whether only to look, and then without the lock."""

    runs_dir: str | None = None
    watch: bool = False
    unlocked: bool = False


def bare_call(args: list[str]) -> Bare | None:
    """What a call without a verb asks for; None for every other, also for a wrong one, which the parser explains."""
    asked = Bare()
    words = iter(args)
    for word in words:
        if word == "--watch":
            asked = asked._replace(watch=True)
        elif word == "--unlocked":
            asked = asked._replace(unlocked=True)
        elif word == "--runs-dir" and (value := next(words, None)) is not None:
            asked = asked._replace(runs_dir=value)
        elif word.startswith("--runs-dir="):
            asked = asked._replace(runs_dir=word.partition("=")[2])
        else:
            return None
    return asked if asked.watch or not asked.unlocked else None
