"""An event that a selector can wait for: whoever waits for something else too sleeps until either is there."""

from __future__ import annotations

import os
from threading import Event


class Bell(Event):
    """Can be read from while it is set; one thread sets and clears it, any wait."""

    def __init__(self) -> None:
        """Not set yet."""
        super().__init__()
        self._ends = os.pipe()

    def fileno(self) -> int:
        """The descriptor that a selector waits for."""
        return self._ends[0]

    def set(self) -> None:
        """Wake whoever waits."""
        if not self.is_set():
            super().set()
            os.write(self._ends[1], b".")

    def clear(self) -> None:
        """Be as new."""
        if self.is_set():
            os.read(self._ends[0], 1)
            super().clear()
