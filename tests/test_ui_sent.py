"""What goes out to the terminal: only cells that differ, and the screen looks as if all had been painted anew."""

from __future__ import annotations

import random

import pyte
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from runboard.ui.sent import Pen, Sent, cells, differing
from tests.pilots import fixed_board
from tests.test_first_frame import DONE
from tests.wire import foreign

WIDTH, HEIGHT = 30, 4


def styles(depth: ColorSystem = ColorSystem.TRUECOLOR) -> list[Style | None]:
    """Looks, others for each depth of colours: Rich remembers of each how it was written the first time."""
    mark = {"depth": int(depth)}
    return [
        None,
        Style(color="#cdd4de", bgcolor="#14161a", meta=mark),
        Style(color="#f07171", bgcolor="#14161a", meta=mark),
        Style(color="#cdd4de", bgcolor="#303840", bold=True, meta=mark),
        Style(bgcolor="#303840", meta=mark),
        Style(underline=True, meta=mark),
        Style(color="red", reverse=True, meta=mark),
    ]


WORDS = ("a", "bc", " ", "   ", "日", "日本", "e\u0301", "✔ done", "hello world")


def line(chance: random.Random, looks: list[Style | None]) -> Strip:
    """A line of as many cells as the screen is wide."""
    segments = [Segment(chance.choice(WORDS), chance.choice(looks)) for _ in range(40)]
    return Strip(segments).adjust_cell_length(WIDTH)


def changed(chance: random.Random, before: Strip, looks: list[Style | None]) -> Strip:
    """Another line, or the same one with another word somewhere."""
    if chance.random() < 0.3:
        return line(chance, looks)
    at = chance.randrange(WIDTH)
    word = Strip([Segment(chance.choice(WORDS), chance.choice(looks))])
    parts = [before.crop(0, at), word, before.crop(min(WIDTH, at + word.cell_length), WIDTH)]
    return Strip.join(parts).adjust_cell_length(WIDTH)


def told(sent: Sent, y: int, strip: Strip, depth: ColorSystem = ColorSystem.TRUECOLOR, *, erases: bool = False) -> str:
    """What makes a line show this."""
    pen = Pen(depth, width=strip.cell_length, erases=erases)
    sent.update(y, 0, strip, pen)
    return pen.told()


def behind(strip: Strip, text: str, style: Style | None) -> str:
    """What makes the beginning of a line show this, where something else stands behind it."""
    sent, tail = Sent(), Segment(text, style)
    width = strip.cell_length + tail.cell_length
    sent.learn(0, [[[Segment("?" * strip.cell_length), tail]]])
    pen = Pen(ColorSystem.TRUECOLOR, width=width, erases=True)
    sent.update(0, 0, strip, pen)
    return pen.told()


