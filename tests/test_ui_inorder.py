"""What is typed ahead means what it says: no key reaches the table that was meant for what the key before opened."""

from __future__ import annotations

import pytest
from textual.binding import BindingsMap
from textual.events import Key, Paste
from textual.widgets import Input

from runboard.model import Run
from runboard.ui.inorder import AT_ONCE, InOrder
from tests.pilots import NOW, Desk, fixed_board

LIVE = Run("11111111", name="train", command=("python", "train.py"), started_at=NOW - 75)
WORDS = "rxdnm-t"


def type_at_once(desk: Desk, *keys: str) -> None:
    """Let the app have all these keys before it has looked at any."""
    for key in keys:
        desk.app.post_message(Key(key, "/" if key == "slash" else key))


async def test_words_typed_right_after_the_slash_are_the_filter() -> None:
    """A slash and a word in one go, and what is pasted after them, stand in the filter; nothing else opens."""
    async with fixed_board([LIVE]) as desk:
        type_at_once(desk, "slash", *WORDS)
        desk.app.post_message(Paste("qq"))
        entry = desk.app.screen_stack[0].query_one("#filter-entry", Input)
        await desk.until(lambda: entry.value == f"{WORDS}qq")
        assert len(desk.app.screen_stack) == 1


async def test_without_the_order_the_words_would_go_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: keys sent on as they come are the table's, and the filter gets the last ones at most."""
    monkeypatch.setattr(InOrder, "admits", lambda _self, _event: True)
    async with fixed_board([LIVE]) as desk:
        type_at_once(desk, "slash", *WORDS)
        await desk.pilot.pause(0.3)
        await desk.press("q")
        assert WORDS not in desk.app.screen_stack[0].query_one("#filter-entry", Input).value


async def test_keys_after_one_that_closes_something_are_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What took the key is gone and tells nothing; the key after it comes through long before patience ends."""
    monkeypatch.setattr("runboard.ui.inorder.PATIENCE_SECONDS", 60.0)
    async with fixed_board([LIVE]) as desk:
        await desk.press("T")
        await desk.shows("Theme")
        type_at_once(desk, "down", "enter", "slash", *WORDS)
        entry = desk.app.screen_stack[0].query_one("#filter-entry", Input)
        await desk.until(lambda: entry.value == WORDS)


async def turns_of(letters: str, *, order: str = "", blind: pytest.MonkeyPatch | None = None) -> tuple[int, str]:
    """How many turns a flood of letters takes into the filter, which ``order`` accepts, and what stands there then.

    With ``blind`` the board, once it stands, sees no order in any letter.
    """
    async with fixed_board([LIVE]) as desk:
        desk.app.set_keymap({"filter.accept": order} if order else {})
        await desk.press("slash")
        if blind is not None:
            blind.setattr(BindingsMap, "__iter__", lambda _self: iter(()))
        turns = []
        real = desk.app._in_order.done
        desk.app._in_order.done = lambda: (turns.append(1), real())[1]  # type: ignore[method-assign, func-returns-value]
        before = desk.app.keys_heard
        type_at_once(desk, *letters)
        await desk.until(lambda: desk.app.keys_heard == before + len(letters) and not desk.app._in_order.waiting)
        await desk.pilot.pause()
        return len(turns), desk.app.screen_stack[0].query_one("#filter-entry", Input).value


async def test_a_flood_of_letters_goes_into_a_field_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, in order, in a few turns; the control: one turn for each, where each is awaited."""
    letters = WORDS * 10
    many, value = await turns_of(letters)
    assert (many <= 2 + len(letters) // AT_ONCE, value) == (True, letters), many
    monkeypatch.setattr("runboard.ui.inorder.AT_ONCE", 1)
    assert await turns_of(letters) == (len(letters), letters)


async def test_a_letter_that_is_an_order_waits_for_the_letters_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set to accept the filter it accepts what was typed before it; the control takes every letter for text."""
    assert (await turns_of("trayz", order="z"))[1] == "tray"
    assert (await turns_of("trayz", order="z", blind=monkeypatch))[1] == "trayz"


def test_a_key_that_takes_too_long_does_not_keep_the_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come through in the order in which they were typed, also after one whose end nobody told."""
    came: list[str] = []
    order = InOrder(lambda event: came.append(str(event.key)) if isinstance(event, Key) else None)
    first, second, third = (Key(name, name) for name in "abc")
    assert order.admits(first)
    assert not order.admits(second)
    order.look()
    assert came == []
    monkeypatch.setattr("runboard.ui.inorder.PATIENCE_SECONDS", 0.0)
    order.look()
    assert came == ["b"]
    assert order.admits(second)
    monkeypatch.undo()
    assert not order.admits(third)
    order.sent(lambda: True)
    order.look()
    assert came == ["b", "c"]
