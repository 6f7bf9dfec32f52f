"""What a command puts where its own end is to be written down: the end is written all the same, and nothing else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from runboard.control import Control
from runboard.store import Store
from tests.program import ended
from tests.waiting import until

ODD = {
    "a FIFO": "mkfifo .exit.json.shim",
    "a link": 'ln -s "$1" .exit.json.shim',
    "a hard link": 'ln "$1" .exit.json.shim',
}


def test_an_end_is_written_down_whatever_lies_in_its_place(tmp_path: Path) -> None:
    """The shim neither waits for a FIFO's reader nor writes through a link; the controls: a plain open does either."""
    runs, outside = tmp_path / "runs", tmp_path / "outside"
    outside.write_text("precious")
    script = 'while [ ! -e .exit.json.shim ] && [ ! -e "$1.go" ]; do sleep 0.02; done; rm -f .exit.json.shim; '
    control, begun = Control(Store(str(runs))), {}
    for name, act in ODD.items():
        inside = f'cd "$0/$RUNBOARD_RUN_ID"; {script}{act}; ls -a; exit 3'
        begun[name] = control.start(["sh", "-c", inside, str(runs), str(outside)], cwd="/").id
    until(lambda: all((runs / run_id / "started.json").exists() for run_id in begun.values()))
    Path(f"{outside}.go").touch()
    for name, run_id in begun.items():
        found = ended(runs, run_id, what=name)
        assert (found["reason"], found["exitCode"]) == ("exited", 3), name
        assert b".exit.json.shim" in (runs / run_id / "output.log").read_bytes(), name
    assert outside.read_text() == "precious"
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
        os.open(tmp_path / "fifo", os.O_WRONLY | os.O_NONBLOCK)  # who opens it without the flag waits for ever
    os.link(outside, tmp_path / "link")
    (tmp_path / "link").write_text("lost")
    assert outside.read_text() == "lost"
