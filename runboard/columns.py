"""One registry of columns for ps and the board: every text that leaves here is one clean line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from runboard.model import Reason, Run, Status
from runboard.safetext import clean
from runboard.verdict import duration

GLYPHS = {
    Status.RUNNING: "●",
    Status.COMPLETED: "✔",
    Status.FAILED: "✘",
    Status.QUEUED: "○",
    Status.DAMAGED: "■",
}
STOPPING = "◐"
"""The glyph of a running run that somebody asked to end."""
PAUSED = "‖"
"""The glyph of a running run whose processes are all stopped."""


class Column(NamedTuple):
    """One column: ``width`` cells wide (0: takes what is left); one with ``fills`` shows only when some run fills it.

    ``rank`` is the order in which columns go when the screen is narrow, the highest first. One that is ``extra`` shows
    only where somebody has chosen it; one that is ``held`` is as wide as somebody has made it.
    """

    key: str
    title: str
    width: int
    text: Callable[[Run, float], str]
    align: str = "left"
    fills: Callable[[Run], bool] | None = None
    rank: int = 0
    extra: bool = False
    held: bool = False


def status_word(run: Run) -> str:
    """The glyph and the word for where a run stands."""
    if run.status is Status.RUNNING and run.kill_request is not None and run.foreign is None:
        return f"{STOPPING} stopping"
    if run.status is Status.RUNNING and run.paused:
        return f"{PAUSED} paused"
    return f"{GLYPHS[run.status]} {run.status}"


def elapsed(run: Run, now: float) -> float | None:
    """How long it ran, or has been running, in seconds; never negative, None where nobody recorded it."""
    return run.elapsed(now)


def reason_text(run: Run) -> str:
    """Why it stands where it stands, in one line: the damage, the error, or for a quiet success nothing."""
    if run.damage is not None:
        return clean(run.damage)
    if run.foreign is not None:
        return clean(run.foreign)
    if run.outcome is None:
        return clean(run.warnings[-1]) if run.warnings else ""
    unsaved = "not saved yet" if run.unsaved else ""
    word = "inferred from its output" if run.outcome.reason is Reason.INFERRED else ""
    if run.mark is not None and not run.outcome.error:
        word = f"Marked {run.status} by {run.mark.by}" + (f": {run.mark.why}" if run.mark.why else "")
    warned = len(run.warnings)
    badge = f"{warned} warning{'s' if warned > 1 else ''}" if warned else ""
    return " · ".join(part for part in (unsaved, clean(run.outcome.error or word), badge) if part)


def elapsed_text(run: Run, now: float, *, limit: bool = True) -> str:
    """Elapsed time, and of how much where there is a limit and that is wanted."""
    seconds = elapsed(run, now)
    if seconds is None:
        return ""
    shown = duration(int(seconds)) if seconds >= 1 or not run.finished else f"{seconds:.1f}s"
    if limit and run.timeout and run.active:
        return f"{shown}/{duration(run.timeout)}"
    return shown


def _age_text(run: Run, now: float) -> str:
    """How long ago it began."""
    return _ago(run.started_at, now)


def _ended_text(run: Run, now: float) -> str:
    """How long ago it ended."""
    return _ago(run.completed_at, now) if run.finished else ""


def _ago(moment: float | None, now: float) -> str:
    """How long ago a moment was, in its largest unit; nothing for none."""
    if moment is None:
        return ""
    seconds = max(0, int(now - moment))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _exit_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """The exit code, or the signal's number with a minus as shells' libraries write it."""
    if run.outcome is None:
        return ""
    if run.outcome.signal is not None:
        return f"-{run.outcome.signal}"
    return "" if run.outcome.exit_code is None else str(run.outcome.exit_code)


def _tokens(run: Run) -> int | None:
    """All tokens of a run, as far as told."""
    return run.usage.total_tokens if run.usage else None


def _cost(run: Run) -> float | None:
    """What a run cost in USD, where told."""
    return run.usage.cost if run.usage else None


def short_count(count: int) -> str:
    """A count in at most five cells: 950, 1.2k, 34k, 5.6M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size * 0.9995:
            scaled = count / size
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return str(count)


def size_text(count: int) -> str:
    """Bytes as people read them, in powers of 1024."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def short_cost(cost: float) -> str:
    """Dollars as people read them: cents below ten thousand, a tenth of a cent below one cent."""
    if 0 < cost < 0.01:
        return f"${cost:.4f}"
    return f"${cost:.2f}" if cost < 10_000 else f"${cost:,.0f}"


def _tokens_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """The tokens of a run, short."""
    count = _tokens(run)
    return "" if count is None else short_count(count)


def _cost_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """The cost of a run, short."""
    cost = _cost(run)
    return "" if cost is None else short_cost(cost)


def _size_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """What a run takes on the disk, where it was measured."""
    return "" if run.size is None else size_text(run.size)


def cpu_text(cpu: float) -> str:
    """How many processors are busy, in per cent of one."""
    return f"{100 * cpu:.0f} %"


def _cpu_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """What the run's whole tree uses of processors, where somebody looked."""
    return "" if run.sample.cpu is None or not run.active else cpu_text(run.sample.cpu)


