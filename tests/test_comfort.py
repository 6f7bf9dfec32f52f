"""The board after a person's taste: themes that can be read, keys that are theirs, ASCII where there is no more."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from runboard.model import Outcome, Reason, Run, Status
from runboard.plain import SIGNS, ascii_text, wanted
from runboard.state import Forgotten, State
from runboard.ui.keys import bound, keymap
from runboard.ui.taste import Taste
from runboard.ui.theme import CLEAR, DARK
from runboard.ui.themes import OURS, READABLE, fitted, names, ratio
from tests.pilots import NOW, fixed_board
from tests.program import COMMAND, environment, runboard
from tests.terminal import Terminal

LIVE = Run("11111111", name="live one", command=("x",), started_at=NOW - 5)
LOST = Run(
    *("22222222",),
    name="café ✨ 日本",
    command=("y",),
    started_at=NOW - 9,
    completed_at=NOW - 2,
    outcome=Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", None, 3),
)
GROUNDS = ("background", "surface", "panel", "cursor", "cursor-blurred")
PAINTED = [theme for theme in (*OURS, *BUILTIN_THEMES.values()) if not theme.ansi]


def colours(theme: Theme, *, bare: bool = False) -> dict[str, Color]:
    """The colours that the board has in a theme, or those that the theme itself brings."""
    found = {**theme.to_color_system().generate(), **theme.variables}
    found |= {} if bare else fitted(theme, found)
    kinds = (*GROUNDS, "foreground", "quiet", "faint", "accent", "error", "amber")
    return {kind: Color.parse(found[kind]) for kind in kinds if kind in found}


def unreadable(inks: dict[str, Color]) -> list[str]:
    """Texts that stand out too little from a ground that they may have."""
    pairs = [*itertools.product(("foreground", "quiet", "accent", "error", "amber"), GROUNDS), ("faint", "background")]
    return [f"{ink} on {on}" for ink, on in pairs if {ink, on} <= inks.keys() and ratio(inks[ink], inks[on]) < READABLE]


@pytest.mark.parametrize("theme", PAINTED, ids=lambda theme: theme.name)
def test_text_can_be_read(theme: Theme) -> None:
    """Every ink has a contrast of 4.5:1 on every ground that it may stand on, in our themes and in Textual's."""
    assert unreadable(colours(theme)) == []


def test_contrast_is_what_wcag_says_it_is() -> None:
    """Black on white is 21:1, #767676 on white just passes, and the check sees themes that cannot be read."""
    white = Color.parse("#fff")
    assert round(ratio(Color.parse("#000"), white), 2) == 21.0
    assert round(ratio(Color.parse("#767676"), white), 2) == 4.54
    assert [theme.name for theme in PAINTED if unreadable(colours(theme, bare=True))]


PROTAN = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
DEUTAN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))


