"""The verbs by which people say something of runs: ``mark``, ``tag`` and ``note``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from runboard.cli.desk import Desk, each, find, verb
from runboard.cli.exits import DONE, FAILED, USAGE, Failure
from runboard.cli.printing import is_terminal, say
from runboard.cli.verdicts import verdict
from runboard.control import Control, ControlError
from runboard.edits import NOTE_MOST
from runboard.model import Status


class Tag(click.Command):
    """Takes ``+x`` and ``-x`` as people write them; -h stays help, and --remove takes a tag that is an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read a word behind a plus or a single dash as the value of ``--add`` or ``--remove``."""
        spelled: list[str] = []
        for arg in args:
            if len(arg) > 1 and arg[0] == "+":
                spelled += ["--add", arg[1:]]
            elif len(arg) > 1 and arg[0] == "-" and arg[1] != "-" and arg != "-h":
                spelled += ["--remove", arg[1:]]
            else:
                spelled.append(arg)
        return super().parse_args(ctx, spelled)


@verb("mark", example='runboard mark a1b2 completed --reason "the network was down"')
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@click.argument("status", type=click.Choice(["completed", "failed"]))
@click.option("--reason", "--why", "why", metavar="TEXT", help="What for; kept in the record and its history.")
def mark_verb(desk: Desk, *, run_ids: Sequence[str], status: str, why: str | None) -> int:
    """Have a finished run counted as completed or as failed, whatever was observed.

    Exit code, log and answer stay as they are, and so does the ending as it was observed; history keeps who and why.
    """
    store = desk.store()
    control = Control(store)

    def mark(run_id: str) -> int:
        """Mark one and say how it counts now."""
        say(verdict(control.mark(run_id, Status(status), why)))
        return DONE

    return each(run_ids, mark, (ControlError,), lambda text: find(store, text))


@verb("tag", example="runboard tag a1b2 +nightly -draft", kind=Tag)
@click.argument("run_ids", metavar="ID... +TAG -TAG...", nargs=-1, required=True)
@click.option("--add", multiple=True, metavar="TAG", help="Give it this tag; short: +TAG.")
@click.option("--remove", multiple=True, metavar="TAG", help="Take this tag away; short: -TAG.")
def tag_verb(desk: Desk, *, run_ids: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> int:
    """Give runs tags, or take tags from them; a live run too."""
    if not add and not remove:
        raise Failure(f"there is no tag; say +TAG to add one, as in: runboard tag {run_ids[0]} +nightly", USAGE)
    store = desk.store()
    control = Control(store)

    def tag(run_id: str) -> int:
        """Tag one and say which tags it has."""
        tags = control.tag(run_id, add=add, remove=remove).tags
        say(f"{run_id} tags: {' '.join(tags)}" if tags else f"{run_id} has no tags")
        return DONE

    return each(run_ids, tag, meaning=lambda text: find(store, text))


@verb("note", example='runboard note a1b2 "only with the new codec"')
@click.argument("run_id", metavar="ID")
@click.argument("words", metavar="[TEXT]", nargs=-1)
def note_verb(desk: Desk, *, run_id: str, words: Sequence[str]) -> int:
    """Put a note on a run in place of the one it has; an empty one takes it away.

    Without TEXT the note is written in $EDITOR; - reads it from stdin.
    """
    store = desk.store()
    run_id = find(store, run_id)
    before = store.read(run_id).note or ""
    text = sys.stdin.read(NOTE_MOST + 1) if tuple(words) == ("-",) else " ".join(words) if words else _typed(before)
    note = Control(store).note(run_id, text).note
    say(f"{run_id} has a note" if note else f"{run_id} has no note")
    return DONE


def _typed(before: str) -> str:
    """A note written in the person's editor.

    Raises:
        Failure: There is no terminal for an editor, it failed, or it was left without saving.
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise Failure("there is no note; give TEXT, or - to read it from stdin", USAGE)
    try:
        text = click.edit(before, extension=".md")
    except click.ClickException as error:
        raise Failure(f"{error.format_message()}; set $EDITOR, or give TEXT") from None
    if text is None:
        raise Failure("the note was not saved and stays as it is", FAILED)
    return text
