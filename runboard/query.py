"""The filter language of ps and the board: words are ANDed, ``key:value`` looks at one field, ``-`` negates.

Amounts are compared: ``age<2d elapsed>30m cost>1 tokens>=10k size>1G``. One grammar has three readers, which agree:
`Query.matches` for a run, `row.matching` for many rows, and `Query.sql` for the index.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from runboard.amounts import BadAmount, count, duration, size
from runboard.late import pattern
from runboard.model import Run, Status

FIELDS = (
    "id",
    "name",
    "status",
    "reason",
    "repo",
    "issue",
    "persona",
    "model",
    "branch",
    "tag",
    "note",
    "error",
    "host",
    "command",
)
"""The keys that ``key:value`` knows."""

MEASURES = ("age", "elapsed", "cost", "tokens", "size")
"""The keys of amounts: how long ago it began, how long it ran, USD, tokens, bytes on the disk."""

HAY = tuple(field for field in FIELDS if field != "host")
"""The fields that a bare word looks at, in the order of their lines in a haystack."""

TAG_END = "\x1f"
"""What stands between the tags in their line of a haystack."""

_COMPARISON = pattern(r"([a-z]+)(<=|>=|<|>|=)(.*)", re.ASCII | re.IGNORECASE | re.DOTALL)
_LAST_UNIT = pattern(r"(\d+)(?:\.(\d+))?([a-z]+)", re.ASCII | re.IGNORECASE)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_AMOUNTS = {"age": "max(0.0, ? - started)", "elapsed": "max(0.0, ended - started)"}
_EXAMPLES = {"age": "age<2d", "elapsed": "elapsed>30m", "cost": "cost>1", "tokens": "tokens>10k", "size": "size>1G"}
_ENDINGS = (Status.COMPLETED, Status.FAILED)
_HALF = pattern("[\ud800-\udfff]")


class BadQuery(ValueError):
    """A query that cannot be understood; the message says what, and what to write instead."""


class Term(NamedTuple):
    """One condition: ``text`` occurs in ``field`` (None: in any shown text), or does not where ``negated``."""

    field: str | None
    text: str
    negated: bool = False

    def matches(self, run: Run, now: float, size: int | None) -> bool:  # noqa: ARG002 - as measures are asked
        """Whether the run meets this condition; case is ignored, status and reason match from their beginning."""
        return self.found(hay(run), run.process.host) is not self.negated

    def found(self, told: str, host: str | None) -> bool:
        """Whether the text occurs where it should, in a run with this haystack and host."""
        if self.field == "host":
            return self.text in _searchable(host or "")
        if self.text not in told or self.field is None:
            return self.text in told
        value = told.split("\n")[HAY.index(self.field)]
        return value.startswith(self.text) if self.field in {"status", "reason"} else self.text in value

    def sql(self, now: float) -> tuple[str, list[object]]:  # noqa: ARG002 - as measures are asked
        """The condition for the index, whose function ``found`` is `Term.found`, and its parameters."""
        if self.field is None:
            found, needs = "instr(hay, ?) > 0", [self.text]
        elif self.field == "status":
            found, needs = f"status IN ({', '.join(str(number) for number in self.statuses())})", []
        elif self.field == "host":
            found, needs = "found(hay, host, ?, ?)", [self.field, self.text]
        else:
            found, needs = "(instr(hay, ?) > 0 AND found(hay, host, ?, ?))", [self.text, self.field, self.text]
        return f"NOT {found}" if self.negated else found, list[object](needs)

    def statuses(self) -> list[int]:
        """Which endings begin with the text: 0 for completed, 1 for failed."""
        return [number for number, status in enumerate(_ENDINGS) if status.startswith(self.text)]


class Measure(NamedTuple):
    """One condition on an amount: it is told, and meets all the ``bounds``; or it does not where ``negated``."""

    field: str
    bounds: tuple[tuple[str, float], ...]
    negated: bool = False

    def matches(self, run: Run, now: float, size: int | None) -> bool:
        """Whether the run meets this condition; sizes are not in records and come from the caller."""
        match self.field:
            case "age":
                return self.holds(None if run.started_at is None else max(0.0, now - run.started_at))
            case "elapsed":
                return self.holds(run.elapsed(now))
            case "size":
                return self.holds(size)
            case "cost":
                return self.holds(run.usage.cost if run.usage else None)
        return self.holds(run.usage.total_tokens if run.usage else None)

    def holds(self, amount: float | None) -> bool:
        """Whether an amount, None where nobody told it, meets this condition."""
        met = amount is not None and all(_COMPARE[how](amount, bound) for how, bound in self.bounds)
        return met is not self.negated

    def sql(self, now: float) -> tuple[str, list[object]]:
        """The condition for the index and its parameters."""
        amount, tests, needs = _AMOUNTS.get(self.field, self.field), [], list[object]()
        for how, bound in self.bounds:
            tests.append(f"{amount} {how} ?")
            needs += [now] * amount.count("?") + [bound]
        found = f"ifnull({' AND '.join(tests)}, 0)"
        return f"NOT {found}" if self.negated else found, needs


class Query(NamedTuple):
    """A parsed filter; the empty one matches every run."""

    terms: tuple[Term | Measure, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Understand what was typed.

        Raises:
            BadQuery: A quote is not closed, a key is unknown, or a value is missing or no amount.
        """
        return cls(tuple(_term(word, quoted) for word, quoted in _words(text)))

    @property
    def timed(self) -> bool:
        """Whether its answer changes with the time."""
        return any(isinstance(term, Measure) and term.field in _AMOUNTS for term in self.terms)

    @property
    def sized(self) -> bool:
        """Whether it asks for sizes on the disk."""
        return any(term.field == "size" for term in self.terms)

    def matches(self, run: Run, now: float, size: int | None = None) -> bool:
        """Whether the run meets every condition; ``now`` in epoch seconds, ``size`` in bytes where it is known."""
        return all(term.matches(run, now, size) for term in self.terms)

    def sql(self, now: float) -> tuple[str, list[object]]:
        """All conditions for the index as one, and their parameters."""
        told = [term.sql(now) for term in self.terms]
        return " AND ".join(condition for condition, _ in told) or "1", [need for _, needs in told for need in needs]


