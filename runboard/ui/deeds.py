"""An act on one run or many: done in a thread, with progress and a way to stop between two, and told run by run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from runboard.errors import ControlError, StoreError
from runboard.safetext import clean
from runboard.ui.arriving import Arriving

TOLD = (ControlError, StoreError, OSError)
"""What an act may fail with; the message is told on the screen."""

TOGETHER = 8
"""So many runs are ended at the same time: each may take its grace."""

PATIENCE = 0.4
"""Seconds after which an act on several runs shows how far it is."""


class Deed(NamedTuple):
    """What came of an act on one run, in a sentence; ``error`` is what went wrong, if anything."""

    run_id: str
    text: str
    error: Exception | None = None


def one_by_one(run_ids: Iterable[str], act: Callable[[str], str]) -> Iterator[Deed]:
    """Do something to each run in turn."""
    for run_id in run_ids:
        yield attempt(run_id, act)


def together(run_ids: Iterable[str], act: Callable[[str], str]) -> Iterator[Deed]:
    """Do something to several runs at a time, for what takes long."""
    coming = iter(run_ids)
    with ThreadPoolExecutor(TOGETHER, "runboard-acts") as hands:
        while some := list(islice(coming, TOGETHER)):
            yield from hands.map(lambda run_id: attempt(run_id, act), some)


def attempt(run_id: str, act: Callable[[str], str]) -> Deed:
    """Do something to one run; what it is told when that fails is a deed too."""
    try:
        return Deed(run_id, act(run_id))
    except TOLD as error:
        return Deed(run_id, str(error), error)


class Work:
    """Deeds under way in a thread; ``enough`` ends them between two."""

    def __init__(self, deeds: Iterator[Deed], count: int, doing: str) -> None:
        """Do these, ``count`` in all; ``doing`` says what, as in "Stopping"."""
        self.count = count
        self.doing = doing
        self.done: list[Deed] = []
        self.enough = Event()
        self.over = Event()
        self._deeds = deeds

    async def run(self) -> None:
        """Do them, and return when they are done or enough."""
        await asyncio.to_thread(self._run)

    def _run(self) -> None:
        """The thread."""
        try:
            for deed in self._deeds:
                self.done.append(deed)
                if self.enough.is_set():
                    break
        finally:
            self.over.set()


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
