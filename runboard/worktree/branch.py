"""The branch that a run worked on in a repository that stays: deleted only where nothing is lost, and brought back.

Git works through a git directory of ours here too, whose refs are the real ones: no hook and no setting of the
repository is seen, and git's own locks keep other writers out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from runboard import files
from runboard.late import pattern
from runboard.safetext import clean
from runboard.worktree.git import Git, Patience, Unknown, common_of, git_dir_of, line_of, own_git_dir
from runboard.worktree.merged import merged, targets
from runboard.worktree.moved import administration
from runboard.worktree.remotes import insides, kept, lost, others, remotes_of

_HEADS = "refs/heads/"
_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Branch(NamedTuple):
    """A run's branch: its name, the commit it is at, the repository, and why it is kept (None: it may be deleted).

    ``needed`` where it is a main line or somebody else works on it, so that not even force deletes it.
    """

    name: str
    commit: str
    repository: str
    kept: str | None = None
    needed: bool = False


def branch_of(path: str, home: str | None = None) -> Branch | None:
    """The branch that is checked out in ``path``/repo, where that is a worktree of a repository elsewhere.

    None where there is none, or where git cannot tell; ``home`` is where the run's directory was before it was moved.
    """
    try:
        real, common = _place(path, home)
        ref = (line_of(real, "HEAD") or "").removeprefix("ref: ")
        if not ref.startswith(_HEADS) or administration(path, home or path) != real:
            return None  # not on a branch, or not the worktree that the repository knows
        with own_git_dir(real, common, Patience.from_now()) as git_dir:
            ask = Git(git_dir, "/", os.devnull, Patience.from_now())
            code, commit = ask.told("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
            if code != 0:
                return None
            main = targets(ask, common)
            needed = "it is a main line" if ref in main else _needed(ask, ref, real, common)
            why = needed or _why_kept(ask, ref, main, lost(remotes_of(ask, common), insides(path, home)))
            name, repository = ref.removeprefix(_HEADS), common.removesuffix("/.git")
            return Branch(name, commit, repository, why, needed is not None)
    except (Unknown, OSError, files.Unfit):
        return None


def delete(path: str, branch: Branch, home: str | None = None) -> None:
    """Delete the branch of the run in ``path``, if it is still where it was seen.

    Raises:
        Unknown: Git did not; the message says why.
    """
    _update(path, home, "update-ref", "-d", "--no-deref", _HEADS + branch.name, branch.commit)


def bring_back(path: str, name: str, commit: str) -> bool:
    """Make a branch of the run in ``path`` again, at the commit it was at; whether that was needed.

    Raises:
        Unknown: Git did not, or the repository does not know this worktree; the message says why.
    """
    if not _COMMIT.fullmatch(commit):
        raise Unknown(f"{clean(commit)[:80]} is no commit")
    now = branch_of(path)
    if now is not None and (now.name, now.commit) == (name, commit):
        return False
    if administration(path, path) is None:
        raise Unknown("repo/ is no worktree that its repository knows")
    _update(path, None, "update-ref", "--no-deref", _HEADS + name, commit, "0" * len(commit))
    return True


def _update(path: str, home: str | None, *arguments: str) -> None:
    """Change one ref of the repository that a run's repo/ is a worktree of.

    Raises:
        Unknown: Git did not; the message says why.
    """
    try:
        real, common = _place(path, home)
        with own_git_dir(real, common, Patience.from_now()) as git_dir:
            ask = Git(git_dir, "/", os.devnull, Patience.from_now())
            ref = next(word for word in arguments if word.startswith(_HEADS))
            if ask.fails("check-ref-format", ref):
                raise Unknown(f"{clean(ref)[:80]} is no branch")
            ask(*arguments)
    except (OSError, files.Unfit) as error:
        raise Unknown(clean(str(error))) from None


def _place(path: str, home: str | None) -> tuple[str, str]:
    """The git directory of a run's repo/, and the repository that is of.

    Raises:
        Unknown: There is none, or it is a link.
    """
    tree = os.path.join(path, "repo")
    if os.path.islink(tree) or not os.path.lexists(os.path.join(tree, ".git")):
        raise Unknown("repo/ is no git checkout")
    real = git_dir_of(tree, None if home is None else os.path.join(home, "repo"))
    return real, common_of(real)


def _needed(ask: Git, ref: str, real: str, common: str) -> str | None:
    """Who else works on a branch, in words: a worktree that has it checked out, or rebases or bisects it."""
    folder = os.path.join(common, "worktrees")
    others = [os.path.join(folder, name) for name in os.listdir(folder)] if files.is_folder(folder) else []
    for place in (common, *others):
        if os.path.realpath(place) == real:
            continue
        heads = [line_of(place, "HEAD")] if place != common or _has_tree(ask, common) else []
        for name in ("rebase-merge", "rebase-apply"):
            inner = os.path.join(place, name)
            heads.append(line_of(inner, "head-name") if files.is_folder(inner) else None)
        start = line_of(place, "BISECT_START")
        heads.append(start and _HEADS + start)
        if ref in {head.removeprefix("ref: ") for head in heads if head}:
            tree = os.path.dirname(line_of(place, "gitdir") or os.path.join(common, ""))
            return f"it is checked out in {clean(tree)}"
    return None


def _has_tree(ask: Git, common: str) -> bool:
    """Whether a repository has a work tree of its own; a bare one's HEAD is nobody's."""
    code, bare = ask.told("config", "--file", os.path.join(common, "config"), "--no-includes", "--bool", "core.bare")
    return not (code == 0 and bare == "true")


def _why_kept(ask: Git, ref: str, main: Sequence[str], gone: Sequence[str]) -> str | None:
    """Why a branch should stay: it has commits that are on no other branch and no remote but those ``gone`` too."""
    elsewhere = (*others(gone), f"--exclude={ref.removeprefix(_HEADS)}", "--branches")
    count = int(ask("rev-list", "--count", ref, "--not", *elsewhere))
    if count == 0 or any(merged(ask, ref, name) for name in kept(main, gone)):
        return None
    return f"{count} commit{' of it is' if count == 1 else 's of it are'} neither merged nor pushed"
