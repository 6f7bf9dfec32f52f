"""What is on the terminal before Textual has it, as far as the board needs to know."""

from __future__ import annotations

from typing import Any, Protocol

Attributes = list[Any]
"""Of a terminal, as `termios.tcgetattr` tells them."""


class Early(Protocol):
    """The alternate screen, entered before the board; `cli.early.EarlyScreen` is one."""

    @property
    def up(self) -> bool:
        """Whether it is on, and still for this one to leave."""

    def hand_over(self) -> Attributes | None:
        """Leave the terminal to whoever calls; what it was like before, where that was changed."""

    def leave(self) -> None:
        """Leave the alternate screen, if that was not handed over."""
