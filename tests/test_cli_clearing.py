"""`clean` and `trash`: only finished runs go, only after a yes, and what went comes back until the trash is emptied."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.leaving import leave, leave_damaged, leave_failed
from tests.program import COMMAND, runboard, start
from tests.terminal import Terminal


def there(runs: Path) -> set[str]:
    """The runs that are in the directory."""
    return {path.name for path in runs.iterdir() if not path.name.startswith(".")}


def test_clean_takes_the_finished(tmp_path: Path) -> None:
    """A bare clean takes every finished run, and no live or damaged one; what went is in the trash and comes back."""
    leave(tmp_path, "aa01")
    leave_failed(tmp_path, "aa02")
    leave_damaged(tmp_path, "aa03")
    live = start(tmp_path, "--", "sleep", "60")
    done = runboard(tmp_path, "clean", "-y")
    assert (done.returncode, done.stdout, there(tmp_path)) == (0, "", {"aa03", live})
    assert done.stderr.startswith("Moved 2 runs (")
    assert {run["id"] for run in json.loads(runboard(tmp_path, "trash", "list", "--json").stdout)} == {"aa01", "aa02"}
    assert "aa01" in runboard(tmp_path, "trash").stdout
    done = runboard(tmp_path, "trash", "restore", "aa02", "aa01")
    assert (done.returncode, done.stderr, there(tmp_path)) == (
        0,
        "aa02 is back.\naa01 is back.\n",
        {"aa01", "aa02", "aa03", live},
    )
    done = runboard(tmp_path, "clean", "-y", "status:running")
    assert (done.returncode, done.stderr) == (0, "Nothing to clean.\n")
    assert runboard(tmp_path, "kill", "-9", live).returncode == 0


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        (["--all"], {"aa01", "aa02", "aa03", "aa04"}),
        (["--older-than", "30m"], {"aa01", "aa02"}),
        (["--status", "failed"], {"aa02"}),
        (["--keep", "3"], {"aa01"}),
        (["--keep", "1", "--older-than", "1m"], {"aa01", "aa02"}),
        (["repo:shop"], {"aa03"}),
        (["--max-size", "100G"], set()),
        (["--max-size", "0"], {"aa01", "aa02", "aa03", "aa04"}),
        (["status:failed", "repo:shop"], set()),
    ],
)
def test_conditions(tmp_path: Path, words: list[str], gone: set[str]) -> None:
    """Only the runs that meet every condition would go, and a dry run lists exactly them and moves none."""
    leave(tmp_path, "aa01", age=4 * 3600)
    leave_failed(tmp_path, "aa02", age=2 * 3600)
    leave(tmp_path, "aa03", age=600, repo="shop")
    leave(tmp_path, "aa04", age=10)
    done = runboard(tmp_path, "clean", "-n", *words)
    listed = {line.split()[2] for line in done.stdout.splitlines()[1:]}
    assert (done.returncode, listed, there(tmp_path)) == (0, gone, {"aa01", "aa02", "aa03", "aa04"})


def test_a_run_of_unknown_age_is_kept_and_told(tmp_path: Path) -> None:
    """Whatever limit by age there is; the words that move it do."""
    leave(tmp_path, "aa01", age=90.0)
    for number in range(12):
        leave(tmp_path, f"bb{number:02}", completedAt="soon")
    done = runboard(tmp_path, "clean", "-y", "--older-than", "1m")
    assert (done.returncode, len(there(tmp_path))) == (0, 12)
    word = "run bb03 is kept: nothing tells when it ended, so it may be young; runboard clean bb03 moves it\n"
    assert word in done.stderr
    assert done.stderr.startswith("run bb")
    assert "2 more of which nothing tells when they ended are kept\nMoved 1 run (" in done.stderr
    done = runboard(tmp_path, *word.strip().partition("; runboard ")[2].split()[:2], "-y")
    assert (done.returncode, "bb03" in there(tmp_path), len(there(tmp_path))) == (0, False, 11)


def test_nobody_to_ask(tmp_path: Path) -> None:
    """Without a terminal and without -y nothing is cleared and nothing is destroyed."""
    leave(tmp_path, "aa01")
    for words in (["clean"], ["clean", "--all"]):
        done = runboard(tmp_path, *words)
        assert (done.returncode, done.stdout, "Say -y to go ahead" in done.stderr) == (2, "", True)
    assert runboard(tmp_path, "clean", "-y").returncode == 0
    assert runboard(tmp_path, "trash", "empty").returncode == 2
    assert (tmp_path / ".trash" / "aa01" / "run.json").exists()


def test_the_answer_is_no_unless_yes(tmp_path: Path) -> None:
    """In a terminal the question names count and size; Enter means no, y means yes."""
    leave(tmp_path, "aa01", log=b"x" * 100_000)
    for verb, answer, code, told in (
        (["clean"], "enter", 1, "nothing was done"),
        (["clean"], "y", 0, "Moved 1 run"),
        (["trash", "empty"], "enter", 1, "nothing was done"),
        (["trash", "empty"], "y", 0, "Destroyed 1 run; that freed "),
    ):
        with Terminal([*COMMAND, "--runs-dir", str(tmp_path), *verb]) as terminal:
            terminal.wait_for("[y/N]")
            asked = terminal.text()
            terminal.press(answer, "enter") if answer == "y" else terminal.press("enter")
            assert (terminal.wait_exit(), told in terminal.text()) == (code, True), terminal.text()
        if verb == ["clean"]:
            assert ("Move 1 run (" in asked, " KB) to the trash? [y/N]" in asked) == (True, True)
    assert [path for path in (tmp_path / ".trash").rglob("*") if path.name == "run.json"] == []


def test_trash_of_nothing(tmp_path: Path) -> None:
    """An empty trash says so, and what is not in it cannot be restored."""
    leave(tmp_path, "aa01")
    for words in (["trash"], ["trash", "list"], ["trash", "empty", "-y"]):
        done = runboard(tmp_path, *words)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "The trash is empty.\n")
    assert runboard(tmp_path, "trash", "list", "--json").stdout == "[]\n"
    done = runboard(tmp_path, "trash", "restore", "aa01")
    assert (done.returncode, "no run in the trash begins with 'aa01'" in done.stderr) == (3, True)


def test_restore_when_the_id_is_taken(tmp_path: Path) -> None:
    """A run in the way is never overwritten; of two, the other comes back, and 4 says that not all did."""
    leave(tmp_path, "aa01")
    leave(tmp_path, "bb01")
    assert runboard(tmp_path, "clean", "-y").returncode == 0
    leave(tmp_path, "aa01", name="another")
    done = runboard(tmp_path, "trash", "restore", "aa01", "bb01")
    assert (done.returncode, there(tmp_path)) == (4, {"aa01", "bb01"})
    assert json.loads((tmp_path / "aa01" / "run.json").read_text("utf-8"))["name"] == "another"
    assert runboard(tmp_path, "trash", "restore", "aa").returncode == 1


def test_work_at_risk_is_kept(tmp_path: Path) -> None:
    """A run whose checkout holds uncommitted work stays and is named, unless forced; the trash keeps it likewise."""
    leave(tmp_path, "aa01")
    repo = leave(tmp_path, "bb01") / "repo"
    subprocess.run(["git", "init", "-q", str(repo)], check=True, env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"})
    (repo / "new.txt").write_text("work", "utf-8")
    done = runboard(tmp_path, "clean", "-y")
    assert (done.returncode, there(tmp_path), "run bb01 was kept" in done.stderr) == (4, {"bb01"}, True)
    assert runboard(tmp_path, "clean", "-y").returncode == 1
    assert (runboard(tmp_path, "clean", "-y", "--force").returncode, there(tmp_path)) == (0, set())
    done = runboard(tmp_path, "trash", "empty", "-y")
    assert (done.returncode, "run bb01 was kept" in done.stderr) == (4, True)
    assert {path.name for path in (tmp_path / ".trash").iterdir()} == {"bb01"}
    assert runboard(tmp_path, "trash", "empty", "-y", "--force").returncode == 0
    assert "The trash is empty." in runboard(tmp_path, "trash").stderr
