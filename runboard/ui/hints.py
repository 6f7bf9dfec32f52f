"""The last line: the keys that do something right now, the general ones kept when there is little room."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from runboard.ui.hover import hover

GAP = 3


class Hints(Widget):
    """Reads the bindings that are active and shown; a click on one presses its key."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__(id="hints")
        self._keys: list[tuple[str, str, str]] = []
        self._told: dict[str, str] = {}
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        """Repaint if other keys are to be shown; while the terminal is not looked at, those of before stay."""
        if not self.app.app_focus:
            return
        keys: dict[str, tuple[str, str, str]] = {}
        self._told.clear()
        for _node, binding, enabled, tooltip in screen.active_bindings.values():
            if binding.show and enabled and binding.action not in keys:
                keys[binding.action] = (binding.key, self.app.get_key_display(binding), binding.description)
                self._told[binding.key] = tooltip
        if list(keys.values()) != self._keys:
            self._keys = list(keys.values())
            self.refresh()

    def render(self) -> Content:
        """As many keys as fit: the last two, help and quit, and before them the first ones."""
        room, kept = self.size.width, list[tuple[str, str, str]]()
        for entry in (*self._keys[-2:], *self._keys[:-2]):
            wide = len(entry[1]) + 1 + len(entry[2]) + GAP
            if wide - GAP > room:
                break
            kept.append(entry)
            room -= wide
        self._spans, x, parts = [], 0, list[str | tuple[str, str]]()
        for key, shown, word in [*kept[2:], *kept[:2]]:
            parts += [(shown, "$foreground"), (f" {word}", "$quiet"), " " * GAP]
            self._spans.append((x, x + len(shown) + 1 + len(word), key))
            x += len(shown) + 1 + len(word) + GAP
        return Content.assemble(*parts)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The mouse over a key is told what it does."""
        at = event.get_content_offset(self)
        over = [self._told.get(key, "") for first, end, key in self._spans if at is not None and first <= at.x < end]
        hover(self, over[0] if over else "")

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        at = event.get_content_offset(self)
        for first, end, key in self._spans:
            if at is not None and first <= at.x < end:
                self.app.simulate_key(key)