def seen(colour: Color, eyes: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    """A colour as such eyes see it, after Machado, Oliveira and Fernandes (2009), full severity, in linear light."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return tuple(sum(weight * part for weight, part in zip(row, linear, strict=True)) for row in eyes)


def apart(one: Color, other: Color) -> float:
    """How far two colours lie apart at least, without their lightness, for eyes that do not tell red from green."""
    distances = []
    for eyes in (PROTAN, DEUTAN):
        first, second = (seen(colour, eyes) for colour in (one, other))
        scaled = [[part / (sum(colour) or 1) for part in colour] for colour in (first, second)]
        distances.append(math.dist(*scaled))
    return min(distances)


def test_status_is_told_to_eyes_that_know_no_red() -> None:
    """In the theme for them what lives and what failed differ in hue for such eyes; green and red would not."""
    inks = colours(CLEAR)
    assert apart(inks["accent"], inks["error"]) > 0.25
    assert apart(Color.parse("#4aa14a"), Color.parse("#c8663c")) < 0.15


async def test_themes_are_tried_on_and_remembered(tmp_path: Path) -> None:
    """T lists the themes; each is worn under the cursor, Escape takes it off, Enter keeps it for the next time."""
    memory = State(str(tmp_path))
    async with fixed_board([LIVE], taste=Taste(remember=memory.save)) as desk:
        await desk.press("T")
        await desk.shows("Theme", "runboard-clear", "nord")
        await desk.press("down", "j")
        assert desk.app.theme == "runboard-clear"
        await desk.press("escape")
        await desk.hides("runboard-clear")
        assert (desk.app.theme, memory.load().get("theme")) == (DARK.name, None)
        await desk.press("T", "down", "enter")
        await desk.until(lambda: memory.load().get("theme") == "runboard-light")
        assert desk.app.theme == "runboard-light"
        await desk.press("ctrl+p", *"themes")
        await desk.shows("Choose other colours")
        await desk.press("enter")
        await desk.shows("runboard-clear")


async def test_every_theme_can_be_worn() -> None:
    """Each theme of the list dresses the whole board, dialogs too: grounds are its own, and no two look alike."""
    grounds: dict[str, tuple[object, ...]] = {}
    async with fixed_board([LIVE, LOST], control=object()) as desk:
        for name in names():
            desk.app.theme = name
            await desk.press("s")
            await desk.shows("Stop this run?", "live one")
            dialog = desk.app.screen.query_one(".dialog")
            inks = desk.app.theme_variables
            assert dialog.styles.background == Color.parse(inks["panel"]), name
            assert desk.table.styles.background == Color.parse(inks["background"]), name
            grounds[name] = tuple(inks[ink] for ink in ("panel", "background", "accent", "error", "foreground"))
            await desk.press("escape")
    assert len(set(grounds.values())) == len(grounds)


async def test_a_theme_that_is_set_elsewhere_holds_for_now() -> None:
    """Where the config file decides, a choice is worn and not remembered, and a word says so."""
    kept: list[tuple[str, object]] = []
    taste = Taste(theme="nord", theme_set_by="config file", remember=lambda *words: kept.append(words))
    async with fixed_board([LIVE], taste=taste) as desk:
        await desk.press("T", "up", "enter")
        await desk.until(lambda: desk.toasts() == ["monokai until you leave: config file says what comes then"])
        assert (desk.app.theme == "nord", [words for words in kept if words[0] != "attention"]) == (False, [])


async def test_a_home_that_takes_nothing_costs_a_word() -> None:
    """A choice that cannot be remembered is worn all the same."""

    def refuse(_key: str, _value: object) -> None:
        """Fail as a read-only home does."""
        raise Forgotten("it cannot be written: Read-only file system")

    async with fixed_board([LIVE], taste=Taste(remember=refuse)) as desk:
        await desk.press("T", "down", "enter")
        await desk.shows("Read-only file system")
        assert desk.app.theme == "runboard-light"


async def test_troubles_are_told_once() -> None:
    """An unknown theme, an impossible key and what the config said wrongly make one notice; the rest works."""
    taste = Taste(theme="gruvbx", keys={"run.kill": "d", "board.help": "f1"}, notices=("config file x, line 3: bad",))
    async with fixed_board([LIVE], control=object(), taste=taste) as desk:
        assert desk.toasts() == ["config file x, line 3: bad. And 2 more: runboard config validate tells."]
        assert desk.app.theme in names()
        await desk.press("f1")
        await desk.shows("Next run", "Ask it to end")


def test_every_key_has_an_id() -> None:
    """Every binding of ours can be named in the config, by a name of its own."""
    every = list(bound())
    assert len(every) > 50
    assert all(re.fullmatch(r"[a-z-]+\.[a-z-]+", name) for name in every)


async def test_keys_can_be_others() -> None:
    """A rebound key acts, the old one does nothing, and last line, help, palette and questions show it."""
    keys = {"run.kill": "X", "table.down": "f2,f3", "confirm.yes": "o", "board.help": "H", "run.stop": "S"}
    async with fixed_board([LIVE, LOST], control=object(), size=(120, 50), taste=Taste(keys=keys)) as desk:
        await desk.shows("S stop", "X kill", "H help")
        await desk.press("j", "down")
        assert desk.table.cursor == "11111111"
        await desk.press("f3")
        assert desk.table.cursor == "22222222"
        await desk.press("up", "X")
        await desk.shows("Kill this run?", "o  Yes", "n  No")
        await desk.press("escape", "H")
        await desk.shows("f2  f3", "Next run")
        assert not re.search(r"^\W*s\W+Ask it to end", desk.text(), re.MULTILINE)
        await desk.press("escape", "ctrl+p", *"kill")
        await desk.shows("Kill  X")


@pytest.mark.parametrize(
    ("wishes", "met", "told"),
    [
        ({"run.kill": "s", "run.stop": "S"}, {"run.kill": "s", "run.stop": "S"}, []),
        ({"run.kill": "?"}, {}, ["question_mark is the key of board.help too; run.kill keeps S"]),
        ({"table.down": "d"}, {}, ["d is the key of run.trash too; table.down keeps down, j"]),
        ({"confirm.yes": "d"}, {"confirm.yes": "d"}, []),
        ({"details.down": "é", "table.down": "é"}, {"details.down": "é", "table.down": "é"}, []),
        ({"board.theme": "é", "board.help": "é"}, {"board.theme": "é"}, ["é is the key of board.theme too"]),
        ({"board.theme": "shift+y"}, {"board.theme": "Y"}, []),
        ({"board.theme": "ctrl+i"}, {}, ["tab is the key of filter.complete too"]),
        ({"board.theme": "hyperspace+y"}, {}, ["'hyperspace+y' is no key: before a + stand ctrl, alt, shift"]),
        ({"board.theme": "f13x"}, {}, ["'f13x' is no key; did you mean 'f13'?"]),
        ({"board.theme": " , "}, {}, ["board.theme has no key; leave the line out to keep T"]),
        ({"filter.accept": "y"}, {}, ["y would take a letter away from what is typed"]),
        ({"board.thame": "y"}, {}, ["there is nothing called 'board.thame' to set a key for; did you mean"]),
        ({"board.theme": "é"}, {"board.theme": "é"}, []),
    ],
)
def test_wishes_for_keys(wishes: dict[str, str], met: dict[str, str], told: list[str]) -> None:
    """What can be met is; what makes no sense or takes a key that does something else at the time is told."""
    found, wrong = keymap(wishes)
    assert found == met
    assert [sentence[: len(start)] for (_name, sentence), start in zip(wrong, told, strict=True)] == told


def test_ascii_keeps_the_width() -> None:
    """Each of our glyphs has a sign of its own cell; wide characters take two marks, combining ones none."""
    assert ascii_text("● ✔ … │─┼ é日e\u0301") == "* + . |-+ ???e"
    assert all(len(sign) == 1 and sign.isascii() for sign in SIGNS.values())
    assert ascii_text("plain") == "plain"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "de_DE.utf8"}, False),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "de_DE.ISO-8859-1"}, True),
    ],
)
def test_the_locale_decides(environ: dict[str, str], expected: bool) -> None:
    """A locale without UTF-8 means ASCII, none at all does not; what was said counts more."""
    assert wanted("auto", environ) is expected
    assert (wanted("always", environ), wanted("never", environ)) == (True, False)


async def test_a_board_in_ascii() -> None:
    """Not one character beyond ASCII is on the screen, in any dialog; without the filter there are many."""
    for taste in (Taste(ascii=True), Taste()):
        found = set[str]()
        async with fixed_board([LIVE, LOST], control=object(), taste=taste) as desk:
            for key in ("g", "question_mark", "escape", "i", "escape", "s", "escape", "T", "escape", "ctrl+p"):
                await desk.press(key)
                found |= {char for char in desk.text() if not char.isascii()}
        assert bool(found) is not taste.ascii, found


def test_ascii_on_the_wire(tmp_path: Path) -> None:
    """In a locale without UTF-8 the board sends no byte beyond ASCII, and ps and show print none; else they do."""
    run_id = runboard(tmp_path, "run", "--name", "café", "--wait", "--", "false").stdout.strip()
    for changes, plain in (({"LC_ALL": "C"}, True), ({"LC_ALL": "C.UTF-8"}, False)):
        with Terminal([*COMMAND, "--runs-dir", str(tmp_path)], 100, 24, {**environment(), **changes}) as terminal:
            terminal.wait_for("caf")
            terminal.press("q")
            terminal.wait_exit()
            assert terminal.raw.isascii() is plain
    for verb in (["ps"], ["show", run_id]):
        assert runboard(tmp_path, *verb, "--ascii").stdout.isascii()
        assert not runboard(tmp_path, *verb).stdout.isascii()
    assert "café" in runboard(tmp_path, "ps", "--ascii", "--format", "{name}").stdout


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"TERM": "xterm", "COLORTERM": ""}, {"36", "31"}),
        ({"NO_COLOR": "1"}, set()),
    ],
)
def test_terminals_with_few_colours(tmp_path: Path, changes: dict[str, str], codes: set[str]) -> None:
    """Sixteen colours are the terminal's own; with NO_COLOR there is none, and lines tell what is chosen; else ours."""
    runboard(tmp_path, "run", "--wait", "--", "false")
    runboard(tmp_path, "run", "--", "sleep", "60")
    argv = [*COMMAND, "--runs-dir", str(tmp_path)]
    sent, lined = [], []
    for how in (changes, {}):
        with Terminal(argv, 120, 36, {**environment(), **how}) as terminal:
            terminal.wait_for("failed")
            terminal.wait_for("Processes")
            terminal.press("n")
            terminal.wait_for("what to call it")
            terminal.press("escape")
            terminal.wait_gone("what to call it")
            terminal.press("q")
            terminal.wait_exit()
            # What nobody has typed looks otherwise than what somebody has, and where one types is seen.
            few = terminal.raw
            assert (re.search(rb"\x1b\[(?:0;)?2(?:;\d+)*mwhat to call it", few) is not None) is (how == changes)
            assert (re.search(rb"\x1b\[(?:[02];)*7(?:;\d+)*mm\x1b", few) is not None) is ("NO_COLOR" in how)
            lined.append(set(re.findall(rb"\x1b\[(?:\d+;)*4(?:;\d+)*m(\w+)", terminal.raw)))
            sent.append({code for found in re.findall(rb"\x1b\[([\d;]*)m", terminal.raw) for code in found.split(b";")})
    runboard(tmp_path, "kill", "@last")
    painted = {f"{code}".encode() for code in (*range(30, 38), *range(40, 48), *range(90, 108), 38, 48)}
    assert codes <= {code.decode() for code in sent[0] & painted}
    assert (sent[0] & painted == set()) is (not codes)
    assert lined == [set() if codes else {b"All", b"Log"}, set()]
    assert {b"38", b"48"} <= sent[1]
    assert not {b"38", b"48"} & sent[0]


async def test_the_mouse_is_told_what_a_click_does() -> None:
    """Over a key and a view's name a sentence appears, and a click there does so; over a row none does."""
    async with fixed_board([LIVE, LOST], control=object(), size=(120, 36), tooltips=True) as desk:
        lines = desk.text().splitlines()
        places = {
            "Show the run's response": (next(y for y, line in enumerate(lines) if "Response" in line), "Response"),
            "Leave; the runs go on": (len(lines) - 1, "quit"),
        }
        for sentence, (y, word) in places.items():
            await desk.pilot.hover(offset=(lines[y].index(word) + 1, y))
            await desk.shows(sentence)
            await desk.pilot.hover(offset=(5, 5))
            await desk.hides(sentence)
            assert not desk.app.screen.query_one("Tooltip").display
        y, word = places["Show the run's response"]
        assert desk.app._run_pane.present.VIEW == "Log"
        await desk.pilot.click(offset=(lines[y].index(word) + 1, y))
        assert desk.app._run_pane.present.VIEW == "Response"


async def test_a_first_board_teaches() -> None:
    """With no run at all the board names the two commands to begin with and the key for help, as it is now."""
    for size, told in (((120, 36), True), ((80, 24), True), ((40, 10), False)):
        async with fixed_board([], size=size, taste=Taste(keys={"board.help": "f1"})) as desk:
            await desk.shows("No runs yet.", "runboard run -- make test")
            assert ("runboard demo" in desk.text(), "all keys of the board" in desk.text()) == (told, told)
            if told:
                found = [line for line in desk.text().splitlines() if "runboard " in line or "all keys" in line]
                assert len({re.search(r"runboard|f1", line).start() for line in found if re.search(r"\S", line)}) == 1  # type: ignore[union-attr]


async def test_help_groups_the_keys() -> None:
    """The keys of what has the focus come first, then the run's, then the board's; beside where there is room."""
    for width, beside in ((120, True), (100, False)):
        async with fixed_board([LIVE], control=object(), size=(width, 60)) as desk:
            await desk.press("question_mark")
            lines = desk.text().splitlines()
            found = [
                next(y for y, line in enumerate(lines) if re.search(rf"(^| ) {title}( |$)", line))
                for title in ("Runs", "The run", "The board")
            ]
            assert found == sorted(found)
            assert (found[0] == found[1]) is beside
            assert "Leave; the runs go on" in desk.text()


async def test_the_board_is_seen_behind_what_lies_over_it_in_sixteen_colours_too() -> None:
    """No dialog blanks the board, where themes are tried on least of all; a ground of its own would."""
    async with fixed_board([LIVE, LOST], control=object(), taste=Taste(theme="runboard-ansi")) as desk:
        for key in ("T", "ctrl+p", "s"):
            await desk.press(key)
            await desk.until(lambda: len(desk.app.screen_stack) == 2)
            await desk.shows("1 failed")
            desk.app.screen.styles.background = "ansi_default"  # negative control
            await desk.hides("1 failed")
            await desk.press("escape")
            await desk.until(lambda: len(desk.app.screen_stack) == 1)
