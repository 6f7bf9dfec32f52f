"""What is sent to the terminal beside the frames is not lost while it takes none: it is owed, the last of each kind."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from tests.program import record
from tests.test_ui_terminal import board, ended
from tests.waiting import until

WRITE = {"x86_64": "1 0x2 ", "aarch64": "64 0x2 "}.get(os.uname().machine, "?")
"""How the call by which Textual's descriptor is written to looks in /proc."""

COPIED = b"\x1b]52;c;"
ALL_OVER = b"\x1b]2;runboard: 1 failed\x1b\\"


def stuck(process: int) -> bool:
    """Whether a thread of a process has been in one and the same write to its terminal for a while."""

    def writing() -> set[str]:
        calls = [one.read_text() for one in Path(f"/proc/{process}/task").glob("*/syscall")]
        return {call for call in calls if call.startswith(WRITE)}

    before = writing()
    time.sleep(0.2)
    return bool(before & writing())


@pytest.mark.skipif(WRITE == "?", reason="how the call to write looks in /proc is not known for this machine")
@pytest.mark.parametrize(
    ("how", "leaves"),
    [
        ((), False),
        pytest.param((), True, marks=pytest.mark.nightly),
        pytest.param(("forgetful",), False, marks=pytest.mark.nightly),
    ],
)
def test_a_copy_and_the_title_reach_a_terminal_that_was_behind(
    tmp_path: Path, how: tuple[str, ...], leaves: bool
) -> None:
    """Both come once it reads again, or with the leave; the control, which forgets what it owes, has lied of the copy.

    The title is given back as often as it was kept.
    """
    store = Store(str(tmp_path / "runs"))
    script = "while :; do head -c 9000 /dev/urandom | base64 -w 100; sleep 0.1; done"
    run = Control(store).start(["sh", "-c", script])
    with ExitStack() as stack:
        stack.callback(ended, store, run)
        terminal = stack.enter_context(board(Path(store.root), *how, rows=40))
        terminal.wait_for("following")
        terminal.stop_reading()
        until(lambda: stuck(terminal.process))
        while record(Path(store.root), run.id)["status"] != "failed":  # so that "y" is known to have been heard
            terminal.press("y", "S")
            time.sleep(0.3)  # for the question to come, unseen
            terminal.press("y")
            time.sleep(0.3)  # for the answer to be taken
        if leaves:
            terminal.press("q")
        terminal.resume_reading()
        if not leaves:
            terminal.wait_for("✘ failed")
            until(lambda: how or ALL_OVER in terminal.raw)
            terminal.press("q")
        assert terminal.wait_exit() == 0
        assert (COPIED in terminal.raw) is not bool(how)
        assert leaves or (ALL_OVER in terminal.raw) is not bool(how)
        assert terminal.raw.count(b"\x1b[22;2t") == terminal.raw.count(b"\x1b[23;2t")
