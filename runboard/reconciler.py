"""Waits for endings and settles them on a loop and thread of its own: no screen, however slow, delays a verdict."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol, TypeVar

from runboard import process
from runboard.batch import Batch
from runboard.hook import EVENT as HOOK_FAILED
from runboard.model import Run
from runboard.reconcile import end_overdue, overdue, preview, settle
from runboard.store import NoSuchRun, Stamp, Store, StoreError
from runboard.tally import Tally
from runboard.watch import Watch

T = TypeVar("T")
SWEEP_SECONDS = 2.0
"""How often everything that may have changed unnoticed is looked at: what a watcher loses costs this, not truth."""

THOROUGH = 5
"""Of so many sweeps one looks at every record that may change, also at those whose writers keep the journal."""

GLANCE_SECONDS = 0.25
"""How often one who may not watch directories reads the journal instead."""

WORKERS = 4
"""Threads that settle: their fsyncs overlap."""

FOREIGN_WATCHES = 256
"""At most so many directories of active runs of the older tool are watched; the sweep sees to the rest."""


class Settle(Protocol):
    """Judges one run; ``settle`` persists what it finds, ``preview`` does not."""

    def __call__(self, store: Store, run_id: str, *, gone_at: float | None, kernel_status: int | None, by: str) -> Run:
        """Return the run as it stands."""


class Reconciler:
    """Keeps a picture of all runs true and hands over every change of it; stopping it stops nothing that runs."""

    def __init__(self, store: Store, *, writing: bool = True, by: str = "board") -> None:
        """Settle for good, or where not ``writing`` only in memory, watching no directory and taking no lock."""
        self._store = store
        self._writing = writing
        self._settle: Settle = settle if writing else preview
        self._by = by
        self._publish: Callable[[Batch], None] = lambda _batch: None
        self._runs: dict[str, Run] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._good: dict[str, float] = {}
        self._open: set[str] = set()
        self._busy: dict[str, bool] = {}
        self._seen: dict[str, tuple[float, int | None]] = {}
        self._notices: set[str] = set()
        self._tally = Tally(store)
        self._root_stamp: tuple[int, float] = (0, 0.0)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._leaving = False

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin; ``publish`` is called on the reconciler's thread and must not block."""
        self._publish = publish
        self._thread = threading.Thread(target=self._run, name="runboard-reconciler", daemon=True)
        self._thread.start()
        self._ready.wait(5.0)

    def stop(self) -> None:
        """Stop looking; returns when the thread has ended, or after five seconds where a disk hangs."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        if self._thread is not None:
            self._thread.join(5.0)

    def nudge(self, run_id: str) -> None:
        """Look at one run now, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._look_soon, run_id)

    def _run(self) -> None:
        """The thread, with an event loop of its own; if that ever fails, the board says that it shows nothing new."""
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001 - it ends on the screen
            sentence = f"runs are no longer watched, start the board again: {type(error).__name__}: {error}"
            self._publish(Batch(notices=(sentence,), complete=True))
            self._ready.set()

    async def _main(self) -> None:
        """Read everything, then keep it true until stopped."""
        self._loop = loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._wake = asyncio.Event()
        self._workers = ThreadPoolExecutor(WORKERS, "runboard-settle")
        self._journal = self._store.journal()
        self._exits = process.ExitWatch(loop, self._on_exit)
        self._watch = Watch(self._wake_threadsafe, self._notice_threadsafe) if self._writing else None
        self._ready.set()
        tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            self._leaving = True
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)  # Python 3.11 may lose a cancellation in wait_for
            if self._watch is not None:
                self._watch.close()
            self._exits.close()
            self._workers.shutdown(wait=False, cancel_futures=True)

    async def _keep(self) -> None:
        """The full listing first, then woken by notifiers, and by the clock for what they lose."""
        await self._list()
        self._publish(Batch(complete=True))
        pause, swept_at, turn = SWEEP_SECONDS if self._writing else GLANCE_SECONDS, 0.0, 0
        while not self._leaving:
            self._rewatch()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause)
            self._wake.clear()
            self._read_journal()
            if self._root_changed():
                await self._list()
            if time.monotonic() - swept_at >= SWEEP_SECONDS:
                self._look_at_open(thorough=turn % THOROUGH == 0)
                swept_at, turn = time.monotonic(), turn + 1

    async def _list(self) -> None:
        """List the directory: what is new is read, what is gone leaves the picture."""
        self._root_stamp = (self._root_time(), time.time())
        try:
            ids = await self._in_worker(self._store.ids)
        except StoreError as error:
            self._notice(str(error))
            return
        self._forget(set(self._runs) - set(ids))
        new = [run_id for run_id in ids if run_id not in self._runs]
        for start in range(0, len(new), 256):
            self._take(await self._in_worker(self._read_many, new[start : start + 256]))

    def _look_at_open(self, *, thorough: bool) -> None:
        """Look again at every run that may change: an ending not yet saved, its limit, a record that others rewrote.

        Whoever rewrites a record of ours says so in the journal; the older tool does not, and is looked at every time.
        """
        for run_id in list(self._open):
            run = self._runs[run_id]
            changed = (thorough or run.older) and self._store.stamp(run_id) != self._stamps.get(run_id)
            changed |= (thorough or run.paused) and process.paused(run) != run.paused
            unsure = run.unsaved or run.damage is not None or run.foreign is not None or run.process.pid is None
            if changed or unsure or self._tally.due(run, thorough=thorough) or not self._exits.add(run):
                self._look_soon(run_id)
            elif self._writing and run.timeout is not None and overdue(run):
                self._job(run_id, partial(end_overdue, self._store, run, by=self._by))

    def _read_journal(self) -> None:
        """Look at the runs that other processes say they changed."""
        for entry in self._journal.poll():
            run_id = entry.get("id")
            if isinstance(run_id, str) and run_id:
                self._look_soon(run_id)
            if entry.get("event") == HOOK_FAILED:
                self._notice(f"on_finish failed: {entry.get('reason')}")

    def _read_many(self, run_ids: Iterable[str]) -> list[tuple[Run, Stamp | None]]:
        """Read runs for the first time, in a worker."""
        found = []
        for run_id in run_ids:
            stamp = self._store.stamp(run_id)
            with suppress(NoSuchRun):
                found.append((self._store.read(run_id), stamp))
        return found

    def _take(self, found: Iterable[tuple[Run, Stamp | None]]) -> None:
        """Show runs just read, and begin to wait for those that run."""
        changed = []
        for run, stamp in found:
            self._stamps[run.id] = stamp
            self._hold(run)
            changed.append(run)
            if run.active:
                self._look_soon(run.id)
        if changed:
            self._publish(Batch(tuple(changed)))

    def _look_soon(self, run_id: str) -> None:
        """Look at one run in a worker; if it is being looked at, once more afterwards."""
        self._job(run_id, lambda: self._looked(run_id))

    def _on_exit(self, run_id: str, kernel_status: int | None) -> None:
        """A process has ended: what was seen of it is kept until the ending is saved, and every look goes by it."""
        self._seen[run_id] = (time.time(), kernel_status)
        self._look_soon(run_id)

    def _job(self, run_id: str, work: Callable[[], Run | None]) -> None:
        """Run one piece of work on a run in a worker; never two at once for the same run."""
        if run_id in self._busy or self._leaving:
            self._busy[run_id] = True
            return
        self._busy[run_id] = False
        if self._loop is not None:
            stamp = self._store.stamp(run_id)
            future = self._loop.run_in_executor(self._workers, work)
            future.add_done_callback(lambda done: self._job_done(run_id, stamp, done))

    def _job_done(self, run_id: str, stamp: Stamp | None, done: asyncio.Future[Run | None]) -> None:
        """Take over what the work found, and look once more if there was news meanwhile."""
        again = self._busy.pop(run_id, False)
        if done.cancelled() or self._leaving:
            return
        error = done.exception()
        if isinstance(error, NoSuchRun):
            self._forget({run_id})
        elif error is not None:
            self._notice(f"{run_id}: {error}")
            if not isinstance(error, (StoreError, process.NotOurs, OSError)):
                raise error
        else:
            self._took(run_id, stamp, done.result())
        if again:
            self._look_soon(run_id)

    def _took(self, run_id: str, stamp: Stamp | None, run: Run | None) -> None:
        """Keep a run as it was found, show it if it differs, and wait for its end if it runs."""
        if run is None:
            return
        # The stamp is from before the reading: a change in between is seen by the next sweep, never missed.
        self._stamps[run_id] = stamp if run.active else self._store.stamp(run_id)
        if not run.active and not run.unsaved:
            self._seen.pop(run_id, None)
            self._tally.forget(run_id)
        old = self._runs.get(run_id)
        self._hold(run)
        if run != old:
            self._publish(Batch((run,)))
        if run.active and run.foreign is None and run.process.pid is not None:
            if not self._exits.add(run) and self._loop is not None:
                self._loop.call_later(0.05, self._look_soon, run_id)
        else:
            self._exits.remove(run_id)

    def _hold(self, run: Run) -> None:
        """Take a run into the picture, and note whether it may still change."""
        self._runs[run.id] = run
        if run.finished and not run.unsaved:
            self._open.discard(run.id)
        else:
            self._open.add(run.id)

    def _looked(self, run_id: str) -> Run | None:
        """Judge one run in a worker; where its ending cannot be saved, in memory, to be tried again by the sweep."""
        gone_at, kernel_status = self._seen.get(run_id, (None, None))
        try:
            run = self._settle(self._store, run_id, gone_at=gone_at, kernel_status=kernel_status, by=self._by)
        except NoSuchRun:
            raise
        except StoreError as error:
            self._notice_threadsafe(str(error))
            return preview(self._store, run_id, gone_at=gone_at, kernel_status=kernel_status)
        return self._tally.look(run) if run.active else self._unless_torn(run)

    def _unless_torn(self, run: Run) -> Run | None:
        """A record that has just become unreadable is left as last seen for a moment: somebody may be writing it."""
        if run.damage is None:
            self._good.pop(run.id, None)
            return run
        old = self._runs.get(run.id)
        if old is None or old.damage is not None:
            return run
        since = self._good.setdefault(run.id, time.monotonic())
        return run if time.monotonic() - since > SWEEP_SECONDS else None

    def _forget(self, gone: set[str]) -> None:
        """Runs whose directories are gone leave the picture."""
        known = tuple(run_id for run_id in gone if self._runs.pop(run_id, None) is not None)
        self._open -= gone
        for run_id in gone:
            self._stamps.pop(run_id, None)
            self._seen.pop(run_id, None)
            self._tally.forget(run_id)
            self._exits.remove(run_id)
        if known:
            self._publish(Batch(removed=known))

    def _rewatch(self) -> None:
        """Watch the root, the journal, and the active runs of the older tool, which writes no journal."""
        if self._watch is None:
            return
        paths = [self._store.root, os.path.join(self._store.root, ".journal")]
        older = (run_id for run_id in self._open if self._runs[run_id].active and self._runs[run_id].older)
        paths += [self._store.path(run_id) for run_id, _ in zip(older, range(FOREIGN_WATCHES), strict=False)]
        self._watch.set_paths(path for path in paths if os.path.isdir(path))

    def _root_time(self) -> int:
        """When the runs directory last changed, in nanoseconds; 0 where there is none."""
        with suppress(OSError):
            return os.stat(self._store.root).st_mtime_ns
        return 0

    def _root_changed(self) -> bool:
        """Whether names came or went since the last listing; a listing made within the clock's grain does not count."""
        stamp, listed_at = self._root_stamp
        now = self._root_time()
        return now != stamp or listed_at - stamp / 1e9 < 0.05

    def _notice(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self._notices:
            self._notices.add(sentence)
            self._publish(Batch(notices=(sentence,)))

    def _notice_threadsafe(self, sentence: str) -> None:
        """Say something once, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._notice, sentence)

    def _wake_threadsafe(self) -> None:
        """Wake the keeper, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def _in_worker(self, work: Callable[..., T], *arguments: object) -> T:
        """Run blocking work in a worker."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work, *arguments)
