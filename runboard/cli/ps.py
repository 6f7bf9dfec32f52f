"""The verb ``ps`` as the parser of all verbs has it; its commonest forms are understood without (see `quick`)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from runboard.cli.desk import Desk, verb
from runboard.cli.listing import FINISHED_SHOWN, Wish, list_runs


@verb("ps", example="runboard ps -a status:failed repo:shop")
@click.argument("words", metavar="[QUERY]...", nargs=-1)
@click.option("-a", "--all", "everything", is_flag=True, help=f"All ended runs, not only the newest {FINISHED_SHOWN}.")
@click.option("-n", "--limit", type=click.IntRange(min=0), metavar="N", help="At most N runs.")
@click.option("--sort", metavar="COLUMN", help="Sort by a column; -COLUMN turns the order round.")
@click.option("--size", "sized", is_flag=True, help="Also what each takes on the disk, which takes time to measure.")
@click.option("--columns", metavar="COLUMNS", help="The columns of the table, with commas between them.")
@click.option("--json", "form", flag_value="json", help="A JSON array of whole records.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One record of JSON per line.")
@click.option("-q", "--quiet", "form", flag_value="ids", help="Ids only.")
@click.option("--format", "template", metavar="TEXT", help="A line per run, such as '{id} {status}'.")
def ps_verb(
    desk: Desk,
    *,
    words: Sequence[str],
    everything: bool,
    limit: int | None,
    sort: str | None,
    sized: bool,
    columns: str | None,
    form: str | None,
    template: str | None,
) -> int:
    """List runs: running first, then newest.

    QUERY words must all occur; key:value looks at one field (status, reason, repo, issue, model, tag, name, id ...).
    A word with a minus in front must not occur: runboard ps -- -status:failed
    """
    return list_runs(desk, Wish(words, everything, limit, sort, sized, form, template, columns))
