"""Everything about the terminal itself: it may stall, send rubbish or vanish, and it is left as it was found.

All use of what Textual 8.2 does not promise stands here, in writer.py and in partial.py, each with what it is and why;
tests/test_ui_terminal.py fails if one of them moves.
"""

from __future__ import annotations

import resource
import signal
import termios
from base64 import b64encode
from codecs import getincrementaldecoder
from contextlib import suppress
from functools import lru_cache
from io import StringIO
from selectors import EVENT_READ, DefaultSelector
from threading import Event
from traceback import format_exception

from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.binding import Keymap
from textual.color import Color
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread
from textual.screen import Screen
from textual.style import Style

from runboard.bell import Bell
from runboard.late import pattern
from runboard.safetext import clean_copy, clean_lines
from runboard.ui.handover import Early
from runboard.ui.incoming import Incoming
from runboard.ui.inorder import OrderlyApp, is_field
from runboard.ui.partial import PartialUpdate
from runboard.ui.sent import Sent, keeps_ground
from runboard.ui.sized import SizedDriver
from runboard.ui.writer import STALL_SECONDS, Writer

_PARKED = pattern(r"\x1b\[[0-9]+;[0-9]+H\Z")

LEAVING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals that end the board: the terminal is restored, and the exit code is 128 plus the signal's number."""

BACKSTOP_SECONDS = 3.0
"""So long after such a signal the process leaves even if the terminal takes nothing, not even to be restored."""

LATE_SECONDS = 0.1
"""So long the rest of a sequence is waited for."""

TERMINAL_GONE = 128 + signal.SIGHUP
"""The exit code when the terminal is gone."""

_ALTERNATE = "\x1b[?1049h"

_FOR_THE_OUTER = ("\x1b]52;", "\x1b]9;", "\x1b]99;", "\x1b]777;")
"""What is for the terminal that tmux runs in: the clipboard and notifications, which tmux drops as it is set up."""

_TMUX = "\x1bPtmux;"
"""How begins what it passes on unread, where its `allow-passthrough` is on (tmux(1), since 3.3)."""


