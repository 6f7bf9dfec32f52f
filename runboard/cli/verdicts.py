"""How a run ended, for a person as one line and for a script as an exit code."""

from __future__ import annotations

from runboard.cli.exits import DONE, FAILED
from runboard.columns import reason_text
from runboard.model import Outcome, Reason, Run, Status
from runboard.verdict import duration

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_TIMED_OUT = 124
_KILLED_BY_KERNEL = 137


def verdict(run: Run) -> str:
    """How a run ended, in one line for a person."""
    seconds = None if run.completed_at is None or run.started_at is None else run.completed_at - run.started_at
    after = "" if seconds is None else f" after {short(max(0.0, seconds))}"
    why = reason_text(run)
    return f"{run.id} {run.status}{after}{': ' + why if why else ''}"


def short(seconds: float) -> str:
    """A length of time in few characters: tenths only below ten seconds."""
    return f"{seconds:.1f}s" if seconds < 10 else duration(int(seconds))


def code_of(run: Run) -> int:
    """A finished run's ending as an exit code, as a shell, timeout(1) and env(1) would give it.

    A success is 0 and a failure never is: an agent that failed although its process exited with 0 gives 1.
    """
    outcome = run.outcome
    match outcome:
        case None:
            return FAILED
        case Outcome(status=Status.COMPLETED):
            return DONE
        case Outcome(reason=Reason.TIMEOUT):
            return _TIMED_OUT
        case Outcome(reason=Reason.OOM):
            return _KILLED_BY_KERNEL
        case Outcome(reason=Reason.START_FAILED, error=error):
            return _NOT_FOUND if "not found" in (error or "") else _NOT_EXECUTABLE
    return 128 + outcome.signal if outcome.signal is not None else outcome.exit_code or FAILED
