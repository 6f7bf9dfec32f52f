"""The terminal before Textual has it: the first frame is on the alternate screen, which is left whatever happens."""

from __future__ import annotations

import os
import select
import signal
import termios
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Self

from runboard.ui.handover import Attributes

_ENDING = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM)
"""Signals that end the process; ctrl+C is an exception, which may come where no context is left any more."""

_ENTER = b"\x1b[?1049h\x1b[?25l"
_LEAVE = b"\x1b[0m\x1b[?1049l\x1b[?25h"
_LEAVING_SECONDS = 1.0
_KEYBOARD = 0
_TERMINAL = 2
"""Textual paints to stderr, and so do we."""

_IFLAG, _LFLAG, _CC = 0, 3, 6
"""Where `termios.tcgetattr` has them."""


class EarlyScreen:
    """A context in which the alternate screen may be on before Textual takes over, and is off again after it."""

    def __init__(self) -> None:
        """Begin with the ordinary screen."""
        self.up = False
        self._armed = False
        self._before: Attributes | None = None

    def __enter__(self) -> Self:
        """Keep what is typed from now on, as it is typed; nothing else happens before something is painted."""
        self._arm()
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the alternate screen unless somebody else took it over."""
        self.leave()

    def paint(self, lines: Iterable[str]) -> None:
        """Put lines on the alternate screen, as far as the terminal takes them without making us wait."""
        if not _ready():
            return
        self.up = True
        os.write(_TERMINAL, _ENTER)
        for line in lines:
            if not _ready():
                return  # Textual paints all of it again
            os.write(_TERMINAL, line.encode("utf-8", "replace"))

    def hand_over(self) -> Attributes | None:
        """From now on somebody else leaves the alternate screen, heeds the signals, and restores these attributes."""
        self.up = False
        before, self._before = self._before, None
        self._disarm()
        return before

    def leave(self) -> None:
        """Be back on the ordinary screen, with the terminal as it was, if that is still for us to do."""
        self._restore()
        self._disarm()

    def _listen(self) -> None:
        """Have no key echoed over the first frame, nor changed on its way to the board; ctrl+C still ends the program.

        A line discipline that waits for lines makes line feeds of Enter. Who is in the background does not touch it.
        """
        with suppress(OSError, termios.error):
            if os.tcgetpgrp(_KEYBOARD) != os.getpgrp():
                return
            before = termios.tcgetattr(_KEYBOARD)
            ours = [*before[:_CC], list(before[_CC])]
            ours[_IFLAG] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR)
            ours[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            ours[_CC][termios.VMIN], ours[_CC][termios.VTIME] = 1, 0
            ours[_CC][termios.VQUIT] = bytes([os.fpathconf(_KEYBOARD, "PC_VDISABLE")])
            self._before = before
            termios.tcsetattr(_KEYBOARD, termios.TCSANOW, ours)

    def _restore(self) -> None:
        """Undo what was done to the terminal; a signal amid that undoes it again, so that none finds it half done."""
        if self._before is not None:
            with suppress(termios.error):
                termios.tcsetattr(_KEYBOARD, termios.TCSANOW, self._before)
            self._before = None
        if self.up:
            os.write(_TERMINAL, _LEAVE)
            self.up = False

    def _arm(self) -> None:
        """See to it that no signal ends or stops the process while the alternate screen is on.

        ctrl+Z waits until there is somebody who leaves the screen for it and comes back to it.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        self._armed = True
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._die)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._interrupt)

    def _disarm(self) -> None:
        """Let signals be what they were, but those that somebody else heeds by now."""
        if self._armed:
            self._armed = False
            for number in _ENDING:
                if signal.getsignal(number) == self._die:
                    signal.signal(number, signal.SIG_DFL)
            if signal.getsignal(signal.SIGINT) == self._interrupt:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Leave the screen before ctrl+C is raised: it may be raised where ``with`` has not begun, or has ended."""
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # once more is soon enough afterwards
        try:
            self._restore_soon()
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        signal.default_int_handler(number, frame)

    def _restore_soon(self) -> None:
        """Undo what was done to the terminal, or die where that takes nothing any more."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _LEAVING_SECONDS)
        self._restore()

    def _die(self, number: int, _frame: FrameType | None) -> None:
        """Leave the screen and die of the signal, even where the terminal takes nothing any more."""
        self._restore_soon()
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


def _ready() -> bool:
    """Whether the terminal takes something right now; one that is stopped or gone does not."""
    poll = select.poll()
    poll.register(_TERMINAL, select.POLLOUT)
    return any(event == select.POLLOUT for _fd, event in poll.poll(0))
