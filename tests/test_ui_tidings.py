"""What the board tells of endings: in a corner, to the terminal, in its title; bounded, and clean to the byte."""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from pathlib import Path

import pytest

from runboard.batch import Batch
from runboard.board import Board
from runboard.cli.comfort import taste_of, way_of, within_tmux
from runboard.control import Control
from runboard.model import Outcome, Reason, Run, Status
from runboard.row import Row
from runboard.store import Store
from runboard.ui.taste import Taste
from runboard.ui.tidings import GIVE_BACK_TITLE, Notify, Severity, Tidings, lines_of, notification, title_of
from tests.pilots import NOW, HandFeed, fixed_board
from tests.program import COMMAND, runboard, start
from tests.terminal import Terminal
from tests.test_ui_acts import DONE, LIVE
from tests.tmux import HAS_TMUX
from tests.waiting import until

BAD = Outcome(Status.FAILED, Reason.EXITED, "Exited with code 1", 1)


def ended(run: Run, outcome: Outcome = DONE) -> Run:
    """The run, over after five seconds."""
    return run._replace(outcome=outcome, completed_at=NOW)


def heard(notify: Notify, *entries: Run | Row, spared: tuple[str, ...] = ()) -> tuple[list[tuple[str, str]], list[str]]:
    """What is told and what is sent of endings on a board where all of these were live."""
    told: list[tuple[str, str]] = []
    sent: list[str] = []

    def tell(sentence: str, severity: Severity) -> None:
        """Note it."""
        told.append((sentence, severity))

    board = Board([LIVE._replace(id=entry.id) for entry in entries])
    tidings = Tidings(board, notify, tell, sent.append, spared)
    tidings.hear(
        Batch(
            tuple(one for one in entries if isinstance(one, Run)),
            rows=tuple(one for one in entries if isinstance(one, Row)),
        )
    )
    tidings.tell({Status.RUNNING: 3, Status.FAILED: 1})
    return told, sent


def test_an_ending_is_told_once_with_how() -> None:
    """One that fails is an error and says why; one whose stop was asked for here is told by whoever asked."""
    told, sent = heard(Notify(), ended(LIVE, BAD))
    assert told == [("✘ failed  11111111 live one after 5s: Exited with code 1", "error")]
    assert sent[-1].endswith("\x1b]2;runboard: 3 running, 1 failed\x1b\\")
    assert heard(Notify(), ended(LIVE), spared=(LIVE.id,))[0] == []
    assert heard(Notify(), LIVE)[0] == []
    assert heard(Notify(), Row.of(ended(LIVE)))[0] == [("✔ completed  11111111 live one after 5s", "information")]


def test_many_endings_are_one_line() -> None:
    """A hundred endings in a second are one sentence, one bell and one notification."""
    runs = [ended(LIVE._replace(id=f"{number:08d}"), BAD if number % 4 == 0 else DONE) for number in range(100)]
    told, sent = heard(Notify(bell=True, osc=9), *runs)
    assert told == [("100 runs have ended: 75 completed, 25 failed", "information")]
    assert sent[:2] == ["\a", "\x1b]9;runboard: 100 runs have ended: 75 completed, 25 failed\x1b\\"]
    assert len(lines_of(runs[:3])) == 3


def test_hooks_that_failed_are_told_together() -> None:
    """One says whose it was, again if it is the same; a hundred at once are one sentence; none says nothing."""
    told: list[str] = []
    tidings = Tidings(
        Board([LIVE]), Notify(), lambda sentence, _severity: told.append(sentence), lambda _text: None, ()
    )
    for unheard in [((LIVE.id, "a\x1b[31m"),)] * 2 + [(("", "b"),), (("22222222", "c"),), ()]:
        tidings.hear(Batch(unheard=unheard))
        tidings.tell({})
    mine = "on_finish failed for 11111111 live one: a"
    assert told == [mine, mine, "on_finish failed: b", "on_finish failed for 22222222: c"]
    tidings.hear(Batch(unheard=tuple((str(number), "d") for number in range(100))))
    tidings.tell({})
    assert told[4:] == ["on_finish failed for 100 runs; the last: d"]


