"""What an ending and an act need is loaded while nothing is wrong: later a disk may fail, or no descriptor be left.

Modules are loaded with their first use so that a board begins sooner. But a first use that comes amid a fault would
fail as an import does, which tells nobody what is wrong, and leaves an ending that was seen without its record.
"""

from __future__ import annotations

from importlib import import_module

_NEEDED = (
    *("tally", "hook", "transcripts.readings", "transcripts.readable", "regex.bad", "regex.expression"),
    *("logs.last", "logs.reading", "logs.source", "logs.hunt", "logs.lines", "logs.pattern", "logs.stream"),
    *("process.kernel", "process.place", "process.pulse", "process.roll", "process.exits", "process.ending"),
    *("process.cgroup", "process.membership", "process.limits", "process.launching", "process.pausing"),
    *("disk", "together", "settlers", "edits", "signalling", "clearing", "retention"),
    *("worktree.branch", "worktree.lent", "worktree.moved", "worktree.risk"),
)


def load() -> None:
    """Load what settling, ending, clearing and starting runs may ask for."""
    for name in _NEEDED:
        import_module(f"runboard.{name}")
