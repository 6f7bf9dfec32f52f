"""What a run did to its checkout, what of it would be lost, and its branch; git executes nothing the run configured."""

from __future__ import annotations

from runboard.worktree.branch import Branch, branch_of, bring_back, delete
from runboard.worktree.changes import Changes, FileChange, changes_of
from runboard.worktree.git import Unknown
from runboard.worktree.moved import administration, follow, forget
from runboard.worktree.risk import Risk, risk_of, work_at_risk

__all__ = [
    "Branch",
    "Changes",
    "FileChange",
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
