"""Waits for endings and settles them on a loop and thread of its own: no screen, however slow, delays a verdict."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from runboard import process
from runboard.batch import Batch
from runboard.glance import Glance
from runboard.hook import EVENT as HOOK_FAILED
from runboard.index import Index
from runboard.jobs import Jobs, fail, nothing
from runboard.listing import Listing
from runboard.looping import Looping
from runboard.model import Run
from runboard.picture import Picture, unsure
from runboard.reconcile import end_overdue, overdue
from runboard.row import Row
from runboard.store import NoSuchRun, Stamp, Store, StoreError
from runboard.watch import Watch

if TYPE_CHECKING:
    from runboard.together import Settled

SWEEP_SECONDS = 2.0
"""How often everything that may have changed unnoticed is looked at: what a watcher loses costs this, not truth."""

THOROUGH = 32
"""In one sweep so many records are looked at, in turn, whose writers keep the journal."""

AT_A_STRETCH = 50
"""After so many runs looked at in a sweep whatever has happened meanwhile is heard."""

STALE = 100
"""In one sweep so many records of finished runs are looked at, in turn."""

KEPT_SWEEPS = 5
"""In one of so many sweeps the index learns what was settled: that waits for the disk, as whoever settles does."""

GLANCE_SECONDS = 0.25
"""How often one who may not watch directories reads the journal instead."""

FEW = 200
"""Up to so many runs are read without asking the index."""

FOREIGN_WATCHES = 256
"""At most so many directories of active runs of the older tool are watched; the sweep sees to the rest."""


class Reconciler:
    """Keeps a picture of all runs true and hands over every change of it; stopping it stops nothing that runs."""

    def __init__(self, store: Store, *, writing: bool = True, by: str = "board", index: Index | None = None) -> None:
        """Settle for good, or where not ``writing`` only in memory, watching no directory and taking no lock.

        Of many runs the ``index`` tells the finished ones, where it is given.
        """
        self._store = store
        self._index = index
        self._indexed = False
        self._settled: set[str] = set()
        self._writing = writing
        self._by = by
        self._publish: Callable[[Batch], None] = lambda _batch: None
        self._looping = Looping("runboard-reconciler", self._main, self._failed)
        self._say = partial(self._looping.call, self._notice)
        self._glance = Glance(
            store,
            writing=writing,
            by=by,
            complain=self._say,
            told_soon=lambda one: self._exits.ending(one),  # noqa: PLW0108 - it is made later
        )
        self._picture = Picture(self._glance.tally.follows)
        self._notices: set[str] = set()
        self._blind = False
        self._listing = Listing(store.root)
        self._leaving, self._sweeps = False, 0

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin; ``publish`` is called on the reconciler's thread and must not block."""
        self._publish = publish
        self._looping.start()

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended, or after five seconds where a disk hangs."""
        self._leaving = True
        self._looping.stop()

    def nudge(self, run_id: str) -> None:
        """Look at one run now, and from now on before all others; from any thread."""
        self._looping.call(partial(self._look_soon, run_id, favoured=True))

    def _failed(self, error: Exception) -> None:
        """If looking ever fails, the board says that it shows nothing new."""
        sentence = f"runs are no longer watched, start the board again: {type(error).__name__}: {error}"
        self._publish(Batch(notices=(sentence,), complete=True))

    async def _main(self) -> None:
        """Read everything, then keep it true until cancelled."""
        self._loop = loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._jobs = Jobs(loop, self._settle_together if self._writing else None)
        self._journal = self._store.journal()
        patience = process.REAP_SECONDS if self._writing else process.PATIENT_SECONDS
        self._exits = process.ExitWatch(loop, self._on_exit, patience=patience)
        self._watch = Watch(partial(self._looping.call, self._changed_in), self._say) if self._writing else None
        self._looping.ready()
        try:
            await self._keep()
        finally:
            if self._watch is not None:
                self._watch.close()
            self._exits.close()
            self._jobs.close()
            self._glance.close()

    async def _keep(self) -> None:
        """The full listing first, then woken by notifiers, and by the clock for what they lose."""
        await self._load()
        self._publish(Batch(complete=True))
        swept_at = 0.0
        while not self._leaving:
            self._rewatch()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause())
            self._wake.clear()
            self._read_journal()
            if self._listing.due_in() == 0.0:
                await self._list()
            if time.monotonic() - swept_at >= SWEEP_SECONDS:
                await self._look_at_open()
                await self._look_at_done()
                swept_at = time.monotonic()

    def _pause(self) -> float:
        """How long to wait for a notifier."""
        pause = SWEEP_SECONDS if self._writing else GLANCE_SECONDS
        due = self._listing.due_in()
        return pause if due is None else min(pause, max(0.01, due))

    async def _load(self) -> None:
        """Show what there is: of many runs the newest rows of the index, then the open runs, then the rest."""
        index, in_thread = self._index, self._jobs.in_thread
        try:
            if index is None or await in_thread(self._store.few_ids, FEW) is not None:
                await self._list()
                return
            self._listing.begin()
            synced = await in_thread(index.sync)
        except StoreError:
            await self._list()  # which tells what is wrong
            return
        self._indexed = True
        self._listing.end()
        pages = index.rows()
        self._show_rows(await in_thread(next, pages, []))
        for start in range(0, len(synced.open), 256):
            self._take(await in_thread(self._glance.read_many, synced.open[start : start + 256]))
        while rows := await in_thread(next, pages, []):
            self._show_rows(rows)

    def _show_rows(self, rows: list[Row]) -> None:
        """Show rows of the index, except of runs that are known to be open."""
        told = tuple(row for row in rows if row.id not in self._picture.open)
        self._picture.take_rows(told)
        self._publish(Batch(rows=told))

    async def _list(self) -> None:
        """List the directory: what is new is read, what is gone leaves the picture."""
        self._listing.begin()
        try:
            names = await self._jobs.in_thread(self._store.ids)
        except StoreError as error:
            self._notice(str(error))
            return
        new, gone = self._picture.compare(names)
        self._forget(gone)
        self._listing.end()
        for start in range(0, len(new), 256):
            self._take(await self._jobs.in_thread(self._glance.read_many, new[start : start + 256]))

    async def _look_at_open(self) -> None:
        """Look again at every run that may change: an ending not yet saved, its limit, a record that others rewrote.

        Whoever rewrites a record of ours says so in the journal; the older tool does not, and is looked at every time.
        """
        thorough = dict.fromkeys(self._picture.some_open(THOROUGH))
        for number, run_id in enumerate(thorough | self._picture.restless | dict.fromkeys(self._exits.told), 1):
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
            run = self._picture.open.get(run_id)
            if run is None or self._jobs.pending(run_id):
                continue
            due = self._glance.due(run, self._picture.stamp(run_id), turn=run_id in thorough)
            if due or unsure(run) or not self._exits.add(run):
                self._look_soon(run_id)
            elif self._writing and run.timeout is not None and overdue(run):
                self._jobs.add(run_id, partial(self._done, run_id, partial(end_overdue, self._store, run, by=self._by)))

    async def _look_at_done(self) -> None:
        """Look again at some finished runs whose records somebody may have changed without a word in the journal."""
        settled: set[str] = set()
        self._sweeps += 1
        if not self._jobs.flooded:
            self._glance.rest()
            if self._sweeps % KEPT_SWEEPS == 0:
                settled, self._settled = self._settled, settled
        some = ((run_id, self._picture.stamp(run_id)) for run_id in self._picture.some_done(STALE))
        known = [(run_id, stamp) for run_id, stamp in some if stamp is not None]  # of the others the index knows it
        for run_id in await self._jobs.in_thread(self._changed, known, settled):
            self._look_soon(run_id)

    def _changed(self, known: Iterable[tuple[str, Stamp]], settled: set[str]) -> list[str]:
        """Which records are not what they were, in a thread; the index first learns of what has been settled."""
        changed = [run_id for run_id, stamp in known if self._store.stamp(run_id) != stamp]
        if self._index is None or not self._indexed:
            return changed
        with suppress(StoreError):
            self._index.refresh(settled)  # of none it asks nobody
        return changed + self._index.stale(STALE)

    def _read_journal(self) -> None:
        """Look at the runs that other processes say they changed; what is told of our own endings is known."""
        for entry in self._journal.poll():
            run_id = entry.get("id")
            stamp = self._store.stamp if entry.get("event") != "finished" else None  # that happens once
            if isinstance(run_id, str) and run_id and not self._picture.known(run_id, stamp):
                self._look_soon(run_id)
            if entry.get("event") == HOOK_FAILED:
                self._publish(Batch(unheard=((str(run_id), str(entry.get("reason"))),)))

    def _take(self, found: Iterable[tuple[Run, Stamp | None]]) -> None:
        """Show runs just read, and begin to wait for those that run."""
        told = [batch for run, stamp in found if (batch := self._picture.take(run, stamp)) is not None]
        changed = tuple(run for batch in told for run in batch.changed)
        rows = tuple(row for batch in told for row in batch.rows)
        if changed or rows:
            self._publish(Batch(changed, rows=rows))
        for run in changed:
            if run.active:
                self._look_soon(run.id, ended=process.absent(run))

    def _look_soon(self, run_id: str, *, favoured: bool = False, ended: bool = False) -> None:
        """Look at one run in a thread; if it is being looked at, once more afterwards."""
        if favoured:
            self._jobs.favour(run_id)
        add = self._jobs.add_ended if ended else self._jobs.add
        add(run_id, partial(self._done, run_id, partial(self._look, run_id), ended=ended))

    def _look(self, run_id: str) -> Run | None:
        """Look at one run, in a thread."""
        old = self._picture.open.get(run_id)
        return self._glance.look(run_id, good=run_id in self._picture and (old is None or old.damage is None))

    def _on_exit(self, run_id: str, kernel_status: int | None) -> None:
        """A process has ended; of many the newest is settled first: somebody may be looking at it."""
        self._glance.saw_exit(run_id, kernel_status)
        self._look_soon(run_id, ended=True)

    def _settle_together(self, run_ids: Sequence[str], waiting: int) -> Callable[[], None]:
        """Settle several endings in a thread, while so many more wait; returns how to take that over, on the loop."""
        try:
            return partial(self._took_together, run_ids, self._glance.settle_together(run_ids, waiting))
        except Exception as error:  # noqa: BLE001 - it is raised again, on the loop
            return partial(fail, error)

    def _took_together(self, run_ids: Iterable[str], settled: Sequence[Settled]) -> None:
        """Show what was settled together, and look at each of the others alone."""
        for row, stamp in settled:
            self._glance.forget(row.id)
            self._picture.close(row.id, stamp)
        self._settled.update(row.id for row, _ in settled)
        if settled:
            self._publish(Batch(rows=tuple(row for row, _ in settled)))
        for run_id in set(run_ids).difference(row.id for row, _ in settled):
            self._look_soon(run_id)

    def _done(self, run_id: str, work: Callable[[], Run | None], *, ended: bool = False) -> Callable[[], None]:
        """Do some work on a run in a thread; returns how to take over what it found, on the loop."""
        # The stamp is from before the reading: a change in between is seen by a later sweep, never missed.
        stamp = None if ended else self._store.stamp(run_id)
        if self._picture.settled(run_id, stamp):  # as after each ending of ours, which the journal names too
            return nothing
        try:
            run = work()
        except NoSuchRun:
            return partial(self._forget, {run_id})
        except (StoreError, process.NotOurs, OSError) as error:
            return partial(self._notice, f"{run_id}: {error}")
        except Exception as error:  # noqa: BLE001 - it is raised again, on the loop
            return partial(fail, error)
        if run is None:
            return nothing
        if not run.active:
            stamp = self._store.stamp(run_id)
        return partial(self._took, run, stamp)

    def _took(self, run: Run, stamp: Stamp | None) -> None:
        """Keep a run as it was found, show it if it differs, and wait for its end if it runs."""
        if not run.active and not run.unsaved:
            self._glance.forget(run.id)
        batch = self._picture.take(run, stamp)
        if batch is not None:
            self._publish(batch)
            self._settled.update(row.id for row in batch.rows)
        if run.active and run.foreign is None and run.process.pid is not None:
            if not self._exits.add(run):
                self._loop.call_later(0.05, self._look_soon, run.id)
        else:
            self._exits.remove(run.id)

    def _forget(self, gone: set[str]) -> None:
        """Runs whose directories are gone leave the picture."""
        for run_id in gone:
            self._glance.forget(run_id)
            self._exits.remove(run_id)
        known = self._picture.forget(gone)
        if known:
            self._publish(Batch(removed=known))

    def _rewatch(self) -> None:
        """Watch the root, the journal, and the active runs of the older tool, which writes no journal."""
        if self._watch is None:
            return
        names, root = ("", ".journal", *islice(self._picture.older, FOREIGN_WATCHES)), self._store.root
        self._watch.set_paths(path for name in names if os.path.isdir(path := f"{root}/{name}"))
        if self._blind != self._watch.blind:
            self._blind = self._watch.blind
            self._publish(Batch(blind=self._blind))

    def _notice(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self._notices:
            self._notices.add(sentence)
            self._publish(Batch(notices=(sentence,)))

    def _changed_in(self, paths: Iterable[str]) -> None:
        """Wake the keeper, and look at the older tool's runs whose directories these are: it writes no journal."""
        for run_id in map(os.path.basename, paths):
            if run_id in self._picture.older:
                self._look_soon(run_id)
        self._wake.set()
