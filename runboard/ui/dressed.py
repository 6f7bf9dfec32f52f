"""The app as a person wants it: with their colours, their keys, and ASCII alone where the terminal has no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from rich.segment import Segment
from textual.app import SystemCommand
from textual.binding import Binding
from textual.color import Color
from textual.filter import LineFilter, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import ModalScreen
from textual.widgets._toast import ToastRack

from runboard.plain import ascii_text
from runboard.safetext import clean
from runboard.settings import nearest
from runboard.state import Forgotten
from runboard.ui.barred import BarredApp
from runboard.ui.corner import told
from runboard.ui.keys import key_of, keymap
from runboard.ui.palette import Palette, bare
from runboard.ui.stylist import Stylist
from runboard.ui.taste import AUTO, Taste
from runboard.ui.theme import DARK, LIGHT
from runboard.ui.themes import ANSI, OURS, fitted, names

T = TypeVar("T")


class Plain(LineFilter):
    """Draws with ASCII, cell for cell."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002 - Textual's signature
        """The same line in ASCII."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [Segment(ascii_text(text), style, control) for text, style, control in segments]


class DressedApp(BarredApp, inherit_bindings=False):
    """An app that wears what it is given."""

    _undressed = True

    def __init__(self, taste: Taste) -> None:
        """Dress after this taste; what of it cannot be had is told when there is a screen."""
        super().__init__()
        self._undressed = False
        self._taste = taste
        self.within_tmux = taste.tmux
        self._plain = [Plain()] if taste.ascii else []
        for theme in OURS:
            self.register_theme(theme)
        met, wrong = keymap(taste.keys)
        self._complaints = [*taste.notices, *(f"keys: {sentence}" for _name, sentence in wrong)]
        self.set_keymap(met)
        wished = self._suiting() if taste.theme == AUTO else taste.theme
        if wished not in names():
            self._complaints.append(f"there is no theme '{wished}'{nearest(wished, names())}")
            wished = self._suiting()
        self.theme = wished
        self.stylesheet = Stylist(variables=self.get_css_variables())
        self._worn = wished

    def refresh_css(self, animate: bool = True) -> None:
        """Dress anew; the theme that was put on before anybody looked is in the style sheet from the start."""
        worn, self._worn = self._worn, ""
        if worn != self.theme:
            super().refresh_css(animate)
            return
        for screen in self.screen_stack:
            screen._css_update_count = self._css_update_count

    def complain(self) -> None:
        """Tell at once all that was wrong with what was set: the first of it, and where the rest is told."""
        if self._complaints:
            more = len(self._complaints) - 1
            rest = f" And {more} more: runboard config validate tells." if more else ""
            self.notify(clean(f"{self._complaints[0]}.{rest}"), severity="warning", markup=False, timeout=15)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,  # noqa: ARG002 - Textual's signature
    ) -> None:
        """Tell in the corner as much as can be read there, to the letter whoever tells it."""
        super().notify(told(message, self.size), title=title, severity=severity, timeout=timeout, markup=False)

    def _refresh_notifications(self) -> None:
        """Tell, and then have the newest above the older: where there is not room for all, these are out of sight."""
        super()._refresh_notifications()
        self.call_later(self._newest_first)

    def _newest_first(self) -> None:
        """Put what is told in the corner in the order of its age."""
        wanted = [ToastRack._toast_id(one) for one in self._notifications]
        for rack in self.screen.query(ToastRack):
            placed = {child.id: child for child in rack.children if child.id in wanted}
            for name in wanted if list(placed) != [name for name in wanted[::-1] if name in placed] else ():
                if name in placed and rack.children[0] is not placed[name]:
                    rack.move_child(placed[name], before=0)

    def _say(self, sentence: str, how: bool | SeverityLevel) -> None:
        """Tell a sentence in a corner for a while; longer where it is an error (True) or a warning."""
        severity: SeverityLevel = how if isinstance(how, str) else "error" if how else "information"
        self.notify(clean(sentence), severity=severity, markup=False, timeout=5 if severity == "information" else 10)

    def _suiting(self) -> str:
        """The theme that suits the terminal: its own colours where it has sixteen or none are wanted."""
        few = self.console.color_system in {None, "standard"}
        return ANSI.name if few or self.no_color else DARK.name

    def get_css_variables(self) -> dict[str, str]:
        """The theme's variables, with those that the board needs beside them."""
        if self._undressed:  # Textual would work out those of a theme that nobody will see
            return {}
        variables = super().get_css_variables()
        self.theme_variables = variables | fitted(self.current_theme, variables)
        return self.theme_variables

    def get_line_filters(self) -> list[LineFilter]:
        """Textual's filters, and ours for ASCII."""
        filters = list(super().get_line_filters())
        if self.no_color and self.native_ansi_color:  # Textual chose before it knew the theme, and would paint greys
            filters = [NoColor() if isinstance(one, Monochrome) else one for one in filters]
        return [*filters, *self._plain]

    def get_key_display(self, binding: Binding) -> str:
        """A key as a word where Textual has a pictogram for it."""
        shown = super().get_key_display(binding)
        spelled = {"enter": "enter", "tab": "tab", "circumflex_accent": "^", "ctrl+@": "ctrl+space"}
        return spelled.get(binding.key) or shown.replace("^", "ctrl+")

    def theme_commands(self) -> Iterator[SystemCommand]:
        """What the palette offers: the other one of our two themes, and the list of all."""
        other = LIGHT if self.theme == DARK.name else DARK
        yield SystemCommand(
            "Dark theme" if other.dark else "Light theme", "Change the colours", partial(self._wear, other.name)
        )
        yield SystemCommand(bare(f"Themes  {key_of(self, 'board.theme')}"), "Choose other colours", self.action_dress)

    async def _ask(self, question: ModalScreen[T]) -> T | None:
        """Put a question and wait for its answer."""
        return await self.push_screen_wait(question)

    def action_help(self) -> None:
        """List the keys of what has the focus."""
        from runboard.ui.help import Help  # noqa: PLC0415 - it loads when it is first wanted

        self.push_screen(Help(self.screen.active_bindings.values()))

    def action_command_palette(self) -> None:
        """Open the palette."""
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    async def action_dress(self) -> None:
        """Choose a theme from a list; each is worn while one looks at it."""
        from runboard.ui.wardrobe import Wardrobe  # noqa: PLC0415 - likewise

        if not isinstance(self.screen, Wardrobe):
            self.run_worker(self._dress(), group="dress")

    async def _dress(self) -> None:
        """Wear what is chosen and remember it, or what was worn before."""
        from runboard.ui.wardrobe import Wardrobe  # noqa: PLC0415 - likewise

        before = self.theme
        chosen = await self.push_screen_wait(Wardrobe(names(), before, self._wear))
        self._wear(chosen or before)
        if chosen is None or chosen == before:
            return
        if self._taste.theme_set_by:
            self._say(f"{chosen} until you leave: {self._taste.theme_set_by} says what comes then", False)
        elif self._taste.remember is not None:
            try:
                await asyncio.to_thread(self._taste.remember, "theme", chosen)
            except Forgotten as error:
                self._say(str(error), "warning")

    def _wear(self, name: str) -> None:
        """Change the theme."""
        self.theme = name
