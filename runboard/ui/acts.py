"""What a person does to runs: asked first, done in a thread, and told; the run is the one the question named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from signal import SIGKILL, SIGTERM, Signals

from runboard.board import Board
from runboard.columns import status_word
from runboard.control import Control, ControlError
from runboard.model import Run, Status
from runboard.store import NoSuchRun, StoreError
from runboard.ui.confirm import Confirm

TOLD = (ControlError, StoreError, OSError)
"""What an act may fail with; the message is told on the screen."""


class Acts:
    """Each act from its question to the sentence that tells what came of it."""

    def __init__(
        self,
        control: Control,
        board: Board,
        ask: Callable[[Confirm], Awaitable[bool]],
        tell: Callable[[str, bool], None],
        changed: Callable[[], None],
    ) -> None:
        """Act through ``control``; ``tell`` gets a sentence and whether it is an error, ``changed`` is called after."""
        self._control = control
        self._board = board
        self._ask = ask
        self._tell = tell
        self._changed = changed
        self.stopping: set[str] = set()
        self._trashed: list[str] = []

    def possible(self, act: str, run: Run | None) -> bool:
        """Whether an act makes sense for a run as it stands."""
        if act == "undo":
            return bool(self._trashed)
        if run is None or run.damage is not None:
            return False
        live = run.status is Status.RUNNING and run.foreign is None
        return {
            "stop": live and run.id not in self.stopping and run.kill_request is None,
            "kill": live,
            "trash": run.finished and not run.unsaved,
            "rerun": bool(run.command),
        }.get(act, False)

    async def do(self, act: str, run: Run | None) -> None:
        """Do what a key asks for, if it makes sense."""
        if not self.possible(act, run):
            return
        match act, run:
            case "undo", _:
                await self.undo()
            case "stop", Run():
                await self.stop(run, SIGTERM)
            case "kill", Run():
                await self.stop(run, SIGKILL)
            case "trash", Run():
                await self.trash(run)
            case "rerun", Run():
                await self.rerun(run)

    async def stop(self, run: Run, signal: Signals) -> None:
        """End a run's whole process tree."""
        gently = signal == SIGTERM
        agreed = await self._ask(
            Confirm(
                "Stop this run?" if gently else "Kill this run?",
                run,
                "SIGTERM to its whole process tree; after 5 s, SIGKILL."
                if gently
                else "SIGKILL to its whole process tree, at once.",
                "stop it" if gently else "kill it",
            )
        )
        if not agreed:
            return
        now = self._board.get(run.id)
        if now is None or not now.active:
            self._tell(_meanwhile(run, now), False)
            return
        self.stopping.add(run.id)
        self._changed()
        try:
            ended = await asyncio.to_thread(self._control.kill, run.id, signal)
        except TOLD as error:
            self._tell(str(error), True)
        else:
            self._tell(f"{_name(ended)}: {status_word(ended)}", False)
        finally:
            self.stopping.discard(run.id)
            self._changed()

    async def trash(self, run: Run) -> None:
        """Move a finished run to the trash."""
        if not await self._ask(Confirm("Move this run to the trash?", run, "u brings it back.", "move it")):
            return
        try:
            await asyncio.to_thread(self._control.trash, run.id)
        except TOLD as error:
            self._tell(str(error), True)
            return
        self._trashed.append(run.id)
        self._changed()
        self._tell(f"{_name(run)} is in the trash; u brings it back", False)

    async def undo(self) -> None:
        """Bring the run that was trashed last back."""
        run_id = self._trashed.pop()
        try:
            await asyncio.to_thread(self._control.restore, run_id)
        except TOLD as error:
            if not isinstance(error, NoSuchRun):
                self._trashed.append(run_id)  # it still lies there, and u may be pressed again
            self._tell(str(error), True)
        else:
            self._tell(f"{run_id} is back", False)
        self._changed()

    async def rerun(self, run: Run) -> None:
        """Start the same command again."""
        where = f"In {run.cwd}." if run.cwd else "In the present directory."
        if not await self._ask(Confirm("Run this again?", run, where, "run it again")):
            return
        try:
            new = await asyncio.to_thread(self._control.rerun, run.id)
        except TOLD as error:
            self._tell(str(error), True)
        else:
            self._tell(f"{_name(new)}: {status_word(new)}", new.status is Status.FAILED)


def _name(run: Run) -> str:
    """A run's id with what people call it."""
    return f"{run.id} {run.title[:40]}".strip()


def _meanwhile(run: Run, now: Run | None) -> str:
    """What happened to a run while its question was open."""
    if now is None:
        return f"{_name(run)} is gone meanwhile; nothing was done"
    return f"{_name(run)} ended meanwhile: {status_word(now)}; nothing was done"
