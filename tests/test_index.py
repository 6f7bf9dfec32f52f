"""The index: whatever became of the cache or of the disk behind its back, what is told of runs is what they are."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runboard import bulk, cachefile, rowtable
from runboard.cli import listing
from runboard.cli.asking import last, newest
from runboard.columns import COLUMNS
from runboard.index import Index, Synced
from runboard.model import Outcome, Run, Status
from runboard.query import Query
from runboard.row import Row
from runboard.store import NoSuchRun, Store
from tests.bench.fleet import put, record
from tests.leaving import leave, leave_damaged, leave_failed
from tests.program import COMMAND, environment

MANY = 260
NOW = 1_795_400_000.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of finished runs to be copied, a damaged one and one that is a link among them."""
    runs = tmp_path_factory.mktemp("pattern") / "runs"
    runs.mkdir()
    chance = random.Random(3)
    for number in range(MANY):
        put(runs, f"{number:04x}", record(chance, number))
    leave_damaged(runs, "dd01")
    (runs / "ee01").symlink_to(runs / "0001")
    return runs


@pytest.fixture
def runs(pattern: Path, tmp_path: Path) -> Path:
    """A runs directory of one's own, whose names have not changed for a while."""
    place = shutil.copytree(pattern, tmp_path / "runs", symlinks=True)
    settle(place)
    return place


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the index belongs."""
    return str(tmp_path / "cache" / "one.db")


def settle(place: Path, before: float = 60.0) -> None:
    """Have a directory last changed some time ago, so that its listing can be trusted."""
    at = time.time() - before
    os.utime(place, (at, at))


def truth(runs: Path) -> list[Row]:
    """The rows of all finished runs, the newest first, from their records alone."""
    store = Store(str(runs))
    found = [run for run in map(store.read, store.ids()) if run.finished]
    return sorted(map(Row.of, found), key=lambda row: row.place)


def held(found: Index) -> list[Row]:
    """The rows that an index holds, as it hands them over."""
    return [row for rows in found.rows() for row in rows]


@contextmanager
def opened(runs: Path, path: str, *, writing: bool = True) -> Iterator[tuple[Index, Synced]]:
    """An index brought up to date, whose rows are then compared with the disk."""
    found = Index(Store(str(runs)), path, writing=writing)
    try:
        synced = found.sync()
        assert held(found) == truth(runs)
        yield found, synced
    finally:
        found.close()


def listed(runs: Path, path: str, text: str = "") -> list[Run]:
    """What ps lists with this cache."""
    folder = Path(path).parent.parent / "home"
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        wanted = Path(cachefile.home(), cachefile.name_of(str(runs)))
        if Path(path).exists() and not wanted.exists():
            wanted.parent.mkdir(0o700, parents=True)
            for part in ("", "-wal", ".seal"):
                if Path(path + part).exists():
                    shutil.move(path + part, str(wanted) + part)
        return newest(Store(str(runs)), Query.parse(text), 20).listed
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def edit(runs: Path, run_id: str, old: str, new: str) -> None:
    """Change a record as somebody does who tells nobody."""
    record_path = runs / run_id / "run.json"
    text = record_path.read_text("utf-8")
    assert old in text
    record_path.write_text(text.replace(old, new), "utf-8")


def test_what_was_kept_is_not_read_again(runs: Path, path: str) -> None:
    """The first look reads everything; the next finds nothing new, in the same file; both hold what the disk holds."""
    with opened(runs, path) as (_, first):
        assert (first.anew, first.open, first.removed) == (True, ("dd01", "ee01"), ())
    inode = os.stat(path).st_ino
    with opened(runs, path) as (_, second):
        assert (second.anew, second.changed, second.open) == (False, (), ("dd01", "ee01"))
    assert os.stat(path).st_ino == inode
    assert [stat & 0o777 for stat in (os.stat(path).st_mode, os.stat(Path(path).parent).st_mode)] == [0o600, 0o700]


def test_runs_that_come_end_and_go_are_followed(runs: Path, path: str) -> None:
    """A new run is open, its ending makes it a row, the trash takes it away: one look each, and only they are read."""
    store = Store(str(runs))
    with opened(runs, path) as (found, _):
        run = store.create(Run("", command=("true",), cwd="/", started_at=1.0))
        assert run.id in found.sync().open
        with store.locked(run.id) as locked:
            locked.put(run.finish(Outcome(Status.COMPLETED), 2.0, by="me", seen_at=2.0), "finished")
        assert run.id not in found.sync().open
        assert held(found) == truth(runs)
        with store.locked(run.id) as locked:
            locked.put(locked.run._replace(note="an afterthought"), "edited")
        assert [row.id for row in found.sync().changed] == [run.id]
        assert held(found) == truth(runs)
        store.trash(run.id)
        assert found.sync().removed == (run.id,)
        shutil.rmtree(runs / "0003")
        assert found.sync().removed == ("0003",)
        leave(runs, "ff01")
        assert [row.id for row in found.sync().changed] == ["ff01"]
        assert held(found) == truth(runs)


def test_a_journalled_change_is_seen_by_the_next_process(runs: Path, path: str) -> None:
    """What happened while nobody looked stands in the journal."""
    store = Store(str(runs))
    with opened(runs, path):
        pass
    with store.locked("0005") as locked:
        locked.put(locked.run._replace(note="later"), "edited")
    with opened(runs, path) as (_, synced):
        assert [row.id for row in synced.changed] == ["0005"]


def test_a_run_made_again_under_its_name_is_another(runs: Path, path: str) -> None:
    """Even where the file system gives the new directory the old one's inode."""
    with opened(runs, path):
        pass
    shutil.rmtree(runs / "0007")
    leave_failed(runs, "0007", 9)
    with opened(runs, path) as (_, synced):
        assert [row.id for row in synced.changed] == ["0007"]


