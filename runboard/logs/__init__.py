"""Logs of any size: read in bounded pieces where they are wanted, never whole, never blocking, never held open."""

from __future__ import annotations

from runboard.logs.reading import Reading
from runboard.logs.stream import follow, grep, last_text, tail, tail_start, whole_lines
from runboard.logs.view import Line, LogView, Window

__all__ = ["Line", "LogView", "Reading", "Window", "follow", "grep", "last_text", "tail", "tail_start", "whole_lines"]
