"""Regular expressions compiled with their first use: of seventy that a board may need, it starts without most."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


class _Late:
    """An expression until it is used; from then on its methods are those of the compiled one, at the same cost."""

    __slots__ = ("_flags", "_text", *_METHODS)

    def __init__(self, text: str | bytes, flags: int) -> None:
        """Have it at hand."""
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        """Compile it: whoever asks finds nothing in the places of the methods, or wants something else of it."""
        compiled = re.compile(self._text, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, later; a wrong expression is told only then, so it is for what a test has compiled."""
    return cast("re.Pattern[AnyStr]", _Late(text, flags))
