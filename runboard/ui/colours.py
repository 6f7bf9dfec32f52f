"""The colours of the two looks, and what each kind of text is painted in: known before Textual is loaded.

The greys stay below a saturation of 0.15, where Rich takes them for grey: in a terminal of 256 colours they become
neighbouring steps of its grey ramp, and not the loud corners of its cube.
"""

from __future__ import annotations

DARK = {
    "accent": "#7ab8e6",
    "error": "#f58080",
    "amber": "#dbb26c",
    "foreground": "#cdd4de",
    "background": "#14161a",
    "surface": "#1a1d22",
    "panel": "#23272e",
    "quiet": "#98a3b1",
    "faint": "#7d8897",
    "cursor": "#303840",
    "cursor-blurred": "#262a31",
    "scrollbar": "#343a43",
    "scrollbar-hover": "#454c57",
}
"""For a dark room: the default."""

LIGHT = {
    "accent": "#0a66ad",
    "error": "#c0262d",
    "amber": "#855600",
    "foreground": "#22272e",
    "background": "#fbfbfa",
    "surface": "#f3f4f4",
    "panel": "#e8eaec",
    "quiet": "#5c6672",
    "faint": "#68727d",
    "cursor": "#d6e4f1",
    "cursor-blurred": "#e6e9ec",
    "scrollbar": "#d3d7db",
    "scrollbar-hover": "#bcc3ca",
}
"""For a light room."""

CLEAR = DARK | {
    "accent": "#6cb6ff",
    "error": "#ffb224",
    "amber": "#e4d3a2",
    "foreground": "#e2e6ec",
    "quiet": "#9aa4b2",
}
"""For eyes that do not tell red from green: blue for what lives, a bright amber for what failed."""

PALETTES = {"runboard": DARK, "runboard-light": LIGHT, "runboard-clear": CLEAR}
"""The colours of the themes that are known before Textual is loaded."""

KINDS = {
    "text": "foreground",
    "quiet": "quiet",
    "running": "accent",
    "stopping": "accent",
    "queued": "quiet",
    "completed": "quiet",
    "failed": "error",
    "damaged": "foreground",
}
"""The colour of each kind of text in the table, as the style sheet has it."""

_LIVELY = frozenset({"running", "stopping"})


def ink(column: str, kind: str, *, chosen: bool) -> str:
    """The kind of text that a cell is: what lives stands out, what failed is red, what is done is quiet.

    The line under the cursor is read as one, and fewer changes of colour are sent when the cursor moves.
    """
    if column == "status" or (column == "reason" and kind == "damaged"):
        return kind
    told = {"name": True, "reason": kind == "failed", "elapsed": kind in _LIVELY}
    return "text" if chosen or told.get(column) else "quiet"


def sequence(foreground: str, background: str, depth: int) -> str:
    """What switches a terminal of ``depth`` colours (0: none, 256, or all) to two colours given as #rrggbb."""
    if depth == 0:
        return "\x1b[0m"
    return f"\x1b[0;38;{_code(foreground, depth)};48;{_code(background, depth)}m"


def _code(colour: str, depth: int) -> str:
    """One colour in the words of SGR; of 256 the one that Rich takes, so that nothing jumps when it takes over."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    if depth > 256:
        return f"2;{red};{green};{blue}"
    most, least = max(red, green, blue) / 255, min(red, green, blue) / 255
    light = (most + least) / 2
    spread = most - least
    if spread == 0 or spread / (2 - most - least if light > 0.5 else most + least) < 0.15:
        step = round(light * 25)
        return f"5;{16 if step == 0 else 231 if step == 25 else 231 + step}"
    six = [value / 95 if value < 95 else 1 + (value - 95) / 40 for value in (red, green, blue)]
    return f"5;{16 + 36 * round(six[0]) + 6 * round(six[1]) + round(six[2])}"
