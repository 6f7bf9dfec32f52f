"""Ids in an order: each is found, put in and taken out by the key that ranks it, however many there are."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import NamedTuple

Key = tuple[object, ...]
"""Where an id stands; keys of one order compare with each other, and no two are equal."""

FEW = 32
"""Newcomers up to this many are put in one by one; more are merged in one pass."""


class Delta(NamedTuple):
    """What one batch changed: the ids whose rows look different, and whether rows came, went or moved."""

    changed: frozenset[str]
    reordered: bool

    def __or__(self, later: Delta) -> Delta:
        """What both changed."""
        return Delta(self.changed | later.changed, self.reordered or later.reordered)


class Sorting(NamedTuple):
    """By which column the rows are sorted, and whether the largest stands first; no column is the usual order."""

    column: str | None = None
    falling: bool = False


class Down:
    """A value that counts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: float | str) -> None:
        """Turn a value round."""
        self.value = value

    def __lt__(self, other: Down) -> bool:
        """Whether it stands before another: if its value is the larger one."""
        return other.value < self.value  # type: ignore[operator]

    def __eq__(self, other: object) -> bool:
        """Whether the values are equal."""
        return isinstance(other, Down) and self.value == other.value

    def __hash__(self) -> int:
        """The value's."""
        return hash(self.value)


def ranked(
    value: Callable[[str], float | str | None], usual: Callable[[str], Key], *, falling: bool
) -> Callable[[str], Key]:
    """The key of an id in an order by a value, then as usual; what has no value comes last either way."""

    def key(run_id: str) -> Key:
        """Its key now."""
        found = value(run_id)
        return (1, 0, usual(run_id)) if found is None else (0, Down(found) if falling else found, usual(run_id))

    return key


class Order:
    """Ids from top to bottom; whoever changes what the key of an id is made of takes it out before."""

    __slots__ = ("ids", "rank")

    def __init__(self, ids: list[str], rank: Callable[[str], Key]) -> None:
        """Take over ids that stand as ``rank`` says."""
        self.ids = ids
        self.rank = rank

    def spot(self, key: Key) -> int:
        """At what place an id of this key stands or would stand."""
        return bisect_left(self.ids, key, key=self.rank)

    def find(self, run_id: str) -> int | None:
        """The place of an id; None where it is not in the order."""
        spot = self.spot(self.rank(run_id))
        return spot if spot < len(self.ids) and self.ids[spot] == run_id else None

    def add(self, run_id: str) -> None:
        """Put an id in."""
        insort(self.ids, run_id, key=self.rank)

    def remove(self, run_id: str) -> bool:
        """Take an id out; whether it was in."""
        spot = self.find(run_id)
        if spot is not None:
            del self.ids[spot]
        return spot is not None

    def drop(self, run_ids: list[str]) -> None:
        """Take several out that are in."""
        if len(run_ids) <= FEW:
            for run_id in run_ids:
                self.remove(run_id)
            return
        going = set(run_ids)
        self.ids[:] = [run_id for run_id in self.ids if run_id not in going]

    def merge(self, run_ids: list[str]) -> None:
        """Put several ids in."""
        if len(run_ids) <= FEW:
            for run_id in run_ids:
                self.add(run_id)
            return
        ids, rank = self.ids, self.rank
        run_ids.sort(key=rank)
        if not ids or rank(ids[-1]) < rank(run_ids[0]):
            ids += run_ids
            return
        merged: list[str] = []
        done = 0
        for run_id in run_ids:
            spot = bisect_left(ids, rank(run_id), done, key=rank)
            merged += ids[done:spot]
            merged.append(run_id)
            done = spot
        ids[:] = merged + ids[done:]