def haystack(texts: Sequence[str | None]) -> str:
    """The text that queries look at: a lower-case line for each field of ``HAY``, empty where the run has no such.

    A field of several lines becomes one, and half an emoji U+FFFD, so that every reader and database can hold it.
    """
    joined = "\n".join([text or "" for text in texts])
    if joined.count("\n") >= len(texts):
        joined = "\n".join([(text or "").replace("\n", " ") for text in texts])
    return _searchable(joined)


def hay(run: Run) -> str:
    """A run's haystack."""
    outcome = run.outcome
    return haystack(
        (
            run.id,
            run.name,
            str(run.status),
            outcome.reason if outcome else None,
            run.repo,
            run.issue,
            run.persona,
            run.model,
            run.branch,
            TAG_END.join(run.tags),
            run.note,
            outcome.error if outcome else run.damage,
            " ".join(run.command),
        )
    )


def _searchable(text: str) -> str:
    """A text as it is compared: lower case, without halves of characters."""
    return (text if text.isascii() else _HALF.sub("\ufffd", text)).lower()


def _term(word: str, quoted: bool) -> Term | Measure:
    """Understand one word."""
    word = word.replace("\n", " ")
    negated = word.startswith("-") and len(word) > 1 and not quoted
    body = word[1:] if negated else word
    compared = None if quoted else _COMPARISON.fullmatch(body)
    if (
        compared is not None
        and (measure := _measure(compared[1], compared[2], compared[3], negated=negated)) is not None
    ):
        return measure
    field, colon, text = body.partition(":")
    if quoted or not colon or not field.isalpha():
        return Term(None, _searchable(body), negated)
    if field.lower() in MEASURES:
        raise BadQuery(f"“{field}:” is an amount; compare it, as in {_EXAMPLES[field.lower()]}")
    if field.lower() not in FIELDS:
        raise BadQuery(
            f"unknown key “{field}:”{_nearest(field, ':')}; the keys are {' '.join(FIELDS)};"
            " put it in quotes to look for it as text"
        )
    if not text:
        raise BadQuery(f"“{field}:” needs a value, as in {field}:{'failed' if field == 'status' else 'word'}")
    return Term(field.lower(), _searchable(text), negated)


def _measure(key: str, how: str, typed: str, *, negated: bool) -> Measure | None:
    """A comparison; None where the word is text after all, as seed=7 is.

    An ``=`` takes what is within one of the last digit typed before a unit: 2d is from two days to under three.
    """
    field = key.lower()
    if field not in MEASURES:
        if how == "=":
            return None
        if field in FIELDS:
            raise BadQuery(f"“{key}{how}”: {field} is text and cannot be compared; write {field}:word")
        raise BadQuery(
            f"unknown key “{key}{how}”{_nearest(key, how)}; what can be compared are {' '.join(MEASURES)};"
            " put it in quotes to look for it as text"
        )
    if not typed:
        raise BadQuery(f"“{key}{how}” needs a value, as in {_EXAMPLES[field]}")
    amount: Callable[[str], float] = {"age": duration, "elapsed": duration, "size": size}.get(field, count)
    try:
        bound = amount(typed)
        last = list(_LAST_UNIT.finditer(typed)) if how == "=" else []
        if not last:
            return Measure(field, ((how, bound),), negated)
        decimals = len(last[-1][2] or "")
        step = f"0.{'1':0>{decimals}}" if decimals else "1"
        return Measure(field, ((">=", bound), ("<", bound + amount(step + last[-1][3]))), negated)
    except BadAmount as error:
        raise BadQuery(f"{key}{how}{typed}: {str(error).rstrip('.')}") from None


def _nearest(key: str, how: str) -> str:
    """The known key that looks most like one that was typed, as words for a message."""
    from difflib import get_close_matches  # noqa: PLC0415 - 3 ms that only a slip costs

    known = FIELDS if how == ":" else MEASURES
    near = get_close_matches(key.lower(), [*known, *MEASURES, *FIELDS], 1)
    return f", did you mean “{near[0]}{':' if near[0] in FIELDS else '<'}”?" if near else ""


def _words(text: str) -> list[tuple[str, bool]]:
    """Split at blanks outside double quotes; each word with whether it began with a quote."""
    words: list[tuple[str, bool]] = []
    word, inside, quoted, started = "", False, False, False
    for char in text:
        if char == '"':
            quoted = quoted or (not started and not word)
            inside, started = not inside, True
        elif char.isspace() and not inside:
            if word or started:
                words.append((word, quoted))
            word, quoted, started = "", False, False
        else:
            word, started = word + char, True
    if inside:
        raise BadQuery('a quote is not closed; end it with "')
    if word or started:
        words.append((word, quoted))
    return [(word, quoted) for word, quoted in words if word]
