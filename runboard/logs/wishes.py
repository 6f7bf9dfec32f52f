"""What a person wants of a log, and what is then to be seen of it."""

from __future__ import annotations

from typing import NamedTuple

from runboard.logs.search import Progress
from runboard.logs.stamps import Times
from runboard.logs.view import Window


class Sought(NamedTuple):
    """What a person looks for: a text, or with ``regex`` an expression; in small letters only it means capitals too."""

    text: str
    regex: bool = False


class Wish(NamedTuple):
    """What is wanted of a log now.

    ``find`` and ``only`` hold on: what is marked, and what alone is shown; so do ``width``, the cells that long lines
    are wrapped into (0: they are not), ``numbers`` and ``times`` of the lines, and ``hold``, which keeps the window
    where it is while lines are selected. The rest is done once: ``step`` goes to matches, ``place`` to what is typed,
    ``offset`` to a byte, ``to`` to the start or the end, ``by`` some lines on, from where ``then`` the nearest match is
    wanted; ``ends`` asks where the longest line on show ends.
    """

    rows: int
    raw: bool = False
    find: Sought | None = None
    only: Sought | None = None
    near: int = 0
    column: int = 0
    width: int = 0
    numbers: bool = False
    times: Times = Times.WRITTEN
    hold: bool = False
    step: int = 0
    place: str | None = None
    offset: int | None = None
    to: str | None = None
    by: int = 0
    then: bool = False
    ends: bool = False


class Seen(NamedTuple):
    """What is to be seen of a log: a window, how the search goes, which match one is at, and what could not be done.

    ``column`` is where the match lies, in bytes behind the beginning of its line, where that is far to the right;
    ``longest`` is how long the longest line on show is, and ``place`` where one wanted to go, where that was asked.
    ``numbers`` are those of the lines on show, if they are wanted, as `Numbering.numbers` tells them, and ``counted``
    the share that was counted while some are not known. ``fresh`` tells how many lines (None: too many to count), and
    ``fresh_bytes`` how many bytes have come since the end was last in sight; ``follows`` whether the
    window moves along with the end, ``timed`` whether lines bear times.
    """

    window: Window
    found: Progress | None = None
    only: Progress | None = None
    number: int | None = None
    at: int | None = None
    column: int = 0
    longest: int = 0
    place: str | None = None
    trouble: str | None = None
    numbers: tuple[int | None, ...] | None = None
    counted: float = 1.0
    fresh: int | None = 0
    fresh_bytes: int = 0
    follows: bool = True
    timed: bool = False
