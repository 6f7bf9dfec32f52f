"""The filter language of ps and the board: words are ANDed, ``key:value`` looks at one field, ``-`` negates."""

from __future__ import annotations

import re
from collections.abc import Sequence
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

HAY = tuple(field for field in FIELDS if field != "host")
"""The fields that a bare word looks at, in the order of their lines in a haystack."""

TAG_END = "\x1f"
"""What stands between the tags in their line of a haystack."""

_HALF = re.compile("[\ud800-\udfff]")


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
        return self.found(hay(run), run.process.host) is not self.negated

    def found(self, told: str, host: str | None) -> bool:
        """Whether the text occurs where it should, in a run with this haystack and host."""
        if self.field == "host":
            return self.text in _searchable(host or "")
        if self.text not in told or self.field is None:
            return self.text in told
        value = told.split("\n")[HAY.index(self.field)]
        return value.startswith(self.text) if self.field in {"status", "reason"} else self.text in value


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


def _term(word: str, quoted: bool) -> Term:
    """Understand one word."""
    word = word.replace("\n", " ")
    negated = word.startswith("-") and len(word) > 1 and not quoted
    body = word[1:] if negated else word
    field, colon, text = body.partition(":")
    if quoted or not colon or not field.isalpha():
        return Term(None, _searchable(body), negated)
    if field.lower() not in FIELDS:
        raise BadQuery(
            f"unknown key “{field}:”; the keys are {' '.join(FIELDS)}; put it in quotes to look for it as text"
        )
    if not text:
        raise BadQuery(f"“{field}:” needs a value, as in {field}:{'failed' if field == 'status' else 'word'}")
    return Term(field.lower(), _searchable(text), negated)


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
