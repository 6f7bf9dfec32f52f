"""The program as it is, but for one thing: what its settlers and boards believe is appended to a history."""

from __future__ import annotations

import sys
from typing import Any

from runboard.board import Board, Entry
from runboard.control import Control
from runboard.folder import Draft, LockedRun
from runboard.order import Delta
from tests.faults.history import tell


def witnessed(history: str) -> None:
    """Have all that this process persists or shows told to the history, and its shims become witnesses too."""
    put, take_over, apply = LockedRun.put, LockedRun.take_over, Board.apply

    def told_put(self: LockedRun, run: Any, event: str, **more: Any) -> Any:
        """Persist, and tell what was persisted."""
        before = str(self.run.status)
        saved = put(self, run, event, **more)
        tell(history, "settler", saved.id, before, str(saved.status))
        return saved

    def told_take_over(self: LockedRun, draft: Draft) -> Any:
        """The same, where many are persisted together."""
        stamp = take_over(self, draft)
        tell(history, "settler", self.run.id, str(self.run.status), str(draft.doc["status"]))
        return stamp

    def told_apply(self: Board, changed: Any, removed: Any = (), rows: Any = (), *more: Any) -> Delta:
        """Show, and tell what is shown."""
        changed, rows = list(changed), list(rows)
        fresh: list[Entry] = [*changed, *rows]
        delta = apply(self, changed, removed, rows, *more)
        for entry in fresh:
            tell(history, "board", entry.id, "", str(entry.status))
        return delta

    def successor(self: Control, run_id: str) -> list[str]:
        """The shim becomes a witness of the end."""
        root = self._store.root
        return [sys.executable, "-m", "tests.faults.witness", history, "--runs-dir", root, "reconcile", run_id]

    LockedRun.put = told_put  # type: ignore[method-assign]
    LockedRun.take_over = told_take_over  # type: ignore[method-assign]
    Board.apply = told_apply  # type: ignore[method-assign,assignment]
    Control._successor = successor  # type: ignore[method-assign]


if __name__ == "__main__":
    witnessed(sys.argv[1])
    del sys.argv[1]
    from runboard.cli import program

    sys.exit(program())
