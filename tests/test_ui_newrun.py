"""The form of a new run on a real board: typed, checked, started, and what was typed before is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

import pytest
from textual.widgets import Input, Static

from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.store import Store
from runboard.ui.form import Form
from tests.pilots import NOW, Desk, fixed_board, real_board
from tests.program import record
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose live runs are killed at the end."""
    store = Store(str(tmp_path / "runs"))
    yield store
    for run_id in store.ids():
        with suppress(ControlError):
            if store.read(run_id).active:
                Control(store).kill(run_id, SIGKILL)


async def typed(desk: Desk, text: str) -> None:
    """Type a text into what has the focus."""
    names = {" ": "space", "/": "slash", "-": "minus", "'": "apostrophe", "|": "vertical_line", ".": "full_stop"}
    await desk.press(*(names.get(char, char) for char in text))


async def test_n_starts_what_was_typed(store: Store, tmp_path: Path) -> None:
    """Command, directory, name, tags and limit are typed, ctrl+s starts it, and the row is there."""
    async with real_board(Path(store.root)) as desk:
        await desk.shows("No runs yet")
        await desk.press("n")
        await desk.shows("A new run", "Command")
        await typed(desk, "sh -c 'pwd; exit 4'")
        await desk.shows("→ sh  -c  'pwd; exit 4'")
        await desk.press("tab", "tab", *("ctrl+u",))
        await typed(desk, str(tmp_path))
        await desk.press("tab")
        await typed(desk, "mine")
        await desk.press("tab")
        await typed(desk, "a b")
        await desk.press("tab")
        await typed(desk, "30m")
        await desk.press("ctrl+s")
        await desk.shows("mine", "Exited with code 4")
        doc = record(Path(store.root), store.ids()[0])
        assert (doc["command"], doc["cwd"], doc["tags"], doc["timeout"]) == (
            ["sh", "-c", "pwd; exit 4"],
            str(tmp_path),
            ["a", "b"],
            30,
        )
        assert (Path(store.path(doc["id"])) / "output.log").read_text("utf-8") == f"{tmp_path}\n"


async def test_sh_reads_the_line_where_that_is_chosen(store: Store) -> None:
    """Space on the second field has sh read the line; the preview says so before it starts."""
    async with real_board(Path(store.root)) as desk:
        await desk.shows("No runs yet")
        await desk.press("n")
        await desk.shows("A new run")
        await typed(desk, "echo a | tr a b")
        await desk.shows("(no shell: | as typed)")
        await desk.press("tab", "space")
        await desk.shows("→ sh  -c  'echo a | tr a b'")
        await desk.press("ctrl+s")
        await desk.shows("✔ completed")
        assert (Path(store.path(store.ids()[0])) / "output.log").read_text("utf-8") == "b\n"


async def test_what_cannot_start_is_told_at_its_field(store: Store) -> None:
    """A program that is not there and a limit without a unit are told below their fields, and nothing starts."""
    async with real_board(Path(store.root)) as desk:
        await desk.shows("No runs yet")
        await desk.press("n")
        await desk.shows("A new run")
        await typed(desk, "no-such-thing")
        await desk.press("ctrl+s")
        await desk.shows("There is no program no-such-thing that can be executed.")
        await desk.press("ctrl+u")
        await typed(desk, "true")
        await desk.press("tab", "tab", "tab", "tab", "tab")
        await typed(desk, "5")
        await desk.press("ctrl+s")
        await desk.shows("'5' has no unit")
        await desk.hides("There is no program")
        assert store.ids() == []
        await desk.press("escape", "escape")
        await desk.hides("A new run")
        assert store.ids() == []


async def test_earlier_commands_are_at_hand(store: Store, tmp_path: Path) -> None:
    """Up goes back through the earlier commands that match what is typed, with their directory; Down comes back."""
    control = Control(store)
    for command in (["true", "alpha"], ["true", "beta"], ["true", "[red]gamma"]):
        run = control.start(command, cwd=str(tmp_path))
        until(lambda run=run: store.read(run.id).finished)  # type: ignore[misc]
    async with real_board(Path(store.root)) as desk:
        await desk.shows("alpha", "gamma")
        await desk.press("n")
        await desk.shows("A new run", "true '[red]gamma'")
        await desk.press("up")
        await desk.shows("→ true  [red]gamma")
        await desk.press("down")
        await desk.hides("→ true")
        await typed(desk, "al")
        await desk.press("up")
        await desk.shows("→ true  alpha")
        await desk.press("ctrl+s")
        # A directory is there a moment before its record.
        await desk.until(lambda: sum(store.read(run_id).command == ("true", "alpha") for run_id in store.ids()) == 2)
        assert len(store.ids()) == 4


