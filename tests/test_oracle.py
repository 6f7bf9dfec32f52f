"""No foreign byte reaches the terminal: the real board over hostile texts in every place, and a judge of each byte.

The judge (`tests.wire`) knows what a full-screen app of Textual writes, and what this board sends beside it. `PAYLOADS`
texts are on the screen, one after the other, each told by the mark before it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.hostile import MARK
from tests.keys import typed
from tests.planted import Planter
from tests.program import COMMAND
from tests.terminal import Terminal
from tests.waiting import until
from tests.wire import foreign, tokens

PAYLOADS = 3000
"""So many hostile texts are seen on the screen, at least."""

RUNS = 18
ALLOWED = {"bell", "clipboard", "notification", "narrow"}
"""What this board sends beside its frames; "narrow": no character that joins, recolours or widens others."""

_UNGUARDED = """
import sys
import runboard.ui.sendable  # with the cleaning that it needs itself
from runboard import safetext
how = sys.argv.pop(1)
if "reading" in how:
    safetext.clean = safetext.clean_lines = lambda text: text
    safetext.clean_log = lambda raw: raw.decode("utf-8", "replace")
if "wire" in how:
    from runboard.ui.wire import WireGuard
    WireGuard.apply = lambda self, segments, background: segments
    from runboard.ui import frame
    frame.sendable = lambda text: text
from runboard.cli import program
program()
"""


class Walk:
    """A board in a terminal with a planted runs directory below ``place``, and the marks that have been seen on it."""

    def __init__(self, place: Path, size: tuple[int, int], runs: int, *, seed: int = 1, without: str = "") -> None:
        """Plant, and open the board, ``without`` the cleaning at "reading", the guard of the "wire", or both."""
        self.planter, self.runs, self.seen = Planter(seed), place / "runs", set[str]()
        self._looked_at, self._text = -1, ""
        home = place / "home"
        self.planter.config(home)
        self.folders = [self.planter.run(self.runs, number) for number in range(runs)]
        self.planter.checkout(self.folders[0])
        self.planter.damaged(self.runs, 8)
        self.environment = self.planter.environment(home)
        self.live = self._started(place)
        argv = [sys.executable, "-c", _UNGUARDED, without] if without else COMMAND
        self.terminal = Terminal([*argv, "--runs-dir", str(self.runs)], *size, self.environment)
        self.terminal.wait_for("running", 20)
        self.kitty = "kitty keyboard" in self.terminal.modes_left_on()

    def _started(self, place: Path) -> str:
        """A live run of a strange name, whose processes have strange words."""
        kept = {key: value for key, value in {**os.environ, **self.environment}.items() if value is not None}
        words = self.planter.word
        told = ["--name", words(), "--tag", words(), "--model", words(), "--persona", words(), "--env", f"A={words()}"]
        command = ["sh", "-c", 'echo "$1"; "$0" 600; :', str(self.planter.program(place)), words(), words()]
        argv = [*COMMAND, "--runs-dir", str(self.runs), "run", *told, "--", *command]
        return subprocess.run(argv, env=kept, check=True, capture_output=True, text=True).stdout.strip()

    def close(self) -> None:
        """End the live run and the board."""
        argv = [*COMMAND, "--runs-dir", str(self.runs), "kill", "-s", "KILL", self.live]
        subprocess.run(argv, check=False, capture_output=True)
        self.terminal.close()

    def look(self) -> str:
        """What is on the screen; the marks on it have been seen."""
        written = len(self.terminal.raw)
        if written != self._looked_at:  # to read a large screen takes longer than to paint it
            self._looked_at, self._text = written, self.terminal.text()
            self.seen.update(MARK.findall(self._text))
        return self._text

    def press(self, key: str, then: str) -> None:
        """Press a key, or paste where it is "paste", until a text is on the screen or, behind "-", gone from it.

        The text has to come by the key: where it is there before, the step would prove nothing.
        """
        assert not then or not self.tells(then), f"before {key} the screen tells {then!r}:\n{self.terminal.text()}"
        if key == "paste":
            mark = self.planter.mark()
            self.terminal.send(b"\x1b[200~" + self.planter.line().replace(b"\x1b[201~", b"") + b"\x1b[201~")
            self.terminal.send(typed("home"))
            self.wait(mark, key)
        else:
            for one in key.split(";"):
                self.terminal.send(typed(one, kitty=self.kitty))
        self.wait(then, key)

    def tells(self, then: str) -> bool:
        """Whether a text is on the screen, or is not where "-" is before it."""
        return (then.removeprefix("-") in self.look()) is not then.startswith("-")

    def wait(self, then: str, key: str) -> None:
        """Until the screen tells a text; none is always told."""
        try:
            until(lambda: self.tells(then), 10)
        except AssertionError:
            raise AssertionError(f"{key} does not bring {then!r}:\n{self.terminal.text()}") from None

    def through(self, pane: str, signs: list[str]) -> None:
        """Show every run that was planted in a pane; each has a sign that only this pane shows."""
        self.press("g", "")
        self.press(pane, "")
        for sign in signs:
            self.press("down", sign)

    def panes(self) -> None:
        """Show every run in its details, its log and its response."""
        self.through("3", [f"Exit code    {20 + number}" for number in range(len(self.folders))])
        self.through("1", self.planter.last_lines)
        self.through("2", self.planter.first_words)

    def forms(self) -> None:
        """Open every question, form, list and bar, and paste a hostile text wherever one can be typed."""
        for walked in (LIVE, ENDED, BOARD, LOG):
            for key, then in walked:
                self.press(key, then)

    def endings(self) -> None:
        """Let the live run end, whose ending is told in a corner and by the terminal, and leave."""
        subprocess.run([*COMMAND, "--runs-dir", str(self.runs), "kill", self.live], check=True, capture_output=True)
        self.terminal.wait_for("Killed by")
        self.leave()

    def leave(self) -> None:
        """Leave, from wherever one is; no key is pressed once it gives the terminal back, where ctrl+c is a signal."""
        for _ in range(5):
            self.terminal.press("ctrl+c")
            with suppress(AssertionError):
                until(lambda: not self.terminal.modes_left_on(), 2)
                break
        assert self.terminal.wait_exit() == 0


def steps(told: str) -> list[tuple[str, str]]:
    """Keys, or some with ";" between, and the text that they bring; "-" before one that goes; a paste: its mark too."""
    halves = (step.strip().partition(" ") for step in told.split(" |"))
    return [(key, then) for key, _, then in halves]


LIVE = steps("""
    5 sh -c | s Stop this run? | n -Stop this run? | S Kill this run? | n -Kill this run? | x Send a signal |
    escape -Send a signal | p p continue | p p pause | i Directory | escape -Directory | n A new run | paste |
    escape once more | escape -once more | V marked | escape -marked
