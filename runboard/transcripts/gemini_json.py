"""Gemini CLI's json: one object at the end, pretty-printed; on a fatal error among stack traces, sometimes twice."""

from __future__ import annotations

import re

from runboard.lenient import as_mapping, as_text
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import fresh, plus, tokens, usage_of

_KEYS = frozenset({"session_id", "auth_method", "user_tier", "response", "stats", "error", "warnings"})
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class GeminiJson(Fold):
    """A session of Gemini CLI that is told at its end only."""

    NAMES = ("gemini",)
    KINDS = frozenset({""})

    _stats: Event

    @staticmethod
    def shape(event: Event) -> Shape:
        """Only keys of this format, and its figures by model, or an error of a session with a UUID."""
        if not event.keys() <= _KEYS:
            return Shape.NONE
        match event:
            case {"stats": {"models": dict(), "tools": dict()}}:
                return Shape.SURE
            case {"session_id": str(name), "error": {"type": str(), "message": str()}} if _UUID.fullmatch(name):
                return Shape.SURE
            case {"error": {"message": str()}} | {"session_id": str(), "response": str()}:
                return Shape.WEAK
        return Shape.NONE

    def take(self, event: Event) -> bool:
        """Learn from the object."""
        if self.shape(event) is Shape.NONE:
            return False
        self.begin(event.get("session_id"))
        self._stats = as_mapping(event.get("stats")) or self._stats
        models = as_mapping(self._stats.get("models"))
        self.model = self.model or as_text(next(iter(models), None))
        response, error = event.get("response"), event.get("error")
        if isinstance(response, str):
            self.answer.put(response)
        if error:
            self.fail(error)
        elif isinstance(response, str) and (response.strip() or self._used_tools()):
            self.succeed()
        elif isinstance(response, str):
            self.fail("The model returned an empty response")
        warnings = event.get("warnings")
        for warning in warnings if isinstance(warnings, list) else []:
            self.note(f"warning {as_text(warning)}", warning)
        return True

    def spent(self) -> Usage | None:
        """The figures of all models together."""
        total = None
        for model in as_mapping(self._stats.get("models")).values():
            told = as_mapping(as_mapping(model).get("tokens"))
            read, prompt = tokens(told.get("cached")), tokens(told.get("prompt"))
            given = tokens(told.get("input"))
            one = usage_of(
                fresh_input=_sum(given if given is not None else fresh(prompt, read), tokens(told.get("tool"))),
                cache_read=read,
                output=tokens(told.get("candidates")),
                reasoning=tokens(told.get("thoughts")),
            )
            total = plus(total, one)
        return total

    def forget(self) -> None:
        """No object."""
        self._stats = {}

    def _used_tools(self) -> bool:
        """Whether a tool was used, so that an answer without words can still be the end of work."""
        return bool(tokens(as_mapping(self._stats.get("tools")).get("totalCalls")))


def _sum(one: int | None, other: int | None) -> int | None:
    """Two counts together; None where the first is not told."""
    return None if one is None else one + (other or 0)
