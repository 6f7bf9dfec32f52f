"""Regular expressions that take time in proportion to the text, whatever the expression and whatever the text.

Python's own `re` goes back and tries again: one line of a log can keep it, and with it the whole program, busy for
years. Here an expression becomes a machine that reads each character once; what needs memory of what was read (back
references, looks ahead) is refused with a sentence.
"""

from __future__ import annotations

from runboard.regex.bad import BadExpression
from runboard.regex.expression import Expression

__all__ = ["BadExpression", "Expression"]
