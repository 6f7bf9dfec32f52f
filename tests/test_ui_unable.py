"""A key that can do nothing says why in a few words, whatever is chosen, and none is the death of the board."""

from __future__ import annotations

from errno import ENOENT
from threading import Event

import pytest

from runboard.logs import LogView
from runboard.model import KillRequest, Outcome, Reason, Run, Status
from runboard.ui.asked import name_of
from runboard.ui.dressed import DressedApp
from runboard.ui.fitting import misfit, sentence
from runboard.ui.keys import bound
from runboard.ui.outspoken import OutspokenApp
from tests.pilots import NOW, Desk, fixed_board
from tests.waiting import patient

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
LIVE = Run("11111111", "live", ("make",), started_at=NOW - 50)
OVER = Run("22222222", "over", ("make",), started_at=NOW - 90, completed_at=NOW - 10, outcome=FINE)
CASES = (
    LIVE,
    LIVE._replace(id="33333333", name="asked", kill_request=KillRequest(NOW, "ada", 15)),
    LIVE._replace(id="44444444", name="elsewhere", foreign="on host borealis"),
    LIVE._replace(id="55555555", name="queued", queued=True),
    LIVE._replace(id="66666666", name="resting", paused=True),
    OVER,
    OVER._replace(id="77777777", name="older", command=()),
    OVER._replace(id="88888888", name="unsaved", unsaved=True),
    Run("99999999", damage="run.json ends in the middle"),
)
ENDED, REACHED, DAMAGED = "has ended already", "cannot be reached from here", "is damaged: it can only go to the trash"
SAID = {
    "live": {"trash mark": "has not ended yet", "continue": "is not paused"},
    "asked": {"stop": "is being stopped already", "trash": "has not ended yet", "kill signal pause": ""},
    "elsewhere": {"stop kill signal pause continue": REACHED, "trash mark": "has not ended yet", "rerun tag": ""},
    "queued": {"stop kill signal pause continue": "has not begun yet", "trash mark": "has not begun yet"},
    "resting": {"pause": "is paused already", "continue stop": ""},
    "over": {"stop kill signal pause continue": ENDED, "trash mark tag rerun": ""},
    "older": {"rerun": "came without its command", "stop": ENDED, "trash": ""},
    "unsaved": {"trash mark tag": "is not saved yet", "kill": ENDED},
    "": {"stop kill signal pause continue mark tag rerun": DAMAGED, "trash": ""},
}
"""By the name of a run: acts, and what is said of it where they make no sense."""

MARKED = {
    "live asked": ("trash", "The 2 marked runs have not ended yet"),
    "over older": ("stop", "The 2 marked runs have ended already"),
    "over queued": ("stop", "Of the 2 marked runs 1 has ended already and 1 has not begun yet"),
}
"""The same of several, by their names."""

PLAIN = frozenset(
    {
        *(f"table.{way}" for way in ("down", "up", "page-down", "page-up", "first", "last")),
        *("board.back", "board.next", "board.previous", "board.quit", "board.interrupt"),
        *("board.find", "board.theme", "board.help", "board.palette", "run.new"),
    }
)
"""Keys by which one moves, leaves and closes, by their ids: that there is no further way is plain to see; and those
that open what needs no run, as test_ui_every_key presses them."""


async def told(desk: Desk, key: str) -> str:
    """What a key says that does nothing else."""
    desk.app.clear_notifications()
    await desk.press(key)
    assert len(desk.app.screen_stack) == 1, key
    return "; ".join(desk.toasts())


@pytest.mark.parametrize("run", CASES, ids=lambda run: run.name or "damaged")
def test_what_cannot_be_done_is_said(run: Run) -> None:
    """Each act for each kind of run: the words for why not, none where it can be done."""
    for acts, words in SAID[run.name or ""].items():
        for act in acts.split():
            why = misfit(act, run, ())
            assert (sentence([run], [why]) if why else "") == (f"{name_of(run)} {words}" if words else ""), act


def test_what_is_said_of_many_counts_them() -> None:
    """One reason is told once, several with their numbers."""
    runs = {run.name: run for run in CASES}
    for names, (act, words) in MARKED.items():
        some = [runs[name] for name in names.split()]
        assert sentence(some, [misfit(act, run, ()) for run in some]) == words
    mixed = ["ended", "going", "damaged", "queued"]
    assert sentence(CASES[:4], mixed).endswith(
        "1 has ended already, 1 is not paused, 1 is damaged and 1 has not begun yet"
    )


