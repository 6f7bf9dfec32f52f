"""What a run did to its checkout, what of it would be lost, and its branch; git executes nothing the run configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runboard import late

if TYPE_CHECKING:
    from runboard.worktree.branch import Branch, branch_of, bring_back, delete
    from runboard.worktree.changes import Changes, FileChange, changes_of
    from runboard.worktree.git import Unknown
    from runboard.worktree.lent import Neighbours
    from runboard.worktree.moved import administration, follow, forget
    from runboard.worktree.risk import Risk, risk_of, work_at_risk
else:
    __getattr__ = late.names(
        __name__,
        {
            "branch": "Branch branch_of bring_back delete",
            "changes": "Changes FileChange changes_of",
            "git": "Unknown",
            "lent": "Neighbours",
            "moved": "administration follow forget",
            "risk": "Risk risk_of work_at_risk",
        },
    )

PREFIX = "runboard-git-"
"""How our own git directories are called, among the temporary files."""

__all__ = [
    "PREFIX",
    "Branch",
    "Changes",
    "FileChange",
    "Neighbours",
    "Risk",
    "Unknown",
    "administration",
    "branch_of",
    "bring_back",
    "changes_of",
    "delete",
    "follow",
    "forget",
    "risk_of",
    "work_at_risk",
]
