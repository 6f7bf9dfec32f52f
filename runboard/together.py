"""Many endings settled at once, in two waits for the disk in place of two for each; what is odd is settled alone.

The judgement, the lock, the record and its history are those of `finalize_run`; only the waits are shared.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

from runboard import disk, journal, process
from runboard.evidence import gather, may_be_agent
from runboard.folder import Draft, LockedRun
from runboard.model import Run
from runboard.reconcile import answered, fire, hook_words, judged, settle_or_preview
from runboard.row import Row
from runboard.store import NoSuchRun, Stamp, Store, StoreError

SHORT = 1 << 16
"""Bytes: a log that is longer is read by who settles its run alone, so that the others do not wait for it."""


class Ending(NamedTuple):
    """A process that has ended: when it was seen to, in epoch seconds, and the raw wait status where the kernel told.

    Both are None of one that was found dead.
    """

    run_id: str
    gone_at: float | None = None
    kernel_status: int | None = None


class Settled(NamedTuple):
    """A run that was settled, and the stamp of its record."""

    row: Row
    stamp: Stamp


class _Due(NamedTuple):
    """A run that has ended, its lock held, and what is to replace its record."""

    locked: LockedRun
    run: Run
    draft: Draft
    device: int


def finalize_together(store: Store, endings: Iterable[Ending], *, by: str) -> list[Settled]:
    """Settle those of these runs that can be settled together; nothing at all is changed of the others.

    Those are left that somebody else has settled or is at, whose ending is not certain yet, whose log is long, or of
    which anything fails; and all where the disk cannot be waited for together.
    """
    if not disk.quiet():
        return []
    with ExitStack() as held:
        due = [one for ending in endings if (one := _due(held, store, ending, by)) is not None]
        if not _durable(due):
            for one in due:
                one.locked.drop(one.draft)
            return []
        taken = [(one, stamp) for one in due if (stamp := _taken(one)) is not None]
        if not _durable([one for one, _ in taken]):
            return []  # they are read again, and shown as they are found
        _tell(store, [one.run for one, _ in taken], by)
    words = hook_words()
    for one, _ in taken if words else ():
        fire(store, words, one.run.id, one.draft.doc)
    rows = [Row.read(one.draft.doc, one.run.id) for one, _ in taken]
    return [Settled(row, stamp) for row, (_, stamp) in zip(rows, taken, strict=True) if row is not None]


def settle_all(store: Store, run_ids: Iterable[str] | None = None, *, by: str = "ps") -> list[Run]:
    """Every run as it truly stands; one that cannot be settled just now comes back judged in memory, ``unsaved``."""
    runs = []
    for run_id in store.ids() if run_ids is None else run_ids:
        with suppress(NoSuchRun):
            runs.append(store.read(run_id))
    dead = [run.id for run in runs if run.active and process.absent(run)]
    if len(dead) >= disk.SEVERAL:  # as after a restart of the machine
        for start in range(0, len(dead), disk.TOGETHER):
            finalize_together(store, map(Ending, dead[start : start + disk.TOGETHER]), by=by)
    found = []
    for run in runs:
        with suppress(NoSuchRun):
            found.append(settle_or_preview(store, run.id, by=by) if run.active else run)
    return _so_far(store, found)


def _so_far(store: Store, runs: list[Run]) -> list[Run]:
    """The runs, and of live agents what their logs say so far."""
    if not any(run.active and may_be_agent(run) for run in runs):
        return runs
    from runboard import tally  # noqa: PLC0415 - ps without live agents starts sooner without

    look = tally.Tally(store).look
    return [look(run) if run.active and tally.names_agent(run) else run for run in runs]


def _due(held: ExitStack, store: Store, ending: Ending, by: str) -> _Due | None:
    """A run that is to be settled, locked for as long as the stack is; None where it is to be settled alone."""
    with suppress(StoreError, OSError), ExitStack() as own:
        locked = own.enter_context(store.locked(ending.run_id, 0.0))
        if not locked.run.active:
            return None
        run, evidence = gather(locked, locked.run, ending.gone_at, ending.kernel_status, patient=True)
        if evidence is None or evidence.log_size > SHORT:
            return None
        finished = judged(run, evidence, by)
        if finished is None:
            return None
        device = os.fstat(locked.fd).st_dev
        draft = locked.draft(finished, answered(locked, evidence))
        held.push(own.pop_all())
        return _Due(locked, finished, draft, device)
    return None


def _durable(due: Sequence[_Due]) -> bool:
    """Wait until all that was written of these runs is on the disk, if one wait does for all of them."""
    return bool(due) and len({one.device for one in due}) == 1 and disk.sync_all(due[0].locked.fd)


def _taken(one: _Due) -> Stamp | None:
    """Replace a record; None where that fails, and the old one stays."""
    with suppress(StoreError):
        return one.locked.take_over(one.draft)
    return None


def _tell(store: Store, runs: Iterable[Run], by: str) -> None:
    """Tell the journal; a full disk costs other boards some seconds, and must not undo what is written already."""
    with suppress(OSError):
        journal.append(store.root, *(_entry(run, by) for run in runs))


def _entry(run: Run, by: str) -> dict[str, object]:
    """What the journal says of an ending."""
    reason = str(run.outcome.reason or "") if run.outcome else ""
    return {"id": run.id, "event": "finished", "from": "running", "to": str(run.status), "reason": reason, "by": by}
