"""The trash: nothing live goes in, nothing is overwritten on the way out, and removal stays inside."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from runboard.model import Outcome, Run, Status
from runboard.store import NoSuchRun, Refused, Store, StoreError
from tests.test_store import as_nobody, open_store

__all__ = ["open_store"]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "runs"))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory outside the runs directory, with something in it that must stay."""
    path = tmp_path / "outside"
    (path / "deeper").mkdir(parents=True)
    (path / "deeper" / "precious").write_text("precious")
    return path


def finished(store: Store) -> Run:
    """A run that has ended."""
    run = store.create(Run("", command=("true",), started_at=1.0))
    with store.locked(run.id) as held:
        return held.put(held.run.finish(Outcome(Status.COMPLETED), 2.0, by="me", seen_at=2.0), "finished")


def trashed(store: Store) -> Path:
    """The directory of a run in the trash."""
    run = finished(store)
    store.trash(run.id)
    return Path(store.root, ".trash", run.id)


def untouched(outside: Path) -> bool:
    """Whether everything outside is as it was."""
    return (outside / "deeper" / "precious").read_text() == "precious" and os.listdir(outside) == ["deeper"]


def test_a_run_goes_and_comes_back_as_it_was(store: Store) -> None:
    """Through the trash and back, every file stays what it was."""
    run = finished(store)
    log = Path(store.path(run.id), "output.log")
    log.write_text("text")
    inode = log.stat().st_ino
    store.trash(run.id)
    assert (store.ids(), store.trashed()) == ([], [run])
    with pytest.raises(NoSuchRun):
        store.read(run.id)
    store.restore(run.id)
    assert (store.ids(), store.trashed()) == ([run.id], [])
    assert store.read(run.id) == run
    assert (log.stat().st_ino, log.read_text()) == (inode, "text")


def test_the_last_thrown_away_is_listed_first(store: Store) -> None:
    """So that undo takes the right one."""
    runs = [finished(store) for _ in range(3)]
    for run in (runs[1], runs[0], runs[2]):
        store.trash(run.id)
        time.sleep(0.02)  # the grain of a file system's clock
    assert [run.id for run in store.trashed()] == [runs[2].id, runs[0].id, runs[1].id]


@pytest.mark.parametrize("fields", [{}, {"queued": True}])
def test_a_live_run_is_not_thrown_away(store: Store, fields: dict[str, bool]) -> None:
    """A running or queued run is refused and stays where it is."""
    run = store.create(replace(Run(""), **fields))  # type: ignore[arg-type]
    with pytest.raises(Refused, match=f"Run {run.id} is (running|queued); stop it first"):
        store.trash(run.id)
    assert store.read(run.id) == run


def test_whether_a_run_is_live_is_decided_under_its_lock(store: Store) -> None:
    """A run that became live again while the lock was waited for is refused, whatever it was before."""
    run = finished(store)
    refused: list[str] = []

    def throw() -> None:
        """Throw it away, as somebody who has seen it finished would."""
        try:
            store.trash(run.id)
        except Refused as error:
            refused.append(str(error))

    with store.locked(run.id) as held:
        thread = threading.Thread(target=throw)
        thread.start()
        time.sleep(0.05)
        held.put(replace(held.run, outcome=None), "edited")
    thread.join()
    assert refused == [f"Run {run.id} is running; stop it first"]
    assert store.ids() == [run.id]


def test_nothing_is_overwritten_on_either_way(store: Store) -> None:
    """A name in use, in the trash or among the runs, by whatever it is, is refused."""
    run = finished(store)
    taken = Path(store.path(run.id))
    store.trash(run.id)
    for make, clear in ((taken.mkdir, taken.rmdir), (taken.touch, taken.unlink)):
        make()
        with pytest.raises(Refused, match="again"):
            store.restore(run.id)
        clear()
    taken.symlink_to("/nonexistent")
    with pytest.raises(Refused, match="again"):
        store.restore(run.id)
    taken.unlink()
    taken.mkdir()
    (taken / "run.json").write_text('{"status": "completed"}')
    with pytest.raises(Refused, match="The trash holds a run"):
        store.trash(run.id)
    assert [found.id for found in store.trashed()] == store.ids() == [run.id]


