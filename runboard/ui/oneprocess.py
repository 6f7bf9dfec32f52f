"""A signal for one process of a run: picked, asked about where it ends something, sent to that process and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from runboard import process
from runboard.control import Control
from runboard.errors import ControlError
from runboard.model import Run
from runboard.store import StoreError
from runboard.ui.acts import Ask
from runboard.ui.processpane import name_of


class OneProcess:
    """From the question to the sentence that tells what came of it."""

    def __init__(self, control: Control, ask: Ask, tell: Callable[[str, bool], None]) -> None:
        """Act through ``control``; ``tell`` gets a sentence and whether it is an error."""
        self._control = control
        self._ask = ask
        self._tell = tell

    async def signal(self, run: Run, usage: process.Usage) -> None:
        """Send this process of a run the signal that somebody picks."""
        from runboard.signalling import HARMLESS  # noqa: PLC0415 - it loads when it is first wanted
        from runboard.ui.confirm import Confirm  # noqa: PLC0415 - likewise
        from runboard.ui.signals import SignalPicker  # noqa: PLC0415 - likewise

        member = usage.member
        named = f"process {member.pid}, {name_of(member)[:60]}"
        picked = await self._ask(SignalPicker((run,), named))
        if picked is None:
            return
        signal = picked[0]
        question = Confirm("Signal this process?", run, f"{signal.name} to {named}; to no other.", "send it")
        if signal not in HARMLESS and await self._ask(question) is not True:
            return
        who = (member.pid, member.start_ticks)
        try:
            await asyncio.to_thread(self._control.signal_process, run.id, who, signal)
        except (ControlError, StoreError, OSError) as error:
            self._tell(str(error), True)
        else:
            self._tell(f"{signal.name} was sent to process {member.pid}", False)
