"""Whether the main line has a branch's changes, be it as other commits: rebased, or squashed into one."""

from __future__ import annotations

from runboard.worktree.git import DEFAULTS, Git, line_of


def targets(ask: Git, common: str | None = None) -> list[str]:
    """The refs that a branch is mostly merged into: the main lines of remotes and here, and what ``common`` is on."""
    found = [ref for ref in ask("for-each-ref", "--count=20", "--format=%(refname)", *DEFAULTS).split("\n") if ref]
    head = "" if common is None else (line_of(common, "HEAD") or "").removeprefix("ref: ")
    if head.startswith("refs/heads/") and head not in found and not ask.fails("show-ref", "--quiet", "--verify", head):
        found.append(head)
    return found


def merged(ask: Git, tip: str, target: str) -> bool:
    """Whether ``target`` has all that ``tip`` brought: itself, each commit's change, the sum of them, or their outcome.

    A branch that took back all it did is merged by none of this: nothing tells that anybody has seen it.
    """
    code, base = ask.told("merge-base", "--end-of-options", tip, target)
    if code != 0:
        return False
    code, trees = ask.told("rev-parse", *(f"{commit}^{{tree}}" for commit in (tip, base, target)))
    ours, before, theirs = trees.split() if code == 0 else ("", "", "")
    if ours == before:
        return base == ask("rev-parse", "--verify", f"{tip}^{{commit}}").strip()
    code, after = ask.told("merge-tree", "--write-tree", "--no-messages", target, tip)
    if code == 0 and after == theirs:
        return True
    squashed = ask("commit-tree", ours, "-p", base, "-m", "all of it").strip()
    return any(_known(ask, target, commit) for commit in (squashed, tip))


def _known(ask: Git, target: str, tip: str) -> bool:
    """Whether each commit that leads to ``tip`` alone has one of the same change in ``target``."""
    code, marks = ask.told("cherry", target, tip)
    return code == 0 and bool(marks) and all(line.startswith("-") for line in marks.split("\n"))
