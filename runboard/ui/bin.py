"""Runs thrown away and brought back, one or many, each told in a sentence; work that is nowhere else asks again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from runboard.control import Control
from runboard.safetext import clean
from runboard.ui.deeds import Deed, one_by_one


class Bin:
    """What is done to runs that go to the trash of this board, and in what order they come back."""

    def __init__(self, control: Control, undo: Callable[[], str]) -> None:
        """Act through ``control``; ``undo`` says which key brings a run back."""
        self._control = control
        self._undo = undo
        self.thrown: list[tuple[str, ...]] = []
        self._throwing: list[asyncio.Event] = []

    @property
    def undoable(self) -> bool:
        """Whether there is anything to bring back, or will be in a moment."""
        return bool(self.thrown or self._throwing)

    @contextmanager
    def throwing(self) -> Iterator[None]:
        """Something is on its way to the trash: who wants the last of it back waits until it is there."""
        gone = asyncio.Event()
        self._throwing.append(gone)
        try:
            yield
        finally:
            self._throwing.remove(gone)
            gone.set()

    async def last(self) -> tuple[str, ...]:
        """What was thrown away last, once all that is on its way has arrived; none where nothing has."""
        for gone in tuple(self._throwing):
            await gone.wait()
        return self.thrown.pop() if self.thrown else ()

    def note(self, deeds: Sequence[Deed]) -> None:
        """Remember what went together, so that it comes back together."""
        if gone := tuple(deed.run_id for deed in deeds if deed.error is None):
            self.thrown.append(gone)

    def throw(self, run_id: str) -> str:
        """Throw one away."""
        self._control.trash(run_id)
        return f"is in the trash; {self._undo()} brings it back"

    def throw_all_the_same(self, run_id: str) -> str:
        """Throw one away with work that is nowhere else."""
        self._control.trash(run_id, force=True)
        return f"is in the trash with its work; {self._undo()} brings it back"

    def throw_all(self, run_ids: Sequence[str], throw: Callable[[str], str]) -> Iterator[Deed]:
        """Throw away one, or many with the trash held open for all of them."""
        if len(run_ids) == 1:
            yield from one_by_one(run_ids, throw)
            return
        for one in self._control.clear(run_ids):
            yield Deed(one.run_id, "is in the trash" if one.error is None else str(one.error), one.error)

    def bring_back(self, run_id: str) -> str:
        """Bring one back, with its branch if that went too."""
        return "; ".join(["is back", *self._control.restore(run_id)])

    def at_stake(self, kept: Mapping[str, Exception | None]) -> str:
        """What work runs hold that is nowhere else, and that the trash does not lose it yet."""
        held = [clean(str(error)).partition(" holds ")[2].rpartition("; save it")[0] for error in kept.values()]
        what = f"Its repo/ holds {held[0]}" if len(held) == 1 else "Their repo/ hold work that is nowhere else"
        return f"{what}. {self._undo()} brings it back; only trash empty --force loses it."
