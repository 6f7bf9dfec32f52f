"""The parts of a regular expression, read from what a person typed, and written again as ripgrep reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from runboard.regex.bad import BadExpression

DEPTH_MOST = 50
REPEAT_MOST = 1000
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b", "0": "\0"}
_KINDS: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "s": str.isspace,
    "w": lambda character: character == "_" or character.isalnum(),
}
_PLACES = {"^": "^", "$": "$"}
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "punct": r"!-\/:-@\[-`{-~",
    "xdigit": "0-9a-fA-F",
    "word": r"\w",
}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of several: ranges, and kinds such as ``d`` or, turned round, ``D``; ``other`` than these."""

    ranges: tuple[tuple[str, str], ...] = ()
    kinds: str = ""
    other: bool = False

    def hold(self, forms: Iterable[str]) -> bool:
        """Whether a character is meant, which has these forms where capital or small is all the same."""
        return self.other is not any(map(self._names, forms))

    def _names(self, character: str) -> bool:
        """Whether a character is among the ranges and kinds."""
        return any(first <= character <= last for first, last in self.ranges) or any(
            _KINDS[kind.lower()](character) != kind.isupper() for kind in self.kinds
        )


@dataclass(frozen=True, slots=True)
class At:
    """A place between characters: ``^``, ``$``, ``b`` for the edge of a word, ``B`` for none."""

    place: str


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of several parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part several times; without ``most`` as often as there is any."""

    part: Node
    least: int
    most: int | None


Node = Chars | At | Row | Either | Repeat
ANY = Chars((("\n", "\n"),), other=True)


def turned(node: Node) -> Node:
    """The expression of the same texts read from their ends."""
    match node:
        case Row(parts):
            return Row(tuple(map(turned, reversed(parts))))
        case Either(parts):
            return Either(tuple(map(turned, parts)))
        case Repeat(part, least, most):
            return Repeat(turned(part), least, most)
        case At(place):
            return At({"^": "$", "$": "^"}.get(place, place))
    return node


def literal(node: Node) -> str:
    """The longest text that every match holds, as far as that can be seen at once."""
    best = run = ""
    for part in _flat(node):
        match part:
            case Chars(((first, last),), "", False) if first == last:
                run += first
                best = max(best, run, key=len)
            case At():
                continue
            case Repeat(inner, least, _most) if least:
                best = max(best, literal(inner), key=len)
                run = ""
            case _:
                run = ""
    return best


def written(node: Node) -> str:
    """The expression as Rust's regex crate reads it: every character that could mean anything else by its number."""
    match node:
        case Chars(ranges, kinds, other):
            inner = "".join(f"{_code(first)}-{_code(last)}" for first, last in ranges)
            return f"[{'^' * other}{inner}{''.join(f'{chr(92)}{kind}' for kind in kinds)}]"
        case At(place):
            return place if place in _PLACES else f"\\{place}"
        case Row(parts):
            return "".join(f"(?:{written(part)})" if isinstance(part, Either) else written(part) for part in parts)
        case Either(parts):
            return "|".join(map(written, parts))
    return f"(?:{written(node.part)}){{{node.least},{'' if node.most is None else node.most}}}"


def _code(character: str) -> str:
    """A character by its number."""
    return f"\\x{{{ord(character):x}}}"


def _flat(node: Node) -> tuple[Node, ...]:
    """The parts of a row, rows in it taken apart."""
    if not isinstance(node, Row):
        return (node,)
    return tuple(one for part in node.parts for one in _flat(part))


