"""Searching output: the verb ``grep`` over the logs of many runs, and what it shares with ``logs --grep``."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from runboard import logs
from runboard.cli.desk import Desk, verb
from runboard.cli.exits import DONE, FAILED, USAGE, Failure
from runboard.cli.finding import are_many
from runboard.cli.printing import complain, is_terminal, put, put_bytes, put_json
from runboard.cli.said import query_of
from runboard.files import Unfit
from runboard.model import Run
from runboard.query import Measure, Query
from runboard.reconcile import preview
from runboard.safetext import clean, clean_log, strip_sgr
from runboard.store import NoSuchRun, Store, StoreError

_MARK = "\x1b[1;31m"
_ID = "\x1b[36m"
_OFF = "\x1b[0m"


def pattern_of(text: str, *, regex: bool, ignore_case: bool) -> logs.Pattern:
    """What is looked for.

    Raises:
        Failure: There is nothing to look for, or it is no expression.
    """
    if not text:
        raise Failure("there is no text to look for; say which", USAGE)
    try:
        return logs.Pattern(text, regex=regex, ignore_case=ignore_case)
    except logs.BadExpression as error:
        raise Failure(f"bad expression '{clean(text[:60])}': {error}", USAGE) from None


def end_in_order() -> None:
    """Let SIGTERM end the verb as an exception does, so that a child that searches ends with it."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def marked(text: str, pattern: logs.Pattern) -> str:
    """A clean line with its matches in colour; its own colours give way on a line that matches."""
    plain = strip_sgr(text)
    parts, at = list[str](), 0
    for first, last in pattern.spans(plain):
        parts += [plain[at:first], _MARK, plain[first:last], _OFF]
        at = last
    return "".join(parts) + plain[at:] if parts else text


@verb("grep", example="runboard grep 'Connection refused' status:failed")
@click.argument("words", metavar="TEXT [QUERY]...", nargs=-1)
@click.option("-e", "wanted", metavar="TEXT", help="TEXT, where it begins with a minus; then all words are the query.")
@click.option("-i", "--ignore-case", is_flag=True, help="Capital or small, it is the same.")
@click.option("-F", "--fixed", is_flag=True, help="TEXT stands for itself, as it does anyway.")
@click.option("-E", "--regex", is_flag=True, help="TEXT is a regular expression.")
@click.option("-C", "--context", type=click.IntRange(0, 1000), default=0, metavar="N", help="N lines around each, too.")
@click.option("-l", "--ids", "form", flag_value="ids", help="Only the ids of runs that have any.")
@click.option("-c", "--count", "form", flag_value="count", help="How many lines each run has, where there are any.")
@click.option("--json", "form", flag_value="json", help="A line of JSON for each line found.")
def grep_verb(
    desk: Desk,
    *,
    words: Sequence[str],
    wanted: str | None,
    ignore_case: bool,
    fixed: bool,
    regex: bool,
    context: int,
    form: str | None,
) -> int:
    """Search the logs of all runs, or of those that match QUERY; the log written last comes first.

    Every line found is printed as soon as it is, behind its run's id: clean for a terminal, as it is for a pipe.
    Exit code 0 where there were any, 1 where there were none.
    """
    if fixed and regex:
        raise Failure("-F and -E contradict each other; choose one", USAGE)
    if wanted is None:
        if not words:
            raise Failure("there is no text to look for; say which", USAGE)
        wanted, words = words[0], words[1:]
    pattern = pattern_of(wanted, regex=regex, ignore_case=ignore_case)
    query, store, now = query_of(words), desk.store(), time.time()
    sized = any(isinstance(term, Measure) and term.field == "size" for term in query.terms)
    any_found = False
    end_in_order()
    for run_id in _by_age_of_log(store, _candidates(store, query, now)):
        try:
            run = _judged(store, run_id)
            if not query.terms or query.matches(run, now, store.size(run.id) if sized else None):
                any_found |= _print_run(desk, store, run, pattern, context=context, form=form)
        except (NoSuchRun, Unfit):  # it has gone meanwhile, or its log is nothing to read: `logs` says which
            continue
        except BrokenPipeError:
            raise
        except (OSError, StoreError) as error:
            complain(f"run {run_id}: {error}")
    return DONE if any_found else FAILED


