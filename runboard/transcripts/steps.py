"""The ends of OpenCode's steps, added up over a stretch of a log without a look at what lies between them.

The count goes on from where it was left, so that of a log that was followed only the last stretch is read at its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from string import ascii_letters

from orjson import JSONDecodeError, loads

from runboard.late import pattern
from runboard.lenient import as_count, as_mapping
from runboard.transcripts.lines import parsed
from runboard.transcripts.usage import COST_MOST, TOKENS_MOST, Sums, dollars, tokens

Read = Callable[[int, int], bytes]
"""Bytes of the log at an offset, at most so many; none at its end."""

_MARK = b'"step_finish"'
_USUAL_MARK = b'{"type":"step_finish","timestamp":'
"""How OpenCode itself writes the end of a step: the longer the mark, the faster a gigabyte is searched for it."""

_CHUNK = 1 << 19
_STEP_MOST = 1 << 16
"""Bytes of the longest line that can be the end of a step."""

_PROOF = 1 << 12
"""Bytes at the beginning of a log, and before the end of what was counted, by which it is known again."""

_SHORT = 1 << 10
"""Bytes of a line on the average below which a log is taken line by line."""

_BATCH = 1 << 10
"""Steps that are parsed at once."""

_SHAPED = pattern(rb'"(\w+)":[0-9.]+')
_FIGURES = pattern(rb'"tokens":\{(?:"\w+":(?:[0-9.]+|\{)[,}]*)+\}')
_TOLD = frozenset({b"total", b"input", b"output", b"reasoning", b"write", b"read", b"cost"})
_ORDER = (b"input", b"read", b"write", b"output", b"reasoning")
_NUMBER = b"0123456789."
_WORD = _NUMBER + b"_-" + ascii_letters.encode()
_NO_NUMBER = bytes(set(range(256)) - set(_NUMBER + b",\n"))
_AS_LIST = bytes.maketrans(b"\n", b",")


@dataclass(slots=True)
class Steps:
    """What the steps that ended between two offsets of a log used; both are beginnings of lines."""

    begin: int = 0
    end: int = 0
    sums: Sums = field(default_factory=Sums)

    def advance(self, read: Read, end: int) -> None:
        """Count on up to an offset at which a line begins."""
        for lines in marked_lines(read, self.end, end):
            add_all(self.sums, lines)
        self.end = end

    def merge(self, sums: Sums, end: int) -> None:
        """Go on to an offset up to which somebody else has counted."""
        self.sums.merge(sums)
        self.end = end

    def restart(self, begin: int) -> None:
        """Count anew from an offset at which a line begins."""
        self.begin, self.end, self.sums = begin, begin, Sums()

    def dump(self, read: Read) -> dict[str, object]:
        """The count as JSON, with a proof of which log it is of."""
        return {"begin": self.begin, "end": self.end, "proof": _proof(read, self.end), "sums": self.sums.dump()}

    @classmethod
    def parse(cls, doc: object, read: Read) -> Steps | None:
        """A count as it was dumped; None if it is none, or of another log."""
        kept = as_mapping(doc)
        begin, end = as_count(kept.get("begin")), as_count(kept.get("end"))
        sums = Sums.parse(kept.get("sums"))
        if begin is None or end is None or sums is None or not begin <= end or (end and not read(end - 1, 1)):
            return None
        if kept.get("proof") != _proof(read, end):
            return None
        return cls(begin, end, sums)


def add_all(sums: Sums, lines: list[bytes]) -> None:
    """Add the steps of whole lines that bear a mark; those of one shape, as one program writes them, all at once."""
    for first in range(0, len(lines), _BATCH):
        batch = lines[first : first + _BATCH]
        if not _added_at_once(sums, batch):
            for line in batch:
                event = parsed(line)
                if isinstance(event, dict) and event.get("type") == "step_finish":
                    add_step(sums, as_mapping(event.get("part")))


def add_step(sums: Sums, part: dict[str, object]) -> None:
    """Add a step's figures, in which no token is counted twice."""
    told = as_mapping(part.get("tokens"))
    cache = as_mapping(told.get("cache"))
    counts = (
        tokens(told.get("input")),
        tokens(cache.get("read")),
        tokens(cache.get("write")),
        tokens(told.get("output")),
        tokens(told.get("reasoning")),
    )
    cost = dollars(part.get("cost"))
    if cost is not None or counts != (None,) * 5:
        sums.add(counts, cost)