def test_what_is_not_there_is_said_to_be_not_there(store: Store) -> None:
    """Neither an empty trash nor a missing run is a fault of the disk."""
    assert store.trashed() == []
    for call in (store.trash, store.restore, store.destroy):
        with pytest.raises(NoSuchRun):
            call("abcdef12")
    finished(store)
    for call in (store.restore, store.destroy):
        with pytest.raises(NoSuchRun):
            call(store.ids()[0])


def test_a_trash_that_is_a_link_is_not_followed(store: Store, outside: Path) -> None:
    """A link in the trash's place is refused by everything."""
    run = finished(store)
    Path(store.root, ".trash").symlink_to(outside)
    with pytest.raises(StoreError, match="cannot be moved to the trash: Not a directory"):
        store.trash(run.id)
    with pytest.raises(StoreError, match="cannot be listed"):
        store.trashed()
    with pytest.raises(StoreError, match="cannot be removed for good"):
        store.destroy("deeper")
    assert untouched(outside)
    assert store.read(run.id) == run


def test_removal_follows_no_link(store: Store, outside: Path) -> None:
    """Links to files and directories outside, at any depth, are removed themselves; what they point to stays."""
    run = trashed(store)
    (run / "repo" / "deep").mkdir(parents=True)
    for place in (run, run / "repo", run / "repo" / "deep"):
        (place / "link").symlink_to(outside)
        (place / "file-link").symlink_to(outside / "deeper" / "precious")
        (place / "up").symlink_to("../..")
        os.link(outside / "deeper" / "precious", place / "hard")
        os.mkfifo(place / "fifo")
    store.destroy(run.name)
    assert not run.exists()
    assert untouched(outside)


def remove_naively(path: Path) -> None:
    """What a quick hand would write: a directory is what ``is_dir`` says."""
    for entry in path.iterdir():
        if entry.is_dir():
            remove_naively(entry)
        else:
            entry.unlink()
    with suppress(NotADirectoryError):
        path.rmdir()


def test_a_naive_removal_leaves_the_run(store: Store, outside: Path) -> None:
    """Negative control: a removal that trusts paths takes what a link points to."""
    run = trashed(store)
    (run / "link").symlink_to(outside)
    with suppress(OSError):
        remove_naively(run)
    assert not (outside / "deeper").exists()


def test_a_directory_swapped_for_a_link_meanwhile_leads_nowhere(store: Store, outside: Path) -> None:
    """While somebody swaps directories for links to the outside as fast as can be, removal stays inside."""
    stop = threading.Event()

    def swap(home: Path, aside: Path) -> None:
        """Swap a directory for a link and back, until told."""
        while not stop.is_set():
            with suppress(OSError):
                home.rename(aside)
                home.symlink_to(outside)
                home.unlink()
                aside.rename(home)

    for _ in range(30):
        stop.clear()
        run = trashed(store)
        for name in ("a", "b", "c"):
            (run / "home" / name / "below").mkdir(parents=True)
            (run / "home" / name / "file").touch()
        thread = threading.Thread(target=swap, args=(run / "home", run / "aside"))
        thread.start()
        with suppress(StoreError):
            store.destroy(run.name)
        stop.set()
        thread.join()
        if run.exists():
            store.destroy(run.name)
        assert untouched(outside)


def test_a_link_in_the_place_of_a_directory_in_the_trash_is_removed_itself(store: Store, outside: Path) -> None:
    """The run's own directory in the trash may be a link by now."""
    run = trashed(store)
    shutil.rmtree(run)
    run.symlink_to(outside)
    assert [found.damage for found in store.trashed()] == ["the run's directory is a symbolic link; it is not followed"]
    store.destroy(run.name)
    assert not run.is_symlink()
    assert untouched(outside)


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


