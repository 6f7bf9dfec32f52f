"""Opening the board: what must hold before, and a first frame of plain text while Textual is being loaded."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from runboard.attention import KEY, Seen, needs_among
from runboard.board import Board
from runboard.cli import place
from runboard.cli.early import EarlyScreen
from runboard.cli.exits import USAGE, Failure
from runboard.cli.printing import is_terminal
from runboard.model import Run
from runboard.row import Row
from runboard.safetext import clean
from runboard.store import NoSuchRun, Store, StoreError
from runboard.ui import frame
from runboard.ui.arrangement import sorting_of
from runboard.ui.taste import Taste

FEW = 200
"""So many runs are read for the first frame; of more, the newest that the index knows and those still open."""

SCRIPTS = "for scripts: runboard ps"
"""What to do where there is no terminal."""

MOST_OPEN = 2_000
"""With more open runs than this there is no first frame: reading them takes as long as loading Textual."""


def open_board(root: str, *, writable: bool, taste: Taste, unlocked: bool = False) -> int:
    """Show the runs of a directory until the person leaves, and return the exit code.

    Args:
        root: The runs directory; it need not exist yet.
        writable: Whether the board may act and settle; if not, it is built without the means to, and locked.
        taste: Colours and keys.
        unlocked: Whether a board that only looks does without the lock.

    Raises:
        Failure: There is no terminal, or the directory cannot be looked into, or there is no lock to be had.
    """
    title = _with_tilde(root)
    lock = None
    if writable:
        require_terminals()
        place.check(root)
    else:
        lock, taste = _guarded(root, taste, unlocked=unlocked)
    store = Store(root)
    with EarlyScreen() as early:
        runs = few_runs(store)
        if runs is None and not taste.sort:  # which of many come first by a column is told by all of them
            runs = newest_runs(store, copying=not writable)
        board = first_board(runs or [], taste, time.time())
        if runs is not None and taste.early:
            board.sort(sorting_of(taste.sort), time.time())
            _paint(early, board, title, frame.Look.of(taste), lock)
        from runboard.cli.screen import show_board  # noqa: PLC0415 - a tenth of a second that the first frame saves

        return show_board(store, board, title, early, taste, lock=lock)


def _guarded(root: str, taste: Taste, *, unlocked: bool) -> tuple[str, Taste]:
    """Lock the board before it reads anything of a run; how it is locked, and the taste with what is to be told of it.

    Raises:
        Failure: It cannot be, or somebody wants something else than a board.
    """
    from runboard.cli import guarding  # noqa: PLC0415 - only guests need it

    guarding.turn_away(os.environ)
    require_terminals("over SSH: ssh -t" if "SSH_CONNECTION" in os.environ else SCRIPTS)
    place.check(root)
    words, notices = guarding.guard(root, unlocked=unlocked)
    return words, taste._replace(notices=(*notices, *taste.notices))


def first_board(runs: Sequence[Run | Row], taste: Taste, now: float) -> Board:
    """The board of these runs in the order that it will have: those that need somebody first."""
    board = Board()
    board.needs.update(needs_among(runs, now, taste.limits, Seen.of(taste.remembered.get(KEY), now)))
    board.apply(runs)
    return board


def require_terminals(otherwise: str = SCRIPTS) -> None:
    """Refuse to draw where nobody could see it or answer, and say what to do otherwise.

    Raises:
        Failure: A standard stream is no terminal.
    """
    streams = (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))
    missing = [name for name, stream in streams if not is_terminal(stream)]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        where = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
        raise Failure(f"the board needs a terminal, and {where} {verb} none; {otherwise}", USAGE)


def few_runs(store: Store) -> list[Run | Row] | None:
    """Every run as it is on disk, where there are few; None where there are many, or they cannot be listed."""
    try:
        ids = store.few_ids(FEW)
    except StoreError:
        return None  # told by the board
    if ids is None:
        return None
    runs: list[Run | Row] = []
    for run_id in ids:
        with suppress(NoSuchRun):
            runs.append(_seen(store, store.read(run_id)))
    return runs


def newest_runs(store: Store, *, copying: bool = False) -> list[Run | Row] | None:
    """The runs that are open, as they are on disk, and the newest that have ended; None where no index tells.

    With ``copying`` no lock is taken for it.
    """
    from runboard.index import Index  # noqa: PLC0415 - SQLite, which few runs do without

    index = Index(store, writing=False, copying=copying)
    try:
        if index.kept() is None:
            return None
        synced = index.sync()
        if len(synced.open) > MOST_OPEN:
            return None
        runs: list[Run | Row] = [*next(index.rows(), [])]
    except StoreError:
        return None  # told by the board
    finally:
        index.close()
    for run_id in synced.open:
        with suppress(NoSuchRun):
            runs.append(_seen(store, store.read(run_id)))
    return runs


def _seen(store: Store, run: Run) -> Run:
    """A run with when it last wrote, while it lives: else one that has run for long would seem silent."""
    log = None
    with suppress(StoreError):  # told by who reads it
        log = store.file_stat(run.id, "output.log") if run.active else None
    return run._replace(activity_at=log.st_mtime) if log is not None and log.st_size else run


def _paint(early: EarlyScreen, board: Board, title: str, look: frame.Look, lock: str | None) -> None:
    """Paint the first frame in the present window, where one can be painted."""
    try:
        columns, rows = os.get_terminal_size(2)
    except OSError:
        return
    if columns >= frame.NARROWEST and rows >= frame.LOWEST:
        named, now, depth, looks = clean(title), time.time(), _depth(), lock is not None
        told = partial(frame.frame, board, columns, rows, title=named, read_only=looks, lock=lock)
        lines = told(now=now, depth=depth, look=look)
        early.paint(lines)


def _depth() -> int:
    """How many colours the terminal has, as far as we paint with them: all, 256, or none."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") in {"dumb", "unknown"}:
        return 0
    if os.environ.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}:
        return 1 << 24
    return 256 if os.environ["TERM"].endswith(("256color", "kitty")) else 0


def _with_tilde(path: str) -> str:
    """A path as people write it."""
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if home != "/" and path.startswith(f"{home}/") else path
