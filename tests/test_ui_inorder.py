"""What is typed ahead means what it says: no key reaches the table that was meant for what the key before opened."""

from __future__ import annotations

import pytest
from textual.events import Key, Paste
from textual.widgets import Input

from runboard.model import Run
from runboard.ui.inorder import InOrder
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


async def test_keys_after_one_that_closes_something_are_heard_at_once() -> None:
    """What took the key is gone and tells nothing; the key after it still comes through."""
    async with fixed_board([LIVE]) as desk:
        await desk.press("T")
        await desk.shows("Theme")
        type_at_once(desk, "down", "enter", "slash", *WORDS)
        entry = desk.app.screen_stack[0].query_one("#filter-entry", Input)
        await desk.until(lambda: entry.value == WORDS, 0.9)


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
