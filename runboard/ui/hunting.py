"""The search through the logs of all runs on the board: what is found is listed as it comes, and can be gone to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from runboard import logs
from runboard.safetext import clean
from runboard.ui.arriving import Arriving
from runboard.ui.cells import fit

LOOK_SECONDS = 0.1
NAME = 20
"""Cells of a run's name."""


class Chosen(NamedTuple):
    """A line that one wants to go to, and what was looked for."""

    run_id: str
    offset: int
    sought: logs.Sought


class Hunting(Arriving, ModalScreen[Chosen | None], inherit_bindings=False):
    """Asks what to look for, and lists it; the answer is the line that was chosen."""

    AUTO_FOCUS = "#hunt-entry"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="hunt.leave"),
        Binding("enter", "begin", "search", id="hunt.begin"),
        Binding("ctrl+r", "regex", "regex", tooltip="Text as it stands, or an expression", id="hunt.regex"),
        Binding("down", "app.focus_next", "To what was found", show=False, id="hunt.down"),
        Binding("tab", "app.focus_next", show=False, id="hunt.next"),
        Binding("shift+tab", "app.focus_previous", show=False, id="hunt.previous"),
    ]

    entry = query_one("#hunt-entry", Input)
    word = query_one("#hunt-word", Static)
    found = query_one("#hunt-found", OptionList)

    def __init__(
        self,
        run_ids: Callable[[], Sequence[str]],
        name: Callable[[str], str],
        open_log: Callable[[str], logs.LogView],
        *,
        tools: bool = True,
    ) -> None:
        """Search the runs that ``run_ids`` gives; without ``tools`` by no other program."""
        super().__init__()
        self._run_ids = run_ids
        self._name_of = name
        self._open_log = open_log
        self._tools = tools
        self._regex = False
        self._sought = logs.Sought("")
        self._pattern: logs.Pattern | None = None
        self._sweep: logs.Sweep | None = None
        self._remark = ""
        self._shown = 0

    def compose(self) -> ComposeResult:
        """What is typed, how it goes, and what was found."""
        with Vertical(classes="dialog"):
            entry = Input(id="hunt-entry", compact=True, placeholder="find in the logs of all runs on the board")
            entry.cursor_blink = False
            yield entry
            yield Static(Content(""), id="hunt-word")
            yield OptionList(id="hunt-found", compact=True)

    def on_mount(self) -> None:
        """Look how the search goes."""
        self.set_interval(LOOK_SECONDS, self._look)

    def on_unmount(self) -> None:
        """Nobody wants to know any more."""
        if self._sweep is not None:
            self._sweep.cancel()

    def action_begin(self) -> None:
        """Search for what is typed."""
        self._sought = logs.Sought(self.entry.value, self._regex)
        if not self._sought.text:
            self._remark = "nothing is typed that could be found"
            self._look()
            return
        try:
            self._pattern = logs.Pattern(self._sought.text, regex=self._regex)
        except logs.BadExpression as error:
            self._remark = f"no regular expression: {clean(str(error))}"
            self._look()
            return
        self._remark = ""
        if self._sweep is not None:
            self._sweep.cancel()
        self.found.clear_options()
        self._shown = 0
        self._sweep = logs.Sweep(
            self._run_ids(), lambda run_id: self._open_log(run_id).open_log, self._pattern, tools=self._tools
        )

    def action_regex(self) -> None:
        """Take what is typed for an expression, or as it stands."""
        self._regex = not self._regex
        self._remark = "a regular expression" if self._regex else "text as it stands"
        self._look()

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        """Enter was pressed where one types."""
        event.stop()
        self.action_begin()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        """A line was chosen."""
        event.stop()
        if self._sweep is not None:
            hit = self._sweep.hits[event.option_index]
            self.dismiss(Chosen(hit.run_id, hit.offset, self._sought))

    def _look(self) -> None:
        """List what has come, and tell how it goes."""
        sweep = self._sweep
        if sweep is None:
            self.word.update(Content(self._remark))
            return
        fresh = sweep.hits[self._shown :]
        if fresh:
            first = self._shown == 0
            self.found.add_options([Option(self._line(hit)) for hit in fresh])
            self._shown += len(fresh)
            if first:
                self.found.highlighted = 0
                self.found.focus()
        self.word.update(Content(self._remark or _told(sweep)))

    def _line(self, hit: logs.Hit) -> Content:
        """One line found: whose it is, and what it says, its matches marked."""
        parts: list[str | tuple[str, str]] = [(f"{clean(hit.run_id)} ", "$accent")]
        parts.append((f"{fit(clean(self._name_of(hit.run_id)), NAME)}  ", "$quiet"))
        at = 0
        for first, last in self._pattern.spans(hit.text) if self._pattern else []:
            parts += [hit.text[at:first], (hit.text[first:last], "$background on $accent")]
            at = last
        return Content.assemble(*parts, hit.text[at:])


def _told(sweep: logs.Sweep) -> str:
    """How a search goes."""
    lines = f"{len(sweep.hits):,} line{'s' * (len(sweep.hits) != 1)}"
    if sweep.cut:
        return f"the first {lines}; there are more: say more of what you look for, or filter the runs"
    if sweep.done:
        return f"{lines} in {sweep.total:,} logs" if sweep.hits else f"not found in {sweep.total:,} logs"
    return f"{lines}, searching log {sweep.searched + 1:,} of {sweep.total:,}"
