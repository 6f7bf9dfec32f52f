"""How large the terminal is: the kernel says it, at the moment when it is told, and nobody else."""

from __future__ import annotations

import signal
import termios
from contextlib import suppress

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize


class SizedDriver(LinuxDriver):
    """Textual's driver for a terminal; the last size that it tells is the one the terminal has."""

    def start_application_mode(self) -> None:
        """Take over the terminal, and heed its changes of size."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGWINCH, self._on_size)

    # Textual reads the size in the handler: a second signal in the midst of that has the older size told last.
    def _on_size(self, _number: int, _frame: object) -> None:
        """Have the loop tell the size as it is by then."""
        with suppress(RuntimeError):  # the loop has closed
            self._loop.call_soon_threadsafe(self._tell_size)

    def _tell_size(self) -> None:
        """Tell the app how large the terminal is now."""
        size = Size(*self._get_terminal_size())
        self._app.post_message(Resize(size, size))

    def process_message(self, message: Message) -> None:
        """Pass on what the parser understood, but no sizes: those come from the kernel, not from whoever types."""
        if not isinstance(message, Resize | InBandWindowResize):
            super().process_message(message)

    def _query_in_band_window_resize(self) -> None:
        """Ask for no size reports (see `process_message`)."""

    def _get_terminal_size(self) -> tuple[int, int]:
        """The size that the kernel knows; Textual would believe $COLUMNS first."""
        try:
            rows, columns = termios.tcgetwinsize(self.fileno)
        except termios.error:
            rows = columns = 0
        return columns or 80, rows or 24
