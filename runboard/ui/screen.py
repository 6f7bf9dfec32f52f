"""The one screen: summary, table, log, filter and hints; who may act gets a screen that has the keys for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets._toast import ToastRack

from runboard import logs
from runboard.ui.arriving import Arriving
from runboard.ui.completing import FilterSuggester, Newest
from runboard.ui.corner import Complained, covers, mention
from runboard.ui.dressed import DressedApp
from runboard.ui.filterbar import FilterBar
from runboard.ui.filtertabs import FilterTabs
from runboard.ui.hints import Hints
from runboard.ui.keys import key_of
from runboard.ui.palette import bare
from runboard.ui.split import Split
from runboard.ui.summary import Summary
from runboard.ui.table import RunTable
from runboard.ui.theme import PANES
from runboard.ui.vigil import Vigil

if TYPE_CHECKING:
    from runboard.ui.hunting import Chosen


class BoardScreen(Arriving, Screen[None], inherit_bindings=False):
    """A screen for looking."""

    AUTO_FOCUS = "#runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "app.leave", "back", tooltip="Leave the log, clear the filter", id="board.back"),
        Binding("i", "app.details", "details", tooltip="Everything known of the run", id="run.details"),
        Binding("3", "app.look('Details')", "facts", show=False, tooltip="What is known of it", id="run.facts"),
        Binding("4", "app.look('Diff')", "diff", show=False, tooltip="What it changed in its checkout", id="run.diff"),
        Binding("5", "app.look('Processes')", "processes", show=False, tooltip="Its processes", id="run.processes"),
        Binding("a", "attend", "attend", tooltip="To the next run that needs you", id="board.attend"),
        Binding("A", "see_all", "seen all", show=False, tooltip="You have seen all that needs you", id="board.seen"),
        Binding("y", "copy", "copy", show=False, tooltip="Copy its command, for a shell", id="run.copy"),
        Binding("z", "app.zoom", "zoom", show=False, tooltip="Log or response on the whole screen", id="run.zoom"),
        Binding(
            "vertical_line", "turn_pane", "turn pane", show=False, tooltip="Pane below or beside", id="board.turn-pane"
        ),
        Binding(
            "plus",
            "resize_pane(1)",
            "larger pane",
            show=False,
            tooltip="More room for the pane",
            id="board.larger-pane",
        ),
        Binding(
            "minus", "resize_pane(-1)", "smaller pane", show=False, tooltip="Less room for it", id="board.smaller-pane"
        ),
        Binding("c", "choose_columns", "columns", show=False, tooltip="Choose the table's columns", id="board.columns"),
        Binding("comma", "tab(-1)", show=False, tooltip="The saved filter before", id="board.tab-before"),
        Binding("full_stop", "tab(1)", show=False, tooltip="The next saved filter", id="board.tab-next"),
        Binding("slash", "app.filter", "filter", tooltip="Show only runs that match", id="board.filter"),
        Binding(
            "F", "hunt", "find in all", show=False, tooltip="Find in the logs of all runs on the board", id="board.find"
        ),
        Binding("tab", "app.focus_next", show=False, tooltip="Table, log or response", id="board.next"),
        Binding("shift+tab", "app.focus_previous", show=False, id="board.previous"),
    ]

    def __init__(self, summary: Summary, tabs: FilterTabs, split: Split, vigil: Vigil, runs: Newest) -> None:
        """Show these; the rest is told what to show."""
        super().__init__(id="board")
        self.summary = summary
        self.tabs = tabs
        self.split = split
        self.table = split.table
        self.run_pane = split.run_pane
        self.vigil = vigil
        self.filter_bar = FilterBar(FilterSuggester(runs))
        self.hints = Hints()
        self._home: str | None = None

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self.summary
        yield self.tabs
        yield self.split
        yield self.hints

    def on_mount(self) -> None:
        """What is not seen at first comes behind the first paint."""
        self.call_after_refresh(self._complete)

    async def _complete(self) -> None:
        """Have the rest of the board, and only then what was typed ahead."""
        PANES.add_to(self.app.stylesheet)
        self.app.stylesheet.update_nodes(self.query(".-textual-system"))
        await self.mount(self.filter_bar, before=self.hints)
        await self.run_pane.complete()
        if isinstance(self.app, DressedApp):
            self.app.complain()
            self.app.hear()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """There is nobody to attend to where nobody needs it, and no edge to move where the pane is not beside it."""
        if action == "copy":
            return self.run_pane.chosen is not None and bool(self.run_pane.chosen.command)
        if action in {"turn_pane", "resize_pane"}:
            return self.split.movable
        if action in {"choose_columns", "tab"}:
            return not self.has_class("-zoomed", "-empty")
        return action not in {"attend", "see_all"} or self.vigil.needed

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002 - as check_action's
        """Why what cannot be done now cannot."""
        if action in {"attend", "see_all"}:
            return "No run needs you now"
        if self.table.lack:
            return self.table.lack
        if action == "copy":
            return "It came without its command"
        return "There is room for the pane alone" if self.has_class("-zoomed") else "There is room for the table alone"

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers beside the keys of the last line."""
        if self.check_action("choose_columns", ()):
            key = key_of(self.app, "board.columns")
            yield SystemCommand(bare(f"Columns  {key}"), "Choose the table's columns", self.action_choose_columns)
            yield from self.tabs.commands()

    @on(Complained)
    @on(RunTable.Highlighted)
    def on_resize(self) -> None:
        """What is told in the corner keeps off the chosen row, and off what is wrong with what is typed."""
        table, rack = self.table, self.query_one(ToastRack)
        raised = any(bar.has_class("-bad") for bar in (self.filter_bar, self.run_pane.look_bar))
        rack.set_class(raised, "-raised")
        rack.set_class(covers(table.region, table.cursor_line, self.size, raised=raised), "-above")

    def action_tab(self, by: int) -> None:
        """Go to the next saved filter or the one before."""
        self.tabs.step(by)

    @on(FilterTabs.Chosen)
    def _tab_chosen(self, message: FilterTabs.Chosen) -> None:
        """Filter as it says."""
        if self.filter_bar.is_attached:  # the mouse may be quicker
            self.filter_bar.take(message.text)

    def open_filter(self) -> None:
        """Begin to type a filter."""
        self._home = self.table.cursor
        self.filter_bar.open()

    def refilter(self) -> None:
        """Show what another filter leaves; while one types, the run one comes from is chosen whenever it is there."""
        self.table.reorder()
        if self._home is not None and self.filter_bar.has_focus_within:
            self.table.go_to(self._home)

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        """The filter is done."""
        self.table.focus()

    @on(FilterBar.Saving)
    async def _filter_saving(self, message: FilterBar.Saving) -> None:
        """Ask for a name and save the filter under it."""
        self.run_worker(self._save_filter(message.text), group="filters")

    async def _save_filter(self, text: str) -> None:
        """Save a filter that can be understood, which is done with thereby."""
        from runboard.ui.filtername import FilterName  # noqa: PLC0415 - forms load when the first is wanted

        name = await self.app.push_screen_wait(FilterName(self.tabs, text))
        if name is not None:
            self.tabs.save(name)
            self.filter_bar.action_accept()

    def action_choose_columns(self) -> None:
        """Choose which columns are shown, in what order and how wide."""
        self.run_worker(self._choose_columns(), group="columns")

    async def _choose_columns(self) -> None:
        """Show the columns as they are wished for; keep them, or show them as before."""
        from runboard.ui.chooser import ColumnChooser, Wish  # noqa: PLC0415 - it loads when it is first wanted

        arrangement, table = self.table.arrangement, self.table
        before = arrangement.keys, arrangement.widths

        def show(wish: Wish) -> Mapping[str, int]:
            """Have the table look so, and tell how many cells each column has."""
            arrangement.set(wish.keys, wish.widths)
            table.show_columns()
            return table.places.placed

        wish = Wish.of(arrangement.keys, [column.key for column in table.places.columns], arrangement.widths)
        if not await self.app.push_screen_wait(ColumnChooser(wish, show)):
            arrangement.set(*before)
            table.show_columns()
        elif (arrangement.keys, arrangement.widths) != before:
            self._keep_columns()

    @on(RunTable.Arranged)
    def _keep_columns(self) -> None:
        """Remember the columns as they are now."""
        self.table.arrangement.keep()
        if self.table.arrangement.settled:
            self.notify("Until you leave: what is set says which columns come then", markup=False, timeout=5)

    def action_copy(self) -> None:
        """Hand the command of the chosen run to the terminal's clipboard, as a shell reads it."""
        from runboard.facts import shell_words  # noqa: PLC0415 - it loads when it is first wanted

        run = self.run_pane.chosen
        words = shell_words(run.command) if run else ""
        if len(words) > logs.COPY_MOST:
            self.notify("The command is too long for a terminal's clipboard", severity="warning", markup=False)
        elif words:
            self.app.copy_to_clipboard(words)
            self.notify("The command is in the clipboard", markup=False, timeout=3)

    def action_turn_pane(self) -> None:
        """Put the pane below the table, or beside it."""
        self.split.turn()

    def action_resize_pane(self, by: int) -> None:
        """Give the pane more room, or less."""
        self.split.resize(by)

    def action_attend(self) -> None:
        """Go to the next run that needs somebody, who thereby looks at it."""
        if (run_id := self.vigil.after(self.table.cursor)) is not None:
            self.table.go_to(run_id)
            self.vigil.look(run_id)
            self.table.flush()
        else:
            mention(self.app, "The filter hides what needs you")

    def action_see_all(self) -> None:
        """Have seen whatever needs somebody, on the screen or not."""
        seen = self.vigil.look_at_all()
        self.table.flush()
        self.notify(f"{seen} run{'s' * (seen > 1)} seen: what needs you from now on is told anew", markup=False)

    def action_hunt(self) -> None:
        """Find in the logs of all runs, and go to what is chosen."""
        self.app.push_screen(self.run_pane.hunting(self.vigil.board), self._go_to_line)

    def _go_to_line(self, chosen: Chosen | None) -> None:
        """Show a line that was found, on the whole screen."""
        if chosen is None:
            return
        self.table.go_to(chosen.run_id)
        self.table.flush()
        self.run_pane.look("Log")
        self.run_pane.show_at(*chosen)
        if not self.has_class("-zoomed"):
            self.call_later(self.run_action, "app.zoom")


