"""The log pane: it always says where it stands, shows the chosen run's log and no other, and waits for no disk."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from runboard.columns import size_text
from runboard.logs import LogView
from runboard.model import Outcome, Reason, Run, Status
from runboard.ui.log import LogPane
from tests.pilots import NOW, file_log, fixed_board

LIVE = Run("11111111", name="live", command=("x",), started_at=NOW - 5)
OVER = Run(
    "22222222",
    name="over",
    command=("x",),
    started_at=NOW - 50,
    completed_at=NOW - 40,
    outcome=Outcome(Status.COMPLETED, Reason.EXITED, None, 0),
)


def write(folder: Path, run: Run, first: int, end: int, *, mode: str = "a") -> None:
    """Add numbered lines to a run's log."""
    with open(folder / f"{run.id}.log", mode, encoding="utf-8") as log:
        log.write("".join(f"line {number}\n" for number in range(first, end)))


async def test_it_follows_and_says_so(tmp_path: Path) -> None:
    """New lines of a live run appear by themselves; what the pane says is "following"."""
    write(tmp_path, LIVE, 0, 100)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 99", "following")
        write(tmp_path, LIVE, 100, 200)
        await desk.shows("line 199", "following")


@pytest.mark.parametrize("told", [True, False])
async def test_a_quiet_log_that_speaks_again_is_told_by_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    """However seldom it is looked at by then; without that word the new line is seen at the next look, not before."""
    for name in ("POLL_SECONDS", "CALM_SECONDS", "WATCHED_SECONDS"):
        monkeypatch.setattr(f"runboard.ui.reader.{name}", 60.0)
    if not told:
        monkeypatch.setattr("runboard.logs.alarm.Alarm.set", lambda _alarm: False)
    write(tmp_path, LIVE, 0, 3)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 2", "following")
        write(tmp_path, LIVE, 3, 5)
        if told:
            await desk.shows("line 4")
            write(tmp_path, LIVE, 5, 7)
            await desk.shows("line 6")
        else:
            await asyncio.sleep(0.5)
            assert "line 4" not in desk.text(), "negative control"


async def test_scrolling_pauses_and_g_follows_again(tmp_path: Path) -> None:
    """Away from the end the pane says how far it is and which key leads back; it stays there while lines come."""
    write(tmp_path, LIVE, 0, 1000)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 999")
        await desk.press("tab", "pageup")
        await desk.shows("paused at 9", "%, G to follow")
        held = desk.text().splitlines()[-3]
        write(tmp_path, LIVE, 1000, 1100)
        await asyncio.sleep(0.25)
        assert desk.text().splitlines()[-3] == held
        await desk.press("g")
        await desk.shows("line 0\n", "paused at 1 %")
        await desk.press("j", "down")
        await desk.shows("line 2\n")
        await desk.hides("line 1\n")
        await desk.press("G")
        await desk.shows("line 1099", "following")


async def test_the_end_of_a_finished_run_is_called_that(tmp_path: Path) -> None:
    """Nothing follows a finished run: its pane says "end of log"."""
    write(tmp_path, OVER, 0, 100)
    async with fixed_board([OVER], logs=tmp_path) as desk:
        await desk.shows("line 99", "end of log")
        assert "following" not in desk.text()


async def test_the_log_belongs_to_the_run_under_the_cursor(tmp_path: Path) -> None:
    """Moving the cursor shows the other run's log under the other run's name."""
    write(tmp_path, LIVE, 0, 3)
    write(tmp_path, OVER, 7000, 7003)
    async with fixed_board([LIVE, OVER], logs=tmp_path) as desk:
        await desk.shows("line 2")
        await desk.press("down")
        await desk.shows("line 7002", "✔ completed  22222222  over")
        assert "line 2\n" not in desk.text()


async def test_no_output_is_told_in_words(tmp_path: Path) -> None:
    """An empty log, no log and a log that is a FIFO each have their sentence."""
    (tmp_path / f"{LIVE.id}.log").touch()
    os.mkfifo(tmp_path / f"{OVER.id}.log")
    gone = Run("33333333", started_at=NOW - 9, queued=True)
    async with fixed_board([LIVE, OVER, gone], logs=tmp_path) as desk:
        await desk.shows("No output yet")
        await desk.press("down")
        await desk.shows("There is no output.log")
        await desk.press("down")
        await desk.shows("output.log is a FIFO")


async def test_what_was_passed_over_is_told(tmp_path: Path) -> None:
    """When more is written than is read at once, the pane says how much was skipped."""
    write(tmp_path, LIVE, 0, 3)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 2")
        write(tmp_path, LIVE, 0, 200_000)
        await desk.shows("line 199999", "MB skipped · following")


