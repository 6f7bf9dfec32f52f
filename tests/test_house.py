"""The house: the map of floors is complete and true, imports point down, and each floor keeps to its own work."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import runboard

ROOT = Path(runboard.__file__).parent
IO_MODULES = {
    "os",
    "subprocess",
    "psutil",
    "orjson",
    "watchfiles",
    "sqlite3",
    "pathlib",
    "shutil",
    "tempfile",
    "socket",
}
SCREEN_MODULES = {"textual", "rich"}
HEAVY = ("textual", "rich", "asyncio", "psutil", "watchfiles")


def unit(path: Path) -> str:
    """The name on the map that a source file belongs to: its module, or its package at the top."""
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def floors(doc: str) -> dict[str, int]:
    """The map: a floor's number for each name in lines that read "  3  store  process  ...", until the text goes on."""
    found: dict[str, int] = {}
    for line in doc.splitlines():
        match = re.match(r"^ {4}(\d+) {2,3}([a-z_ ]+?)(?: {3,}.*)?$", line)
        if match:
            found.update(dict.fromkeys(match[2].split(), int(match[1])))
    return found


def imported(tree: ast.AST) -> set[str]:
    """Every module named by an import anywhere in a tree, wherever it stands."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def sources() -> list[Path]:
    """Every source file of the package."""
    return sorted(ROOT.rglob("*.py"))


def wrongs(paths: Iterable[Path], wrong: Callable[[Path], object]) -> dict[str, object]:
    """What is wrong with each of these files, by its name; those with which nothing is are left out."""
    found = {str(path.relative_to(ROOT.parent)): wrong(path) for path in paths}
    assert len(found) > 50, "files are missing"
    return {name: what for name, what in found.items() if what}


def wrong_imports(source: str, here: str, on: dict[str, int]) -> list[str]:
    """Imports of ours that do not point to a lower floor; a package may import itself."""
    ours = {name.split(".")[1] for name in imported(ast.parse(source)) if name.startswith("runboard.")}
    return sorted(name for name in ours if name in on and name != here and on[name] >= on[here])


def test_the_map_names_every_module_and_no_other() -> None:
    """What is on disk is on the map, and the map shows nothing that is not there."""
    on_disk = {unit(path) for path in sources()} - {"__init__", "__main__", "tcss"}
    assert set(floors(runboard.__doc__ or "")) == on_disk


def test_imports_point_down() -> None:
    """A module imports only from floors below its own."""
    on = floors(runboard.__doc__ or "")
    paths = [path for path in sources() if unit(path) not in {"__init__", "__main__"}]
    assert wrongs(paths, lambda path: wrong_imports(path.read_text("utf-8"), unit(path), on)) == {}


def test_an_import_upwards_would_be_seen() -> None:
    """The check itself fails for an import of a sibling or of a higher floor, even inside a function."""
    on = {"model": 1, "store": 3, "watch": 3, "ui": 6}
    source = "def f():\n    from runboard.ui import app\n    import runboard.watch\n    from runboard import model\n"
    assert wrong_imports(source, "store", on) == ["ui", "watch"]


def roots(path: Path) -> set[str]:
    """The first names of all that a file imports."""
    return {name.split(".")[0] for name in imported(ast.parse(path.read_text("utf-8")))}


def test_ui_does_no_io() -> None:
    """The screen touches no file, process or database."""
    assert wrongs((ROOT / "ui").rglob("*.py"), lambda path: roots(path) & IO_MODULES) == {}


def test_only_ui_knows_textual() -> None:
    """Nothing outside ui imports Textual or Rich."""
    others = [path for path in sources() if unit(path) != "ui"]
    assert wrongs(others, lambda path: roots(path) & SCREEN_MODULES) == {}


def test_the_shim_stands_alone() -> None:
    """The shim imports nothing of ours and only what starts in milliseconds."""
    names = imported(ast.parse((ROOT / "shim.py").read_text("utf-8")))
    assert names - {"__future__.annotations"} <= {
        "__future__",
        "_ctypes",
        "_signal",
        "posix",
        "resource",
        "sys",
        "time",
    }


def loaded(code: str) -> set[str]:
    """The heavy modules that are loaded after running code in a fresh interpreter."""
    report = f"\nimport sys\nprint([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, timeout=60, check=True)
    return set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))


def test_the_front_door_does_not_load_textual() -> None:
    """Importing the command line loads neither Textual nor Rich."""
    assert loaded("import runboard.cli") & SCREEN_MODULES == set()


def test_ps_loads_nothing_heavy(tmp_path: Path) -> None:
    """`ps --json` on a directory with a live and a finished run loads none of the heavy libraries."""
    code = (
        "from runboard.cli import main\n"
        f"import sys\nsys.argv = ['runboard', '--runs-dir', {str(tmp_path)!r}]\n"
        "def run(*words):\n"
        f"    sys.argv = ['runboard', '--runs-dir', {str(tmp_path)!r}, *words]\n"
        "    try:\n        main()\n"
        "    except SystemExit as end:\n        assert not end.code, end.code\n"
        "run('run', '--', 'true')\nrun('ps', '--json', '-a')\n"
    )
    assert loaded(code) == set()


def test_loading_would_be_seen() -> None:
    """The check itself sees a heavy module that is loaded."""
    assert loaded("import asyncio") == {"asyncio"}


REMOVERS = {"rmtree", "removedirs", "TemporaryDirectory"}
"""What removes whole directories by a path."""


def by_path(source: str) -> list[str]:
    """Uses of anything that removes a directory by its path, of ``os.system`` and of ``shell=True``."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="system" | "popen" as name):
                found.append(name)
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name) if name in REMOVERS:
                found.append(name)
            case ast.keyword(arg="shell"):
                found.append("shell=")
    return found


def test_no_path_is_given_to_a_recursive_removal() -> None:
    """Directories are removed by descriptor, in tree.py alone; and no program is started through a shell."""
    assert wrongs(sources(), lambda path: by_path(path.read_text("utf-8"))) == {}


def test_a_removal_by_path_would_be_seen() -> None:
    """The check itself sees the usual ways."""
    source = (
        "import shutil\nfrom tempfile import TemporaryDirectory\nshutil.rmtree(p)\nrun(x, shell=True)\nos.system(x)\n"
    )
    assert sorted(by_path(source)) == ["TemporaryDirectory", "rmtree", "shell=", "system"]


def unsaid(path: Path) -> list[str]:
    """What a file leaves unsaid, and whether a file of the package is too long."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    silent = [] if ast.get_docstring(tree) is not None else ["the module"]
    silent += [node.name for node in definitions(tree) if ast.get_docstring(node) is None]
    # The shim is one file on purpose: it is started by its path and imports nothing of ours.
    most = 400 if path.name == "shim.py" else 350
    return silent + (["too long"] if ROOT in path.parents and len(text.splitlines()) > most else [])


def definitions(tree: ast.AST) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Classes and functions, but for those inside a function, where its name and its neighbours say what they are."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from definitions(node)


def test_every_definition_says_what_it_is() -> None:
    """Every module, class and def has a docstring, and no file of the package is longer than 350 lines."""
    assert wrongs([*sources(), *Path(__file__).parent.rglob("*.py")], unsaid) == {}


def test_silence_and_length_would_be_seen(tmp_path: Path) -> None:
    """The check itself sees a module, a class and a method that say nothing, and looks into no function."""
    silent = tmp_path / "silent.py"
    silent.write_text("class A:\n    def b(self):\n        def c(): pass\n", "utf-8")
    assert unsaid(silent) == ["the module", "A", "b"]
    assert unsaid(ROOT / "shim.py") == []
