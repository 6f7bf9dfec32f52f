"""The verb ``demo``: a temporary runs directory with living sample runs, opened in the board and removed afterwards."""

from __future__ import annotations

import time
from contextlib import ExitStack
from signal import SIGKILL
from tempfile import mkdtemp

import click

from runboard import tree
from runboard.cli.comfort import taste_of
from runboard.cli.desk import Desk, theme_option, verb
from runboard.cli.exits import DONE
from runboard.cli.opening import open_board, require_terminals
from runboard.cli.printing import put, say
from runboard.cli.samples import start_samples
from runboard.control import Control, ControlError
from runboard.store import Store, StoreError
from runboard.together import settle_all

_REMOVAL_LIMIT = 3.0


@verb("demo", example="runboard demo")
@theme_option
@click.option("--no-board", is_flag=True, help="Start the runs, print their directory and leave it to you.")
def demo_verb(desk: Desk, *, no_board: bool) -> int:
    """Open a board of living sample runs in a directory of their own; all of it is gone when you leave.

    Your own runs are not touched. The samples need nothing but sh and this Python.
    """
    if not no_board:
        require_terminals()
    root = mkdtemp(prefix="runboard-demo-")
    with ExitStack() as leaving:
        leaving.callback(clear_away, root)
        start_samples(Control(Store(root)), root)
        if not no_board:
            return open_board(root, writable=True, taste=taste_of(desk.options, writable=True))
        put(root)
        leaving.pop_all()
        return DONE


def clear_away(root: str) -> None:
    """End what still runs in a demo's directory, and remove the directory."""
    store = Store(root)
    control = Control(store)
    for run in settle_all(store):
        if run.active:
            try:
                control.kill(run.id, SIGKILL, 0.0)
            except (ControlError, StoreError) as error:
                say(str(error))
    deadline = time.monotonic() + _REMOVAL_LIMIT
    while time.monotonic() < deadline:
        try:
            tree.remove_path(root)
        except FileNotFoundError:
            continue  # a shim that was settling its run took a file away; look again
        except OSError:
            time.sleep(0.02)
            continue
        return
    say(f"{root} could not be removed; remove it by hand")
