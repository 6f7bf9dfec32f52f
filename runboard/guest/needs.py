"""What Python and the libraries of a board read while it is open: their own files, and nobody's home."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec

_SYSTEM = (
    *("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/nix/store", "/gnu/store", "/etc/ld.so.cache"),
    *("/usr/share/locale", "/usr/share/terminfo", "/etc/terminfo", "/usr/share/zoneinfo", "/etc/localtime"),
    *("/proc", "/dev/null", "/dev/urandom"),
)
"""Shared libraries, words, terminals, clocks, processes."""

_LIBRARIES = (
    *("runboard", "click", "textual", "rich", "markdown_it", "mdurl", "mdit_py_plugins", "linkify_it", "uc_micro"),
    *("orjson", "psutil", "watchfiles", "pygments", "platformdirs", "typing_extensions", "anyio", "idna"),
)
"""What is imported, now or when it is first wanted, and may lie outside of Python's own directories: in a checkout."""


def readable() -> list[str]:
    """Files and directories, some of which may not be there, or be named twice."""
    paths = sysconfig.get_paths()
    ours = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    ours += [f"{prefix}/lib" for prefix in {sys.base_prefix, sys.base_exec_prefix}]
    ours += [path for path in sys.path if _packaged(path)]
    return [*ours, *_SYSTEM, *(place for name in _LIBRARIES for place in _places(name))]


def _packaged(path: str) -> bool:
    """Whether a place where modules are looked for holds nothing but packages, or is one archive of them.

    A directory that somebody works in may be one too, their home even: of such a one only the packages are needed.
    """
    return os.path.basename(path) in {"site-packages", "dist-packages"} or os.path.isfile(path)


def _places(name: str) -> Iterator[str]:
    """Where a module is, without importing it; looking for it also has Python remember what lies beside it."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is not None and spec.submodule_search_locations is not None:
        for place in spec.submodule_search_locations:
            yield place
            if name == "runboard":
                yield os.path.join(os.path.dirname(place), "tcss")
    elif spec is not None and spec.origin is not None:
        yield spec.origin
