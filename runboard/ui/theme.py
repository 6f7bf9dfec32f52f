"""The two looks of the board: one accent for what lives, red for what failed, and greys for all the rest."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="runboard",
    dark=True,
    primary="#7ab8e6",
    secondary="#7ab8e6",
    accent="#7ab8e6",
    success="#8b97a6",
    warning="#cdd4de",
    error="#f0707a",
    foreground="#cdd4de",
    background="#13161b",
    surface="#181c22",
    panel="#20252d",
    variables={
        "quiet": "#8b97a6",
        "faint": "#727e8d",
        "cursor": "#26323f",
        "cursor-blurred": "#1f252d",
        "input-cursor-background": "#7ab8e6",
        "input-cursor-foreground": "#13161b",
        "scrollbar": "#2c333d",
        "scrollbar-hover": "#3a4350",
        "scrollbar-active": "#7ab8e6",
        "scrollbar-background": "#13161b",
        "scrollbar-background-hover": "#13161b",
        "scrollbar-background-active": "#13161b",
        "scrollbar-corner-color": "#13161b",
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
        "faint": "#707a86",
        "cursor": "#d6e4f1",
        "cursor-blurred": "#e6eaee",
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
