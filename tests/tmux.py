"""A real terminal multiplexer as judge: real keys go in, the screen comes out as a person would see it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.waiting import until

ESCAPE_SECONDS = 0.4
"""An escape byte with another key close behind it is that key with Alt, for every program in a terminal."""

HAS_TMUX = shutil.which("tmux") is not None


class Tmux:
    """One program in one pane of a tmux server of its own; leaving the block ends the server."""

    def __init__(self, argv: Sequence[str], columns: int, rows: int, environment: dict[str, str] | None = None) -> None:
        """Start ``argv`` in a pane of this size; when it ends its exit code stays to be read."""
        self._socket = f"runboard-test-{uuid.uuid4().hex[:8]}"
        settings = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor"} | (environment or {})
        words = " ".join(f"{key}={shlex.quote(value)}" for key, value in settings.items() if key != "TERM")
        command = f"{words} {shlex.join(argv)}; echo exit=$?; exec sleep 1000"
        clean = {key: value for key, value in os.environ.items() if key not in {"TMUX", "NO_COLOR"}}
        size = ["-x", str(columns), "-y", str(rows)]
        subprocess.run(
            ["tmux", "-L", self._socket, "-u", "-f", "/dev/null", "new-session", "-d", *size, command],
            check=True,
            env=clean | settings,
        )
        self._do("set-option", "-g", "status", "off")
        self._do("set-option", "-sg", "escape-time", "0")
        self._do("resize-window", *size)

    def __enter__(self) -> Self:
        """The terminal itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server and what runs in it."""
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], check=False, capture_output=True)

    def _do(self, *words: str) -> str:
        """One tmux command; what it prints."""
        done = subprocess.run(["tmux", "-L", self._socket, *words], check=True, capture_output=True, text=True)
        return done.stdout

    def resize(self, columns: int, rows: int) -> None:
        """Make the window so large."""
        self._do("resize-window", "-x", str(columns), "-y", str(rows))

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names (Enter, Escape, Down, C-c), characters as themselves."""
        for key in keys:
            self._do("send-keys", key)
            if key == "Escape":
                time.sleep(ESCAPE_SECONDS)

    def screen(self) -> list[str]:
        """The lines on the screen, without trailing blanks."""
        return self._do("capture-pane", "-p").split("\n")

    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.screen())

    def wait_for(self, text: str, limit: float = 10.0) -> None:
        """Until a text is on the screen."""
        try:
            until(lambda: text in self.text(), limit)
        except AssertionError as error:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.text()}") from error

    def wait_gone(self, text: str, limit: float = 10.0) -> None:
        """Until a text is no longer on the screen."""
        try:
            until(lambda: text not in self.text(), limit)
        except AssertionError as error:
            raise AssertionError(f"{text!r} is still on the screen:\n{self.text()}") from error

    def line_with(self, text: str) -> str:
        """The first line that holds a text."""
        return next(line for line in self.screen() if text in line)

    def cells(self, first: int, last: int) -> list[str]:
        """What stands in these columns of each row, counted from 0 in the terminal's own cells, without blanks."""
        right = [("-N", str(first), "-X", "cursor-right"), ("-N", str(last + 1), "-X", "cursor-right")]
        begin = [("-X", "top-line"), ("-X", "rectangle-on"), right[0], ("-X", "begin-selection")]
        moves = [*begin, ("-X", "bottom-line"), right[1], ("-X", "copy-selection-and-cancel")]
        self._do("copy-mode", *(word for move in moves for word in (";", "send-keys", *move)))
        return [line.strip() for line in self._do("show-buffer").split("\n")]