""")
ENDED = steps("""
    down failed  00000000 | 4 files changed | tab -enter open | pagedown -at 0 % | G end  Log | shift+tab enter open |
    i Directory | pagedown -Exit code | escape -Rerun of | m Count this run | paste |
    ctrl+s;c completed  00000000 | t Tags and note | paste | tab;z z¤02j | paste | ctrl+s -Tags and note | y clipboard |
    r Run this again? | y not kept | d Move this run | y all the same? | n -all the same? | down failed  00000001 |
    d Move this run | y u undo | u -u undo | * marked | d Move these | n -Move these | t Tags of these |
    escape -Tags of these | escape -marked
""")
BOARD = steps("""
    / enter keep | paste | escape -enter keep | / enter keep | a ctrl+s save | ctrl+s Save this filter | paste |
    enter -Save this filter | escape -of 13 shown | . 1 of 13 shown | . 3 of 13 shown | , 1 of 13 shown |
    , -of 13 shown | c no room | down;down;down;down;down;down;space ✔ Persona |
    escape -no room | T dracula | escape -dracula |
    ? Mark it, or unmark it | escape -Mark it, or unmark it | ctrl+p Search for commands | a / a | paste No matches |
    escape -No matches | F find in the logs | paste | escape Log  Response | F find in the logs |
    ¤ -find in the logs | enter 13 logs | escape -13 logs | > ▲ | o ▼
""")
LOG = steps("""
    up 8 files changed | 1 end of log | tab % go to | / find text | ¤ -find text | enter /¤ |
    n /¤ 71 | & show only | paste | enter No line matches | escape -&¤ | % 40 % | paste | enter is no place |
    escape -is no place | right column 9 | $ -column 9
""")


def shown(place: Path, without: str) -> bytes:
    """What a board without some layer writes when it shows a few runs in every pane, whatever becomes of the screen."""
    walk = Walk(place, (120, 40), 4, without=without)
    try:
        for key in "3jjjj1kkkk2jjjj":
            before = len(walk.terminal.raw)
            walk.terminal.send(key.encode())
            with suppress(AssertionError):
                until(lambda: len(walk.terminal.raw) > before, 2)  # noqa: B023 - asked at once
        walk.leave()  # what is still being written would end amid a sequence
        return walk.terminal.raw
    finally:
        walk.close()


def bells(written: bytes) -> int:
    """How often the terminal was made to ring; the same byte ends what names the mouse's shape, as over a toast."""
    return sum(token.whole == b"\a" for token in tokens(written))


def test_no_foreign_byte_in_any_pane(tmp_path: Path) -> None:
    """Thousands of hostile texts in details, logs and answers send nothing foreign, and clicks on them do nothing."""
    walk = Walk(tmp_path, (200, 100), RUNS)
    try:
        walk.panes()
        assert len(walk.seen.intersection(walk.planter.troubles)) > RUNS // 3, "failures of hooks are among the details"
        rung = bells(walk.terminal.raw)
        for y in range(4, 90, 3):
            walk.terminal.click(40, y)
            walk.terminal.click(150, y)
        walk.press("1", "2 response")
        assert walk.terminal._poll_exit() is None
        assert bells(walk.terminal.raw) == rung
        walk.endings()
        assert foreign(walk.terminal.raw, ALLOWED) == []
        assert len(walk.seen) >= PAYLOADS
    finally:
        walk.close()


def test_no_foreign_byte_in_any_form(tmp_path: Path) -> None:
    """Every form, question, list, bar, toast and copy sends nothing foreign, whatever is in the runs and is pasted."""
    walk = Walk(tmp_path, (130, 36), 4)
    try:
        with pytest.raises(AssertionError, match="before down the screen tells 'damaged'"):
            walk.press("down", "damaged")
        walk.forms()
        walk.endings()
        assert foreign(walk.terminal.raw, ALLOWED) == []
        assert b"\x1b]52;c;" in walk.terminal.raw
    finally:
        walk.close()


@pytest.mark.parametrize("without", ["wire", "reading"])
def test_each_layer_is_enough(tmp_path: Path, without: str) -> None:
    """Without the guard of the wire, or without the cleaning at reading, still nothing foreign gets through."""
    assert foreign(shown(tmp_path, without), ALLOWED) == []


def test_without_both_layers_dozens_get_through(tmp_path: Path) -> None:
    """Negative control: neither cleaned nor guarded, the same texts are foreign by the dozen."""
    assert len(foreign(shown(tmp_path, "reading and wire"), ALLOWED)) > 30
