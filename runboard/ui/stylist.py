"""The style sheet, which works nothing out twice: whoever looks the same to all rules gets the look found before.

Textual asks every rule anew for each widget and each of its parts whenever a class or the focus changes above it: a
quarter of all that a board did. What Textual 8.2 does not promise and this stands on is watched by
tests/test_ui_stylist.py.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from textual.cache import LRUCache
from textual.css.model import RuleSet, SelectorType
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.style import Style

RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]
"""The same number as Textual's own gives, but not worked out in Python: tens of thousands of times at a start."""

Found = dict[tuple[object, ...], RulesMap]
"""What Textual keeps of one pass."""

THEMES = 8
"""Between how many themes one goes back and forth without any being worked out again."""

_APPS_OWN = frozenset({"dark", "light", "ansi", "nocolor", "inline"})
"""What is so for all or for none: every widget would ask the app."""


@dataclass(frozen=True, slots=True, eq=False)
class Concern:
    """The rules that may hold for a node by its own names, and all that they look at on the way to it."""

    rules: tuple[RuleSet, ...]
    classes: frozenset[str]
    ids: frozenset[str]
    states: tuple[str, ...]
    wide: tuple[str, ...]

    @property
    def hovered(self) -> bool:
        """Whether the mouse changes something."""
        return "hover" in self.states

    def sight(self, path: list[DOMNode]) -> Hashable:
        """All that these rules can see of the nodes from the app to one of them."""
        app = path[0]
        kinds = app._PSEUDO_CLASSES
        wide = tuple([kinds[state](app) for state in self.wide if state in kinds])  # type: ignore[arg-type]
        return self, wide, *[self._seen(node) for node in path]

    def _seen(self, node: DOMNode) -> Hashable:
        """All that these rules can see of one node."""
        kinds = node._PSEUDO_CLASSES
        states = [state for state in self.states if state in kinds and kinds[state](node)]  # type: ignore[arg-type]
        return type(node), node._id if node._id in self.ids else None, self.classes & node._classes, *states


@dataclass(frozen=True, slots=True)
class Known:
    """All that was found out with these values of a theme's variables."""

    parsed: LRUCache[tuple[Hashable, ...], list[RuleSet]] = field(default_factory=lambda: LRUCache(256))
    styles: LRUCache[str, Style] = field(default_factory=lambda: LRUCache(1024))
    concerns: dict[tuple[RuleSet, ...], Concern] = field(default_factory=dict)
    looks: dict[Hashable, RulesMap] = field(default_factory=dict)


_KNOWN: LRUCache[Hashable, Known] = LRUCache(THEMES)
"""What is known, by the variables; no node of any app is in it."""


class Stylist(Stylesheet):
    """A style sheet with a memory."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        """Begin with no rules and these variables."""
        super().__init__(variables=variables)
        self._parts: WeakKeyDictionary[DOMNode, Hashable] = WeakKeyDictionary()
        self._recall(self._variables)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take other values; what was known with them is known again."""
        self._parse_cache, self._style_parse_cache = LRUCache(1), LRUCache(1)  # Textual empties them
        super().set_variables(variables)
        self._recall(variables)

    def reparse(self) -> None:
        """Take the rules as the variables say them now; Textual forgets for this all it had read."""
        self.parse()

    def _recall(self, variables: dict[str, str]) -> None:
        """Remember what is known with these variables."""
        key = frozenset(variables.items())
        known = _KNOWN.get(key)
        if known is None:
            known = _KNOWN[key] = Known()
        self._known = known
        self._parse_cache, self._style_parse_cache = known.parsed, known.styles
        self._ruled: list[RuleSet] | None = None
        self._by_names: dict[frozenset[str], Concern] = {}

    def _concern(self, names: Iterable[str]) -> Concern:
        """The rules that may hold for who has these names."""
        ruled = self.rules
        if ruled is not self._ruled:
            self._ruled = ruled
            self._by_names.clear()
        own = frozenset(names)
        found = self._by_names.get(own)
        if found is None:
            candidates = {rule for name in own for rule in self.rules_map.get(name, ())}
            rules = tuple(rule for rule in ruled if rule in candidates)
            found = self._by_names[own] = self._known.concerns.get(rules) or _concern(rules)
            self._known.concerns[rules] = found
        return found

    def apply(self, node: DOMNode, *, animate: bool = False, cache: Found | None = None) -> None:  # noqa: ARG002 - Textual's signature
        """Give a node and its parts the look that the rules say; what is found is kept for all passes, not for one."""
        concern = self._concern(node._selector_names)
        sight = concern.sight(node.css_path_nodes)
        look = self._known.looks.get(sight)
        if look is None:
            found: Found = {}
            super().apply(node, animate=animate, cache=found)
            for look in found.values():
                self._known.looks[sight] = look
            return
        node._has_hover_style = concern.hovered
        node._has_focus_within = node._has_order_style = node._has_odd_or_even = False
        self.replace_rules(node, look, animate=animate)
        self._process_component_classes(node)

    def _process_component_classes(self, node: DOMNode) -> None:
        """Give the parts of a node their looks, unless nothing that their rules see has changed since the last time."""
        names = node._get_component_classes()
        if not names:
            return
        concern = self._concern(_PART | {f".{name}" for name in names})
        sight = concern.sight(node.css_path_nodes)
        if self._parts.get(node) != sight or not node._component_styles:
            super()._process_component_classes(node)
            self._parts[node] = sight


_PART = frozenset(DOMNode()._selector_names)
"""The names of every part of a widget that is no widget itself."""


def _concern(rules: tuple[RuleSet, ...]) -> Concern:
    """All that these rules look at."""
    selectors = [one for rule in rules for among in rule.selector_set for one in among.selectors]
    states = {state for one in selectors for state in one.pseudo_classes}
    return Concern(
        rules,
        frozenset(one.name for one in selectors if one.type is SelectorType.CLASS),
        frozenset(one.name for one in selectors if one.type is SelectorType.ID),
        tuple(sorted(states - _APPS_OWN)),
        tuple(sorted(states & _APPS_OWN)),
    )
