"""Everything known of the chosen run beside the table: its facts, and its history as a timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip

from runboard.columns import GLYPHS
from runboard.facts import facts_of, moment
from runboard.model import Run, Status, Transition
from runboard.past import Earlier, facts_of_past
from runboard.safetext import clean
from runboard.ui.cells import fit
from runboard.ui.scrolled import ScrolledPane, scrolling
from runboard.verdict import duration

Line = tuple[tuple[str, str], ...]
"""Texts with the names of their looks."""

LEAST = 20
"""Cells that a fact gets at least."""


class DetailsPane(ScrolledPane, inherit_bindings=False):
    """Shows what others have read."""

    VIEW = "Details"
    BINDING_GROUP_TITLE = "Details"
    BINDINGS: ClassVar[list[BindingType]] = [
        *scrolling("details-pane"),
        Binding("enter", "app.details", "The same on a sheet", show=False, id="details-pane.sheet"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"details--{look}" for look in ("text", "quiet", "accent", "failed")}

    def __init__(self, clock: Callable[[], float]) -> None:
        """Tell times as ``clock`` does (epoch seconds)."""
        super().__init__("details")
        self._clock = clock
        self._whole: Run | None = None
        self._earlier = Earlier()
        self._lines: list[Line] = []
        self._width = 0

    def show(self, run: Run, word: str, whole: Run | None, earlier: Earlier = Earlier()) -> None:  # noqa: B008 - frozen
        """Show a run as it was read, None while that is being done; another run's facts from their start."""
        anew = whole is None or self._run is None or run.id != self._run.id
        self._run, self._word, self._whole, self._earlier = run, word, whole, earlier
        self._relay(anew=anew)

    def _relay(self, *, anew: bool = False) -> None:
        """Lay out what there is in the present width, and paint it where it reads differently."""
        self._width = self.size.width
        lines = [] if self._whole is None else list(self._told(self._whole))
        if anew or lines != self._lines:
            self._lines = lines
            self._relined(anew=anew)
        else:
            self._refresh_title()

    def _told(self, whole: Run) -> Iterator[Line]:
        """All that is known of a run, in lines."""
        return lines_of(whole, self._clock(), self._width - 2, self._earlier)

    def on_resize(self) -> None:
        """Another width takes other lines."""
        if self.size.width != self._width:
            self._relay()

    def _forget(self) -> None:
        """Nothing is on show any more."""
        self._whole, self._lines = None, []

    def _count(self) -> int:
        """The facts and the steps."""
        return len(self._lines)

    def _line(self, at: int) -> Strip:
        """One line in its looks."""
        return Strip([Segment(" "), *(Segment(text, self._look(look)) for text, look in self._lines[at])])

    def _look(self, name: str) -> Style:
        """A component's ink."""
        return self.get_component_rich_style(f"details--{name}", partial=True)

    def _empty_text(self) -> str:
        """Why there is nothing to show."""
        return "" if self._run is None else "Reading what is known…"


def lines_of(run: Run, now: float, width: int, earlier: Earlier = Earlier()) -> Iterator[Line]:  # noqa: B008 - frozen
    """The facts of a run, what other runs tell, folded into so many cells, and its history; every text clean."""
    facts = facts_of(run, now) + facts_of_past(run, earlier, now)
    names = max((cell_len(name) for name, _ in facts), default=0) + 2
    room = max(LEAST, width - names)
    for name, text in facts:
        for at, piece in enumerate(folded(text, room)):
            yield (fit("" if at else name, names), "quiet"), (piece, "text")
    if run.history:
        yield ()
        yield (("History", "quiet"),)
        for before, step in zip((None, *run.history), run.history, strict=False):
            yield from _step(before, step, width)


def _step(before: Transition | None, step: Transition, width: int) -> Iterator[Line]:
    """One step of the timeline: when, how long after the one before, to what, and why and by whom below."""
    known = step.to_status in set(Status)
    glyph = GLYPHS[Status(step.to_status)] if known else "·"
    look = {"failed": "failed", "running": "accent"}.get(step.to_status.rpartition(" ")[2], "text")
    after = "" if before is None else f"  +{duration(max(0, int(step.at - before.at)))}"
    yield (f"{moment(step.at)}  ", "quiet"), (f"{glyph} {clean(step.to_status)}", look), (after, "quiet")
    words = [clean(step.reason), f"by {clean(step.by)}" if step.by else "", clean(step.detail or "")]
    told = " · ".join(word for word in words if word)
    indent = " " * (len(moment(step.at)) + 4)
    for piece in folded(told, max(LEAST, width - len(indent))) if told else ():
        yield ((indent + piece, "quiet"),)


def folded(text: str, width: int) -> list[str]:
    """A text in lines of at most so many cells, broken between words where it can be; its own lines stay lines."""
    return [piece for line in text.split("\n") for piece in _pieces(line, width)]


def _pieces(line: str, width: int) -> Iterator[str]:
    """A line in pieces; the blank at which it is broken goes."""
    while len(line) > width or cell_len(line) > width:
        head = chop_cells(line[: width + 1], width)[0] or line[:1]
        blank = head.rfind(" ")
        if not line.startswith(" ", len(head)) and head[: max(0, blank)].strip():
            head = head[:blank]
        yield head
        line = line[len(head) :].removeprefix(" ")
    yield line
