"""The verbs that read output: ``logs`` and ``watch``; what they print is safe to show, unless it is ``--raw``."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import click

from runboard import logs
from runboard.cli.desk import Desk, find, verb
from runboard.cli.exits import DONE, FAILED, USAGE, Failure
from runboard.cli.grepping import end_in_order, found_lines, marked, pattern_of
from runboard.cli.printing import put, put_bytes, say
from runboard.cli.values import ALL_LINES, line_count
from runboard.cli.verdicts import code_of, verdict
from runboard.files import Unfit
from runboard.model import Run
from runboard.reconcile import settle_or_preview
from runboard.safetext import clean_log, strip_sgr
from runboard.store import Store

LINES = 200
"""How many lines of a log are printed unless another number is asked for."""

_count_option = click.option(
    "-n", "--lines", type=line_count, metavar="N", help=f"The last N lines, or 'all'; else {LINES}."
)


class Ending:
    """Whether a run has ended, asked over and over; ``run`` is how it stood when last asked."""

    def __init__(self, store: Store, run_id: str) -> None:
        """Ask once."""
        self._store = store
        self._id = run_id
        self.run: Run = settle_or_preview(store, run_id, by="watch")

    def __call__(self) -> bool:
        """Ask again, unless it had ended."""
        if self.run.active:
            self.run = settle_or_preview(self._store, self._id, by="watch")
        return not self.run.active


@verb("logs", example="runboard logs @last -f")
@click.argument("run_id", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on as output comes, until the run ends.")
@_count_option
@click.option("--grep", "wanted", metavar="TEXT", help="Only lines with TEXT, as it is; exit 1 if there are none.")
@click.option("-i", "--ignore-case", is_flag=True, help="With --grep: capital or small, it is the same.")
@click.option("-E", "--regex", is_flag=True, help="With --grep: TEXT is a regular expression.")
@click.option(
    "-C", "--context", type=click.IntRange(0, 1000), default=0, metavar="N", help="With --grep: N lines around."
)
@click.option("-c", "--count", is_flag=True, help="With --grep: only how many lines there are.")
@click.option("--raw", is_flag=True, help="The bytes as they are, all of them unless -n says less.")
def logs_verb(
    desk: Desk,
    *,
    run_id: str,
    follow: bool,
    lines: int | None,
    wanted: str | None,
    ignore_case: bool,
    regex: bool,
    context: int,
    count: bool,
    raw: bool,
) -> int:
    """Print or follow a run's output.

    Progress bars come in their last state, and of escape sequences only colours are kept, where colours are on.
    """
    pattern = None if wanted is None else pattern_of(wanted, regex=regex, ignore_case=ignore_case)
    if pattern is None and (ignore_case or regex or context or count):
        raise Failure("-i, -E, -C and -c go with --grep only; say what to look for", USAGE)
    if follow and (context or count):
        raise Failure("-C and -c look back and do not follow; leave out -f", USAGE)
    store = desk.store()
    found = find(store, run_id)
    open_log = _opener(store, found)
    show = put_bytes if raw else _shower(desk, pattern)
    ending = Ending(store, found)
    try:
        if pattern is not None and not follow:
            end_in_order()
            return _matching(open_log, pattern, lines, context, show, count=count)
        number = lines if lines is not None else ALL_LINES if raw or pattern is not None else LINES
        start = 0 if number == ALL_LINES else logs.tail_start(open_log, number)
        chunks = _flushing(logs.follow(open_log, offset=start, ended=ending if follow else lambda: True))
        if raw and pattern is None:
            for chunk in chunks:
                put_bytes(chunk)
        else:
            for line in logs.whole_lines(chunks):
                if pattern is None or pattern.fits(line):
                    show(line + b"\n")
    except Unfit as error:
        raise Failure(f"run {found}: {error}") from None
    _tell_silence(store, ending.run)
    return DONE


@verb("watch", example="runboard watch @last")
@click.argument("run_id", metavar="ID", required=False)
@_count_option
@click.option(
    "--print-authorized-key",
    "key",
    metavar="KEY",
    help="Print the line of authorized_keys by which this public key, or the one in this file, opens a guest's board.",
)
def watch_verb(desk: Desk, *, run_id: str | None, lines: int | None, key: str | None) -> int:
    """Follow a run's output to its end, say how it ended, and exit with its code."""
    if key is not None:
        from runboard.cli.inviting import print_key  # noqa: PLC0415 - seldom wanted

        if run_id is not None or lines is not None:
            raise Failure("--print-authorized-key stands alone: it is about the board, not about a run", USAGE)
        return print_key(desk, key)
    if run_id is None:
        raise Failure("missing argument 'ID'. See runboard watch --help", USAGE)
    store = desk.store()
    return followed(desk, store, find(store, run_id), lines=LINES if lines is None else lines)


def followed(desk: Desk, store: Store, run_id: str, *, lines: int) -> int:
    """Print a run's last lines and what comes until it ends, say how it ended, and return its code.

    Raises:
        Failure: Its log is nothing to read, or its record is damaged, so nobody can know its end.
    """
    ending = Ending(store, run_id)
    if ending.run.foreign is not None:
        say(f"{run_id} runs {ending.run.foreign}; waiting for word from there")
    open_log = _opener(store, run_id)
    show = _shower(desk)
    try:
        start = 0 if lines == ALL_LINES else logs.tail_start(open_log, lines)
        for line in logs.whole_lines(_flushing(logs.follow(open_log, offset=start, ended=ending))):
            show(line + b"\n")
    except Unfit as error:
        raise Failure(f"run {run_id}: {error}") from None
    run = ending.run
    if run.damage is not None:
        raise Failure(f"run {run_id} cannot be watched: {run.damage}")
    say(verdict(run))
    return code_of(run)


def _opener(store: Store, run_id: str) -> Callable[[], int]:
    """What opens the run's log."""
    return lambda: store.open_file(run_id, "output.log")


def _shower(desk: Desk, pattern: logs.Pattern | None = None) -> Callable[[bytes], None]:
    """What prints one line of a log clean, with its colours and what was looked for marked where colours are on."""
    colour = desk.style().colour

    def show(line: bytes) -> None:
        """Print one line."""
        text = clean_log(line.removesuffix(b"\n").removesuffix(b"\r"))
        put((text if pattern is None else marked(text, pattern)) if colour else strip_sgr(text))

    return show


def _matching(
    open_log: Callable[[], int],
    pattern: logs.Pattern,
    most: int | None,
    context: int,
    show: Callable[[bytes], None],
    *,
    count: bool,
) -> int:
    """Print the lines found, or the last ``most`` of them, or their number; as grep(1), fail where there are none."""
    if count:
        number = logs.count(open_log, pattern, tools=True)
        put(str(number))
        return DONE if number else FAILED
    found: Iterable[logs.Found | None] = found_lines(open_log, pattern, context)
    shown = False
    for one in found if most is None else deque(found, most):
        show(b"--\n" if one is None else one.line + b"\n")
        shown = True
    return DONE if shown else FAILED


def _flushing(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, with stdout flushed whenever one has been dealt with."""
    for chunk in chunks:
        yield chunk
        sys.stdout.flush()


def _tell_silence(store: Store, run: Run) -> None:
    """Say that there is no output, where there is none."""
    log = store.file_stat(run.id, "output.log")
    if log is None or log.st_size == 0:
        say(f"{run.id} has no output yet." if run.active else f"{run.id} left no output.")