def leave_elsewhere(runs: Path, run_id: str) -> None:
    """Write a run that lives on another host, where nobody can settle it."""
    leave(runs, run_id, status="running", pid=77, startedAt=None, process={"host": "elsewhere", "bootId": "b"})


def cut(journal: Path) -> None:
    """Cut a journal short."""
    os.truncate(journal, 1)


def swap(journal: Path) -> None:
    """Put another file of the same size in its place."""
    data = journal.read_bytes()
    journal.unlink()
    journal.write_bytes(b"x" * len(data))


def lose(journal: Path) -> None:
    """Remove it."""
    journal.unlink()


def overwrite(journal: Path) -> None:
    """Change its last line where it stands."""
    data = journal.read_bytes()
    journal.write_bytes(data[:-5] + b"????\n")


@pytest.mark.parametrize("spoil", [cut, swap, lose, overwrite])
def test_without_its_journal_every_record_is_compared(runs: Path, path: str, spoil: Callable[[Path], None]) -> None:
    """A journal that is not the one that was read makes the times of all records count; else they would not."""
    store = Store(str(runs))
    with store.locked("0005") as locked:
        locked.put(locked.run._replace(note="a line for the journal"), "edited")
    with opened(runs, path):
        pass
    edit(runs, "0009", "jobs.run", "jobs.changed")
    quiet = Index(store, path)
    assert (quiet.sync(), held(quiet) == truth(runs)) == (Synced(("dd01", "ee01")), False)  # the negative control
    quiet.close()
    spoil(next((runs / ".journal").iterdir()))
    with opened(runs, path) as (_, synced):
        assert [row.id for row in synced.changed] == ["0009"]


def test_what_ps_lists_is_read(runs: Path, path: str) -> None:
    """Records edited behind the index's back are listed as they are, and take the place that is theirs now."""
    with opened(runs, path):
        pass
    edit(runs, "0000", '"status": "', '"status": "failed", "x": "')
    edit(runs, "0001", '"completedAt": "2026', '"completedAt": "1996')
    (runs / "0002" / "run.json").write_text("{", "utf-8")
    os.utime(runs / "0002" / "run.json", (1, 1))
    found = listed(runs, path)
    expected = [run.id for run in _by_reading(runs) if run.id not in {"dd01", "ee01", "0002"}][:20]
    assert [run.id for run in found if run.damage is None] == expected
    assert {run.id for run in found if run.damage is not None} == {"0002", "dd01", "ee01"}
    assert "0001" not in expected
    assert [run for run in found if run.id == "0000"] == [Store(str(runs)).read("0000")]
    assert [run.id for run in listed(runs, path)] == [run.id for run in found]


