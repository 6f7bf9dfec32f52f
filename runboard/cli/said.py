"""What was said to the program: the runs directory, the style of its output, and which runs are meant; no parser."""

from __future__ import annotations

import os
from collections.abc import Iterable

from runboard.cli import place
from runboard.cli.exits import USAGE, Failure
from runboard.cli.printing import Style, style
from runboard.plain import wanted
from runboard.query import BadQuery, Query
from runboard.store import Store
from runboard.xdg import is_configured

UNSAID = "auto"
"""The setting ``ascii`` where nobody has said it."""


class Desk:
    """What the options common to all verbs said; they stand before or after the verb, the later one counts."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.runs_dir: str | None = None
        self.color = "auto"
        self.theme: str | None = None
        self.ascii: str | None = None

    @property
    def root(self) -> str:
        """The runs directory, absolute, existing or not."""
        return place.runs_dir(self.runs_dir, os.environ)

    @property
    def board_root(self) -> str:
        """The runs directory for a board, which tells what is wrong with the config and opens nevertheless."""
        return place.runs_dir(self.runs_dir, os.environ, lenient=True)

    @property
    def options(self) -> dict[str, str | None]:
        """What was said that can be set elsewhere too, by the setting's key."""
        return {"runs_dir": self.runs_dir, "theme": self.theme, "ascii": self.ascii}

    def store(self) -> Store:
        """The store of the runs directory."""
        root = self.root
        place.check(root)
        return Store(root)

    def style(self) -> Style:
        """How stdout is to look."""
        return style(self.color, os.environ)._replace(ascii=wanted(self._drawn(), os.environ))

    def _drawn(self) -> str:
        """The setting ``ascii``; where nobody can have said it, the settings are not even loaded."""
        if self.ascii is None and "RUNBOARD_ASCII" not in os.environ and not is_configured(os.environ):
            return UNSAID
        from runboard.config import load  # noqa: PLC0415 - see above

        return load(os.environ, self.options).text("ascii")


def query_of(words: Iterable[str]) -> Query:
    """The query that the words of a command line make together.

    Raises:
        Failure: They make none.
    """
    try:
        return Query.parse(" ".join(words))
    except BadQuery as error:
        raise Failure(f"bad query: {error}", USAGE) from None
