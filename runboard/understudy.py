"""Modules that stand in for others until something in them is used: Textual brings along what a board never needs.

With asyncio comes TLS, with paths come IP addresses, with a list of types come trees of directories: a tenth of the
time in which Textual is loaded. `importlib.util.LazyLoader` is made for this, but until Python 3.12 a module that is
imported twice counts as used. Whoever uses one of them, from whatever thread, finds the module that it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from importlib.abc import Loader
else:  # it brings along half of what is put off here
    Loader = object

_LOADING = RLock()
_UNDERWAY: set[str] = set()


class Part(NamedTuple):
    """What is known of a module that may be stood in for.

    ``needs`` is an extension module: where it is missing Python was built without, and who imports this is to be told
    so at once. ``elsewhere`` are names that are only passed on, with the modules they come from; ``functions`` are
    names that are imported one by one and called later. The module is not loaded for either.
    """

    needs: str = ""
    elsewhere: Mapping[str, str] = {}
    functions: tuple[str, ...] = ()


_PARTS: dict[str, Part] = {}


class _Understudy(ModuleType):
    """A module that has a name and a place and nothing else; it becomes itself when it is asked for anything."""

    def __getattr__(self, name: str) -> Any:
        """Load the module in its place, but for what of it is had without."""
        if name == "__path__":  # a module that is no package has none, and every import from it asks for it
            raise AttributeError(name)
        part = _PARTS[self.__name__]
        if name in part.elsewhere:
            with suppress(ImportError, AttributeError):
                return getattr(import_module(part.elsewhere[name]), name)
        if name in part.functions:
            return lambda *args, **more: getattr(_loaded(self), name)(*args, **more)  # noqa: PLW0108 - it loads when called
        return getattr(_loaded(self), name)

    def __dir__(self) -> list[str]:
        """What the module has."""
        return sorted(_loaded(self).__dict__)


def _loaded(module: ModuleType) -> ModuleType:
    """The module, itself; what fails then fails as an import does, and is tried again the next time."""
    with _LOADING:
        if type(module) is _Understudy:
            name, spec = module.__name__, module.__spec__
            if name in _UNDERWAY or spec is None or spec.loader is None:  # what it imports asks for it
                raise AttributeError(f"module {name!r} is not loaded to its end")
            _UNDERWAY.add(name)
            try:
                spec.loader.exec_module(module)
                module.__class__ = ModuleType  # type: ignore[assignment]
            finally:
                _UNDERWAY.discard(name)
    return module


class _Understudying(Loader):
    """Makes understudies."""

    def __init__(self, real: Loader) -> None:
        """Have what loads the module."""
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The module as it would be before it is loaded."""
        return self._real.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load nothing yet."""
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._real
        module.__class__ = _Understudy


class _Finder:
    """Finds some modules where they are, and has understudies made of them."""

    def __init__(self, names: frozenset[str]) -> None:
        """Find these."""
        self._names = names

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:  # noqa: ARG002 - Python's signature
        """One of them; of any other, and where there is none, somebody else is asked."""
        spec = PathFinder.find_spec(name, path) if name in self._names else None
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Understudying(spec.loader)
        return spec


@contextmanager
def standing_in(parts: Mapping[str, Part]) -> Iterator[None]:
    """Within this context understudies are imported in the place of modules that are not loaded yet."""
    there = [name for name, part in parts.items() if not part.needs or PathFinder.find_spec(part.needs) is not None]
    _PARTS.update(parts)
    finder = _Finder(frozenset(there))
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