def _by_reading(runs: Path) -> list[Run]:
    """All runs that have ended, the newest first, from their records alone."""
    store = Store(str(runs))
    found = map(store.read, store.ids())
    return sorted(found, key=lambda run: (-(run.completed_at or 0.0), run.id))


def test_a_spoilt_file_is_noticed(runs: Path, path: str) -> None:
    """Bytes changed anywhere in the file, by chance, never change a row; without the seal they would."""
    with opened(runs, path):
        pass
    whole, chance = Path(path).read_bytes(), random.Random(5)
    fooled = 0
    for _trial in range(25):
        _scribble(path, whole, chance)
        with opened(runs, path) as (_, synced):
            assert synced.anew
        _scribble(path, whole, chance)
        cachefile._seal(path)  # the negative control: as if nobody had noticed
        fooled += _fooled(runs, path)
    assert fooled


def _scribble(path: str, whole: bytes, chance: random.Random) -> None:
    """The file with some bytes changed."""
    data = bytearray(whole)
    at = chance.randrange(len(data) - 64)
    data[at : at + 64] = chance.randbytes(64)
    Path(path).write_bytes(data)


def _fooled(runs: Path, path: str) -> bool:
    """Whether an index that believes its file tells something untrue, or fails."""
    found = Index(Store(str(runs)), path)
    try:
        found.sync()
        return held(found) != truth(runs)
    except Exception:  # noqa: BLE001 - whatever garbage leads to
        return True
    finally:
        found.close()


def empty(path: str) -> None:
    """An empty file."""
    os.truncate(path, 0)


def garbage(path: str) -> None:
    """No database at all."""
    Path(path).write_bytes(b"no database\n" * 1000)


