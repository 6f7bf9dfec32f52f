"""Everything known of one run, with its history, as it stands now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Static

from runboard.columns import status_word
from runboard.facts import facts_of, history_of
from runboard.model import Run
from runboard.past import Earlier, facts_of_past
from runboard.safetext import clean
from runboard.ui.arriving import Arriving

REFRESH_SECONDS = 0.5
"""How often an open sheet looks at its run again."""


class Details(Arriving, ModalScreen[None], inherit_bindings=False):
    """A sheet of facts; it follows the run while it is open."""

    BINDING_GROUP_TITLE = "Details"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,i,q", "dismiss", "close", id="details.close"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="details.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="details.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="details.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="details.page-up"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"details--quiet", "details--accent", "details--failed"}

    sheet = query_one("#details-sheet", VerticalScroll)
    facts = query_one("#details-facts", Static)

    def __init__(
        self,
        run: Run,
        look: Callable[[str], Run | None],
        clock: Callable[[], float],
        past: Callable[[Run], Awaitable[Earlier]],
        read: Callable[[Run], Run],
    ) -> None:
        """Show ``run``; ``look`` finds it by its id, ``clock`` tells the time, ``past`` what runs of before tell.

        ``read`` is called in a thread for all of a run that has ended: what is looked at in tables is less.
        """
        super().__init__()
        self._read = read
        self._whole: Run | None = None
        self._past = past
        self._earlier = Earlier()
        self._run = run
        self._look = look
        self._clock = clock
        self._shown: tuple[tuple[str, str, str], list[tuple[str, str]]] | None = None

    def compose(self) -> ComposeResult:
        """A sheet that scrolls."""
        with VerticalScroll(id="details-sheet", classes="dialog", can_focus=False):
            yield Static(id="details-facts")

    def on_mount(self) -> None:
        """Fill the sheet and keep it up to date."""
        self._update()
        self._read_whole()
        self.set_interval(REFRESH_SECONDS, self._update)
        self.run_worker(self._remember())

    async def _remember(self) -> None:
        """Add what runs of before tell, once they are read."""
        self._earlier = await self._past(self._run)
        self._update()

    def _update(self) -> None:
        """Show the run as it stands, if that reads differently."""
        before, self._run = self._run, self._look(self._run.id) or self._run
        if self._run != before:
            self._read_whole()
        run = self._whole or self._run
        head, facts = head_of(run), facts_of(run, self._clock())
        facts += facts_of_past(run, self._earlier, self._clock())
        facts += [("" if at else "History", step) for at, step in enumerate(history_of(run))]
        if (head, facts) != self._shown:
            self._shown = head, facts
            self.facts.update(self._sheet(head, facts))

    def _read_whole(self) -> None:
        """Have all of a run read that has ended."""
        self._whole = None
        if self._run.finished:
            self.run_worker(self._reading(self._run), group="whole", exclusive=True)

    async def _reading(self, run: Run) -> None:
        """Show all of a run once it is read, if it is still as it was."""
        whole = await asyncio.to_thread(self._read, run)
        if whole.finished and run == self._run:
            self._whole = whole
            self._update()

    def hear(self, run_ids: Collection[str]) -> None:
        """More is known of these runs."""
        if self._run.id in run_ids and self._run.finished:
            self.run_worker(self._reading(self._run), group="whole", exclusive=True)

    def _sheet(self, head: tuple[str, str, str], facts: list[tuple[str, str]]) -> Group:
        """The head, the facts with their names at the left, and the history; every text taken literally."""
        word, run_id, title = head
        ink = "failed" if "failed" in word else "accent" if self._run.active else "quiet"
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in facts:
            table.add_row(Text(name, self.get_component_rich_style("details--quiet", partial=True)), Text(text))
        first = Text.assemble((word, self.get_component_rich_style(f"details--{ink}", partial=True)), "  ", run_id)
        return Group(first, Text(title, "bold"), Text(""), table)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.sheet.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by screens."""
        self.sheet.scroll_relative(y=by * max(1, self.sheet.size.height - 1), animate=False)


def head_of(run: Run) -> tuple[str, str, str]:
    """How it stands, which run it is, and what it is called."""
    return clean(status_word(run)), clean(run.id), clean(run.title)
