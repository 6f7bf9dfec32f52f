"""The log for who may start programs: it opens in the pager and in the editor that a person likes."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from runboard.ui.log import LogPane


class LogDesk(LogPane):
    """Two more keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("P", "open_in('pager')", "pager", show=False, tooltip="Read it in $PAGER", id="log.pager"),
        Binding("e", "open_in('editor')", "editor", show=False, tooltip="Open it in $EDITOR", id="log.editor"),
    ]

    class Leaving(Message):
        """The log of a run is wanted in another program."""

        def __init__(self, run_id: str, program: str) -> None:
            """Say of which run, and in which program: ``pager`` or ``editor``."""
            super().__init__()
            self.run_id = run_id
            self.program = program

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There must be something to open; of a log that is still being read nobody says that there is not."""
        if action == "open_in":
            return self._run is not None and (self._window is None or bool(self._window.size))
        return super().check_action(action, parameters)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why there is not."""
        return "There is no log to open" if action == "open_in" else super().why_not(action, parameters)

    def action_open_in(self, program: str) -> None:
        """Have it opened."""
        if self._run is not None:
            self.post_message(self.Leaving(self._run.id, program))
