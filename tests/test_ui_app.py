"""The board as a whole: filter, details, zoom, help and palette, and what it says of odd runs or none at all."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.widgets import Input

from runboard.batch import Batch
from runboard.model import KillRequest, Outcome, Reason, Run, Status, Transition, Usage
from runboard.row import Row
from runboard.ui.app import RunboardApp
from runboard.ui.confirm import Confirm
from runboard.ui.details import Details
from runboard.ui.filterbar import FilterBar
from runboard.ui.help import Help
from runboard.ui.logkeys import LogKeys
from runboard.ui.lookbar import LookBar
from runboard.ui.response import ResponsePane
from runboard.ui.screen import BoardScreen, DeskScreen
from runboard.ui.sources import Sources
from runboard.ui.table import RunTable
from tests.pilots import NOW, HandFeed, fixed_board

LIVE = Run("11111111", name="train", command=("python", "train.py"), started_at=NOW - 75, timeout=1800)
BROKEN = Run(
    "22222222",
    name="import",
    command=("python", "import.py", "two words"),
    cwd="/srv/data",
    started_at=NOW - 500,
    completed_at=NOW - 497,
    outcome=Outcome(Status.FAILED, Reason.EXITED, "Exited with code 3", exit_code=3),
    kill_request=KillRequest(NOW - 498, "bob@atlas", 15),
    usage=Usage(input_tokens=1200, total_tokens=1500, cost=0.25),
    tags=("nightly",),
    history=(Transition(NOW - 497, "running", "failed", "exited", "shim", "time from the exit record"),),
)


async def test_the_filter_works_as_it_is_typed() -> None:
    """Each key narrows the table; Enter keeps the filter, Esc in the table takes it away."""
    async with fixed_board([LIVE, BROKEN]) as desk:
        await desk.press("slash", *"status:fail")
        await desk.shows("import", "1 of 2 shown")
        await desk.hides("train.py")
        assert "11111111" not in desk.text()
        await desk.press("enter")
        assert desk.app.focused is desk.table
        await desk.shows("/ status:fail", "esc back")
        await desk.press("escape")
        await desk.shows("11111111")
        assert "shown" not in desk.text()


async def test_letters_typed_into_the_filter_are_no_commands() -> None:
    """While a filter is typed, q, s, d and the others are letters."""
    async with fixed_board([LIVE], control=object()) as desk:
        await desk.press("slash", *"qsdSruiz?g/")
        assert desk.app.query_one(Input).value == "qsdSruiz?g/"
        assert (desk.app.is_running, len(desk.app.screen_stack)) == (True, 1)
        await desk.shows("No run matches. Esc clears the filter.")
        await desk.press("escape")
        await desk.shows("11111111")
        assert desk.app.focused is desk.table


async def test_a_bad_filter_is_told_and_changes_nothing() -> None:
    """A query that cannot be understood says why, beside it; the rows stay; mending it takes the word away."""
    async with fixed_board([LIVE, BROKEN]) as desk:
        await desk.press("slash", *"color:re")
        await desk.shows("unknown key")
        await desk.press(*["backspace"] * 8, '"')
        await desk.shows("a quote is not closed")
        assert desk.app._board.order == [LIVE.id, BROKEN.id]
        await desk.press("backspace")
        await desk.hides("not closed")


async def test_runs_that_come_while_filtered_obey_the_filter() -> None:
    """A new run that does not match stays out of sight, but is counted."""
    async with fixed_board([LIVE, BROKEN]) as desk:
        await desk.press("slash", *"import", "enter")
        await desk.publish(LIVE._replace(id="33333333", name="third"))
        assert "third" not in desk.text()
        await desk.shows("● 2 running", "1 of 3 shown")


async def test_details_tell_everything_and_stay_true() -> None:
    """The sheet has every fact and the history, and follows the run while it is open."""
    async with fixed_board([LIVE, BROKEN], size=(120, 50)) as desk:
        await desk.press("down", "i")
        await desk.shows(
            *("✘ failed  22222222", "Exited with code 3", "python import.py 'two words'", "/srv/data"),
            *("SIGTERM by bob@atlas",),
            *("1,200 input, 1,500 total", "$0.2500", "nightly", "running → failed  exited  by shim", "exit record"),
        )
        await desk.publish(BROKEN._replace(branch="new-branch"))
        await desk.shows("new-branch")
        await desk.press("escape", "up", "i")
        await desk.shows("● running  11111111", "30m")
        await desk.press("i")
        assert len(desk.app.screen_stack) == 1


async def test_details_scroll_on_a_small_screen() -> None:
    """At 40x10 the end of the sheet is reached by keys."""
    async with fixed_board([BROKEN], size=(40, 10)) as desk:
        await desk.press("i")
        await desk.shows("Exited with code 3")
        assert "History" not in desk.text()
        await desk.press(*["pagedown"] * 6)
        await desk.shows("History", "exit record")
        assert "Exited with code 3" not in desk.text()
        await desk.press(*["up"] * 60)
        await desk.shows("22222222", "Exited with code 3")
        assert "History" not in desk.text()


async def test_enter_opens_the_log_on_the_whole_screen() -> None:
    """Enter zooms, Enter again tells details, Esc goes back to where one was; z does the same."""
    async with fixed_board([LIVE, BROKEN]) as desk:
        await desk.press("down", "enter")
        await desk.shows("22222222  import  Exited with code 3")
        assert (desk.table.display, desk.app.focused) == (False, desk.log)
        await desk.press("enter")
        await desk.shows("Exit code")
        await desk.press("escape", "escape")
        assert (desk.table.display, desk.app.focused, desk.table.cursor) == (True, desk.table, BROKEN.id)
        await desk.press("z")
        assert not desk.table.display
        await desk.press("z")
        assert desk.table.display


async def test_a_zoomed_run_that_leaves_is_not_replaced() -> None:
    """When the run on the whole screen leaves the board, the table comes back and a word says why."""
    async with fixed_board([LIVE, BROKEN]) as desk:
        await desk.press("down", "enter")
        await desk.publish(removed=[BROKEN.id])
        await desk.shows("22222222 has left the board", "11111111")
        assert desk.table.display


async def test_tab_moves_between_table_and_log() -> None:
    """Tab and Shift+Tab go to and fro."""
    async with fixed_board([LIVE]) as desk:
        found = []
        for key in ("tab", "tab", "shift+tab"):
            await desk.press(key)
            found.append(desk.app.focused)
        assert found == [desk.log, desk.table, desk.log]


async def test_help_lists_the_keys_of_what_has_the_focus() -> None:
    """Help in the table is about runs, in the log about the log; what cannot be done now is not in it."""
    async with fixed_board([LIVE], control=object(), size=(120, 60)) as desk:
        await desk.press("question_mark")
        await desk.shows("Runs", "Next run", "V  ctrl+space", "Ask it to end", "Leave; the runs go on", "ctrl+p")
        assert "trash" not in desk.text()
        await desk.press("question_mark", "tab", "question_mark")
        await desk.shows("Log", "A line down", "Pan right", "shift+←  ^     To their start")
        assert "Next run" not in desk.text()
        lines = desk.text().split("\n")
        at = next(at for at, line in enumerate(lines) if "Everything known of the run, or this" in line)
        beside = lines[at].index("Everything")  # what takes two lines goes on below its beginning
        assert lines[at + 1].index("line in the whole log") == beside


async def test_the_palette_has_our_actions_only() -> None:
    """Nothing of Textual's own is offered, nothing that cannot be done, and choosing an entry does it."""
    async with fixed_board([LIVE], control=object()) as desk:
        names = [command.title for command in desk.app.get_system_commands(desk.app.screen)]
        assert names == [
            *("Choose all  ctrl+a", "Choose the others  *", "Open  enter", "Details  i", "Facts  3", "Diff  4"),
            *("Processes  5", "Copy  y", "Zoom  z", "Turn pane  |", "Larger pane  +", "Smaller pane  -"),
            *("Filter  /", "Find in all  F", "Stop  s", "Kill  S", "Signal  x", "New  n"),
            *("Rerun  r", "Pause  p", "Tags  t"),
            *("Response  2", "Help  ?", "Quit  q"),
            *("Columns  c", "Show All", "Show Running", "Show Failed"),
            *("Wrap long lines  w", "Number lines  #"),
            *("Sort by Status", "Sort by ID", "Sort by Name", "Sort by Elapsed", "Sort by Started"),
            *("Sort by Exit", "Sort by Reason"),
            *("Light theme", "Themes  T"),
        ]
        await desk.press("ctrl+p")
        await desk.shows("Search for commands")
        await desk.press(*"light", "enter")
        await desk.until(lambda: desk.app.theme == "runboard-light")
        await desk.press("ctrl+p", *"stop")
        await desk.shows("Ask it to end")
        await desk.press("enter")
        await desk.shows("Stop this run?")


