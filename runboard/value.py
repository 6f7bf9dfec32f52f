"""How frozen values compare: written once, for what dataclasses make for each of them would delay every verb."""

from __future__ import annotations

from operator import attrgetter


class Value:
    """How frozen dataclasses are compared, hashed and told, written once: made for each they would delay every verb."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Whether it is of the same class, and equal in all that counts."""
        if self is other:
            return True
        return _told(self) == _told(other) if isinstance(other, Value) and type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        """That of all that counts."""
        return hash(_told(self))

    def __repr__(self) -> str:
        """Its class and what it holds."""
        parts = (f"{name}={getattr(self, name)!r}" for name in type(self).__slots__ if name != RAW)
        return f"{type(self).__qualname__}({', '.join(parts)})"


def _told(value: Value) -> object:
    """What counts of a value: everything but a record as it was found."""
    kind = type(value)
    if kind not in _TELLS:
        _TELLS[kind] = attrgetter(*(name for name in kind.__slots__ if name != RAW))
    return _TELLS[kind](value)


RAW = "raw"
_TELLS: dict[type, attrgetter[object]] = {}