def test_what_was_over_before_is_no_news() -> None:
    """A run that is first met finished, as in the listing at the start, is not told."""
    told: list[str] = []
    tidings = Tidings(Board(), Notify(), lambda sentence, _severity: told.append(sentence), lambda _text: None, ())
    tidings.hear(Batch((ended(LIVE),)))
    tidings.tell({})
    assert told == []


@pytest.mark.parametrize("kind", [9, 99, 777])
def test_no_byte_of_a_name_leaves_its_sequence(kind: int) -> None:
    """Whatever a run is called, a notification is one sequence with printable text in it, of bounded length."""
    nasty = "a\x1b\\b\x07c\x9cd\x1b]2;evil\x07\n;e\u202ef\x00" + "x" * 1000
    sent = notification(kind, nasty)
    assert re.fullmatch(r"\x1b\](9;|99;;|777;notify;runboard;)[^\x00-\x1f\x7f-\x9f]{1,300}\x1b\\", sent)
    assert "\u202e" not in sent
    assert not re.fullmatch(r"\x1b\]9;[^\x00-\x1f\x7f-\x9f]{1,300}\x1b\\", f"\x1b]9;{nasty}\x1b\\"), (
        "uncleaned it would"
    )


def test_the_title_says_who_runs() -> None:
    """Only what there is; a board where nothing runs is just called by its name."""
    assert title_of({Status.RUNNING: 2, Status.COMPLETED: 7}) == "runboard: 2 running"
    assert title_of({}) == "runboard"


async def test_an_ending_is_seen_in_a_corner() -> None:
    """On the board an ending is a toast within a second or two; its name is no markup."""
    run = LIVE._replace(name="[red]x[/nope]")
    async with fixed_board([run], control=object()) as desk:
        await desk.publish(ended(run, BAD))
        await desk.until(lambda: any("failed  11111111 [red]x[/nope]" in toast for toast in desk.toasts()), 5)


def test_a_terminal_gets_title_and_its_old_one_back(tmp_path: Path) -> None:
    """On a real terminal the title follows the runs, and the old one comes back at the end."""
    store = Store(str(tmp_path))
    run = Control(store).start(["sleep", "60"])
    try:
        with Terminal([*COMMAND, "--runs-dir", str(tmp_path)], 80, 24) as terminal:
            terminal.wait_for("running", 20)
            until(lambda: b"]2;runboard: 1 running" in terminal.raw, 10)
            terminal.press("q")
            terminal.wait_exit(10)
            assert GIVE_BACK_TITLE.encode() in terminal.raw
    finally:
        Control(store).kill(run.id, 9)


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        ({"TERM": "xterm-kitty"}, 99),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, 99),
        ({"TERM": "foot"}, 777),
        ({"TERM": "rxvt-unicode"}, 777),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, 777),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, 9),
        ({}, 9),
    ],
)
def test_each_terminal_is_spoken_to_in_its_way(environ: dict[str, str], way: int) -> None:
    """The sequence follows the terminal, as far as its variables tell which one it is."""
    assert way_of(environ) == way


@pytest.mark.parametrize(
    ("said", "within"),
    [
        ("/tmp/tmux-0/default,84,0", True),
        ("/tmp/a,b/default,84,0", True),
        ("", False),
        ("1", False),
        (",84,0", False),
        ("/tmp/x,84,", False),
        ("/tmp/x,84,²", False),
        ("\x1b]52;c;x\a", False),
    ],
)
def test_tmux_is_believed_where_it_says_itself_as_it_does(said: str, within: bool) -> None:
    """Whatever else is in the variable is no tmux: to any other terminal its wrapping would be noise."""
    assert within_tmux({"TMUX": said}) is within
    assert not within_tmux({})


