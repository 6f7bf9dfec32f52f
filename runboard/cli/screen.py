"""The wiring of store, reconciler and screen, and what must hold before ``show`` loads Textual."""

from __future__ import annotations

import os
from errno import EINVAL
from functools import partial
from threading import Thread

from runboard import files, late, logs, process, state, tree, worktree
from runboard.board import Board
from runboard.cli.early import EarlyScreen
from runboard.cli.sights import sources_of
from runboard.control import Control
from runboard.safetext import clean_lines
from runboard.sizes import Feed, Memory, SizedFeed
from runboard.store import Store
from runboard.ui.showing import show
from runboard.ui.taste import Taste

RESPONSE_MOST = 1 << 16
"""Bytes of the end of an answer that are shown."""


def show_board(store: Store, board: Board, title: str, early: EarlyScreen, taste: Taste, *, lock: str | None) -> int:
    """Show the runs of a store until the person leaves, and return the exit code.

    Args:
        store: The runs directory.
        board: The runs known already, as they are on disk: all, or none.
        title: What to call the directory.
        early: What is on the terminal until Textual takes it over.
        taste: Colours and keys.
        lock: None where the board may act and settle; else it is built without the means to, and this says what keeps
            it from that.
    """
    _forget_screen_settings()
    process.raise_file_limit()
    feed = SizedFeed(partial(_follow, store, writing=lock is None), store.size, board.order)
    return show(
        board,
        feed,
        Control(store) if lock is None else None,
        lambda run_id: logs.LogView(lambda: store.open_file(run_id, "output.log")),
        title,
        read_response=partial(read_response, store),
        read_run=store.read,
        sources=sources_of(store, programs=lock is None)._replace(nudge=feed.nudge),
        on_screen=feed.look,
        early=early,
        taste=taste,
        lock=lock or "",
        keep_crash=partial(state.keep_report, state.folder(os.environ)),
    )


def _follow(store: Store, *, writing: bool) -> tuple[Feed, Memory]:
    """What keeps the board true, and what remembers sizes; both are loaded when the screen stands already.

    What a board that was killed has left among the temporary files goes then too; the rest of the program is loaded,
    but for guests, of whom there may be many: it takes 6 MB.
    """
    from runboard.index import Index  # noqa: PLC0415 - SQLite
    from runboard.reconciler import Reconciler  # noqa: PLC0415 - and all that reads agents' logs and watches files

    if writing:
        Thread(target=_sweep, name="runboard-sweep", daemon=True).start()
        late.settle_down()
    index = Index(store, writing=writing, copying=not writing)
    return Reconciler(store, writing=writing, index=index), index


def _sweep() -> None:
    """Clear away what boards and demos have left that were killed."""
    from runboard.cli import stage  # noqa: PLC0415 - what settles many, when the screen stands already

    tree.sweep(worktree.PREFIX)
    stage.sweep()


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
