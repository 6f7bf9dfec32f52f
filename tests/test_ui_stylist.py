"""A style sheet with a memory gives everybody the look that Textual's own gives, and asks its rules once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from runboard.model import Run
from runboard.ui import dressed, stylist
from runboard.ui.stylist import Concern
from runboard.ui.themes import names
from tests.pilots import NOW, Desk, fixed_board

RUNS = [
    Run("a1b2c3d4", name="sleeper", started_at=NOW - 60),
    Run("b1b2c3d4", name="second", started_at=NOW - 50),
]

WALK = [
    *([], ["j", "tab"], ["slash", "x"], ["escape", "question_mark"], ["escape", "ctrl+p"]),
    *(["escape", "tab", "n"], ["escape", "enter"], ["escape", "T", "j"]),
]
"""Keys that open, focus, mark and leave what the board has."""

Look = tuple[RulesMap, dict[str, RulesMap], tuple[bool, bool, bool, bool]]
"""What holds for a node, for its parts, and what Textual keeps of the rules that were asked."""


def look(node: DOMNode) -> Look:
    """How a node looks now."""
    flags = node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even
    parts = {name: dict(styles.base._rules) for name, styles in node._component_styles.items()}
    return dict(node.styles.base._rules), parts, flags  # type: ignore[return-value]


def taught(stock: Stylesheet, ours: Stylesheet) -> None:
    """Let Textual's own style sheet have read what the board's has."""
    if stock._variables != ours._variables:
        stock.set_variables(ours._variables)
    stock.source = ours.source.copy()
    stock.parse()


def differing(desk: Desk, stock: Stylesheet) -> list[str]:
    """Whoever on the screen looks different to Textual's own style sheet."""
    taught(stock, desk.app.stylesheet)
    found = []
    for node in desk.app.screen.walk_children(with_self=True):
        ours = look(node)
        desk.app.stylesheet.apply(node)
        again = look(node)
        stock.apply(node)
        if not ours == again == look(node):
            found.append(str(node))
        desk.app.stylesheet.apply(node)
    return found


@contextmanager
def asked() -> Iterator[list[RuleSet]]:
    """Which rules are held against a node."""
    found: list[RuleSet] = []
    stock = Stylesheet._check_rule.__func__  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:

        def noted(cls: type[Stylesheet], rule: RuleSet, path: list[DOMNode]) -> object:
            found.append(rule)
            return stock(cls, rule, path)

        patch.setattr(Stylesheet, "_check_rule", classmethod(noted))
        yield found


async def walked(walk: list[list[str]], size: tuple[int, int] = (120, 36)) -> dict[str, list[str]]:
    """Who looks different, by the keys after which; on a walk through what the board opens."""
    found, stock = {}, Stylesheet()
    async with fixed_board(RUNS, control=object(), size=size) as desk:
        for step, keys in enumerate(walk):
            await desk.press(*keys)
            if wrong := differing(desk, stock):
                found[f"{step} {keys}"] = wrong
    return found


@pytest.mark.parametrize(("size", "walk"), [((120, 36), WALK), ((50, 12), WALK[:4])], ids=["wide", "narrow"])
async def test_everybody_looks_as_the_rules_say(size: tuple[int, int], walk: list[list[str]]) -> None:
    """On every screen, in and out of focus, in another theme: widgets and parts as Textual's own would have them."""
    assert await walked(walk, size) == {}


async def test_a_memory_that_is_blind_gives_wrong_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: where focus and classes are not seen, somebody looks as another does."""
    monkeypatch.setattr(stylist, "_KNOWN", {})
    monkeypatch.setattr(Concern, "_seen", lambda _self, node: type(node))
    assert await walked([["tab"]]) != {}


async def test_a_board_that_looks_like_one_before_asks_its_rules_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Textual's own holds thousands of rules against nodes at each start, a second board asks few."""
    async with fixed_board(RUNS):
        pass
    with asked() as again:
        async with fixed_board(RUNS):
            pass
    monkeypatch.setattr(dressed, "Stylist", Stylesheet)
    with asked() as stock:
        async with fixed_board(RUNS):
            pass
    assert len(again) < len(stock) / 10, (len(again), len(stock))


async def test_a_theme_that_was_worn_is_put_on_again_without_being_read() -> None:
    """There and back between two themes: the rules of each are the ones that were made the first time."""
    async with fixed_board(RUNS) as desk:
        worn: dict[str, list[list[RuleSet]]] = {}
        before = desk.app.theme
        other = next(name for name in names() if name != before)
        for name in (other, before, other, before):
            desk.app.theme = name
            await desk.pilot.pause()
            worn.setdefault(name, []).append(desk.app.stylesheet.rules)
        assert [rules[0] == rules[1] for rules in worn.values()] == [True, True]
        assert all(a is b for rules in worn.values() for a, b in zip(*rules, strict=True))
        assert not set(worn[before][0]) & set(worn[other][0])
