"""The verb ``show``: everything known of one run."""

from __future__ import annotations

import os
import shlex
import time

import click

from runboard.cli.desk import Desk, find, verb
from runboard.cli.exits import DONE
from runboard.cli.fields import record
from runboard.cli.printing import put, put_json, size_text
from runboard.cli.verdicts import short
from runboard.columns import elapsed, reason_text, status_word
from runboard.model import Run, Status, Transition
from runboard.reconcile import settle_or_preview
from runboard.safetext import clean, clean_lines
from runboard.store import Store
from runboard.verdict import duration, signal_name


@verb("show", example="runboard show @last")
@click.argument("run_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The record as JSON.")
def show_verb(desk: Desk, run_id: str, as_json: bool) -> int:
    """Show everything known of one run, with its history."""
    store = desk.store()
    run = settle_or_preview(store, find(store, run_id), by="show")
    now = time.time()
    if as_json:
        put_json(record(run, now) | {"directory": store.path(run.id)})
        return DONE
    facts = [(name, clean(text)) for name, text in _facts(store, run, now) if text]
    width = max(len(name) for name, _text in facts)
    for name, text in facts:
        put(f"{name:<{width}}  {text}")
    if run.note:
        put(f"\nNote\n{clean_lines(run.note)}")
    if run.history:
        put("\nHistory")
        for step in run.history:
            put(f"  {_clock(step.at)}  {clean(_step_text(step))}")
    return DONE


def _facts(store: Store, run: Run, now: float) -> list[tuple[str, str]]:
    """What there is to say of a run, each with its name; empty where it is not known."""
    outcome, usage, who = run.outcome, run.usage, run.process
    ran = elapsed(run, now)
    request = run.kill_request
    return [
        ("Run", run.id),
        ("Status", status_word(run)),
        ("Reason", str(outcome.reason or "") if outcome else ""),
        ("Why", reason_text(run)),
        ("Exit code", str(outcome.exit_code) if outcome and outcome.exit_code is not None else ""),
        ("Signal", signal_name(outcome.signal) if outcome and outcome.signal else ""),
        ("Core dumped", "yes" if outcome and outcome.core_dumped else ""),
        ("Stop asked", f"{signal_name(request.signal)} by {request.by} at {_clock(request.at)}" if request else ""),
        ("Name", run.name or ""),
        ("Command", shlex.join(run.command)),
        ("Directory", run.cwd or ""),
        ("Environment", shlex.join([f"{name}={value}" for name, value in run.env])),
        ("Repo", run.repo or ""),
        ("Issue", run.issue or ""),
        ("Branch", run.branch or ""),
        ("Model", run.model or ""),
        ("Persona", run.persona or ""),
        ("Engine", run.engine or ""),
        ("Tags", " ".join(run.tags)),
        ("Rerun of", run.rerun_of or ""),
        ("Started", "" if run.started_at is None else _clock(run.started_at)),
        ("Ended", "" if run.completed_at is None else _clock(run.completed_at)),
        ("Elapsed", "" if ran is None else short(ran)),
        ("Time limit", "" if run.timeout is None else duration(run.timeout)),
        ("Process", _process_text(run)),
        ("Host", who.host or ""),
        ("Tokens", _usage_text(run)),
        ("Cost", f"${usage.cost:.4f}" if usage and usage.cost is not None else ""),
        ("Output", _file_text(store, run, "output.log")),
        ("Response", _file_text(store, run, "response.md")),
        ("Record", f"{store.path(run.id)}/run.json"),
    ]


def _step_text(step: Transition) -> str:
    """One line of history: what changed, why, by whom, and what that was taken from."""
    change = f"{step.from_status} → {step.to_status}"
    words = [change, step.reason, step.by and f"by {step.by}", step.detail and f"({step.detail})"]
    return "  ".join(word for word in words if word)


def _process_text(run: Run) -> str:
    """The pids, while they mean something."""
    who = run.process
    if who.pid is None or run.status is not Status.RUNNING:
        return "" if who.pid is None else f"was {who.pid}"
    return f"{who.pid}" + (f", watched over by {who.shim_pid}" if who.shim_pid else "")


def _usage_text(run: Run) -> str:
    """The token counts that were told."""
    if run.usage is None:
        return ""
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning", "total")
    counts = [(kind.replace("_", " "), getattr(run.usage, f"{kind}_tokens")) for kind in kinds]
    return ", ".join(f"{count:,} {kind}" for kind, count in counts if count is not None)


def _file_text(store: Store, run: Run, name: str) -> str:
    """Where one of the run's files is and how large."""
    found = store.file_stat(run.id, name)
    return "" if found is None else f"{os.path.join(store.path(run.id), name)} ({size_text(found.st_size)})"


def _clock(at: float) -> str:
    """A time as the wall clock here shows it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f} s after 1970"
