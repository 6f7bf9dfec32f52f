"""How far an act on several runs is, and what came of it, run by run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from runboard.safetext import clean
from runboard.ui.arriving import Arriving
from runboard.ui.deeds import Deed, Work


class Working(Arriving, ModalScreen[None], inherit_bindings=False):
    """How far an act on several runs is; Esc ends it after the present one."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "enough", "enough", id="working.enough")]

    def __init__(self, work: Work) -> None:
        """Follow this work."""
        super().__init__()
        self._work = work

    def compose(self) -> ComposeResult:
        """The sentence, a line that fills, and the key."""
        with Vertical(classes="dialog"):
            yield Static(id="working-text", classes="dialog-title")
            yield Static(id="working-line")
            yield Static(Content("Esc stops after the present one."), classes="quiet", id="working-key")

    def on_mount(self) -> None:
        """Look often enough to seem alive."""
        self._look()
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        """Show how far it is, and go when it is done."""
        if self._work.over.is_set() and self.is_current:
            self.dismiss()
            return
        work, width = self._work, 40
        part = len(work.done) * width // max(1, work.count)
        self.query_one("#working-text", Static).update(Content(f"{work.doing}: {len(work.done)} of {work.count} runs"))
        self.query_one("#working-line", Static).update(
            Content.assemble(("━" * part, "$accent"), ("━" * (width - part), "$faint"))
        )

    def action_enough(self) -> None:
        """End it."""
        self._work.enough.set()
        self.query_one("#working-key", Static).update(Content("Stopping after the present one…"))


class Report(Arriving, ModalScreen[None], inherit_bindings=False):
    """What came of an act on several runs, those that failed first."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "close", id="report.close"),
    ]

    def __init__(self, title: str, deeds: Sequence[Deed]) -> None:
        """Tell these."""
        super().__init__()
        self._title = title
        self._told = sorted(deeds, key=lambda deed: deed.error is None)

    def compose(self) -> ComposeResult:
        """A list that scrolls."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content(self._title), classes="dialog-title")
            yield Static(Content("\n").join([_told(deed) for deed in self._told]))


def _told(deed: Deed) -> Content:
    """One line of a report."""
    text = clean(deed.text).removeprefix(f"run {deed.run_id}").removeprefix(" ").removeprefix(": ")
    ink = "$quiet" if deed.error is None else "$error"
    return Content.assemble(("✔ " if deed.error is None else "✘ ", ink), (clean(deed.run_id), "$accent"), "  ", text)
