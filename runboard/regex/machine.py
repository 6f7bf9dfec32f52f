"""An expression as a machine that reads each character of a text once (Thompson 1968, states made as they are met)."""

from __future__ import annotations

from collections.abc import Iterable

from runboard.regex.bad import BadExpression
from runboard.regex.tree import At, Chars, Either, Node, Repeat, Row

_SIZE_MOST = 5000
"""Steps of the longest machine."""

_CACHE_MOST = 20_000
"""Moves between states that are remembered; then they are found anew."""

_EDGE, _WORD, _OTHER = 0, 1, 2
"""What stands beside a place: nothing, a character of a word, any other."""

_END = 0
"""The step at which a match is complete."""

State = tuple[frozenset[int], int]
"""The steps that may come next, and what stands before them."""


class Machine:
    """Steps by number: characters to read, branches, places to be at; and what was learned of them so far."""

    def __init__(self, tree: Node, *, ignore_case: bool, anchored: bool) -> None:
        """Build it; an ``anchored`` one begins a match only at the start, any other at every place."""
        self._fold = ignore_case
        self._anchored = anchored
        self._chars: dict[int, tuple[Chars, int]] = {}
        self._branches: dict[int, tuple[int, ...]] = {}
        self._places: dict[int, tuple[str, int]] = {}
        self._size = 0
        self._first = self._add(tree, _END)
        self._moves: dict[State, dict[str, tuple[bool, State]]] = {}
        self._remembered = 0

    def start(self, before: str = "") -> State:
        """The state at the start, behind the character that stands ``before`` it, if there is one."""
        return frozenset((self._first,)), _kind(before) if before else _EDGE

    def move(self, state: State, character: str) -> tuple[bool, State]:
        """Whether a match is complete before ``character``, and the state behind it."""
        known = self._moves.get(state)
        if known is not None and (move := known.get(character)) is not None:
            return move
        kind = _kind(character)
        reached = self._reached(state, kind)
        forms = {character, character.lower(), character.upper()} if self._fold else {character}
        waiting = (self._chars[step] for step in reached - {_END})
        after = {then for chars, then in waiting if chars.hold(forms)}
        if not self._anchored:
            after.add(self._first)
        move = _END in reached, (frozenset(after), kind)
        if self._remembered >= _CACHE_MOST:
            self._moves, self._remembered = {}, 0
        self._moves.setdefault(state, {})[character] = move
        self._remembered += 1
        return move

    def ends(self, state: State) -> bool:
        """Whether a match is complete at the end of the text."""
        return _END in self._reached(state, _EDGE)

    def _reached(self, state: State, after: int) -> set[int]:
        """The steps that wait for a character, and the end if it is reached, given what stands ``after`` the place."""
        steps, before = state
        waiting, seen, reached = list(steps), set[int](), set[int]()
        while waiting:
            step = waiting.pop()
            if step in seen:
                continue
            seen.add(step)
            if step in self._branches:
                waiting += self._branches[step]
            elif step in self._places:
                place, then = self._places[step]
                if _holds(place, before, after):
                    waiting.append(then)
            else:
                reached.add(step)
        return reached

    def _number(self) -> int:
        """A new step's number."""
        self._size += 1
        if self._size > _SIZE_MOST:
            raise BadExpression("the expression is too large")
        return self._size

    def _add(self, node: Node, then: int) -> int:
        """Put a part before the step ``then``, and return where it begins."""
        match node:
            case Row(parts):
                for part in reversed(parts):
                    then = self._add(part, then)
                return then
            case Either(parts):
                return self._branch(self._add(part, then) for part in parts)
            case Repeat(part, least, most):
                return self._repeat(part, least, most, then)
            case At(place):
                self._places[step := self._number()] = place, then
            case Chars():
                self._chars[step := self._number()] = node, then
        return step

    def _repeat(self, part: Node, least: int, most: int | None, then: int) -> int:
        """Put a part several times before the step ``then``."""
        if most is None:
            loop = self._number()
            self._branches[loop] = self._add(part, loop), then
            then = loop
        else:
            last = then
            for _time in range(most - least):
                then = self._branch((self._add(part, then), last))
        for _time in range(least):
            then = self._add(part, then)
        return then

    def _branch(self, ways: Iterable[int]) -> int:
        """A step from which there are several ways."""
        ways = tuple(ways)
        self._branches[step := self._number()] = ways
        return step


def _kind(character: str) -> int:
    """What a character is to the place beside it."""
    return _WORD if character == "_" or character.isalnum() else _OTHER


def _holds(place: str, before: int, after: int) -> bool:
    """Whether a place is what an expression asks for."""
    match place:
        case "^":
            return before == _EDGE
        case "$":
            return after == _EDGE
    return ((before == _WORD) != (after == _WORD)) == (place == "b")