async def test_a_truncated_log_is_noticed(tmp_path: Path) -> None:
    """A log that begins anew is shown anew, with a word about it."""
    write(tmp_path, LIVE, 0, 100)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 99")
        write(tmp_path, LIVE, 500, 503, mode="w")
        await desk.shows("line 502", "truncated")
        assert "line 99" not in desk.text()


async def test_colours_stay_and_nothing_else(tmp_path: Path) -> None:
    """SGR colours are painted; other sequences, blinking and hiding are not, and markup is text."""
    styled = b"\x1b[31mred\x1b[0m \x1b[5mblink\x1b[0m \x1b[8mhidden\x1b[0m "
    hostile = b"\x1b]8;;http://x\x07link\x1b]8;;\x07 [bold]x[/bold]\x1b[2J\n"
    (tmp_path / f"{LIVE.id}.log").write_bytes(styled + hostile)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("red blink hidden link [bold]x[/bold]")
        segments = list(desk.log.render_line(1))
        red = next(segment for segment in segments if segment.text == "red")
        assert red.style
        assert red.style.color
        assert red.style.color.number == 1
        assert not any(one.style and (one.style.blink or one.style.conceal or one.style.link) for one in segments)


async def test_long_lines_can_be_panned(tmp_path: Path) -> None:
    """What lies to the right of the pane is reached with the arrow keys; the pane says at which column it begins."""
    (tmp_path / f"{LIVE.id}.log").write_text("x" * 200 + "the end\n")
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("xxx")
        await desk.press("tab", *["right"] * 12)
        await desk.shows("the end", "column 97")
        await desk.press(*["left"] * 12)
        await desk.hides("the end")


async def test_a_hidden_pane_reads_nothing(tmp_path: Path) -> None:
    """While the pane cannot be seen its log is left alone."""
    opened = 0
    write(tmp_path, LIVE, 0, 3)

    def counted() -> int:
        nonlocal opened
        opened += 1
        return os.open(tmp_path / f"{LIVE.id}.log", os.O_RDONLY)

    async with fixed_board([LIVE], open_log=lambda _: LogView(counted)) as desk:
        await desk.until(lambda: opened > 3)
        await desk.pilot.resize_terminal(40, 10)
        await desk.hides("line 2")
        await desk.until(lambda: desk.app._run_pane.reader._wish.rows == 0)
        await asyncio.sleep(0.15)
        before = opened
        await asyncio.sleep(0.3)
        assert opened == before


async def test_a_disk_that_hangs_stops_only_the_log(tmp_path: Path) -> None:
    """While a log cannot be opened the pane says that it is being read, keys work, and other logs come after it."""
    write(tmp_path, OVER, 0, 3)
    release = threading.Event()

    def opened(run_id: str) -> LogView:
        if run_id == LIVE.id:
            assert release.wait(10)
        return file_log(tmp_path, run_id)

    async with fixed_board([LIVE, OVER], open_log=opened) as desk:
        await desk.shows("Reading the log…")
        await desk.press("i")
        await desk.shows("Command")
        await desk.press("escape", "down")
        await desk.shows("✔ completed  22222222")
        assert desk.table.cursor == OVER.id
        release.set()
        await desk.shows("line 2")


async def test_an_error_is_told_once(tmp_path: Path) -> None:
    """A log that cannot be opened says why, and does not repaint the pane ten times a second."""

    def opened(_run_id: str) -> LogView:
        raise OSError(5, "Input/output error")

    async with fixed_board([LIVE], open_log=opened) as desk:
        await desk.shows("Input/output error")
        shown = 0
        show: Callable[..., int] = LogPane.show

        def counted(*arguments: object) -> int:
            nonlocal shown
            shown += 1
            return show(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LogPane, "show", counted)
            await asyncio.sleep(0.35)
        assert shown == 0


async def test_a_quiet_log_is_not_repainted(tmp_path: Path) -> None:
    """When one line comes, the lines that read as before are not painted again, save where they moved."""
    write(tmp_path, LIVE, 0, 3)
    async with fixed_board([LIVE], logs=tmp_path) as desk:
        await desk.shows("line 2")
        painted: list[int] = []
        render = LogPane.render_line

        def counted(pane: LogPane, y: int) -> object:
            painted.append(y)
            return render(pane, y)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LogPane, "render_line", counted)
            write(tmp_path, LIVE, 3, 4)
            await desk.shows("line 3")
        assert set(painted) == {4}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KB"), (15 << 20, "15 MB"), (3 << 40, "3.0 TB")]
)
def test_sizes_read_as_people_say_them(count: int, text: str) -> None:
    """Bytes are told in powers of 1024, small amounts with one decimal."""
    assert size_text(count) == text
