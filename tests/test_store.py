"""The runs directory: every record that either tool wrote is read, every broken one is told, none is overwritten."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runboard import files, record
from runboard.model import Identity, Outcome, Reason, Run, Status, Usage
from runboard.store import AmbiguousRun, NoSuchRun, Refused, Store, StoreError
from tests.waiting import until

OLDER = Path(__file__).parent / "data" / "older"
LONG_AGO = (1_000_000_000, 1_000_000_000)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store whose directory does not exist yet."""
    return Store(str(tmp_path / "runs"))


def made(store: Store, **fields: object) -> Run:
    """A running run of ours."""
    return store.create(replace(Run("", command=("make", "test"), cwd="/", started_at=1.5), **fields))  # type: ignore[arg-type]


def foreign(store: Store, run_id: str, text: str | bytes, *, old: bool = True) -> Path:
    """A run directory whose run.json somebody else wrote, by default long ago."""
    path = Path(store.path(run_id), "run.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if old:
        os.utime(path, LONG_AGO)
    return path


def epoch(text: str) -> float:
    """Seconds of an ISO time, by way of the codec that the store uses."""
    return record.parse({"status": "running", "startedAt": text}, "x").started_at or 0.0


OLDER_RUNS = {
    "running": Run(
        "running",
        repo="acme/shop",
        issue="128",
        persona="builder",
        model="large-2",
        branch="agent/128",
        started_at=1772442904.512,
        timeout=1800.0,
        process=Identity(pid=48213),
    ),
    "completed": Run(
        "completed",
        repo="acme/shop",
        issue="131",
        persona="reviewer",
        model="large-2",
        branch="agent/131",
        started_at=1772445600.0,
        completed_at=1772446061.25,
        timeout=2700.0,
        usage=Usage(18234, 2710, 20944, 0.1834),
        process=Identity(pid=48377),
        outcome=Outcome(Status.COMPLETED),
    ),
    "failed": Run(
        "failed",
        repo="acme/shop",
        issue="140",
        persona="builder",
        model="small-1",
        branch="agent/140",
        started_at=1772554811.003,
        completed_at=1772556611.871,
        timeout=1800.0,
        usage=Usage(901, 0, 901, 0.0),
        process=Identity(pid=50110),
        outcome=Outcome(Status.FAILED, error="Timeout exceeded (30m)"),
    ),
    "torn": Run("torn", damage="run.json is torn or no JSON: unexpected end of data: line 8 column 14 (char 143)"),
    "fractional": Run(
        "fractional",
        persona="smoke",
        started_at=1772611200.0,
        completed_at=1772611229.4,
        timeout=30.0,
        process=Identity(pid=777),
        outcome=Outcome(Status.COMPLETED),
    ),
    "unknown": Run(
        "unknown",
        repo="acme/shop",
        issue="7",
        started_at=1772712000.0,
        timeout=3600.0,
        usage=Usage(5, 6, 11, 0.01),
        process=Identity(pid=51002),
    ),
}


@pytest.fixture
def older(tmp_path: Path) -> Store:
    """A copy of the older tool's runs, not fresh any more."""
    shutil.copytree(OLDER, tmp_path / "older")
    for path in (tmp_path / "older").rglob("*"):
        os.utime(path, LONG_AGO)
    return Store(str(tmp_path / "older"))


def test_the_older_tools_runs_are_all_there(older: Store) -> None:
    """Each directory of the older tool has its expected run here, and the other way round."""
    assert older.ids() == sorted(OLDER_RUNS)


@pytest.mark.parametrize("name", sorted(OLDER_RUNS))
def test_the_older_tools_runs_load_for_ever(older: Store, name: str) -> None:
    """A record of the older tool becomes exactly this run, and goes back exactly as it was."""
    run = older.read(name)
    assert run == OLDER_RUNS[name]
    if run.damage is None:
        assert record.dump(run) == json.loads((OLDER / name / "run.json").read_text())


def test_settling_an_older_run_keeps_every_key_it_does_not_know(older: Store) -> None:
    """A rewrite changes what changed, and leaves unknown keys, their order and their values alone."""
    before = json.loads(Path(older.path("unknown"), "run.json").read_text())
    with older.locked("unknown") as held:
        ending = held.run.finish(
            Outcome(Status.COMPLETED, Reason.INFERRED), 1772712060.0, by="me", seen_at=1772712061.0
        )
        held.put(ending, "finished", by="me")
    after = json.loads(Path(older.path("unknown"), "run.json").read_text())
    step = {"at": "2026-03-05T12:01:01.000Z", "from": "running", "to": "completed", "reason": "inferred", "by": "me"}
    changed = {
        "status": "completed",
        "completedAt": "2026-03-05T12:01:00.000Z",
        "reason": "inferred",
        "history": [step],
    }
    assert after == before | changed
    assert [key for key in after if key in before] == list(before)


def test_a_run_is_made_and_found_as_it_was_written(store: Store) -> None:
    """A new run has 8 hex digits, private modes, and reads back as ``create`` returned it."""
    run = made(store, name="tests", tags=("a", "b"), env=(("K", "V"),))
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
    assert (store.stamp(text), store.read_file(text, "run.json", 9), store.file_stat(text, "x")) == (None, None, None)


def test_a_file_outside_cannot_be_asked_for(store: Store) -> None:
    """The name of a file of a run is a name and no path."""
    run = made(store)
    for name in ("../x", "/etc/passwd", "", ".", "..", "a/b"):
        with pytest.raises(ValueError, match="is not the name of a file"):
            store.read_file(run.id, name, 100)


def test_stamps_tell_one_record_from_the_next(store: Store) -> None:
    """A rewrite changes the stamp, a look does not, and an odd record has none."""
    run = made(store)
    first = store.stamp(run.id)
    assert first is not None
    store.read(run.id)
    assert store.stamp(run.id) == first
    with store.locked(run.id) as held:
        held.put(replace(held.run, note="x"), "edited")
    assert store.stamp(run.id) not in {first, None}
    path = Path(store.path(run.id), "run.json")
    path.unlink()
    assert store.stamp(run.id) is None
    path.mkdir()
    assert store.stamp(run.id) is None


def test_files_of_a_run_are_read_if_plain_and_small(store: Store) -> None:
    """``read_file`` and ``read_json`` give nothing for what is absent, too large, odd or a link."""
    run = made(store)
    base = Path(store.path(run.id))
    (base / "exit.json").write_text('{"status": 0}')
    (base / "bad.json").write_text("{")
    (base / "link").symlink_to("/etc/passwd")
    os.mkfifo(base / "pipe")
    assert store.read_file(run.id, "exit.json", 100) == b'{"status": 0}'
    assert store.read_file(run.id, "exit.json", 5) is None
    assert store.read_json(run.id, "exit.json") == {"status": 0}
    for name in ("bad.json", "link", "pipe", "absent"):
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
        written = held.put(replace(held.run, note="n", completed_at=None), "edited")
        assert held.run == written == store.read(run.id)
        assert held.put(replace(held.run, note="m"), "edited").note == "m"
    assert json.loads(Path(store.path(run.id), "run.json").read_text())["later"] == {"key": [1, 2]}


def test_what_is_cleared_is_gone_from_the_disk(store: Store) -> None:
    """A note taken back does not come back with the next reading."""
    run = made(store, note="n", tags=("a",))
    with store.locked(run.id) as held:
        held.put(replace(held.run, note=None, tags=()), "edited")
    assert store.read(run.id) == replace(run, note=None, tags=())


def test_put_once_writes_once(store: Store) -> None:
    """The first to write a file wins; a link in its place counts as being there."""
    run = made(store)
    Path(store.path(run.id), "link").symlink_to("/nonexistent/target")
    with store.locked(run.id) as held:
        assert held.put_once("response.md", b"first") is True
        assert held.put_once("response.md", b"second") is False
        assert held.put_once("link", b"x") is False
    assert store.read_file(run.id, "response.md", 100) == b"first"
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
        held.put(replace(held.run, note="x" * (5 << 20)), "edited")
    assert store.read(run.id) == run


def test_a_run_moved_away_meanwhile_is_not_written(store: Store) -> None:
    """Whoever holds the lock of a directory that somebody moved without asking writes nothing, anywhere."""
    run = made(store)
    moved = Path(store.root, "moved")
    with store.locked(run.id) as held:
        Path(store.path(run.id)).rename(moved)
        with pytest.raises(Refused, match="moved away meanwhile"):
            held.put(replace(held.run, note="x"), "edited")
        foreign(store, run.id, "{}")
        with pytest.raises(Refused, match="moved away meanwhile"):
            held.put_once("response.md", b"x")
    assert sorted(os.listdir(moved)) == ["run.json"]
    assert json.loads((moved / "run.json").read_text()) == run.raw
    assert Path(store.path(run.id), "run.json").read_text() == "{}"


def test_a_lock_waited_for_is_the_lock_of_the_run_that_is_there(store: Store) -> None:
    """Whoever waited while the run was trashed learns that it is gone, and gets no lock on what is in the trash."""
    run = made(store)
    with store.locked(run.id) as held:
        held.put(held.run.finish(Outcome(Status.COMPLETED), 2.0, by="me", seen_at=2.0), "finished")
    fd = store.open_dir(run.id)
    store.trash(run.id)
    os.close(fd)
    with pytest.raises(NoSuchRun), store.locked(run.id):
        pass


def test_arguments_that_are_not_utf8_stay_exact(store: Store) -> None:
    """A command line may hold any bytes; they come back as they were, so that it can be run again."""
    command = ("cat", os.fsdecode(b"caf\xe9.txt"))
    run = made(store, command=command)
    assert store.read(run.id).command == command
    with store.locked(run.id) as held:
        held.put(replace(held.run, note="x"), "edited")
    assert store.read(run.id).command == command


def test_names_that_are_not_utf8_or_full_of_controls_are_runs_like_others(store: Store) -> None:
    """A directory may have any name; its run is read, written and thrown away."""
    for name in (os.fsdecode(b"\xff\xfe"), "new\nline", "\x1b]0;title\x07", "\u202eright", "a b"):
        foreign(store, name, '{"status": "completed"}')
        assert store.read(name).outcome == Outcome(Status.COMPLETED)
        with store.locked(name) as held:
            held.put(replace(held.run, note="x"), "edited")
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


def read_bounded(store: Store, run_id: str) -> Run:
    """Read a run in less than a second of this processor, and again in less than 40 MB."""
    begun = time.process_time()
    store.read(run_id)
    assert time.process_time() - begun < 1.0
    tracemalloc.start()
    try:
        run = store.read(run_id)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    return run


def sparse(path: Path) -> None:
    """A file of a gigabyte that takes no room."""
    with path.open("wb") as file:
        file.truncate(1 << 30)


def listening(path: Path) -> None:
    """A socket."""
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path may not be long
        end.bind(path.name)
        os.chdir(here)


def written(data: bytes) -> Callable[[Path], None]:
    """A file of these bytes."""

    def write(path: Path) -> None:
        """Write them."""
        path.write_bytes(data)

    return write


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (lambda path: (path.parent / "output.log").touch(), "it has no run.json"),
    "empty": (Path.touch, "run.json is empty"),
    "half": (written(b'{"status": "run'), "torn or no JSON"),
    "nul": (written(b"\0" * 4096), "holds only NUL bytes"),
    "sparse": (sparse, "run.json is larger than 4194304 bytes"),
    "deep": (written(b"[" * 100_000), "torn or no JSON"),
    "deep and balanced": (written(b'{"status":' * 100_000 + b"1" + b"}" * 100_000), "torn or no JSON"),
    "deep with a surrogate": (written(b'["\\ud83d",' + b"[" * 100_000 + b"]" * 100_001), "nested too deep"),
    "wide": (written(b"[" + b"[]," * 300_000 + b"[]]"), "holds a list"),
    "folder": (Path.mkdir, "run.json is a directory"),
    "fifo": (os.mkfifo, "run.json is a FIFO"),
    "socket": (listening, "run.json is a socket"),
    "device link": (lambda path: path.symlink_to("/dev/zero"), "run.json is a symbolic link"),
    "link": (lambda path: path.symlink_to(OLDER / "running" / "run.json"), "run.json is a symbolic link"),
    "dangling": (lambda path: path.symlink_to("/nonexistent"), "run.json is a symbolic link"),
    "utf-8": (written(b'{"status": "running", "repo": "\xff\xfe"}'), "torn or no JSON"),
    "utf-16": (written('{"status": "running"}'.encode("utf-16")), "torn or no JSON"),
    "not a number": (written(b'{"status": "running", "pid": NaN}'), "torn or no JSON"),
    "a number": (written(b"17"), "holds a number"),
    "a string": (written(b'"running"'), "holds a string"),
    "null": (written(b"null"), "holds nothing"),
    "no status": (written(b"{}"), "no status"),
    "odd status": (written(b'{"status": "\\u001b[31mdone"}'), "unknown status"),
    "two documents": (written(b'{"status": "running"}{"status": "running"}'), "torn or no JSON"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_record_is_told_in_a_sentence(store: Store, name: str) -> None:
    """It is damaged and says why, in bounded time and memory; it cannot be written, and can be thrown away."""
    spoil, sentence = BROKEN[name]
    path = Path(store.path("broken"), "run.json")
    path.parent.mkdir(parents=True)
    spoil(path)
    if not path.is_symlink() and path.exists():
        os.utime(path, LONG_AGO)
    run = read_bounded(store, "broken")
    assert run.status is Status.DAMAGED
    assert sentence in (run.damage or "")
    assert "\x1b" not in (run.damage or "")
    with store.locked("broken") as held, pytest.raises(Refused):
        held.put(Run("broken"), "edited")
    store.trash("broken")
    store.destroy("broken")
    assert (store.ids(), store.trashed()) == ([], [])
    assert (OLDER / "running" / "run.json").exists()


GOOD: dict[str, bytes] = {
    "byte order mark": b'\xef\xbb\xbf{"status": "running"}',
    "half an emoji": b'{"status": "running", "error": "cut \\ud83d", "pid": 12}',
    "half an emoji in capitals": b'{"status": "running", "x": "\\uD83D", "n": 123456789012345678901234567890}',
    "a large number": b'{"status": "running", "pid": 123456789012345678901234567890, "timeout": 1e308}',
    "twice the same key": b'{"status": "failed", "status": "running"}',
    "spaces": b'\n\n  {"status": "running"}  \n',
    "escaped backslash": b'{"status": "running", "x": "\\\\ud83d"}',
}


@pytest.mark.parametrize("name", sorted(GOOD))
def test_an_odd_record_that_makes_sense_is_a_run(store: Store, name: str) -> None:
    """What other programs write in good faith is read, written again, and still read."""
    foreign(store, "odd", GOOD[name])
    assert store.read("odd").status is Status.RUNNING
    with store.locked("odd") as held:
        held.put(replace(held.run, note="x"), "edited")
    assert store.read("odd").note == "x"


def test_a_linked_run_directory_is_shown_and_not_followed(store: Store, tmp_path: Path) -> None:
    """A link among the runs is damaged, whatever it points to; throwing it away leaves the target alone."""
    run = made(store)
    outside = tmp_path / "outside"
    Path(store.path(run.id)).rename(outside)
    for target in (outside, tmp_path / "nowhere", Path("/dev/zero"), Path("loop")):
        Path(store.root, "loop").symlink_to(target)
        assert store.read("loop").damage == "the run's directory is a symbolic link; it is not followed"
        assert store.stamp("loop") is None
        assert store.read_file("loop", "run.json", 10_000) is None
        with pytest.raises(StoreError, match="symbolic link"), store.locked("loop"):
            pass
        store.trash("loop")
        assert [found.id for found in store.trashed()] == ["loop"]
        store.destroy("loop")
    assert json.loads((outside / "run.json").read_text()) == run.raw


def as_nobody(act: Callable[[], object]) -> str:
    """What an act returns or raises, in words, done by a user without rights; by ourselves where we have none."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            try:
                said = repr(act())
            except StoreError as error:
                said = f"{type(error).__name__}: {error}"
            os.write(mouth, said.encode())
        finally:
            os._exit(0)
    os.close(mouth)
    with os.fdopen(ear) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


@pytest.fixture
def open_store() -> Iterator[Store]:
    """A store in a place that everybody may enter."""
    place = Path(f"/tmp/runboard-test-{os.urandom(4).hex()}")
    place.mkdir(mode=0o755)
    place.chmod(0o777)
    yield Store(str(place))
    for folder, _, _ in os.walk(place):
        os.chmod(folder, 0o700)
    shutil.rmtree(place)


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
            held.put(replace(held.run, note="x"), "edited")

    assert as_nobody(lambda: open_store.read("abc").status) == "<Status.RUNNING: 'running'>"
    expected = "StoreError: run.json of run abc could not be written: Permission denied; look at the owner and the mode"
    assert as_nobody(edit).startswith(expected)
    Path(open_store.root).chmod(0o000)
    assert "cannot be listed: Permission denied" in as_nobody(open_store.ids)
    Path(open_store.root).chmod(0o755)
    assert as_nobody(lambda: open_store.create(Run(""))).startswith("StoreError: No run can be made in")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory to somebody else needs root")
def test_root_looking_in_locks_nobody_out(open_store: Store) -> None:
    """A record and a journal that root writes for a user stay that user's."""
    for path in (Path(open_store.root), foreign(open_store, "abc", '{"status": "running"}').parent):
        os.chown(path, 65534, 65534)
    Path(open_store.root, ".journal").mkdir()
    os.chown(f"{open_store.root}/.journal", 65534, 65534)
    with open_store.locked("abc") as held:
        held.put(replace(held.run, note="by root"), "edited")
    assert as_nobody(lambda: open_store.read("abc").note) == "'by root'"
    assert os.stat(f"{open_store.root}/.journal/{os.uname().nodename}").st_uid == 65534


def test_a_directory_just_made_is_no_run_yet(store: Store) -> None:
    """Empty and young it is being made; empty and old, or with anything in it, it is damaged."""
    path = Path(store.path("new"))
    path.mkdir(parents=True)
    (path / f"{files.TEMP}1").touch()
    with pytest.raises(NoSuchRun):
        store.read("new")
    os.utime(path, LONG_AGO)
    assert store.read("new").damage == "it has no run.json"
    os.utime(path)
    (path / "output.log").touch()
    assert store.read("new").damage == "it has no run.json"


def test_a_half_written_record_is_looked_at_again(store: Store) -> None:
    """While a record is fresh a torn one is waited for, up to 50 ms; an old one is told at once."""
    path = foreign(store, "abc", '{"status": ', old=False)
    begun = time.perf_counter()
    assert store.read("abc").status is Status.DAMAGED
    assert 0.045 < time.perf_counter() - begun < 0.5
    os.utime(path, LONG_AGO)
    begun = time.perf_counter()
    assert store.read("abc").status is Status.DAMAGED
    assert time.perf_counter() - begun < 0.04


def test_a_record_rewritten_in_place_is_seen_whole(store: Store) -> None:
    """The older tool truncates and writes; a reader beside it sees a whole record each time."""
    path = foreign(store, "abc", '{"status": "running"}')
    pid = os.fork()
    while pid == 0:
        with path.open("w") as file:
            file.write('{"status": "running",')
            file.flush()
            time.sleep(0.001)
            file.write('"note": "n"}')
        time.sleep(0.0005)
    try:
        until(lambda: not path.read_bytes().endswith(b"}"), what="a plain reader sees it torn")
        damaged = sum(store.read("abc").damage is not None for _ in range(200))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert damaged <= 2, "more than a writer that had to wait for a processor explains"


def test_a_record_cut_at_any_byte_is_good_damaged_or_gone(store: Store) -> None:
    """No beginning of a good record makes the reader raise, and none but the whole is taken for a run."""
    whole = Path(OLDER, "completed", "run.json").read_bytes()
    for length in range(len(whole)):
        foreign(store, "abc", whole[:length])
        run = store.read("abc")
        assert run.damage or length == len(whole)
    foreign(store, "abc", whole)
    assert store.read("abc").damage is None


ODD: list[object] = [
    *(True, None, 1.5, 1e308, -1, 0, 1, 2**22 + 1, 2**63, 2**64 - 1, -(2**63), 1e13, 1e14),
    *("", "12", "\x1b[2J", "\ud83d", "x" * 100_000, "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
    *([], [1], [None, True], ["a", 1], [{"at": 1}], {}, {"a": None}, {"at": "x", "signal": 9, "pid": True}),
]
KEYS = (
    *("id", "repo", "issue", "persona", "model", "branch", "status", "pid", "startedAt", "completedAt", "error"),
    *("timeout", "usage", "schema", "name", "command", "cwd", "env", "tags", "note", "reason", "exitCode", "signal"),
    *("coreDumped", "process", "killRequest", "history", "engine", "rerunOf"),
)
INNER = {
    "process": ("pid", "startTicks", "bootId", "pidNamespace", "host", "shimPid", "shimStartTicks", "launcherPid"),
    "usage": ("input_tokens", "output_tokens", "total_tokens", "cost", "cache_read_tokens"),
    "killRequest": ("at", "by", "signal", "uptime", "timeout"),
}


def odd_records() -> Iterator[dict[str, object]]:
    """A good record with one field at a time of every wrong kind, at the top and inside."""
    good: dict[str, object] = json.loads((OLDER / "completed" / "run.json").read_text())
    inner: dict[str, dict[str, object]] = {
        "process": {"pid": 5, "startTicks": 5, "host": "h"},
        "usage": {"input_tokens": 5},
        "killRequest": {"at": "2026-03-05T12:00:00Z", "by": "x", "signal": 15},
    }
    for value in ODD:
        yield from (good | {key: value} for key in KEYS)
        yield from (good | {key: inner[key] | {name: value}} for key, names in INNER.items() for name in names)
        yield good | {"status": value}
        yield good | {"history": [{"at": value, "from": value, "to": value, "reason": value, "by": value}]}


def test_a_field_of_the_wrong_kind_never_raises(store: Store) -> None:
    """Any field may hold anything: the run is read, and written or refused in words, and then reads the same."""
    tried = 0
    for doc in odd_records():
        foreign(store, "odd", json.dumps(doc))
        run = store.read("odd")
        with store.locked("odd") as held:
            try:
                written = held.put(replace(run, note="x"), "edited")
            except StoreError:
                assert store.read("odd") == run
            else:
                assert store.read("odd") == written
        tried += 1
    assert tried > 1000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps({"status": text}).encode()))
def test_no_bytes_make_the_reader_raise(store: Store, data: bytes) -> None:
    """Whatever a record holds, it is a run, good or damaged."""
    foreign(store, "any", data)
    assert store.read("any").id == "any"
