"""What a person has set, as the board is to be told it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from runboard import state
from runboard.config import COMMAND_LINE, ENVIRONMENT, FILE, load
from runboard.plain import wanted
from runboard.ui.taste import Taste


def taste_of(options: Mapping[str, str | None], *, writable: bool) -> Taste:
    """The person's taste after the config file, the environment, the options and what was remembered.

    A board that only looks reads what is remembered, and remembers nothing.
    """
    memory = state.State(state.folder(os.environ), writing=writable)
    config = load(os.environ, options, memory.load())
    by = config.sources["theme"]
    return Taste(
        theme=config.text("theme"),
        theme_set_by=by if by in {FILE, ENVIRONMENT, COMMAND_LINE} else "",
        ascii=wanted(config.text("ascii"), os.environ),
        keys=config.table("keys"),
        notices=tuple(map(str, config.troubles)),
        remember=memory.save if writable else None,
    )
