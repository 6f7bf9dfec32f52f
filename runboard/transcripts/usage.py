"""Tokens and cost brought to one form: fresh input, what caches gave and took, output, reasoning, and their sum.

What a tool does not tell stays None. A cache or reasoning count of zero says no more than none, and is left out.
"""

from __future__ import annotations

from math import inf

from runboard.lenient import as_count, as_number
from runboard.model import Usage

TOKENS_MOST = 2**53 - 1
"""The largest whole number that every JSON reader keeps exactly; a count above it is no count."""

COST_MOST = 1e9
"""USD; a cost above it is no cost."""

Parts = tuple[int | None, int | None, int | None, int | None, int | None]
"""Tokens of a step: fresh input, cache read, cache write, output, reasoning; None for what was not told."""


def tokens(value: object) -> int | None:
    """A count of tokens, or None for anything else."""
    return as_count(value, TOKENS_MOST)


def dollars(value: object) -> float | None:
    """A cost in USD, or None for anything else."""
    cost = as_number(value)
    return cost if cost is not None and 0 <= cost <= COST_MOST else None


def fresh(inclusive: int | None, *parts: int | None) -> int | None:
    """Input without those parts of it that were read from a cache or written to one."""
    return None if inclusive is None else max(inclusive - sum(part or 0 for part in parts), 0)


def usage_of(
    *,
    fresh_input: int | None = None,
    cache_read: int | None = None,
    cache_write: int | None = None,
    output: int | None = None,
    reasoning: int | None = None,
    cost: float | None = None,
) -> Usage | None:
    """Usage from its parts, ``output`` without ``reasoning``; None where nothing was told, or nothing was used."""
    parts = (fresh_input, cache_read, cache_write, output, reasoning)
    if not any(parts) and not cost:
        return None
    whole = fresh_input is not None and output is not None
    return Usage(
        input_tokens=_kept(fresh_input),
        output_tokens=_kept(output),
        total_tokens=_kept(sum(part or 0 for part in parts)) if whole else None,
        cost=None if cost is None else round(cost, 10),  # sums of binary fractions end in dust
        cache_read_tokens=_kept(cache_read or None),
        cache_write_tokens=_kept(cache_write or None),
        reasoning_tokens=_kept(reasoning or None),
    )


def plus(one: Usage | None, other: Usage | None) -> Usage | None:
    """What two sessions used together; what only one of them tells is taken from it."""
    if one is None or other is None:
        return one or other
    pairs = ([value for value in pair if value is not None] for pair in zip(one, other, strict=True))
    return Usage._make(sum(pair) if pair else None for pair in pairs)


def _kept(count: int | None) -> int | None:
    """A sum that still fits a JSON number of 64 bits."""
    return None if count is None else min(count, 2**63 - 1)


class Sums:
    """Parts of usage added up over the steps of a session, step by step."""

    def __init__(self) -> None:
        """Nothing told yet."""
        self._parts = [0, 0, 0, 0, 0]
        self._cost = 0.0
        self.told = False
        self._cost_told = False

    def add(self, parts: Parts, cost: float | None = None, sign: int = 1) -> None:
        """Add a step, or with ``sign`` -1 take one back."""
        self._parts = [kept + sign * (part or 0) for kept, part in zip(self._parts, parts, strict=True)]
        self.told = True
        if cost is not None:
            self._cost += sign * cost
            self._cost_told = True

    def merge(self, other: Sums) -> None:
        """Add what was summed up elsewhere."""
        if other.told:
            fresh_input, read, write, output, reasoning = other._parts
            self.add((fresh_input, read, write, output, reasoning), other._cost if other._cost_told else None)

    def dump(self) -> dict[str, object]:
        """The sums as JSON; None where no step told anything."""
        return {
            "tokens": [_kept(part) for part in self._parts] if self.told else None,
            "cost": self._cost if self._cost_told else None,
        }

    @classmethod
    def parse(cls, doc: object) -> Sums | None:
        """Sums as they were dumped; None where they make no sense."""
        match doc:
            case {"tokens": None, "cost": None}:
                return cls()
            case {"tokens": [int(), int(), int(), int(), int()] as parts, "cost": None | int() | float() as cost}:
                if min(parts) < 0 or (cost is not None and not 0 <= cost < inf):
                    return None
                sums = cls()
                sums.add((parts[0], parts[1], parts[2], parts[3], parts[4]), cost)
                return sums
        return None

    def usage(self, cost: float | None = None) -> Usage | None:
        """The sums so far, with a cost told elsewhere where the steps tell none."""
        if self._cost_told:
            cost = self._cost
        if not self.told:
            return usage_of(cost=cost)
        read, write, output, reasoning = self._parts[1:]
        return usage_of(
            fresh_input=self._parts[0],
            cache_read=read,
            cache_write=write,
            output=output,
            reasoning=reasoning,
            cost=cost,
        )
