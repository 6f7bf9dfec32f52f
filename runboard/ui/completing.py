"""What may follow what is typed as a filter: a key, or one of the values that the runs have; offered, never forced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from textual.suggester import Suggester

from runboard.model import Reason, Run, Status
from runboard.query import FIELDS, MEASURES

Newest = Callable[[], Iterable[Run]]
"""Who gives some runs, the newest first."""

LEAST = 2
"""So many letters of a key are typed before one is offered."""

_KEYS = ("status:", *(f"{key}:" for key in FIELDS if key != "status"), *(f"{key}>" for key in MEASURES))
_WORDS: dict[str, tuple[str, ...]] = {"status": tuple(map(str, Status)), "reason": tuple(map(str, Reason))}
_VALUES: dict[str, Callable[[Run], Iterable[str | None]]] = {
    "repo": lambda run: (run.repo,),
    "model": lambda run: (run.model,),
    "tag": lambda run: run.tags,
    "persona": lambda run: (run.persona,),
    "branch": lambda run: (run.branch,),
    "issue": lambda run: (run.issue,),
    "host": lambda run: (run.process.host,),
}


class FilterSuggester(Suggester):
    """Offers the rest of the last word; ``runs`` gives some runs, the newest first, and is asked for values only."""

    def __init__(self, runs: Newest) -> None:
        """Look for values in these runs."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._runs = runs

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line with its last word completed; None where there is nothing to offer."""
        rest = completed(value, self._runs)
        return value + rest if rest else None


def completed(line: str, runs: Newest) -> str:
    """What completes the last word of a line; empty where nothing does."""
    word = line.rsplit(" ", maxsplit=1)[-1].removeprefix("-")
    if not word or '"' in word or line.count('"') % 2:
        return ""
    key, colon, typed = word.partition(":")
    if not colon:
        found = next((one for one in _KEYS if len(word) >= LEAST and one.startswith(word.lower())), "")
        return found[len(word) :]
    choices = _WORDS.get(key.lower()) or _told(key.lower(), runs)
    wanted = typed.lower()
    return next((one[len(typed) :] for one in choices if one.lower().startswith(wanted) and len(one) > len(typed)), "")


def finished(line: str) -> str | None:
    """A line without its last word, which may yet become a key; None where it is none of that kind."""
    word = line.rsplit(" ", maxsplit=1)[-1]
    key = word.removeprefix("-").lower()
    if len(key) < LEAST or line.count('"') % 2 or not any(one.startswith(key) for one in _KEYS):
        return None
    return line.removesuffix(word)


def _told(key: str, runs: Newest) -> Iterator[str]:
    """The values that runs have under a key, those that can be typed without quotes."""
    if (values := _VALUES.get(key)) is not None:
        for run in runs():
            yield from (one for one in values(run) if one and one.isprintable() and not set(one) & set(' "'))
