"""A key that does nothing says in a few words why; what can be done, and why not, is up to what the key belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from textual.actions import ActionParseResult
from textual.dom import DOMNode

from runboard.ui.barred import REFUSAL
from runboard.ui.corner import mention
from runboard.ui.dressed import DressedApp
from runboard.ui.keys import bound

ACTING = frozenset(
    {
        *("run.stop", "run.kill", "run.signal", "run.new", "run.rerun", "run.pause", "run.continue", "run.mark"),
        *("run.tag", "run.trash", "run.undo"),
    }
)
"""The keys that a board which only looks is without, by their ids."""

OPENING = frozenset({"log.pager", "log.editor"})
"""Those of the log."""


@runtime_checkable
class Outspoken(Protocol):
    """What has keys that may do nothing."""

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why an action that cannot be done now cannot; empty where that is plain to see."""


class OutspokenApp(DressedApp, inherit_bindings=False):
    """An app none of whose keys is silent."""

    closely = False
    """Whether a key was pressed: then what it can do is looked at closely, and in passing where keys are listed."""

    # Textual asks what has the focus first, then what that is in, up to the app; priority keys beforehand.
    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Do what a key does; where that is nothing, say why."""
        self.closely = True
        try:
            done = await super()._check_bindings(key, priority)
        finally:
            self.closely = False
        if not done and not priority:
            mention(self, self._why_not(key))
        return done

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what an action says; where it cannot be done and ``check_action`` says None, its key goes no further out.

        What another thing would do upon that key is not what a person expects who looks at this one.
        """
        done = await super().run_action(action, default_namespace, namespaces)
        if done or not self.closely:
            return done
        target, name, parameters = self._parse_action(action, default_namespace or self, namespaces)
        if target.check_action(name, parameters) is not None:
            return False
        if isinstance(target, Outspoken):
            mention(self, target.why_not(name, parameters))
        return True

    def _why_not(self, key: str) -> str:
        """Why a key does nothing here, as the innermost thing says that knows it."""
        for node, bindings in self.screen._modal_binding_chain:
            for binding in bindings.key_to_bindings.get(key, ()):
                target, action, parameters = self._parse_action(binding.action, node)
                if isinstance(target, Outspoken) and (why := target.why_not(action, parameters)):
                    return why
        return REFUSAL if self.only_looks and len(self.screen_stack) == 1 and self._acts_elsewhere(key) else ""

    def _acts_elsewhere(self, key: str) -> bool:
        """Whether a key would act on a board that may."""
        names = ACTING | (OPENING if self.focused is not None and self.focused.id == "log" else set())
        return any(key in (self.keymap.get(name) or ",".join(bound()[name].keys)).split(",") for name in names)
