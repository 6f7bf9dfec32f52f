"""What is looked for in a log: a text or an expression, smart about case; by itself it takes lines out of bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from runboard.regex import BadExpression, Expression
from runboard.safetext import strip_sgr

LINE_MOST = 1 << 16
"""Bytes of a line that an expression is held against at once; a longer one is looked at in overlapping pieces."""

_OVERLAP = 1 << 12
TEXT_MOST = 4096
"""Characters of the longest text that is looked for."""

SPANS_MOST = 200
"""Matches on one line that are marked."""

__all__ = ["BadExpression", "Pattern"]


class Pattern:
    """A text as it stands, or with ``regex`` an expression; in small letters only, it means capitals too.

    With ``shown`` it is held against what that makes of a line instead of the line's bytes.
    """

    def __init__(
        self,
        text: str,
        *,
        regex: bool = False,
        ignore_case: bool | None = None,
        shown: Callable[[bytes], str] | None = None,
    ) -> None:
        """Take what a person typed; ``ignore_case`` None means: unless there is a capital in it.

        Raises:
            BadExpression: It is no expression that can be searched for; the message says why.
        """
        if len(text) > TEXT_MOST:
            raise BadExpression(f"it is longer than {TEXT_MOST} characters")
        self.text = text
        self.regex = regex
        self.ignore_case = not _has_capital(text, regex=regex) if ignore_case is None else ignore_case
        self.shown = shown
        self.expression = Expression(text, ignore_case=self.ignore_case) if regex else None
        wanted = self.expression.literal if self.expression else text
        self._needle = wanted.encode("utf-8", "surrogateescape")
        if self.ignore_case:
            self._needle = self._needle.lower()
        self._folded = None if wanted.isascii() or not self.ignore_case else _either_case(wanted)

    @property
    def reach(self) -> int:
        """How many bytes of one piece of a long line have to be looked at again with the next."""
        return _OVERLAP if self.regex or self.shown else 4 * len(self.text)

    def key(self) -> tuple[str, bool, bool]:
        """What tells it from another."""
        return self.text, self.regex, self.ignore_case

    def lines_in(self, region: bytes) -> Iterator[tuple[int, int]]:
        """Each matching line of ``region``: where it begins, and where a match on it begins, or may begin."""
        at, end = 0, len(region)
        haystack = region.lower() if self.ignore_case and self._folded is None else region
        while at <= end and (hit := self._candidate(haystack, at)) >= 0:
            first = region.rfind(b"\n", at, hit) + 1 or at
            last = region.find(b"\n", hit)
            last = end if last < 0 else last
            if (self.expression is None and self.shown is None) or self.fits(region[first:last]):
                yield first, hit
            at = last + 1

    def fits(self, line: bytes) -> bool:
        """Whether a line, or its first part where it is very long, holds what is looked for."""
        if self.shown is not None:
            return bool(self._spans(strip_sgr(self.shown(line)), 1))
        if self.expression is None:
            return self.place_in(line) >= 0
        if len(line) <= LINE_MOST:
            return self.expression.found_in(line.removesuffix(b"\r").decode("utf-8", "replace"))
        return any(
            self.expression.found_in(line[at : at + LINE_MOST].decode("utf-8", "replace"))
            for at in range(0, len(line), LINE_MOST - _OVERLAP)
        )

    @property
    def place_at_once(self) -> bool:
        """Whether `place_in` tells the very place, not only the piece."""
        return self.expression is None and self.shown is None

    def place_in(self, piece: bytes) -> int:
        """Where in a piece of a long line a match begins, or may begin; -1 where there is none."""
        if self.expression is not None or self.shown is not None:
            return 0 if piece and self.fits(piece) else -1
        return self._candidate(piece.lower() if self.ignore_case and self._folded is None else piece, 0)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the matches begin and end on a line as it is shown, without its colours."""
        return self._spans(text, SPANS_MOST)

    def _spans(self, text: str, most: int) -> list[tuple[int, int]]:
        """The first matches in a text."""
        if self.expression is not None:
            return self.expression.spans(text, most) if most > 1 or self.expression.found_in(text) else []
        found, at = list[tuple[int, int]](), 0
        wanted = self.text
        if self.ignore_case:
            lowered = text.lower()
            text, wanted = (lowered if len(lowered) == len(text) else text), wanted.lower()
        while wanted and len(found) < most and (hit := text.find(wanted, at)) >= 0:
            at = hit + len(wanted)
            found.append((hit, at))
        return found

    def _candidate(self, haystack: bytes, at: int) -> int:
        """Where a line that may match is next touched, -1 where there is none."""
        if self.shown is not None or not self._needle:
            return at if at < len(haystack) else -1
        if self._folded is not None:
            match = self._folded.search(haystack, at)
            return match.start() if match else -1
        return haystack.find(self._needle, at)


def _has_capital(text: str, *, regex: bool) -> bool:
    r"""Whether there is a capital in what is typed; the ``\W`` of an expression is none."""
    return any(map(str.isupper, re.sub(r"\\.", "", text, flags=re.DOTALL) if regex else text))


def _either_case(text: str) -> re.Pattern[bytes]:
    """A text with letters beyond ASCII in either case, as bytes; nothing in it repeats, so nothing is tried twice."""
    parts = []
    for character in text:
        forms = {form.encode("utf-8", "surrogateescape") for form in (character, character.lower(), character.upper())}
        parts.append(b"(?:" + b"|".join(re.escape(form) for form in sorted(forms)) + b")")
    return re.compile(b"".join(parts))
