"""The line in which one types what to look for in a log, which lines alone to show, or where to go."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Input, Static

from runboard import logs
from runboard.safetext import clean
from runboard.ui.corner import Complained

FIND, ONLY, PLACE = "/", "&", "%"
_PROMPTS = {
    FIND: "find text; small letters mean capitals too",
    ONLY: "show only lines with this text",
    PLACE: "40 %   14:05   2026-09-21 14:05:30   -10m",
}


class LookBar(Vertical):
    """A line to type in behind a sign that says what for; what was typed last for each is kept."""

    BINDING_GROUP_TITLE = "Find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "go", id="look.accept", priority=True),
        Binding("escape", "leave", "cancel", id="look.leave"),
        Binding("ctrl+r", "regex", "regex", tooltip="Text as it stands, or a regular expression", id="look.regex"),
    ]

    entry = query_one("#look-entry", Input)
    trouble = query_one("#look-trouble", Static)
    sign = query_one("#look-sign", Static)

    class Accepted(Message):
        """Something was typed to its end; an empty text takes back what was typed before."""

        def __init__(self, kind: str, sought: logs.Sought) -> None:
            """Say for what, and what."""
            super().__init__()
            self.kind = kind
            self.sought = sought

    class Left(Message):
        """The line is left."""

    def __init__(self) -> None:
        """Begin hidden."""
        super().__init__(id="look")
        self._kind = FIND
        self._typed: dict[str, logs.Sought] = {}
        self._regex = False

    def compose(self) -> ComposeResult:
        """What is wrong, the sign, and what is typed."""
        yield Static(Content(""), id="look-trouble")
        entry = Input(id="look-entry", compact=True, select_on_focus=True)
        entry.cursor_blink = False
        with Horizontal(id="look-line"):
            yield Static(Content(""), id="look-sign")
            yield entry

    def open(self, kind: str) -> None:
        """Begin to type."""
        last = self._typed.get(kind, logs.Sought(""))
        self._kind, self._regex = kind, last.regex
        self.entry.placeholder = _PROMPTS[kind]
        self.entry.value = last.text
        self._refresh_sign()
        self.complain("")
        self.add_class("-open")
        self.entry.focus()

    def close(self) -> None:
        """Leave, whatever is typed."""
        self.remove_class("-open")
        self.complain("")

    def complain(self, sentence: str) -> None:
        """Say what is wrong with what is typed; nothing if nothing is."""
        self.trouble.update(Content(clean(sentence)))
        if bool(sentence) is not self.has_class("-bad"):
            self.set_class(bool(sentence), "-bad")
            self.screen.post_message(Complained())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A place is no expression."""
        return (action, parameters, self._kind) != ("regex", (), PLACE)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002 - as check_action's
        """Why it is not taken for one."""
        return "A place is no regular expression" if action == "regex" else ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Something else is typed: what was wrong is right again."""
        event.stop()
        self.complain("")

    def action_accept(self) -> None:
        """Look for what is typed, unless it is no expression."""
        sought = logs.Sought(self.entry.value, self._regex)
        if self._kind != PLACE:
            try:
                logs.Pattern(sought.text, regex=sought.regex)
            except logs.BadExpression as error:
                self.complain(f"no regular expression: {error}")
                return
        self._typed[self._kind] = sought
        self.post_message(self.Accepted(self._kind, sought))

    def action_leave(self) -> None:
        """Leave it as it was."""
        self.post_message(self.Left())

    def action_regex(self) -> None:
        """Take what is typed for an expression, or as it stands."""
        self._regex = not self._regex
        self.complain("")
        self._refresh_sign()

    def _refresh_sign(self) -> None:
        """Show what is typed for."""
        self.sign.update(Content(f"{self._kind} .*" if self._regex and self._kind != PLACE else self._kind))