async def test_what_is_for_the_outer_terminal_is_wrapped_for_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy and a notification are sent as they are and wrapped, once each; the title and the bell are tmux's own."""
    for within in (True, False):
        sent: list[str] = []
        async with fixed_board([LIVE], taste=Taste(tmux=within)) as desk:
            monkeypatch.setattr(type(desk.app), "is_headless", property(lambda _app: False))
            monkeypatch.setattr(desk.app._driver, "write", sent.append)
            for sequence in ("\x1b]9;told\x1b\\", "\x1b]52;c;Zm9v\a", "\x1b]2;title\x1b\\", "\a"):
                desk.app.emit(sequence)
            monkeypatch.undo()
        wrapped = ["\x1bPtmux;\x1b\x1b]9;told\x1b\x1b\\\x1b\\", "\x1bPtmux;\x1b\x1b]52;c;Zm9v\a\x1b\\"]
        assert [text in "".join(sent) for text in wrapped] == [within] * 2
        assert "".join(sent).count("Ptmux") == 2 * within


def test_the_config_says_how_endings_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Toast, bell and the terminal's own way are the config's; without one there is only the toast."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm-kitty")
    assert taste_of({}, writable=False).notify == Notify()
    (tmp_path / "runboard").mkdir()
    (tmp_path / "runboard" / "config.toml").write_text("[notify]\ntoast = false\nbell = true\nosc = true\n", "utf-8")
    assert taste_of({}, writable=False).notify == Notify(toast=False, bell=True, osc=99)


async def test_a_board_that_is_told_nothing_says_that_it_polls() -> None:
    """While the system tells no changes the first line says so, however long, and no longer."""
    async with fixed_board([LIVE]) as desk:
        feed = desk.feed
        assert isinstance(feed, HandFeed)
        await desk.hides("polling")
        feed.publish(Batch(blind=True))
        await desk.shows("polling")
        await desk.publish(LIVE._replace(name="another name"))
        await desk.shows("another name", "polling")
        feed.publish(Batch(blind=False))
        await desk.hides("polling")


@pytest.mark.nightly
@pytest.mark.skipif(not HAS_TMUX, reason="there is no tmux here")
def test_tmux_hands_on_what_is_for_the_terminal_it_runs_in(tmp_path: Path) -> None:
    """A copy and a notification reach the terminal around tmux; as any other terminal gets them, tmux drops both."""
    (tmp_path / "runboard").mkdir()
    (tmp_path / "runboard" / "config.toml").write_text("[notify]\nosc = true\n", "utf-8")
    (tmp_path / "tmux.conf").write_text("set -g allow-passthrough on\nset -sg escape-time 0\n", "utf-8")
    board = [*COMMAND, "--runs-dir", str(tmp_path / "runs")]
    copied = b64encode(b"sleep 60").decode()
    for inner in (board, ["env", "-u", "TMUX", *board]):  # the second is the negative control
        run_id = start(tmp_path / "runs", "--", "sleep", "60")
        words = ["tmux", "-S", str(tmp_path / "socket"), "-f", str(tmp_path / "tmux.conf"), "new-session"]
        with Terminal([*words, shlex.join(inner)], 100, 24, {"XDG_CONFIG_HOME": str(tmp_path)}) as terminal:
            terminal.wait_for(run_id)
            terminal.press("y")
            terminal.wait_for("is in the clipboard")
            assert runboard(tmp_path / "runs", "kill", run_id).returncode == 0
            terminal.wait_for(f"failed  {run_id} sleep 60 after")
            terminal.press("q")
            terminal.wait_exit()
            wanted = (f"\x1b]52;c;{copied}\a", f"\x1b]9;runboard: ✘ failed  {run_id}")
            assert [sequence.encode() in terminal.raw for sequence in wanted] == [inner is board] * 2
