"""What is sent to the terminal goes out in a thread of its own, so that a terminal that stalls makes nobody wait."""

from __future__ import annotations

from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import IO

from textual._ansi_sequences import SYNC_END
from textual.drivers._writer_thread import WriterThread

DRAIN_SECONDS = 2.0
"""So long an ordinary end waits for a terminal to take the last bytes."""

STALL_SECONDS = 0.1
"""A write that takes longer means that the terminal is behind."""

_RESTORED = (
    b"\x1b[?2026l\x1b[<u\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?7h\x1b[?1049l\x1b[?25h"
)
"""Every mode that LinuxDriver switches on, switched off."""


class Writer(WriterThread):
    """Writes to the terminal without ever making the app wait, and knows when the terminal is behind.

    Textual's own blocks the event loop after 30 writes, and dies of the first error.
    """

    def __init__(self, file: IO[str]) -> None:
        """Write to the file behind ``file``, past its buffer: a write that hangs must hold no lock others need."""
        super().__init__(file)
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._since: float | None = None

    @property
    def behind(self) -> bool:
        """Whether the terminal takes longer than it should over what it was given."""
        since = self._since
        return since is not None and monotonic() - since > STALL_SECONDS

    @property
    def idle(self) -> bool:
        """Whether the terminal has taken everything."""
        return self._since is None and self._texts.empty()

    def write(self, text: str) -> None:
        """Have a text written."""
        self._texts.put(text)

    def restore(self) -> None:
        """Switch every mode off, from another thread, while this one has nothing to do."""
        with suppress(OSError), open(self._file.fileno(), "wb", buffering=0, closefd=False) as terminal:
            terminal.write(_RESTORED)

    def discard(self) -> None:
        """Forget what has not been begun: frames that nobody will see; the last one may have been cut in two."""
        with suppress(Empty):
            while True:
                self._texts.get_nowait()
        self.write(SYNC_END)

    def stop(self) -> None:
        """Write the rest and end, but wait for that no longer than a moment."""
        self._texts.put(None)
        self.join(DRAIN_SECONDS)

    def run(self) -> None:
        """The thread: a terminal that is gone takes everything, silently."""
        with open(self._file.fileno(), "wb", buffering=0, closefd=False) as terminal:
            while (text := self._texts.get()) is not None:
                self._since = monotonic()
                rest = memoryview(text.encode("utf-8", "replace"))
                with suppress(OSError):
                    while rest:
                        rest = rest[terminal.write(rest) or 0 :]
                self._since = None
