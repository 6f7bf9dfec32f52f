"""The two looks of the board: one accent for what lives, red for what failed, and greys for all the rest.

The greys stay below a saturation of 0.15, where Rich takes them for grey: in a terminal of 256 colours they become
neighbouring steps of its grey ramp, and not the loud corners of its cube.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from textual.theme import Theme

DARK = Theme(
    name="runboard",
    dark=True,
    primary="#7ab8e6",
    secondary="#7ab8e6",
    accent="#7ab8e6",
    success="#98a3b1",
    warning="#cdd4de",
    error="#f07171",
    foreground="#cdd4de",
    background="#14161a",
    surface="#1a1d22",
    panel="#23272e",
    variables={
        "quiet": "#98a3b1",
        "faint": "#7d8897",
        "cursor": "#303840",
        "cursor-blurred": "#262a31",
        "input-cursor-background": "#7ab8e6",
        "input-cursor-foreground": "#14161a",
        "scrollbar": "#343a43",
        "scrollbar-hover": "#454c57",
        "scrollbar-active": "#7ab8e6",
        "scrollbar-background": "#14161a",
        "scrollbar-background-hover": "#14161a",
        "scrollbar-background-active": "#14161a",
        "scrollbar-corner-color": "#14161a",
    },
)
"""For a dark room: the default."""

LIGHT = Theme(
    name="runboard-light",
    dark=False,
    primary="#0a66ad",
    secondary="#0a66ad",
    accent="#0a66ad",
    success="#5c6672",
    warning="#22272e",
    error="#c0262d",
    foreground="#22272e",
    background="#fbfbfa",
    surface="#f3f4f4",
    panel="#e8eaec",
    variables={
        "quiet": "#5c6672",
        "faint": "#68727d",
        "cursor": "#d6e4f1",
        "cursor-blurred": "#e6e9ec",
        "input-cursor-background": "#0a66ad",
        "input-cursor-foreground": "#fbfbfa",
        "scrollbar": "#d3d7db",
        "scrollbar-hover": "#bcc3ca",
        "scrollbar-active": "#0a66ad",
        "scrollbar-background": "#fbfbfa",
        "scrollbar-background-hover": "#fbfbfa",
        "scrollbar-background-active": "#fbfbfa",
        "scrollbar-corner-color": "#fbfbfa",
    },
)
"""For a light room."""


def style_sheet() -> str:
    """The absolute path of the style sheet: beside the package in a checkout, inside it when installed."""
    inside = files("runboard") / "tcss" / "runboard.tcss"
    found = inside if inside.is_file() else files("runboard") / ".." / "tcss" / "runboard.tcss"
    with as_file(found) as path:
        return str(path.resolve())
