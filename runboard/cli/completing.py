"""What a shell offers when Tab is pressed: verbs, options, choices and run ids, in words that no shell acts on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from signal import Signals

import click
from click.shell_completion import CompletionItem, _resolve_context, _resolve_incomplete

from runboard.cli.desk import Desk
from runboard.cli.exits import DONE, Failure
from runboard.cli.printing import cut, put
from runboard.columns import COLUMNS
from runboard.late import pattern
from runboard.model import Run
from runboard.query import FIELDS
from runboard.safetext import clean
from runboard.store import Store, StoreError

MOST = 100
"""So many runs are offered: the newest of those that fit."""

_DESCRIBED = 60
"""Cells of a description."""

_PLAIN = pattern(r"[A-Za-z0-9@%+=:,./_-]+", re.ASCII)
"""What may be put on a command line as it is: no shell acts on any of it."""

_LIVE = frozenset({"kill", "wait", "watch", "pause", "continue"})
_STATUSES = ("running", "queued", "completed", "failed", "damaged")

VALUES, FILES, FOLDERS = ":values", ":files", ":folders"
"""The first line of an answer: whether its other lines are offered, or file names or directories."""


def answer(args: list[str]) -> int:
    """Answer a shell's script: the number of the word being typed, two dashes, and the words of the line."""
    number = int(args[0]) if args and args[0].isdecimal() else 0
    words = _joined(args[2 : number + 3])
    kind, items = VALUES, list[CompletionItem]()
    with suppress(click.UsageError, click.exceptions.Exit, Failure, StoreError, OSError):
        kind, items = offered(words[1:-1], words[-1] if len(words) > 1 else "")
    put(kind)
    for item in items:
        if _PLAIN.fullmatch(item.value):
            described = cut(clean(item.help or ""), _DESCRIBED)
            put(f"{item.value}\t{described}" if described else item.value)
    return DONE


def offered(before: list[str], typed: str) -> tuple[str, list[CompletionItem]]:
    """What fits behind these words, given the beginning of the next."""
    from runboard.cli.app import program  # noqa: PLC0415 - the program has no need of this module

    ctx = _resolve_context(program, {"obj": Desk()}, "runboard", before)
    what, typed = _resolve_incomplete(ctx, before, typed)
    metavar = what.metavar or "" if isinstance(what, click.Parameter) else ""
    first = metavar.removeprefix("[--]").strip("[]. ").partition("]")[0]
    if first in {"DIR", "CMD [ARG"}:
        return FOLDERS if first == "DIR" else FILES, []
    if first.partition(".")[0] == "ID":
        return VALUES, list(_ids(ctx, typed))
    keys, before_last = [column.key for column in COLUMNS], typed[: typed.rfind(",") + 1]
    listed = [before_last + key for key in keys]
    words = {"QUERY": _query(typed), "COLUMN": keys, "COLUMNS": listed, "SIGNAL": _signals(typed)}.get(first)
    if words is not None:
        return VALUES, [CompletionItem(word) for word in words if word.startswith(typed)]
    if isinstance(what, click.Group) and not typed.startswith("-"):
        return VALUES, [_verb(ctx, what, name) for name in what.list_commands(ctx) if name.startswith(typed)]
    return VALUES, what.shell_complete(ctx, typed)


def _verb(ctx: click.Context, group: click.Group, name: str) -> CompletionItem:
    """A verb with its line; the program's own are known without loading them."""
    from runboard.cli.app import VERBS, Program  # noqa: PLC0415 - see above

    if isinstance(group, Program):
        return CompletionItem(name, help=VERBS[name][1])
    command = group.get_command(ctx, name)
    return CompletionItem(name, help=command.get_short_help_str(_DESCRIBED) if command else None)


def _query(typed: str) -> list[str]:
    """The keys of a query, or the values of one that has few."""
    return [f"status:{word}" for word in _STATUSES] if typed.startswith("status:") else [f"{key}:" for key in FIELDS]


def _signals(typed: str) -> list[str]:
    """The names of signals, with SIG before them for who has begun so."""
    return [one.name if typed.startswith("SI") else one.name.removeprefix("SIG") for one in Signals]


def _ids(ctx: click.Context, typed: str) -> Iterator[CompletionItem]:
    """The runs that the verb can do something with, the newest first."""
    store = ctx.ensure_object(Desk).store()
    if ctx.info_name == "restore":
        yield from _described(run for run in store.trashed() if run.id.startswith(typed))
        return
    runs = _newest(store, [name for name in store.ids() if name.startswith(typed)])
    yield from _described(run for run in runs if run.active or ctx.info_name not in _LIVE)


def _newest(store: Store, ids: list[str]) -> Iterator[Run]:
    """The runs of these ids, at most so many of the newest directories."""

    def changed(run_id: str) -> float:
        """When a run's directory was last changed, a good guess at its age."""
        try:
            return os.stat(store.path(run_id)).st_mtime
        except OSError:
            return 0.0

    for run_id in sorted(ids, key=changed, reverse=True)[:MOST]:
        with suppress(StoreError):
            yield store.read(run_id)


def _described(runs: Iterable[Run]) -> Iterator[CompletionItem]:
    """Runs with their status and name."""
    for run in runs:
        yield CompletionItem(run.id, help=f"{run.status} {run.title}".strip())


def _joined(words: list[str]) -> list[str]:
    """The words of a line as they were typed: bash makes three of --option=value and of key:value."""
    found: list[str] = []
    glued = False
    for word in words:
        mark = word == ":" or (word == "=" and bool(found) and found[-1].startswith("--"))
        if found and (glued or mark):
            found[-1] += word
        else:
            found.append(word)
        glued = mark
    return found
