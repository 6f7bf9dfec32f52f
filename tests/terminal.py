"""A terminal for tests: a program runs in a real pty, its screen is read with pyte, its keys are pressed as bytes.

A thread drains the pty and answers what programs ask of terminals, so that a program never waits for a test; after
`stop_reading` nothing is drained at all, after `read_slowly` little. The end of the ``with`` block ends every process
that was started in it, also those that left the session: they carry a marker in their environment.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import termios
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Self

import pyte

from tests.keys import typed
from tests.waiting import until
from tests.wire import modes_left_on

_MARKER = "TEST_TERMINAL"
_STRANGE = ("TEXTUAL", "NO_COLOR", "FORCE_COLOR", "TMUX", "TERM_PROGRAM", "COLUMNS", "LINES")

# What pyte would print or stumble over: private sequences, save for mode switches and erasing; intermediates; strings.
_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<=>][0-?]*[ -/]*[@-~]|\x1b\[\?[0-?]*[ -/]*[@-IL-gi-km-~]|\x1b\[[0-?]*[ -/]+[@-~]|\x1b[PX^_][^\x1b]*\x1b\\"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[PX^_][^\x1b]*\x1b?)?\Z")
_SCREEN_SWITCH = re.compile(rb"(\x1b\[\?1049[hl])")
_QUERY = re.compile(
    rb"\x1b\[(?:\?(?P<mode>[0-9]+)\$p|(?P<place>6n)|(?P<device>0?c)|(?P<keyboard>\?u)|(?P<size>18t)|(?P<version>>0?q))"
    rb"|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)"
)


class Colour(NamedTuple):
    """The colours of a cell as they are seen: six hex digits, a name of pyte's, or "default"."""

    foreground: str
    background: str


