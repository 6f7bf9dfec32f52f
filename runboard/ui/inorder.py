"""Keys take effect one after the other: what is typed ahead waits until the key before it has done its work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import cached_property
from math import inf
from time import monotonic
from typing import TypeGuard

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.message_pump import MessagePump
from textual.widget import Widget

PATIENCE_SECONDS = 1.0
"""So long a key may take; whoever types on after that is heard again."""

AT_ONCE = 64
"""So many letters go into a field in one turn: each turn may cost a frame, and frames are to be seen in between."""

LOOK_SECONDS = 0.02
"""How often keys that wait are looked after."""

Typed = Key | Paste
"""What a person types."""


def is_text(event: Typed, target: Widget) -> TypeGuard[Key]:
    """Whether a key only adds its letter to a field."""
    return isinstance(event, Key) and event.is_printable and is_field(target)


def is_field(target: object) -> bool:
    """Whether one types into it: Input and TextArea say where the next letter goes; the latter takes long to load."""
    return hasattr(type(target), "cursor_screen_offset")


class Heeded(Message):
    """Follows a key from what has the focus up to the app, twice: what a key did may have been to send a message."""

    def __init__(self, target: MessagePump, laps: int = 2) -> None:
        """Go so many times from ``target`` up."""
        super().__init__()
        self.target = target
        self.laps = laps


class InOrder:
    """Lets one key through at a time.

    Textual sends a key to what has the focus when the key arrives, not when its turn comes: typed in one go, "/r" would
    open the filter and, since the filter has no focus yet, rerun a run.
    """

    def __init__(self, post: Callable[[Typed], object]) -> None:
        """Give back what had to wait through ``post``, one at a time."""
        self._post = post
        self._waiting: deque[Typed] = deque()
        self._next: Typed | None = None
        self._since: float | None = None
        self._gone: Callable[[], bool] = lambda: False

    @property
    def waiting(self) -> bool:
        """Whether some key waits for its turn."""
        return bool(self._waiting)

    def admits(self, event: Typed) -> bool:
        """Whether a key may go on its way now; if not, it comes back later."""
        if event is self._next:
            self._next = None
            return True
        self.look()
        if self._since is None:
            self._since = monotonic()
            return True
        self._waiting.append(event)
        return False

    def hold(self) -> None:
        """Let none through until ``done``, as if one were on its way for which no patience ends."""
        self._since = inf

    def sent(self, gone: Callable[[], bool]) -> None:
        """A key is on its way to something of which ``gone`` tells whether it is still there to take it."""
        self._gone = gone

    def along(self, takes: Callable[[Typed], bool]) -> Iterator[Typed]:
        """What waits next and may go at once with the key that is on its way, up to the first that ``takes`` denies."""
        for _ in range(AT_ONCE - 1):
            if not self._waiting or not takes(self._waiting[0]):
                break
            yield self._waiting.popleft()

    def done(self) -> None:
        """The last key has had its effect: let the next one come."""
        self._gone = lambda: False
        self._next = self._waiting.popleft() if self._waiting else None
        self._since = None if self._next is None else monotonic()
        if self._next is not None:
            self._post(self._next)

    def look(self) -> None:
        """What has closed itself tells nothing any more, and what takes too long holds nobody up."""
        if self._since is not None and (self._gone() or monotonic() - self._since > PATIENCE_SECONDS):
            self.done()


class OrderlyApp(App[int]):
    """An app in which what was typed ahead waits for its turn."""

    keys_heard = 0
    """How many keys have had their turn."""

    _looking = False

    @cached_property
    def _in_order(self) -> InOrder:
        """Lets through one key at a time."""
        return InOrder(self.post_message)

    def deafen(self) -> None:
        """Keep what is typed until ``hear``."""
        self._in_order.hold()

    def hear(self) -> None:
        """Let come what was typed meanwhile."""
        self._in_order.done()

    async def on_event(self, event: Event) -> None:
        """Send a key to what has the focus when its turn comes."""
        if not isinstance(event, Typed) or event.is_forwarded:
            await super().on_event(event)
        elif self._in_order.admits(event):
            self.keys_heard += 1
            target = self.focused or self.screen
            self._in_order.sent(lambda: not target.is_attached)
            await super().on_event(event)
            if self._in_order.waiting and is_text(event, target):
                self._send_text_along(event, target)
            if not target.post_message(Heeded(target)):
                self._in_order.done()
        elif not self._looking:
            self._look_again()

    def _send_text_along(self, first: Key, field: Widget) -> None:
        """Send the letters that wait behind one: it does nothing in its field that they would have to await."""
        orders = {key for _, bound in self.screen._binding_chain for key, binding in bound if binding.priority}
        if first.key in orders or field is not self.focused:
            return
        for event in self._in_order.along(lambda event: is_text(event, field) and event.key not in orders):
            self.keys_heard += 1
            field._forward_event(event)

    def on_heeded(self, message: Heeded) -> None:
        """A key has come all the way that keys go, and so has what it sent: the next one may."""
        left = message.laps - 1
        if not left or not message.target.post_message(Heeded(message.target, left)):
            self._in_order.done()

    def _look_again(self) -> None:
        """Look after the keys that wait until none does."""
        self._in_order.look()
        self._looking = self._in_order.waiting
        if self._looking:
            self.set_timer(LOOK_SECONDS, self._look_again)
