"""Goose's stream-json and json: ``complete`` ends a run, but it follows errors too, so an error before it stands."""

from __future__ import annotations

from runboard.lenient import as_mapping
from runboard.model import Usage
from runboard.transcripts.fold import Event, Fold, Shape
from runboard.transcripts.usage import dollars, fresh, tokens, usage_of

_COUNTS = {"total_tokens", "input_tokens", "output_tokens"}
_CAUGHT = "Ran into this error: "
"""How the program itself begins the text that it puts in the place of an answer it did not get."""


class Goose(Fold):
    """A run of goose."""

    NAMES = ("goose",)
    KINDS = frozenset({"message", "notification", "complete", "error", ""})

    @staticmethod
    def shape(event: Event) -> Shape:
        """A message by role, time and content, an ending by all its counts, the object by messages and status."""
        match event:
            case {"type": "message", "message": {"role": str(), "content": list(), **rest}}:
                return Shape.SURE if isinstance(rest.get("created"), int) else Shape.WEAK
            case {"type": "complete", "total_tokens": _}:
                return Shape.SURE if event.keys() >= _COUNTS else Shape.WEAK
            case {"type": "error", "error": str()} if len(event) == 2:
                return Shape.WEAK
            case {"type": "notification", "extension_id": str()}:
                return Shape.SURE
            case {"messages": list(), "metadata": {"total_tokens": _, "status": str()}} if "type" not in event:
                return Shape.SURE
        return Shape.NONE

    def take(self, event: Event) -> bool:
        """Learn from a message, an error or the ending."""
        kind = event.get("type")
        if kind == "message" and isinstance(event.get("message"), dict):
            self._said(event["message"])
        elif kind == "complete" and "total_tokens" in event:
            self._ended(event)
        elif kind == "error" and isinstance(event.get("error"), str):
            self._erred(event["error"])
        elif "type" not in event and self.shape(event) is Shape.SURE:
            self._object(event)
        else:
            return kind == "notification"
        return True

    def forget(self) -> None:
        """Nothing said, no error."""
        super().forget()
        self._error: str | None = None
        self._saying: str | None = None

    def _said(self, message: Event) -> None:
        """A message or a piece of one; what the program says in the model's name about an error is one."""
        parts = message.get("content")
        if message.get("role") != "assistant" or not isinstance(parts, list):
            self._saying = None
            return
        self.reopen()
        for part in map(as_mapping, parts):
            text = part.get("text")
            if part.get("type") == "text" and isinstance(text, str):
                self._add(message.get("id"), text)
            elif part.get("type") == "toolRequest":
                self._saying = None
            elif part.get("notificationType") == "creditsExhausted":
                self._erred(str(part.get("msg") or "Credits are exhausted"))

    def _add(self, name: object, text: str) -> None:
        """Add a text to the answer; pieces of one message share its id."""
        if text.startswith(_CAUGHT):
            self._erred(text.removeprefix(_CAUGHT).partition("\n")[0])
        message = name if isinstance(name, str) else ""
        if self._saying == message:
            self.answer.add(text)
        else:
            self.answer.put(text)
            self._error = self._error if text.startswith(_CAUGHT) else None
        self._saying = message

    def _erred(self, error: str) -> None:
        """An error, which the ending after it does not take back."""
        self.trouble(error)
        self._error = error

    def _ended(self, event: Event) -> None:
        """The ending: success only if no error was the last word."""
        self.used = _total(event) or self.used
        if self._error is None:
            self.succeed()
        else:
            self.fail(self._error)

    def _object(self, event: Event) -> None:
        """The whole run as one object."""
        for message in event["messages"]:
            self._said(as_mapping(message))
        self._ended(as_mapping(event.get("metadata")))


def _total(told: Event) -> Usage | None:
    """The ending's figures, whose input includes what caches gave and took."""
    read, write = tokens(told.get("cache_read_input_tokens")), tokens(told.get("cache_write_input_tokens"))
    return usage_of(
        fresh_input=fresh(tokens(told.get("input_tokens")), read, write),
        cache_read=read,
        cache_write=write,
        output=tokens(told.get("output_tokens")),
        cost=dollars(told.get("cost_usd")),
    )
