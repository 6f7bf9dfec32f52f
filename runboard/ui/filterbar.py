"""The filter of the table: typed live, with its error beside it; seen only while there is one or it is being typed."""

from __future__ import annotations

from typing import ClassVar

from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from runboard.safetext import clean
from runboard.ui.completing import finished
from runboard.ui.corner import Complained


class FilterBar(Vertical):
    """A line to type in, and above it, when there is something wrong with it, what."""

    BINDING_GROUP_TITLE = "Filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "keep", id="filter.accept", priority=True),
        Binding("down", "accept", "Back to the table", show=False, id="filter.down", priority=True),
        Binding("escape", "clear", "clear", id="filter.clear"),
        Binding("ctrl+s", "save", "save", tooltip="Save this filter under a name", id="filter.save", priority=True),
        Binding("tab", "complete", "Take what is offered", show=False, id="filter.complete", priority=True),
    ]

    entry = query_one("#filter-entry", Input)
    trouble = query_one("#filter-trouble", Static)

    class Changed(Message):
        """Another filter is wanted; ``finished`` is what of it is, where its last word may yet become a key."""

        def __init__(self, text: str, finished: str | None = None) -> None:
            """Say which."""
            super().__init__()
            self.text = text
            self.finished = finished

    class Saving(Message):
        """The filter is to be saved."""

        def __init__(self, text: str) -> None:
            """Say which."""
            super().__init__()
            self.text = text

    class Left(Message):
        """The filter is left for the table."""

    def __init__(self, suggester: Suggester) -> None:
        """Begin hidden; ``suggester`` offers how what is typed may go on."""
        super().__init__(id="filter")
        self._suggester = suggester

    def compose(self) -> ComposeResult:
        """What is wrong, a slash, and what is typed."""
        yield Static(Content(""), id="filter-trouble")
        hint = 'words  status:failed  -tag:nightly  "exact words"'
        entry = Input(id="filter-entry", compact=True, placeholder=hint, suggester=self._suggester)
        entry.cursor_blink = False
        with Horizontal(id="filter-line"):
            yield Static(Content("/"), id="filter-sign")
            yield entry

    @property
    def text(self) -> str:
        """What is typed."""
        return self.entry.value

    def open(self) -> None:
        """Begin to type."""
        self.add_class("-open")
        self.entry.focus()

    def complain(self, sentence: str) -> None:
        """Say what is wrong with what is typed; nothing if nothing is."""
        self.trouble.update(Content(clean(sentence)))
        if bool(sentence) is not self.has_class("-bad"):
            self.set_class(bool(sentence), "-bad")
            self.screen.post_message(Complained())
        self.screen.refresh_bindings()

    def take(self, text: str) -> None:
        """Filter by this, as if it had been typed and kept."""
        self.entry.value = text
        self.set_class(bool(text), "-open")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's
        """Nothing is saved that is none, or wrong."""
        return action != "save" or (bool(self.text.strip()) and not self.has_class("-bad"))

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:  # noqa: ARG002 - as check_action's
        """Why it is not saved."""
        if action != "save":
            return ""
        return "No filter is typed that could be saved" if not self.text.strip() else "A wrong filter is not saved"

    def clear(self) -> None:
        """Take the filter away."""
        self.entry.value = ""
        self.remove_class("-open")
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter with every key; a word that no run has may be the beginning of a key as long as it is typed."""
        event.stop()
        self.post_message(self.Changed(event.value, finished(event.value) if self.entry.has_focus else None))

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """What was typed is meant as it stands."""
        event.stop()
        if finished(event.value) is not None:
            self.post_message(self.Changed(event.value))

    def action_accept(self) -> None:
        """Keep the filter and go back to the table."""
        self.set_class(bool(self.entry.value), "-open")
        self.post_message(self.Left())

    def action_save(self) -> None:
        """Save it under a name."""
        self.post_message(self.Saving(self.text.strip()))

    def action_complete(self) -> None:
        """Take what is offered; where nothing is, go on to the next part of the screen."""
        if not self.offered:
            raise SkipAction
        self.entry.action_cursor_right()

    @property
    def offered(self) -> str:
        """How what is typed may go on; empty where nothing is offered."""
        entry = self.entry
        return entry._suggestion if entry.cursor_at_end and entry._suggestion != entry.value else ""

    def action_clear(self) -> None:
        """Take the filter away and go back to the table."""
        self.clear()
