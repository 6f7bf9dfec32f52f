"""How a person likes to read logs: long lines wrapped or not, numbered or not, and which times; remembered."""

from __future__ import annotations

from collections.abc import Mapping

from runboard import logs
from runboard.ui.remembrance import Remembrance

KEY = "log"
"""Under which it is remembered."""


class LogLooks:
    """The three choices; each is kept as soon as it is made."""

    def __init__(self, remembrance: Remembrance | None = None) -> None:
        """Begin as it was left; what was remembered and cannot be used counts as nothing."""
        self._remembrance = remembrance
        kept = remembrance.get(KEY) if remembrance else None
        told: Mapping[object, object] = kept if isinstance(kept, Mapping) else {}
        self.wrap = told.get("wrap") is True
        self.numbers = told.get("numbers") is True
        times = told.get("times")
        self.times = logs.Times(times) if isinstance(times, str) and times in set(logs.Times) else logs.Times.WRITTEN

    def toggle_wrap(self) -> None:
        """Wrap long lines, or no longer."""
        self.wrap = not self.wrap
        self._keep()

    def toggle_numbers(self) -> None:
        """Number the lines, or no longer."""
        self.numbers = not self.numbers
        self._keep()

    def next_times(self) -> None:
        """Tell times in the next way there is, after the last in the first one."""
        ways = list(logs.Times)
        self.times = ways[(ways.index(self.times) + 1) % len(ways)]
        self._keep()

    def _keep(self) -> None:
        """Remember them."""
        if self._remembrance is not None:
            self._remembrance.keep(KEY, {"wrap": self.wrap, "numbers": self.numbers, "times": str(self.times)})
