"""Ctrl+C closes what is innermost, whatever it is; twice in a row it leaves from anywhere."""

from __future__ import annotations

from time import monotonic

from textual.screen import ModalScreen

from runboard.ui.away import LendingApp
from runboard.ui.keys import bound

TWICE_SECONDS = 1.0
"""So soon after the first Ctrl+C, and with no other key between them, the second one leaves."""


class InterruptibleApp(LendingApp, inherit_bindings=False):
    """An app that one gets out of without knowing where one is."""

    _interrupted = (0, -TWICE_SECONDS)

    async def action_interrupt(self) -> None:
        """Do what Escape does by itself here; where there is nothing to close, or the second time, leave."""
        key, since = self._interrupted
        again = self.keys_heard == key + 1 and monotonic() - since < TWICE_SECONDS
        if again or not await self._close():
            await self.run_action("app.quit")
        self._interrupted = (self.keys_heard, monotonic())

    async def _close(self) -> bool:
        """Close the innermost thing, and say whether there was one; whatever key a person has set for it."""
        closing = {one.id for one in bound().values() if "escape" in one.keys}
        keys = self.screen.active_bindings
        ours = [active for active in keys.values() if active.enabled and active.binding.id in closing]
        # The palette is Textual's, and so is its key.
        theirs = [keys["escape"]] if isinstance(self.screen, ModalScreen) and "escape" in keys else []
        for active in [*ours, *theirs][:1]:
            await self.run_action(active.binding.action, active.node)
            return True
        return isinstance(self.screen, ModalScreen)
