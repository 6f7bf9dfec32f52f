"""The verb ``doctor``: what this machine offers, what is done without, and what stands in the way."""

from __future__ import annotations

import os

import click

from runboard.cli.desk import Desk, verb
from runboard.cli.exits import DONE, FAILED, Failure
from runboard.cli.finding import FEW
from runboard.cli.printing import put, put_json
from runboard.cli.privacy import privacy
from runboard.cli.probing import Check, State, hook_of_endings, probe_machine, runs_directory
from runboard.index import Index
from runboard.safetext import clean
from runboard.store import Store

_SGR = {State.OK: "32", State.DEGRADED: "33", State.MISSING: "31"}


def index_file(root: str) -> Check:
    """Where the index of the runs is kept and how much it holds, or why it is done without."""
    found = Index(Store(root))
    rows = found.kept()
    found.close()
    if found.trouble:
        return Check("index", State.DEGRADED, f"{found.trouble}: all runs are read each time")
    if rows is None:
        return Check("index", State.OK, f"none yet: {FEW} runs and more are kept in {found.path}")
    return Check("index", State.OK, f"{rows} rows in {found.path}")


@verb("doctor", example="runboard doctor --json")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def doctor_verb(desk: Desk, *, as_json: bool) -> int:
    """Say what this machine offers: "degraded" works in another way, "missing" must be mended.

    Exits with 1 if something essential is missing.
    """
    checks = probe_machine(os.environ)
    try:
        checks += [*runs_directory(desk.root), privacy(desk.root), hook_of_endings(desk.root, os.environ)]
        if os.path.isdir(desk.root):
            checks.append(index_file(desk.root))
    except Failure as error:
        checks.append(Check("runs directory", State.MISSING, str(error)))
    healthy = all(check.state is not State.MISSING for check in checks)
    if as_json:
        told = [{"name": check.name, "state": str(check.state), "detail": check.detail} for check in checks]
        put_json({"healthy": healthy, "checks": told})
        return DONE if healthy else FAILED
    colour = desk.style().colour
    for check in checks:
        word = f"{check.state:<8}"
        shown = f"\x1b[{_SGR[check.state]}m{word}\x1b[0m" if colour else word
        put(f"{check.name:<14}  {shown}  {clean(check.detail)}")
    return DONE if healthy else FAILED
