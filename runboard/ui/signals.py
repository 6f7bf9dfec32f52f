"""The signal picker: every signal worth sending with its meaning, and whether tree or command gets it."""

from __future__ import annotations

from collections.abc import Sequence
from signal import Signals
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from runboard.model import Run
from runboard.safetext import clean
from runboard.ui.arriving import Arriving
from runboard.ui.choice import Choice
from runboard.ui.confirm import subject

MEANINGS = {
    Signals.SIGTERM: "asks it to end",
    Signals.SIGINT: "what Ctrl+C sends",
    Signals.SIGHUP: "terminal gone; servers: new settings",
    Signals.SIGQUIT: "ends it with a core dump",
    Signals.SIGKILL: "ends it at once, without cleaning up",
    Signals.SIGUSR1: "up to the program; ends others",
    Signals.SIGUSR2: "likewise",
    Signals.SIGSTOP: "stops it where it stands",
    Signals.SIGTSTP: "what Ctrl+Z sends",
    Signals.SIGCONT: "lets it go on",
    Signals.SIGWINCH: "its window has another size",
    Signals.SIGABRT: "ends it as a failed assertion does",
    Signals.SIGALRM: "its alarm rings",
    Signals.SIGPIPE: "nobody reads what it writes",
    Signals.SIGSEGV: "ends it as a bad pointer does",
}
"""What each signal says to a process, in one line."""


class SignalPicker(Arriving, ModalScreen[tuple[Signals, bool] | None], inherit_bindings=False):
    """Asks which signal; the answer is the signal, and whether only the command itself is to get it."""

    AUTO_FOCUS = "#signal-filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "send", id="signal.send"),
        Binding("escape", "dismiss", "leave", id="signal.leave"),
        Binding("down", "move(1)", "Next signal", show=False, id="signal.down"),
        Binding("up", "move(-1)", "Previous signal", show=False, id="signal.up"),
        Binding("tab", "app.focus_next", "Tree or command", show=False, id="signal.next"),
        Binding("shift+tab", "app.focus_previous", show=False, id="signal.previous"),
    ]

    def __init__(self, runs: Sequence[Run], process: str = "") -> None:
        """Ask for these runs, or for one ``process`` of a run, named so."""
        super().__init__(classes="form")
        self._process = process
        self._runs = runs
        self._fitting: list[Signals] = []

    def compose(self) -> ComposeResult:
        """The runs, a filter, the signals, and who gets it."""
        entry = Input(id="signal-filter", compact=True, placeholder="type to filter")
        entry.cursor_blink = False
        signals = OptionList(id="signal-list", compact=True)
        signals.can_focus = False
        with Vertical(classes="dialog"):
            yield Static(Content("Send a signal"), classes="dialog-title")
            yield Static(subject(self._runs), classes="form-subject")
            yield Horizontal(Static(Content("Signal"), classes="form-label"), entry, classes="form-line")
            yield signals
            if self._process:
                yield Static(Content(f"To {clean(self._process)}"))
                yield Static(Content("enter sends   esc leaves"), classes="quiet signal-keys")
                return
            choice = Choice(("the whole tree", "the command only"), id="signal-whom")
            yield Horizontal(Static(Content("To"), classes="form-label"), choice, classes="form-line")
            yield Static(Content("enter sends   tab changes to whom   esc leaves"), classes="quiet signal-keys")

    def on_mount(self) -> None:
        """Show all signals."""
        self._filter("")

    @property
    def _list(self) -> OptionList:
        """The signals on show."""
        return self.query_one("#signal-list", OptionList)

    @on(Input.Changed, "#signal-filter")
    def _typed(self, event: Input.Changed) -> None:
        """Show the signals that fit what is typed: a name, a number, or a word of the meaning."""
        event.stop()
        self._filter(event.value)

    def _filter(self, text: str) -> None:
        """Show what fits, names before meanings."""
        typed = text.strip().lower().removeprefix("sig")
        named = [one for one in MEANINGS if typed in one.name[3:].lower() or typed == str(int(one))]
        meant = [one for one, words in MEANINGS.items() if one not in named and typed in words.lower()]
        self._fitting = named + meant
        self._list.clear_options()
        none = Option(Content.styled("no signal is called so", "$quiet"), disabled=True)
        self._list.add_options([Option(_line(one)) for one in self._fitting] or [none])
        self._list.highlighted = 0 if self._fitting else None

    def action_move(self, by: int) -> None:
        """Go to another signal."""
        if self._fitting:
            at = self._list.highlighted or 0
            self._list.highlighted = max(0, min(len(self._fitting) - 1, at + by))

    @on(Input.Submitted)
    def action_send(self) -> None:
        """Answer with the signal that is highlighted."""
        at = self._list.highlighted
        if at is not None and at < len(self._fitting):
            leader = not self._process and self.query_one("#signal-whom", Choice).chosen == 1
            self.dismiss((self._fitting[at], leader))

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        """A click chooses and answers."""
        event.stop()
        self.action_send()


def _line(signal: Signals) -> Content:
    """One signal: number, name and meaning."""
    return Content.assemble(
        (f"{int(signal):>2}  ", "$quiet"), f"{signal.name[3:]:<6}", (f"  {MEANINGS[signal]}", "$quiet")
    )
