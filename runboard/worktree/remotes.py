"""Which remotes of a repository go with a run: what was pushed into the run's own directory is not saved."""

from __future__ import annotations

import os

from runboard.worktree.git import Git


def lost_remotes(ask: Git, common: str, inside: str) -> list[str]:
    """The names of the remotes of a repository that lie below a directory, ``inside`` with a slash at its end."""
    config = ("config", "--file", os.path.join(common, "config"), "--no-includes", "-z")
    code, told = ask.told(*config, "--get-regexp", r"^remote\..*\.(url|pushurl)$")
    entries = (entry.partition("\n") for entry in told.split("\0") if entry) if code == 0 else ()
    return sorted({key.split(".", 1)[1].rpartition(".")[0] for key, _, url in entries if _below(url, common, inside)})


def _below(url: str, common: str, inside: str) -> bool:
    """Whether a remote's address is a path below a directory; a relative one begins beside the repository's files."""
    path = url.removeprefix("file://")
    if "://" in path or ":" in path.partition("/")[0]:
        return False  # another machine's, if it is any
    return f"{os.path.realpath(os.path.join(common.removesuffix('/.git'), path))}/".startswith(inside)
