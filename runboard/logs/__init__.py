"""Logs of any size: read in bounded pieces where they are wanted, never whole, never blocking, never held open."""

from __future__ import annotations

from runboard.logs.matches import Found, around, count, grep
from runboard.logs.pattern import BadExpression, Pattern
from runboard.logs.reading import Reading
from runboard.logs.source import NAME
from runboard.logs.stream import follow, last_text, tail, tail_start, whole_lines
from runboard.logs.view import Line, LogView, Window

__all__ = [
    "NAME",
    "BadExpression",
    "Found",
    "Line",
    "LogView",
    "Pattern",
    "Reading",
    "Window",
    "around",
    "count",
    "follow",
    "grep",
    "last_text",
    "tail",
    "tail_start",
    "whole_lines",
]
