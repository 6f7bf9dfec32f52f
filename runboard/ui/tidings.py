"""What the board tells of the news: notices, and the endings it saw, gathered so that many at once are one line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from runboard.batch import Batch
from runboard.board import Board
from runboard.columns import elapsed, reason_text, status_word
from runboard.model import Run, Status
from runboard.row import Row
from runboard.safetext import clean
from runboard.verdict import duration

ONE_BY_ONE = 3
"""So many endings at a time are told each in a line of its own; of more, their number."""

MOST = 200
"""Characters of a notification that leaves the board."""


KEEP_TITLE, GIVE_BACK_TITLE = "\x1b[22;2t", "\x1b[23;2t"
"""The terminal keeps its title on a stack (xterm's XTWINOPS); one that knows no stack passes over it."""

Severity = Literal["information", "warning", "error"]


class Notify(NamedTuple):
    """How endings are told: in a corner, by the bell, and by the terminal's own way (OSC 9, 99 or 777; 0: not)."""

    toast: bool = True
    bell: bool = False
    osc: int = 0


class Tidings:
    """Hears the news before the board takes them over, and tells once a second what has ended, whose hook failed."""

    def __init__(
        self,
        board: Board,
        notify: Notify,
        tell: Callable[[str, Severity], None],
        emit: Callable[[str], None],
        spared: Collection[str],
    ) -> None:
        """Tell of the runs of ``board``.

        Args:
            board: The runs as they stood before the news.
            notify: How endings are told.
            tell: Shows a sentence in a corner, with its severity.
            emit: Sends a sequence to the terminal.
            spared: The ids of runs whose ending is told by whoever asked for it.
        """
        self._board, self._notify, self._tell, self._emit, self._spared = board, notify, tell, emit, spared
        self._said: set[str] = set()
        self._ended: dict[str, Run | Row] = {}
        self._unheard: list[tuple[str, str]] = []
        self._title = ""

    def hear(self, batch: Batch) -> None:
        """Tell notices once, and keep the runs that were active and no longer are, and how changes are noticed."""
        if batch.blind is not None:
            self._board.blind = batch.blind
        for notice in batch.notices:
            if notice not in self._said:
                self._said.add(notice)
                self._tell(notice, "warning")
        self._unheard += batch.unheard
        over: Iterable[Run | Row] = chain(batch.rows, (run for run in batch.changed if run.finished))
        for entry in over:
            if self._board.lives(entry.id) and entry.status is not Status.DAMAGED and entry.id not in self._spared:
                self._ended[entry.id] = entry

    def tell(self, counts: Mapping[Status, int]) -> None:
        """Tell what has ended since the last time, and have the terminal's title say how many run."""
        ended, self._ended = list(self._ended.values()), {}
        if lines := lines_of(ended):
            failed = any(run.status is Status.FAILED for run in ended)
            for line in lines if self._notify.toast else ():
                self._tell(line, "error" if failed and len(ended) == 1 else "information")
            if self._notify.bell:
                self._emit("\a")
            if self._notify.osc:
                self._emit(notification(self._notify.osc, "; ".join(lines)))
        unheard, self._unheard = self._unheard, []
        if unheard:
            self._tell(failed_hooks(unheard, self._board), "warning")
        title = title_of(counts)
        if title != self._title:
            self._emit(("" if self._title else KEEP_TITLE) + f"\x1b]2;{title}\x1b\\")
            self._title = title

    def leave(self) -> None:
        """Give the terminal the title back that it had."""
        if self._title:
            self._emit(GIVE_BACK_TITLE)


def lines_of(ended: Sequence[Run | Row]) -> list[str]:
    """A line for each ending, or of many one line with their numbers."""
    if len(ended) <= ONE_BY_ONE:
        return [_line(run if isinstance(run, Run) else run.run()) for run in ended]
    failed = sum(run.status is Status.FAILED for run in ended)
    parts = [f"{len(ended) - failed} completed"] if failed < len(ended) else []
    parts += [f"{failed} failed"] if failed else []
    return [f"{len(ended)} runs have ended: {', '.join(parts)}"]


def failed_hooks(unheard: Sequence[tuple[str, str]], board: Board) -> str:
    """A sentence of the hooks that failed: whose it was, or of how many runs; and why, as the last one tells."""
    run_id, why = unheard[-1]
    run = board.get(run_id)
    whose = "" if not run_id else f" for {run_id}" if run is None else f" for {run_id} {run.title[:40]}"
    many = len({run_id for run_id, _why in unheard})
    return clean(f"on_finish failed{f' for {many} runs; the last' if many > 1 else whose}: {why}")


def notification(kind: int, text: str) -> str:
    """The sequence by which a terminal notifies; no byte of the text ends it or begins another."""
    plain = clean(text)[:MOST].replace(";", ",")
    safe = "".join(char for char in plain if char.isprintable())
    body = {99: f"99;;runboard: {safe}", 777: f"777;notify;runboard;{safe}"}.get(kind, f"9;runboard: {safe}")
    return f"\x1b]{body}\x1b\\"


def title_of(counts: Mapping[Status, int]) -> str:
    """The terminal's title: who runs and what failed."""
    told = [f"{counts[status]} {status}" for status in (Status.RUNNING, Status.FAILED) if counts.get(status)]
    return f"runboard: {', '.join(told)}" if told else "runboard"


def _line(run: Run) -> str:
    """How one run ended."""
    took = elapsed(run, 0.0)
    after = "" if took is None else f" after {duration(int(took) if took >= 10 else round(took, 1))}"
    why = reason_text(run)
    return clean(f"{status_word(run)}  {run.id} {run.title[:40]}{after}" + (f": {why}" if why else ""))
