"""The wiring of store, reconciler and screen, and what must hold before ``show`` loads Textual."""

from __future__ import annotations

import os
from errno import EINVAL
from functools import partial

from runboard import files
from runboard.board import Board
from runboard.cli.early import EarlyScreen
from runboard.cli.sights import sources_of
from runboard.control import Control
from runboard.index import Index
from runboard.logs import LogView
from runboard.process import raise_file_limit
from runboard.reconciler import Reconciler
from runboard.safetext import clean_lines
from runboard.sizes import SizedFeed
from runboard.store import Store
from runboard.ui.showing import show
from runboard.ui.taste import Taste

RESPONSE_MOST = 1 << 16
"""Bytes of the end of an answer that are shown."""


def show_board(store: Store, board: Board, title: str, early: EarlyScreen, taste: Taste, *, writable: bool) -> int:
    """Show the runs of a store until the person leaves, and return the exit code.

    Args:
        store: The runs directory.
        board: The runs known already, as they are on disk: all, or none.
        title: What to call the directory.
        early: What is on the terminal until Textual takes it over.
        taste: Colours and keys.
        writable: Whether the board may act and settle; if not, it is built without the means to.
    """
    _forget_screen_settings()
    raise_file_limit()
    index = Index(store, writing=writable)
    feed = SizedFeed(Reconciler(store, writing=writable, index=index), store.size, lambda: None)
    return show(
        board,
        feed,
        Control(store) if writable else None,
        lambda run_id: LogView(lambda: store.open_file(run_id, "output.log")),
        title,
        read_response=partial(read_response, store),
        read_run=store.read,
        sources=sources_of(store),
        on_screen=feed.look,
        early=early,
        taste=taste,
    )


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