def test_a_tree_deeper_than_descriptors_and_paths_is_removed(store: Store) -> None:
    """Three thousand directories one inside the other are removed, and measured without falling over."""
    run = trashed(store)
    fd = os.open(run, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 20, dir_fd=fd)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)
    store.restore(run.name)
    assert store.size(run.name) > 4096
    store.trash(run.name)
    store.destroy(run.name)
    assert os.listdir(run.parent) == []


def test_the_record_goes_last(store: Store) -> None:
    """A removal stopped by what cannot be removed leaves a run that is still listed, and can be removed later."""
    run = trashed(store)
    (run / "kept").mkdir()
    (run / "kept" / "file").touch()
    lock = ("chattr", "+i", str(run / "kept" / "file"))
    if shutil.which("chattr") is None or subprocess.run(lock, capture_output=True, check=False).returncode != 0:
        pytest.skip("chattr +i is not to be had here")
    try:
        with pytest.raises(StoreError, match="cannot be removed for good: Operation not permitted"):
            store.destroy(run.name)
        assert [found.id for found in store.trashed() if found.damage is None] == [run.name]
    finally:
        names = list(run.rglob("file"))
        subprocess.run(("chattr", "-i", *map(str, names)), check=True)
    store.destroy(run.name)
    assert store.trashed() == []


@pytest.fixture(params=["tmpfs", "bind"])
def mounted(request: pytest.FixtureRequest, store: Store, outside: Path) -> Iterator[Path]:
    """A run in the trash with a file system mounted inside: one of its own, or the outside bound to it."""
    run = finished(store)
    place = Path(store.path(run.id), "repo", "mounted")
    place.mkdir(parents=True)
    how = ("-t", "tmpfs", "tmpfs") if request.param == "tmpfs" else ("--bind", str(outside))
    done = subprocess.run(("mount", *how, str(place)), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    (place / "file").write_text("text")
    (place / "locked").mkdir(mode=0o500)
    place.chmod(0o500)
    store.trash(run.id)
    yield Path(store.root, ".trash", run.id)
    for found in (*Path(store.root).rglob("mounted"), *Path(store.root).rglob(".put-*")):
        subprocess.run(("umount", found), capture_output=True, check=False)
    for name in ("file", "locked"):
        path = outside / name
        with suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


@needs_root
def test_a_mounted_file_system_is_not_emptied(mounted: Path, store: Store) -> None:
    """A mount goes along into the trash; removal refuses there and touches nothing on it, bound or of its own."""
    with pytest.raises(
        StoreError, match="cannot be removed for good: Device or resource busy; a file system is mounted"
    ):
        store.destroy(mounted.name)
    place = next(mounted.rglob("mounted"))
    assert (place / "file").read_text() == "text"
    assert stat.S_IMODE(place.stat().st_mode) == 0o500
    assert [found.id for found in store.trashed()] == [mounted.name]
    subprocess.run(("umount", place), check=True)
    store.destroy(mounted.name)
    assert store.trashed() == []


def test_two_removals_and_a_restore_at_once_agree(store: Store) -> None:
    """Whoever comes first wins whole: the run is back with all it had, or gone, and nobody sees a fault of the disk."""
    for _ in range(20):
        run = trashed(store)
        for name in range(20):
            (run / str(name)).mkdir()
        faults: list[StoreError] = []

        def do(call: object, name: str, faults: list[StoreError]) -> None:
            """Do one of the three."""
            assert callable(call)
            try:
                call(name)
            except NoSuchRun:
                pass
            except StoreError as error:
                faults.append(error)

        calls = (store.destroy, store.restore, store.destroy)
        threads = [threading.Thread(target=do, args=(call, run.name, faults)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert faults == []
        assert store.trashed() == []
        if run.name in store.ids():
            assert len(os.listdir(store.path(run.name))) == 21
            assert json.loads(Path(store.path(run.name), "run.json").read_text())["id"] == run.name
