"""The board in a real terminal that stalls, sends rubbish or vanishes: it leaves everything as it was."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import inspect
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path

import pytest
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.color import Color
from textual.css.query import NoMatches
from textual.drivers.linux_driver import LinuxDriver
from textual.style import Style as VisualStyle
from textual.widget import Widget

from runboard.control import Control, ControlError
from runboard.model import Run
from runboard.store import Store
from runboard.ui.chooser import ColumnChooser, Wish
from runboard.ui.partial import partial_update
from runboard.ui.terminal import BACKSTOP_SECONDS, LEAVING, TerminalApp
from runboard.ui.writer import Writer
from tests.leaving import leave
from tests.pilots import NOW, fixed_board
from tests.program import alive, record
from tests.terminal import Terminal
from tests.waiting import until


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs directory with three finished runs."""
    for number in range(3):
        leave(tmp_path / "runs", f"0000000{number}", log=b"hello\n" * 100)
    return tmp_path / "runs"


@pytest.fixture
def chatty(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    """Makes live runs that write much, each in a runs directory of its own; all are ended afterwards."""
    stores: list[Store] = []

    def made() -> Run:
        stores.append(Store(str(tmp_path / f"chatty{len(stores)}")))
        script = "while :; do i=$((i+1)); printf '%0110d\\n' $i; [ $((i % 5)) = 0 ] && sleep 0.02; done"
        return Control(stores[-1]).start(["sh", "-c", script])

    yield made
    for store in stores:
        for run_id in store.ids():
            with suppress(ControlError):
                Control(store).kill(run_id, signal.SIGKILL)


def board(runs: Path, *how: str, rows: int = 36) -> Terminal:
    """The board in a terminal."""
    return Terminal([sys.executable, "-m", "tests.opened", str(runs), *how], 120, rows)


def resident(pid: int) -> int:
    """Kilobytes of memory that a process has."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def ended(store: Store, run: Run) -> None:
    """End a run, if it still runs."""
    with suppress(ControlError):
        Control(store).kill(run.id, signal.SIGKILL)


def full(terminals: list[Terminal]) -> bool:
    """Whether ptys that nobody reads take no more: what waits in them has not grown for a while."""

    def waiting() -> list[bytes]:
        return [fcntl.ioctl(one._master, termios.FIONREAD, struct.pack("i", 0)) for one in terminals]

    before = waiting()
    time.sleep(0.3)
    return before == waiting()


def test_signals_restore_the_terminal(runs: Path) -> None:
    """TERM, HUP, QUIT and INT end the board with 128 + n, no mode is left on and the tty is as before.

    The backstop would have ended it by the signal itself: the code says that it left before that.
    """
    with ExitStack() as stack:
        opened = [(number, stack.enter_context(board(runs))) for number in LEAVING]
        for number, terminal in opened:
            terminal.wait_for("completed")
            os.kill(terminal.process, number)
            assert (terminal.wait_exit(), terminal.modes_left_on(), terminal.tty_sane()) == (128 + number, set(), True)


def test_a_crash_restores_the_terminal_and_shows_no_values(runs: Path, tmp_path: Path) -> None:
    """An exception anywhere ends the board with 1 and one clean line; a report without values is kept for the owner."""
    argv = [sys.executable, "-m", "tests.opened", os.fspath(runs), "crash"]
    with Terminal(argv, 120, 36, {"XDG_STATE_HOME": os.fspath(tmp_path)}) as terminal:
        terminal.wait_for("completed")
        terminal.press("?")
        assert (terminal.wait_exit(), terminal.modes_left_on(), terminal.tty_sane()) == (1, set(), True)
        terminal.wait_for("runboard: the board stopped because of an error; your runs go on.")
        assert "RuntimeError: broken on purpose, 7." in terminal.text()
        assert "Traceback" not in terminal.text()
        assert b"hunter2" not in terminal.raw
        assert b"\x1b]0;" not in terminal.raw
    report = tmp_path / "runboard" / "crash.log"
    assert report.stat().st_mode & 0o777 == 0o600
    assert "Traceback" in report.read_text()
    assert not {"hunter2", "\x1b"} & set(report.read_text().split())


def test_a_closed_window_ends_the_board_and_not_the_runs(chatty: Callable[[], Run], tmp_path: Path) -> None:
    """When the terminal is gone the board leaves with 129 within seconds, and what runs goes on."""
    run = chatty()
    with board(tmp_path / "chatty0") as terminal:
        terminal.wait_for("following")
        began = time.monotonic()
        terminal.hang_up()
        assert terminal.wait_exit() == 129
        assert time.monotonic() - began < 3
    assert run.process.pid
    assert alive(run.process.pid)


@pytest.mark.parametrize("how", [[], ["stock"]], ids=["ours", "stock"])
def test_the_end_of_input_ends_the_board(runs: Path, how: list[str]) -> None:
    """Input that ends without any signal ends the board with 129 within a second; Textual's own driver stays."""
    inputs, outputs = pty.openpty(), pty.openpty()
    argv = [sys.executable, "-m", "tests.opened", str(runs), *how]
    environ = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        argv, stdin=inputs[1], stdout=outputs[1], stderr=outputs[1], start_new_session=True, env=environ
    )
    try:
        os.set_blocking(outputs[0], False)
        written = bytearray()

        def seen() -> bool:
            with suppress(BlockingIOError):
                written.extend(os.read(outputs[0], 65536))
            return b"completed" in written

        until(seen, 10)
        os.close(inputs[1])
        os.close(inputs[0])
        if how:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.7)
        else:
            assert process.wait(3) == 129
    finally:
        process.kill()
        process.wait()
        for descriptor in (outputs[0], outputs[1]):
            os.close(descriptor)


