"""The verb ``demo``: a temporary runs directory with living sample runs, opened in the board and removed afterwards."""

from __future__ import annotations

from contextlib import ExitStack
from tempfile import mkdtemp

import click

from runboard.cli import stage
from runboard.cli.comfort import taste_of
from runboard.cli.desk import Desk, theme_option, verb
from runboard.cli.exits import DONE
from runboard.cli.opening import open_board, require_terminals
from runboard.cli.printing import put, say
from runboard.cli.samples import start_samples
from runboard.control import Control
from runboard.store import Store


@verb("demo", example="runboard demo")
@theme_option
@click.option("--no-board", is_flag=True, help="Start the runs, print their directory and leave it to you.")
def demo_verb(desk: Desk, *, no_board: bool) -> int:
    """Open a board of living sample runs in a directory of their own; all of it is gone when you leave.

    That also holds where the board is killed: a shell that waits beside it sees to it, or else your next board.

    Your own runs are not touched. The samples need nothing but sh and this Python.
    """
    if not no_board:
        require_terminals()
    root = mkdtemp(prefix=stage.PREFIX)
    with ExitStack() as leaving:
        props = stage.prepare(root)
        if not no_board:
            leaving.enter_context(stage.held(root))
        leaving.callback(clear_away, root)
        start_samples(Control(Store(root)), root, props)
        if not no_board:
            return open_board(root, writable=True, taste=taste_of(desk.options, writable=True))
        put(root)
        leaving.pop_all()
        return DONE


def clear_away(root: str) -> None:
    """End what still runs in a demo's directory, and remove the directory."""
    for complaint in stage.end_runs(root):
        say(complaint)
    if not stage.remove(root):
        say(f"{root} could not be removed; remove it by hand")
