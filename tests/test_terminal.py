"""The terminal that other tests trust: it sees what was left on, presses real keys, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.terminal import Colour, Terminal
from tests.waiting import until
from tests.wire import foreign

MODES_ON = r"\033[?1049h\033[?1000h\033[?1003h\033[?1006h\033[?2004h\033[?1004h\033[?2048h\033[>25u\033[?25l"
MODES_OFF = r"\033[?2048l\033[?1004l\033[?2004l\033[?1006l\033[?1003l\033[?1000l\033[<u\033[?1049l\033[?25h"
NAMES = {
    "alternate screen",
    "mouse 1000",
    "mouse 1003",
    "mouse 1006",
    "bracketed paste 2004",
    "focus 1004",
    "in-band resize 2048",
    "kitty keyboard",
    "cursor hidden",
}


def shell(script: str, columns: int = 40, rows: int = 5) -> Terminal:
    """A terminal with a few lines of sh in it, which writes to its standard error as Textual does."""
    return Terminal(["sh", "-c", script], columns, rows)


def test_modes_of_a_killed_program_stay_on() -> None:
    """A program that is killed leaves its modes on, by name, and a raw tty; one that tidies up leaves neither."""
    with shell(f"stty raw -echo; printf '{MODES_ON}ready' >&2; exec sleep 60") as terminal:
        terminal.wait_for("ready")
        assert terminal.modes_left_on() == NAMES
        assert not terminal.tty_sane()
        os.kill(terminal.process, signal.SIGKILL)
        assert terminal.wait_exit() == -signal.SIGKILL
        assert terminal.modes_left_on() == NAMES
        assert not terminal.tty_sane()
    with shell(f"stty raw -echo; printf '{MODES_ON}' >&2; printf '{MODES_OFF}' >&2; stty sane; exit 3") as terminal:
        assert terminal.wait_exit() == 3
        assert terminal.modes_left_on() == set()
        assert terminal.tty_sane()


def test_the_screen_is_read() -> None:
    """Text, colours, both screens and a sequence that pyte does not know come out as a person would see them."""
    script = r"stty -echo; printf 'one\033[>4;2m\033[?2026$p\n\033[38;2;255;0;16mred\033[7m!\033[0m' >&2; read x"
    with shell(script + r"; printf '\033[?1049hsecond' >&2; read x; printf '\033[?1049l' >&2; read x") as terminal:
        terminal.wait_for("red!")
        assert [line.rstrip() for line in terminal.screen()] == ["one", "red!", "", "", ""]
        assert {len(line) for line in terminal.screen()} == {40}
        assert terminal.colour_at(0, 1) == Colour("ff0010", "default")
        assert terminal.colour_at(3, 1) == Colour("default", "ff0010")
        terminal.press("enter")
        terminal.wait_for("second")
        assert "red!" not in terminal.text()
        terminal.press("enter")
        terminal.wait_gone("second")
        assert "red!" in terminal.text()


def test_a_missing_text_says_what_is_on_the_screen() -> None:
    """A text that does not come is an AssertionError that shows the screen and the exit code."""
    with shell("echo something else; exit 4") as terminal:
        terminal.wait_exit()
        with pytest.raises(AssertionError, match=r"(?s)'wanted' did not appear.*exit code 4.*something else"):
            terminal.wait_for("wanted", limit=0.05)


def test_keys_arrive() -> None:
    """Named keys and characters arrive as their bytes; an escape that would swallow the next key is refused."""
    with shell("stty raw -echo; echo ready; dd bs=1 count=17 2>/dev/null | od -An -tx1 -w17", 80) as terminal:
        terminal.wait_for("ready")
        with pytest.raises(ValueError, match="press them apart"):
            terminal.press("escape", "j")
        terminal.press("down", "f1", "ctrl+a", "tab", "é", "alt+x", "pagedown", "escape")
        terminal.wait_for("1b 5b 42 1b 4f 50 01 09 c3 a9 1b 78 1b 5b 36 7e 1b")


def test_ctrl_c_is_a_signal() -> None:
    """The pty is the program's controlling terminal: ctrl+c interrupts it."""
    with shell("trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.02; done") as terminal:
        terminal.wait_for("ready")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 7
        assert "interrupted" in terminal.text()


def test_a_new_size_is_told() -> None:
    """The size is right from the start, and a change of it raises SIGWINCH."""
    with shell("stty size; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done") as terminal:
        terminal.wait_for("ready")
        terminal.resize(70, 9)
        terminal.wait_exit()
        assert "5 40" in terminal.text()
        assert "9 70" in terminal.text()
        assert (len(terminal.screen()), len(terminal.screen()[0])) == (9, 70)


