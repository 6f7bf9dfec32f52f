"""The verbs that clear: ``clean`` moves finished runs to the trash, ``trash`` brings them back or destroys them."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing

import click

from runboard.clearing import Cleared, Clearing
from runboard.cli.desk import Desk, common_options, each, verb
from runboard.cli.exits import DONE, FAILED, INTERRUPTED, NO_SUCH_RUN, USAGE, Failure, code_of_several
from runboard.cli.fields import record
from runboard.cli.printing import complain, is_terminal, put, put_json, runs_text, say, table
from runboard.cli.progress import Progress
from runboard.cli.said import query_of
from runboard.cli.values import duration, size
from runboard.columns import Column, shown, size_text
from runboard.control import AtRisk, Control, ControlError
from runboard.model import Run
from runboard.retention import Retention
from runboard.safetext import clean
from runboard.store import NoSuchRun, Store

_NAMED = 10
"""So many branches are named in a question."""


@verb("clean", example="runboard clean --older-than 7d --keep 20")
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option(
    "--older-than", type=duration, metavar="TIME", help="Only runs that ended longer ago than this: 12h, 7d ..."
)
@click.option(
    "--status",
    type=click.Choice(["completed", "failed", "damaged"]),
    help="Only runs that ended so, or cannot be read.",
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Spare the newest N of them.")
@click.option(
    "--max-size", type=size, metavar="SIZE", help="Only the oldest, until all runs take at most this: 500M, 5G."
)
@click.option("--all", "everything", is_flag=True, help="All finished runs, as without any condition.")
@click.option("--branches", is_flag=True, help="Delete their branches too, where merged or pushed (or with --force).")
@click.option("-n", "--dry-run", is_flag=True, help="Only list what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also runs whose repo/ holds work that is nowhere else; says what.")
def clean_verb(
    desk: Desk,
    *,
    words: Sequence[str],
    older_than: float | None,
    status: str | None,
    keep: int | None,
    max_size: int | None,
    everything: bool,
    branches: bool,
    dry_run: bool,
    yes: bool,
    force: bool,
) -> int:
    """Move finished runs to the trash, after asking; a live run never goes.

    Without a condition all finished runs go. With several conditions only runs that meet them all. Damaged runs go
    where they are named: by their id, or by --status damaged.
    """
    if everything and (words or any(limit is not None for limit in (older_than, status, keep, max_size))):
        raise Failure("--all takes no conditions; leave it out or leave them out", USAGE)
    store = desk.store()
    control = Control(store)
    retention = control.retention(
        query_of(words),
        older_than=older_than,
        status=status,
        keep=keep,
        max_size=max_size,
        unsaved=force,
        now=time.time(),
    )
    chosen = retention.candidates()
    _tell_undated(retention.undated)
    sizes: dict[str, int] = {}
    if dry_run or not yes:
        _measure(store, chosen, sizes)
    if force:
        _tell_risks(control.clearing, [run.id for run in chosen])
    named = chosen
    if dry_run:
        chosen = _would_go(control.clearing, retention, chosen, force=force)
    going = _branches(control.clearing, named, chosen, force=force) if branches and (dry_run or not yes) else ""
    if not chosen:
        say("Nothing to clean.")
        return DONE
    if dry_run:
        _print_sized(desk, chosen, sizes)
        total = size_text(sum(sizes[run.id] for run in chosen))
        say(f"{runs_text(len(chosen))} ({total}) would go to the trash{going}.")
        return DONE
    _ask(f"Move {runs_text(len(chosen))} ({size_text(sum(sizes.values()))}) to the trash{going}?", yes=yes)
    clearing = control.clear(_measured(store, chosen, sizes), force=force, branches=branches, still=retention.still)
    with Progress("moved", len(chosen)) as progress:
        code = _clear(clearing, progress, sizes)
    freed = size_text(progress.size)
    moved = f"Moved {runs_text(progress.done)} ({freed}) to the trash; runboard trash restore ID brings one back."
    return _ended(code, progress, moved)


@click.group(
    "trash",
    invoke_without_command=True,
    add_help_option=False,
    epilog="Example: runboard trash restore a1b2",
    params=common_options(),
)
@click.pass_context
def trash_verb(ctx: click.Context) -> int:
    """List what is in the trash, bring a run back, or free the space."""
    if ctx.invoked_subcommand is None:
        return list_trash(ctx.ensure_object(Desk), as_json=False)
    return DONE


def list_trash(desk: Desk, *, as_json: bool) -> int:
    """Print the runs in the trash."""
    store = desk.store()
    runs = store.trashed()
    if as_json:
        now = time.time()
        put_json([record(run, now) for run in runs])
    elif runs:
        for line in table(runs, shown(runs), time.time(), desk.style()):
            put(line)
        say("runboard trash restore ID brings one back; runboard trash empty frees the space.")
    else:
        say("The trash is empty.")
    return DONE


@verb("list", example="runboard trash list --json")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of whole records.")
def list_verb(desk: Desk, *, as_json: bool) -> int:
    """List the runs in the trash."""
    return list_trash(desk, as_json=as_json)


@verb("restore", example="runboard trash restore a1b2")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
def restore_verb(desk: Desk, *, run_ids: Sequence[str]) -> int:
    """Bring runs back from the trash."""
    store = desk.store()
    control = Control(store)

    def restore(run_id: str) -> int:
        """Bring one back and say so."""
        say("; ".join([f"{run_id} is back", *control.restore(run_id)]) + ".")
        return DONE

    return each(run_ids, restore, (ControlError,), lambda text: _find_trashed(store, text))


@verb("empty", example="runboard trash empty -y")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also runs whose repo/ holds work that is nowhere else.")
def empty_verb(desk: Desk, *, yes: bool, force: bool) -> int:
    """Destroy what is in the trash, for good, after asking."""
    store = desk.store()
    control = Control(store)
    names = store.trash_names()
    if not names:
        say("The trash is empty.")
        return DONE
    if force:
        _tell_risks(control.clearing, names, in_trash=True)
    _ask(f"Destroy {runs_text(len(names))} in the trash for good?", yes=yes)
    with Progress("destroyed", len(names)) as progress:
        code = _clear(control.clear(names, force=force, for_good=True), progress, {})
    return _ended(code, progress, f"Destroyed {runs_text(progress.done)}; that freed {size_text(progress.size)}.")


for _subverb in (list_verb, restore_verb, empty_verb):
    trash_verb.add_command(_subverb)


def _tell_undated(runs: Sequence[Run]) -> None:
    """Say which runs no limit by age takes, since nothing tells their age."""
    for run in runs[:_NAMED]:
        say(f"run {run.id} is kept: nothing tells when it ended, so it may be young; runboard clean {run.id} moves it")
    if len(runs) > _NAMED:
        say(f"{len(runs) - _NAMED} more of which nothing tells when they ended are kept")


def _would_go(clearing: Clearing, retention: Retention, runs: Sequence[Run], *, force: bool) -> list[Run]:
    """Those of these runs that would go; why each other would be kept is said, as it is when they are to go."""
    kept = set()
    for one in clearing.preview((run.id for run in runs), force=force, still=retention.still):
        if one.error is not None:
            kept.add(one.run_id)
        if isinstance(one.error, AtRisk):
            say(f"run {one.run_id}: {one.error.holds}: keeps it, without --force")
            for line in one.error.lines:
                say(f"  {line}")
        elif one.error is not None:
            complain(str(one.error))
        for note in one.notes:
            say(f"run {one.run_id}: {note}")
    return [run for run in runs if run.id not in kept]


def _tell_risks(clearing: Clearing, run_ids: Sequence[str], *, in_trash: bool = False) -> None:
    """Say of each of these runs what work of it is nowhere else, and what becomes of that by force."""
    beside = clearing.neighbours()
    for run_id in run_ids:
        risk = clearing.at_risk(run_id, in_trash=in_trash, beside=beside)
        if risk is not None:
            becomes = "would be lost" if in_trash else "goes to the trash, and is lost when that is emptied"
            say(f"run {run_id}: {risk.sentence()}: {becomes}")
            for line in risk.lines():
                say(f"  {line}")


def _branches(clearing: Clearing, runs: Sequence[Run], leaving: Sequence[Run], *, force: bool) -> str:
    """Which branches would be deleted with those runs that leave; those that would stay are told, and why."""
    going, left = [], {run.id for run in leaving}
    for run in runs:
        branch = clearing.branch_of(run.id)
        if branch is not None and (branch.kept is None or (force and not branch.needed)):
            going += [clean(branch.name)] if run.id in left else []
        elif branch is not None:
            say(f"run {run.id}: branch {clean(branch.name)} stays: {branch.kept}")
    more = f" and {len(going) - _NAMED} more" if len(going) > _NAMED else ""
    word = "branch" if len(going) == 1 else "branches"
    return f", and delete the {word} {', '.join(going[:_NAMED])}{more}" if going else ""


def _measure(store: Store, runs: Sequence[Run], sizes: dict[str, int]) -> None:
    """Find out what each of these runs takes on the disk.

    Raises:
        Failure: Somebody would rather not wait.
    """
    with Progress("measured", len(runs)) as progress:
        for run_id in _measured(store, runs, sizes):
            progress.step(sizes[run_id])
            if progress.stopped:
                raise Failure(f"stopped: {progress.text()}; nothing was moved", INTERRUPTED)


def _measured(store: Store, runs: Sequence[Run], sizes: dict[str, int]) -> Iterator[str]:
    """The ids of runs, each measured when it is asked for unless it was before."""
    for run in runs:
        if run.id not in sizes:
            sizes[run.id] = store.size(run.id)
        yield run.id


def _clear(clearing: Generator[Cleared, None, None], progress: Progress, sizes: Mapping[str, int]) -> int:
    """Go through runs being cleared until they are or ctrl+C stops it, telling what was kept; one exit code for all."""
    codes = []
    with closing(clearing):
        for one in clearing:
            if one.error is None:
                progress.step(one.freed or sizes.get(one.run_id, 0))
                codes.append(DONE)
            else:
                progress.complain(str(one.error))
                codes.append(NO_SUCH_RUN if isinstance(one.error, NoSuchRun) else FAILED)
            for note in one.notes:
                progress.note(f"run {one.run_id}: {note}")
            if progress.stopped:
                break
    return code_of_several(codes)


def _ended(code: int, progress: Progress, sentence: str) -> int:
    """Tell how far it came, and whether that was the end of it."""
    if not progress.stopped or progress.complete:
        say(sentence)
        return code
    say(f"Stopped: {progress.text()}; the rest is untouched.")
    return INTERRUPTED


def _ask(question: str, *, yes: bool) -> None:
    """Go on only with a clear yes; the answer is No unless somebody types another.

    Raises:
        Failure: The answer was no, or there is nobody to ask.
    """
    if yes:
        return
    if not is_terminal(sys.stdin):
        raise Failure(f"nobody is there to answer: {question} Say -y to go ahead", USAGE)
    sys.stderr.write(clean(question) + " [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    if answer.strip().lower() not in {"y", "yes"}:
        raise Failure("nothing was done", FAILED)


def _find_trashed(store: Store, text: str) -> str:
    """The id in the trash that an exact id, a unique prefix or @last means.

    Raises:
        Failure: It means none, or more than one.
    """
    runs = {run.id: run for run in store.trashed()}
    if text in runs:
        return text
    if text == "@last" and runs:
        return max(runs.values(), key=lambda run: run.started_at or 0.0).id
    fitting = [run_id for run_id in runs if text and run_id.startswith(text)]
    if len(fitting) > 1:
        raise Failure(f"{len(fitting)} runs in the trash begin with {text}: {', '.join(fitting[:10])}", USAGE)
    if not fitting:
        raise Failure(f"no run in the trash begins with '{text}'; runboard trash lists them", NO_SUCH_RUN)
    return fitting[0]


def _print_sized(desk: Desk, runs: Sequence[Run], sizes: dict[str, int]) -> None:
    """The table of runs with the disk space that each takes."""
    column = Column("size", "Size", 8, lambda run, _now: size_text(sizes[run.id]), align="right")
    first, second, *others = shown(runs)
    for line in table(runs, [first, second, column, *others], time.time(), desk.style()):
        put(line)
