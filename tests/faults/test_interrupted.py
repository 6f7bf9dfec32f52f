"""Ctrl+C at any system call from before the terminal is taken until the first frame stands, once or without end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.faults.crash import needs_strace, points
from tests.faults.table import Table
from tests.leaving import leave
from tests.program import COMMAND, environment
from tests.terminal import Terminal

FAULT = "ctrl+C at a system call before the board has the terminal"
CALLS = ("ioctl", "rt_sigaction", "rt_sigprocmask", "poll", "write")
FEW = 14


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs directory with a finished run."""
    leave(tmp_path / "runs", "00000000")
    return tmp_path / "runs"


class Program:
    """The board whose Textual never loads, traced by strace; ``guarded`` unless it heeds ctrl+C as others do."""

    def __init__(self, place: Path, runs: Path, *, guarded: bool = True) -> None:
        """Write it down."""
        (place / "slow" / "textual").mkdir(parents=True)
        (place / "slow" / "textual" / "__init__.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
        careless = "def plain(self, number, frame): raise KeyboardInterrupt\nearly.EarlyScreen._interrupt = plain\n"
        program = place / "board.py"
        program.write_text(
            f"from runboard.cli import early, program\n{'' if guarded else careless}program()\n", "utf-8"
        )
        self._log = place / "trace"
        self._command = [COMMAND[0], str(program), "--runs-dir", str(runs)]
        self._env = environment(PYTHONPATH=f"{place / 'slow'}:{Path(__file__).parents[2]}")

    def _terminal(self, *options: str) -> Terminal:
        """The program in a terminal, under strace."""
        words = ["strace", "-o", str(self._log), "-e", f"trace={','.join(CALLS)}", *options, *self._command]
        return Terminal(words, 80, 12, env=self._env)

    def places(self) -> list[str]:
        """The calls from the first that heeds a signal until there is nothing to do but to wait for Textual."""
        with self._terminal() as terminal:
            terminal.wait_for("make 00000000")
            terminal.press("ctrl+c")
            assert terminal.wait_exit(10) == 130
        lines = self._log.read_text(errors="replace").partition("--- SIGINT")[0].splitlines()
        calls = [line for line in lines if re.match(r"[a-z_]+\(", line)]
        first = next(number for number, call in enumerate(calls) if call.startswith("rt_sigprocmask(SIG_BLOCK, [TSTP]"))
        return points(calls, CALLS)[first:]

    def wrong(self, place: str, times: int) -> str:
        """What is wrong with the terminal after ctrl+C at a place, and at the next of its kind; empty for nothing."""
        name, _, when = place.partition(":when=")
        with self._terminal("-e", f"inject={name}:signal=INT:when={when}..{int(when) + times - 1}") as terminal:
            code = terminal.wait_exit(20)
            left = terminal.modes_left_on() | (set() if terminal.tty_sane() else {"tty"})
        return "" if not left and code in {130, -signal.SIGINT} else f"{place}: {code}, {left}"


@needs_strace
def test_ctrl_c_while_the_terminal_is_taken_leaves_it_as_it_was(tmp_path: Path, runs: Path, table: Table) -> None:
    """Pressed three times, the program ends as interrupted, the tty as a shell expects it; the control: only raised.

    What is only raised may come before ``with`` has begun, when the terminal is taken already.
    """
    program, careless = Program(tmp_path, runs), Program(tmp_path / "careless", runs, guarded=False)
    places = [place for place in program.places()[:FEW] if place.startswith("ioctl")][-4:]
    assert len(places) == 4
    harm = [wrong for place in places if (wrong := program.wrong(place, 3))]
    table.tell(FAULT, len(places), len(harm))
    assert not harm, "\n".join(harm)
    places.reverse()  # the last take the terminal
    unguarded = next((tries for tries, place in enumerate(places, 1) if "tty" in careless.wrong(place, 1)), 0)
    table.control(FAULT, unguarded, 1)
    assert unguarded


@needs_strace
@pytest.mark.nightly
def test_ctrl_c_at_any_call_leaves_the_terminal_as_it_was(tmp_path: Path, runs: Path, table: Table) -> None:
    """The same at each call until nothing is left to do but to wait, pressed once and three times."""
    program = Program(tmp_path, runs)
    trials = [(place, times) for place in program.places() for times in (1, 3)]
    harm = [wrong for place, times in trials if (wrong := program.wrong(place, times))]
    table.tell(FAULT, len(trials), len(harm))
    assert not harm, "\n".join(harm)
