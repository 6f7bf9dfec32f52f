"""What a person does to a run's processes: end them, stop them where they stand, let them go on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from signal import Signals

from runboard import edits, process
from runboard.errors import ControlError
from runboard.model import Run
from runboard.reconcile import finalize_run, request_kill, settle
from runboard.store import Store
from runboard.verdict import ENDING_SIGNALS, signal_name

HARMLESS = frozenset(
    {
        Signals.SIGCONT,
        *(Signals.SIGSTOP, Signals.SIGTSTP, Signals.SIGTTIN, Signals.SIGTTOU),
        *(Signals.SIGWINCH, Signals.SIGURG, Signals.SIGCHLD),
    }
)
"""Signals that end no process by default: they are sent without a kill request."""


def kill(store: Store, run_id: str, signal: int, grace: float, *, by: str, leader: bool = False) -> Run:
    """End a run's whole process tree, and return the run as it was settled (see ``Control.kill``).

    Raises:
        ControlError: It has ended already, its process is out of reach or not provably its own, or it survived.
        StoreError: The wish could not be written down; nothing was signalled then.
    """
    run = reachable(store, run_id, by=by)
    path = store.path(run_id)
    if signal not in HARMLESS:
        run = request_kill(store, run_id, signal, by=by)
        if not run.active:
            raise ControlError(_ended_sentence(run))
    try:
        if leader or signal not in ENDING_SIGNALS:
            process.signal_tree(run, path, signal, leader=leader)
            process.wait_gone(run, 0.2)
            return settle(store, run_id, by=by)
        end = process.end_tree(run, path, signal, grace)
    except process.NotOurs as refusal:
        raise _refused(run_id, refusal) from refusal
    settled = settle(store, run_id, gone_at=time.time(), by=by)
    if end.survivors:
        left = _named(end.survivors)
        raise ControlError(f"run {run_id}: {len(end.survivors)} of its processes survived SIGKILL: {left}")
    return settled


def signal_process(store: Store, run_id: str, who: tuple[int, int], signal: int, *, by: str) -> None:
    """Send one signal to one process of a run (see ``Control.signal_process``).

    Raises:
        ControlError: The run has ended or is out of reach, or the process is gone or not of it.
        StoreError: The wish to end its command could not be written down; nothing was signalled then.
    """
    run = reachable(store, run_id, by=by)
    if who == (run.process.pid, run.process.start_ticks):
        kill(store, run_id, signal, 0.0, by=by, leader=True)
        return
    try:
        process.signal_member(run, store.path(run_id), who, signal)
    except process.NotOurs as refusal:
        raise _refused(run_id, refusal) from refusal


def pause(store: Store, run_id: str, *, by: str) -> Run:
    """Stop every process of a run, those forked meanwhile too; who did it is kept in its history.

    Raises:
        ControlError: It has ended, is paused already, is out of reach or not provably ours, or some would not stop.
        StoreError: It is paused, and its history could not be written.
    """
    run = reachable(store, run_id, by=by)
    if run.paused:
        raise ControlError(f"run {run_id} is paused already; runboard continue {run_id} lets it go on")
    try:
        restless = process.hold_tree(run, store.path(run_id))
    except process.NotOurs as refusal:
        raise _refused(run_id, refusal) from refusal
    edits.step(store, run_id, "running", "paused", by=by)
    run = settle(store, run_id, by=by)
    if restless and run.active:
        raise ControlError(f"run {run_id}: {len(restless)} of its processes have not stopped: {_named(restless)}")
    return run


def resume(store: Store, run_id: str, *, by: str) -> Run:
    """Let every stopped process of a run go on; who did it is kept in its history.

    Raises:
        ControlError: It has ended, is out of reach or not provably ours, or some would not go on.
        StoreError: It goes on, and its history could not be written.
    """
    run = reachable(store, run_id, by=by)
    try:
        stuck = process.release_tree(run, store.path(run_id))
    except process.NotOurs as refusal:
        raise _refused(run_id, refusal) from refusal
    if run.paused:
        edits.step(store, run_id, "paused", "running", by=by)
    run = settle(store, run_id, by=by)
    if stuck and run.active:
        raise ControlError(f"run {run_id}: {len(stuck)} of its processes have stopped again: {_named(stuck)}")
    return run


def reachable(store: Store, run_id: str, *, by: str) -> Run:
    """The live run, with its process known and within reach.

    Raises:
        ControlError: It has ended, is damaged, runs elsewhere, or has not got a process yet.
    """
    run = settle(store, run_id, by=by)
    if run.damage is not None:
        raise ControlError(f"run {run_id} is damaged and was not signalled: {run.damage}")
    if not run.active:
        raise ControlError(_ended_sentence(run))
    if run.foreign is not None:
        raise ControlError(f"run {run_id} was not signalled: it runs {run.foreign}; stop it from there")
    deadline = time.monotonic() + 2.0
    while run.process.pid is None and time.monotonic() < deadline:
        time.sleep(0.01)
        run = finalize_run(store, run_id, by=by)
    if run.process.pid is None:
        raise ControlError(f"run {run_id} has no process yet; try again in a moment")
    return run


def _refused(run_id: str, refusal: process.NotOurs) -> ControlError:
    """That nothing was signalled, and why."""
    return ControlError(f"run {run_id} was not signalled: {refusal}")


def _named(members: Sequence[process.Member]) -> str:
    """Processes as people look for them."""
    return ", ".join(f"{member.pid} ({member.name})" for member in members)


def _ended_sentence(run: Run) -> str:
    """That there is nothing left to signal, and how it ended."""
    outcome = run.outcome
    how = str(run.status) if outcome is None or outcome.error is None else outcome.error
    sent = f" ({signal_name(outcome.signal)})" if outcome and outcome.signal and not outcome.error else ""
    return f"run {run.id} had already ended: {how}{sent}"
