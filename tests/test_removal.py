"""Removal for good: it stays inside, whatever is linked, swapped, nested, locked or mounted there."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runboard.cli.screen import _follow
from runboard.store import Store, StoreError
from runboard.tree import sweep, temporary
from tests.stores import finished, trashed, untouched
from tests.waiting import until

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


def test_a_path_given_to_rmtree_leads_where_it_leads_by_then(store: Store, outside: Path) -> None:
    """Negative control: a check, then a removal by path; whoever swaps a directory in between has the outside lost."""
    run = trashed(store)
    (run / "home" / "deeper").mkdir(parents=True)
    assert not (run / "home").is_symlink()
    (run / "home").rename(run / "aside")
    (run / "home").symlink_to(outside)
    shutil.rmtree(f"{run}/home/deeper")
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
    assert (mounted / "repo" / "mounted" / "file").exists(), "it is refused before anything is removed"
    place = next(mounted.rglob("mounted"))
    assert (place / "file").read_text() == "text"
    assert stat.S_IMODE(place.stat().st_mode) == 0o500
    assert [found.id for found in store.trashed()] == [mounted.name]
    subprocess.run(("umount", place), check=True)
    store.destroy(mounted.name)
    assert store.trashed() == []


MAKER = """
import sys, runboard.tree
with runboard.tree.temporary("runboard-git-") as path:
    open(f"{path}/HEAD", "w").close()
    print(path, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_one_has_left_among_the_temporary_files_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: Path
) -> None:
    """By the next board, or the next who makes such a directory; what is in use stays, however old, and links do."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    start = (sys.executable, "-c", MAKER)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    makers = [
        subprocess.Popen(start, env=os.environ | {"TMPDIR": str(tmp_path)}, **pipes)  # type: ignore[call-overload]
        for _ in range(3)
    ]
    with makers[0], makers[1], makers[2]:
        killed, other, alive = (Path(maker.stdout.readline().strip()) for maker in makers)
        os.utime(alive, (1, 1))
        (tmp_path / "runboard-git-link").symlink_to(outside)
        untouched_before = sorted(outside.rglob("*"))
        makers[0].kill()
        makers[0].wait()
        _follow(Store(str(tmp_path / "runs")), writing=False)  # one that only looks removes nothing
        assert killed.exists()
        _follow(Store(str(tmp_path / "runs")), writing=True)
        until(lambda: not killed.exists())
        makers[1].kill()
        makers[1].wait()
        monkeypatch.setattr("runboard.tree._swept", set())
        with temporary("runboard-git-") as path:
            assert (other.exists(), (alive / "HEAD").exists(), Path(path).is_dir()) == (False, True, True)
        assert sorted(outside.rglob("*")) == untouched_before
        monkeypatch.setattr("fcntl.flock", lambda *_: None)  # negative control: going by the name alone
        sweep("runboard-git-")
        assert not alive.exists()
        makers[2].communicate("")