class TerminalDriver(SizedDriver):
    """Textual's driver for a terminal, without its ways to spin, to die of a byte, or to leave modes behind."""

    _writer: Writer | None = None
    _left_by: int | None = None
    _early: Early | None = None

    # LinuxDriver.start_application_mode() creates a WriterThread and stores it here: ours takes its place.
    @property
    def _writer_thread(self) -> Writer | None:
        """The writer in use."""
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, thread: WriterThread | None) -> None:
        """Use a Writer for the same file."""
        self._writer = Writer(thread._file) if thread is not None else None

    # LinuxDriver.__init__() stores a mere event here, at which nobody who waits for keys would wake.
    @property
    def exit_event(self) -> Bell:
        """Set when nobody is to read keys any more."""
        return self._bell

    @exit_event.setter
    def exit_event(self, _event: Event) -> None:
        """Use a bell."""
        self._bell = Bell()

    def start_application_mode(self) -> None:
        """Take over the terminal, and from then on never leave it without giving it back.

        A signal that comes meanwhile waits until there is somebody to heed it.
        """
        held = signal.pthread_sigmask(signal.SIG_BLOCK, LEAVING)
        try:
            if isinstance(self._app, TerminalApp):
                self._early = self._app.early
                self._app.sent.forget()
            super().start_application_mode()
            for number in LEAVING:
                signal.signal(number, self._on_leaving)
            signal.signal(signal.SIGALRM, self._on_backstop)
            if self._early is not None:
                self.attrs_before = self._early.hand_over() or self.attrs_before
        finally:
            self._early = None
            signal.pthread_sigmask(signal.SIG_UNBLOCK, set(LEAVING) - held)

    def write(self, data: str) -> None:
        """Write, but do not enter an alternate screen that is on: where the cursor was before would be forgotten.

        After each frame Textual takes the cursor, which is not seen, to where a letter would appear, for input methods:
        where nobody types there is no such place.
        """
        if data == _ALTERNATE and self._early is not None and self._early.up:
            return
        focused = self._app.focused if self._app.screen_stack else None
        if data.endswith("H") and not is_field(focused):
            data = _PARKED.sub("", data)
        super().write(data)

    def stop_application_mode(self) -> None:
        """Give the terminal back; frames still waiting are dropped, so that a slow one is free sooner, but no debt."""
        if self._writer is not None:
            self._writer.discard()
            for sequence in self._app.owed() if isinstance(self._app, TerminalApp) else ():
                self._writer.write(sequence)
        super().stop_application_mode()

    def _on_leaving(self, number: int, _frame: object) -> None:
        """Leave in good order; at the second signal, or when that takes too long, at once."""
        if self._left_by is not None:
            self._die(number)
        self._left_by = number
        signal.setitimer(signal.ITIMER_REAL, BACKSTOP_SECONDS)
        self._leave(128 + number)

    def _on_backstop(self, _number: int, _frame: object) -> None:
        """Leaving took too long."""
        self._die(self._left_by or signal.SIGTERM)

    def _leave(self, code: int) -> None:
        """End the app with an exit code, from any thread."""
        with suppress(RuntimeError):  # the loop has closed: we are leaving already
            self._loop.call_soon_threadsafe(lambda: self._app.exit(return_code=code))

    def _die(self, number: int) -> None:
        """Die of a signal, with as much of the terminal restored as it takes without waiting."""
        with suppress(termios.error):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        if self._writer is not None and self._writer.idle:
            self._writer.restore()
        with suppress(OSError, ValueError):  # a guest may set no limits, and has this one
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    # LinuxDriver.run_input_thread() spins at end of input, ends at a byte that is not UTF-8, and dies of key reports
    # with absurd numbers; it offers no seam, so the loop is written anew on Textual's own parser.
    def run_input_thread(self) -> None:
        """Read keys until told to end; the end of input ends the app."""
        decode = getincrementaldecoder("utf-8")("replace").decode
        incoming = Incoming(debug=self._debug)
        with DefaultSelector() as selector, open(self.fileno, "rb", buffering=0, closefd=False) as terminal:
            selector.register(terminal, EVENT_READ)
            selector.register(self.exit_event, EVENT_READ)
            while not self.exit_event.is_set():
                ready = selector.select(LATE_SECONDS if incoming.waiting else None)
                if not any(key.fileobj is terminal for key, _ in ready):
                    for message in incoming.late():
                        self.process_message(message)
                    continue
                try:
                    data = terminal.read(4096)
                except OSError:
                    data = b""
                if not data:
                    self._leave(TERMINAL_GONE)
                    return
                for message in incoming.take(decode(data)):
                    self.process_message(message)


@lru_cache(1024)
def _grounds(base: Color, background: Color) -> tuple[Style, Style]:
    """The grounds inside and outside a widget's border."""
    return Style(background=base + background), Style(background=base)


# StylesCache.get_inner_outer() is a method behind an lru_cache: it keeps the painted lines of the last 1,024 widgets
# alive, 2,500 objects for every dialog that was ever opened. It needs only the colours; so does this.
StylesCache.get_inner_outer = lambda _self, base, background: _grounds(base, background)  # type: ignore[assignment]


