"""What Textual offers every app and no guest may have: whatever asks for it, key, palette or link, gets nothing.

The kernel's lock refuses these acts too, where there is one; this is the layer above it, which says so on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.actions import ActionParseResult
from textual.dom import DOMNode

from runboard.ui.interrupt import InterruptibleApp

BARRED = frozenset(
    {
        *("suspend_process", "screenshot", "save_screenshot", "deliver_screenshot", "open_url", "open_link"),
        *("change_theme", "show_help_panel", "simulate_key", "push_screen", "switch_screen", "switch_mode"),
        *("add_class", "remove_class", "toggle_class"),
    }
)
"""Actions that stop the process, write files, start programs or open other screens than ours, by their names."""

REFUSAL = "A board that only looks does not do that"


class BarredApp(InterruptibleApp, inherit_bindings=False):
    """An app that does without them while it ``only_looks``."""

    only_looks = False
    """Whether it is a guest's."""

    # Every action comes this way: those of screens and widgets, and of bindings, do not pass App.check_action().
    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what an action says, unless it is barred."""
        if self.only_looks:
            _target, name, _parameters = self._parse_action(action, default_namespace or self, namespaces)
            if name in BARRED:
                self._refuse()
                return False
        return await super().run_action(action, default_namespace, namespaces)

    def action_suspend_process(self) -> None:
        """Stop like any other program, but for a guest, who has no shell to come back from."""
        if not self.only_looks:
            super().action_suspend_process()

    def open_url(self, url: str, *, new_tab: bool = True) -> None:
        """Open a page in a browser, but for a guest, whose browser is elsewhere."""
        if self.only_looks:
            self._refuse()
        else:
            super().open_url(url, new_tab=new_tab)

    def _deliver_binary(self, *arguments: Any, **more: Any) -> str | None:
        """Save something, but for a guest; all of Textual's ways to save a file end here."""
        if self.only_looks:
            self._refuse()
            return None
        return super()._deliver_binary(*arguments, **more)

    def _refuse(self) -> None:
        """Say so."""
        self.notify(REFUSAL, severity="warning", markup=False, timeout=5)
