"""The last size that the board is told is the one its terminal has, however the signals that tell of it overlap."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from textual.events import Resize

from runboard.ui.sized import SizedDriver


async def test_a_signal_amid_a_signal_does_not_have_the_older_size_told_last() -> None:
    """The size is read when it is told, not in the handler, where the control reads it: that ends with the older."""
    told: list[Resize] = []
    driver = SizedDriver.__new__(SizedDriver)
    driver._loop, driver._app = asyncio.get_running_loop(), SimpleNamespace(post_message=told.append)  # type: ignore[assignment]
    sizes = [(1, 1)]
    driver._get_terminal_size = lambda: sizes[-1]  # type: ignore[method-assign]
    control: list[tuple[int, int]] = []

    def naive(*, within: bool) -> None:
        """Read, be interrupted, tell."""
        size = driver._get_terminal_size()
        if within:
            sizes.append((120, 36))
            driver._on_size(0, None)
            naive(within=False)
        control.append(size)

    driver._on_size(0, None)
    naive(within=True)
    await asyncio.sleep(0.01)
    assert [tuple(event.size) for event in told] == [(120, 36), (120, 36)]
    assert control[-1] == (1, 1)
