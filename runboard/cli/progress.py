"""Long work in pieces: a line at a terminal says how far it has come, and ctrl+C ends it between two pieces."""

from __future__ import annotations

import os
import signal
import sys
from time import monotonic
from types import TracebackType
from typing import Self

from runboard.cli.printing import complain, cut, is_terminal, say
from runboard.columns import size_text

_FIRST_SECONDS = 0.3
"""Work that is done sooner tells nothing on its way."""

_EVERY_SECONDS = 0.1
_ERASE = "\r\x1b[K"


class Progress:
    """Counts pieces of work; the first ctrl+C sets ``stopped``, which the work heeds; the second interrupts at once."""

    def __init__(self, did: str, total: int) -> None:
        """Name the work as it is told when done ("moved") and how many pieces there are."""
        self.stopped = False
        self.done = 0
        self.size = 0
        self._failed = 0
        self._did, self._total = did, total
        self._next = monotonic() + _FIRST_SECONDS
        self._shown = False
        self._visible = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"
        self._asked_before = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> Self:
        """Heed ctrl+C from now on, unless whoever started us has it ignored."""
        if self._asked_before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the line, and let ctrl+C be what it was."""
        self._erase()
        if self._asked_before is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._asked_before)

    @property
    def complete(self) -> bool:
        """Whether every piece was tried."""
        return self.done + self._failed >= self._total

    def step(self, size: int = 0) -> None:
        """One more piece is done, of so many bytes."""
        self.done += 1
        self.size += size
        if monotonic() >= self._next:
            self._next = monotonic() + _EVERY_SECONDS
            self._show(f"{self.text()} · ctrl+C stops")

    def text(self) -> str:
        """How far it has come, as in "moved 1,234 of 10,000 (2.1 GB)"."""
        size = f" ({size_text(self.size)})" if self.size else ""
        return f"{self._did} {self.done:,} of {self._total:,}{size}"

    def note(self, sentence: str) -> None:
        """Say something about a piece that is done, above the line."""
        self._erase()
        say(sentence)

    def complain(self, sentence: str) -> None:
        """Say what went wrong with one piece, above the line."""
        self._failed += 1
        self._erase()
        complain(sentence)

    def _stop(self, _number: int, _frame: object) -> None:
        """The first ctrl+C."""
        self.stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._show(f"{self.text()} · stopping…")

    def _show(self, line: str) -> None:
        """Put a line in the place of the last one."""
        if self._visible:
            self._shown = True
            self._write(_ERASE + cut(line, _columns() - 1))

    def _erase(self) -> None:
        """Take the line away."""
        if self._shown:
            self._shown = False
            self._write(_ERASE)

    def _write(self, text: str) -> None:
        """Write to stderr; one that cannot be written to stops nothing."""
        try:
            os.write(2, text.encode())
        except OSError:
            self._visible = False


def _columns() -> int:
    """How wide the terminal behind stderr is."""
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
