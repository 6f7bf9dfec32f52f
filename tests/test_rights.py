"""Owners and modes: what a user may not read is told, what is theirs they can remove, and root locks nobody out."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runboard.model import Outcome, Run, Status
from runboard.store import Store
from tests.stores import as_nobody, finished, foreign, open_place

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="this needs root")


@pytest.fixture
def open_store() -> Iterator[Store]:
    """A store in a place that everybody may enter."""
    with open_place() as place:
        yield Store(place)


def test_what_may_not_be_read_is_told(open_store: Store) -> None:
    """A run directory or record that is not for our eyes is damaged and says so; a read-only one is not written."""
    path = foreign(open_store, "abc", '{"status": "running"}')
    path.chmod(0o000)
    assert as_nobody(lambda: open_store.read("abc").damage) == "'run.json cannot be read: Permission denied'"
    path.chmod(0o644)
    path.parent.chmod(0o000)
    told = as_nobody(lambda: open_store.read("abc").damage)
    assert told == '"the run\'s directory cannot be read: Permission denied"'
    path.parent.chmod(0o555)

    def edit() -> None:
        """Try to write."""
        with open_store.locked("abc") as held:
            held.put(held.run._replace(note="x"), "edited")

    assert as_nobody(lambda: open_store.read("abc").status) == "<Status.RUNNING: 'running'>"
    expected = "StoreError: run.json of run abc could not be written: Permission denied; look at the owner and the mode"
    assert as_nobody(edit).startswith(expected)
    Path(open_store.root).chmod(0o000)
    assert "cannot be listed: Permission denied" in as_nobody(open_store.ids)
    Path(open_store.root).chmod(0o555)
    assert as_nobody(lambda: open_store.create(Run(""))).startswith("StoreError: No run can be made in")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory to somebody else needs root")
def test_root_looking_in_locks_nobody_out(open_store: Store) -> None:
    """Whatever root writes for a user, records, journal and trash, stays that user's."""
    for path in (Path(open_store.root), foreign(open_store, "abc", '{"status": "running"}').parent):
        os.chown(path, 65534, 65534)
    with open_store.locked("abc") as held:
        held.put(held.run._replace(note="by root"), "edited")
    assert as_nobody(lambda: open_store.read("abc").note) == "'by root'"
    run = open_store.create(Run("")).id
    with open_store.locked("abc") as held:
        held.put(held.run.finish(Outcome(Status.COMPLETED), 2.0, by="root", seen_at=2.0), "finished")
    open_store.trash("abc")
    for folder, folders, names in os.walk(open_store.root):
        assert {os.stat(os.path.join(folder, name)).st_uid for name in (*folders, *names)} == {65534}, folder

    def remove() -> list[object]:
        """Look at the one, and remove the other."""
        open_store.destroy("abc")
        return [str(open_store.read(run).status), *open_store.trashed()]

    assert as_nobody(remove) == "['running']"


def test_read_only_directories_are_removed(open_store: Store) -> None:
    """A user removes what is theirs although no directory of it may be written, entered or listed."""
    root = Path(open_store.root)
    os.chown(root, *((65534, 65534) if os.geteuid() == 0 else (-1, -1)))

    def life() -> list[object]:
        """Make a run full of locked directories, throw it away and remove it."""
        run = finished(open_store)
        base = Path(open_store.path(run.id))
        (base / "a" / "b" / "c").mkdir(parents=True)
        (base / "a" / "b" / "file").touch()
        for path, mode in ((base / "a" / "b" / "c", 0o000), (base / "a" / "b", 0o500), (base / "a", 0o100)):
            path.chmod(mode)
        open_store.trash(run.id)
        Path(root, ".trash", run.id).chmod(0o000)
        open_store.destroy(run.id)
        return [*open_store.ids(), *open_store.trashed()]

    assert as_nobody(life) == "[]"


@needs_root
def test_a_locked_mounted_file_system_keeps_its_mode(open_store: Store) -> None:
    """A user who removes a run with a mount in it that may not be written does not even unlock the mount."""
    os.chown(open_store.root, 65534, 65534)
    made = as_nobody(lambda: finished(open_store).id)
    run_id = made.strip("'")
    place = Path(open_store.path(run_id), "repo", "mounted")
    place.mkdir(parents=True)
    os.chown(place.parent, 65534, 65534)
    mount = ("mount", "-t", "tmpfs", "-o", "mode=0500,uid=65534", "tmpfs", str(place))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        store = open_store
        store.trash(run_id)
        place = Path(store.root, ".trash", run_id, "repo", "mounted")
        told = as_nobody(lambda: store.destroy(run_id))
        place = next(Path(store.root).rglob("mounted"))  # what it lay in may have been moved up
        assert "Device or resource busy" in told
        assert stat.S_IMODE(place.stat().st_mode) == 0o500
    finally:
        subprocess.run(("umount", place), check=True)