def _added_at_once(sums: Sums, lines: list[bytes]) -> bool:
    """Add the steps of lines that differ in words and numbers only; nothing is added, and False, if others are there.

    The first is parsed; then all figures are one list of numbers, which is much quicker than an object for each.
    """
    names = _names(lines[0]) if lines else None
    if names is None or not all(line.startswith(_USUAL_MARK) for line in lines):
        return False
    tails = [line.rpartition(b'"tokens":')[2] for line in lines]
    if not _alike(lines, _WORD) or not _alike(tails, _NUMBER):
        return False
    try:
        numbers = loads(b"[" + b"\n".join(tails).translate(_AS_LIST, _NO_NUMBER) + b"]")
    except JSONDecodeError:
        return False
    told = {name: numbers[at :: len(names)] for at, name in enumerate(names)}
    counts, costs = [told[name] for name in _ORDER], told[b"cost"]
    if len(numbers) != len(names) * len(lines) or max(costs) > COST_MOST:
        return False
    if any(set(map(type, one)) != {int} or max(one) > TOKENS_MOST for one in counts):
        return False
    fresh_input, read, write, output, reasoning = map(sum, counts)
    sums.add((fresh_input, read, write, output, reasoning), sum(costs))
    return True


def _names(line: bytes) -> list[bytes] | None:
    """The names of the figures at the end of a step's line, in their order; None where it is written otherwise."""
    event = parsed(line)
    at = line.rfind(b'"tokens":{')
    names = _SHAPED.findall(line, at) if at >= 0 and _FIGURES.fullmatch(line, at) else []
    if not isinstance(event, dict) or event.get("type") != "step_finish":
        return None
    part = as_mapping(event.get("part"))
    whole = [*as_mapping(part.get("tokens")), *as_mapping(as_mapping(part.get("tokens")).get("cache")), "cost"]
    if set(names) | {b"total"} != _TOLD or len(names) != len(set(names)) or "cost" not in part:
        return None
    return names if {name.encode() for name in whole} == {*names, b"cache"} else None


def _alike(lines: list[bytes], without: bytes) -> bool:
    """Whether lines are the same but for certain bytes."""
    shape = lines[0].translate(None, without) + b"\n"
    return b"\n".join(lines).translate(None, without) + b"\n" == shape * len(lines)


def marked_lines(read: Read, start: int, end: int) -> Iterator[list[bytes]]:
    """The lines between two offsets that hold the mark of a step's end, found without looking at the others.

    A line that a piece cuts is read again with the next one, which costs less than to put pieces together; of one that
    is too long for a step's end already, the rest is passed over.
    """
    broken, at = False, start
    find = _finder(read(start, min(_CHUNK, end - start)) + read(max(start, end - _CHUNK), min(_CHUNK, end - start)))
    while at < end:
        data = read(at, min(_CHUNK, end - at))
        if not data:
            return
        first = data.find(b"\n") + 1 if broken else 0
        last = data.rfind(b"\n") + 1
        if at + len(data) >= end and last < len(data) and not (broken and not last):
            data, last = data + b"\n", len(data) + 1
        yield find(data, first, last)
        broken = not last or len(data) - last > _STEP_MOST
        at += len(data) if broken else last


def _finder(sample: bytes) -> Callable[[bytes, int, int], list[bytes]]:
    """How to find marked lines: by the usual mark if all steps of a sample bear it, as one program wrote the log."""
    if not 0 < sample.count(_MARK) == sample.count(_USUAL_MARK):
        return partial(_found, mark=_MARK)
    return _begun if sample.count(b"\n") * _SHORT > len(sample) else _led


def _begun(data: bytes, first: int, last: int) -> list[bytes]:
    """The lines that begin with the usual mark, among the whole lines between two offsets of ``data``.

    Where lines are short, one split is twice as fast as a search from each step to the next.
    """
    lines = data[first:last].split(b"\n")
    return [line for line in lines if line.startswith(_USUAL_MARK) and len(line) <= _STEP_MOST]


def _led(data: bytes, first: int, last: int) -> list[bytes]:
    """The same; where lines are long, it is quickest to go from the end of each to the next."""
    found, find, begins = [], data.find, data.startswith
    while first < last:
        finish = find(b"\n", first, last)
        if begins(_USUAL_MARK, first) and finish - first <= _STEP_MOST:
            found.append(data[first:finish])
        first = finish + 1
    return found


def _found(data: bytes, first: int, last: int, *, mark: bytes) -> list[bytes]:
    """The lines that hold a mark anywhere, among the whole lines between two offsets of ``data``."""
    found = []
    at = data.find(mark, first, last)
    while at >= 0:
        begin = max(data.rfind(b"\n", max(at - _STEP_MOST, first), at) + 1, first)
        finish = data.find(b"\n", at, last)
        if finish - begin <= _STEP_MOST:
            found.append(data[begin:finish])
        at = data.find(mark, finish, last)
    return found


def _proof(read: Read, end: int) -> str:
    """What a log's beginning, and the bytes before an offset, come to; of a log that was replaced they differ."""
    seen = blake2b(read(0, min(_PROOF, end)), digest_size=16)
    seen.update(read(max(0, end - _PROOF), min(_PROOF, end)))
    return seen.hexdigest()
