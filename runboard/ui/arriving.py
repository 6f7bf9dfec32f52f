"""A screen that has its looks when it arrives, and is not styled again and again before anybody has seen it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.events import ScreenResume
from textual.screen import ModalScreen, Screen

from runboard.ui.theme import DIALOGS

if TYPE_CHECKING:  # its bases are Screen's only where a class says so: that has ModalScreen between
    Base = Screen[Any]
else:
    Base = object


class Arriving(Base):
    """Stands before a screen's class: the screen knows the window's size from the start.

    Textual styles a screen and all that is in it when it is mounted, once more when it has become the present one, and
    a third time when it is told its size: with the classes of its size from the start one time is enough, and the first
    paint is the right one.
    """

    _arrived = False

    # Widget._post_register() is the last to be called before a screen is styled.
    def _post_register(self, app: App[Any]) -> None:
        """Take the classes that the style sheet has for the window's size."""
        super()._post_register(app)
        if isinstance(self, ModalScreen):  # its sheet is parsed with the first of them, not at the start
            DIALOGS.add_to(app.stylesheet)
        across, down = app.HORIZONTAL_BREAKPOINTS or [], app.VERTICAL_BREAKPOINTS or []
        fitting = self._get_breakpoint_classes(app.size.width, across) | self._get_breakpoint_classes(
            app.size.height, down
        )
        self.update_classes({name: name in fitting for _, name in [*across, *down]}, update=False)

    def _on_screen_resume(self, event: ScreenResume) -> None:
        """What was just styled has its looks; later, what lay over the screen may have changed them."""
        event.refresh_styles = event.refresh_styles and self._arrived
        self._arrived = True