def test_questions_are_answered() -> None:
    """What programs ask a terminal is answered once each, also where a question is cut in two."""
    ask = r"printf '\033[c\033[6n\033[?2026$p\033[?20'; sleep 0.05; printf '48$p\033[?u\033]11;?\007'"
    with shell(f"stty raw -echo; {ask}; dd bs=1 count=67 2>/dev/null | od -An -c -w67; echo", 400) as terminal:
        terminal.wait_exit()
        told = terminal.text().replace(" ", "")
        assert "033[?62;22c033[1;1R033[?2026;2$y033[?2048;0$y033[?0u033]11;rgb:0000/0000/0000033" in told


def test_nothing_is_drained() -> None:
    """A terminal that stopped reading blocks the program's writes; they go on when it reads again."""
    with shell("echo go; read x; head -c 1000000 /dev/zero | tr '\\0' x; echo; echo done", 80) as terminal:
        terminal.wait_for("go")
        terminal.stop_reading()
        terminal.press("enter")
        writers = f"/proc/{terminal.process}/task/{terminal.process}/children"
        blocked = "n_tty_write"
        until(lambda: any(_waits_in(pid) in {blocked, "wait_woken", "0"} for pid in _words(writers)), what="blocked")
        assert len(terminal.raw) < 100_000
        assert "done" not in terminal.text()
        terminal.resume_reading()
        terminal.wait_for("done")
        terminal.wait_exit()
        assert len(terminal.raw) > 1_000_000


def test_hanging_up_ends_the_program() -> None:
    """A closed window is SIGHUP to the program and an end of its input."""
    with shell("echo ready; exec sleep 60") as terminal:
        terminal.wait_for("ready")
        terminal.hang_up()
        assert terminal.wait_exit() == -signal.SIGHUP


def test_no_process_is_left() -> None:
    """The end of the block also ends children that ignore signals, that left the session, and that were stopped."""
    leaver = "trap '' TERM HUP INT; setsid sleep 61 & sleep 62 & kill -STOP $!; sleep 63 & echo ready; wait"
    with shell(leaver) as terminal:
        terminal.wait_for("ready")
        started = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if terminal._started(pid)]
        assert len(started) == 4
    assert [pid for pid in started if os.path.exists(f"/proc/{pid}/exe") and _state(pid) != "Z"] == []


def test_a_program_that_is_not_there() -> None:
    """What cannot be started is an OSError, with no pty left open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        Terminal(["no-such-program-anywhere"])
    assert len(os.listdir("/proc/self/fd")) == before


APP = """
from textual.app import App
from textual.widgets import Static
class Small(App):
    BINDINGS = [("q", "quit", ""), ("escape", "note('escaped')", ""), ("f1", "note('helped')", ""), ("b", "bell", "")]
    def compose(self): yield Static("waiting")
    def action_note(self, word): self.query_one(Static).update(f"{word} {self.size}")
    def action_bell(self): self.bell()
    def on_resize(self, event): self.query_one(Static).update(f"size {event.size.width}x{event.size.height}")
    def on_click(self, event): self.query_one(Static).update(f"clicked {event.x},{event.y}")
    def on_paste(self, event): self.query_one(Static).update(f"pasted {event.text}")
Small().run()
"""


@pytest.mark.parametrize("in_band", [False, True])
def test_a_textual_app_lives_in_it(in_band: bool) -> None:
    """A Textual app, which draws on its standard error, starts, takes keys, clicks and sizes, and leaves all clean."""
    with Terminal([sys.executable, "-c", APP], 40, 6, in_band=in_band) as terminal:
        terminal.wait_for("size 40x6")
        assert "alternate screen" in terminal.modes_left_on()
        if in_band:  # switched on when the terminal's answer has been read, which may be after the first paint
            until(lambda: "in-band resize 2048" in terminal.modes_left_on(), 10)
        terminal.press("escape")
        terminal.wait_for("escaped")
        terminal.press("f1")
        terminal.wait_for("helped")
        terminal.click(3, 2)
        terminal.wait_for("clicked 3,2")
        terminal.resize(50, 8)
        terminal.wait_for("size 50x8")
        assert ("in-band resize 2048" in terminal.modes_left_on()) == in_band
        assert foreign(terminal.raw) == []
        terminal.press("escape", "q")
        assert terminal.wait_exit() == 0
        assert terminal.modes_left_on() == ({"mouse 1016"} if in_band else set())  # Textual 8.2.8 never takes it back
        assert terminal.tty_sane()
        assert foreign(terminal.raw) == []


def test_textuals_bell_is_told_from_its_drawing() -> None:
    """A bell that the app rings is foreign unless it is allowed."""
    with Terminal([sys.executable, "-c", APP], 40, 6) as terminal:
        terminal.wait_for("size 40x6")
        terminal.press("b", "q")
        terminal.wait_exit()
        assert [piece.sample for piece in foreign(terminal.raw)] == [b"\a"]
        assert foreign(terminal.raw, allowed={"bell"}) == []


def _words(path: str) -> list[str]:
    """The words of a small file."""
    with open(path, encoding="ascii") as file:
        return file.read().split()


def _waits_in(pid: str) -> str:
    """The kernel function that a process sleeps in."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return file.read()


def _state(pid: int) -> str:
    """A process's state letter."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0]