def _memory_text(run: Run, now: float) -> str:  # noqa: ARG001 - every column is asked with the time
    """The memory of the run's whole tree, where somebody looked."""
    return "" if run.sample.memory is None or not run.active else size_text(run.sample.memory)


def _field(key: str) -> Callable[[Run, float], str]:
    """A column that shows one text field of a run."""
    return lambda run, now: clean(getattr(run, key) or "")  # noqa: ARG005 - every column is asked with the time


COLUMNS = (
    Column("status", "Status", 11, lambda run, _now: status_word(run)),
    Column("id", "ID", 8, lambda run, _now: clean(run.id)),
    Column("name", "Name", 0, lambda run, _now: clean(run.title)),
    Column("repo", "Repo", 16, _field("repo"), fills=lambda run: bool(run.repo), rank=5),
    Column("issue", "Issue", 10, _field("issue"), fills=lambda run: bool(run.issue), rank=4),
    Column("model", "Model", 12, _field("model"), fills=lambda run: bool(run.model), rank=8),
    Column("persona", "Persona", 12, _field("persona"), rank=12, extra=True),
    Column("tags", "Tags", 16, lambda run, _now: clean(" ".join(run.tags)), rank=11, extra=True),
    Column("engine", "Engine", 10, _field("engine"), rank=14, extra=True),
    Column("elapsed", "Elapsed", 11, elapsed_text, align="right", rank=1),
    Column("age", "Started", 7, _age_text, align="right", rank=9),
    Column("ended", "Ended", 5, _ended_text, align="right", rank=13, extra=True),
    Column("tokens", "Tokens", 6, _tokens_text, align="right", fills=lambda run: _tokens(run) is not None, rank=6),
    Column("cost", "Cost", 7, _cost_text, align="right", fills=lambda run: _cost(run) is not None, rank=5),
    Column("cpu", "CPU", 6, _cpu_text, align="right", rank=7, extra=True),
    Column("memory", "Memory", 7, _memory_text, align="right", rank=7, extra=True),
    Column("size", "Size", 7, _size_text, align="right", fills=lambda run: run.size is not None, rank=10),
    Column("exit", "Exit", 4, _exit_text, align="right", rank=3),
    Column("reason", "Reason", 0, lambda run, _now: reason_text(run), rank=2),
    Column("last_line", "Last line", 0, lambda run, _now: clean(run.sample.last_line or ""), rank=2, extra=True),
)
"""Every column, in the order in which they stand."""

SAMPLED = frozenset({"cpu", "memory", "last_line"})
"""The columns that tell what was seen a moment ago: nobody looks where none of them is shown."""

HINTS = {
    "status": "Where it stands; ! needs you",
    "id": "Its id: any unique beginning of it means the run",
    "name": "Its name, else its command",
    "elapsed": "How long it ran or runs, and of how long where it has a limit; a bar fills up to its usual time",
    "age": "How long ago it began",
    "ended": "How long ago it ended",
    "tokens": "All tokens, cache included",
    "cost": "In USD, as its agent tells",
    "cpu": "Processors that its whole tree keeps busy",
    "memory": "Resident memory of its whole tree",
    "size": "What its directory takes on the disk",
    "exit": "The exit code; a signal's number with a minus",
    "reason": "Why it stands where it stands",
    "last_line": "The last line of its log; sorted by when it was written",
}
"""What a title means, where it does not say it all."""


FILLS = {column.key: 1 << number for number, column in enumerate(COLUMNS) if column.fills is not None}
"""The bit that says of an optional column that a run fills it."""


_FILLING = tuple((FILLS[column.key], column.fills) for column in COLUMNS if column.fills is not None)


def fills(run: Run, known: int = 0) -> int:
    """The bits of the optional columns that a run fills; of those already ``known`` to be filled it is not asked."""
    bits = 0
    for bit, filling in _FILLING:
        if not bit & known and filling(run):
            bits |= bit
    return bits


def filled(bits: int) -> list[Column]:
    """The columns worth showing where these optional ones are filled."""
    return [one for one in COLUMNS if not one.extra and (one.fills is None or FILLS[one.key] & bits)]


def shown(runs: Iterable[Run]) -> list[Column]:
    """The columns worth showing for these runs: the optional ones only where some run fills them."""
    bits, every = 0, sum(FILLS.values())
    for run in runs:
        bits |= fills(run)
        if bits == every:
            break
    return filled(bits)
