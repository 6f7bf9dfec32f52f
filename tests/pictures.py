"""Pictures of screens: the same every time, the same everywhere, and several one after the other as a film."""

from __future__ import annotations

import asyncio
import html
import os
import re
import time
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.pilots import Desk
from tests.waiting import A_GUARD, patient

SCREENSHOTS = Path(__file__).parent.parent / "screenshots"
FRAME = "<!-- frame -->"
"""Stands before each picture of a film."""

CELL = 12.2
"""The width of a cell in Rich's pictures, in pixels."""


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The wall clock shows UTC, and no variable changes the colours."""
    for name in ("NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def settled(svg: str, name: str) -> str:
    """A picture that is the same every time and looks the same everywhere.

    Its ids are named after it, it asks for no font from the network, and every word stands in its cell whatever font
    there is: Rich's blanks at the ends of a text are dropped by some programs, and then everything behind them shifts.
    """
    svg = re.sub(r"terminal-\d+", name, svg)
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("font-family: Fira Code, monospace", 'font-family: "Fira Code", "DejaVu Sans Mono", monospace')
    return re.sub(
        r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" [^>]*(clip-path="[^"]+")>([^<]*)</text>', _words, svg
    )


def _words(match: re.Match[str]) -> str:
    """One text of a picture as its words, each in its place."""
    kind, x, y, clip, text = match.groups()
    plain, words = html.unescape(text), []
    for word in re.finditer("[^\xa0]+(?:\xa0[^\xa0]+)*", plain):
        at, wide = float(x) + CELL * cell_len(plain[: word.start()]), CELL * cell_len(word[0])
        shown = html.escape(word[0]).replace("\xa0", "&#160;")
        words.append(f'<text class="{kind}" x="{at:g}" y="{y}" textLength="{wide:g}" {clip}>{shown}</text>')
    return "".join(words)


async def still(desk: Desk, name: str, wanted: str | None = None) -> str:
    """The screen as a picture, once it is the wanted one or stays for 3 s: what is looked at is seen after one."""
    before, since = "", time.monotonic()
    deadline = since + patient(A_GUARD)
    while True:
        await desk.pilot.pause()
        svg = settled(desk.app.export_screenshot(simplify=True), name)
        if svg != before:
            before, since = svg, time.monotonic()
        if svg == wanted or time.monotonic() > min(since + 3.0, deadline):
            return svg
        await asyncio.sleep(0.05)


async def is_as_in(desk: Desk, name: str) -> None:
    """The screen is, to the byte, the picture of that name; with RUNBOARD_SNAPSHOTS=write it becomes it first."""
    path = SCREENSHOTS / f"{name}.svg"
    if os.environ.get("RUNBOARD_SNAPSHOTS") == "write":
        path.write_text(await still(desk, name), "utf-8")
    svg = await still(desk, name, path.read_text("utf-8"))
    wanted = path.read_text("utf-8")
    painted = [text.replace("><", ">\n<").splitlines() for text in (wanted, svg)]
    difference = "\n".join(unified_diff(painted[0], painted[1], "wanted", "painted", lineterm="", n=0))
    assert wanted == svg, f"{path} differs; look at it after RUNBOARD_SNAPSHOTS=write\n{difference[:4000]}"


def film(frames: Sequence[tuple[str, float]]) -> str:
    """One picture that shows others in turn, for ever.

    Args:
        frames: Pictures of one size whose ids differ, each with the seconds it is shown.

    Who wants no motion, or has a program that moves nothing, sees the first.
    """
    whole, at = sum(seconds for _, seconds in frames), 0.0
    head = re.match(r"<svg [^>]*>", frames[0][0])
    assert head is not None
    rules, groups = [], []
    for number, (svg, seconds) in enumerate(frames):
        begin, end = 100 * at / whole, 100 * (at + seconds) / whole
        shown = f"0%{{opacity:{int(number == 0)}}}{begin:.3f}%{{opacity:1}}{end:.3f}%,100%{{opacity:0}}"
        rules.append(f"@keyframes shown-{number}{{{shown}}}")
        rules.append(
            f".frame-{number}{{opacity:{int(number == 0)};animation:shown-{number} {whole:g}s step-end infinite}}"
        )
        body = svg[svg.index(">") + 1 : svg.rindex("</svg>")]
        groups.append(f'{FRAME}\n<g class="frame-{number}">{body}</g>')
        at += seconds
    calm = "@media (prefers-reduced-motion: reduce){g{animation:none !important}}"
    return f"{head[0]}\n<style>\n" + "\n".join([*rules, calm]) + "\n</style>\n" + "\n".join(groups) + "\n</svg>\n"


def frames_of(moving: str) -> list[str]:
    """The pictures that a film was made of."""
    head = re.match(r"<svg [^>]*>", moving)
    bodies = re.findall(rf'{FRAME}\n<g class="frame-\d+">(.*?)</g>(?=\n{FRAME}|\n</svg>\n\Z)', moving, re.DOTALL)
    return [f"{head[0]}{body}</svg>\n" for body in bodies] if head else []