async def test_nothing_moves_while_one_types() -> None:
    """Fewer commands match with each letter, down to none, and one is too long for the line: every field stays."""
    words = ("alpha", "b" * 300, "gamma")
    runs = [Run(f"{at:08x}", command=("true", word), started_at=NOW - at) for at, word in enumerate(words)]
    async with fixed_board(runs, control=object()) as desk:
        await desk.shows("alpha", "gamma")
        await desk.press("n")
        await desk.shows("A new run", "true gamma", "bbb…")
        fields = [desk.app.screen.query_one(f"#field-{name}") for name in ("line", "shell", "cwd", "repo")]
        places = [field.region for field in fields]
        past = desk.app.screen.query_one("#new-past", Static)
        for letter in "alx":
            before = past.content
            await typed(desk, letter)
            await desk.until(lambda before=before: past.content != before)  # type: ignore[misc]
            await desk.pilot.pause()
            assert [field.region for field in fields] == places, letter
        past.display = False
        await desk.until(lambda: [field.region for field in fields] != places)
    async with fixed_board(runs, control=object(), size=(80, 24)) as desk:  # where lines are few, complaints have them
        await desk.shows("alpha", "gamma")
        await desk.press("n", *"nonsense", "tab", "tab", "end", *"nowhere", "tab", "tab", "tab", *"5x", "ctrl+s")
        await desk.shows("There is no program", "There is no directory", "'5x' is no length of time", "ctrl+s")


def seen_whole(desk: Desk, *names: str) -> bool:
    """Whether all of what bears these ids is in sight."""
    placed = desk.app.screen._compositor.visible_widgets
    found = [desk.app.screen.query_one(f"#{name}") for name in names]
    return all(one in placed and placed[one][0].intersection(placed[one][1]) == placed[one][0] for one in found)


@pytest.mark.parametrize(
    "size", [(60, 12), *(pytest.param(size, marks=pytest.mark.nightly) for size in ((80, 24), (40, 10)))], ids=str
)
async def test_a_complaint_is_seen_with_its_field(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """However low the screen: at once, and wherever one goes from there; so is the warning before all is lost."""
    wrong = {"line": "x '", "cwd": f"/none/{'deep/' * 8}", "timeout": "soon"}
    runs = [Run(f"{at:08x}", command=("true", f"{at}"), started_at=NOW - at) for at in range(4)]
    async with fixed_board(runs, control=object(), size=size) as desk:
        await desk.press("n")
        form = desk.app.screen
        for name, text in wrong.items():
            form.query_one(f"#field-{name}", Input).value = text
        await desk.press("ctrl+s")
        await desk.until(lambda: form.query("#trouble-line.-bad"))
        for name, keys in (("line", ""), ("timeout", "tab tab tab tab tab"), ("cwd", "shift+tab shift+tab shift+tab")):
            await desk.press(*keys.split())
            assert form.focused is not None
            assert form.focused.id == f"field-{name}"
            await desk.until(lambda name=name: seen_whole(desk, f"field-{name}", f"trouble-{name}"))  # type: ignore[misc]
        await desk.press("shift+tab", "shift+tab", "escape")
        await desk.until(lambda: seen_whole(desk, "form-trouble"))
        if size[1] < 24:  # negative control: Textual has the field alone in sight
            monkeypatch.setattr(Form, "_see", lambda *_: None)
            sheet, field = form.query_one(".dialog"), form.query_one("#field-timeout")

            def at_the_edge() -> bool:
                """Have the field in the last line of the sheet."""
                sheet.scroll_relative(y=field.region.bottom - sheet.region.bottom, animate=False)
                return seen_whole(desk, "field-timeout") and not seen_whole(desk, "trouble-timeout")

            form.query_one("#field-cwd").focus()
            await desk.until(at_the_edge)
            field.focus()
            await desk.until(lambda: form.focused is field)
            await desk.pilot.pause()
            assert not seen_whole(desk, "field-timeout", "trouble-timeout")
