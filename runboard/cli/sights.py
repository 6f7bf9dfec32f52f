"""What the board's panes read of runs, wired from a store and the process table."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING

from runboard import logs, process, worktree
from runboard.model import Run
from runboard.safetext import clean
from runboard.store import Store, StoreError
from runboard.ui.sources import Opened, Sources

if TYPE_CHECKING:
    from runboard.worktree import Changes


def sources_of(store: Store, *, programs: bool = True) -> Sources:
    """What is read of the runs of a store; the pane and the table have a gauge each, for each reads in its thread.

    Without ``programs`` none is started.
    """
    changes = partial(_changes, store) if programs else _no_git
    opened = partial(_opened, store) if programs else None
    ends = partial(last_line_of, store)
    trees, sums = cache(lambda: process.Gauge()), cache(lambda: process.Gauge())  # noqa: PLW0108 - it loads with the first look
    return Sources(
        partial(_whole, store),
        changes,
        lambda run: trees().processes(run),
        lambda runs: sums().loads(runs),
        ends,
        opened,
    )


def last_line_of(store: Store, run: Run) -> str:
    """The last line of a run's log, clean."""
    return logs.last_line(partial(store.open_file, run.id, logs.NAME))


def _opened(store: Store, run_id: str, program: str) -> Opened:
    """The log of a run in another program."""
    from runboard.cli.outside import open_log  # noqa: PLC0415 - it loads when it is first wanted

    return open_log(store, os.environ, run_id, program)


def _whole(store: Store, run: Run) -> Run:
    """All of a run: of a live one the board knows more than the disk, of one that has ended less, not of its hook."""
    if run.active or run.unsaved:
        return run
    from runboard import hook  # noqa: PLC0415 - it loads when it is first wanted

    failed = None
    with suppress(StoreError):
        run = store.read(run.id)
        failed = hook.mishap(store.root, run.id, store.read_json(run.id, hook.RESULT))
    if failed is None:
        return run
    place = next((at for at, step in enumerate(run.history) if step.at > failed.at), len(run.history))
    return run._replace(history=(*run.history[:place], failed, *run.history[place:]))


def _no_git(_run: Run, _unwanted: Callable[[], bool]) -> Changes:
    """A board that only looks starts no program, not even one that only reads."""
    return worktree.Changes(trouble="What changed is told by git, and a board that only looks starts no program")


def _changes(store: Store, run: Run, unwanted: Callable[[], bool]) -> Changes:
    """What a run changed; its working directory is looked at only where that is one of this machine's."""
    try:
        whole = store.read(run.id)  # the board keeps of a finished run only what its row shows
    except StoreError as error:
        return worktree.Changes(trouble=clean(str(error)))
    return worktree.changes_of(
        store.path(run.id), whole.cwd if process.where(whole.process) is None else None, unwanted
    )
