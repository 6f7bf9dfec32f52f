"""Which remotes of a repository go with a run: what was pushed into the run's own directory is not saved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from runboard.worktree.git import Git


def insides(path: str, home: str | None) -> tuple[str, ...]:
    """A run's directory as paths below it begin: where it is, and where it was before it was moved from ``home``."""
    return tuple(f"{os.path.realpath(place)}/" for place in dict.fromkeys((path, home or path)))


def remotes_of(ask: Git, common: str) -> list[tuple[str, str]]:
    """The remotes of a repository that are directories on this machine: name and real path, whether it exists or not.

    A relative address begins beside the repository's files.
    """
    config = ("config", "--file", os.path.join(common, "config"), "--no-includes", "-z")
    code, told = ask.told(*config, "--get-regexp", r"^remote\..*\.(url|pushurl)$")
    entries = (entry.partition("\n") for entry in told.split("\0") if entry) if code == 0 else ()
    named = ((key.split(".", 1)[1].rpartition(".")[0], url.removeprefix("file://")) for key, _, url in entries)
    beside = common.removesuffix("/.git")
    return [(name, os.path.realpath(os.path.join(beside, path))) for name, path in named if _is_path(path)]


def lost(remotes: Iterable[tuple[str, str]], inside: tuple[str, ...]) -> list[str]:
    """The names of those remotes that lie below a run's directory."""
    return sorted({name for name, path in remotes if f"{path}/".startswith(inside)})


def others(lost_ones: Sequence[str]) -> tuple[str, ...]:
    """What rev-list is told of the remotes: all but those that are lost too."""
    return (*(f"--exclude={name}/*" for name in lost_ones), "--remotes")


def kept(refs: Sequence[str], lost_ones: Sequence[str]) -> list[str]:
    """These refs but for those of remotes that are lost too."""
    gone = tuple(f"refs/remotes/{name}/" for name in lost_ones)
    return [ref for ref in refs if not ref.startswith(gone)]


def _is_path(address: str) -> bool:
    """Whether a remote's address is a path; any other is on another machine, or as good as that."""
    return bool(address) and "://" not in address and ":" not in address.partition("/")[0]
