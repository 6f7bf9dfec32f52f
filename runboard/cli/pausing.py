"""The verbs that stop a run where it stands and let it go on: ``pause`` and ``continue``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from runboard.cli.desk import Desk, each, find, verb
from runboard.cli.exits import DONE
from runboard.cli.printing import say
from runboard.cli.verdicts import verdict
from runboard.control import Control, ControlError
from runboard.model import Run


@verb("pause", example="runboard pause a1b2")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def pause_verb(desk: Desk, *, run_ids: Sequence[str]) -> int:
    """Stop every process of a run where it stands (SIGSTOP), until it is told to go on.

    Its time limit goes on, for it counts hours and not work; a paused run can be killed as any other.
    """
    return _each(desk, run_ids, Control.pause, "is paused")


@verb("continue", example="runboard continue a1b2")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def continue_verb(desk: Desk, *, run_ids: Sequence[str]) -> int:
    """Let every stopped process of a run go on (SIGCONT)."""
    return _each(desk, run_ids, Control.resume, "goes on")


def _each(desk: Desk, run_ids: Sequence[str], act: Callable[[Control, str], Run], told: str) -> int:
    """Do it to each run and say so."""
    store = desk.store()
    control = Control(store)

    def do(run_id: str) -> int:
        """Do it to one."""
        run = act(control, run_id)
        say(f"{run_id} {told}" if run.active else verdict(run))
        return DONE

    return each(run_ids, do, (ControlError,), lambda text: find(store, text))