def test_a_terminal_that_reads_nothing_stops_nobody(chatty: Callable[[], Run], tmp_path: Path) -> None:
    """With a stalled terminal keys act, verdicts are written and signals end the board; with stock Textual keys do not.

    When the terminal reads again, everything is repainted once. A second signal ends a stalled board at once.
    """
    all_runs = [chatty() for _ in range(4)]
    places = [tmp_path / f"chatty{number}" for number in range(4)]
    with ExitStack() as stack:
        ours, stock, told_once, told_twice = opened = [
            stack.enter_context(board(place, *how, rows=120))
            for place, how in zip(places, ((), ("stock",), (), ()), strict=True)
        ]
        for terminal in opened:
            terminal.wait_for("following")
            terminal.stop_reading()
        until(lambda: full(opened))
        time.sleep(1)  # stock Textual holds thirty more writes
        began = time.monotonic()
        for terminal, times in ((told_once, 1), (told_twice, 2)):
            for _ in range(times):
                os.kill(terminal.process, signal.SIGTERM)
                time.sleep(0.1)
        assert told_twice.wait_exit() == -signal.SIGTERM
        assert time.monotonic() - began < BACKSTOP_SECONDS
        while record(places[0], all_runs[0].id)["status"] != "failed":
            assert time.monotonic() - began < 30
            for key in ("S", "y"):
                ours.press(key)
                stock.press(key)
                time.sleep(0.3)  # for the question to come, unseen
        ours.resume_reading()
        until(lambda: ours.text().count("✘ failed") == 2)
        assert told_once.wait_exit() in {128 + signal.SIGTERM, -signal.SIGTERM}
        assert record(places[1], all_runs[1].id)["status"] == "running"
        ours.press("q")
        assert (ours.wait_exit(), ours.modes_left_on()) == (0, set())


def test_a_narrow_line_is_never_far_behind(tmp_path: Path) -> None:
    """At 5 kB/s keys act, memory stays flat and what is painted is new; with every frame sent it lags ever further."""
    stores = [Store(str(tmp_path / name)) for name in ("ours", "undropped")]
    script = "while :; do head -c 300 /dev/urandom | base64 -w 100; sleep 0.04; done"
    runs = [Control(store).start(["sh", "-c", script]) for store in stores]
    with ExitStack() as stack:
        for store, run in zip(stores, runs, strict=True):
            stack.callback(ended, store, run)
        ours, undropped = opened = [
            stack.enter_context(board(Path(store.root), *how, rows=50))
            for store, how in zip(stores, ((), ("undropped",)), strict=True)
        ]
        for terminal in opened:
            terminal.wait_for("following")
            terminal.read_slowly(5_000)
        began = len(ours.raw)
        until(lambda: len(ours.raw) > began + 8_000, 20)
        before = resident(ours.process)
        until(lambda: len(ours.raw) > began + 20_000, 20)
        assert resident(ours.process) < before + 3_000
        for terminal in opened:
            terminal.press("S")
            time.sleep(0.5)  # for the question to come, unseen
            terminal.press("y")
        until(lambda: record(tmp_path / "ours", runs[0].id)["status"] == "failed", 10)
        ours.wait_for("✘ failed", 30)
        assert "✘ failed" not in undropped.text()
        ahead = [len(terminal.raw) for terminal in opened]
        for terminal in opened:
            terminal.resume_reading()
        undropped.wait_for("✘ failed", 30)
        late = [len(terminal.raw) - then for terminal, then in zip(opened, ahead, strict=True)]
        assert late[0] < 60_000 < late[1]


