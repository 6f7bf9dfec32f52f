"""A board in a terminal fed by hand: finished rows and live runs of which so many change each second, and its lag."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from runboard.batch import Batch
from runboard.board import Board
from runboard.logs import LogView
from runboard.model import Run
from runboard.row import Row
from runboard.ui.showing import show
from tests.bench import fleet

STEP = 0.02
"""Seconds between two batches of changes."""


class Churn:
    """A feed: everything once, then changes of live runs at an even rate, and word of how late the screen's loop is."""

    def __init__(self, finished: int, live: int, rate: int, report: Path) -> None:
        """Publish ``rate`` changed runs each second; write the lag of the loop to ``report`` when stopped."""
        chance = random.Random(7)
        records = ((f"{chance.getrandbits(32):08x}", fleet.record(chance, number)) for number in range(finished))
        self.rows = [row for run_id, doc in records if (row := Row.read(doc, run_id)) is not None]
        now = time.time()
        command = ("sleep", "1000")  # none has been silent for long: it would need somebody, and go before the others
        self.live = [
            Run(f"{number:08x}", name=f"sleeper {number}", command=command, started_at=now - number / 4)
            for number in range(live)
        ]
        # Made beforehand: whoever writes records is another process, whose work is not the board's.
        self._other = [run._replace(name=f"{run.name} again") for run in self.live] if rate else []
        self._rate = rate
        self._report = report
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, publish: Callable[[Batch], None]) -> None:
        """Begin."""
        publish(Batch(tuple(self.live), rows=tuple(self.rows)))
        publish(Batch(complete=True))
        self._thread = threading.Thread(target=self._change, args=(publish,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Change nothing more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _change(self, publish: Callable[[Batch], None]) -> None:
        """Rename runs, a few at a time, all in turn."""
        at, due = 0, time.monotonic()
        while self._rate and self.live and not self._stop.is_set():
            due += STEP
            some = [(at + step) % len(self.live) for step in range(int(self._rate * STEP))]
            at += len(some)
            for number in some:
                self.live[number], self._other[number] = self._other[number], self.live[number]
            publish(Batch(tuple(self.live[number] for number in some)))
            self._stop.wait(max(0.0, due - time.monotonic()))


def watched(report: Path) -> None:
    """Have Textual's loop note how late it wakes, every 5 ms from the end of the loading on."""
    import asyncio  # noqa: PLC0415 - only who measures needs it

    from runboard.ui.app import RunboardApp  # noqa: PLC0415 - Textual is loaded with it

    gaps: list[float] = []

    async def tick() -> None:
        await asyncio.sleep(8.0)
        while True:
            due = time.perf_counter() + 0.005
            await asyncio.sleep(0.005)
            gaps.append((time.perf_counter() - due) * 1e3)
            if len(gaps) % 200 == 0:
                report.write_text(json.dumps(gaps), "utf-8")  # noqa: ASYNC240 - as seldom as it is short

    class Watched(RunboardApp):
        """The board with a watch on its loop."""

        async def on_load(self) -> None:
            self._ticking = asyncio.create_task(tick())

    sys.modules["runboard.ui.app"].RunboardApp = Watched  # type: ignore[attr-defined]


def main(finished: str, live: str, rate: str, report: str, lag: str = "") -> int:
    """Show the board until q is pressed; with ``lag`` its loop is watched, at a cost of its own."""
    feed = Churn(int(finished), int(live), int(rate), Path(report))
    if lag:
        watched(Path(report))
    nowhere = LogView(lambda: os.open("/dev/null", os.O_RDONLY))
    return show(Board(), feed, None, lambda _run_id: nowhere, "churn")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
