"""The runs directory: what is written is found again, by its name only, and nobody's work is overwritten."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
from pathlib import Path

import pytest

from runboard.folder import MOST
from runboard.model import Outcome, Run, Status
from runboard.store import AmbiguousRun, NoSuchRun, Refused, Store, StoreError
from tests.stores import contents, foreign, made
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store whose directory does not exist yet."""
    return Store(str(tmp_path / "runs"))


def test_a_run_is_made_and_found_as_it_was_written(store: Store) -> None:
    """A new run has 8 hex digits, private modes, and reads back as ``create`` returned it."""
    run = made(store, name="tests", tags=("a", "b"), env=("K",))
    assert len(run.id) == 8
    assert int(run.id, 16) >= 0
    assert store.read(run.id) == run
    assert run.raw == json.loads(Path(store.path(run.id), "run.json").read_text())
    for path, mode in ((store.root, 0o700), (store.path(run.id), 0o700), (f"{store.path(run.id)}/run.json", 0o600)):
        assert stat.S_IMODE(os.stat(path).st_mode) == mode, path


def test_ids_are_directories_and_links_in_order(store: Store) -> None:
    """Plain files and names that begin with a dot are no runs; a missing directory has none."""
    assert store.ids() == []
    foreign(store, "b", "{}")
    foreign(store, "a", "{}")
    Path(store.root, "link").symlink_to("/")
    Path(store.root, "plain").touch()
    Path(store.root, ".hidden").mkdir()
    assert store.ids() == ["a", "b", "link"]


def test_a_runs_directory_that_is_none_is_told(tmp_path: Path) -> None:
    """A file where the runs directory belongs is an error in words, for listing and for making."""
    (tmp_path / "runs").touch()
    store = Store(str(tmp_path / "runs"))
    with pytest.raises(StoreError, match="cannot be listed: Not a directory"):
        store.ids()
    with pytest.raises(StoreError, match=r"No run can be made in .*: File exists"):
        store.create(Run(""))


def test_find_takes_a_unique_beginning(store: Store) -> None:
    """An exact name wins, a unique prefix is enough, several candidates are named, the rest is no run."""
    with pytest.raises(NoSuchRun, match="No runs yet"):
        store.find("a")
    for name, started in (("abc", 5000), ("abcd", 9000), ("abxx", 7000), ("@odd", 1000)):
        foreign(store, name, json.dumps({"status": "running", "startedAt": started}))
    assert store.find("abc") == "abc"
    assert store.find("abx") == "abxx"
    assert store.find("@last") == "abcd"
    assert store.find("@o") == "@odd"
    with pytest.raises(AmbiguousRun, match="3 runs begin with ab: abc, abcd, abxx") as told:
        store.find("ab")
    assert told.value.candidates == ("abc", "abcd", "abxx")


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../x", "a/b", "/", "/etc", ".trash", ".journal", "x" * 5000, "\0", "\ud83d"]
)
def test_what_is_no_name_is_no_run(store: Store, text: str) -> None:
    """Text that would lead out of the runs directory, or into its own folders, names no run for any call."""
    foreign(store, "abc", '{"status": "running"}')
    Path(store.root, ".trash", "x").mkdir(parents=True)
    for call in (store.find, store.read, store.open_dir, store.trash, store.restore, store.destroy):
        with pytest.raises(NoSuchRun):
            call(text)
    with pytest.raises(NoSuchRun), store.locked(text):
        pass
    with pytest.raises(FileNotFoundError):
        store.open_file(text, "run.json")
    assert (store.stamp(text), store.read_json(text, "x"), store.file_stat(text, "x")) == (None, None, None)


def test_a_file_outside_cannot_be_asked_for(store: Store) -> None:
    """The name of a file of a run is a name and no path."""
    run = made(store)
    for name in ("../x", "/etc/passwd", "", ".", "..", "a/b"):
        with pytest.raises(ValueError, match="is not the name of a file"):
            store.read_json(run.id, name)


