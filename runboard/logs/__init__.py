"""Logs of any size: read in bounded pieces where they are wanted, never whole, never blocking, never held open."""

from __future__ import annotations

from runboard.logs.filtered import FilteredView
from runboard.logs.last import last_line
from runboard.logs.matches import Found, around, count, grep
from runboard.logs.moments import NoPlace
from runboard.logs.pager import Pager, Seen, Sought, Wish
from runboard.logs.pattern import BadExpression, Pattern
from runboard.logs.reading import Reading
from runboard.logs.search import NotYet, Progress, Search
from runboard.logs.source import NAME
from runboard.logs.stream import follow, last_text, tail, tail_start, whole_lines
from runboard.logs.sweep import Hit, Sweep
from runboard.logs.view import Line, LogView, Window

__all__ = [
    "NAME",
    "BadExpression",
    "FilteredView",
    "Found",
    "Hit",
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
    "Sweep",
    "Window",
    "Wish",
    "around",
    "count",
    "follow",
    "grep",
    "last_line",
    "last_text",
    "tail",
    "tail_start",
    "whole_lines",
]
