"""The power is cut while records are written: what was acknowledged is on the disk, and what is there is whole.

The disk is a loop-mounted image, copied in the midst of it all: what the kernel still held back is not in the copy. The
copy is no atomic snapshot and a drive may reorder more, so this is a lower bound.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.disks import loop_disk, needs_root
from tests.faults.table import Table

WRITER = """
import os, sys
from dataclasses import replace
from runboard import files
from runboard.store import Store
from tests.stores import finished
store = Store(sys.argv[1])
if sys.argv[2] == "unsynced":
    os.fsync = lambda _fd: None
run_id = finished(store).id
print(run_id, flush=True)
number = 0
while True:
    number += 1
    with store.locked(run_id) as held:
        held.put(held.run._replace(note=str(number)), "edited")
    os.write(1, f"{number}\\n".encode())
"""


def acknowledged(said: Path) -> int:
    """The last number that the writer said to have written."""
    lines = said.read_text().split("\n")[1:-1]
    return int(lines[-1]) if lines else 0


def cut_and_look(tmp_path: Path, image: Path, said: Path) -> str:
    """Copy the image as it is this moment, mount the copy, and say what is wrong with it."""
    known = acknowledged(said)
    copy = tmp_path / "copy.img"
    shutil.copyfile(image, copy)
    try:
        with loop_disk(tmp_path / "after", copy) as after:
            run_id = said.read_text().split("\n")[0]
            try:
                found = int(json.loads((after / "runs" / run_id / "run.json").read_bytes())["note"])
            except (OSError, ValueError) as error:
                return f"torn: {error}"
            return f"{known} was acknowledged, and {found} is there" if found < known else ""
    finally:
        copy.unlink()


def cuts(tmp_path: Path, how: str, count: int) -> list[str]:
    """Cut the power so many times while a writer is at it; what was wrong each time it was."""
    image, said = tmp_path / f"{how}.img", tmp_path / f"{how}.said"
    with loop_disk(tmp_path / how, image) as disk, said.open("wb") as mouth:
        argv = [sys.executable, "-c", WRITER, str(disk / "runs"), how]
        writer = subprocess.Popen(argv, stdout=mouth, cwd=Path(__file__).parent.parent.parent)
        try:
            harm = []
            for number in range(count):
                before = acknowledged(said) if number else 0
                deadline = time.monotonic() + 20
                while acknowledged(said) < before + 3:
                    assert writer.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
                if wrong := cut_and_look(tmp_path, image, said):
                    harm.append(wrong)
            return harm
        finally:
            writer.kill()
            writer.wait()


@needs_root
def test_a_power_cut_takes_nothing_acknowledged(tmp_path: Path, table: Table) -> None:
    """Twelve cuts amid writing lose nothing and tear nothing; without fsync what was acknowledged is gone."""
    harm = cuts(tmp_path, "synced", 12)
    table.tell("the power is cut", 12, len(harm))
    assert harm == []
    table.control("the power is cut", 6, len(cuts(tmp_path, "unsynced", 6)))


@needs_root
@pytest.mark.nightly
def test_a_hundred_and_twenty_power_cuts(tmp_path: Path, table: Table) -> None:
    """The same ten times as often."""
    harm = cuts(tmp_path, "synced", 120)
    table.tell("the power is cut", 120, len(harm))
    assert harm == []