def test_stamps_tell_one_record_from_the_next(store: Store) -> None:
    """A rewrite changes the stamp, a look does not, and an odd record has none."""
    run = made(store)
    first = store.stamp(run.id)
    assert first is not None
    store.read(run.id)
    assert store.stamp(run.id) == first
    with store.locked(run.id) as held:
        held.put(held.run._replace(note="x"), "edited")
    assert store.stamp(run.id) not in {first, None}
    path = Path(store.path(run.id), "run.json")
    path.unlink()
    assert store.stamp(run.id) is None
    path.mkdir()
    assert store.stamp(run.id) is None


def test_files_of_a_run_are_read_if_plain_and_small(store: Store) -> None:
    """``read_json`` gives nothing for what is absent, too large, odd or a link."""
    run = made(store)
    base = Path(store.path(run.id))
    (base / "exit.json").write_text('{"status": 0}')
    (base / "bad.json").write_text("{")
    (base / "link").symlink_to("/etc/passwd")
    os.mkfifo(base / "pipe")
    (base / "large.json").write_text("0" * (MOST + 1))
    assert store.read_json(run.id, "exit.json") == {"status": 0}
    for name in ("bad.json", "large.json", "link", "pipe", "absent"):
        assert store.read_json(run.id, name) is None
    assert store.file_stat(run.id, "link") is not None
    fd = store.open_file(run.id, "pipe")
    assert stat.S_ISFIFO(os.fstat(fd).st_mode)
    os.close(fd)
    with pytest.raises(OSError, match="symbolic links"):
        store.open_file(run.id, "link")


def test_put_writes_what_every_reader_then_finds(store: Store) -> None:
    """A put returns the run as it is on disk, keeps what it found there, and the lock's own picture follows."""
    run = made(store)
    doc = dict(run.raw) | {"later": {"key": [1, 2]}}
    foreign(store, run.id, json.dumps(doc))
    with store.locked(run.id) as held:
        written = held.put(held.run._replace(note="n", completed_at=None), "edited")
        assert held.run == written == store.read(run.id)
        assert held.put(held.run._replace(note="m"), "edited").note == "m"
    assert json.loads(Path(store.path(run.id), "run.json").read_text())["later"] == {"key": [1, 2]}


def test_what_is_cleared_is_gone_from_the_disk(store: Store) -> None:
    """A note taken back does not come back with the next reading."""
    run = made(store, note="n", tags=("a",))
    with store.locked(run.id) as held:
        held.put(held.run._replace(note=None, tags=()), "edited")
    assert store.read(run.id) == run._replace(note=None, tags=())


def test_put_once_writes_once(store: Store) -> None:
    """The first to write a file wins; a link in its place counts as being there."""
    run = made(store)
    Path(store.path(run.id), "link").symlink_to("/nonexistent/target")
    with store.locked(run.id) as held:
        assert held.put_once("response.md", b"first") is True
        assert held.put_once("response.md", b"second") is False
        assert held.put_once("link", b"x") is False
    assert contents(store, run.id, "response.md") == b"first"
    assert stat.S_IMODE(os.stat(f"{store.path(run.id)}/response.md").st_mode) == 0o600
    assert sorted(os.listdir(store.path(run.id))) == ["link", "response.md", "run.json"]


def test_a_damaged_record_is_never_overwritten(store: Store) -> None:
    """A put onto a record that could not be read is refused, whatever is put."""
    path = foreign(store, "abc", '{"status": "runn')
    with store.locked("abc") as held, pytest.raises(Refused, match=r"damaged .* left as it is"):
        held.put(Run("abc"), "edited")
    assert path.read_text() == '{"status": "runn'


def test_a_record_too_large_to_be_read_again_is_not_written(store: Store) -> None:
    """What would pass the limit is refused before anything is written."""
    run = made(store)
    with store.locked(run.id) as held, pytest.raises(StoreError, match="are the most"):
        held.put(held.run._replace(note="x" * (5 << 20)), "edited")
    assert store.read(run.id) == run


