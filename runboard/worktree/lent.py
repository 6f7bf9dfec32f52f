"""Who borrows the objects of a repository in a run's directory: ``git clone --shared`` and ``--reference`` copy none.

A lender is told of no borrower. So only those are found that can be: the repositories that the run's own name, and the
runs beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from errno import EIO, EMFILE, ENFILE, ENOMEM, ESTALE
from typing import TYPE_CHECKING

from runboard import files
from runboard.late import pattern
from runboard.worktree.git import Unknown, common_of, git_dir_of

if TYPE_CHECKING:
    import re

_SMALL = 64 << 10
_DEEPEST = 5
"""Git itself follows no longer chain of lenders."""

_MOST_LENDERS = 100
_MOST_LINES = 1_000
"""So many are looked at; a list that is longer only makes work."""

_ESCAPED = pattern(rb"\\(?:([0-3][0-7]{2})|(.))")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class Neighbours:
    """The runs in a runs directory, those in its trash too, that borrow objects: looked for once, when first asked."""

    def __init__(self, root: str) -> None:
        """Look in ``root``, when somebody asks."""
        self._root = root
        self._borrowers: list[str] | None = None

    def of(self, inside: tuple[str, ...]) -> list[str]:
        """Those that borrow from below a run's directory now, and are not in it."""
        if self._borrowers is None:
            self._borrowers = [place for place in self._checkouts() if any(lenders(place))]
        return [place for place in self._borrowers if _lends(inside, place)]

    def _checkouts(self) -> Iterator[str]:
        """Where runs have checkouts."""
        for folder in (self._root, os.path.join(self._root, ".trash")):
            names = os.listdir(folder) if files.is_folder(folder) else ()
            places = (f"{folder}/{name}/repo" for name in names if not name.startswith("."))
            yield from (place for place in places if os.path.lexists(place))


def borrowers(inside: tuple[str, ...], places: Iterable[str], neighbours: Neighbours | None = None) -> list[str]:
    """Which of these repositories, and of the runs beside, live on objects below a run's directory."""
    named = [place for place in dict.fromkeys(places) if _lends(inside, place)]
    return list(dict.fromkeys([*named, *(neighbours.of(inside) if neighbours is not None else ())]))


def lenders(place: str) -> Iterator[str]:
    """The directories of objects that a repository borrows from, and those that these borrow from, as real paths.

    Nothing where there is no repository, or none that can be read.
    """
    waiting, seen = [(folder, 0) for folder in _objects(place)], set[str]()
    while waiting and len(seen) < _MOST_LENDERS:
        folder, depth = waiting.pop()
        for path in _alternates(folder):
            real = os.path.realpath(os.path.join(folder, path))
            if real not in seen and len(seen) < _MOST_LENDERS:
                seen.add(real)
                yield real
                waiting += [(real, depth + 1)] if depth < _DEEPEST else []


def _lends(inside: tuple[str, ...], place: str) -> bool:
    """Whether a repository elsewhere borrows from below a run's directory."""
    elsewhere = not f"{os.path.realpath(place)}/".startswith(inside)
    return elsewhere and any(f"{path}/".startswith(inside) for path in lenders(place))


def _objects(place: str) -> list[str]:
    """Where a repository, bare or with a work tree, may keep its objects."""
    try:
        real = git_dir_of(place) if os.path.lexists(os.path.join(place, ".git")) else place
        return [os.path.join(common_of(real), "objects")]
    except (Unknown, files.Unfit):
        return []
    except OSError as error:
        _bear(error)
        return []


def _alternates(folder: str) -> list[str]:
    """The paths in a directory of objects' own list of lenders."""
    try:
        with files.opened(files.open_root(os.path.join(folder, "info"))) as info:
            text = os.fsdecode(files.read_plain(info, "alternates", _SMALL))
    except files.Unfit:
        return []  # nothing that git reads
    except OSError as error:
        _bear(error)
        return []
    lines = dict.fromkeys(text.split("\n", _MOST_LINES)[:_MOST_LINES])
    return [_unquoted(line) for line in lines if line and not line.startswith("#") and "\0" not in line]


def _bear(error: OSError) -> None:
    """Go on where there is nothing to see, or nothing for us.

    Raises:
        OSError: The disk fails, or the system has no room to look: that is not to be taken for absence.
    """
    if error.errno in {EIO, ESTALE, EMFILE, ENFILE, ENOMEM}:
        raise error


def _unquoted(line: str) -> str:
    """A path as git means it: one in quotes has its strange characters as escapes of C, mostly octal ones."""
    if len(line) < 2 or line[0] != '"' or line[-1] != '"':
        return line
    return os.fsdecode(_ESCAPED.sub(_meant, os.fsencode(line[1:-1])))


def _meant(escape: re.Match[bytes]) -> bytes:
    """The byte that an escape stands for."""
    octal, letter = escape.groups()
    return bytes([int(octal, 8)]) if octal else _LETTERS.get(letter, letter)
