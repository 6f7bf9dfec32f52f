"""The one error of a regular expression; whoever only shows logs loads no more of this than that."""

from __future__ import annotations


class BadExpression(ValueError):
    """What is typed is no regular expression that can be searched for; the message says why."""
