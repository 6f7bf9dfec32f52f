"""A sheet to fill in: named fields, each with what is wrong with it below, and nothing is kept by who leaves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Static, TextArea

from runboard.safetext import clean
from runboard.ui.arriving import Arriving

T = TypeVar("T")


class Form(Arriving, ModalScreen[T | None], Generic[T], inherit_bindings=False):
    """The frame of a form; a child says which fields there are and what is made of them."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="form.save"),
        Binding("escape", "leave", "leave", id="form.leave"),
        Binding("tab,down", "app.focus_next", "Next field", show=False, id="form.next"),
        Binding("shift+tab,up", "app.focus_previous", "Previous field", show=False, id="form.previous"),
    ]

    def __init__(self, title: str, subject: Content | None = None) -> None:
        """Head the form with a title, and with what it is about."""
        super().__init__(classes="form")
        self._title = title
        self._subject = subject
        self._began: dict[str, str] = {}
        self._warned = False

    # What a child says.

    def rows(self) -> Iterator[Widget]:
        """The fields, from top to bottom."""
        yield from ()

    def answers(self) -> Iterator[Button]:
        """The buttons after the one that leaves."""
        yield Button(Content("ctrl+s  Save"), id="save", compact=True)

    def made(self) -> T | None:
        """What is made of the fields; None where one of them has been complained of."""
        return None

    # The frame.

    def compose(self) -> ComposeResult:
        """Title, subject, fields, and the buttons."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static(Content(self._title), classes="dialog-title")
            if self._subject is not None:
                yield Static(self._subject, classes="form-subject")
            yield from self.rows()
            yield Static(Content(""), id="form-trouble", classes="form-trouble")
            with Horizontal(classes="dialog-buttons"):
                yield Button(Content("esc  Leave"), id="leave", compact=True)
                yield from self.answers()

    def on_mount(self) -> None:
        """Note what the fields held at the beginning."""
        self._began = self.values()

    def field(self, name: str, label: str, value: str = "", placeholder: str = "") -> Vertical:
        """One field of one line; ``value`` and ``placeholder`` are taken literally."""
        entry = Input(
            clean(value), placeholder=clean(placeholder), id=f"field-{name}", compact=True, select_on_focus=False
        )
        entry.cursor_blink = False
        return self.row(name, label, entry)

    def row(self, name: str, label: str, *content: Widget) -> Vertical:
        """A labelled row with room below it for what is wrong."""
        line = Horizontal(Static(Content(label), classes="form-label"), *content, classes="form-line")
        return Vertical(line, Static(Content(""), id=f"trouble-{name}", classes="form-trouble"), classes="form-row")

    def value(self, name: str) -> str:
        """What a field of one line holds."""
        return self.query_one(f"#field-{name}", Input).value

    def values(self) -> dict[str, str]:
        """What all fields of one line hold, by their ids."""
        return {entry.id or "": entry.value for entry in self.query(Input)}

    def complain(self, sentences: Mapping[str, str]) -> None:
        """Say what is wrong, each sentence below its field, and go to the first of them; nothing where nothing is."""
        for trouble in self.query(".form-trouble").results(Static):
            sentence = sentences.get((trouble.id or "").removeprefix("trouble-"), "")
            trouble.update(Content(clean(sentence)))
            trouble.set_class(bool(sentence), "-bad")
        for name in sentences:
            for entry in self.query(f"#field-{name}"):
                entry.focus()
                self._see(entry)
                return

    def _see(self, widget: Widget) -> None:
        """Have a field in sight with what is wrong with it, its first lines where there is no room for all."""
        rows = (one for one in widget.ancestors_with_self if isinstance(one, Widget) and one.has_class("form-row"))
        row = next(rows, widget)
        sheet = self.query_one(".dialog")

        def scroll() -> None:
            """Once it is known how much room both take."""
            row.scroll_visible(
                animate=False, immediate=True, top=row.size.height > sheet.scrollable_content_region.height
            )

        self.call_after_refresh(scroll)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Whoever goes to a field sees what is wrong with it too."""
        self._see(event.widget)

    @property
    def dirty(self) -> bool:
        """Whether something was typed."""
        return self.values() != self._began

    def action_save(self) -> None:
        """Make what the form is for, if the fields allow it."""
        made = self.made()
        if made is not None:
            self.dismiss(made)

    def action_leave(self) -> None:
        """Leave without keeping anything; where something was typed, only when told twice."""
        if self.dirty and not self._warned:
            self._warned = True
            trouble = self.query_one("#form-trouble", Static)
            trouble.update(Content("Esc once more leaves; what you typed is lost."))
            trouble.add_class("-bad")
            self._see(trouble)
            return
        self.dismiss(None)

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(events.DescendantFocus)
    def _going_on(self) -> None:
        """Whoever goes on typing, or elsewhere, does not want to leave."""
        if self._warned:
            self._warned = False
            self.query_one("#form-trouble", Static).remove_class("-bad")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field, and from the last one on to the buttons."""
        event.stop()
        self.focus_next("Input, TextArea, Button#save, .form-answer")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Leave or save by button."""
        event.stop()
        if event.button.id == "leave":
            self._warned = True
            self.action_leave()
        else:
            self.pressed(event.button)

    def pressed(self, button: Button) -> None:  # noqa: ARG002 - a child may have several
        """One of the answers was chosen."""
        self.action_save()
