"""The themes that one can choose from: ours, and Textual's with the colours that the board needs beside theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from runboard.ui.theme import CLEAR, DARK, LIGHT

READABLE = 4.5
"""The least contrast of text with its ground, after WCAG 2.2, 1.4.3."""

ANSI = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="runboard-ansi",
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    success="ansi_default",
    warning="ansi_default",
)
"""The terminal's own colours: for those that have sixteen, and for people who chose theirs with care."""

OURS = (DARK, LIGHT, CLEAR, ANSI)

_GROUNDS = {"background": 0.0, "surface": 0.03, "panel": 0.07, "cursor": 0.14, "cursor-blurred": 0.09}
"""What text stands on, and how far that lies from the background towards the text in themes that are not ours."""


def names() -> list[str]:
    """The names of all themes, ours first."""
    return [theme.name for theme in OURS] + sorted(BUILTIN_THEMES)


def ratio(ink: Color, ground: Color) -> float:
    """The contrast of two colours as WCAG 2.2 computes it, from 1 to 21."""
    lighter, darker = sorted((_luminance(ink), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def fitted(theme: Theme, generated: Mapping[str, str]) -> dict[str, str]:
    """What the board needs beside a theme's own variables, and its inks where they could not be read."""
    if theme.ansi:
        plain = dict.fromkeys(("quiet", "faint"), "ansi_default")
        return plain | dict.fromkeys(("cursor", "cursor-blurred"), "ansi_default") | {"amber": "ansi_yellow"}
    if theme in OURS:
        return {}
    back, text = Color.parse(generated["background"]), Color.parse(generated["foreground"])
    # A panel as bright as some themes have it would leave no colour that can be read on all of it.
    found = {name: back.blend(text, share) for name, share in _GROUNDS.items()}
    grounds = list(found.values())
    best = Color.parse("#ffffff" if theme.dark else "#000000")
    found["foreground"] = readable(text, grounds, best)
    found["quiet"] = readable(text.blend(back, 0.4), grounds, found["foreground"])
    found["faint"] = readable(text.blend(back, 0.5), grounds[:1], found["foreground"])
    for name, like in (("accent", "accent"), ("error", "error"), ("amber", "warning")):
        found[name] = readable(Color.parse(generated[like]), grounds, best)
    return {name: colour.hex for name, colour in found.items()}


def readable(ink: Color, grounds: list[Color], towards: Color) -> Color:
    """An ink that can be read on all of these grounds: itself, or as little nearer to another one as it takes."""
    for step in range(21):
        mixed = ink.blend(towards, step / 20)
        if all(ratio(mixed, ground) >= READABLE for ground in grounds):
            return mixed
    return towards


def _luminance(colour: Color) -> float:
    """The relative luminance of sRGB, from 0 to 1."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
