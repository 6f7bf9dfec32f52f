"""What is there with its first use: each expression is right, each name is found, and nothing is loaded before."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import runboard
from runboard import late
from runboard.cli.screen import _follow
from runboard.store import Store
from tests.program import environment


def everywhere() -> dict[str, late._Late]:
    """Every expression in the package that is compiled late, by its module and name."""
    found: dict[str, late._Late] = {}
    for module in pkgutil.walk_packages(runboard.__path__, "runboard."):
        if not module.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if type(value) is late._Late:
                    found[f"{module.name}.{name}"] = value
    return found


def test_every_expression_compiles() -> None:
    """Each of the package's is right; that it is not told at the start costs nobody a board."""
    found = everywhere()
    assert len(found) > 60
    assert all(isinstance(one.pattern, str | bytes) for one in found.values())


def test_a_wrong_one_is_found() -> None:
    """The control: such a look at a wrong expression raises."""
    wrong = late.pattern("(")
    with pytest.raises(re.error):
        assert wrong.pattern


def test_it_does_what_the_compiled_one_does() -> None:
    """Every method, by the first use and by the second, with flags, on text and on bytes."""
    for _ in range(2):
        ours, plain = late.pattern("(b)", re.IGNORECASE), re.compile("(b)", re.IGNORECASE)
        assert ours.sub("x", "aBb") == plain.sub("x", "aBb")
        assert ours.split("aBb") == plain.split("aBb")
        assert (ours.flags, ours.groups) == (plain.flags, plain.groups)
    assert late.pattern(b"a+").findall(b"baab") == [b"aa"]


@pytest.mark.parametrize(("before", "some"), [("", False), ("runboard.late.pattern = re.compile", True)])
def test_loading_compiles_none(before: str, some: bool) -> None:
    """All modules of the package are loaded without one of their expressions being compiled; the control does so."""
    script = f"""
import pkgutil, re, sys, importlib
import runboard.late
compiled, plain = [], re._compile
def told(*arguments):
    compiled.append(sys._getframe(2).f_globals["__name__"])
    return plain(*arguments)
re._compile = told
{before}
for module in pkgutil.walk_packages(runboard.__path__, "runboard."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(sum(name.startswith("runboard") for name in compiled))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment())
    assert (int(done.stdout) > 0) is some


LATE = ("logs", "process", "worktree")
"""Packages whose names are loaded with their first use."""


@pytest.mark.parametrize("package", LATE)
def test_every_name_of_a_late_package_is_found(package: str) -> None:
    """Each that it says it has, after all of its modules are loaded too: none of them takes the place of a name."""
    module = importlib.import_module(f"runboard.{package}")
    inside = [one.name for one in pkgutil.iter_modules(module.__path__)]
    for name in inside:
        importlib.import_module(f"runboard.{package}.{name}")
    assert set(inside) & set(module.__all__) == set()
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        getattr(module, "nonsense")  # noqa: B009 - a checker would see it


def test_a_late_package_or_module_loads_with_its_first_use() -> None:
    """Until then nothing of it is loaded; and a module that does not exist is told then, as an import tells it."""
    script = """
import sys
from runboard import late, logs
edits, none = late.module("edits"), late.module("nonsense")
before = [name for name in sys.modules if name.startswith(("runboard.logs.", "runboard.edits"))]
found = logs.Pattern, edits.mark
after = {name for name in sys.modules if name.startswith(("runboard.logs.", "runboard.edits"))}
try:
    none.anything
except ModuleNotFoundError as error:
    print(before, after >= {"runboard.logs.pattern", "runboard.edits"}, "runboard.logs.pager" in after, error.name)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip() == "[] True False runboard.nonsense"


def test_who_stays_loads_the_rest_for_himself() -> None:
    """A board that has been open for a while has all of its modules but verbs: no upgrade changes one beneath it."""
    script = """
import runboard.store, sys
from runboard import late
before = set(sys.modules)
rests = []
late.everything(lambda: rests.append(1))
print("runboard.together" in before, "runboard.cli" in sys.modules, len(rests) > 20, *sorted(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment())
    early, verbs, rested, *loaded = done.stdout.split()
    assert (early, verbs, rested) == ("False", "False", "True")
    ours = {one.name for one in pkgutil.walk_packages(runboard.__path__, "runboard.")}
    assert {name for name in ours - set(loaded) if not name.startswith(("runboard.cli", "runboard.shim"))} == {
        "runboard.__main__"
    }


def test_it_is_loaded_in_the_background() -> None:
    """Whoever settles down goes on at once, and has the rest a while later."""
    script = """
import runboard, sys, time
from runboard import late
late.LATER = late.REST = 0.01
late.settle_down()
deadline = time.monotonic() + 30
while "runboard.worktree.moved" not in sys.modules and time.monotonic() < deadline:
    time.sleep(0.01)
print("runboard.worktree.moved" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip() == "True"


def test_a_board_settles_down_when_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does so with what keeps it true, which is made when the screen is there; a guest's does not."""
    calls: list[str] = []
    monkeypatch.setattr(late, "settle_down", lambda: calls.append("settled"))
    for writing in (False, True):
        _follow(Store(str(tmp_path)), writing=writing)
    assert calls == ["settled"]
