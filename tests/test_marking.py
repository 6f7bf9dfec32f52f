"""Marks, tags and notes: said by a person, written under the lock, and nothing that was observed is lost by them."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.edits import NOTE_MOST
from runboard.model import Reason, Status
from runboard.record import dump, parse
from runboard.store import Refused, Store, StoreError
from tests.program import ended, record, runboard, start
from tests.stores import finished, foreign, made
from tests.terminal import Terminal
from tests.waiting import until


def edited(runs: Path) -> int:
    """How many edits the journal tells of."""
    return sum(journal.read_text("utf-8").count('"edited"') for journal in (runs / ".journal").iterdir())


def test_a_mark_changes_the_count_and_keeps_what_was_observed(tmp_path: Path) -> None:
    """A failed run marked completed counts as completed everywhere; its code, its sentence and who said so stay."""
    run_id = start(tmp_path, "--", "sh", "-c", "echo words; exit 3")
    ended(tmp_path, run_id)
    done = runboard(tmp_path, "mark", run_id, "completed", "--reason", "the network was down")
    assert done.returncode == 0
    assert "completed" in done.stderr
    doc = record(tmp_path, run_id)
    assert (doc["status"], doc["reason"], doc["error"], doc["exitCode"]) == ("completed", "marked", None, 3)
    assert doc["mark"]["why"] == "the network was down"
    assert doc["mark"]["before"] == {"status": "failed", "reason": "exited", "error": "Exited with code 3"}
    step = doc["history"][-1]
    assert (step["from"], step["to"], step["reason"], step["detail"]) == (
        *("failed", "completed", "marked"),
        "the network was down",
    )
    assert "@" in step["by"]
    assert (edited(tmp_path), (tmp_path / run_id / "output.log").read_text("utf-8")) == (1, "words\n")
    assert run_id in runboard(tmp_path, "ps", "status:completed", "reason:marked").stdout
    shown = runboard(tmp_path, "show", run_id).stdout
    assert "failed (exited): Exited with code 3" in shown
    assert "the network was down" in shown


def test_a_second_mark_keeps_the_first_observation(tmp_path: Path) -> None:
    """However often it is marked, what was observed is told as it was, and history has every mark."""
    store = Store(str(tmp_path))
    run = finished(store)
    control = Control(store, by="ada@atlas")
    control.mark(run.id, Status.FAILED, "wrong numbers")
    control.mark(run.id, Status.COMPLETED)
    again = control.mark(run.id, Status.FAILED)
    assert again.mark is not None
    assert (again.mark.before.status, again.outcome and again.outcome.error) == (
        Status.COMPLETED,
        "Marked failed by ada@atlas",
    )
    assert [step.to_status for step in again.history[-3:]] == ["failed", "completed", "failed"]
    assert store.read(run.id) == again == parse(dump(again), run.id)


def test_a_lost_run_can_be_marked(tmp_path: Path) -> None:
    """A run that nobody saw end is settled first, and then counted as a person knows."""
    store = Store(str(tmp_path))
    run = made(store)  # its record says running, and there is no process
    marked = Control(store, by="ada").mark(run.id, Status.COMPLETED, "I saw it")
    assert marked.mark is not None
    assert (marked.status, marked.mark.before.status) == (Status.COMPLETED, Status.FAILED)


def test_only_a_finished_run_is_marked(tmp_path: Path) -> None:
    """A running run is refused with what to do, a damaged one left as it is, and a slip of the status told."""
    run_id = start(tmp_path, "--", "sleep", "60")
    try:
        done = runboard(tmp_path, "mark", run_id, "failed")
        assert done.returncode == 1
        assert f"runboard kill {run_id}" in done.stderr
        assert record(tmp_path, run_id)["status"] == "running"
    finally:
        runboard(tmp_path, "kill", run_id, "--signal", "KILL")
    torn = foreign(Store(str(tmp_path)), "torn", '{"status": ')
    done = runboard(tmp_path, "mark", "torn", "failed")
    assert (done.returncode, "damaged" in done.stderr, torn.read_text("utf-8")) == (1, True, '{"status": ')
    assert runboard(tmp_path, "mark", run_id, "fine").returncode == 2


def test_a_mark_that_makes_no_sense_on_disk_is_none() -> None:
    """Half a mark, or one of a run that has not ended, counts as none, and the record keeps it as it was."""
    doc = {"status": "failed", "mark": {"at": "yesterday"}}
    assert (parse(doc, "x").mark, dump(parse(doc, "x"))["mark"]) == (None, {"at": "yesterday"})
    whole = {"at": "2026-11-22T10:11:12.345Z", "by": "a", "before": {"status": "failed", "reason": "lost"}}
    run = parse({"status": "completed", "reason": "marked", "mark": whole}, "x")
    assert run.mark is not None
    assert (run.mark.before.reason, dump(run)["mark"]) == (Reason.LOST, whole)
    assert parse({"status": "running", "mark": whole}, "x").mark is None


def test_tags_come_and_go(tmp_path: Path) -> None:
    """+x gives and -y takes; the order stays, nothing comes twice, and several runs are tagged at once."""
    store = Store(str(tmp_path))
    one, other = made(store, tags=("old", "kept")), finished(store)
    done = runboard(tmp_path, "tag", one.id, other.id, "+new", "-old", "+kept")
    assert (done.returncode, done.stderr) == (0, f"{one.id} tags: kept new\n{other.id} tags: new kept\n")
    assert [record(tmp_path, run.id)["tags"] for run in (one, other)] == [["kept", "new"], ["new", "kept"]]
    before = edited(tmp_path)
    assert runboard(tmp_path, "tag", one.id, "--add", "new", "--remove", "never").returncode == 0
    assert edited(tmp_path) == before, "what changes nothing is not written"
    assert runboard(tmp_path, "tag", one.id).returncode == 2
    assert runboard(tmp_path, "tag", one.id, "+ ").returncode == 1
    assert b"+\x1b" not in (tmp_path / one.id / "run.json").read_bytes()


def test_a_note_is_put_replaced_and_taken_away(tmp_path: Path) -> None:
    """Words make a note, - reads it from stdin with its lines, an empty one takes it away, none at all is a slip."""
    store = Store(str(tmp_path))
    run = made(store)
    assert runboard(tmp_path, "note", run.id, "two", "words").returncode == 0
    assert record(tmp_path, run.id)["note"] == "two words"
    control = Control(store)
    assert control.note(run.id, "one\n\x1b[31mtwo\x1b[0m\n").note == "one\ntwo"
    assert store.read(run.id).note == "one\ntwo"
    assert "two" in runboard(tmp_path, "show", run.id).stdout
    assert runboard(tmp_path, "note", run.id).returncode == 2
    assert runboard(tmp_path, "note", run.id, "").returncode == 0
    assert "note" not in record(tmp_path, run.id)
    with pytest.raises(Refused):
        control.note(run.id, "x" * (NOTE_MOST + 1))


def test_a_note_is_written_in_the_editor(tmp_path: Path) -> None:
    """At a terminal a note without text opens $EDITOR on the present one; leaving it unsaved changes nothing."""
    runs = tmp_path / "runs"
    run = made(Store(str(runs)), note="before")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncat "$1" > ' + str(tmp_path / "seen") + '\nprintf "after\\nwards" > "$1"\n', "utf-8")
    editor.chmod(0o755)
    argv = ["env", f"EDITOR={editor}", "VISUAL=", sys.executable, "-m", "runboard"]
    argv += ["--runs-dir", str(runs), "note", run.id]
    with Terminal(argv, 80, 24) as terminal:
        assert terminal.wait_exit(15) == 0
    assert ((tmp_path / "seen").read_text("utf-8"), record(runs, run.id)["note"]) == ("before\n", "after\nwards")
    argv[1] = "EDITOR=true"
    with Terminal(argv, 80, 24) as terminal:
        assert terminal.wait_exit(15) == 1
    assert record(runs, run.id)["note"] == "after\nwards"


@pytest.mark.parametrize("locked", [True, False])
def test_fifty_edits_while_a_run_ends_lose_nothing(
    tmp_path: Path, locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tags put on a run from two threads while it ends are all there, and so is its ending; without the lock not."""
    store = Store(str(tmp_path))
    control = Control(store, by="ada")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    run = control.start(["sh", "-c", "read line < gate; exit 7"], cwd=str(tmp_path))
    if not locked:
        monkeypatch.setattr("fcntl.flock", lambda *_: None)

    def edit(first: int) -> None:
        """Put 25 tags on it, one at a time."""
        for number in range(first, first + 25):
            with nullcontext() if locked else suppress(StoreError):  # one sweeps away what the other is writing
                control.tag(run.id, add=[f"t{number}"])

    hands = [threading.Thread(target=edit, args=(first,)) for first in (0, 25)]
    for hand in hands:
        hand.start()
    gate.write_text("now\n", "utf-8")
    for hand in hands:
        hand.join()
    until(lambda: store.read(run.id).finished or not locked, 10)
    doc = record(tmp_path, run.id)
    if locked:
        assert sorted(doc["tags"]) == sorted(f"t{number}" for number in range(50))
        assert (doc["status"], doc["exitCode"]) == ("failed", 7)
    else:
        assert len(doc["tags"]) < 50