async def test_a_key_says_why_it_does_nothing() -> None:
    """Of what is chosen, in words that stay once, however often it is pressed; what an act cannot, no key does."""
    async with fixed_board(CASES, control=object()) as desk:
        await desk.press("A")
        desk.table.go_to(OVER.id)
        await desk.pilot.pause()
        for key, words in {
            "s": f"{OVER.id} over {ENDED}",
            "u": "Nothing has gone to the trash from this board",
            "a": "No run needs you now",
            "1": "Its log is what is shown",
            "v": "Only an agent's log has events to tell in words",
        }.items():
            assert await told(desk, key) == words
        await desk.press("s", "s")
        assert len(desk.toasts()) == 2


async def test_of_many_marks_the_last_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many others are marked before the one that a key is for, the key acts on it."""
    live = [LIVE._replace(id=f"{at:08x}") for at in range(60)]
    async with fixed_board([*live, OVER], control=object()) as desk:
        await desk.press("ctrl+a", "d")
        await desk.shows("Move this run to the trash?", "22222222  over")
        await desk.press("n")
        await desk.publish(removed=[OVER.id])
        assert await told(desk, "d") == "The 60 marked runs have not ended yet"
        monkeypatch.setattr(OutspokenApp, "_why_not", lambda *_: "")  # negative control: Textual's keys are silent
        assert not await told(desk, "d")


@pytest.mark.parametrize(
    "typed", ["", pytest.param("slash z z z enter", marks=pytest.mark.nightly)], ids=["empty", "none matches"]
)
async def test_where_there_is_no_run_every_key_says_so_or_does_something(typed: str) -> None:
    """Each key of the board, unless one moves or leaves by it; one that looks or begins something does that."""
    async with fixed_board([LIVE] if typed else [], control=object()) as desk:
        await desk.press(*typed.split())
        for name, what in bound().items():
            if name.partition(".")[0] not in {"board", "run", "table"} or name in PLAIN:
                continue
            before = desk.text()
            await desk.press(what.keys[0])
            assert desk.toasts() or desk.text() != before, name
            while len(desk.app.screen_stack) > 1:
                await desk.press("escape")
            if typed and desk.table.cursor is not None:
                await desk.press(*typed.split())
            desk.app._notifications.clear()


async def test_keys_of_panes_say_why_too() -> None:
    """In the log, the diff, and where one types: what cannot be looked for, opened, gone to or saved."""
    async with fixed_board([OVER], control=object()) as desk:
        await desk.press("tab")
        assert await told(desk, "N") == "Nothing is looked for in the log: / finds"
        assert await told(desk, "V") == "There is no line to select"
        assert await told(desk, "at") == "No line here tells its time"
        await desk.press("4")
        await desk.shows("It worked in no git checkout")
        assert await told(desk, "n") == "There is no further file"
        await desk.press("slash")
        assert await told(desk, "ctrl+s") == "No filter is typed that could be saved"
        await desk.press("a", "g", "e", "less_than_sign", "x")
        assert await told(desk, "ctrl+s") == "A wrong filter is not saved"


async def test_the_keys_to_find_stay_the_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the log `n` starts no run and `/` filters no runs, whatever there is to find; the palette does both."""
    there = Event()

    def late() -> int:
        """A log on a disk that takes its time."""
        assert there.wait(patient(20))
        raise FileNotFoundError(ENOENT, "No such file or directory")

    async with fixed_board([OVER], control=object(), open_log=lambda _run_id: LogView(late)) as desk:
        await desk.press("tab")
        await desk.shows("Reading the log")
        assert await told(desk, "n") == "Nothing is looked for in the log: / finds"
        await desk.press("slash")
        assert desk.app._run_pane.look_bar.has_focus_within
        await desk.press("escape")
        assert desk.app.focused is desk.log
        there.set()
        offered = {command.title for command in desk.app.get_system_commands(desk.app.screen)}
        assert {"New", "Filter"} <= offered
        await desk.press("tab")
        offered = {command.title for command in desk.app.get_system_commands(desk.app.screen)}
        assert {"New  n", "Filter  /"} <= offered
        await desk.press("n")
        await desk.shows("A new run")
        await desk.press("escape", "tab")
        # negative control: to Textual, who can do nothing has left its key to others
        monkeypatch.setattr(OutspokenApp, "run_action", DressedApp.run_action)
        await desk.press("n")
        await desk.shows("A new run")


async def test_a_board_that_only_looks_says_that_it_does() -> None:
    """A guest who presses a key that acts elsewhere is told; a key that nobody has set stays silent."""
    async with fixed_board([OVER]) as desk:
        for key in ("d", "n", "u"):
            assert await told(desk, key) == "A board that only looks does not do that", key
        assert not await told(desk, "Q")


async def test_1_opens_the_log_where_the_table_has_the_screen_for_itself() -> None:
    """On a low screen the log is chosen but not seen: its key shows it, and once it is seen, says that it is."""
    async with fixed_board([OVER], size=(80, 12)) as desk:
        await desk.press("1")
        await desk.until(lambda: desk.log.region.area)
        assert await told(desk, "1") == "Its log is what is shown"
