"""Keys take effect one after the other: what is typed ahead waits until the key before it has done its work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from time import monotonic

from textual.app import App
from textual.events import Event, Key, Paste
from textual.message import Message
from textual.message_pump import MessagePump

PATIENCE_SECONDS = 1.0
"""So long a key may take; whoever types on after that is heard again."""

Typed = Key | Paste
"""What a person types."""


class Heeded(Message):
    """Follows a key from what has the focus up to the app, and so arrives there when the key has been acted on.

    The second time it follows what the act itself has said, such as that a run is to be opened.
    """

    def __init__(self, target: MessagePump, *, again: bool = False) -> None:
        """Begin at what had the focus."""
        super().__init__()
        self.target = target
        self.again = again


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

    def admits(self, event: Typed) -> bool:
        """Whether a key may go on its way now; if not, it comes back later."""
        if event is self._next:
            self._next = None
            return True
        if self._since is None:
            self._since = monotonic()
            return True
        self._waiting.append(event)
        self.remember()
        return False

    def remember(self) -> None:
        """Where the last key has taken too long, let the next one come."""
        if self._waiting and self._since is not None and monotonic() - self._since > PATIENCE_SECONDS:
            self.done()

    def done(self) -> None:
        """The last key has had its effect: let the next one come."""
        self._next = self._waiting.popleft() if self._waiting else None
        self._since = None if self._next is None else monotonic()
        if self._next is not None:
            self._post(self._next)


class OrderlyApp(App[int]):
    """An app in which what was typed ahead waits for its turn."""

    keys_heard = 0
    """How many keys have had their turn."""

    @cached_property
    def _in_order(self) -> InOrder:
        """Lets through one key at a time."""
        return InOrder(self.post_message)

    async def on_event(self, event: Event) -> None:
        """Send a key to what has the focus when its turn comes."""
        if not isinstance(event, Typed) or event.is_forwarded:
            await super().on_event(event)
        elif self._in_order.admits(event):
            self.keys_heard += 1
            screen, target = self.screen, self.focused or self.screen
            await super().on_event(event)
            if self.screen_stack and self.screen is not screen:  # what had the focus is going, and would lose it
                target = self.screen
            if not target.post_message(Heeded(target)):
                self._in_order.done()
        else:
            self.set_timer(PATIENCE_SECONDS, self._in_order.remember)

    def on_heeded(self, message: Heeded) -> None:
        """A key has come all the way that keys go, and so has what it caused: the next one may."""
        if message.again or not message.target.post_message(Heeded(message.target, again=True)):
            self._in_order.done()
