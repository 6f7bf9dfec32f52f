"""What a person has set, as the board is to be told it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runboard import state
from runboard.attention import Limits
from runboard.config import COMMAND_LINE, ENVIRONMENT, FILE, load
from runboard.plain import wanted
from runboard.ui.taste import Taste
from runboard.ui.tidings import Notify

SETTLED = frozenset({FILE, ENVIRONMENT, COMMAND_LINE})
"""Where a value comes from that nothing remembered can change."""


def taste_of(options: Mapping[str, str | None], *, writable: bool) -> Taste:
    """The person's taste after the config file, the environment, the options and what was remembered.

    A board that only looks reads what is remembered, and remembers nothing.
    """
    memory = state.State(state.folder(os.environ), writing=writable)
    remembered = memory.load()
    config = load(os.environ, options, remembered)
    by = config.sources["theme"]
    columns = config.values["board.columns"]
    return Taste(
        theme=config.text("theme"),
        theme_set_by=by if by in SETTLED else "",
        ascii=wanted(config.text("ascii"), os.environ),
        keys=config.table("keys"),
        notices=tuple(map(str, config.troubles)),
        limits=Limits(60 * config.number("attention.silent_minutes"), config.number("attention.timeout_percent") / 100),
        remembered=remembered,
        remember=memory.save if writable else None,
        columns=tuple(map(str, columns)) if isinstance(columns, list | tuple) else (),
        sort=config.text("board.sort"),
        filters=config.table("board.filters"),
        settled=frozenset(key for key, source in config.sources.items() if source in SETTLED),
        notify=Notify(
            toast=config.values["notify.toast"] is True,
            bell=config.values["notify.bell"] is True,
            osc=way_of(os.environ) if config.values["notify.osc"] is True else 0,
        ),
        tmux=within_tmux(os.environ),
    )


def way_of(environ: Mapping[str, str]) -> int:
    """The number of the sequence by which this terminal notifies; most know OSC 9."""
    term = environ.get("TERM", "")
    if environ.get("KITTY_WINDOW_ID") or term == "xterm-kitty":
        return 99
    return 777 if term.startswith(("rxvt", "foot")) or environ.get("VTE_VERSION") else 9


def within_tmux(environ: Mapping[str, str]) -> bool:
    """Whether tmux stands between the board and the terminal: it sets TMUX to a socket, a pid and a session."""
    socket, *numbers = environ.get("TMUX", "").rsplit(",", 2)
    return bool(socket) and len(numbers) == 2 and all(one.isascii() and one.isdigit() for one in numbers)