class TerminalApp(OrderlyApp):
    """An app that drops frames while the terminal is behind, and tells a crash in plain text."""

    crash: str | None = None
    early: Early | None = None
    within_tmux = False
    _behind = False

    def __init__(self) -> None:
        """Nothing is on the screen yet."""
        super().__init__()
        self.sent = Sent()
        self._owed: dict[str, str] = {}

    # App._keymap is what set_keymap() has set; there is no public way to read it.
    @property
    def keymap(self) -> Keymap:
        """The keys that were set by id, in place of the usual ones."""
        return self._keymap

    def get_driver_class(self) -> type[Driver]:
        """Our driver, whatever the environment says."""
        return TerminalDriver

    # App._display() is where every frame passes; it is the only place where one can be left out.
    def _display(self, screen: Screen[object], renderable: RenderableType | CompositorUpdate | None) -> None:
        """Send a frame, or none while the terminal is behind; when it has caught up, all of the screen once."""
        writer = self._driver._writer_thread if isinstance(self._driver, TerminalDriver) else None
        if writer is not None and renderable is not None and (self._behind or writer.behind):
            if not self._behind:
                self._behind = True
                self.set_timer(STALL_SECONDS, self._catch_up)
            return
        if isinstance(renderable, PartialUpdate):
            renderable.sent, renderable.erases = self.sent, keeps_ground()
        elif type(renderable) is LayoutUpdate and renderable.region.x == 0:
            self.sent.learn(renderable.region.y, renderable.strips)
        elif renderable is not None:
            self.sent.forget()
        super()._display(screen, renderable)  # type: ignore[arg-type]

    @property
    def deaf(self) -> bool:
        """Whether the terminal is given nothing just now."""
        return self._behind

    def emit(self, sequence: str) -> None:
        """Send what is no part of a frame, as a bell; while the terminal is deaf it is owed, the last of each kind."""
        if self._driver is None or self.is_headless:
            return
        if self.within_tmux and sequence.startswith(_FOR_THE_OUTER) and _TMUX not in sequence:
            sequence += _TMUX + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
        if self.deaf:
            kind = sequence[:4]  # up to the number of an OSC
            self._owed.pop(kind, None)
            self._owed[kind] = sequence
        else:
            self._driver.write(sequence)

    def owed(self) -> list[str]:
        """What is owed to the terminal, in order, to be given to it now: from here on it is given everything."""
        self._behind = False
        owed, self._owed = list(self._owed.values()), {}
        return owed

    def copy_to_clipboard(self, text: str) -> None:
        """Hand a text to the terminal's clipboard (OSC 52): who pastes it presses no keys by it."""
        self._clipboard = clean_copy(text)
        self.emit(f"\x1b]52;c;{b64encode(self._clipboard.encode()).decode()}\a")

    def catch_up(self) -> None:
        """Repaint everything for a terminal that hears again, and give it what it is owed."""
        for sequence in self.owed():
            self.emit(sequence)
        self.screen.refresh()

    def _catch_up(self) -> None:
        """Go on once the terminal has taken all it was given."""
        writer = self._driver._writer_thread if isinstance(self._driver, TerminalDriver) else None
        if writer is not None and not writer.idle:
            self.set_timer(STALL_SECONDS, self._catch_up)
            return
        self.catch_up()

    # App.exit() sets _exit, and from then on nothing is mounted, so whoever looks for its parts does not find them.
    def _handle_exception(self, error: Exception) -> None:
        """End because of an error, but not of a widget that was told to leave while it was being put together."""
        if not (self._exit and isinstance(error, NoMatches)):
            super()._handle_exception(error)

    # App._fatal_error() renders a traceback with all local variables: ours is plain, and names no values.
    def _fatal_error(self) -> None:
        """Note the exception being handled, and end."""
        self._note_crash(self._exception)
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Note an error that Textual has already rendered, and end."""
        text = StringIO()
        Console(file=text, width=100, color_system=None).print(*renderables)
        self._note_crash(self._exception, text.getvalue())
        self._return_code = 1
        self._close_messages_no_wait()

    def _note_crash(self, error: BaseException | None, text: str = "") -> None:
        """Keep the first crash as plain text: the traceback, and what went wrong in the last line."""
        if self.crash is None:
            lines = text or "".join(format_exception(error) if error else [])
            self.crash = clean_lines(lines).rstrip()
