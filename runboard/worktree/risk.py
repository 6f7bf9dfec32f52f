"""Work in a run's repo/ that would be lost with it, told by git without executing what the run configured."""

from __future__ import annotations

import os
from dataclasses import dataclass

from runboard import files
from runboard.safetext import clean
from runboard.worktree.git import Git, Patience, Unknown, git_dir_of, line_of, own_git_dir

_DEEPEST = 4
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames")


@dataclass(frozen=True, slots=True)
class _Found:
    """How much there is to lose: files changed, files (or directories of them) unknown to git, commits nowhere else."""

    uncommitted: int = 0
    untracked: int = 0
    commits: int = 0
    elsewhere: str = "on no remote and no other branch"

    def __add__(self, other: _Found) -> _Found:
        """Both together, in the words of the first."""
        counts = (self.uncommitted + other.uncommitted, self.untracked + other.untracked, self.commits + other.commits)
        return _Found(*counts, self.elsewhere)

    def sentence(self) -> str | None:
        """What there is, or None for nothing."""
        parts = [_count(self.uncommitted, "uncommitted file"), _count(self.untracked, "untracked file")]
        if self.commits:
            parts.append(
                f"{_count(self.commits, 'commit')} that {'is' if self.commits == 1 else 'are'} {self.elsewhere}"
            )
        return ", ".join(part for part in parts if part) or None


def work_at_risk(path: str) -> str | None:
    """What of the work in ``path``/repo exists nowhere else, in words; None for nothing, or without a repository.

    What git cannot tell within 10 s counts as at risk, and the sentence says so.
    """
    tree = os.path.join(path, "repo")
    if os.path.islink(tree) or not os.path.lexists(os.path.join(tree, ".git")):
        return None
    try:
        return _look(tree, os.path.realpath(path), Patience.from_now(), 0).sentence()
    except Unknown as error:
        return f"git cannot tell what is unsaved in repo/: {error}"
    except (OSError, files.Unfit) as error:
        return f"git cannot tell what is unsaved in repo/: {clean(str(error))}"


def _look(tree: str, inside: str, patience: Patience, depth: int) -> _Found:
    """What one work tree and the submodules in it have to lose; a repository that lies ``inside`` is lost whole."""
    real = git_dir_of(tree)
    common = os.path.realpath(os.path.join(real, line_of(real, "commondir") or "."))
    with own_git_dir(real, common, patience) as git_dir:
        ask = Git(git_dir, tree, os.path.join(real, "index"), patience)
        entries = [entry for entry in ask(*_STATUS).split("\0") if entry]
        untracked = sum(entry.startswith("?? ") for entry in entries)
        whole = f"{common}/".startswith(f"{inside}/")
        words = "on no remote" if whole else "on no remote and no other branch"
        found = _Found(len(entries) - untracked, untracked, _commits(ask, real, whole=whole), words)
        submodules = [
            line.partition("\t")[2] for line in ask("ls-files", "-s", "-z").split("\0") if line[:7] == "160000 "
        ]
    for name in submodules:
        below = os.path.join(tree, name)
        if os.path.lexists(os.path.join(below, ".git")):
            if depth == _DEEPEST or not os.path.realpath(below).startswith(os.path.realpath(tree) + "/"):
                raise Unknown(f"submodule {clean(name)} lies too deep")
            found += _look(below, inside, patience, depth + 1)
    return found


def _commits(ask: Git, real: str, *, whole: bool) -> int:
    """How many commits are reached from here alone: by the whole repository where it goes too, else by HEAD."""
    if whole:
        return int(ask("rev-list", "--count", "--all", "--not", "--remotes"))
    branch = (line_of(real, "HEAD") or "").removeprefix("ref: ")
    if branch.startswith("refs/") and ask.fails("show-ref", "--quiet", "--verify", branch):
        return 0  # a branch without commits
    others = (f"--exclude={branch.removeprefix('refs/heads/')}", "--branches")
    return int(ask("rev-list", "--count", "HEAD", "--not", "--remotes", *others))


def _count(number: int, noun: str) -> str:
    """A number with its noun, and nothing for none."""
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
