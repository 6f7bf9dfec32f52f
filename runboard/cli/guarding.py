"""A board for a guest: whoever comes for anything else is turned away, and no run is read before the lock is on."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runboard import cachefile
from runboard.cli import transfer
from runboard.cli.exits import FAILED, USAGE, Failure
from runboard.guest import Unlockable, lock, purge
from runboard.process import raise_file_limit
from runboard.safetext import clean

_ASKED_MOST = 60
"""Characters of what a guest asked for that the refusal quotes."""


def turn_away(environ: Mapping[str, str]) -> None:
    """Refuse what a key that opens a board was used for in its place: a command, a copy, a file transfer.

    sshd notes it in SSH_ORIGINAL_COMMAND where the key's own command is run instead (sshd(8)).

    Raises:
        Failure: There was such a wish.
    """
    asked = environ.get("SSH_ORIGINAL_COMMAND")
    if asked is not None:
        quoted = clean(asked)
        short = quoted if len(quoted) <= _ASKED_MOST else f"{quoted[:_ASKED_MOST]}…"
        refusal = "this key opens a board, and runs neither commands nor copies"
        if transfer.is_transfer(asked) and not os.isatty(0):
            transfer.refuse(refusal, 0, 1)
        raise Failure(f"{refusal} ({short}); connect without a command", USAGE)


def guard(root: str, *, unlocked: bool) -> tuple[str, tuple[str, ...]]:
    """Lock this process, all but the reading of the runs directory, of its index, and of what Python needs.

    Returns:
        How it is locked, in words for the first line, and sentences that a person has to know.

    Raises:
        Failure: The kernel offers no lock, and nobody said to do without.
    """
    purge(os.environ)
    raise_file_limit()
    if unlocked:
        return "not locked", ()
    try:
        made = lock([root, *_index(root)])
    except Unlockable as error:
        raise Failure(
            f"--watch cannot be locked here: {error}; to look on without a lock, for people you trust, add --unlocked",
            FAILED,
        ) from None
    absent = "there was no runs directory when this board was locked, so it sees none: open it again once there is"
    return made.words, (*made.missing, *([] if os.path.isdir(root) else [absent]))


def _index(root: str) -> list[str]:
    """The files of the index, where there is one."""
    try:
        return cachefile.parts(cachefile.home(), cachefile.name_of(root))
    except cachefile.Unusable:
        return []
