"""Names whose width is disputed leave every column where it belongs; the judge is a real terminal, by its own cells."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.leaving import leave_failed
from tests.program import COMMAND
from tests.tmux import HAS_TMUX, Tmux
from tests.waiting import until

pytestmark = pytest.mark.skipif(not HAS_TMUX, reason="needs tmux")

KINDS = {
    "wide": "日本語 한국어 中文字 全角ＡＢ 🚀 ⌚⏰ 𠮷野家 ㊙㊗ 〰〽 ﷽",
    "narrow or wide": "§±\xd7÷ αβγ ①②③ ■□▲ ♀♂♠ ※→⇒ ∀∂∇ ─│┌ ЖЩЮ °\xb4¶",
    "combining": (
        "e\u0301\u0302 Z\u0351\u0352\u0353\u0354\u0355\u0356 a\u20dd n\u0303o ỹ\u0328 o\u0338 "
        "\u0301lone ก\u0e49\u0e33 ຳ\u0eb3 \u0651ش"
    ),
    "joined emoji": (
        "👩\u200d💻 👨\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 ❤\ufe0f\u200d🔥 👁\u200d🗨 🧑\u200d🚀x "
        "🐻\u200d❄ \u200d👩 👩\u200d \u200d\u200d"
    ),
    "variation selectors": (
        "❤\ufe0f ✔\ufe0e 1\ufe0f\u20e3 ☎\ufe0f ©\ufe0e 漢\U000e0100 A\ufe00 \ufe0f\ufe0f ⚠\ufe0f! ▶\ufe0f"
    ),
    "skin tones and flags": (
        "👍\U0001f3fd 👋\U0001f3ff \U0001f3fb 🇩🇪 🇩 🇩🇪🇫 🏴\U000e0067\U000e0062\U000e007f 🇺🇸🇬🇧 "
        "✊\U0001f3fe🤚 👩\U0001f3fd\u200d🚀"
    ),
    "Hangul": (
        "\u1100\u1161\u11a8 \u1112\u1161\u11ab\u1100\u1173\u11af \u1160 \u11ff \u115f\u1161 "
        "\u3164 \uffa0 \ud7b0\ud7fb 각\u11a8 \ua960\u1161"
    ),
    "right to left": ("שלום مرحبا \u202egnp.exe \u2066a\u2069b \u200fx\u200e الله\u0651 \u061cA1 א\u05b0ב ܫܠܡܐ ߒߞߏ"),
    "Indic": "क्षि नमस्ते தமிழ் മലയാളം ශ්‍රී తెలుగు ক্ষ্ম ਸ਼੍ਰੀ ಕ್ಷ मि\u0903",
    "controls": ("a\tb \x85x \x9b31mred \x90q\x9c \x1b[2Jx \r\x08\x08z \x7f\x7f \x1b]0;t\x07 \x0bq\x0c \u2028p\u2029"),
    "invisible": (
        "\u200bx\u200b \u2060\u2061 \ufeffb \xadsoft \u034fg \u180ev \ufff9a\ufffab\ufffb \U000e0041 \u17b4k \U0001d173"
    ),
    "halves and strangers": (
        "\ud800 x\udfff \ud83d\ud83d \udc80\udc9b \uffff \ufdd0 \U0010ffff \ue000 \U000f0000 \u0378"
    ),
    "disputed": "䷀䷿ ☰☷ 𝌆𝍡 ㉈㉏ \u302a\u302f \u3099か \U00016ff0 ⚊⚏ \U0001fae8 \U0001f6d8",
    "overlong": " ".join(
        piece * 90
        for piece in ("日", "e\u0301", "👩\u200d💻", "\u0301", "🇩🇪", "क्षि", "\u1160", "x\u200b", "ﷺ", "⚠\ufe0f")
    ),
}
"""Words of each kind; a run is named after each, so that its columns stand behind it."""

NAMES = [word for words in KINDS.values() for word in words.split(" ")]

IDS = [f"{number:08d}" for number in range(len(NAMES))]

NAIVE = {
    "counted by characters": """
