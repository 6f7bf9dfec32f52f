"""The verbs that start: ``run`` and ``rerun``; both print the new run's id and can stay with it to the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from runboard.cli.desk import Desk, find, verb
from runboard.cli.ending import waited
from runboard.cli.exits import DONE, FAILED, USAGE, Failure
from runboard.cli.place import absolute
from runboard.cli.printing import complain, put, say
from runboard.cli.reading import followed
from runboard.cli.values import ALL_LINES, time_limit, variable
from runboard.cli.verdicts import code_of, verdict
from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.safetext import clean
from runboard.store import Store


def _staying(function: Callable[..., int]) -> Callable[..., int]:
    """Add the two ways to stay with a run."""
    follow = click.option("--follow", "-f", is_flag=True, help="Print its output until it ends; exit with its code.")
    wait = click.option("--wait", "-w", is_flag=True, help="Wait until it ends; exit with its code.")
    return wait(follow(function))


@verb(
    "run",
    example="runboard run --name tests --timeout 30m -- make test",
    interspersed=False,
)
@click.argument("command", metavar="[--] CMD [ARG]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--name", metavar="TEXT", help="What to call it.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="A word to find it by; may be repeated.")
@click.option("--timeout", type=time_limit, metavar="TIME", help="End its whole tree after 90s, 30m, 1h30m ...")
@click.option("--cwd", metavar="DIR", help="Where it runs.")
@click.option(
    "--env", "variables", multiple=True, type=variable, metavar="K=V", help="A variable of its own; repeatable."
)
@_staying
@click.option("--model", metavar="TEXT", help="The model an agent uses.")
@click.option("--repo", metavar="TEXT", help="The repository it works on.")
@click.option("--issue", metavar="TEXT", help="The issue it works on.")
@click.option("--persona", metavar="TEXT", help="The role an agent plays.")
def run_verb(
    desk: Desk,
    *,
    command: Sequence[str],
    tags: Sequence[str],
    timeout: float | None,
    cwd: str | None,
    variables: Sequence[tuple[str, str]],
    wait: bool,
    follow: bool,
    **words: str | None,
) -> int:
    """Start a command that goes on without you, and print its id.

    It keeps running when the shell, the terminal or the board is closed. Its output goes to output.log.
    """
    if not command or not command[0]:
        raise Failure("there is no command to start; give one, as in: runboard run -- make test", USAGE)
    store = desk.store()
    control = Control(store)
    told = {key: text or None for key, text in words.items()}
    env = dict(variables)
    place = absolute(cwd or ".")
    run = _started(lambda: control.start(command, tags=tags, timeout=timeout, cwd=place, env=env, **told))
    return _stay(desk, store, run, wait=wait, follow=follow)


@verb("rerun", example="runboard rerun @last --follow")
@click.argument("run_id", metavar="ID")
@click.option(
    "--env", "variables", multiple=True, type=variable, metavar="K=V", help="A variable of its own; repeatable."
)
@_staying
def rerun_verb(desk: Desk, *, run_id: str, variables: Sequence[tuple[str, str]], wait: bool, follow: bool) -> int:
    """Start the command of a run again, as a new run, and print its id.

    Directory, words and time limit are those of the old run; the environment is yours. Values of --env are never kept:
    say them again, or have them in your environment.
    """
    store = desk.store()
    old = find(store, run_id)
    given = dict(variables)
    run = _started(lambda: Control(store).rerun(old, given))
    if taken := [clean(name) for name in run.env if name not in given]:
        say(f"{', '.join(taken)}: taken from your environment; the values of before are not kept")
    return _stay(desk, store, run, wait=wait, follow=follow)


def _started(start: Callable[[], Run]) -> Run:
    """Start, or fail with the control's sentence."""
    try:
        return start()
    except ControlError as error:
        raise Failure(str(error)) from None


def _stay(desk: Desk, store: Store, run: Run, *, wait: bool, follow: bool) -> int:
    """Print the new run's id, and stay with it as long as was asked for."""
    try:
        if follow:
            say(f"{run.id} started")
        else:
            put(run.id)
            sys.stdout.flush()
        if run.finished and run.process.pid is None:
            complain(verdict(run))
            return code_of(run) if wait or follow else FAILED
        if follow:
            return followed(desk, store, run.id, lines=ALL_LINES)
        return waited(store, run.id) if wait else DONE
    except KeyboardInterrupt:
        say(f"{run.id} goes on; look again with: runboard watch {run.id}; end it with: runboard kill {run.id}")
        raise
