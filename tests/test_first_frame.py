"""The first frame: painted before Textual is loaded, where Textual then paints, and never left behind on a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pyte
import pytest
from rich.console import Console
from textual.strip import Strip

from runboard.attention import KEY, Limits, Seen
from runboard.board import Board
from runboard.cli.bare import Bare, bare_call
from runboard.cli.opening import FEW, few_runs, first_board
from runboard.model import Identity, Outcome, Reason, Run, Status, Usage
from runboard.store import Store
from runboard.ui.arrangement import sorting_of
from runboard.ui.frame import Layout, Look, frame
from runboard.ui.taste import Taste
from tests.leaving import leave
from tests.pilots import NOW, fixed_board
from tests.program import COMMAND, environment
from tests.stores import made
from tests.terminal import Terminal
from tests.waiting import until

LIVE = Run("00000001", name="train", command=("make",), started_at=NOW - 100, process=Identity(pid=1))
DONE = Run("00000002", name="fix the parser", repo="shop", started_at=NOW - 900, model="opus").finish(
    Outcome(Status.COMPLETED, Reason.EXITED, exit_code=0), NOW - 700, by="me", seen_at=NOW
)
FAILED = Run(
    "00000003", name="日本語 e\u0301 tests", started_at=NOW - 5000, usage=Usage(total_tokens=1234, cost=0.5)
).finish(
    Outcome(Status.FAILED, Reason.EXITED, exit_code=2, error="Exited with code 2"), NOW - 4000, by="me", seen_at=NOW
)
RUNS = [LIVE, DONE, FAILED, Run("00000004", damage="run.json is empty")]
MANY = [*RUNS, *(DONE._replace(id=f"{number:08x}") for number in range(16, 90))]

PLACE = "~/.agents/runs"
Cells = list[tuple[str, str, str]]


def painted(lines: list[str], columns: int, rows: int) -> list[Cells]:
    """What a terminal shows of a frame: character, ink and ground of every cell; blanks have no ink."""
    screen = pyte.Screen(columns, rows)
    pyte.Stream(screen).feed("".join(lines))
    return [
        [
            (cell.data, cell.fg if cell.data.strip() else "", cell.bg)
            for cell in (screen.buffer[y][x] for x in range(columns))
        ]
        for y in range(rows)
    ]


OWN = (
    Taste(columns=("name", "model", "exit", "elapsed"), remembered={"board.widths": {"model": 20}}),
    Taste(sort="elapsed", keys={"run.details": "x"}),
    Taste(theme="runboard-light", sort="-name"),
    Taste(theme="runboard-clear", ascii=True),
)


@pytest.mark.parametrize("taste", OWN, ids=["columns", "sort", "light", "clear"])
async def test_what_is_set_holds_for_the_first_frame(taste: Taste) -> None:
    """Columns, order, colours and ASCII of one's own are there from the start: Textual changes nothing of the table."""
    columns, rows = 120, 36
    board = Board(RUNS)
    board.sort(sorting_of(taste.sort), NOW)
    look, title = Look.of(taste), "~/.agents/runs"
    lines = frame(board, columns, rows, title=title, read_only=False, now=NOW, depth=1 << 24, look=look)
    early, late = painted(lines, columns, rows), await shown(RUNS, columns, rows, taste)
    assert taste.early
    for y in range(2 + len(RUNS) + 1):
        assert [x for x in range(columns) if not alike(early[y][x], late[y][x])] == [], y


async def shown(runs: list[Run], columns: int, rows: int, taste: Taste) -> list[Cells]:
    """What the board shows of the same runs, in the same form."""
    console = Console(color_system="truecolor", force_terminal=True, no_color=False)
    async with fixed_board(runs, size=(columns, rows), control=object(), taste=taste) as desk:
        screen = pyte.Screen(columns, rows)
        for y, strip in enumerate(desk.app.screen._compositor.render_strips()):
            pyte.Stream(screen).feed(f"\x1b[{y + 1};1H{Strip(strip).render(console)}")
        return [
            [
                (cell.data, cell.fg if cell.data.strip() else "", cell.bg)
                for cell in (screen.buffer[y][x] for x in range(columns))
            ]
            for y in range(rows)
        ]