def half(path: str) -> None:
    """Half a file."""
    os.truncate(path, os.path.getsize(path) // 2)


def seal_gone(path: str) -> None:
    """No seal."""
    os.unlink(path + ".seal")


def seal_odd(path: str) -> None:
    """A seal of something else."""
    Path(path + ".seal").write_bytes(b"\xff" * 5000)


def log_odd(path: str) -> None:
    """A log of changes that nobody made."""
    Path(path + "-wal").write_bytes(os.urandom(8192))


def other_version(path: str) -> None:
    """Made by another version, and sealed."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE about SET text = 'other'")
    db.close()
    cachefile._seal(path)


def deleted(path: str) -> None:
    """The file gone, its seal left."""
    os.unlink(path)


def all_deleted(path: str) -> None:
    """The whole directory gone."""
    shutil.rmtree(os.path.dirname(path))


@pytest.mark.parametrize(
    "spoil", [empty, garbage, half, seal_gone, seal_odd, log_odd, other_version, deleted, all_deleted]
)
def test_a_file_that_is_not_ours_any_more_is_made_anew(runs: Path, path: str, spoil: Callable[[str], None]) -> None:
    """It costs the time to read all, once."""
    with opened(runs, path):
        pass
    spoil(path)
    with opened(runs, path) as (_, synced):
        assert synced.anew
    with opened(runs, path) as (found, synced):
        assert (synced.anew, synced.changed, found.trouble) == (False, (), None)


def test_an_older_file_is_brought_up_to_date(runs: Path, path: str) -> None:
    """A file from a backup, seal and all, knows how far it had read."""
    store = Store(str(runs))
    with opened(runs, path):
        pass
    with store.locked("0005") as locked:
        locked.put(locked.run._replace(note="after the backup"), "edited")
    leave(runs, "ff02")
    with opened(runs, path) as (_, synced):
        assert (synced.anew, {row.id for row in synced.changed}) == (False, {"0005", "ff02"})


def link(path: str) -> None:
    """A symbolic link to a file elsewhere."""
    os.rename(path, path + ".elsewhere")
    os.symlink(path + ".elsewhere", path)


def second_name(path: str) -> None:
    """A second name for the same file."""
    os.link(path, path + ".second")


def directory(path: str) -> None:
    """A directory of that name."""
    os.unlink(path)
    os.mkdir(path)


def fifo(path: str) -> None:
    """A FIFO of that name, which would block who opens it."""
    os.unlink(path)
    os.mkfifo(path)


def linked_seal(path: str) -> None:
    """A seal that is a link to a file of value."""
    os.unlink(path + ".seal")
    Path(path + ".precious").write_text("precious", "utf-8")
    os.symlink(path + ".precious", path + ".seal")


def foreign_file(path: str) -> None:
    """A file of somebody else's."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, 65534)


def foreign_folder(path: str) -> None:
    """A directory of somebody else's."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(os.path.dirname(path), 65534, 65534)


def linked_folder(path: str) -> None:
    """A link where the directory belongs."""
    folder = os.path.dirname(path)
    os.rename(folder, folder + ".elsewhere")
    os.symlink(folder + ".elsewhere", folder)


@pytest.mark.parametrize(
    "spoil", [link, second_name, directory, fifo, linked_seal, foreign_file, foreign_folder, linked_folder]
)
def test_what_is_not_ours_is_not_touched(runs: Path, path: str, spoil: Callable[[str], None]) -> None:
    """Links and the files of others are neither believed nor changed; all is read into memory, and why is told."""
    with opened(runs, path):
        pass
    spoil(path)
    before = _everything(Path(path).parent.parent)
    with opened(runs, path) as (found, synced):
        assert synced.anew
        assert found.trouble
    assert _everything(Path(path).parent.parent) == before


def _everything(place: Path) -> list[tuple[str, int, int]]:
    """All names in a place, with what they are and how long."""
    return sorted(
        (str(found), found.lstat().st_mode, found.lstat().st_size)
        for found in place.rglob("*")
        if "runs" not in found.parts
    )


@pytest.mark.parametrize("how", ["seal", "database"])
def test_a_file_that_another_holds_is_done_without(runs: Path, path: str, how: str) -> None:
    """Whoever holds its lock keeps nobody waiting for long, and nobody from the truth."""
    with opened(runs, path):
        pass
    leave(runs, "ff03")
    holder = sqlite3.connect(path, isolation_level=None) if how == "database" else None
    with open(path + ".seal", "rb") as seal:
        if holder is not None:
            holder.execute("BEGIN EXCLUSIVE")
        else:
            fcntl.flock(seal, fcntl.LOCK_EX)
        with opened(runs, path) as (found, _):
            assert found.get(["ff03"])
        if holder is not None:
            holder.execute("ROLLBACK")
            holder.close()
    with opened(runs, path):
        pass


def test_where_nothing_can_be_written_rows_are_in_memory(runs: Path) -> None:
    """A place that cannot be made costs reading everything, each time."""
    for path in ("/proc/nowhere/one.db", "/dev/null/one.db"):
        with opened(runs, path) as (found, synced):
            assert (synced.anew, bool(found.trouble)) == (True, True)


@needs_root
def test_a_full_disk_costs_only_the_cache(runs: Path, tmp_path: Path) -> None:
    """Neither making the file nor changing it on a full disk loses a row."""
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tiny))
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        filler = tiny / "filler"
        filler.write_bytes(b"x" * 500_000)
        with opened(runs, str(tiny / "cache" / "one.db")) as (found, _):
            assert found.trouble
        filler.unlink()
        with opened(runs, str(tiny / "cache" / "one.db")) as (found, _):
            assert found.trouble is None
            with open(filler, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            for number in range(40):
                leave(runs, f"ff{number:02}", note="n" * 2000)
            found.sync()
            assert held(found) == truth(runs)
    finally:
        subprocess.run(("umount", "-l", str(tiny)), check=True)


def test_a_guest_changes_nothing(runs: Path, path: str) -> None:
    """Who only looks on makes no file, and changes none, and still knows everything."""
    with opened(runs, path, writing=False):
        assert not Path(path).exists()
    with opened(runs, path):
        pass
    data = Path(path).read_bytes()
    leave(runs, "ff04")
    with opened(runs, path, writing=False) as (found, synced):
        assert [row.id for row in synced.changed] == ["ff04"]
        assert found.get(["ff04"])
    assert Path(path).read_bytes() == data


def test_a_clock_set_back_hides_no_run(runs: Path, path: str) -> None:
    """A directory changed in the future, or just now, is listed again; one changed a while ago need not be.

    Where times are whole seconds "just now" is longer.
    """
    cases: tuple[tuple[Callable[[float], float], bool], ...] = (
        (lambda now: now + 3600.5, True),
        (lambda now: now, True),
        (lambda now: float(int(now)) - 1, True),
        (lambda now: now - 60.5, False),
        (lambda now: now // 1 - 60, False),
    )
    for number, (ago, seen) in enumerate(cases):
        at = ago(time.time())
        os.utime(runs, (at, at))
        found = Index(Store(str(runs)), path)
        found.sync()
        name = f"fe{number:02}"
        leave(runs, name)
        os.utime(runs, (at, at))  # as if the clock had stood at the same time again
        assert bool([row for row in found.sync().changed if row.id == name]) is seen
        found.close()
        settle(runs, 30)


def test_another_directory_of_the_same_path_has_another_index(runs: Path, tmp_path: Path, pattern: Path) -> None:
    """The file belongs to the directory, not to its name, and to both."""
    first = cachefile.name_of(str(runs))
    moved = runs.rename(tmp_path / "moved")
    copy = shutil.copytree(pattern, runs, symlinks=True)
    names = {first, cachefile.name_of(str(copy)), cachefile.name_of(str(moved))}
    assert len(names) == 3


def test_a_child_has_an_index_of_its_own(runs: Path, path: str) -> None:
    """After a fork both go on, each with a connection of its own."""
    with opened(runs, path) as (found, _):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(0 if len(held(found)) == MANY and not found.sync().changed and not found.trouble else 3)
            finally:
                os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        leave(runs, "ff05")
        assert found.sync().changed
        assert held(found) == truth(runs)


def test_threads_share_an_index(runs: Path, path: str) -> None:
    """Looks, questions and changes from several threads at once neither fail nor mix."""
    trouble: list[BaseException] = []
    with opened(runs, path) as (found, _):

        def work(number: int) -> None:
            """A bit of everything."""
            try:
                for turn in range(8):
                    leave(runs, f"f{number}{turn:02}")
                    found.sync()
                    assert len(held(found)) >= MANY
                    found.put_sizes({"0001": number})
                    found.select(Query.parse("status:failed"), NOW, 5)
            except BaseException as error:  # noqa: BLE001 - the test tells it
                trouble.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.sync()
        assert (trouble, held(found) == truth(runs)) == ([], True)


def test_two_that_build_at_once_both_tell_the_truth(runs: Path, tmp_path: Path) -> None:
    """Four processes find no cache at the same time; each lists the same, and one good file is left."""
    env = environment(XDG_CACHE_HOME=str(tmp_path / "xdg"))
    argv = [*COMMAND, "--runs-dir", str(runs), "ps", "-q"]
    some = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) for _ in range(4)]
    said = {one.communicate(timeout=60) for one in some}
    assert len(said) == 1
    files = sorted(path.name for path in (tmp_path / "xdg" / "runboard").iterdir())
    assert files == [cachefile.name_of(str(runs)), cachefile.name_of(str(runs)) + ".seal"]
    with opened(runs, str(tmp_path / "xdg" / "runboard" / files[0])) as (_, synced):
        assert (synced.anew, synced.changed) == (False, ())


def odd_records(runs: Path) -> None:
    """Runs of every kind that is no row: live, FIFO, huge, empty, link, unreadable name, no record."""
    leave_elsewhere(runs, "a-live")
    (runs / "a-fifo").mkdir()
    os.mkfifo(runs / "a-fifo" / "run.json")
    (runs / "a-huge").mkdir()
    (runs / "a-huge" / "run.json").write_bytes(b" " * (5 << 20))
    (runs / "a-link").mkdir()
    (runs / "a-link" / "run.json").symlink_to(runs / "0001" / "run.json")
    os.mkdir(os.fsencode(runs) + b"/a-\xff")
    shutil.copy(runs / "0001" / "run.json", os.fsencode(runs) + b"/a-\xff/run.json")  # type: ignore[arg-type]
    os.mkdir(runs / "a-bare")
    os.utime(runs / "a-bare", (1, 1))


@pytest.mark.parametrize("way", ["plain", "cold", "shared", "cold and shared"])
def test_every_way_of_reading_finds_the_same(runs: Path, path: str, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, ahead by threads, half in another process: the same rows, and oddities stay open."""
    odd_records(runs)
    settle(runs)
    if "cold" in way:
        monkeypatch.setattr(bulk, "COLD", -1.0)
        monkeypatch.setattr(bulk, "_sleeps", iter(range(0, 10_000, 100)).__next__)
    if "shared" in way:
        monkeypatch.setattr(bulk, "_MANY", 10)
    store = Store(str(runs))
    found = Index(store, path)
    try:
        odd = {"a-fifo", "a-huge", "a-link", "a-bare", "dd01", "ee01", "a-live", os.fsdecode(b"a-\xff")}
        assert set(found.sync().open) == odd
        assert held(found) == [row for row in truth(runs) if row.id not in odd]
        assert set(found.sync().open) == odd
        shown = listed(runs, path)
        assert {run.id for run in shown if run.active} == {"a-live"}
        assert {run.id for run in shown if run.damage} == {"a-fifo", "a-huge", "a-link", "a-bare", "dd01", "ee01"}
    finally:
        found.close()


def test_sizes_are_kept_as_long_as_the_record(runs: Path, path: str) -> None:
    """A size goes when the run's record changes, and only that one."""
    store = Store(str(runs))
    with opened(runs, path) as (found, _):
        found.put_sizes({"0001": 10, "0002": 20, "nobody": 30})
        assert found.sizes() == {"0001": 10, "0002": 20}
        with store.locked("0001") as locked:
            locked.put(locked.run._replace(note="bigger"), "edited")
        found.sync()
        assert found.sizes() == {"0002": 20}
        assert found.select(Query.parse("size>=20B"), NOW) == ["0002"]


def test_the_run_that_began_last(runs: Path, path: str) -> None:
    """The index's word on it is checked as well; without an index the store finds the same."""
    store = Store(str(runs))
    assert last(store) == store.find("@last")
    leave(runs, "ff06", age=-100.0)
    assert last(store) == store.find("@last") == "ff06"
    (runs / "ff07").mkdir()
    with pytest.raises(NoSuchRun):
        store.read("ff07")
    assert last(store) == "ff06"


def test_ps_says_the_same_with_any_cache(runs: Path, tmp_path: Path) -> None:
    """Tables, ids, queries and whole records are the same with no cache, a new one, a used one and a spoilt one."""
    leave_elsewhere(runs, "a-live")
    calls = (
        ["ps"],
        ["ps", "-q", "-n", "30"],
        ["ps", "-q", "status:failed", "repo:shop"],
        ["ps", "-aq"],
        ["ps", "-q", "--sort", "-elapsed", "-n", "40"],
        ["ps", "-q", "size>1k"],
    )
    env = environment(XDG_CACHE_HOME="/proc/nowhere")

    def said() -> list[str]:
        """What all calls print."""
        some = [
            subprocess.run(
                [*COMMAND, "--runs-dir", str(runs), *call], capture_output=True, text=True, env=env, check=True
            )
            for call in calls
        ]
        return [one.stdout + one.stderr for one in some]

    without = said()
    env["XDG_CACHE_HOME"] = str(tmp_path / "xdg")
    assert (said(), said()) == (without, without)
    file = tmp_path / "xdg" / "runboard" / cachefile.name_of(str(runs))
    garbage(str(file))
    assert (said(), said()) == (without, without)


@pytest.mark.parametrize("key", [column.key for column in COLUMNS])
def test_sorting_by_rows_is_sorting_by_runs(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """By any column, either way round, limited or not, the same runs in the same order as when all are read."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    leave_elsewhere(runs, "a-live")
    for number in range(3):
        leave(runs, f"fb{number}", status="failed", error=None, startedAt=None, usage={"cost": 1})
    edit(runs, "0004", '"status": "', '"status": "failed", "x": "')
    store = Store(str(runs))
    for turned, limit in ((False, None), (True, None), (True, 30)):
        with monkeypatch.context() as patch:
            patch.setattr(listing, "are_many", lambda _root: False)
            expected = listing._found(store, Query(), (key, turned), everything=False, limit=limit)
        found = listing._found(store, Query(), (key, turned), everything=False, limit=limit)
        assert found.listed == expected.listed
        assert (found.matching, found.total) == (expected.matching, expected.total)


def test_few_runs_make_no_cache(tmp_path: Path) -> None:
    """A small directory is read: nothing is kept of it, and SQLite is not loaded."""
    for number in range(20):
        leave(tmp_path / "runs", f"aa{number:02}")
    env = environment(XDG_CACHE_HOME=str(tmp_path / "xdg"))
    argv = [COMMAND[0], "-X", "importtime", *COMMAND[1:], "--runs-dir", str(tmp_path / "runs"), "ps", "-q"]
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=True)
    assert len(done.stdout.split()) == 20
    assert "sqlite3" not in done.stderr
    assert not (tmp_path / "xdg").exists()


def test_the_place_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base directory that is not absolute is ignored, as the XDG specification says; without a home there is none."""
    monkeypatch.setenv("HOME", "/home/alice")
    for given, place in (("/var/x/", "/var/x"), ("relative", "/home/alice/.cache"), ("", "/home/alice/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert cachefile.home() == f"{place}/runboard"
    monkeypatch.setenv("HOME", "nowhere")
    with pytest.raises(cachefile.Unusable):
        cachefile.home()


def test_a_table_of_rows_orders_as_the_board_does(runs: Path, path: str) -> None:
    """Rows without times come last, equal times by id; pages meet without gap or overlap."""
    for number in range(30):
        leave(runs, f"fa{number:02}", startedAt=None, completedAt=None)
    with opened(runs, path) as (found, _):
        rows, after = [], None
        while True:
            page, after = rowtable.page(found._db, after, 7)
            rows += page
            if len(page) < 7:
                break
        assert rows == truth(runs)
        assert found.count(Query(), NOW) == len(rows)


def test_doctor_tells_of_the_cache(runs: Path, tmp_path: Path) -> None:
    """Where it is and how much it holds, that there is none yet, or why it cannot be used."""

    def told(place: Path | str) -> tuple[str, str]:
        """What doctor says of the index with this cache directory."""
        argv = [*COMMAND, "--runs-dir", str(runs), "doctor", "--json"]
        env = environment(XDG_CACHE_HOME=str(place))
        checks = json.loads(subprocess.run(argv, capture_output=True, env=env, check=True).stdout)["checks"]
        return next((check["state"], check["detail"]) for check in checks if check["name"] == "index")

    file = tmp_path / "xdg" / "runboard" / cachefile.name_of(str(runs))
    assert told(tmp_path / "xdg") == ("ok", f"none yet: 200 runs and more are kept in {file}")
    with opened(runs, str(file)):
        assert told(tmp_path / "xdg") == ("ok", f"{MANY} rows in {file}")
    state, why = told("/proc/nowhere")
    assert (state, why.startswith("/proc/nowhere"), why.endswith("all runs are read each time")) == (
        "degraded",
        True,
        True,
    )
