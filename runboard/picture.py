"""What is known of all runs by whoever looks after them: all of what may still change, of the rest little."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from runboard.batch import Batch
from runboard.model import Run
from runboard.row import Row
from runboard.store import Stamp


class Picture:
    """The open runs, whole; of each run that is finished and saved its record's stamp, where it was seen.

    ``older`` are the active ones among them that the older tool made, ``restless`` those that may be other than they
    seem without anybody saying so.
    """

    def __init__(self, follows: Callable[[Run], bool] = lambda _run: False) -> None:
        """Know of none; ``follows`` says of a run whether its words are followed as it says them."""
        self.open: dict[str, Run] = {}
        self.older: dict[str, None] = {}
        self.restless: dict[str, None] = {}
        self._follows = follows
        self._stamps: dict[str, Stamp | None] = {}
        self._done: dict[str, Stamp | None] = {}
        self._open_turn: list[str] = []
        self._done_turn: list[str] = []

    def __contains__(self, run_id: str) -> bool:
        """Whether this run is known."""
        return run_id in self.open or run_id in self._done

    def stamp(self, run_id: str) -> Stamp | None:
        """The stamp of a run's record when it was last read."""
        return self._stamps.get(run_id) if run_id in self.open else self._done.get(run_id)

    def settled(self, run_id: str, stamp: Stamp | None) -> bool:
        """Whether a run is finished, saved, and as it was when its record had this stamp."""
        return stamp is not None and self._done.get(run_id) == stamp

    def known(self, run_id: str, stamp: Callable[[str], Stamp | None] | None) -> bool:
        """Whether a run is finished, saved, and as its record stands, by its ``stamp`` where that is asked."""
        return run_id in self._done and (stamp is None or self.settled(run_id, stamp(run_id)))

    def take(self, run: Run, stamp: Stamp | None) -> Batch | None:
        """Take over a run as it was found; what there is to tell, None where that is nothing new."""
        if run.finished and not run.unsaved and run.damage is None:
            self.close(run.id, stamp)
            return Batch(rows=(Row.of(run),))
        old = self.open.get(run.id)
        self._done.pop(run.id, None)
        self.open[run.id], self._stamps[run.id] = run, stamp
        if run.active and run.older:
            self.older[run.id] = None
        else:
            self.older.pop(run.id, None)
        if unsure(run) or run.older or run.timeout is not None or self._follows(run):
            self.restless[run.id] = None
        else:
            self.restless.pop(run.id, None)
        return None if run == old else Batch((run,))

    def take_rows(self, rows: Iterable[Row]) -> None:
        """Take over rows whose records somebody else has read."""
        for row in rows:
            if row.id not in self.open:
                self._done.setdefault(row.id, None)

    def forget(self, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Let runs go; those of them that were known."""
        gone = tuple(run_id for run_id in run_ids if run_id in self)
        for run_id in gone:
            for kept in (self.open, self.older, self.restless, self._stamps, self._done):
                kept.pop(run_id, None)
        return gone

    def compare(self, names: Iterable[str]) -> tuple[list[str], set[str]]:
        """Which of all present names are unknown, in their order, and which known runs are gone."""
        present = set(names)
        gone = (self._done.keys() | self.open.keys()) - present
        return [name for name in names if name not in self], gone

    def some_open(self, count: int) -> list[str]:
        """The next few open runs: asked again and again, all in turn."""
        self._open_turn = self._open_turn or list(self.open)
        some, self._open_turn = self._open_turn[-count:], self._open_turn[:-count]
        return some

    def some_done(self, count: int) -> list[str]:
        """The next few finished runs: asked again and again, all in turn."""
        self._done_turn = self._done_turn or list(self._done)
        some = self._done_turn[-count:]
        del self._done_turn[-count:]
        return [run_id for run_id in some if run_id in self._done]

    def close(self, run_id: str, stamp: Stamp | None) -> None:
        """Know of a run that it is over."""
        self.open.pop(run_id, None)
        self.older.pop(run_id, None)
        self.restless.pop(run_id, None)
        self._stamps.pop(run_id, None)
        self._done[run_id] = stamp


def unsure(run: Run) -> bool:
    """Whether it is still to be seen what an open run is."""
    return run.unsaved or run.damage is not None or run.foreign is not None or run.process.pid is None
