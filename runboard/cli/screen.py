"""Opening the board: what must hold before ``show`` loads Textual, and the wiring of store, reconciler and screen."""

from __future__ import annotations

import os
import sys
from errno import EINVAL
from functools import partial

from runboard import files
from runboard.board import Board
from runboard.cli import place
from runboard.cli.exits import USAGE, Failure
from runboard.cli.printing import is_terminal
from runboard.control import Control
from runboard.logs import LogView
from runboard.process import raise_file_limit
from runboard.reconciler import Reconciler
from runboard.safetext import clean_lines
from runboard.store import Store
from runboard.ui import show

RESPONSE_MOST = 1 << 16
"""Bytes of the end of an answer that are shown."""


def require_terminals() -> None:
    """Refuse to draw where nobody could see it or answer.

    Raises:
        Failure: A standard stream is no terminal.
    """
    streams = (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))
    missing = [name for name, stream in streams if not is_terminal(stream)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        where = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
        raise Failure(f"the board needs a terminal, and {where} {verb} none; for scripts: runboard ps", USAGE)


def open_board(root: str, *, writable: bool) -> int:
    """Show the runs of a directory until the person leaves, and return the exit code.

    Args:
        root: The runs directory; it need not exist yet.
        writable: Whether the board may act and settle; if not, it is built without the means to.

    Raises:
        Failure: There is no terminal, or the directory cannot be looked into.
    """
    require_terminals()
    place.check(root)
    _forget_screen_settings()
    raise_file_limit()
    store = Store(root)
    return show(
        Board(),
        Reconciler(store, writing=writable),
        Control(store) if writable else None,
        lambda run_id: LogView(lambda: store.open_file(run_id, "output.log")),
        _with_tilde(root),
        read_response=partial(read_response, store),
        read_run=store.read,
    )


def _with_tilde(path: str) -> str:
    """A path as people write it."""
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if home != "/" and path.startswith(f"{home}/") else path


def read_response(store: Store, run_id: str) -> str | None:
    """A run's answer as clean Markdown, the last `RESPONSE_MOST` bytes of it; None where there is none.

    Raises:
        OSError: It is there and cannot be read, or is no regular file.
    """
    try:
        fd = store.open_file(run_id, "response.md")
    except FileNotFoundError:
        return None
    with files.opened(fd):
        info = os.fstat(fd)
        if not files.is_plain(info):
            raise OSError(EINVAL, f"response.md is {files.kind(info)}")
        start = max(0, info.st_size - RESPONSE_MOST)
        data = os.pread(fd, RESPONSE_MOST, start)
    text = clean_lines(data.decode("utf-8", "replace"))
    return f"…\n\n{text.partition(chr(10))[2] or text}" if start else text


def _forget_screen_settings() -> None:
    """Remove what Textual reads when it is imported: some of it loads modules, writes files or presses keys.

    An empty NO_COLOR says nothing (no-color.org), but Textual would take it for a yes.
    """
    unwanted = [name for name in os.environ if name.startswith("TEXTUAL") or name == "ESCDELAY"]
    if os.environ.get("NO_COLOR") == "":
        unwanted.append("NO_COLOR")
    for name in unwanted:
        del os.environ[name]
