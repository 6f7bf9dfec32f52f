"""The verbs about endings: ``wait``, ``kill`` and ``reconcile``."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import click

from runboard.cli.desk import Desk, each, find, verb
from runboard.cli.exits import DONE, FAILED, Failure
from runboard.cli.printing import is_terminal, say
from runboard.cli.values import duration, signal_number
from runboard.cli.verdicts import code_of, verdict
from runboard.late import pattern
from runboard.model import Run
from runboard.reconcile import preview, settle, settle_or_preview, wait_for
from runboard.store import NoSuchRun, Store, StoreError
from runboard.verdict import signal_name

_BARE_SIGNAL = pattern(r"-(\d+|[A-Z][A-Z0-9]+(?:[+-]\d+)?)", re.ASCII)


class Kill(click.Command):
    """Takes ``-9`` and ``-TERM`` as kill(1) does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a signal behind a dash as the value of ``--signal``."""
        end = args.index("--") if "--" in args else len(args)
        spelled: list[str] = []
        for arg in args[:end]:
            spelled += ["--signal", arg[1:]] if _BARE_SIGNAL.fullmatch(arg) else [arg]
        return super().parse_args(ctx, spelled + args[end:])


@verb("wait", example="runboard wait @last && runboard logs @last")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def wait_verb(desk: Desk, *, run_ids: Sequence[str]) -> int:
    """Wait until runs have ended, and exit with the run's own code.

    A run ended by a signal gives 128 + its number, one over its time limit 124. Of several: 0 if all completed, else 4.
    """
    store = desk.store()
    return each(run_ids, lambda run_id: waited(store, run_id), meaning=lambda text: find(store, text))


def waited(store: Store, run_id: str) -> int:
    """Wait for one run, say how it ended, and return its code.

    Raises:
        Failure: Its record is damaged, so nobody can know.
        StoreError: It is gone.
    """
    run = settle_or_preview(store, run_id, by="wait")
    if run.foreign is not None:
        say(f"{run_id} runs {run.foreign}; waiting for word from there")
    try:
        run = wait_for(store, run_id)
    except NoSuchRun:
        raise
    except StoreError:
        # Nothing can be written here; the ending is as true in memory.
        run = preview(store, run_id)
        if run.active:
            raise
    if run.damage is not None:
        raise Failure(f"run {run_id} cannot be waited for: {run.damage}")
    say(verdict(run))
    return code_of(run)


@verb("kill", example="runboard kill -s INT --grace 30s a1b2", kind=Kill)
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "-s", "--signal", type=signal_number, default="TERM", metavar="SIGNAL", help="Name or number; TERM if left out."
)
@click.option(
    "--grace", type=duration, default="5s", metavar="TIME", help="How long until KILL follows; 5s if left out."
)
@click.option("--leader", is_flag=True, help="Only the command itself, once, without what it started.")
def kill_verb(desk: Desk, *, run_ids: Sequence[str], signal: int, grace: float, leader: bool) -> int:
    """End a run's whole process tree, and make sure that nothing of it is left.

    Signals that end nothing by themselves, such as USR1, STOP and CONT, are only sent.
    """
    from runboard.control import Control, ControlError  # noqa: PLC0415 - reconcile runs at every ending without it

    store = desk.store()
    control = Control(store)

    def kill(run_id: str) -> int:
        """Signal one and say what came of it."""
        run = control.kill(run_id, signal, grace, leader=leader)
        say(verdict(run) if run.finished else f"{run.id} was sent {signal_name(signal)}; it has not ended")
        return DONE

    return each(run_ids, kill, (ControlError,), lambda text: find(store, text))


@verb("reconcile", example="runboard reconcile --verbose")
@click.argument("run_ids", metavar="[ID]...", nargs=-1)
@click.option("--forever", is_flag=True, help="Go on settling runs as they end, one line for each, until interrupted.")
@click.option("-v", "--verbose", is_flag=True, help="Say how each run stands.")
def reconcile_verb(desk: Desk, *, run_ids: Sequence[str], forever: bool, verbose: bool) -> int:
    """Settle runs that have ended, without a board: all of them, or those named.

    Every run does this by itself when it ends; it matters only for those that could not.
    """
    if forever and run_ids:
        raise click.UsageError("--forever settles all runs; it takes no ID.")
    store = desk.store()
    if forever:
        from runboard.cli.keeping import settle_forever  # noqa: PLC0415 - loads asyncio

        return settle_forever(store)
    telling = verbose or (is_terminal(sys.stdout) and is_terminal(sys.stderr))

    def settle_one(run_id: str) -> int:
        """Settle one and say how it stands."""
        before = store.read(run_id)
        run = settle(store, before.id) if before.active else before
        if run.finished:
            store.tidy(run.id)
        if verbose or (telling and (run_ids or before.active)):
            say(_standing(run))
        return FAILED if run.damage is not None and run_ids else DONE

    if run_ids:
        return each(run_ids, settle_one, meaning=lambda text: find(store, text))
    return each(store.ids(), settle_one)


def _standing(run: Run) -> str:
    """How a run stands, in one line."""
    if run.foreign is not None:
        return f"{run.id} runs {run.foreign}"
    return f"{run.id} {run.status}" if run.active else verdict(run)
