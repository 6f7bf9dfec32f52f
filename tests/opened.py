"""The board as a process of its own, wired as the program wires it, with ways to make it fail on purpose."""

from __future__ import annotations

import os
import sys
from functools import partial

from runboard import state
from runboard.board import Board
from runboard.control import Control
from runboard.logs import LogView
from runboard.reconciler import Reconciler
from runboard.store import Store
from runboard.ui.showing import show


def crash(_app: object) -> None:
    """Fail in the middle of everything, with a local variable that nobody may see."""
    secret = "hunter2"
    raise RuntimeError(f"broken on purpose, {len(secret)}\x1b]0;owned\x07")


def main(runs: str, *how: str) -> int:
    """Open the board on ``runs``: to ``watch``, to ``crash`` at ?, on ``stock`` Textual, ``undropped`` or forgetful."""
    for name in [name for name in os.environ if name.startswith("TEXTUAL")]:
        del os.environ[name]
    store = Store(runs)
    watching = "watch" in how
    if "crash" in how:
        from runboard.ui.app import RunboardApp  # noqa: PLC0415 - only where it is changed

        RunboardApp.action_help = crash  # type: ignore[assignment]
    if "stock" in how:
        from textual.app import App  # noqa: PLC0415 - only where it is needed
        from textual.drivers.linux_driver import LinuxDriver  # noqa: PLC0415

        from runboard.ui.terminal import TerminalApp  # noqa: PLC0415

        TerminalApp.get_driver_class = lambda _self: LinuxDriver  # type: ignore[assignment]
        TerminalApp._display = App._display  # type: ignore[method-assign,assignment]
    if "undropped" in how:
        from runboard.ui.writer import Writer  # noqa: PLC0415 - likewise

        Writer.behind = property(lambda _self: False)  # type: ignore[assignment,method-assign]
    if "forgetful" in how:
        from runboard.ui.terminal import TerminalApp  # noqa: PLC0415 - likewise

        owed = TerminalApp.owed
        TerminalApp.owed = lambda self: owed(self)[:0]  # type: ignore[method-assign]
    return show(
        Board(),
        Reconciler(store, writing=not watching),
        None if watching else Control(store),
        lambda run_id: LogView(partial(store.open_file, run_id, "output.log")),
        title=runs,
        keep_crash=partial(state.keep_report, state.folder(os.environ)),
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
