"""Full disks and files that may not grow: the old record stays, and the reason is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runboard.model import Run
from runboard.store import Store, StoreError
from tests.faults.crash import Nursery
from tests.faults.test_store import leftovers, note_on_disk
from tests.stores import finished

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def test_a_write_cut_short_is_no_success(writers: Nursery, store: Store) -> None:
    """A file that may not grow past 100 bytes is given up, told, and swept away."""
    run_id = finished(store).id
    fate = writers.ask("crowd", "small_files", store.root, run_id, many=1)
    assert fate.said == f"StoreError: run.json of run {run_id} could not be written: File too large"
    assert note_on_disk(store, run_id) == 0
    assert leftovers(store) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "tiny"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=40", "tmpfs", str(place))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    yield place
    subprocess.run(("umount", place), check=True)


@needs_root
def test_a_full_disk_is_told_and_loses_nothing(tiny_disk: Path, writers: Nursery) -> None:
    """On a really full disk the old record stays, the error names the cause, and freed space makes it work again."""
    store = Store(str(tiny_disk / "runs"))
    run_id = finished(store).id
    filler = tiny_disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 65536)
    fate = writers.ask("crowd", "put", store.root, run_id, many=1)
    assert "could not be written: No space left on device; free some space" in fate.said
    assert note_on_disk(store, run_id) == 0
    assert leftovers(store) == []
    with pytest.raises(StoreError, match="No space left on device"):
        store.create(Run(""))
    assert store.ids() == [run_id]
    filler.unlink()
    assert writers.ask("crowd", "put", store.root, run_id, many=1).done
    assert note_on_disk(store, run_id) == 1


@needs_root
def test_a_disk_without_inodes_is_told(tiny_disk: Path, writers: Nursery) -> None:
    """Where no further file can be made the old record stays too."""
    store = Store(str(tiny_disk / "runs"))
    run_id = finished(store).id
    with suppress(OSError):
        for number in range(100):
            (tiny_disk / str(number)).touch()
    assert "No space left on device" in writers.ask("crowd", "put", store.root, run_id, many=1).said
    assert note_on_disk(store, run_id) == 0