class Terminal:
    """A program in a pty, with a screen, a keyboard and an end."""

    def __init__(
        self,
        argv: Sequence[str],
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str | None] | None = None,
        *,
        in_band: bool = False,
    ) -> None:
        """Start a program; ``env`` changes the environment (None removes), ``in_band`` offers resize reports (2048)."""
        self.columns, self.rows = columns, rows
        self.exit_code: int | None = None
        self._in_band = in_band
        self._marker = uuid.uuid4().hex
        self._written = bytearray()
        self._unfed = self._unasked = b""
        self._screens = [pyte.Screen(columns, rows)]
        self._stream = pyte.ByteStream(self._screens[0])
        self._lock = threading.Lock()
        self._reading, self._ended, self._closing = True, False, False
        self._portion, self._pause = 65536, 0
        self._failure: Exception | None = None
        self._shown: tuple[tuple[int, int, int], list[str]] = (-1, 0, 0), []
        self._master, self.process = _spawn(argv, self._environment(env or {}), columns, rows)
        self._wake_reader, self._wake_writer = os.pipe()
        self._thread = threading.Thread(target=self._drain, name=f"terminal of {self.process}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """The terminal is on since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything that was started here."""
        self.close()

    @property
    def raw(self) -> bytes:
        """Everything the program has written so far."""
        with self._lock:
            return bytes(self._written)

    def screen(self) -> list[str]:
        """The lines of the screen, each as wide as the screen."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            if self._shown[0] == (state := (len(self._written), self.columns, self.rows)):
                return self._shown[1].copy()
            shown = self._screens[-1]  # its own `display` stumbles over half a wide character
            lines = [shown.buffer[y] for y in range(shown.lines)]
            self._shown = state, ["".join([line[x].data for x in range(shown.columns)]) for line in lines]
            return self._shown[1].copy()

    def text(self) -> str:
        """The screen without the blanks at the ends of its lines."""
        return "\n".join(line.rstrip() for line in self.screen())

    def colour_at(self, x: int, y: int) -> Colour:
        """The colours seen at a column and a row, both from 0; reverse video is taken into account."""
        with self._lock:
            cell = self._screens[-1].buffer[y][x]
            return Colour(cell.bg, cell.fg) if cell.reverse else Colour(cell.fg, cell.bg)

    def modes_left_on(self) -> set[str]:
        """The modes the program switched away from their defaults and has not switched back."""
        return modes_left_on(self.raw)

    def tty_sane(self) -> bool:
        """Whether the tty echoes, edits lines and turns keys into signals, as a shell expects to find it."""
        wanted = termios.ECHO | termios.ICANON | termios.ISIG
        return bool(termios.tcgetattr(self._master)[3] & wanted == wanted)

    def press(self, *keys: str) -> None:
        """Press keys by name ("down", "ctrl+c", "f1", "alt+x") or as the characters they type, one write for each.

        A lone ESC is told from the start of a sequence by the time after it; with the kitty keyboard it is a sequence.
        """
        kitty = "kitty keyboard" in self.modes_left_on()
        if "escape" in keys[:-1] and not kitty:
            raise ValueError("without the kitty keyboard, escape and the key after it are one: press them apart")
        for key in keys:
            self.send(typed(key, kitty=kitty))

    def send(self, data: bytes) -> None:
        """Type raw bytes."""
        os.write(self._master, data)

    def click(self, x: int, y: int) -> None:
        """Press and release the left mouse button on a cell, both from 0, in the form of mode 1006."""
        self.send(f"\x1b[<0;{x + 1};{y + 1}M".encode())
        self.send(f"\x1b[<0;{x + 1};{y + 1}m".encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window: the program gets SIGWINCH, and a report where it switched that on."""
        with self._lock:
            self.columns, self.rows = columns, rows
            for screen in self._screens:
                screen.resize(rows, columns)
        _set_size(self._master, columns, rows)
        if "in-band resize 2048" in self.modes_left_on():
            self.send(f"\x1b[48;{rows};{columns};0;0t".encode())

    def wait_for(self, text: str, limit: float = 10) -> None:
        """Wait until a text is on the screen; AssertionError with the screen when it does not come."""
        self._wait(lambda: text in self.text(), limit, f"{text!r} did not appear")

    def wait_gone(self, text: str, limit: float = 10) -> None:
        """Wait until a text is no longer on the screen; AssertionError with the screen when it stays."""
        self._wait(lambda: text not in self.text(), limit, f"{text!r} did not go")

    def wait_exit(self, limit: float = 10) -> int:
        """Wait until the program ended and all it wrote was read; its exit code, or minus the signal that ended it."""
        self._wait(lambda: self._poll_exit() is not None, limit, "the program did not end")
        if self._reading and not self._closing:
            until(self._caught_up, limit, "output was left unread")
        assert self.exit_code is not None
        return self.exit_code

    def ended(self) -> bool:
        """Whether the program has ended."""
        return self._poll_exit() is not None

    def stop_reading(self) -> None:
        """Drain nothing from here on, as a terminal behind a dead network does; soon the program's writes block."""
        self._reading = False
        os.write(self._wake_writer, b".")

    def read_slowly(self, rate: int) -> None:
        """Drain so many bytes a second from here on, as a narrow line does."""
        self._portion, self._pause = rate // 20, 50

    def resume_reading(self) -> None:
        """Drain again, as fast as can be."""
        self._portion, self._pause = 65536, 0
        self._reading = True
        os.write(self._wake_writer, b".")

    def hang_up(self) -> None:
        """Close the window: the program gets SIGHUP, its input ends and its output fails."""
        if self._closing:
            return
        self._closing = True
        os.write(self._wake_writer, b".")
        self._thread.join()
        for descriptor in (self._master, self._wake_reader, self._wake_writer):
            os.close(descriptor)

    def close(self) -> None:
        """End everything that was started here and collect the program; harmless when done before."""
        until(self._end_all, 10, "processes of the terminal do not die")
        self.hang_up()

    def _environment(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The environment of a plain xterm, changed as asked, with the marker."""
        plain: dict[str, str | None] = {key: value for key, value in os.environ.items() if not key.startswith(_STRANGE)}
        plain |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        plain |= {**changes, _MARKER: self._marker}
        return {key: value for key, value in plain.items() if value is not None}

    def _wait(self, condition: Callable[[], bool], limit: float, complaint: str) -> None:
        """Wait for a fact, and say what was on the screen where it does not come true."""
        with suppress(AssertionError):
            until(condition, limit)
        assert condition(), f"{complaint} within {limit} s (exit code {self._poll_exit()}); the screen:\n{self.text()}"

    def _poll_exit(self) -> int | None:
        """The exit code, if the program has ended."""
        if self.exit_code is None:
            pid, status = os.waitpid(self.process, os.WNOHANG)
            self.exit_code = os.waitstatus_to_exitcode(status) if pid else None
        return self.exit_code

    def _caught_up(self) -> bool:
        """Whether all that was written has been read."""
        with self._lock:
            return self._ended or not _readable(self._master, timeout=0)

    def _end_all(self) -> bool:
        """Kill what is left of this terminal's processes; whether nothing was."""
        left = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._started(pid)]
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self._poll_exit() is not None and not left

    def _started(self, pid: int) -> bool:
        """Whether a living process belongs to this terminal, by its marker or by its session."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                state, _, _, session = stat.read().rpartition(b")")[2].split()[:4]
            with open(f"/proc/{pid}/environ", "rb") as environ:
                marked = f"{_MARKER}={self._marker}".encode() in environ.read().split(b"\0")
        except OSError:
            return False
        return state not in b"ZX" and (marked or int(session) == self.process)

    def _drain(self) -> None:
        """Read what the program writes until the other side is closed or the window is; the thread's whole life."""
        while not self._closing:
            wanted = [self._wake_reader] + ([self._master] if self._reading and not self._ended else [])
            ready = _readable(*wanted)
            if self._wake_reader in ready:
                os.read(self._wake_reader, 64)
            elif self._master in ready:
                self._take()
                _readable(self._wake_reader, timeout=self._pause)

    def _take(self) -> None:
        """Read once, show it and answer it; an error means that nobody holds the other side any more."""
        with self._lock:
            try:
                data = os.read(self._master, self._portion)
            except OSError:
                data = b""
            self._ended = not data
            self._written += data
            try:
                answers = self._answers(data)
                self._show(data)
            except Exception as failure:  # noqa: BLE001  raised again in whoever looks at the screen
                self._failure = failure
                return
        for answer in answers:
            self.send(answer)

    def _show(self, data: bytes) -> None:
        """Feed pyte, each of the two screens with its own; an unfinished sequence waits for its rest."""
        data = self._unfed + data
        unfinished = _UNFINISHED.search(data)
        data, self._unfed = (data[: unfinished.start()], unfinished[0]) if unfinished else (data, b"")
        for part in _SCREEN_SWITCH.split(data):
            if part == b"\x1b[?1049h":
                self._attach([self._screens[0], pyte.Screen(self.columns, self.rows)])
            elif part == b"\x1b[?1049l":
                self._attach(self._screens[:1])
            else:
                self._stream.feed(_NOT_FOR_PYTE.sub(b"", part))

    def _attach(self, screens: list[pyte.Screen]) -> None:
        """Let the stream draw on the last of these screens."""
        self._stream.detach(self._screens[-1])
        self._screens = screens
        self._stream.attach(screens[-1])

    def _answers(self, data: bytes) -> list[bytes]:
        """What xterm would answer to the questions in what was written."""
        asked, answers, at = self._unasked + data, [], 0
        for query in _QUERY.finditer(asked):
            answers.append(self._answer(query.lastgroup or "", query[query.lastgroup or 0].decode()))
            at = query.end()
        self._unasked = asked[at:][-16:]
        return answers

    def _answer(self, kind: str, value: str) -> bytes:
        """One answer: synchronised output (2026) is known, in-band resize (2048) where it is offered."""
        cursor = self._screens[-1].cursor
        known = value == "2026" or (value == "2048" and self._in_band)
        grey = "ffff/ffff/ffff" if value == "10" else "0000/0000/0000"
        answers = {
            "mode": f"\x1b[?{value};{2 if known else 0}$y",
            "place": f"\x1b[{cursor.y + 1};{cursor.x + 1}R",
            "device": "\x1b[?62;22c",
            "keyboard": "\x1b[?0u",
            "size": f"\x1b[8;{self.rows};{self.columns}t",
            "version": "\x1bP>|xterm(390)\x1b\\",
            "colour": f"\x1b]{value};rgb:{grey}\x1b\\",
        }
        return answers[kind].encode()


def _spawn(argv: Sequence[str], environment: dict[str, str], columns: int, rows: int) -> tuple[int, int]:
    """The master side of a new pty, and the pid of the program that has it as its controlling terminal."""
    master, slave = os.openpty()
    _set_size(master, columns, rows)
    # A session leader without a terminal gets the first one it opens; a fork() would be unsafe beside our threads.
    opening = (os.POSIX_SPAWN_OPEN, 0, os.ttyname(slave), os.O_RDWR, 0)
    copies = [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
    defaults = [signal.SIGPIPE, signal.SIGXFSZ]
    try:
        program = os.posix_spawnp(
            argv[0], list(argv), environment, file_actions=[opening, *copies], setsid=True, setsigdef=defaults
        )
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return master, program


def _set_size(master: int, columns: int, rows: int) -> None:
    """Tell the pty how large its window is."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _readable(*descriptors: int, timeout: int | None = None) -> set[int]:
    """Which of these can be read, or have ended; waits ``timeout`` milliseconds at most."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(timeout)}
