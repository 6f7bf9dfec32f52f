"""Every key and every entry of the palette is pressed on a real app and has its effect; a new one needs a row here."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.widgets import OptionList

from runboard.model import Outcome, Reason, Run, Status, Transition
from runboard.process import Member, Usage
from runboard.ui.choice import Choice
from runboard.ui.keys import bound
from runboard.ui.sources import Sources
from runboard.ui.theme import DARK
from runboard.worktree import Changes, FileChange
from tests.pilots import NOW, Desk, fixed_board

FINE = Outcome(Status.COMPLETED, Reason.EXITED, None, 0)
ROWS = [f"row-{number:03} {'.' * 200}" for number in range(200)]
HISTORY = tuple(Transition(NOW - 90, "running", "running", "", "ada", f"row-{number:03}") for number in range(90))
RUNS = tuple(
    Run(
        *(f"{number:08}", f"run {number}", ("make",)),
        started_at=NOW - 50 - number,
        outcome=FINE if number else None,
        completed_at=NOW - number if number else None,
        history=HISTORY,
    )
    for number in range(40)
)
FILES = (FileChange("a.py", 100, 0), FileChange("b.py", 100, 0))
PATCH = [f"{head}+{row}" for head, row in zip([""] * 200, ROWS, strict=True)]
CHANGES = Changes(
    "main at cafe",
    FILES,
    (),
    (*("diff --git a/a.py b/a.py", *PATCH[:100]), *("diff --git a/b.py b/b.py", *PATCH[100:])),
)


def processes_of(_run: Run) -> list[Usage]:
    """Forty processes."""
    return [Usage(Member(100 + n, 1, 100 + n, "S", "sh", ("sh",), 0), 0.1, 4096, 9.0, 0) for n in range(40)]


Mark = tuple[int, int, int, str]
"""How far down one is: the first row in sight, the run and the process under the cursor; and the whole screen."""


def mark_of(desk: Desk) -> Mark:
    """Where a desk stands."""
    rows = [int(digits) for digits in re.findall(r"row-(\d{3})\b", desk.text())]
    process = desk.app._run_pane.process_pane.chosen
    cursor, pid = desk.table.cursor, process.member.pid if process else 0
    return min(rows, default=-1), int(cursor or 0), pid, desk.text()


Effect = Callable[[Desk, Mark], bool]
"""Whether a key has had its effect, by how the desk stands now, and how it stood before."""


def says(*texts: str) -> Effect:
    """These texts have come to the screen."""
    return lambda desk, was: all(text in desk.text() and text not in was[3] for text in texts)


def changes(desk: Desk, was: Mark) -> bool:
    """Something on the screen has changed."""
    return desk.text() != was[3]


def sorts(desk: Desk, was: Mark) -> bool:
    """A column shows how it is sorted."""
    return any(sign in desk.text() and sign not in was[3] for sign in "▲▼")


def closes(desk: Desk, was: Mark) -> bool:
    """What lay over the board is gone."""
    return len(desk.app.screen_stack) == 1 and desk.text() != was[3]


def hides(text: str) -> Effect:
    """Such a text has gone from the screen."""
    return lambda desk, was: text in was[3] and text not in desk.text()


def goes(part: int, way: int) -> Effect:
    """One has come further down (1) or up (-1): of the rows (0), the runs (1), the processes (2)."""
    return lambda desk, was: way * (mark_of(desk)[:3][part] - was[:3][part]) > 0


def focuses(name: str) -> Effect:
    """What has this id has the focus."""
    return lambda desk, _was: desk.app.focused is not None and desk.app.focused.id == name


@dataclass(frozen=True, slots=True)
class Press:
    """What brings about the state in which a key is pressed, and its effect; ``again`` alone does where it was so."""

    before: str
    effect: Effect
    again: str = ""


def moves(prefix: str, before: str, part: int, *, start: str = "start", end: str = "end") -> dict[str, Press]:
    """The keys by which one moves down and up in a pane."""
    down, up = Press(before, goes(part, 1), "g"), Press(before, goes(part, -1), "G")
    line = down if part else Press(before, changes, "g")  # facts or files stand above the rows
    names = {"down": line, "up": up, "page-down": down, "page-up": up, start: up, end: down}
    return {f"{prefix}.{name}": press for name, press in names.items()}


WAIT = "≈"
"""Before a text: it is waited for."""

HEADER = "Elapsed  Started"
PRESSES = {
    **moves("table", "", 1, start="first", end="last"),
    **moves("log", "down tab", 0),
    **moves("response", "2 tab", 0),
    **moves("details-pane", "3 tab", 0),
    **moves("diff", "4 tab", 0),
    **moves("processes", "5 tab", 2, start="first", end="last"),
    "details.down": Press("i", changes),
    "details.up": Press("i space space", changes),
    "details.page-down": Press("i", goes(0, 1)),
    "details.page-up": Press("i space space", goes(0, -1)),
    "table.mark": Press("", says("1 marked")),
    "table.mark-down": Press("", says("1 marked")),
    "table.mark-up": Press("down", says("1 marked")),
    "table.mark-range": Press("space down down", lambda desk, _was: len(desk.table.marks) > 2),
    "table.mark-all": Press("", says("40 marked")),
    "table.mark-invert": Press("", says("40 marked")),
    "table.sort-left": Press("", says("Reason▲")),
    "table.sort-right": Press("", says("▲")),
    "table.turn": Press("", sorts),
    "table.open": Press("", hides(HEADER)),
    "run.zoom": Press("", hides(HEADER)),
    "board.back": Press("enter", says(HEADER)),
    "run.details": Press("", says("History")),
    "run.facts": Press("", says("Command")),
    "run.diff": Press("", says("2 files changed")),
    "run.processes": Press("", says("40 processes")),
    "run.log": Press("down 2", says("end of log")),
    "run.response": Press("down", hides("end of log")),
    "board.filter": Press("", says("words  status:failed")),
    "board.next": Press("", focuses("log")),
    "board.previous": Press("tab", focuses("runs")),
    "board.palette": Press("", says("Search for commands")),
    "board.theme": Press("", says("runboard-clear")),
    "board.help": Press("", says("The board")),
    "confirm.next": Press("s", focuses("yes")),
    "confirm.previous": Press("s", focuses("yes")),
    "confirm.no": Press("s", hides("Stop this run?")),
    "details.close": Press("i", hides("History")),
    "help.close": Press("question_mark", hides("The board")),
    "themes.leave": Press("T", hides("runboard-clear")),
    "themes.down": Press("T", lambda desk, _was: desk.app.theme == "runboard-light"),
    "themes.up": Press("T down", lambda desk, _was: desk.app.theme == DARK.name),
    "form.next": Press("t", focuses("note")),
    "form.previous": Press("n tab tab", focuses("field-shell")),
    "form.leave": Press("t", hides("Tags and note")),
    "signal.next": Press("x", focuses("signal-whom")),
    "signal.previous": Press("x", focuses("signal-whom")),
    "signal.leave": Press("x", hides("Send a signal")),
    "board.columns": Press("", says("automatic")),
    "columns.down": Press("c", lambda desk, _was: desk.app.screen.query_one(OptionList).highlighted == 1),
    "columns.keep": Press("c", closes),
    "columns.leave": Press("c", closes),
    "columns.move-down": Press("c down down", changes),
    "columns.move-up": Press("c down down", changes),
    "columns.narrower": Press("c down down", changes),
    "columns.toggle": Press("c down down down", changes),
    "columns.up": Press("c down", lambda desk, _was: desk.app.screen.query_one(OptionList).highlighted == 0),
    "columns.wider": Press("c down down", changes),
    "board.find": Press("", says("find in the logs of all")),
    "hunt.begin": Press("F 0 1 0", says("row-010")),
    "hunt.down": Press("F 0 1 0 enter ≈row-010 shift+tab", focuses("hunt-found")),
    "hunt.leave": Press("F", closes),
    "hunt.next": Press("F 0 1 0 enter ≈row-010 shift+tab", focuses("hunt-found")),
    "hunt.previous": Press("F", focuses("hunt-found")),
    "hunt.regex": Press("F", changes),
    "choice.previous": Press("x tab", lambda desk, _was: desk.app.screen.query_one(Choice).chosen == 1),
    "filter.accept": Press("slash", focuses("runs")),
    "filter.down": Press("slash", focuses("runs")),
    "filter.clear": Press("slash", hides("words  status:failed")),
    "look.accept": Press("down tab slash 0 1 0", says("/010 1 of 1")),
    "look.leave": Press("down tab slash", focuses("log")),
    "look.regex": Press("down tab slash", says("/ .*")),
    "log.find": Press("down tab", says("find text")),
    "log.only": Press("down tab", says("show only lines")),
    "log.goto": Press("down tab", says("-10m")),
    "log.right": Press("down tab", says("column 9")),
    "log.left": Press("down tab right right", hides("column 17")),
    "log.line-end": Press("down tab", says("column ")),
    "log.line-start": Press("down tab right", hides("column ")),
    "log.details": Press("down tab", says("History")),
    "log.wrap": Press("down tab", lambda desk, _was: desk.log.looks.wrap),
    "log.numbers": Press("down tab g", says("   1  row-000")),
    "log.select": Press("down tab", says("1 line selected, y copies")),
    "log.copy": Press("down tab V k k", says("3 lines are in the clipboard")),
    "log.forget": Press("down tab slash 0 1 0 enter", hides("/010")),
    "diff.right": Press("4 tab", changes),
    "diff.left": Press("4 tab right right", changes),
    "diff.next": Press("4 tab g h h h h h h", hides("2 files changed")),
    "diff.previous": Press("4 tab G", goes(0, -1)),
    "diff.details": Press("4 tab", says("History")),
    "response.details": Press("2 tab", says("History")),
    "processes.details": Press("5 tab", says("History")),
    "details-pane.sheet": Press("3 tab", lambda desk, _was: len(desk.app.screen_stack) == 2),
}
"""By its id, how every key of a binding is pressed here."""

ELSEWHERE = {
    "board.tab-before": "test_ui_filters.test_keys_go_from_filter_to_filter",
    "board.tab-next": "test_ui_filters.test_keys_go_from_filter_to_filter",
    "filter.complete": "test_ui_filters.test_what_is_offered_is_taken_by_tab_or_right",
    "filter.save": "test_ui_filters.test_a_filter_is_saved_and_forgotten",
    "columns.automatic": "test_ui_arrangement.test_columns_are_chosen_with_the_table_behind",
    "board.attend": "test_attention.test_a_needy_run_is_marked_counted_and_gone_to",
    "board.seen": "test_attention.test_one_key_says_that_all_has_been_seen",
    "board.interrupt": "test_ui_closing.test_ctrl_c_twice_leaves_from_anywhere",
    "board.larger-pane": "test_ui_split.test_keys_move_the_edge_and_it_is_as_it_was_left",
    "board.quit": "test_ui_app.test_leaving_stops_the_feed_and_nothing_else",
    "board.smaller-pane": "test_ui_split.test_keys_move_the_edge_and_it_is_as_it_was_left",
    "board.turn-pane": "test_ui_split.test_wide_terminals_choose_beside_and_a_key_turns_it",
    "choice.next": "test_ui_newrun.test_sh_reads_the_line_where_that_is_chosen",
    "confirm.yes": "test_ui_acts.test_s_and_y_stop_the_run",
    "form.save": "test_ui_words.test_t_edits_tags_and_note_of_a_live_run",
    "log.editor": "test_ui_picking.test_the_log_opens_in_pager_and_editor",
    "log.pager": "test_ui_picking.test_the_log_opens_in_pager_and_editor",
    "log.times": "test_ui_loglooks.test_times_are_shown_relative_or_not_at_all",
    "log.narrower": "test_ui_find.test_only_lines_that_match_are_shown",
    "log.next": "test_ui_find.test_find_goes_from_match_to_match",
    "log.previous": "test_ui_find.test_find_goes_from_match_to_match",
    "log.wider": "test_ui_find.test_only_lines_that_match_are_shown",
    "mark.completed": "test_ui_every_entry.test_the_palette_does_what_it_says",
    "mark.failed": "test_ui_words.test_m_marks_a_failed_run_completed",
    "new.earlier": "test_ui_newrun.test_earlier_commands_are_at_hand",
    "new.later": "test_ui_newrun.test_earlier_commands_are_at_hand",
    "processes.signal": "test_ui_processes.test_x_signals_the_chosen_process_and_no_other",
    "report.close": "test_ui_marks.test_a_failure_among_many_is_listed",
    "run.continue": "test_ui_words.test_p_pauses_and_continues",
    "run.copy": "test_ui_details_pane.test_y_copies_the_command",
    "run.kill": "test_ui_acts.test_a_stubborn_run_is_stopping_until_it_is_gone",
    "run.mark": "test_ui_words.test_m_marks_a_failed_run_completed",
    "run.new": "test_ui_newrun.test_n_starts_what_was_typed",
    "run.pause": "test_ui_words.test_p_pauses_and_continues",
    "run.raw": "test_ui_readable.test_events_are_read_in_words_and_v_shows_them_as_they_are",
    "run.rerun": "test_ui_acts.test_r_runs_it_again",
    "run.signal": "test_ui_signals.test_a_signal_goes_to_the_tree_or_to_the_command",
    "run.stop": "test_ui_acts.test_s_and_y_stop_the_run",
    "run.tag": "test_ui_words.test_t_edits_tags_and_note_of_a_live_run",
    "run.trash": "test_ui_acts.test_d_and_u_go_to_the_trash_and_back",
    "run.undo": "test_ui_acts.test_d_and_u_go_to_the_trash_and_back",
    "signal.down": "test_ui_signals.test_harmless_signals_are_sent_without_a_question",
    "signal.send": "test_ui_signals.test_harmless_signals_are_sent_without_a_question",
    "signal.up": "test_ui_signals.test_harmless_signals_are_sent_without_a_question",
    "themes.keep": "test_comfort.test_themes_are_tried_on_and_remembered",
    "working.enough": "test_ui_marks.test_what_takes_long_shows_how_far_it_is_and_can_be_ended",
}
"""By its id, the test that presses a key and asserts what it does, on the disk where it acts."""


@asynccontextmanager
async def desk_of_many(logs: Path, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Desk]:
    """Forty runs, the first one live, each with as long a log, answer, diff and history as the others."""
    for run in RUNS:
        (logs / f"{run.id}.log").write_text("\n".join(ROWS), "utf-8")
    sources = Sources(processes=processes_of, changes=lambda _run, _unwanted: CHANGES)
    answer = "\n\n".join(row[:7] for row in ROWS)
    async with fixed_board(
        RUNS, size=size, logs=logs, control=object(), sources=sources, read_response=lambda _run_id: answer
    ) as desk:
        yield desk


async def leave(desk: Desk) -> None:
    """Close whatever is open."""
    for _ in range(9):
        innermost = desk.app.screen.active_bindings.get("q")
        if len(desk.app.screen_stack) == 1 and innermost is not None and innermost.binding.id == "board.quit":
            return
        await desk.press("escape")


async def calm(desk: Desk) -> None:
    """Close whatever is open, and begin at the first run with its log."""
    await leave(desk)
    desk.app.theme = DARK.name
    desk.table.focus()
    desk.table.ordering.sort(None)
    for look in ("wrap", "numbers"):
        if getattr(desk.log.looks, look):
            desk.log.action_dress(look)
    if desk.app._run_pane.present is not desk.log:
        await desk.press("1")
        await leave(desk)  # on a small screen it is the whole of it
    if desk.table.cursor != RUNS[0].id:
        await desk.press("home")
    await desk.until(lambda: desk.table.cursor == RUNS[0].id)


async def pressed(desk: Desk, keys: str) -> None:
    """Press keys, or wait for texts, one after the other; what is read for them is there."""
    for key in keys.split():
        await (desk.shows(key[1:]) if key[0] == WAIT else desk.press(key))
        await desk.pilot.pause(0.02)


@pytest.mark.parametrize("part", sorted({name.partition(".")[0] for name in PRESSES}))
async def test_every_key_has_its_effect(part: str, tmp_path: Path) -> None:
    """Each usual key of each binding changes what is seen in its own way; before it was pressed that was not so."""
    async with desk_of_many(tmp_path) as desk:
        here = None
        for name, press in PRESSES.items():
            for key in bound()[name].keys if name.partition(".")[0] == part else ():
                if here is None or press.before != here:
                    await calm(desk)
                    await pressed(desk, press.before)
                await pressed(desk, press.again)
                here = press.before if press.again else None
                was = mark_of(desk)
                assert not press.effect(desk, was), f"{key} for {name}: there already\n{was[3]}"
                await desk.press(key)
                try:
                    await desk.until(lambda: press.effect(desk, was))  # noqa: B023 - waited for at once
                except AssertionError as error:
                    raise AssertionError(f"{key} for {name}: {error}") from error


def test_every_key_is_pressed() -> None:
    """Every binding has a row here, or a test elsewhere that exists and presses one of its keys."""
    assert set(bound()) - set(PRESSES) - set(ELSEWHERE) == set()
    for name, place in ELSEWHERE.items():
        module, _, test = place.partition(".")
        source = inspect.getsource(getattr(importlib.import_module(f"tests.{module}"), test))
        assert any(f'"{key}"' in source for key in bound()[name].keys), f"{place} does not press {name}"
