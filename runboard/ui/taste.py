"""What a person has set for the screen, as the board is told it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from runboard.attention import Limits
from runboard.ui.colours import PALETTES
from runboard.ui.tidings import Notify

AUTO = "auto"
"""The theme that suits the terminal."""


class Taste(NamedTuple):
    """Colours, keys, ASCII alone, how endings are told, and what was wrong with any of it.

    ``theme_set_by`` says what will decide on the theme next time whatever is chosen now, empty where nothing does.
    ``limits`` say when a run needs somebody, ``remembered`` is what was kept the last time.
    ``columns``, ``sort`` and ``filters`` are the table's, as the settings have them; ``settled`` are the settings that
    will be as they are next time whatever is chosen now.
    ``tmux`` says that it stands between the board and the terminal.
    ``remember`` keeps a key and its value for the next time; it is called in a thread, and raises Forgotten.
    """

    theme: str = "runboard"
    theme_set_by: str = ""
    ascii: bool = False
    keys: Mapping[str, str] = MappingProxyType({})
    notices: tuple[str, ...] = ()
    limits: Limits = Limits()
    remembered: Mapping[str, object] = MappingProxyType({})
    remember: Callable[[str, object], None] | None = None
    notify: Notify = Notify()
    columns: tuple[str, ...] = ()
    sort: str = ""
    filters: Mapping[str, str] = MappingProxyType({})
    settled: frozenset[str] = frozenset()
    tmux: bool = False

    @property
    def early(self) -> bool:
        """Whether the first frame can look as the board will: not with filters, panes or colours of one's own."""
        arranged = self.filters or {"board.filters", "split"} & set(self.remembered)
        return self.theme in {AUTO, *PALETTES} and not arranged


PLAIN = Taste()
"""Nothing set at all."""
