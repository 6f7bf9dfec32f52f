"""The command palette: the board's own actions, those that can be done now, and nothing else."""

from __future__ import annotations

from textual.command import CommandPalette, SearchIcon


class Palette(CommandPalette):
    """Textual's palette without its pictogram."""

    def on_mount(self) -> None:
        """Put a plain sign where the magnifying glass is."""
        self.query_one(SearchIcon).icon = "/"
