"""What verbs print on a terminal: colours and text, whatever the runs, the words and the settings hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hostile import MARK
from tests.planted import Planter
from tests.program import COMMAND, environment
from tests.terminal import Terminal
from tests.wire import foreign

SCRIPT = r"""
for words in "ps -a" "ps --json" "ps -a --size --sort name" "show 00000000" "show 00000001 --json" "logs 00000000" \
    "logs 00000004" "logs 00000001 --grep ¤" "grep -C 1 ¤" "trash list" "clean --all -n" "config show" \
    "config validate" "doctor" "mark 00000002 completed" "_complete 2 -- runboard show 0"
do "$python" -m runboard --runs-dir "$runs" $words; done
for verb in show ps nothing "trash restore" "ps --sort" "ps --format" "logs -n" "run --cwd"
do "$python" -m runboard --runs-dir "$runs" $verb "$word" </dev/null; done
"$python" -m runboard --runs-dir "$runs/$word" ps
echo all told
"""


def test_no_foreign_byte_in_what_verbs_print(tmp_path: Path) -> None:
    """Verbs that show something, and complaints, over hostile runs and words, send colours and text alone."""
    planter, runs, home = Planter(5), tmp_path / "runs", tmp_path / "home"
    for number in range(8):
        planter.run(runs, number)
    planter.damaged(runs, 4)
    planter.config(home)
    settings = planter.environment(home) | {"runs": str(runs), "word": planter.word(200), "python": sys.executable}
    with Terminal(["sh", "-c", SCRIPT], 250, 50, settings) as terminal:
        terminal.wait_for("all told", 60)
        written = terminal.raw
    assert foreign(written, {"narrow"}) == []
    assert len(set(MARK.findall(written.decode("utf-8", "replace")))) > 150


def test_raw_logs_are_the_bytes_as_they_are(tmp_path: Path) -> None:
    """Negative control: --raw prints what was written, on a terminal too, and that is foreign."""
    folder = Planter(5).run(tmp_path / "runs", 0)
    argv = [*COMMAND, "--runs-dir", str(tmp_path / "runs"), "logs", "00000000", "--raw"]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == (folder / "output.log").read_bytes()
    with Terminal(argv, 120, 40) as terminal:
        terminal.wait_exit()
        assert len(foreign(terminal.raw)) > 20


def test_an_error_that_nobody_foresaw_is_one_clean_line(tmp_path: Path) -> None:
    """A verb that breaks tells one line without values or sequences; the report is its owner's alone."""
    script = (
        "import sys; from runboard import cli\n"
        "def broken(args):\n secret = 'hunter2'\n raise RuntimeError('on purpose\\x1b]0;owned\\x07 \\x9b2J')\n"
        "cli._called = broken; cli.main()"
    )
    env = environment(XDG_STATE_HOME=os.fspath(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, env=env)
    report = tmp_path / "runboard" / "crash.log"
    assert done.returncode == 1
    assert (
        done.stderr == f"runboard: an error of its own: RuntimeError: on purpose; the report is in {report}\n".encode()
    )
    assert report.stat().st_mode & 0o777 == 0o600
    assert "hunter2" not in report.read_text()
