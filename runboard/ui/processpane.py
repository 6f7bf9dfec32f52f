"""The processes of the chosen run: its tree with what each uses, looked at only while somebody can see it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from runboard import process
from runboard.columns import size_text
from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.cells import fit
from runboard.ui.pane import Pane
from runboard.verdict import duration

Key = tuple[int, int]
"""A process: its pid and its start ticks."""

_STATES = {
    "R": "runs",
    "S": "sleeps",
    "D": "waits for a disk",
    "T": "stopped",
    "t": "traced",
    "Z": "zombie",
    "I": "idle",
}
_HEAD = f"{'PID':>8}  {'CPU':>6}  {'Memory':>8}  {'Age':>8}  Command"


class ProcessPane(Pane, inherit_bindings=False):
    """Shows the tree; the cursor sits on a process, not on a line."""

    VIEW = "Processes"
    BINDING_GROUP_TITLE = "Processes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Next process", show=False, id="processes.down"),
        Binding("up,k", "move(-1)", "Previous process", show=False, id="processes.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="processes.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="processes.page-up"),
        Binding("g,home", "move(-100000)", "First process", show=False, id="processes.first"),
        Binding("G,end", "move(100000)", "Last process", show=False, id="processes.last"),
        Binding("enter", "app.details", "Everything known of the run", show=False, id="processes.details"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "processes--head",
        "processes--text",
        "processes--quiet",
        "processes--cursor",
    }

    class Picked(Message):
        """A process is to be signalled."""

        def __init__(self, run: Run, usage: process.Usage) -> None:
            """Name it, and its run."""
            super().__init__()
            self.run = run
            self.usage = usage

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("processes")
        self._tree: Sequence[process.Usage] | None = None
        self._cursor: Key | None = None
        self._top = 0

    def show(self, run: Run, word: str, tree: Sequence[process.Usage] | None) -> None:
        """Show the processes of a run, None while they are being looked at; the cursor stays on its process."""
        if self._run is None or run.id != self._run.id:
            self._cursor, self._top = None, 0
        spot, had = self._spot, bool(self._tree)
        self._run, self._word, self._tree = run, word, tree
        if tree and self._cursor not in {_key(one) for one in tree}:
            self._cursor = _key(tree[min(spot, len(tree) - 1)])
        self._keep_in_sight()
        self._refresh_title()
        self.refresh()
        if had != bool(tree) and self.is_attached:  # the last look may come while the app leaves
            self.refresh_bindings()

    @property
    def chosen(self) -> process.Usage | None:
        """The process under the cursor."""
        return next((one for one in self._tree or () if _key(one) == self._cursor), None)

    @property
    def _spot(self) -> int:
        """The line of the cursor."""
        return next((at for at, one in enumerate(self._tree or ()) if _key(one) == self._cursor), 0)

    def _forget(self) -> None:
        """Nothing is on show any more."""
        self._tree, self._cursor, self._top = None, None, 0

    def _keep_in_sight(self) -> None:
        """Scroll so that the cursor is seen."""
        room, spot = max(1, self.rows - 1), self._spot
        self._top = max(0, min(max(self._top, spot - room + 1), spot, len(self._tree or ()) - room))

    # Painting.

    def render_line(self, y: int) -> Strip:
        """Paint the title, the heads, a process, a word about why there is none, or nothing."""
        width = self.size.width
        if y == 0:
            return self._title_strip(width)
        tree = self._tree or ()
        if not tree:
            return self._empty_strip(width) if y == 2 else Strip.blank(width, self.rich_style)
        if y == 1:
            return Strip([Segment(fit(_HEAD, width), self._look("head"))]).apply_style(self.rich_style)
        at = self._top + y - 2
        if at >= len(tree):
            return Strip.blank(width, self.rich_style)
        ground = self.rich_style
        if _key(tree[at]) == self._cursor:
            ground = self.get_component_rich_style("processes--cursor")
        numbers, words = row_of(tree[at])
        segments = [Segment(numbers, self._look("quiet")), Segment(words, self._look("text"))]
        return Strip(segments).crop_extend(0, width, None).apply_style(ground).simplify()

    def _look(self, name: str) -> Style:
        """A component's ink."""
        return self.get_component_rich_style(f"processes--{name}", partial=True)

    def _place_text(self) -> str:
        """How many there are, and what they use together."""
        tree = self._tree
        if not tree:
            return ""
        known = [one.cpu for one in tree if one.cpu is not None]
        parts = [f"{len(tree)} process{'es' * (len(tree) != 1)}"]
        parts += [f"{sum(known):.0%} CPU".replace("%", " %")] if known else []
        return " · ".join([*parts, size_text(sum(one.memory for one in tree))])

    def _empty_text(self) -> str:
        """Why there are none."""
        if self._run is None:
            return ""
        if self._run.finished:
            return "It has ended: no process is left"
        if self._tree is None:
            return "Looking at its processes…"
        return "Its processes cannot be seen from here" if self._run.foreign else "No process of it was found"

    # Events and actions.

    async def on_click(self, event: events.Click) -> None:
        """A click chooses a process."""
        at = event.get_content_offset(self)
        if at is not None and at.y >= 2 and self._tree and self._top + at.y - 2 < len(self._tree):
            self.action_move(self._top + at.y - 2 - self._spot)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves by a process."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves by a process."""
        event.stop()
        self.action_move(-1)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._tree:
            self._cursor = _key(self._tree[max(0, min(len(self._tree) - 1, self._spot + by))])
            self._keep_in_sight()
            self.refresh()

    def action_page(self, by: int) -> None:
        """Move the cursor by screens."""
        self.action_move(by * max(1, self.rows - 2))


class ProcessDesk(ProcessPane):
    """The same for who may act."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "signal", "signal", tooltip="Send this one process a signal", id="processes.signal"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """There must be a process."""
        return action != "signal" or self.chosen is not None

    def action_signal(self) -> None:
        """Have the process under the cursor signalled."""
        if self._run is not None and self.chosen is not None:
            self.post_message(self.Picked(self._run, self.chosen))


def row_of(one: process.Usage) -> tuple[str, str]:
    """A process as a line: its numbers, and what it is, indented below its parent."""
    cpu = "" if one.cpu is None else f"{100 * one.cpu:.0f} %"
    numbers = f"{one.member.pid:>8}  {cpu:>6}  {size_text(one.memory):>8}  {duration(int(one.age)):>8}  "
    state = one.member.state
    told = "" if state in "RSI" else f"   ({_STATES.get(state, state)})"
    return numbers, f"{'  ' * min(one.depth, 12)}{name_of(one.member)}{told}"


def name_of(member: process.Member) -> str:
    """What a process was started as, in one clean line."""
    return shlex.join(map(clean, member.command)) if member.command else f"[{clean(member.name)}]"


def _key(one: process.Usage) -> Key:
    """What makes a process that process."""
    return one.member.pid, one.member.start_ticks
