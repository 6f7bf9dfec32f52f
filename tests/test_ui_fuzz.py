"""A terminal that sends rubbish without end: the board lives, hears the next key, and nothing happens to a run.

The rubbish holds act keys (s, S, x, d, r), but no key that confirms (y, enter, ctrl+s), acts at once (p), or leaves
(q, ctrl+c, ctrl+q), in any form: whatever happens to a run after it was done without anybody's confirmation.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.leaving import leave
from tests.program import COMMAND, environment, record, runboard, start
from tests.terminal import Terminal, _set_size
from tests.waiting import until

LOOSE = bytes(code for code in range(256) if code not in b"\x03\n\r\x11\x13\x1a\x1byYqQp")
"""Bytes that may come by themselves: every one that neither confirms, acts at once, nor leaves."""

NUMBERS = ("", "0", "-5", "55296", "57358", "1114112", "99999999", "9" * 30, "9" * 300)
"""Codes and places that cannot be."""

ABSURD = (
    *(b"\xff", b"\xff\xfe", b"\x1b[1114112;1u", b"\x1b[99999999;5u", b"\x1b[" + b"9" * 300 + b"u", b"\x1b[0;0;0u"),
    *(b"\x1b[<0;99999999999;1M", b"\x1b[<0;-5;1M", b"\x1b[<64;1;1M\x1b[M\xff\xff\xff", b"\x1b[99999;99999R"),
    *(b"\x1b[48;99999;99999;0;0t", b"\x1b[?2048;1$y", b"\x1b[200~" + b"x" * 500 + b"\x1b[201~"),
)
"""Bad UTF-8, keys and places that cannot be, sizes that would not fit."""

SEEN = "On the disk"
"""What the details of a run show, and nothing else."""

Chance = random.Random


def rubbish(chance: Chance) -> bytes:
    """One piece of what no terminal sends, or only by accident."""
    kinds: tuple[Callable[[Chance], bytes], ...] = (_loose, _report, _report, _mouse, _broken, _string, _paste, _answer)
    return chance.choice(kinds)(chance)


def _loose(chance: Chance) -> bytes:
    """A few bytes by themselves: keys, NULs, halves of characters."""
    return bytes(chance.choice(LOOSE) for _ in range(chance.randrange(1, 12)))


def _report(chance: Chance) -> bytes:
    """A key or a size as the newer protocols report them, with absurd numbers, sometimes cut short."""
    numbers = ";".join(chance.choice(NUMBERS) for _ in range(chance.randrange(1, 8)))
    whole = f"\x1b[{chance.choice(('', '', '<', '>', '?', '=', ' '))}{numbers}{chance.choice('u~RtcMm$AZIO')}".encode()
    return whole if chance.random() < 0.8 else whole[: chance.randrange(2, len(whole) + 1)]


def _mouse(chance: Chance) -> bytes:
    """A mouse that is nowhere, or without numbers, or that says too little."""
    x10 = b"\x1b[M" + bytes(chance.choice(LOOSE) for _ in range(chance.randrange(4)))
    return chance.choice((x10, b"\x1b[<35;99999;-1M", b"\x1b[<;;M", b"\x1b[<64;0;0M", b"\x1b[<0;1", b"\x1b[<0;0;0;0m"))


def _broken(chance: Chance) -> bytes:
    """Bytes that are no UTF-8: stray, overlong, surrogates, cut short."""
    pieces = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf0\x9f\x91", b"\xe2\x82", b"\x9b", b"\xf8\x88\x80\x80\x80")
    return b"".join(chance.choice(pieces) for _ in range(chance.randrange(1, 6)))


def _string(chance: Chance) -> bytes:
    """A string sequence, mostly without its end."""
    inside = bytes(chance.choice(LOOSE) for _ in range(chance.randrange(300)))
    return chance.choice((b"\x1b]", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX")) + inside + chance.choice((b"", b"\a"))


def _paste(chance: Chance) -> bytes:
    """A paste, long, with sequences in it, half of them without an end, until the next one ends it."""
    inside = b"".join(chance.choice((_report, _string, _broken))(chance) for _ in range(chance.randrange(6)))
    return b"\x1b[200~" + inside + b"sSxdr" * 40 + chance.choice((b"\x1b[201~", b"", b"\x1b[201", b"\x1b[200~"))


def _answer(chance: Chance) -> bytes:
    """An answer to what nobody asked."""
    return chance.choice(
        (
            *(b"\x1b[?2048;1$", b"\x1b[48;9999;9999;0;0t", b"\x1b]11;rgb:dd/ss/xx\x1b\\", b"\x1b[?62;22c", b"\x1b[0n"),
            *(b"\x1bP>|xd(390)\x1b\\", b"\x1b_Gi=1;sd\x1b\\", b"\x1b[I", b"\x1b[O", b"\x1b]52;c;ZHN4\a", b"\x1b[1;1R"),
        )
    )


def stream(seed: int, size: int) -> Iterator[bytes]:
    """So many bytes of rubbish of a seed, piece by piece, the absurd first."""
    chance = Chance(seed)
    for piece in ABSURD:
        size -= len(piece)
        yield piece
    while size > 0:
        piece = rubbish(chance)
        size -= len(piece)
        yield piece


def contents(runs: Path) -> dict[str, bytes]:
    """All that lies in the runs directory."""
    return {str(path): path.read_bytes() for path in sorted(runs.glob("*/*")) if path.is_file()}


def answers(terminal: Terminal, limit: float) -> None:
    """Whatever was opened is left, and a key is answered after all that came before it."""
    terminal.send(b"\x1b\\\x1b[201~" + b"\x1b[27u" * 16 + b"1gi")
    terminal.wait_for(SEEN, limit)
    terminal.send(b"\x1b[27u")
    terminal.wait_gone(SEEN, limit)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """Finished runs, with a live one above them."""
    root = tmp_path / "runs"
    live = start(root, "--", "sleep", "600")
    for number in range(3):
        leave(root, f"0000000{number}", log=b"hello\n" * 100)
    yield root
    assert record(root, live)["status"] == "running"
    runboard(root, "kill", "-s", "KILL", live)


def board(runs: Path, *words: str) -> Terminal:
    """The program in a terminal, with a home of its own, once the terminal is its own: before, it is the kernel's."""
    home = {name: str(runs.parent / name) for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    return ready(Terminal([*COMMAND, "--runs-dir", str(runs), *words], 120, 36, environment(**home)))


def ready(terminal: Terminal) -> Terminal:
    """A terminal whose program reads keys as they are typed."""
    terminal.wait_for("completed", 20)
    until(lambda: not terminal.tty_sane(), 20)
    return terminal


def resize_wildly(terminal: Terminal) -> None:
    """A hundred sizes at once, nothing and one cell among them, and then the first one again."""
    for number in range(100):
        _set_size(terminal._master, *((0, 0), (1, 1), (number, 2), (300, number), (3, 90))[number % 5])
    terminal.resize(120, 36)


@pytest.mark.parametrize("size", [2_500, pytest.param(250_000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("words", [(), ("--watch",)], ids=["acting", "guest"])
def test_rubbish_without_end(runs: Path, words: tuple[str, ...], size: int) -> None:
    """A board that is sent nothing but rubbish, and resized wildly, lives and answers; the runs are as before."""
    before = contents(runs)
    with board(runs, *words) as terminal:
        for number, piece in enumerate(stream(len(words), size)):
            terminal.send(piece)
            if number % 500 == 499:
                answers(terminal, 60)
        answers(terminal, 60)
        resize_wildly(terminal)
        answers(terminal, 20)
        terminal.send(b"q")
        assert terminal.wait_exit() == 0
    assert contents(runs) == before


def test_textual_itself_is_deaf_after_it(runs: Path) -> None:
    """Negative control: a tenth of these bytes, and Textual's own driver hears no key any more."""
    with Terminal([sys.executable, "-m", "tests.opened", str(runs), "stock"], 120, 36) as terminal:
        ready(terminal)
        for piece in stream(0, 250):
            terminal.send(piece)
        with pytest.raises(AssertionError):
            answers(terminal, 2)


@pytest.mark.parametrize("words", [(), ("--watch",)], ids=["acting", "guest"])
def test_a_terminal_that_goes_amid_a_paste(runs: Path, words: tuple[str, ...]) -> None:
    """The window is closed in the middle of a megabyte of a paste: the board has left within two seconds."""
    with board(runs, *words) as terminal:
        terminal.send(b"/\x1b[200~" + b"x" * 1_000_000)
        terminal.hang_up()
        until(terminal.ended, 2)
        assert terminal.exit_code == 129