def looks(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Everything one sees: of a blank without marks only the ground."""

    def seen(cell: pyte.screens.Char) -> tuple[object, ...]:
        plain = not (cell.underscore or cell.reverse or cell.strikethrough)
        blank = plain and not cell.data.strip()
        return (cell.data, "" if blank else cell.fg, cell.bg, not blank and cell.bold, cell.underscore, cell.reverse)

    return [[seen(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


@pytest.mark.parametrize("depth", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD])
@pytest.mark.parametrize("seed", range(6))
def test_it_looks_as_if_painted_anew(seed: int, depth: ColorSystem) -> None:
    """Through many random changes, whole and in part, with wide characters and marks, both screens stay the same."""
    chance, some = random.Random(seed), styles(depth)
    console = Console(color_system={3: "truecolor", 2: "256", 1: "standard"}[depth.value], force_terminal=True)  # type: ignore[arg-type]
    ours, stock = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    our_stream, stock_stream, sent = pyte.Stream(ours), pyte.Stream(stock), Sent()
    for stream in (our_stream, stock_stream):
        stream.feed("\x1b[?7l")  # as the board does; and pyte would break the line before a mark on its last character
    lines = [line(chance, some) for _ in range(HEIGHT)]
    for y, strip in enumerate(lines):
        for stream in (our_stream, stock_stream):
            stream.feed(f"\x1b[{y + 1};1H{strip._render_cache or strip.render(console)}")
    sent.learn(0, [[strip] for strip in lines])
    for _ in range(80):
        pen = Pen(depth, width=WIDTH, erases=seed % 2 == 1)
        for y in chance.choices(range(HEIGHT), k=chance.choice((1, 1, 3, 6))):  # a line may change twice in one frame
            lines[y] = changed(chance, lines[y], some)
            sent.update(y, 0, lines[y], pen)
            stock_stream.feed(f"\x1b[{y + 1};1H{lines[y].render(console)}")
        our_stream.feed(pen.told())
        assert looks(ours) == looks(stock)
    assert all(told(sent, y, lines[y], depth) == "" for y in range(HEIGHT))


def test_after_forgetting_everything_is_sent() -> None:
    """What the terminal shows is not taken for granted once somebody else has written to it."""
    sent, strip = Sent(), Strip([Segment("hello", styles()[1])])
    assert "hello" in told(sent, 0, strip)
    assert told(sent, 0, strip) == ""
    sent.forget()
    assert "hello" in told(sent, 0, strip)


def test_near_changes_go_out_together() -> None:
    """Two changes a few cells apart cost one move of the cursor, far apart two; a wide character is never halved."""
    old = cells([Segment("a" * 40)], ColorSystem.TRUECOLOR)
    new = cells([Segment("b" + "a" * 4 + "b" + "a" * 20 + "b" + "a" * 13)], ColorSystem.TRUECOLOR)
    assert differing(old, new) == [(0, 6), (26, 27)]
    wide, narrow = (cells([Segment(text)], ColorSystem.TRUECOLOR) for text in ("x日y", "xaby"))
    assert differing(wide, narrow) == [(1, 3)]
    assert differing(narrow, wide) == [(1, 3)]


def test_looks_are_told_once() -> None:
    """Of several pieces with the same ground only what changes is said; Rich says all of it for each."""
    pieces = [
        Segment("one ", styles()[1]),
        Segment("two ", styles()[2]),
        Segment("   ", styles()[1]),
        Segment("end", styles()[1]),
    ]
    line = told(Sent(), 0, Strip(pieces))
    assert line == (
        "\x1b[1;1H\x1b[38;2;205;212;222;48;2;20;22;26mone \x1b[38;2;240;113;113mtwo    \x1b[38;2;205;212;222mend\x1b[0m"
    )
    console = Console(color_system="truecolor", force_terminal=True)
    assert len(Strip(pieces).render(console)) > 1.5 * len(line)


def test_pieces_of_one_frame_share_their_looks() -> None:
    """Thirty lines that tick in two colours say each once; written line by line they would say both every time."""
    sent, pen, by_line = Sent(), Pen(ColorSystem.TRUECOLOR), ""
    for y in range(30):
        ticks = [Segment(f"{y + 10}s", styles()[1]), Segment(" " * 5), Segment(f"{y + 10}", styles()[2])]
        sent.learn(y, [[[Segment("??s" + " " * 5 + "??")]]])
        sent.update(y, 0, ticks, pen)
        by_line += told(Sent(), y, Strip(ticks))
    assert (pen.told().count("m"), by_line.count("m")) == (3, 120)


def test_a_line_that_changes_twice_is_written_as_it_is_in_the_end() -> None:
    """What is written later in a frame is not erased by what came before it, in whatever order they go out."""
    screen, sent, pen = pyte.Screen(WIDTH, HEIGHT), Sent(), Pen(ColorSystem.TRUECOLOR, width=WIDTH, erases=True)
    stream = pyte.Stream(screen)
    sent.learn(0, [[[Segment("abcdefghijklmno" + " " * 15)]], [[Segment(" " * WIDTH)]]])
    sent.update(1, 0, [Segment("first", styles()[2])], pen)
    sent.update(0, 0, [Segment("z" + " " * 14)], pen)
    sent.update(0, 20, [Segment("end", styles()[2])], pen)
    stream.feed(pen.told())
    assert [line.rstrip() for line in screen.display[:2]] == ["z" + " " * 19 + "end", "first"]


def test_blanks_are_erased_where_the_ground_stays() -> None:
    """Long blanks cost a few bytes, in the middle and at the end, if what is erased has their ground."""
    gap = Strip([Segment("a" + " " * 40 + "b" + " " * 20 + "c" + " " * 40, styles()[1])])
    erased = told(Sent(), 0, gap, erases=True)
    assert ("a\x1b[K\x1b[40Cb\x1b[20Cc\x1b[0m" in erased, " " in erased) == (True, False)
    assert " " * 40 in told(Sent(), 0, gap)
    assert " " not in told(Sent(), 0, Strip([Segment("a" + " " * 40 + "b")]))
    assert "a b" in told(Sent(), 0, Strip([Segment("a b", styles()[1])]), erases=True)
    assert "\x1b[K" not in behind(gap, 60 * " ", None)
    assert "\x1b[K" not in behind(gap, 60 * "x", styles()[1])
    assert "\x1b[K" in behind(gap, 60 * " ", styles()[1])
    other = Strip([Segment("a" + " " * 40, styles()[1]), Segment("b", styles()[3])])
    assert "\x1b[K" not in told(Sent(), 0, other, erases=True)


def test_blanks_before_another_ground_are_erased_by_their_number() -> None:
    """Where a line may not be erased to its end so many cells are, if that is shorter and they have their ground."""
    gap = Strip([Segment("a" + " " * 40 + "b" + " " * 10 + "c", styles()[1]), Segment("|", styles()[3])])
    erased = told(Sent(), 0, gap, erases=True)
    assert "a\x1b[40X\x1b[40Cb" + " " * 10 + "c" in erased
    assert foreign(erased.encode()) == []
    assert "a" + " " * 40 + "b" in told(Sent(), 0, gap)
    marked = Strip([Segment("a" + " " * 40 + "b", styles()[5]), Segment("|", styles()[3])])
    assert "X" not in told(Sent(), 0, marked, erases=True)
    assert "\x1b[40X" in behind(Strip([Segment("a" + " " * 40, styles()[1])]), "x", styles()[1])


async def test_a_cursor_move_is_small() -> None:
    """One step of the cursor on a screen of a usual size sends little; the same lines in Textual's words are longer."""
    runs = [DONE._replace(id=f"{number:08x}", name=f"run {number}") for number in range(20)]
    async with fixed_board(runs, size=(120, 36)) as desk:
        console = Console(color_system="truecolor", force_terminal=True)
        sent, before = Sent(), desk.app.screen._compositor.render_strips()
        sent.learn(0, [[strip] for strip in before])
        await desk.press("j")
        after = [Strip(strip) for strip in desk.app.screen._compositor.render_strips()]
        pen = Pen(ColorSystem.TRUECOLOR, width=120, erases=True)
        for y, strip in enumerate(after):
            sent.update(y, 0, strip, pen)
        ours = pen.told()
        stock = "".join(
            strip.render(console) for strip, old in zip(after, before, strict=True) if list(strip) != list(old)
        )
        assert 100 < len(ours) < 350
        assert len(stock) > 1.5 * len(ours)
