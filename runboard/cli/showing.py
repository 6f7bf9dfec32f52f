"""The verb ``show``: everything known of one run."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import click

from runboard import hook
from runboard.cli.desk import Desk, find, verb
from runboard.cli.exits import DONE
from runboard.cli.fields import record
from runboard.cli.finding import are_many
from runboard.cli.printing import put, put_json
from runboard.columns import size_text, status_word
from runboard.facts import facts_of, history_of
from runboard.model import Run
from runboard.past import NEWEST, facts_of_past, kind, weigh
from runboard.plain import ascii_text
from runboard.query import Query, Term, hay
from runboard.safetext import clean
from runboard.store import NoSuchRun, Store, StoreError
from runboard.together import settle_all


@verb("show", example="runboard show @last")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The record as JSON.")
def show_verb(desk: Desk, run_id: str, as_json: bool) -> int:
    """Show everything known of one run, with its history."""
    store = desk.store()
    run_id = find(store, run_id)
    [run] = settle_all(store, [run_id], by="show") or [store.read(run_id)]
    run = run._replace(size=store.size(run.id))
    now = time.time()
    if as_json:
        put_json(record(run, now) | {"directory": store.path(run.id)})
        return DONE
    facts = [("Run", clean(run.id)), ("Status", status_word(run)), ("Name", clean(run.name or ""))]
    facts += facts_of(run, now)
    facts += facts_of_past(run, weigh(run, _others(store, run, now)), now)
    facts += [("Output", _file_text(store, run, "output.log")), ("Response", _file_text(store, run, "response.md"))]
    facts += [("on_finish", _hook_failure(store, run.id))]
    facts += [("Record", clean(f"{store.path(run.id)}/run.json"))]
    width = max(len(name) for name, _text in facts)
    lines = [f"{name:<{width}}  {text}".replace("\n", "\n" + " " * (width + 2)) for name, text in facts if text]
    if run.history:
        lines += ["\nHistory", *(f"  {step}" for step in history_of(run))]
    in_ascii = desk.style().ascii
    for line in lines:
        put(ascii_text(line) if in_ascii else line)
    return DONE


def _others(store: Store, run: Run, now: float) -> list[Run]:
    """The newest runs of the same name or command, this one included; of many the index proposes some."""
    wanted = kind(hay(run))
    ids = store.ids()
    if are_many(store.root):
        from runboard.cli.asking import newest_alike  # noqa: PLC0415 - SQLite, which few runs do without

        ids = newest_alike(store, Query((Term(*wanted),)), lambda told: kind(told) == wanted, NEWEST, now)
    others = []
    for run_id in ids:
        with suppress(NoSuchRun):
            others.append(store.read(run_id))
    alike = [other for other in others if other.finished and kind(hay(other)) == wanted]
    return sorted(alike, key=lambda other: other.completed_at or 0.0, reverse=True)[:NEWEST]


def _file_text(store: Store, run: Run, name: str) -> str:
    """Where one of the run's files is and how large."""
    try:
        found = store.file_stat(run.id, name)
    except StoreError as error:
        return str(error)
    return "" if found is None else clean(f"{os.path.join(store.path(run.id), name)} ({size_text(found.st_size)})")


def _hook_failure(store: Store, run_id: str) -> str:
    """What went wrong with the run's hook, or with reading that."""
    try:
        failed = hook.mishap(store.root, run_id, store.read_json(run_id, hook.RESULT))
    except StoreError as error:
        return str(error)
    return failed.reason if failed else ""
