"""Gemini CLI's json: one object at the end, pretty-printed; on a fatal error among stack traces, sometimes twice."""

from __future__ import annotations

from runboard.late import pattern
from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import fresh, plus, tokens, usage_of
from runboard.transcripts.words import label

_KEYS = frozenset({"session_id", "auth_method", "user_tier", "response", "stats", "error", "warnings"})
_UUID = pattern(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class GeminiJson(Fold):
    """A session of Gemini CLI that is told at its end only."""

    NAMES = ("gemini",)
    KINDS = frozenset({""})

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
        stats = as_mapping(event.get("stats"))
        models = as_mapping(stats.get("models"))
        self.used = _total(models) or self.used
        self.model = self.model or label(next(iter(models), None))
        response, error = event.get("response"), event.get("error")
        if isinstance(response, str):
            self.answer.put(response)
        if error:
            self.fail(error)
        elif isinstance(response, str) and (response.strip() or _used_tools(stats)):
            self.succeed()
        elif isinstance(response, str):
            self.fail("The model returned an empty response")
        warnings = event.get("warnings")
        for warning in warnings if isinstance(warnings, list) else []:
            self.warn(warning)
        return True


def _total(models: Event) -> Usage | None:
    """The figures of all models together; a prompt of tools' own is input too."""
    total = None
    for model in models.values():
        told = as_mapping(as_mapping(model).get("tokens"))
        read, given = tokens(told.get("cached")), tokens(told.get("input"))
        given = fresh(tokens(told.get("prompt")), read) if given is None else given
        one = usage_of(
            fresh_input=None if given is None else given + (tokens(told.get("tool")) or 0),
            cache_read=read,
            output=tokens(told.get("candidates")),
            reasoning=tokens(told.get("thoughts")),
        )
        total = plus(total, one)
    return total


def _used_tools(stats: Event) -> bool:
    """Whether a tool was used, so that an answer without words can still be the end of work."""
    return bool(tokens(as_mapping(stats.get("tools")).get("totalCalls")))