def _candidates(store: Store, query: Query, now: float) -> Iterable[str]:
    """The runs that the query may find; of many the index proposes, and each is read before its log is searched."""
    if not query.terms or query.sized or not are_many(store.root):
        return store.ids()
    from runboard.cli.asking import candidates  # noqa: PLC0415 - SQLite, which few runs do without

    return candidates(store, query, now)


def _by_age_of_log(store: Store, run_ids: Iterable[str]) -> Iterator[str]:
    """Those of the runs that have a log, the one written last first; what is wrong with one is told by who reads it."""
    written = []
    for run_id in run_ids:
        try:
            info = store.file_stat(run_id, logs.NAME)
        except StoreError:
            written.append((0.0, run_id))
            continue
        if info is not None:
            written.append((info.st_mtime, run_id))
    return (run_id for _at, run_id in sorted(written, reverse=True))


def _judged(store: Store, run_id: str) -> Run:
    """A run as it stands."""
    run = store.read(run_id)
    return preview(store, run_id) if run.active else run


def _print_run(desk: Desk, store: Store, run: Run, pattern: logs.Pattern, *, context: int, form: str | None) -> bool:
    """Print what is found in one run's log, and tell whether anything was."""

    def open_log() -> int:
        """A descriptor of the log."""
        return store.open_file(run.id, logs.NAME)

    if form == "count":
        count = logs.count(open_log, pattern, tools=True)
        if count:
            put(f"{run.id}:{count}")
            sys.stdout.flush()
        return count > 0
    found = found_lines(open_log, pattern, context if form is None else 0)
    show, any_found = _shower(desk, run, pattern, form), False
    for one in found:
        any_found = True
        if form == "ids":
            put(clean(run.id))
            break
        show(one)
        sys.stdout.flush()
    sys.stdout.flush()
    return any_found


def found_lines(open_log: Callable[[], int], pattern: logs.Pattern, context: int) -> Iterator[logs.Found | None]:
    """The lines found, with those around them where that is wanted."""
    if context:
        yield from logs.around(open_log, pattern, context, tools=True)
    else:
        for offset, line in logs.grep(open_log, pattern, tools=True):
            yield logs.Found(offset, line, matches=True)


def _shower(desk: Desk, run: Run, pattern: logs.Pattern, form: str | None) -> Callable[[logs.Found | None], None]:
    """What prints one line of a run in the form that was asked for."""
    style = desk.style()

    def show_json(found: logs.Found | None) -> None:
        """One object on one line."""
        if found is not None:
            text = strip_sgr(clean_log(found.line.removesuffix(b"\r")))
            put_json({"id": run.id, "name": run.title, "offset": found.offset, "text": text}, lines=True)

    def show_clean(found: logs.Found | None) -> None:
        """One line for a person."""
        if found is None:
            put("--")
            return
        text = clean_log(found.line.removesuffix(b"\r"))
        sign = ":" if found.matches else "-"
        if style.colour:
            put(f"{_ID}{clean(run.id)}{_OFF} {clean(run.title)[:30]}{sign} {marked(text, pattern)}")
        else:
            put(f"{clean(run.id)} {clean(run.title)[:30]}{sign} {strip_sgr(text)}")

    def show_bytes(found: logs.Found | None) -> None:
        """One line for a program."""
        if found is None:
            put_bytes(b"--\n")
        else:
            put_bytes(run.id.encode() + (b":" if found.matches else b"-") + found.line + b"\n")

    if form == "json":
        return show_json
    return show_clean if is_terminal(sys.stdout) else show_bytes