from rich import cells
cells.cell_len = cells.cached_cell_len = lambda text, *_: len(text)
cells.get_character_cell_size = lambda *_: 1
""",
    "not cleaned": """
import runboard.ui.sendable  # with the cleaning that it needs itself
from runboard import safetext
joins = {chr(0x200D), chr(0xFE0E), chr(0xFE0F)}
safetext.clean = safetext.clean_lines = lambda text: "".join(c for c in text if c.isprintable() or c in joins)
from runboard.ui import frame, wire
wire.WireGuard.apply = lambda self, segments, background: segments
frame.sendable = lambda text: text
""",
}
"""Boards that take every character for one cell, or show every printable one, and believe what Rich says of it."""

DISPLACED = {
    "counted by characters": {"日本語", "한국어", "👩\u200d💻", "全角ＡＢ"},
    "not cleaned": {"❤\ufe0f", "👍\U0001f3fd", "☰☷", "\u3164", "1\ufe0f\u20e3"},
}
"""Some of the names that such a board puts columns behind where they do not belong."""


def rows_of(runs: Path, argv: list[str]) -> list[str]:
    """What stands under Exit and Reason in each row of a board on these runs, as the terminal counts its cells."""
    more = {"XDG_STATE_HOME": str(runs / ".state"), "XDG_CACHE_HOME": str(runs / ".cache")}
    rows = len(NAMES) + 10
    with Tmux([*argv, "--runs-dir", str(runs)], 190, rows, more) as screen:
        screen.wait_for("q quit", 20)
        screen.resize(200, rows)  # now every line is drawn anew, from its first cell to its last
        screen.wait_for("Started")  # there is room for a column more
        drawn = time.monotonic()

        def whole() -> bool:
            """Whether there is one row for each run; a careless board may have wrapped one, and draws it all anew."""
            nonlocal drawn
            if time.monotonic() > drawn + 3:
                screen.resize(199, rows)
                screen.resize(200, rows)
                drawn = time.monotonic()
            return ids(screen) == IDS

        until(whole, 10, "one row for each run, none wrapped")
        place = screen.line_with("Started").index("Exit")
        seen = [list[str]()]

        def painted() -> bool:
            """Whether the terminal has got all that the board had to say to that."""
            seen.append(screen.cells(place, place + len(reason(0))))
            return seen[-1] == seen[-2]

        until(painted, 10, "the screen has come to rest")
    found = seen[-1]
    return found[found.index("Exit  Reason") + 1 :][: len(NAMES)]


def ids(screen: Tmux) -> list[str]:
    """The runs on the screen, row by row below the titles."""
    lines = screen.screen()
    return [line[14:22] for line in lines[3 : 3 + len(NAMES)]]


def reason(number: int) -> str:
    """What stands under Exit and Reason for a run."""
    return f"{100 + number}  Exited with code {100 + number}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs directory in which every run has a strange name and issue, and an exit code of its own."""
    runs = tmp_path_factory.mktemp("strange") / "runs"
    for number, (run_id, name) in enumerate(zip(IDS, NAMES, strict=True)):
        leave_failed(runs, run_id, 100 + number, name=name, issue=name[:3], age=60.0 + number)
    return runs


def test_every_column_is_where_it_belongs(runs: Path) -> None:
    """Behind each of 140 names stand exit code and reason in the columns under their titles, one row for each run."""
    assert len(NAMES) == 140
    assert rows_of(runs, COMMAND) == [reason(number) for number in range(len(NAMES))]


@pytest.mark.parametrize("how", NAIVE)
def test_a_naive_board_displaces_columns(runs: Path, how: str) -> None:
    """The control: the terminal sees other things under Exit and Reason."""
    found = rows_of(runs, [sys.executable, "-c", f"{NAIVE[how]}\nfrom runboard.cli import program\nprogram()"])
    displaced = {name for number, name in enumerate(NAMES) if found[number] != reason(number)}
    assert len(displaced) >= 20
    assert displaced >= DISPLACED[how]
