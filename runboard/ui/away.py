"""The terminal lent to another program: meanwhile the board goes on, paints nothing, and hears no key."""

from __future__ import annotations

import signal
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from rich.console import RenderableType
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from runboard.ui.terminal import TerminalApp

TERMINAL = 0
"""The descriptor from which keys come."""


class LendingApp(TerminalApp):
    """An app that can be away for a while."""

    _away = False

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Leave the terminal to another program; an error meanwhile ends the board, which does not take it back then.

        Ctrl+C is meant for that program. What was typed or answered for it and is still unread is no key of ours.
        """
        if self.is_headless:
            yield
            return
        with self.suspend():
            self._away = True
            for number in (signal.SIGINT, signal.SIGQUIT):
                signal.signal(number, _unheard)  # not SIG_IGN, which the program would inherit
            try:
                yield
            finally:
                with suppress(termios.error):
                    termios.tcflush(TERMINAL, termios.TCIFLUSH)
                self._away = False
        self.catch_up()

    def _display(self, screen: Screen[object], renderable: RenderableType | CompositorUpdate | None) -> None:
        """Send no frame to another program's screen."""
        if not self._away:
            super()._display(screen, renderable)

    @property
    def deaf(self) -> bool:
        """Neither is the terminal given anything else there."""
        return self._away or super().deaf


def _unheard(_number: int, _frame: object) -> None:
    """What is done about a signal that is meant for another program."""
