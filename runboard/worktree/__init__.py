"""What a run did to its checkout and what of it would be lost; git executes nothing that the run configured."""

from __future__ import annotations

from runboard.worktree.changes import Changes, FileChange, changes_of
from runboard.worktree.risk import work_at_risk

__all__ = ["Changes", "FileChange", "changes_of", "work_at_risk"]
