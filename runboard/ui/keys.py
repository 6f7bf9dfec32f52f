"""Every key of the board by the id of what it does, and which of a person's wishes for other keys can be met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, NamedTuple
from unicodedata import category

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, Keys
from textual.screen import ModalScreen, Screen

from runboard import ui
from runboard.settings import nearest
from runboard.ui.terminal import TerminalApp

MODIFIERS = ("ctrl", "alt", "shift", "super", "meta", "hyper")

_SAME = {other: name for name, others in KEY_ALIASES.items() for other in others}
"""What a terminal cannot tell from another key, to that key's name."""


class Bound(NamedTuple):
    """What a key can be set for: its id, its usual keys, what it does, and where and when it is heard."""

    id: str
    keys: tuple[str, ...]
    text: str
    part: str
    modal: bool
    everywhere: bool
    priority: bool

    def beside(self, other: Bound) -> bool:
        """Whether the keys of both work at the same time; a dialog hears its own keys only."""
        if self.part == other.part:
            return True
        return not (self.modal or other.modal) and (self.everywhere or other.everywhere)


@cache
def bound() -> dict[str, Bound]:
    """Everything that has a key, by its id."""
    for module in iter_modules(ui.__path__, "runboard.ui."):
        import_module(module.name)
    found: dict[str, Bound] = {}
    for part in _parts(DOMNode):
        modal, everywhere = issubclass(part, ModalScreen), issubclass(part, App | Screen)
        name = "everywhere" if everywhere and not modal else part.__name__
        for binding in part.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id is not None:
                text = binding.tooltip or binding.description
                keys = normal(binding.key)
                found[binding.id] = Bound(binding.id, keys, text, name, modal, everywhere, binding.priority)
    return found


def _parts(kind: type[DOMNode]) -> Iterator[type[DOMNode]]:
    """Every class of the board's own that can have keys."""
    for part in kind.__subclasses__():
        if part.__module__.startswith("runboard.ui."):
            yield part
        yield from _parts(part)


def normal(keys: str) -> tuple[str, ...]:
    """Keys with commas between them, each under the one name that Textual has for it."""
    named = [_named(key.strip()) for key in keys.split(",") if key.strip()]
    return tuple(_SAME.get(key, key) for key in named)


def _named(key: str) -> str:
    """One key as Textual calls it, whatever its case."""
    if len(key) > 1:
        *modifiers, last = key.split("+")
        if [word.lower() for word in modifiers] == ["shift"] and len(last) == 1 and last.isalpha():
            return last.upper()
        key = "+".join([*modifiers, last]).lower()
    return next(iter(Binding.make_bindings([Binding(key, "nothing", "")]))).key


def keymap(wishes: Mapping[str, str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The wishes that can be met, as Textual's keymap, and what is wrong with the others: their id, and a sentence."""
    if not wishes:
        return {}, []  # to know every key, every module of the screen is loaded
    known, wrong = bound(), list[tuple[str, str]]()
    wanted: dict[str, tuple[str, ...]] = {}
    for name, text in wishes.items():
        if name not in known:
            wrong.append((name, f"there is nothing called '{name}' to set a key for{nearest(name, list(known))}"))
        elif trouble := _trouble(known[name], text):
            wrong.append((name, trouble))
        else:
            wanted[name] = tuple(dict.fromkeys(normal(text)))
    while clash := _clash(known, wanted):
        name, other, key = clash
        wrong.append((name, f"{key} is the key of {other} too; {name} keeps {', '.join(known[name].keys)}"))
        del wanted[name]
    return {name: ",".join(keys) for name, keys in wanted.items()}, wrong


def _trouble(what: Bound, text: str) -> str | None:
    """What is wrong with the keys wished for something, looked at alone."""
    keys = [key.strip() for key in text.split(",") if key.strip()]
    if not keys:
        return f"{what.id} has no key; leave the line out to keep {', '.join(what.keys)}"
    for key in keys:
        *modifiers, last = key.split("+") if len(key) > 1 else [key]
        if any(word.lower() not in MODIFIERS for word in modifiers):
            return f"'{key}' is no key: before a + stand {', '.join(MODIFIERS)}"
        plain = len(last) == 1 and category(last)[0] not in "CZ"
        if not plain and last.lower() not in _names():
            return f"'{key}' is no key{nearest(last.lower(), sorted(_names()))}"
        if what.priority and not what.modal and plain and not modifiers:
            return f"{key} would take a letter away from what is typed; {what.id} needs a key that types nothing"
    return None


@cache
def _names() -> frozenset[str]:
    """Every name of a key that is longer than a character."""
    signs = (_named(chr(code)) for code in range(33, 127) if chr(code) != ",")
    named = (key.value for key in Keys if not key.value.startswith("<"))
    return frozenset(name for name in (*named, *signs, "comma", "space") if len(name) > 1 and "+" not in name)


def _clash(known: Mapping[str, Bound], wanted: dict[str, tuple[str, ...]]) -> tuple[str, str, str] | None:
    """The last wish whose key does something else too, where both are heard at the same time; that, and the key."""
    now = {name: wanted.get(name, what.keys) for name, what in known.items()}
    for name in reversed(wanted):
        for other in known:
            usual = set(known[name].keys) & set(known[other].keys)
            shared = (set(now[name]) & set(now[other])) - usual
            if other != name and shared and known[name].beside(known[other]):
                return name, other, min(shared)
    return None


def key_of(app: App[Any], name: str) -> str:
    """The first key, as it is now, of what bears this id; as the last line shows it."""
    wished = app.keymap.get(name) if isinstance(app, TerminalApp) else None
    return app.get_key_display(Binding((wished or bound()[name].keys[0]).split(",")[0], ""))
