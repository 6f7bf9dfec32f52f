"""Text as it may go to a terminal: the last look at it, when its place on the screen has been laid out.

What is typed or pasted comes here as it is: what joins, recolours or widens a character goes too, its cells stay.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from runboard.late import pattern
from runboard.safetext import clean, wire_safe

_CLUSTER = pattern(
    "[\U0001f1e6-\U0001f1ff]{2}"  # a flag
    "|.(?:\u200d.|[\u200c\u200d\u20e3\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f])*",
    re.DOTALL,
)
"""What Rich may count as fewer or more cells than its characters have."""


@lru_cache(4096)
def sendable(text: str) -> str:
    """A text as it may go to a terminal, in as many cells as were laid out for it."""
    if text.isascii() and text.isprintable():
        return text
    text = wire_safe(text)
    if clean(text) == text:
        return text
    return set_cell_size(clean("".join(map(_even, _CLUSTER.findall(text)))), cell_len(text))


def _even(cluster: str) -> str:
    """What of a character and its company every terminal shows alike, filled up with blanks."""
    shown = clean(cluster)
    return cluster if shown == cluster else set_cell_size(shown, cell_len(cluster))