async def test_what_was_spent_is_in_the_first_line() -> None:
    """Tokens, cost and the last hour's cost stand in the first line once a run has them; narrow, they go first."""
    async with fixed_board([BROKEN], size=(120, 36)) as desk:
        await desk.shows("1.5k tokens  $0.25  $0.25/h", "~/.agents/runs")
        await desk.pilot.resize_terminal(50, 20)
        await desk.hides("tokens  $")
        await desk.shows("1 failed", "/runs")
    async with fixed_board([LIVE]) as desk:
        await desk.shows("1 running")
        assert "tokens" not in desk.text()


async def test_details_tell_what_the_agent_told() -> None:
    """Agent, session, warnings each on a line, and how long ago it wrote anything."""
    run = LIVE._replace(agent="claude", session_id="s-1", warnings=("rate limited", "denied"), activity_at=NOW - 125)
    async with fixed_board([run], size=(120, 50)) as desk:
        await desk.press("i")
        await desk.shows("Agent", "claude", "Session", "s-1", "Warnings", "rate limited", "denied", "2m5s ago")


async def test_an_empty_board_says_how_to_begin() -> None:
    """While it reads it says so; with no run at all it says how to start one, also at 40 columns."""
    for size in ((120, 36), (40, 10)):
        async with fixed_board([], complete=False, size=size) as desk:
            await desk.shows("Reading the runs…")
            assert isinstance(desk.feed, HandFeed)
            desk.feed.publish(Batch(complete=True))
            await desk.shows("No runs yet.", "runboard run -- make test", "no runs")
            assert "filter" not in desk.text()
            await desk.publish(LIVE)
            await desk.shows("11111111")


