"""What a run did to its checkout, what of it would be lost, and its branch; git executes nothing the run configured."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runboard.worktree.branch import Branch, branch_of, bring_back, delete
    from runboard.worktree.changes import Changes, FileChange, changes_of
    from runboard.worktree.git import Unknown
    from runboard.worktree.lent import Neighbours
    from runboard.worktree.moved import administration, follow, forget
    from runboard.worktree.risk import Risk, risk_of, work_at_risk

_MODULES = {
    "branch": ("Branch", "branch_of", "bring_back", "delete"),
    "changes": ("Changes", "FileChange", "changes_of"),
    "git": ("Unknown",),
    "lent": ("Neighbours",),
    "moved": ("administration", "follow", "forget"),
    "risk": ("Risk", "risk_of", "work_at_risk"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
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


def __getattr__(name: str) -> object:
    """Load what is asked for when it is: a board begins without git."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