def test_an_idle_board_writes_nothing_follows_the_window_and_leaves_by_q(runs: Path) -> None:
    """While nothing changes not one byte is written; the size comes from the kernel; q leaves with 0 and no mode on."""
    with board(runs) as terminal:
        terminal.wait_for("completed")
        time.sleep(0.3)
        before = len(terminal.raw)
        time.sleep(1.1)
        assert len(terminal.raw) == before
        for columns, rows in ((80, 24), (40, 10), (200, 50)):
            terminal.resize(columns, rows)
            until(lambda rows=rows: "q quit" in terminal.screen()[rows - 1])  # type: ignore[misc]
        assert terminal.modes_left_on()
        terminal.press("q")
        assert (terminal.wait_exit(), terminal.modes_left_on(), terminal.tty_sane()) == (0, set(), True)


def test_the_writer_survives_a_terminal_that_is_gone(tmp_path: Path) -> None:
    """A write that fails is forgotten; the writer goes on and ends when it is told to."""
    master, slave = pty.openpty()
    with open(slave, "w", encoding="utf-8") as terminal:
        writer = Writer(terminal)
        writer.start()
        os.close(master)
        for _ in range(100):
            writer.write("x" * 1000)
        until(lambda: writer.idle)
        writer.stop()
        assert not writer.is_alive()


async def test_dialogs_leave_nothing_behind() -> None:
    """Opening and closing dialogs keeps no painted line alive; with Textual's own cache each leaves three widgets'."""

    def kept() -> int:
        gc.collect()
        return sum(isinstance(one, StylesCache) for one in gc.get_objects())

    @lru_cache(1024)
    def stock(_self: StylesCache, base: Color, over: Color) -> tuple[VisualStyle, VisualStyle]:
        return VisualStyle(background=base + over), VisualStyle(background=base)

    async with fixed_board([Run("11111111", started_at=NOW)]) as desk:
        await desk.press("i", "escape")
        before = kept()
        await desk.press(*["i", "escape"] * 5)
        await desk.until(lambda: kept() < before + 10)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StylesCache, "get_inner_outer", stock)
            await desk.press(*["i", "escape"] * 5)
            with pytest.raises(AssertionError):
                await desk.until(lambda: kept() < before + 10, 0.7)


async def leave_amid_a_dialog() -> TerminalApp:
    """Tell a board to leave with 143 while a dialog is being put together, and give it back once it has left."""
    async with fixed_board([Run("11111111", started_at=NOW)]) as desk:
        desk.app.push_screen(ColumnChooser(Wish.of((), [], {}), lambda _wish: {}))
        desk.app.exit(return_code=143)
        await asyncio.to_thread(until, lambda: not desk.app.is_running)
    return desk.app


async def test_who_leaves_while_a_dialog_opens_has_not_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told to leave with a dialog half open, the board leaves with that code; Textual's own way is a crash."""
    app = await leave_amid_a_dialog()
    assert (app.return_code, app.crash) == (143, None)
    monkeypatch.delattr(TerminalApp, "_handle_exception")
    with pytest.raises(NoMatches):
        await leave_amid_a_dialog()


def test_textual_is_as_it_was_found() -> None:
    """What terminal.py relies on without a promise is still there; if this fails, read that file again."""
    starting = inspect.getsource(LinuxDriver.start_application_mode)
    assert "self._writer_thread = WriterThread(self._file)" in starting
    assert "self._writer_thread.start()" in starting
    assert "target=self._run_input_thread" in starting
    assert "self._query_in_band_window_resize()" in starting
    assert "self._get_terminal_size()" in starting
    assert "self.run_input_thread()" in inspect.getsource(LinuxDriver._run_input_thread)
    assert "self._writer_thread.stop()" in inspect.getsource(LinuxDriver.close)
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    assert "return self.render_partial_update()" in inspect.getsource(Compositor.render_update)
    assert Compositor.render_partial_update is partial_update
    assert {"_dirty_regions", "_regions_to_spans", "visible_widgets"} <= set(dir(Compositor()))
    assert "if self.app._exit:\n            return AwaitMount(self, [])" in inspect.getsource(Widget.mount_all)
    assert "self._fatal_error()" in inspect.getsource(App._handle_exception)
    assert "self._close_messages_no_wait()" in inspect.getsource(App._fatal_error)
    assert {"feed", "tick"} <= set(dir(XTermParser))
    assert {"_display", "_fatal_error", "panic", "get_driver_class"} <= set(TerminalApp.__dict__)
