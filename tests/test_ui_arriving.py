"""A screen that arrives is styled once, and as its window is, before anything of it is painted."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from itertools import chain
from pkgutil import iter_modules
from typing import Any

import pytest
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget

from runboard import ui
from runboard.model import Run
from runboard.ui.arriving import Arriving
from runboard.ui.stylist import Stylist
from tests.pilots import NOW, fixed_board

LIVE = Run("11111111", name="train", command=("python", "train.py"), started_at=NOW - 75)


async def stylings(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], Counter[str]]:
    """How often each kind of widget is styled for the start of a board, and for a dialog on it."""
    styled, apply = Counter[str](), Stylist.apply

    def counted(sheet: Stylist, node: DOMNode, **more: Any) -> None:
        """Style and count."""
        if isinstance(node, Widget):
            styled[type(node).__name__] += 1
        apply(sheet, node, **more)

    monkeypatch.setattr(Stylist, "apply", counted)
    async with fixed_board([LIVE], size=(120, 36), control=object()) as desk:
        await desk.shows("● running", "There is no output.log")
        board = Counter(styled)
        styled.clear()
        await desk.press("s")
        await desk.shows("Stop this run?")
        return board, styled


async def test_nothing_is_styled_again_before_it_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual alone styles all of a screen once more when it is the present one, and again when it is told its size."""
    with monkeypatch.context() as counting:
        board, dialog = await stylings(counting)
    monkeypatch.setattr(Arriving, "_post_register", Widget._post_register)
    monkeypatch.delattr(Arriving, "_on_screen_resume")
    textuals, textuals_dialog = await stylings(monkeypatch)
    for part in ("DeskScreen", "Split", "Hints", "RunTable"):
        assert textuals[part] - board[part] == 2, part
    assert dialog["Confirm"] == 1
    assert textuals_dialog["Confirm"] == 3


def test_every_screen_arrives_so() -> None:
    """No screen of ours is without it."""
    for module in iter_modules(ui.__path__, "runboard.ui."):
        import_module(module.name)
    ours: set[type] = set()
    rest: list[type] = [Screen]
    while rest:
        found: list[list[type]] = [one.__subclasses__() for one in rest]
        rest = list(chain(*found))
        ours.update(kind for kind in rest if kind.__module__.startswith("runboard."))
    assert len(ours) > 10
    assert [kind for kind in ours if not issubclass(kind, Arriving)] == []
