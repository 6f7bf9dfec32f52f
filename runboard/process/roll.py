"""Whether anything of a run lives, whatever its record says: asked of the processes before the run is moved away."""

from __future__ import annotations

import time

from runboard.model import Run
from runboard.process.kernel import boot_clock
from runboard.process.place import other_boot, where
from runboard.process.pulse import holds, older_process
from runboard.process.table import RUN_MARK, SHIM_MARK, marks_of, pids, read_stat, start_ticks
from runboard.record import Started
from runboard.safetext import clean


class Roll:
    """One look at the marks that all living processes carry; good for many runs, since none that ended begins again."""

    def __init__(self) -> None:
        """Look."""
        self._carriers: dict[str, list[int]] = {}
        for pid in pids():
            for mark in marks_of(pid):
                self._carriers.setdefault(mark, []).append(pid)

    def living(self, run: Run, path: str, started: Started | None, *, ended: bool) -> str | None:
        """What of a run lives, in words, of which its record says that it is over or says nothing; None for nothing.

        Its command by what the record or the shim wrote of it; else what carries its mark, unless that was left behind
        by a command whose end was written down.

        Args:
            run: The record; its status is not asked.
            path: The run's directory.
            started: What the shim wrote when it began.
            ended: Whether the shim wrote down an end.
        """
        named = [(run.process.pid, run.process.start_ticks)]
        if where(run.process) is not None or other_boot(run.process):
            named = []
        elif started is not None and started.at > time.time() - boot_clock():
            named.append((started.pid, started.start_ticks))
        for pid, ticks in named:
            if pid is not None and ticks is not None and pid > 1 and start_ticks(pid) == ticks:
                return _process(pid)
        older = older_process(run) if named and run.process.start_ticks is None else None
        if older is not None and any(f"{held}/".startswith(f"{path}/") for held in holds(older.pid)):
            return _process(older.pid)
        shims = self._carrying(f"{SHIM_MARK}={run.id}")
        marked = self._carrying(f"{RUN_MARK}={run.id}")
        if marked and (shims or not ended):
            return _process(marked[0])
        return _process(shims[0]) if shims and not ended else None

    def _carrying(self, mark: str) -> list[int]:
        """Who carries a mark and still lives."""
        return [pid for pid in self._carriers.get(mark, ()) if start_ticks(pid) is not None]


def _process(pid: int) -> str:
    """A process as people look for it."""
    stat = read_stat(pid)
    return f"process {pid}" + (f" ({clean(stat.name)})" if stat else "")
