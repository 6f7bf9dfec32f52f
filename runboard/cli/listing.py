"""The verb ``ps``: settles first, so that what it says of endings is true, then lists."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from operator import itemgetter
from typing import NamedTuple, TypeVar

from runboard.cli.exits import DONE, USAGE, Failure
from runboard.cli.finding import Found, among_all, are_many
from runboard.cli.printing import is_terminal, put, put_json, runs_text, say, table
from runboard.cli.said import Desk, query_of
from runboard.columns import COLUMNS, SAMPLED, Column, shown
from runboard.model import Run
from runboard.query import Query
from runboard.row import Row
from runboard.safetext import clean
from runboard.store import Store

T = TypeVar("T", Run, Row, Run | Row)
MEASURED = (*sorted(SAMPLED), "size")
"""The fields of ``--format`` that are looked at only where somebody asks."""

FINISHED_SHOWN = 20
"""How many ended runs ``ps`` lists unless asked for all."""


class Wish(NamedTuple):
    """What ``ps`` was asked for: the words of a query, all ended runs or at most so many, an order, sizes, a form,
    columns.
    """

    words: Sequence[str] = ()
    everything: bool = False
    limit: int | None = None
    sort: str | None = None
    sized: bool = False
    form: str | None = None
    template: str | None = None
    columns: str | None = None


def list_runs(desk: Desk, wish: Wish) -> int:
    """Settle runs and list those that were asked for."""
    print_runs = _printer(desk, wish.form, wish.template, wish.columns)
    query = query_of(wish.words)
    key = None if wish.sort is None else _sort_key(wish.sort)
    wanted = {one.key for one in _columns(wish.columns)} | {
        one for one in MEASURED if f"{{{one}" in (wish.template or "")
    }
    store = desk.store()
    found = _found(store, query, key, wanted, everything=wish.everything, limit=wish.limit)
    listed = found.listed
    if wish.sized or query.sized or (key and key[0] == "size") or "size" in wanted:
        listed = [run._replace(size=store.size(run.id)) for run in listed]
    if wanted & SAMPLED:
        from runboard.cli.sampling import seen  # noqa: PLC0415 - few ask for it

        listed = seen(store, listed, wanted)
    print_runs(listed, found.now)
    if wish.form is None and wish.template is None and not listed:
        _tell_nothing(found.total, found.matching)
    if wish.limit is None and is_terminal(sys.stderr) and found.matching > len(listed):
        say(f"… {found.matching - len(listed)} more (-a shows all)")
    if found.unindexed:
        from runboard.cli.aside import build_index  # noqa: PLC0415 - once for each runs directory

        sys.stdout.flush()
        build_index(store)
    return DONE


def _found(
    store: Store,
    query: Query,
    key: tuple[str, bool] | None,
    wanted: Collection[str] = (),
    *,
    everything: bool,
    limit: int | None,
) -> Found:
    """The runs to list: a few of many are looked up in the index, else every record is read."""
    finished = None if everything or limit is not None else FINISHED_SHOWN

    def order(runs: Sequence[T], now: float) -> list[T]:
        """Those to be listed, sorted."""
        if key is not None and key[0] in SAMPLED:
            from runboard.cli.sampling import weighed  # noqa: PLC0415 - few sort by it

            runs = weighed(store, runs, {key[0], *wanted})
        return _limited(runs if key is None else _sorted(runs, *key, now, store.size), finished)[:limit]

    if everything or not are_many(store.root):
        found = among_all(store, query)
    else:
        from runboard.cli.asking import newest, ranked  # noqa: PLC0415 - SQLite, which few runs do without

        if key is not None:
            return ranked(store, query, order)
        found = newest(store, query, FINISHED_SHOWN if limit is None else limit)
    return found._replace(listed=order(found.listed, found.now))


def _printer(
    desk: Desk, form: str | None, template: str | None, columns: str | None
) -> Callable[[Sequence[Run], float], None]:
    """What prints the runs in the form that was asked for.

    Raises:
        Failure: Two forms were asked for, or the template or a column is wrong.
    """
    if form is None and template is None:
        return lambda runs, now: _print_table(desk, runs, now, _columns(columns))
    if columns is not None:
        raise Failure("--columns is for the table; for single fields of each run use --format alone", USAGE)
    if form is not None and template is not None:
        raise Failure("--format goes with none of --json, --jsonl and -q; choose one", USAGE)
    from runboard.cli.fields import line_of, record  # noqa: PLC0415 - people at a terminal do without

    if form == "json":
        return lambda runs, now: put_json([record(run, now) for run in runs])
    line = line_of("{id}" if template is None else template)

    def print_lines(runs: Sequence[Run], now: float) -> None:
        """One line for each run."""
        for run in runs:
            if form == "jsonl":
                put_json(record(run, now), lines=True)
            else:
                put(line(run, now))

    return print_lines


def _print_table(desk: Desk, runs: Sequence[Run], now: float, columns: Sequence[Column]) -> None:
    """The table, or nothing at all where there is nothing to head."""
    if runs:
        for line in table(runs, columns or shown(runs), now, desk.style()):
            put(line)


def _tell_nothing(runs: int, found: int) -> None:
    """Say why a table is empty."""
    if not runs:
        say("No runs yet. Start one: runboard run -- make test")
    elif not found:
        say("The one run does not match." if runs == 1 else f"None of {runs_text(runs)} matches.")


def _limited(runs: Sequence[T], most_finished: int | None) -> list[T]:
    """The runs with only so many of those that have ended."""
    kept, ended = [], 0
    for run in runs:
        active = isinstance(run, Run) and run.active
        ended += not active
        if active or most_finished is None or ended <= most_finished:
            kept.append(run)
    return kept


def _columns(text: str | None) -> list[Column]:
    """The columns that were asked for; none where the usual ones are wanted.

    Raises:
        Failure: There is no such column, or it is named twice.
    """
    if text is None:
        return []
    from runboard.settings import BY_KEY  # noqa: PLC0415 - the usual columns do without

    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if not names or (wrong := BY_KEY["board.columns"].check(names)):
        known = " ".join(column.key for column in COLUMNS)
        raise Failure(f"--columns {wrong}" if names else f"--columns needs some of {known}", USAGE)
    return [next(column for column in COLUMNS if column.key == name) for name in names]


def _sort_key(text: str) -> tuple[str, bool]:
    """A column's key and whether its order is turned round.

    Raises:
        Failure: There is no such column.
    """
    key = text.removeprefix("-").lower()
    known = [column.key for column in COLUMNS]
    if key not in known:
        raise Failure(f"--sort knows no column '{clean(text)}'; the columns are {' '.join(known)}", USAGE)
    return key, text.startswith("-")


def _sorted(runs: Sequence[T], key: str, turned: bool, now: float, measure: Callable[[str], int]) -> list[T]:
    """Texts from A to Z, amounts and times the largest and the newest first; runs without a value come last."""
    from runboard import rank  # noqa: PLC0415 - only who sorts needs it

    of_run, of_row = rank.of_run(key), rank.of_row(key)
    values: list[rank.Value] = [of_row(run, now) if isinstance(run, Row) else of_run(run, now) for run in runs]
    if key == "size":
        values = [measure(run.id) for run in runs]
    told = [(value, run) for value, run in zip(values, runs, strict=True) if value is not None]
    ranked = sorted(told, key=itemgetter(0), reverse=turned is not (key in rank.LARGEST_FIRST))
    return [run for _value, run in ranked] + [run for value, run in zip(values, runs, strict=True) if value is None]
