"""Classes of widgets that are made sooner are what Textual would have made of them, or Textual makes them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.program import environment

MADE = """
from runboard.ui import kinds
from textual.dom import DOMNode
plain, merging = (DOMNode.__dict__[name].__func__ for name in ("__init_subclass__", "_merge_bindings"))
assert kinds.take_over()
import importlib, pkgutil
import runboard.ui
for module in pkgutil.iter_modules(runboard.ui.__path__, "runboard.ui."):
    importlib.import_module(module.name)
from textual.widgets import Input, TextArea
class One(Input): pass
class Other(Input): pass

def kinds_of(base):
    return {base}.union(*[kinds_of(one) for one in base.__subclasses__()])

TOLD = ("_computes", "_css_type_name", "_css_type_names", "_inherit_css", "_inherit_bindings",
        "_inherit_component_classes")

def told(cls):
    keys = [(key, [*bindings]) for key, bindings in cls._merged_bindings.key_to_bindings.items()]
    return [getattr(cls, name) for name in TOLD] + [list(cls._reactives.items()), keys]

found = kinds_of(DOMNode) - {DOMNode}
ours = {cls: told(cls) for cls in found}
keys = [cls._merged_bindings.key_to_bindings for cls in (One, Other, Input)]
shared = sum(one is other for one, other in zip(*[map(id, some.values()) for some in keys[:2]]))
One._merged_bindings.key_to_bindings.popitem()
Other._reactives.popitem()
spoilt = {cls: told(cls) for cls in found}
DOMNode._merge_bindings = classmethod(merging)
for cls in found:
    how = {name: cls.__dict__["_inherit_" + name] for name in ("css", "bindings", "component_classes")}
    plain(cls, **{"inherit_" + name: value for name, value in how.items()})
theirs = {cls: told(cls) for cls in found}
wrong = [cls.__name__ for cls in found if ours[cls] != theirs[cls]]
seen = sorted(cls.__name__ for cls in found if spoilt[cls] != theirs[cls])
print(len(found) > 90, wrong, shared, seen, sep="|")
"""

ANOTHER = """
from textual.dom import DOMNode
from runboard.ui import kinds
plain = DOMNode.__dict__["__init_subclass__"].__func__
def more(cls, **how):
    cls.something = plain(cls, **how)
DOMNode.__init_subclass__ = classmethod(more)
print(kinds.take_over(), DOMNode.__dict__["__init_subclass__"].__func__ is more, sep="|")
"""


def said(script: str) -> list[str]:
    """What a script says in a Python of its own, where no widget is loaded yet."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|")


@pytest.fixture(scope="module")
def made() -> list[str]:
    """Whether there are many classes, which are not as Textual makes them, and what the controls came to."""
    return said(MADE)


def test_each_class_is_what_textual_makes_of_it(made: list[str]) -> None:
    """All of ours and many of Textual's, with their reactives, computes, names and keys in their order."""
    assert made[:2] == ["True", "[]"]


def test_a_difference_would_be_seen(made: list[str]) -> None:
    """The control: where a class has a key less, or a reactive less, it is another one."""
    assert made[3] == "['One', 'Other']"


def test_lists_of_keys_are_not_shared(made: list[str]) -> None:
    """Who adds to the keys of a class adds to no other's."""
    assert made[2] == "0"


def test_another_textual_makes_its_own() -> None:
    """One that does more for a class is left to it."""
    assert said(ANOTHER) == ["False", "True"]
