"""Where the panes have from what they show beside log and answer; each is called in a thread."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from runboard import process
from runboard.model import Run

if TYPE_CHECKING:
    from runboard.worktree import Changes


class NotOpened(Exception):
    """A program could not be started on a log; the message is a sentence."""


class Opened(Protocol):
    """A program that has the terminal."""

    def wait(self) -> str:
        """Wait, in a thread, until it has ended; what went wrong, as a sentence, empty if nothing did."""

    def end(self) -> None:
        """Have it end."""


Programs = Callable[[str, str], Opened]
"""Opens the log of a run, by its id, in the ``pager`` or the ``editor``; raises NotOpened."""


@runtime_checkable
class Hears(Protocol):
    """What shows all that is known of a run."""

    def hear(self, run_ids: Collection[str]) -> None:
        """More is known of these runs."""


def _no_changes(_run: Run, _unwanted: Callable[[], bool]) -> Changes:
    """Nobody knows of a checkout."""
    from runboard.worktree import Changes  # noqa: PLC0415 - a board begins without git

    return Changes(trouble="It worked in no git checkout")


class Sources(NamedTuple):
    """What is read of a run.

    ``whole`` reads all of a run of which the board may know less. ``changes`` tells what a run did to its checkout, and
    ends early once nobody wants to know; ``processes`` lists a run's tree, each process after its parent; ``loads``
    sums up the trees of several runs, by their ids, and ``last_line`` reads the end of a run's log. ``programs`` open a
    log in another program, on the loop; without them none does. ``nudge`` has a live run looked at before all others.
    """

    whole: Callable[[Run], Run] = lambda run: run
    changes: Callable[[Run, Callable[[], bool]], Changes] = _no_changes
    processes: Callable[[Run], Sequence[process.Usage]] = lambda _run: ()
    loads: Callable[[Sequence[Run]], Mapping[str, process.Load]] = lambda _runs: {}
    last_line: Callable[[Run], str] = lambda _run: ""
    programs: Programs | None = None
    nudge: Callable[[str], None] = lambda _run_id: None
