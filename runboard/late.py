"""What is there when it is first used: a board starts without most of its expressions and half of its modules."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from itertools import chain
from time import sleep
from types import ModuleType
from typing import Any, AnyStr, cast

LATER, REST = 5.0, 0.02
"""Seconds after which whoever stays long begins to load the rest, and by which each module comes after the other."""

_SPARED = ("runboard.cli", "runboard.shim", "runboard.__main__")
_OTHERS = (
    "ctypes",
    "difflib",
    "pwd",
    "resource",
    "select",
    "shutil",
    "statistics",
    "subprocess",
    "tempfile",
    "tomllib",
)

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


class _Module:
    """A module until something in it is used."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        """Know its name."""
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Load it with the first use; what fails then fails as an import does."""
        return getattr(import_module(self._name), name)


def module(name: str) -> Any:
    """A module of ours that is loaded when something in it is used; checkers are told ``from runboard import name``."""
    return _Module(f"runboard.{name}")


def names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose names are loaded when they are used (PEP 562).

    Args:
        package: Its name.
        homes: The names that each of its modules has for everybody, in one line; none may be that of a module.
    """
    places = {name: module for module, told in homes.items() for name in told.split()}

    def attribute(name: str) -> Any:
        """Load what is asked for, and have it at hand from then on."""
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{places[name]}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return attribute


def everything(rest: Callable[[], object] = lambda: None) -> None:
    """Load whatever of ours, but for verbs, is loaded with its first use, and what of Python's is; ``rest`` in between.

    Somebody who stays for days must not meet another version of the program, or a lack of descriptors, amid his work.
    """
    for name in chain(_inside(sys.modules["runboard"], "runboard"), _OTHERS):
        if name not in sys.modules:
            with suppress(ImportError):  # who needs it will tell
                import_module(name)
            rest()


def _inside(package: ModuleType, name: str) -> Iterator[str]:
    """Every module of a package, at whatever depth, but for those that are spared; what lies within one after it."""
    from pkgutil import iter_modules  # noqa: PLC0415 - nothing else needs it

    for found in iter_modules(package.__path__, f"{name}."):
        if not found.name.startswith(_SPARED):
            yield found.name
            if found.ispkg and found.name in sys.modules:
                yield from _inside(sys.modules[found.name], found.name)


def settle_down() -> None:
    """Have `everything` loaded in the background, a while from now."""
    from threading import Thread  # noqa: PLC0415 - ps has no use for it

    def load() -> None:
        """The thread."""
        sleep(LATER)
        everything(partial(sleep, REST))

    Thread(target=load, name="runboard-loading", daemon=True).start()
