"""One look at one run, in a thread: judged and settled, or where that cannot be written, judged in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from runboard import files
from runboard.folder import RECORD, stamp_of
from runboard.model import Run
from runboard.reconcile import preview, settle
from runboard.store import NoSuchRun, Stamp, Store, StoreError
from runboard.tally import LOG, Tally

if TYPE_CHECKING:
    from runboard.settlers import Settlers
    from runboard.together import Settled

TORN_SECONDS = 2.0
"""So long a record that has just become unreadable may be in the middle of being written."""


class Settle(Protocol):
    """Judges one run; ``settle`` persists what it finds, ``preview`` does not."""

    def __call__(
        self,
        store: Store,
        run_id: str,
        *,
        gone_at: float | None,
        kernel_status: int | None,
        by: str,
        told_soon: Callable[[], bool],
    ) -> Run:
        """Return the run as it stands."""


class Glance:
    """Looks at runs, each in one thread at a time, and remembers what was seen of their ends until they are saved."""

    def __init__(
        self,
        store: Store,
        *,
        writing: bool,
        by: str,
        complain: Callable[[str], None],
        told_soon: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Settle for good, or where not ``writing`` in memory; ``complain`` is called in the thread.

        ``told_soon`` says of a run found dead that the kernel is about to tell how it ended.
        """
        self.tally = Tally(store, writing=writing)
        self._store = store
        self._settle: Settle = settle if writing else preview
        self._by = by
        self._complain = complain
        self._told_soon = told_soon
        self._seen: dict[str, tuple[float, int | None]] = {}
        self._torn: dict[str, float] = {}
        self._settlers: Settlers | None = None

    def due(self, run: Run, stamp: Stamp | None, *, turn: bool) -> bool:
        """Whether an open run is to be looked at again: its record lost its ``stamp``, or its log has grown.

        The older tool's records, and in its ``turn`` each, are asked; else only the logs that are followed.
        """
        if not turn and not run.older:
            return self.tally.due(run)
        try:
            with files.opened(self._store.open_dir(run.id)) as fd:
                record, log = files.found(RECORD, fd), files.found(LOG, fd)
        except (StoreError, OSError):
            return True
        now = stamp_of(record) if record is not None and files.is_plain(record) else None
        grown = (turn or self.tally.follows(run)) and self.tally.grown(run, log.st_size if log else 0)
        return grown or now != stamp

    def saw_exit(self, run_id: str, kernel_status: int | None) -> None:
        """A process has ended just now: every look goes by that until the ending is saved."""
        self._seen[run_id] = (time.time(), kernel_status)

    def forget(self, run_id: str) -> None:
        """Remember nothing of a run."""
        self._seen.pop(run_id, None)
        self._torn.pop(run_id, None)
        self.tally.forget(run_id)

    def look(self, run_id: str, *, good: bool) -> Run | None:
        """The run as it stands; None where it was ``good`` the last time and its record is being written, it seems.

        Raises:
            NoSuchRun: It is not there any more.
        """
        gone_at, kernel_status = self._seen.get(run_id, (None, None))
        try:
            run = self._settle(
                self._store,
                run_id,
                gone_at=gone_at,
                kernel_status=kernel_status,
                by=self._by,
                told_soon=partial(self._told_soon, run_id),
            )
        except NoSuchRun:
            raise
        except StoreError as error:
            self._complain(str(error))
            return preview(self._store, run_id, gone_at=gone_at, kernel_status=kernel_status)
        return self.tally.look(run) if run.active else self._unless_torn(run, good=good)

    def read_many(self, run_ids: Iterable[str]) -> list[tuple[Run, Stamp | None]]:
        """Read runs for the first time; those that are gone are left out."""
        found = []
        for run_id in run_ids:
            stamp = self._store.stamp(run_id)
            with suppress(NoSuchRun):
                found.append((self._store.read(run_id), stamp))
        return found

    def settle_together(self, run_ids: Iterable[str], waiting: int) -> list[Settled]:
        """Settle several runs that seem over, while so many more wait; those not told of are to be looked at."""
        from runboard.settlers import Settlers  # noqa: PLC0415 - the board starts sooner without
        from runboard.together import Ending  # noqa: PLC0415 - the same

        if self._settlers is None:
            self._settlers = Settlers(self._store, self._by)
        seen = [Ending(run_id, *self._seen.get(run_id, ())) for run_id in run_ids]
        return self._settlers.settle(seen, waiting)

    def rest(self) -> None:
        """Keep no process that is there for many endings, as none wait."""
        if self._settlers is not None:
            self._settlers.rest()

    def close(self) -> None:
        """Keep none ever again."""
        if self._settlers is not None:
            self._settlers.close()

    def _unless_torn(self, run: Run, *, good: bool) -> Run | None:
        """A record that has just become unreadable is left as last seen for a moment: somebody may be writing it."""
        if run.damage is None:
            self._torn.pop(run.id, None)
            return run
        if not good:
            return run
        since = self._torn.setdefault(run.id, time.monotonic())
        return run if time.monotonic() - since > TORN_SECONDS else None
