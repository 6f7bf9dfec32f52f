"""How news come in: nobody waits for the app, the newest of each run counts, and sizes are in no hurry."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from runboard.batch import Batch
from runboard.model import Run
from runboard.ui.intake import FLOODED, MANY, PACE, Intake

ONE, OTHER = Run("11111111", name="train"), Run("22222222", name="import")


class Woken:
    """An intake on the running loop, and how often it has woken the app."""

    def __init__(self) -> None:
        """Not yet."""
        self.times = 0
        self._again = asyncio.Event()
        self.intake = Intake(asyncio.get_running_loop(), self._wake)

    def _wake(self) -> None:
        """Count."""
        self.times += 1
        self._again.set()

    async def soon(self) -> int:
        """How often by now, with what is due at once."""
        for _ in range(3):
            await asyncio.sleep(0)
        return self.times

    async def reach(self, times: int) -> None:
        """Wait until the app has been woken so often."""
        async with asyncio.timeout(5):
            while self.times < times:
                self._again.clear()
                await self._again.wait()


async def test_news_from_another_thread_never_wait() -> None:
    """A thousand batches offered from a thread while the loop does not run cost no time, and arrive as one."""
    woken = Woken()

    def offer() -> None:
        for number in range(1000):
            woken.intake.offer(Batch((ONE._replace(name=f"state {number}"), OTHER), (), (f"word {number % 2}",)))
        woken.intake.offer(Batch(removed=(OTHER.id,)))

    thread = threading.Thread(target=offer)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert await woken.soon() == 1
    batch = woken.intake.take()
    assert ([run.name for run in batch.changed], batch.removed) == (["state 999"], (OTHER.id,))
    assert len(batch.notices) == 1000
    woken.intake.offer(Batch((OTHER,)))
    assert woken.intake.take() == Batch((OTHER,))


async def test_an_ending_does_not_wait_for_sizes() -> None:
    """Sizes come a moment later, and news right after them at once; news right after other news wait (the control)."""
    woken = Woken()
    woken.intake.offer(Batch(sizes={ONE.id: 1}))
    assert await woken.soon() == 0
    await woken.reach(1)
    assert woken.intake.take() == Batch(sizes={ONE.id: 1})
    woken.intake.offer(Batch((ONE,)))
    assert await woken.soon() == 2
    assert woken.intake.take() == Batch((ONE,))
    woken.intake.offer(Batch((OTHER,)))
    assert await woken.soon() == 2
    await woken.reach(3)
    assert woken.intake.take() == Batch((OTHER,))


async def test_sizes_come_with_the_news() -> None:
    """What waits in no hurry is taken with what comes meanwhile, and wakes nobody once more."""
    woken = Woken()
    woken.intake.offer(Batch(sizes={ONE.id: 1}))
    woken.intake.offer(Batch((ONE,)))
    assert await woken.soon() == 1
    assert woken.intake.take() == Batch((ONE,), sizes={ONE.id: 1})
    await asyncio.sleep(1.2 * FLOODED)
    assert woken.times == 1


async def test_a_flood_is_painted_less_often() -> None:
    """Where many runs change within the pace the next look comes later; the control: one run fewer, and it does not."""
    loop, all_told = asyncio.get_running_loop(), asyncio.Event()
    woken: list[tuple[int, float]] = []
    begun = {}

    def wake(count: int) -> None:
        """Note who woke, and when."""
        woken.append((count, loop.time()))
        if len(woken) == 4:
            all_told.set()

    for count in (MANY, MANY - 1):
        intake = Intake(loop, partial(wake, count))
        intake.offer(Batch(tuple(Run(f"{number:08x}") for number in range(count))))
        begun[count] = loop.time()
        assert len(intake.take().changed) == count
        intake.offer(Batch((ONE,)))
    async with asyncio.timeout(5):
        await all_told.wait()
    assert [count for count, _at in woken] == [MANY, MANY - 1, MANY - 1, MANY]
    few, many = (at - begun[count] for count, at in woken[2:])
    assert (few >= PACE, many >= FLOODED) == (True, True)
