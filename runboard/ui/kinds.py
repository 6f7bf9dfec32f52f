"""Classes of widgets, made in a third of the time: what Textual looks for in all their ancestors is found in each once.

For every class Textual asks of each thing that each ancestor has, thousands in all, whether it is a reactive one: a
twelfth of a start. What is found here is the same, and where Textual does it in another way than 8.2 it is left to it;
tests/test_ui_kinds.py watches both. To be of use this is loaded before any widget.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from textual.binding import Binding, BindingsMap
from textual.dom import DOMNode
from textual.reactive import Reactive

_COMPUTING = ("_compute_", "compute_")


class _Own(NamedTuple):
    """What a class has itself, whatever it inherits."""

    reactives: dict[str, Reactive[Any]]
    computes: frozenset[str]
    bindings: dict[str, list[Binding]]


_FOUND: WeakKeyDictionary[type, _Own] = WeakKeyDictionary()


def _own(base: type) -> _Own:
    """What a class has itself; it is looked through with the first class that descends from it."""
    found = _FOUND.get(base)
    if found is None:
        has = base.__dict__
        found = _FOUND[base] = _Own(
            {name: value for name, value in has.items() if isinstance(value, Reactive)},
            frozenset([name.lstrip("_")[8:] for name in has if name.startswith(_COMPUTING)]),
            BindingsMap(has.get("BINDINGS", [])).key_to_bindings if issubclass(base, DOMNode) else {},
        )
    return found


def _init_subclass(
    cls: type[DOMNode],
    inherit_css: bool = True,
    inherit_bindings: bool = True,
    inherit_component_classes: bool = True,
) -> None:
    """Do what ``DOMNode.__init_subclass__`` does, with what is known of the ancestors."""
    super(DOMNode, cls).__init_subclass__()
    ancestors = [_own(base) for base in reversed(cls.__mro__)]
    cls._reactives = {name: value for own in ancestors for name, value in own.reactives.items()}
    cls._inherit_css = inherit_css
    cls._inherit_bindings = inherit_bindings
    cls._inherit_component_classes = inherit_component_classes
    bases = cls._css_bases(cls)
    cls._css_type_name = bases[0].__name__
    cls._merged_bindings = cls._merge_bindings()
    cls._css_type_names = frozenset([base.__name__ for base in bases])
    cls._computes = frozenset[str]().union(*[own.computes for own in ancestors])


def _merge_bindings(cls: type[DOMNode]) -> BindingsMap:
    """Do what ``DOMNode._merge_bindings`` does; no list is shared, for somebody may add to one."""
    keys: dict[str, list[Binding]] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, DOMNode):
            if not base._inherit_bindings:
                keys.clear()
            keys |= _own(base).bindings
    return BindingsMap.from_keys({key: [*bindings] for key, bindings in keys.items()})


_SUBCLASSING = """
Reactive __dict__ __init_subclass__ __mro__ __name__ _computes _css_bases _css_type_name _css_type_names
_inherit_bindings _inherit_component_classes _inherit_css _merge_bindings _merged_bindings _reactives add base bases
cls css_type_names dir frozenset inherit_bindings inherit_component_classes inherit_css isinstance items lstrip name
reactive reactives reversed set startswith super update
"""
_MERGING = """
BindingsMap DOMNode __dict__ __mro__ _inherit_bindings append base bindings bindings_ clear cls from_keys get
issubclass items key key_bindings key_to_bindings keys new_bindings reversed
"""
"""What Textual 8.2 speaks of where it does the same."""


def _speaks_of(name: str) -> set[str]:
    """All names in a class method of ``DOMNode``: they tell what it does as far as we need to know."""
    function = DOMNode.__dict__[name].__func__
    return set(_names(function.__code__)) - {".0"}


def _names(code: CodeType) -> Iterator[str]:
    """All names in some code and in what is inside it."""
    yield from (*code.co_names, *code.co_varnames)
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _names(one)


def take_over() -> bool:
    """Have classes made so from now on, and say whether they are: not where this Textual does more or less for it."""
    known = ("__init_subclass__", _SUBCLASSING), ("_merge_bindings", _MERGING)
    if any(_speaks_of(name) != set(words.split()) for name, words in known):
        return False
    DOMNode.__init_subclass__ = classmethod(_init_subclass)  # type: ignore[assignment]
    DOMNode._merge_bindings = classmethod(_merge_bindings)  # type: ignore[assignment]
    return True