def test_a_run_moved_away_meanwhile_is_not_written(store: Store) -> None:
    """Whoever holds the lock of a directory that somebody moved without asking writes nothing, anywhere."""
    run = made(store)
    moved = Path(store.root, "moved")
    with store.locked(run.id) as held:
        Path(store.path(run.id)).rename(moved)
        with pytest.raises(Refused, match="moved away meanwhile"):
            held.put(held.run._replace(note="x"), "edited")
        foreign(store, run.id, "{}")
        with pytest.raises(Refused, match="moved away meanwhile"):
            held.put_once("response.md", b"x")
    assert sorted(os.listdir(moved)) == ["run.json"]
    assert json.loads((moved / "run.json").read_text()) == run.raw
    assert Path(store.path(run.id), "run.json").read_text() == "{}"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_waited_for_is_the_lock_of_the_run_that_is_there(store: Store, replaced: bool) -> None:
    """Whoever waited while the run was moved away gets no lock on that, but on what is there now, or none at all."""
    run = made(store)
    path = store.path(run.id)
    got: list[str | None] = []

    def wait() -> None:
        """Ask for the lock, and note whose it is."""
        try:
            with store.locked(run.id) as held:
                got.append(held.run.note)
        except NoSuchRun:
            got.append("none")

    def opened() -> bool:
        """Whether both have the directory open."""
        return sum(os.path.realpath(f"/proc/self/fd/{fd}") == path for fd in os.listdir("/proc/self/fd")) == 2

    with store.locked(run.id):
        waiter = threading.Thread(target=wait)
        waiter.start()
        until(opened)
        Path(path).rename(f"{store.root}/.moved")
        if replaced:
            foreign(store, run.id, '{"status": "running", "note": "new"}')
    waiter.join()
    assert got == ["new" if replaced else "none"]


def test_a_child_that_inherits_the_lock_does_not_keep_it(store: Store) -> None:
    """A process forked while the lock is held, and never executing anything else, keeps nobody waiting."""
    run = made(store)
    with store.locked(run.id):
        pid = os.fork()
        while pid == 0:
            signal.pause()
    try:
        with store.locked(run.id, limit=0.5) as held:
            assert held.run == run
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_arguments_that_are_not_utf8_stay_exact(store: Store) -> None:
    """A command line may hold any bytes; they come back as they were, so that it can be run again."""
    command = ("cat", os.fsdecode(b"caf\xe9.txt"))
    run = made(store, command=command)
    assert store.read(run.id).command == command
    with store.locked(run.id) as held:
        held.put(held.run._replace(note="x"), "edited")
    assert store.read(run.id).command == command


def test_names_that_are_not_utf8_or_full_of_controls_are_runs_like_others(store: Store) -> None:
    """A directory may have any name; its run is read, written and thrown away."""
    for name in (os.fsdecode(b"\xff\xfe"), "new\nline", "\x1b]0;title\x07", "\u202eright", "a b"):
        foreign(store, name, '{"status": "completed"}')
        assert store.read(name).outcome == Outcome(Status.COMPLETED)
        with store.locked(name) as held:
            held.put(held.run._replace(note="x"), "edited")
        assert store.read(name).note == "x"
        assert store.find(name) == name
        store.trash(name)
        assert [run.id for run in store.trashed()] == [name]
        store.destroy(name)
    assert store.ids() == []


def test_size_counts_the_tree_and_nothing_else(store: Store, tmp_path: Path) -> None:
    """Bytes on disk: a sparse file is small, a hard link counts once, a link out and a missing run count nothing."""
    run = made(store)
    base = Path(store.path(run.id))
    before = store.size(run.id)
    (base / "repo" / "deep").mkdir(parents=True)
    (base / "repo" / "deep" / "data").write_bytes(b"x" * 100_000)
    os.link(base / "repo" / "deep" / "data", base / "again")
    with (base / "sparse").open("wb") as sparse:
        sparse.truncate(1 << 30)
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    (base / "link").symlink_to(tmp_path / "big")
    (base / "folder-link").symlink_to(tmp_path)
    assert 100_000 <= store.size(run.id) - before <= 150_000
    assert store.size("absent") == 0