class Parser:
    """Reads an expression from its start."""

    def __init__(self, text: str) -> None:
        """Begin."""
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        """The whole expression."""
        node = self._either()
        if self._at < len(self._text):
            raise BadExpression("there is a ) without its (")
        return node

    def _next(self) -> str:
        """The next character, "" at the end."""
        return self._text[self._at : self._at + 1]

    def _take(self, what: str = "") -> str:
        """Go over the next character if it is ``what``, or whatever it is; "" where it is not."""
        found = self._next()
        if what and found != what:
            return ""
        self._at += 1
        return found

    def _either(self) -> Node:
        """Parts divided by bars."""
        rows = [self._row()]
        while self._take("|"):
            rows.append(self._row())
        return rows[0] if len(rows) == 1 else Either(tuple(rows))

    def _row(self) -> Node:
        """Parts one after the other."""
        parts: list[Node] = []
        while self._next() not in {"", "|", ")"}:
            part = self._part()
            while (times := self._times()) is not None:
                if isinstance(part, At):
                    raise BadExpression("a place such as ^ or \\b cannot be repeated")
                part = Repeat(part, *times)
            parts.append(part)
        return Row(tuple(parts))

    def _part(self) -> Node:
        """One part without its repetition."""
        match found := self._take():
            case "(":
                return self._group()
            case "[":
                return self._set()
            case ".":
                return ANY
            case "^" | "$":
                return At(found)
            case "*" | "+" | "?":
                raise BadExpression(f"there is nothing before the {found} to repeat")
            case "\\":
                return self._escaped()
        return Chars(((found, found),))

    def _group(self) -> Node:
        """What stands in parentheses."""
        if self._take("?") and not self._take(":"):
            raise BadExpression("of what begins with (? only (?: is known")
        self._depth += 1
        if self._depth > DEPTH_MOST:
            raise BadExpression("the parentheses are nested too deep")
        node = self._either()
        if not self._take(")"):
            raise BadExpression("there is a ( without its )")
        self._depth -= 1
        return node

    def _escaped(self) -> Node:
        """What a backslash makes of the next character."""
        found = self._next()
        if found and found in "bB":
            self._at += 1
            return At(found)
        return self._one()

    def _one(self) -> Chars:
        """The character or the kind behind a backslash."""
        found = self._take()
        if not found:
            raise BadExpression("it ends with a lone \\")
        if found.lower() in _KINDS:
            return Chars(kinds=found)
        if found in "xu":
            digits = self._text[self._at : self._at + (2 if found == "x" else 4)]
            self._at += len(digits)
            try:
                found = chr(int(digits, 16))
            except ValueError:
                raise BadExpression("behind \\x come two hexadecimal digits, behind \\u four") from None
        elif found in "123456789":
            raise BadExpression("back references such as \\1 cannot be searched for")
        elif found in _ESCAPES:
            found = _ESCAPES[found]
        elif found.isascii() and found.isalpha():
            raise BadExpression(f"\\{found} means nothing here")
        return Chars(((found, found),))

    def _set(self) -> Chars:
        """What stands in square brackets."""
        other = bool(self._take("^"))
        ranges: list[tuple[str, str]] = []
        kinds, first = "", True
        while first or self._next() != "]":
            if not self._next():
                raise BadExpression("there is a [ without its ]")
            first = False
            if self._text.startswith("[:", self._at):
                inner = self._named()
                ranges += inner.ranges
                kinds += inner.kinds
                continue
            low = self._member()
            if low.kinds:
                kinds += low.kinds
            elif self._next() == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                high = self._member()
                if high.kinds or high.ranges[0][0] < low.ranges[0][0]:
                    raise BadExpression("a range in [ ] runs backwards")
                ranges.append((low.ranges[0][0], high.ranges[0][0]))
            else:
                ranges += low.ranges
        self._at += 1
        return Chars(tuple(ranges), kinds, other)

    def _member(self) -> Chars:
        """One character or kind in square brackets."""
        found = self._take()
        if found != "\\":
            return Chars(((found, found),))
        if self._take("b"):
            return Chars((("\b", "\b"),))
        return self._one()

    def _named(self) -> Chars:
        """A class such as ``[:digit:]`` in square brackets."""
        name, end, rest = self._text[self._at + 2 :].partition(":]")
        if not end or name not in _CLASSES:
            raise BadExpression(f"there is no class [:{name[:10]}:]")
        self._at = len(self._text) - len(rest)
        return Parser(_CLASSES[name] + "]")._set()

    def _times(self) -> tuple[int, int | None] | None:
        """How often the part before is repeated, None where nothing says so; lazy ones match the same texts."""
        found = self._next()
        if found and found in "*+?":
            self._at += 1
            times: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[found]
        elif found == "{":
            low, comma, high = self._text[self._at + 1 :].partition("}")[0].partition(",")
            if not low.isdecimal() or (high and not high.isdecimal()) or "}" not in self._text[self._at :]:
                raise BadExpression("behind a { comes a number and a }; for the character itself write \\{")
            self._at = self._text.index("}", self._at) + 1
            times = int(low[:6]), (int(high[:6]) if high else None) if comma else int(low[:6])
            if max(times[0], times[1] or 0) > REPEAT_MOST or (times[1] is not None and times[1] < times[0]):
                raise BadExpression(f"a repetition is from 0 to {REPEAT_MOST}, the smaller number first")
        else:
            return None
        if self._next() == "+":
            raise BadExpression("there is nothing before the + to repeat")
        self._take("?")
        return times