class DeskScreen(BoardScreen):
    """A screen for looking and acting."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "app.act('stop')", "stop", tooltip="Ask it to end: SIGTERM to its whole tree", id="run.stop"),
        Binding("S", "app.act('kill')", "kill", tooltip="End it by force: SIGKILL", id="run.kill"),
        Binding("x", "app.act('signal')", "signal", tooltip="Choose a signal to send", id="run.signal"),
        Binding("n", "app.act('new')", "new", tooltip="Start a new run", id="run.new"),
        Binding("r", "app.act('rerun')", "rerun", tooltip="Start the same command again", id="run.rerun"),
        Binding("p", "app.act('pause')", "pause", tooltip="Stop its processes where they stand", id="run.pause"),
        Binding("p", "app.act('continue')", "continue", tooltip="Let the paused run go on", id="run.continue"),
        Binding("m", "app.act('mark')", "mark", tooltip="Count it as completed or failed", id="run.mark"),
        Binding("t", "app.act('tag')", "tags", tooltip="Edit its tags and its note", id="run.tag"),
        Binding("d", "app.act('trash')", "trash", tooltip="Move the finished run to the trash", id="run.trash"),
        Binding("u", "app.act('undo')", "undo", tooltip="Bring back what was trashed last", id="run.undo"),
    ]
