"""A search through the logs of many runs in a thread of its own: what it finds comes as it is found, up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import NamedTuple

from runboard.files import Unfit
from runboard.logs.hunt import Stopped
from runboard.logs.matches import grep
from runboard.logs.pattern import Pattern
from runboard.safetext import clean_log, strip_sgr

HITS_MOST = 1000
"""Lines that are kept; then the search ends, and says so."""

TEXT_MOST = 500
"""Characters of each."""


class Hit(NamedTuple):
    """A line found: in whose log, where it begins, and its text without colours."""

    run_id: str
    offset: int
    text: str


class Sweep:
    """The matching lines in the logs of these runs, in their order; what cannot be read is passed over."""

    def __init__(
        self,
        run_ids: Sequence[str],
        open_log: Callable[[str], Callable[[], int]],
        pattern: Pattern,
        *,
        tools: bool = True,
    ) -> None:
        """Begin; ``open_log`` is called in the thread for what opens a run's log."""
        self.hits: list[Hit] = []
        self.searched = 0
        self.total = len(run_ids)
        self.done = False
        self.cut = False
        self._run_ids = run_ids
        self._open_log = open_log
        self._pattern = pattern
        self._tools = tools
        self._given_up = Event()
        self._thread = Thread(target=self._run, name="runboard-sweep", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Give up."""
        self._given_up.set()

    def join(self, seconds: float) -> bool:
        """Whether the thread has ended within so many seconds."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        """The thread: log after log, until all are searched, enough is found, or nobody wants to know."""
        for run_id in self._run_ids:
            try:
                self._search(run_id)
            except Stopped:
                return
            except (OSError, Unfit):  # gone, or nothing to read: its own pane says which
                pass
            self.searched += 1
            if self.cut or self._given_up.is_set():
                break
        self.done = True

    def _search(self, run_id: str) -> None:
        """Keep what one log holds."""
        found = grep(self._open_log(run_id), self._pattern, tools=self._tools, stopped=self._given_up.is_set)
        for offset, line in found:
            if len(self.hits) >= HITS_MOST:
                self.cut = True
                found.close()
                return
            text = strip_sgr(clean_log(line.removesuffix(b"\r")))
            self.hits.append(Hit(run_id, offset, text[:TEXT_MOST]))
