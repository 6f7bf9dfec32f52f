"""Settlers who start from one line: many processes judge the same run at the same moment, with the lock or without."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time

from runboard import disk, late
from runboard.errors import StoreError
from runboard.reconcile import finalize_run, request_kill, settle
from runboard.store import Store
from runboard.together import Ending, finalize_together
from tests.faults.witness import witnessed

late.everything()
disk.quiet()


def race(root: str, run_id: str, many: int) -> None:
    """Let so many settle the run at once, in the ways in which it is done; every third asks for a kill first."""
    store, (gate, opener) = Store(root), os.pipe()
    for number in range(many):
        if os.fork() == 0:
            os.close(opener)
            os.read(gate, 1)
            try:
                if number % 3 == 0:
                    request_kill(store, run_id, 15, by="racer")
                if number % 4 == 0:
                    finalize_together(store, [Ending(run_id, time.time(), None)], by="racer")
                (settle if number % 2 else finalize_run)(store, run_id, by="racer")
            except StoreError:
                os._exit(1)
            os._exit(0)
    os.close(gate)
    os.close(opener)
    for _ in range(many):
        os.wait()


if __name__ == "__main__":
    witnessed(sys.argv[1])
    if sys.argv[2] == "unlocked":
        vars(fcntl)["flock"] = lambda *_: None
    for line in sys.stdin:
        race(*json.loads(line))
        print("done", flush=True)
