"""A pane of the chosen run: below a line that says which run it is, what is shown of it, and where in that we stand."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from runboard.columns import reason_text
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.cells import cut, fit
from runboard.ui.hover import hover

VIEWS: tuple[str, ...] = ("Log", "Response", "Details", "Diff", "Processes")
"""What can be shown of a run, as the title line names it."""

_ROOMY, _ROOMY_BESIDE = 106, 72
"""From so many cells on the title line names every view, below it the present one alone; less where rows are in sight,
which tell the run's name too."""

_ID_ROOM, _LEAST_NAME = 14, 8
"""Cells that the id needs with what is around it; a name that has fewer than the other is left out."""


class Pane(Widget, can_focus=True, inherit_bindings=False):
    """The title line and the empty pane; what lies below the title is its children's."""

    ALLOW_SELECT = False
    VIEW: ClassVar[str] = ""
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pane--title",
        "pane--quiet",
        "pane--accent",
        "pane--view",
        "pane--failed",
        "pane--empty",
    }

    class Resized(Message):
        """So many lines of so many cells fit now."""

        def __init__(self, pane: Pane, rows: int) -> None:
            """Say in which pane, and how many."""
            super().__init__()
            self.pane = pane
            self.rows = rows
            self.width = pane.size.width

    def __init__(self, pane_id: str) -> None:
        """Begin with no run."""
        super().__init__(id=pane_id)
        self._run: Run | None = None
        self._word = ""
        self.seen = False
        self._tabs: list[tuple[int, int, str]] = []
        self._title: tuple[str, str, str] = ("", "", "")

    @property
    def rows(self) -> int:
        """How many lines fit below the title."""
        return max(0, self.size.height - 1)

    def tell(self, run: Run | None, word: str) -> None:
        """The chosen run has changed, or is another: what is on show of the one before keeps its title till then."""
        if run is not None and self._run is not None and run.id != self._run.id:
            if self.seen:
                return
            self._forget()
        if run is None:
            self._forget()
        emptied = (run is None) != (self._run is None)
        was_active = self._run.active if self._run else False
        self._run, self._word = run, word
        if emptied or (run and run.active) != was_active:
            self.refresh()
        self._refresh_title()

    def _refresh_title(self) -> None:
        """Paint the title line if it reads differently now."""
        title = self._title_texts()
        if title != self._title:
            self._title = title
            self.refresh(Region(0, 0, self.size.width, 1))

    # What differs between panes.

    def _forget(self) -> None:
        """What is on show is another run's."""

    def _place_text(self) -> str:
        """Where in its content the pane stands."""
        return ""

    def _cut_place(self, place: str, room: int) -> str:
        """That in so many cells."""
        return cut(place, room)

    def _empty_text(self) -> str:
        """Why there is nothing to show."""
        return ""

    def _settled(self) -> bool:
        """Whether the place is nothing to be remarked on."""
        return True

    # Painting.

    def _empty_strip(self, width: int) -> Strip:
        """The line that says why there is nothing."""
        style = self.get_component_rich_style("pane--empty")
        return Strip([Segment(fit(f" {self._empty_text()}", width), style)], width)

    def _title_texts(self) -> tuple[str, str, str]:
        """The status word, what run it is, and where we stand."""
        run = self._run
        if run is None:
            return "", "", ""
        parts = [clean(run.id), clean(run.title)]
        if self.has_class("-zoomed"):
            parts.append(reason_text(run))
        return self._word, "  ".join(part for part in parts if part), self._place_text()

    def _title_strip(self, width: int) -> Strip:
        """The title line: the run at the left, the place and the views at the right; the run's name gives way."""
        word, name, place = self._title = self._title_texts()
        ground = self.get_component_rich_style("pane--title")
        views = self._views(width - cell_len(word) - cell_len(place))
        place = self._cut_place(place, max(0, width - cell_len(word) - 14 - sum(len(view) + 2 for view in views)))
        taken = cell_len(word) + cell_len(place) + sum(len(view) + 2 for view in views)
        texts = [
            (word, self._ink(word)),
            (self._named(name, max(0, width - taken - 6)), "pane--title"),
            (place, "pane--quiet" if self._settled() else "pane--accent"),
            *((view, "pane--view" if view == self.VIEW else "pane--quiet") for view in views),
        ]
        segments, x = [Segment(" ", ground)], 1
        self._tabs = []
        for text, ink in texts:
            style = self.get_component_rich_style(ink)
            self._tabs += [(x, x + cell_len(text), text)] if text in views else []
            x += cell_len(text) + 2
            segments += [Segment(text, ground + Style(color=style.color, underline=style.underline))]
            segments += [Segment("  ", ground)]
        return Strip(segments).crop_extend(0, width, ground)

    def _views(self, room: int) -> tuple[str, ...]:
        """The views that are named: all where the run's id has room beside them, else the present one."""
        if self._run is None:
            return ()
        taken = sum(len(view) + 2 for view in VIEWS)
        roomy = self.size.width >= (_ROOMY if self.has_class("-zoomed") else _ROOMY_BESIDE)
        return VIEWS if roomy and room - taken >= _ID_ROOM else (self.VIEW,)

    def _named(self, name: str, room: int) -> str:
        """What run it is in so many cells: by its id alone where little more than that would be left of its name."""
        run_id = clean(self._run.id) if self._run else ""
        short = cell_len(name) > room and room < cell_len(run_id) + 2 + _LEAST_NAME
        return fit(run_id if short else name, room)

    def _ink(self, word: str) -> str:
        """The component that colours a status word."""
        if self._run is not None and self._run.active:
            return "pane--accent"
        return "pane--failed" if "failed" in word else "pane--quiet"

    # Events.

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The mouse over the name of a view is told what a click there does."""
        over = [view for first, end, view in self._tabs if event.y == 0 and first <= event.x < end]
        hover(self, f"Show the run's {over[0].lower()}" if over else "")

    async def on_click(self, event: events.Click) -> None:
        """A click on the name of a view shows it."""
        at = event.get_content_offset(self)
        for first, end, view in self._tabs:
            if at is not None and at.y == 0 and first <= at.x < end:
                await self.run_action(f"app.look({view!r})")

    def on_resize(self) -> None:
        """Ask for as many lines as fit now."""
        self.post_message(self.Resized(self, self.rows))

    def on_hide(self) -> None:
        """Ask for none while nobody can see them."""
        self.seen = False
        self.post_message(self.Resized(self, 0))

    def on_show(self) -> None:
        """Ask again."""
        self.seen = True
        self.post_message(self.Resized(self, self.rows))
