"""The filter language of ps and the board: words are ANDed, ``key:value`` looks at one field, ``-`` negates."""

from __future__ import annotations

from dataclasses import dataclass

from runboard.model import Run

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


class BadQuery(ValueError):
    """A query that cannot be understood; the message says what, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: ``text`` occurs in ``field`` (None: in any shown text), or does not where ``negated``."""

    field: str | None
    text: str
    negated: bool = False

    def matches(self, run: Run) -> bool:
        """Whether the run meets this condition; case is ignored, status and reason match from their beginning."""
        if self.field is None:
            found = any(self.text in value for value in _haystack(run))
        elif self.field in {"status", "reason"}:
            found = any(value.startswith(self.text) for value in values(run, self.field))
        else:
            found = any(self.text in value for value in values(run, self.field))
        return found is not self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed filter; the empty one matches every run."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Understand what was typed.

        Raises:
            BadQuery: A quote is not closed, a key is unknown, or a value is missing.
        """
        return cls(tuple(_term(word, quoted) for word, quoted in _words(text)))

    def matches(self, run: Run) -> bool:
        """Whether the run meets every condition."""
        return all(term.matches(run) for term in self.terms)


def values(run: Run, field: str) -> list[str]:
    """A run's lower-case values of one field; none where the run does not have it."""
    match field:
        case "status":
            found: list[str | None] = [str(run.status)]
        case "reason":
            found = [str(run.outcome.reason) if run.outcome and run.outcome.reason else None]
        case "error":
            found = [run.outcome.error if run.outcome else run.damage]
        case "tag":
            found = list(run.tags)
        case "command":
            found = [" ".join(run.command)]
        case "host":
            found = [run.process.host]
        case _:
            found = [getattr(run, field)]
    return [value.lower() for value in found if value]


def _haystack(run: Run) -> list[str]:
    """Every text of a run that a bare word may occur in."""
    return [value for field in FIELDS if field != "host" for value in values(run, field)]


def _term(word: str, quoted: bool) -> Term:
    """Understand one word."""
    negated = word.startswith("-") and len(word) > 1 and not quoted
    body = word[1:] if negated else word
    field, colon, text = body.partition(":")
    if quoted or not colon or not field.isalpha():
        return Term(None, body.lower(), negated)
    if field.lower() not in FIELDS:
        raise BadQuery(
            f"unknown key “{field}:”; the keys are {' '.join(FIELDS)}; put it in quotes to look for it as text"
        )
    if not text:
        raise BadQuery(f"“{field}:” needs a value, as in {field}:{'failed' if field == 'status' else 'word'}")
    return Term(field.lower(), text.lower(), negated)


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