async def test_odd_runs_say_what_is_odd() -> None:
    """Damaged, unsaved and foreign runs each say so in their row."""
    odd = [
        Run("11111111", damage="run.json is cut off"),
        BROKEN._replace(unsaved=True),
        LIVE._replace(id="33333333", foreign="on host borealis"),
    ]
    async with fixed_board(odd, size=(179, 36)) as desk:
        await desk.shows("■ damaged", "run.json is cut off", "not saved yet", "on host borealis", "■ 1 damaged")


async def test_notices_are_told_once() -> None:
    """What the reconciler has to say appears in the corner, the same sentence not again and again."""
    async with fixed_board([LIVE]) as desk:
        await desk.publish(notices=["the disk is full: [red]free some space[/red]"])
        await desk.publish(notices=["the disk is full: [red]free some space[/red]"])
        await desk.shows("the disk is full: [red]free some space[/red]")
        assert len(desk.toasts()) == 1


async def test_leaving_stops_the_feed_and_nothing_else() -> None:
    """Q and ctrl+c leave with exit code 0; the feed is stopped."""
    for key in ("q", "ctrl+c", "ctrl+q"):
        async with fixed_board([LIVE]) as desk:
            await desk.press(key)
            await desk.until(lambda: not desk.app.is_running)
        assert isinstance(desk.feed, HandFeed)
        assert (desk.app.return_code, desk.feed.stopped) == (0, True)


async def test_a_hint_can_be_clicked() -> None:
    """A click on a key in the last line presses it; hints stay while the terminal has not got the focus."""
    async with fixed_board([LIVE]) as desk:
        desk.app.post_message(events.AppBlur())
        await desk.until(lambda: desk.app.focused is None)
        await desk.shows("enter open")
        hints = desk.text().splitlines()[-1]
        await desk.pilot.click(offset=(hints.index("i details"), 35))
        await desk.shows("Command")


async def test_every_size_is_usable() -> None:
    """From 20x5 to 200x50 the board draws, keeps its cursor, and opens and closes everything."""
    async with fixed_board([LIVE, BROKEN], control=object()) as desk:
        for size in ((20, 5), (40, 10), (200, 50), (1, 1), (120, 36)):
            await desk.pilot.resize_terminal(*size)
            for keys in (["i", "escape"], ["s", "n"], ["question_mark", "escape"], ["enter", "escape"]):
                await desk.press(*keys)
            assert desk.table.cursor == LIVE.id
        await desk.shows("11111111", "22222222")


async def test_the_layout_follows_the_size() -> None:
    """Table above log, beside it on a wide screen; on a short one the table alone, the log when it is opened."""
    async with fixed_board([LIVE]) as desk:
        assert desk.log.region.y == desk.table.region.bottom
        await desk.pilot.resize_terminal(200, 50)
        await desk.until(lambda: desk.log.region.x == desk.table.region.right == 120)
        await desk.pilot.resize_terminal(40, 10)
        await desk.until(lambda: (desk.app._run_pane.display, desk.table.size.height) == (False, 8))
        await desk.press("enter")
        assert (desk.app._run_pane.display, desk.table.display) == (True, False)


def test_every_key_can_be_rebound() -> None:
    """Every binding of ours has an id, and no two actions share one."""
    classes = (
        RunboardApp,
        BoardScreen,
        DeskScreen,
        RunTable,
        LogKeys,
        ResponsePane,
        FilterBar,
        LookBar,
        Confirm,
        Details,
        Help,
    )
    bindings = [binding for one in classes for binding in one.__dict__["BINDINGS"]]
    ids = [binding.id for binding in bindings if isinstance(binding, Binding)]
    assert len(ids) == len(bindings) == len(set(ids))
    assert None not in ids


async def test_a_rebound_key_works() -> None:
    """A keymap by id moves an action to another key."""
    async with fixed_board([LIVE]) as desk:
        desk.app.set_keymap({"run.details": "x"})
        await desk.press("x")
        await desk.shows("Command")


async def test_details_of_a_row_are_read_whole() -> None:
    """Of a finished run the board keeps little; its sheet has the history and the directory, read when it is opened."""
    read: list[str] = []

    def whole(run: Run) -> Run:
        read.append(run.id)
        return BROKEN

    async with fixed_board([LIVE], size=(120, 50), sources=Sources(whole=whole)) as desk:
        await desk.tell(Batch(rows=(Row.of(BROKEN),)))
        await desk.press("down", "i")
        await desk.shows("Exited with code 3", "/srv/data", "running → failed  exited  by shim")
        assert set(read) == {BROKEN.id}
