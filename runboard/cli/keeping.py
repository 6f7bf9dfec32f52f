"""``reconcile --forever``: settles runs as they end, with no screen."""

from __future__ import annotations

import os
import signal
import sys
import time

from runboard import late
from runboard.batch import Batch
from runboard.cli.exits import DONE, INTERRUPTED, PIPE_CLOSED
from runboard.cli.printing import complain, put
from runboard.cli.verdicts import verdict
from runboard.model import Run
from runboard.process import raise_file_limit
from runboard.reconciler import Reconciler
from runboard.safetext import clean
from runboard.store import Store

_ENDINGS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: DONE, signal.SIGHUP: DONE, signal.SIGPIPE: PIPE_CLOSED}


class Teller:
    """Prints one line for each ending that it sees happen, on the reconciler's thread."""

    def __init__(self) -> None:
        """Begin now: what ended before is no news."""
        self._begun = time.time()
        self._live: set[str] = set()
        self._told: set[str] = set()

    def hear(self, batch: Batch) -> None:
        """Take one batch of news; a quick run is seen for the first time when it has ended."""
        for sentence in batch.notices:
            complain(sentence)
        for run_id, why in batch.unheard:
            complain(clean(f"on_finish failed for {run_id}: {why}"))
        for run in batch.changed:
            if run.active:
                self._live.add(run.id)
            elif run.finished:
                self._tell(run)
        for row in batch.rows:
            if row.id in self._live or (row.ended is not None and row.ended >= self._begun):
                self._tell(row.run())

    def _tell(self, run: Run) -> None:
        """Tell of an ending that was seen to happen, once."""
        if run.id not in self._told and (run.id in self._live or (run.completed_at or 0.0) >= self._begun):
            self._told.add(run.id)
            self._print(clean(verdict(run)))

    def _print(self, line: str) -> None:
        """Print a line; a reader that went away ends the program as SIGPIPE would."""
        try:
            put(line)
            sys.stdout.flush()
        except BrokenPipeError:
            os.kill(os.getpid(), signal.SIGPIPE)


def settle_forever(store: Store) -> int:
    """Settle until a signal comes; ctrl+C is an interruption, TERM and HUP are the ordinary way to stop it."""
    raise_file_limit()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    reconciler = Reconciler(store, by="reconcile")
    reconciler.start(Teller().hear)
    late.settle_down()
    try:
        return _ENDINGS[signal.Signals(signal.sigwait(_ENDINGS))]
    finally:
        reconciler.stop()
