"""What widgets remember for the next time: read once, kept in a thread, and never worth an error."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from runboard.state import Forgotten
from runboard.ui.taste import Taste


class Remembrance:
    """The memory of a person's board, of which each widget has a key."""

    def __init__(self, taste: Taste) -> None:
        """Remember after the person's taste; a board that only looks keeps nothing."""
        self._known = dict(taste.remembered)
        self._remember = taste.remember
        self._give: Callable[[Callable[[], None]], None] | None = None

    def __contains__(self, key: str) -> bool:
        """Whether there is something under a key."""
        return key in self._known

    def get(self, key: str) -> object:
        """What was kept, None for nothing."""
        return self._known.get(key)

    def keep(self, key: str, value: object) -> None:
        """Keep it for the next time; a disk is not waited for."""
        self._known[key] = value
        if self._remember is None:
            return
        if self._give is None:
            from runboard.ui.aside import Aside  # noqa: PLC0415 - asyncio, which the first frame does without

            self._give = Aside("runboard-memory").give
        self._give(partial(_kept, self._remember, key, value))


def _kept(remember: Callable[[str, object], None], key: str, value: object) -> None:
    """Remember, in the thread; where that cannot be, the next time begins as this one did."""
    with suppress(Forgotten):
        remember(key, value)