@pytest.mark.parametrize("seen", [Seen(NOW), Seen(NOW - 4500)], ids=["nothing needs you", "some need you"])
@pytest.mark.parametrize("runs", [RUNS, MANY], ids=["few", "scrolled"])
@pytest.mark.parametrize("size", [(120, 36), (80, 24), (100, 14), (200, 50), (44, 20), (60, 29), (181, 30)])
async def test_textual_paints_over_it_without_a_jump(runs: list[Run], size: tuple[int, int], seen: Seen) -> None:
    """Summary, header and rows stand where the board has them, in its colours; so do the grounds of all the rest."""
    needy = seen.since < NOW
    taste = Taste(remembered={KEY: seen.kept()}, limits=Limits(silent=90 if needy else 600))
    columns, rows = size
    layout = Layout.of(columns, rows, empty=False)
    early = painted(
        frame(first_board(runs, taste, NOW), columns, rows, title=PLACE, read_only=False, now=NOW, depth=1 << 24),
        columns,
        rows,
    )
    late = await shown(runs, columns, rows, taste)
    assert ("need" in "".join(cell[0] for cell in early[0])) is needy
    width = layout.table_columns - (len(runs) + 1 > layout.table_rows)
    for y in range(rows):
        compared = range(columns if y < layout.top else width if y < layout.top + layout.table_rows else 0)
        assert [x for x in compared if not alike(early[y][x], late[y][x])] == [], y
        assert alike(("", "", early[y][0][2]), ("", "", late[y][0][2])), y
        assert alike(("", "", early[y][-2][2]), ("", "", late[y][-2][2])), y


def alike(one: tuple[str, str, str], other: tuple[str, str, str]) -> bool:
    """Whether two cells look the same: Textual's arithmetic with colours may miss one by a step."""
    if one[0] != other[0]:
        return False
    pairs = [(a, b) for a, b in zip(one[1:], other[1:], strict=True) if a or b]
    channels = [(int(a[at : at + 2], 16), int(b[at : at + 2], 16)) for a, b in pairs for at in (0, 2, 4)]
    return all(abs(a - b) <= 1 for a, b in channels)


def test_who_wrote_a_moment_ago_is_not_silent(tmp_path: Path) -> None:
    """A run of long ago that still writes does not need anybody in the first frame; one that does not, does."""
    store = Store(str(tmp_path))
    ids = [made(store, started_at=time.time() - 9000).id for _ in range(2)]
    for run_id, age in zip(ids, (5, 5000), strict=True):
        log = tmp_path / run_id / "output.log"
        log.write_text("at work\n")
        os.utime(log, (time.time() - age,) * 2)
    assert list(first_board(few_runs(store) or [], Taste(), time.time()).needs) == [ids[1]]


def test_without_colours_it_is_plain() -> None:
    """For NO_COLOR nothing but places and resets goes out; for 256 colours only colours of that palette."""
    plain = "".join(frame(Board(RUNS), 80, 24, title="x", read_only=True, now=NOW, depth=0))
    assert set(re.findall(r"\x1b\[[0-9;]*m", plain)) == {"\x1b[0m"}
    some = "".join(frame(Board(RUNS), 80, 24, title="x", read_only=True, now=NOW, depth=256))
    assert all(re.fullmatch(r"\x1b\[0;38;5;\d+;48;5;\d+m", one) for one in re.findall(r"\x1b\[[0-9;]*m", some))


