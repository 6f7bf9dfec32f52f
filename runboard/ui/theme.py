"""The two looks of the board as Textual's themes, and where the style sheet is."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader

from textual.css.stylesheet import Stylesheet
from textual.theme import Theme

from runboard.ui import colours


def _theme(name: str, told: dict[str, str], *, dark: bool) -> Theme:
    """One accent for what lives, red for what failed, and greys for all the rest."""
    background = told["background"]
    return Theme(
        name=name,
        dark=dark,
        primary=told["accent"],
        secondary=told["accent"],
        accent=told["accent"],
        success=told["quiet"],
        warning=told["foreground"],
        error=told["error"],
        foreground=told["foreground"],
        background=background,
        surface=told["surface"],
        panel=told["panel"],
        variables={
            "amber": told["amber"],
            "quiet": told["quiet"],
            "faint": told["faint"],
            "cursor": told["cursor"],
            "cursor-blurred": told["cursor-blurred"],
            "input-cursor-background": told["accent"],
            "input-cursor-foreground": background,
            "scrollbar": told["scrollbar"],
            "scrollbar-hover": told["scrollbar-hover"],
            "scrollbar-active": told["accent"],
            "scrollbar-background": background,
            "scrollbar-background-hover": background,
            "scrollbar-background-active": background,
            "scrollbar-corner-color": background,
        },
    )


DARK = _theme("runboard", colours.DARK, dark=True)
"""For a dark room: the default."""

LIGHT = _theme("runboard-light", colours.LIGHT, dark=False)
"""For a light room."""


CLEAR = _theme("runboard-clear", colours.CLEAR, dark=True)
"""For eyes that do not tell red from green."""


def style_sheet(name: str = "runboard") -> str:
    """The absolute path of a style sheet: inside the package when installed, beside it in a checkout."""
    package = __file__.rpartition("/ui/")[0]
    inside = f"{package}/tcss/{name}.tcss"
    try:
        _read(inside)
    except OSError:
        return f"{package.rpartition('/')[0]}/tcss/{name}.tcss"
    return inside


def _read(path: str) -> bytes:
    """The bytes of a file of ours; importlib.resources would take 7 ms to load."""
    return SourceFileLoader("runboard", path).get_data(path)


class LateSheet:
    """A style sheet that is parsed when it is wanted; it is read at once, for files may be exchanged for newer ones."""

    def __init__(self, name: str) -> None:
        """Have at hand what is in it."""
        self._path = style_sheet(name)
        self._text = _read(self._path).decode()

    def add_to(self, rules: Stylesheet) -> None:
        """Have its rules among these, once."""
        rules.add_source(self._text, read_from=(self._path, ""))


DIALOGS = LateSheet("dialogs")
"""The looks of all that lies over the board."""

PANES = LateSheet("panes")
"""The looks of all that is not seen at first."""
