"""Logs of any size: read in bounded pieces where they are wanted, never whole, never blocking, never held open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runboard import late

if TYPE_CHECKING:
    from runboard.logs.copied import COPY_MOST, Copied, Spot
    from runboard.logs.filtered import FilteredView
    from runboard.logs.last import last_line
    from runboard.logs.levels import Level, level_of
    from runboard.logs.matches import Found, around, count, grep
    from runboard.logs.moments import NoPlace
    from runboard.logs.pager import Pager
    from runboard.logs.pattern import BadExpression, Pattern
    from runboard.logs.reading import Reading
    from runboard.logs.search import NotYet, Progress, Search
    from runboard.logs.source import NAME
    from runboard.logs.stamps import Times
    from runboard.logs.stream import follow, last_text, tail, tail_start, whole_lines
    from runboard.logs.sweep import Hit, Sweep
    from runboard.logs.view import FAR, LogView, Window
    from runboard.logs.wishes import Seen, Sought, Wish
    from runboard.logs.wrapped import Line
else:
    __getattr__ = late.names(
        __name__,
        {
            "copied": "COPY_MOST Copied Spot",
            "filtered": "FilteredView",
            "last": "last_line",
            "levels": "Level level_of",
            "matches": "Found around count grep",
            "moments": "NoPlace",
            "pager": "Pager",
            "pattern": "BadExpression Pattern",
            "reading": "Reading",
            "search": "NotYet Progress Search",
            "source": "NAME",
            "stamps": "Times",
            "stream": "follow last_text tail tail_start whole_lines",
            "sweep": "Hit Sweep",
            "view": "FAR LogView Window",
            "wishes": "Seen Sought Wish",
            "wrapped": "Line",
        },
    )

__all__ = [
    "COPY_MOST",
    "FAR",
    "NAME",
    "BadExpression",
    "Copied",
    "FilteredView",
    "Found",
    "Hit",
    "Level",
    "Line",
    "LogView",
    "NoPlace",
    "NotYet",
    "Pager",
    "Pattern",
    "Progress",
    "Reading",
    "Search",
    "Seen",
    "Sought",
    "Spot",
    "Sweep",
    "Times",
    "Window",
    "Wish",
    "around",
    "count",
    "follow",
    "grep",
    "last_line",
    "last_text",
    "level_of",
    "tail",
    "tail_start",
    "whole_lines",
]