def test_what_runs_are_called_does_nothing_to_the_terminal() -> None:
    """Escapes, controls and bidi marks in a run's words never leave as such; unfiltered they would."""
    evil = DONE._replace(name="\x1b]0;owned\x07\x9b31m\u202eevil\r\n", repo="\x1b[2J")
    lines = frame(Board([evil]), 100, 30, title="x", read_only=False, now=NOW, depth=256)
    rest = re.sub(r"\x1b\[(\d+;1H|[0-9;]*m)", "", "".join(lines))
    assert "evil" in rest
    assert rest.isprintable()
    assert not (evil.name or "").isprintable()


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ([], Bare()),
        (["--watch"], Bare(watch=True)),
        (["--runs-dir", "x"], Bare("x")),
        (["--runs-dir=x", "--watch"], Bare("x", watch=True)),
        (["--runs-dir", "x", "--runs-dir="], Bare("")),
        (["--runs-dir", "--watch"], Bare("--watch")),
        (["--runs-dir"], None),
        (["ps"], None),
        (["--help"], None),
        (["--runs-dir", "x", "ps"], None),
        (["--color", "never"], None),
        (["--watched"], None),
    ],
)
def test_which_calls_do_without_the_parser(words: list[str], meaning: Bare | None) -> None:
    """Only calls for the board and nothing else are understood; all others, and wrong ones, are the parser's."""
    assert bare_call(words) == meaning


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A runs directory with three finished runs."""
    for number in range(3):
        leave(tmp_path / "runs", f"0000000{number}", log=b"hello\n" * 100)
    return tmp_path / "runs"


@pytest.fixture
def slow(tmp_path: Path) -> dict[str, str | None]:
    """An environment in which loading Textual never ends, so that the first frame stays."""
    (tmp_path / "slow" / "textual").mkdir(parents=True)
    (tmp_path / "slow" / "textual" / "__init__.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    return {"PYTHONPATH": f"{tmp_path / 'slow'}:{os.environ.get('PYTHONPATH', '')}"}


def board(runs: Path, *words: str, env: dict[str, str | None] | None = None) -> Terminal:
    """The board in a terminal."""
    return Terminal([*COMMAND, "--runs-dir", str(runs), *words], 100, 30, env=env)


def careless(runs: Path, place: Path, left_out: str, env: dict[str, str | None]) -> Terminal:
    """The board in a terminal, but for one thing that its first frame does."""
    program = place / "careless.py"
    leave_out = f"early.EarlyScreen.{left_out} = lambda self: None"
    program.write_text(f"from runboard.cli import early, program\n{leave_out}\nprogram()\n", "utf-8")
    return Terminal([COMMAND[0], str(program), "--runs-dir", str(runs)], 100, 30, env=env)


@pytest.mark.parametrize("words", [[], ["--watch"]])
def test_rows_are_there_before_textual_is(runs: Path, slow: dict[str, str | None], words: list[str]) -> None:
    """With Textual still loading, rows, counts and the directory are on the alternate screen, the cursor hidden."""
    with board(runs, *words, env=slow) as terminal:
        terminal.wait_for("make 00000000")
        terminal.wait_for("3 completed")
        assert ("read-only" in terminal.text()) is bool(words)
        assert terminal.modes_left_on() == {"alternate screen", "cursor hidden"}


def test_of_many_runs_the_index_tells_the_newest(tmp_path: Path, slow: dict[str, str | None]) -> None:
    """With more runs than are read, the rows come from the index, open ones from the disk; without it none are."""
    for number in range(FEW + 50):
        leave(tmp_path / "runs", f"{number:08x}", age=60.0 + number)
    leave(tmp_path / "runs", "live", status="running", pid=1, name="the live one")
    env = slow | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    with board(tmp_path / "runs", env=env) as terminal:
        until(lambda: "nanosleep" in Path(f"/proc/{terminal.process}/wchan").read_text("utf-8"))
        assert terminal.raw == b""
    subprocess.run(
        [*COMMAND, "--runs-dir", str(tmp_path / "runs"), "ps", "-q"],
        env=environment(XDG_CACHE_HOME=str(tmp_path / "cache")),
        check=True,
        capture_output=True,
    )
    with board(tmp_path / "runs", env=env) as terminal:
        terminal.wait_for("make 00000000")
        assert "the live one" in terminal.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT])
def test_a_signal_before_textual_leaves_nothing_behind(
    runs: Path, slow: dict[str, str | None], number: signal.Signals
) -> None:
    """A signal while only the first frame is there ends the program, with the terminal as it was found."""
    with board(runs, env=slow) as terminal:
        terminal.wait_for("make 00000000")
        os.kill(terminal.process, number)
        code = terminal.wait_exit(5)
        assert code == (130 if number == signal.SIGINT else -number)
        assert (terminal.modes_left_on(), terminal.tty_sane()) == (set(), True)
        assert "make" not in terminal.text()


def test_without_care_it_would_be_left_behind(runs: Path, slow: dict[str, str | None], tmp_path: Path) -> None:
    """Negative control: the same program that does not arm itself dies with the alternate screen on."""
    with careless(runs, tmp_path, "_arm", slow) as terminal:
        terminal.wait_for("make 00000000")
        os.kill(terminal.process, signal.SIGTERM)
        assert terminal.wait_exit(5) == -signal.SIGTERM
        assert "alternate screen" in terminal.modes_left_on()


def test_a_textual_that_cannot_be_loaded_leaves_the_screen(
    runs: Path, slow: dict[str, str | None], tmp_path: Path
) -> None:
    """An error on the way to Textual is told on the ordinary screen."""
    (tmp_path / "slow" / "textual" / "__init__.py").write_text("raise ImportError('no such luck')\n", "utf-8")
    with board(runs, env=slow) as terminal:
        assert terminal.wait_exit(5) == 1
        assert terminal.modes_left_on() == set()
        assert "no such luck" in terminal.text()


def test_ctrl_z_waits_for_textual(runs: Path, slow: dict[str, str | None]) -> None:
    """A stop that comes with the first frame is held back: nobody would leave the alternate screen for it."""
    with board(runs, env=slow) as terminal:
        terminal.wait_for("make 00000000")
        os.kill(terminal.process, signal.SIGTSTP)
        time.sleep(0.1)
        state = Path(f"/proc/{terminal.process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        assert state in "SR"


KEYS = b"/make\r\x1c"


def test_what_is_typed_before_textual_is_kept_for_it(runs: Path, slow: dict[str, str | None], tmp_path: Path) -> None:
    """Keys typed at the first frame are not echoed over it and mean to the board what they mean later; none ends it."""
    gate = tmp_path / "slow" / "textual" / "__init__.py"
    gate.write_text(
        f"import os, sys, time\nwhile not os.path.exists({str(tmp_path / 'open')!r}): time.sleep(0.01)\n"
        f"sys.path.remove({str(tmp_path / 'slow')!r})\ndel sys.modules['textual']\nimport textual\n",
        "utf-8",
    )
    with board(runs, env=slow) as terminal:
        terminal.wait_for("make 00000000")
        until(lambda: "nanosleep" in Path(f"/proc/{terminal.process}/wchan").read_text("utf-8"))
        time.sleep(0.1)  # all of the frame has come
        before = bytes(terminal.raw)
        terminal.send(KEYS)
        time.sleep(0.2)
        assert bytes(terminal.raw) == before
        (tmp_path / "open").touch()
        terminal.wait_for("3 of 3 shown")
        terminal.wait_for("/ make")
        terminal.wait_for("i details")  # Enter has left the filter for the table
        terminal.send(b"\x11")
        assert (terminal.wait_exit(), terminal.modes_left_on(), terminal.tty_sane()) == (0, set(), True)


def test_a_terminal_left_to_itself_would_echo_them(runs: Path, slow: dict[str, str | None], tmp_path: Path) -> None:
    """Negative control: the same program that does not take the keyboard has them on its first frame, and is ended."""
    with careless(runs, tmp_path, "_listen", slow) as terminal:
        terminal.wait_for("make 00000000")
        terminal.send(KEYS[:-1])
        terminal.wait_for("/make")
        terminal.send(KEYS[-1:])
        assert terminal.wait_exit(5) == -signal.SIGQUIT


def test_a_signal_at_any_moment_leaves_the_terminal_well(runs: Path) -> None:
    """TERM after every few milliseconds of the start ends the program with no mode left on and the tty as it was."""
    moments = [0.01 * step for step in range(2, 42)]
    for start in range(0, len(moments), 4):
        with ExitStack() as stack:
            for moment in moments[start : start + 4]:
                terminal = stack.enter_context(board(runs))
                time.sleep(moment / 2)
                os.kill(terminal.process, signal.SIGTERM)
                code = terminal.wait_exit(10)
                assert code in {-signal.SIGTERM, 128 + signal.SIGTERM}, moment
                assert (terminal.modes_left_on(), terminal.tty_sane()) == (set(), True), moment


def test_the_screen_is_entered_and_left_once(runs: Path) -> None:
    """Textual does not enter the alternate screen again, which would forget where the cursor was; q leaves it once."""
    with board(runs) as terminal:
        terminal.wait_for("q quit")
        terminal.press("q")
        assert (terminal.wait_exit(), terminal.modes_left_on()) == (0, set())
        assert (terminal.raw.count(b"\x1b[?1049h"), terminal.raw.count(b"\x1b[?1049l")) == (1, 1)
        assert terminal.raw.index(b"make 00000000") < terminal.raw.index(b"\x1b[?1000h")


def test_a_terminal_that_takes_nothing_gets_no_first_frame(runs: Path, slow: dict[str, str | None]) -> None:
    """Where output is stopped, the program does not wait with its frame, and a signal ends it at once."""
    shell = f"stty -ixany; kill -STOP $$; exec {' '.join(COMMAND)} --runs-dir {runs}"
    with Terminal(["sh", "-c", shell], 100, 30, env=slow) as terminal:
        until(lambda: "T" in Path(f"/proc/{terminal.process}/stat").read_text("utf-8").rpartition(")")[2])
        terminal.send(b"\x13")
        os.kill(terminal.process, signal.SIGCONT)
        until(lambda: "slow/textual" in opened_modules(terminal.process))
        assert b"1049h" not in terminal.raw
        os.kill(terminal.process, signal.SIGTERM)
        assert terminal.wait_exit(5) == -signal.SIGTERM


def opened_modules(pid: int) -> str:
    """Where a process sleeps in loading Textual, told by its being in a sleep and no longer a shell."""
    words = Path(f"/proc/{pid}/wchan").read_text("utf-8") + Path(f"/proc/{pid}/cmdline").read_text("utf-8")
    return "slow/textual" if "nanosleep" in words and "python" in words else ""
