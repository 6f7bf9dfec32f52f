"""A module that stands in for another is that one with the first use, whoever uses it, and costs nothing before."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread
from types import ModuleType
from typing import Any

import pytest

from runboard.ui.showing import UNUSED
from runboard.understudy import Part, standing_in
from tests.program import environment

NAME = "runboard_played"
ROLE = """
import builtins, time
builtins.performances.append(1)
if len(builtins.performances) <= builtins.failures:
    raise ImportError("not today")
time.sleep(0.02)
here = "here"
def call(*args, **more):
    return args, more
"""


@pytest.fixture
def performances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry for each time that the module has been executed."""
    (tmp_path / f"{NAME}.py").write_text(ROLE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    count: list[int] = []
    monkeypatch.setattr(builtins, "performances", count, raising=False)
    monkeypatch.setattr(builtins, "failures", 0, raising=False)
    yield count
    sys.modules.pop(NAME, None)


def played(part: Part = Part(), name: str = NAME) -> ModuleType:  # noqa: B008 - a frozen value
    """The module, imported with an understudy in its place, and once more."""
    with standing_in({name: part}):
        first = importlib.import_module(name)
    exec(f"import {name}", {})  # Python looks at a module that it has already
    assert importlib.import_module(name) is first is sys.modules[name]
    return first


def test_it_is_loaded_with_its_first_use_and_once(performances: list[int]) -> None:
    """Imported twice it is not loaded, used twice it is loaded once; then it is a module like any other."""
    module = played()
    assert performances == []
    assert (module.here, module.call(1, two=2)) == ("here", ((1,), {"two": 2}))
    assert (performances, type(module)) == ([1], ModuleType)
    with pytest.raises(AttributeError, match=f"module '{NAME}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018 - it is looked for


def test_without_one_it_is_loaded_at_once(performances: list[int]) -> None:
    """The control: who only imports it loads it, where nobody stands in."""
    importlib.import_module(NAME)
    assert performances == [1]


def test_many_threads_find_the_same(performances: list[int]) -> None:
    """Eight that use it at the same moment load it once, and none finds it half loaded."""
    module, start, found = played(), Barrier(8), list[Any]()

    def use() -> None:
        start.wait()
        found.append(module.here)

    threads = [Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (performances, found) == ([1], ["here"] * 8)


def test_what_fails_fails_as_an_import_does(performances: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever uses it first is told why, and the next one tries again."""
    monkeypatch.setattr(builtins, "failures", 1)
    module = played()
    with pytest.raises(ImportError, match="not today"):
        module.here  # noqa: B018 - it is looked for
    assert (module.here, performances) == ("here", [1, 1])


def test_a_function_and_a_name_passed_on_are_had_without(performances: list[int]) -> None:
    """The function loads it when it is called; the name comes from its own module, and where that has none, from it."""
    played(Part(functions=("call",), elsewhere={"Fraction": "fractions"}))
    space: dict[str, Any] = {}
    exec(f"from {NAME} import call, Fraction", space)
    assert (space["Fraction"].__module__, performances) == ("fractions", [])
    assert (space["call"](1, two=2), performances) == (((1,), {"two": 2}), [1])
    sys.modules.pop(NAME)
    other = played(Part(elsewhere={"here": "fractions"}))
    assert (other.here, performances) == ("here", [1, 1])


def test_where_python_lacks_a_part_nobody_stands_in(performances: list[int]) -> None:
    """Who imports what cannot work is to be told so by the import, not later."""
    played(Part(needs="_no_such_extension"))
    assert performances == [1]


def test_a_directory_of_it_tells_all(performances: list[int]) -> None:
    """Who looks what is in it finds all of it."""
    assert {"here", "call"} <= set(dir(played()))
    assert performances == [1]


def test_those_of_the_board_are_what_they_stand_for() -> None:
    """Each that the board puts off has the same names in the end as where it is imported outright."""
    looked = f"""
import importlib, sys
from runboard.ui.showing import UNUSED
from runboard.understudy import standing_in
with standing_in(UNUSED if sys.argv[1:] else {{}}):
    import textual.app
    modules = [importlib.import_module(name) for name in {list(UNUSED)!r}]
print([sorted(dir(module)) for module in modules])
print(textual.app.user_downloads_path(), textual.command.IgnoreReturnCallbackType)
"""
    argv = [sys.executable, "-c", looked]
    done = [
        subprocess.run([*argv, *more], capture_output=True, text=True, check=True, env=environment()).stdout
        for more in ([], ["standing in"])
    ]
    assert done[0] == done[1]
    assert "SSLContext" in done[0]
