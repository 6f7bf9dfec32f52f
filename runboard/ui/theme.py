"""The two looks of the board as Textual's themes, and where the style sheet is."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader

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


DIALOGS = style_sheet("dialogs")
"""Where the sheet of all that lies over the board is."""

DIALOGS_TEXT = _read(DIALOGS).decode()
"""What is in it; read at once, for while a board runs its files may be exchanged for newer ones."""

PANES = style_sheet("panes")
"""Where the sheet of all that is not seen at first is."""

PANES_TEXT = _read(PANES).decode()
"""What is in it."""
