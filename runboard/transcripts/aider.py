"""Aider's text: it ends each answer with a line of tokens and cost, and says in plain words when it got none."""

from __future__ import annotations

import re

from runboard.late import pattern
from runboard.model import AgentVerdict, Transcript, Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import Sums, dollars, fresh, plus, tokens
from runboard.transcripts.words import Answer, label

_NUMBER = r"([\d,]*\.?\d+[kM]?)"
_BANNER = pattern(r"Aider v\d+\.\d+\S*")
_MODEL = pattern(r"(?:Main model|Models?): (\S+) with\b.*")
_COST = r"Cost: \$[\d.]+ message, \$([\d.]+) session\."
_TOKENS = pattern(
    rf"Tokens: {_NUMBER} sent(?:, {_NUMBER} cache write)?(?:, {_NUMBER} cache hit)?, {_NUMBER} received\.(?: {_COST})?"
)
_COST_LINE = pattern(_COST)
_ERROR = pattern(r"litellm\.\w*(?:Error|Exception)\b:?.*")
_INTERRUPTED = pattern(r"\^C(?: KeyboardInterrupt| again to exit)")
_HEAD = ("Weak model: ", "Editor model: ", "Git repo: ", "Repo-map: ", "Added ", "Using ", "Restored ", "Warning")
_MARKED = pattern(r"\n((?:Aider v|Tokens: |Cost: |Main model: |Models?: |litellm\.|\^C)[^\n]{0,500})(?=\n)")
"""Lines that may be something else than the model's words; a search for a line's end is fast."""
_UNITS = {"k": 1_000, "M": 1_000_000}


class Aider(Fold):
    """A session of aider."""

    NAMES = ("aider",)
    KINDS = frozenset()
    WHOLE = True
    READS_TEXT = True
    ALL_TEXT = True

    def __init__(self, tool: str | None = None) -> None:
        """A session without answers."""
        self._sums = Sums()
        self._cost: float | None = None
        super().__init__(tool)

    @staticmethod
    def shape(event: Event) -> Shape:  # noqa: ARG004 - whatever it is
        """Aider writes no JSON."""
        return Shape.NONE

    @staticmethod
    def text_shape(line: str) -> Shape:
        """The banner opens a session; the line that ends an answer is known by its whole form."""
        if _BANNER.fullmatch(line):
            return Shape.OPENING
        match = _TOKENS.fullmatch(line)
        return (Shape.SURE if match[5] else Shape.WEAK) if match else Shape.NONE

    def take(self, event: Event) -> bool:  # noqa: ARG002 - whatever it is
        """What JSON there is, is part of an answer: no other agent's."""
        return True

    def read(self, text: str) -> None:
        """Learn from lines: the few that tell something, and the words between them."""
        text, at = f"\n{text}\n", 0
        for match in _MARKED.finditer(text):
            self._words(text[at + 1 : match.start() + 1])
            at = match.end()
            self._learn(match[1].rstrip())
        self._words(text[at + 1 :])

    def _learn(self, line: str) -> None:
        """Learn from a line that looks like one of aider's own; if it is none, it is part of an answer."""
        if match := _TOKENS.fullmatch(line):
            self._answered(match)
        elif match := _COST_LINE.fullmatch(line):
            self._cost = dollars(_number(match[1]))
        elif match := _MODEL.fullmatch(line):
            self.model = self.model or label(match[1])
        elif _BANNER.fullmatch(line):
            self._opened()
        elif _ERROR.fullmatch(line):
            self.reopen()
            self.trouble(line.removeprefix("litellm."))
        elif _INTERRUPTED.match(line):
            self.reopen()
            self.trouble("Interrupted")
        else:
            self._words(line + "\n")

    def spent(self) -> Usage | None:
        """The sum of all answers; the cost is the session's, which is told with each."""
        return None if self.gap else self._sums.usage(self._cost)

    def forget(self) -> None:
        """Between two answers."""
        self._draft = Answer()
        self._answering = False

    def tell(self, *, ended: bool) -> Transcript | None:
        """The transcript; of a session that was not asked anything, its exit code tells all there is to tell."""
        transcript = super().tell(ended=ended)
        silent = transcript is not None and transcript.verdict is AgentVerdict.NONE and not self._sums.told
        return None if silent and ended and not self.asked else transcript

    def _opened(self) -> None:
        """A banner: another session's cost begins at nothing."""
        self._earlier = plus(self._earlier, self.spent())
        self._sums, self._cost = Sums(), None
        self.reopen()
        self.forget()

    def _words(self, text: str) -> None:
        """Lines of an answer, or of what is done after one; which, the next line of tokens tells."""
        while not self._answering and text:
            line, _, rest = text.partition("\n")
            if line.strip() and not line.startswith(_HEAD):
                self._answering = True
            else:
                text = rest
        if text:
            self._draft.add(text)

    def _answered(self, match: re.Match[str]) -> None:
        """The end of an answer, with what it took."""
        sent, write, hit, received = (tokens(_number(part)) for part in match.groups()[:4])
        given = fresh(sent, write, hit) if (sent or 0) >= (write or 0) + (hit or 0) else sent
        self._sums.add((given, hit, write, received, None))
        if match[5]:
            self._cost = dollars(_number(match[5]))
        self.answer = self._draft
        self.forget()
        self.succeed()


def _number(text: str | None) -> int | float | None:
    """A number as aider writes it: 850, 4.2k, 12k, 1,234, 0.05."""
    if not text:
        return None
    bare = text.replace(",", "")
    try:
        return round(float(bare[:-1]) * _UNITS[bare[-1]]) if bare[-1] in _UNITS else _exact(bare)
    except ValueError:
        return None


def _exact(text: str) -> int | float:
    """A number without a unit, whole if it is written whole."""
    return float(text) if "." in text else int(text)
