"""Without an index: what is told at once of many runs is what reading all of them tells; the index comes afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from runboard import bulk, cachefile, census, files
from runboard.cli.asking import newest
from runboard.cli.finding import Found, among_all
from runboard.index import Index
from runboard.lenient import as_time
from runboard.query import Query
from runboard.store import Store
from tests.bench.fleet import put, record
from tests.leaving import leave, leave_damaged
from tests.program import environment
from tests.waiting import until

RUNS = 40
ENDED = RUNS + 6
"""So many have ended and can be read."""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Runs of every kind, which count as many, and caches of one's own."""
    monkeypatch.setattr(census, "MANY", 10)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    runs, chance = tmp_path / "runs", random.Random(11)
    runs.mkdir()
    for number in range(RUNS):
        put(runs, f"{number:04x}", record(chance, number))
    leave_damaged(runs, "dd01")
    leave(runs, "a-live", status="running", pid=77, startedAt=None, process={"host": "elsewhere", "bootId": "b"})
    leave(runs, "a-long", status="failed", note="n" * (1 << 17))
    (runs / "a-full").mkdir()
    (runs / "a-full" / "run.json").write_bytes(b'{"status": "failed"}'.ljust(1 << 16))
    for run_id, time in (
        ("f001", "2026-11-01T09:00:00+02:00"),  # not as we write it: it sorts otherwise than as text
        ("f002", "2026-11-01T07:30:00.000Z"),
        ("f003", "2026-02-30T07:00:00.000Z"),  # there is no such day: its start stands for it
        ("f004", 1_793_518_000_000),
    ):
        put(runs, run_id, record(chance, 0) | {"completedAt": time})
    put(runs, "f005", record(chance, 0))
    whole = (runs / "f005" / "run.json").read_bytes()
    (runs / "f005" / "run.json").write_bytes(whole[:-3])
    (runs / "ee01").symlink_to(runs / "0001")
    (runs / "a-fifo").mkdir()
    os.mkfifo(runs / "a-fifo" / "run.json")
    (runs / "a-link").mkdir()
    (runs / "a-link" / "run.json").symlink_to(runs / "0001" / "run.json")
    os.mkdir(os.fsencode(runs) + b"/a-\xff")
    shutil.copy(runs / "0001" / "run.json", os.fsencode(runs) + b"/a-\xff/run.json")  # type: ignore[arg-type]
    return Store(str(runs))


def file_of(store: Store) -> Path:
    """Where the index belongs."""
    return Path(cachefile.home(), cachefile.name_of(store.root))


def told(found: Found, most: int) -> tuple[list[str], int, int]:
    """What a listing of so many ended runs says."""
    return [run.id for run in found.listed if run.active] + ended(found)[:most], found.matching, found.total


def ended(found: Found) -> list[str]:
    """The ids of those that have ended or are damaged, in order."""
    return [run.id for run in found.listed if not run.active]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("text", ["", "status:failed", "repo:shop -tag:slow", "cost>1", "nothing-has-this"])
def test_it_is_what_reading_all_tells(store: Store, text: str, shared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links, FIFOs, damaged, live, huge and oddly named runs included; alone and with another process; no file made."""
    if shared:
        monkeypatch.setattr(bulk, "_MANY", 10)
        monkeypatch.setattr(bulk, "_TRIED", 5)
    query = Query.parse(text)
    for most in (0, 3, 1000):
        at_once = newest(store, query, most)
        assert at_once.unindexed
        assert told(at_once, most) == told(among_all(store, query), most)
    assert not file_of(store).exists()


def glimpsed(data: bytes) -> str | None:
    """When a glimpse says that a run ended."""
    found = census._glimpse(data)
    return None if found is None else found.decode()


def test_a_glimpse_tells_what_parsing_tells_or_nothing() -> None:
    """Of a thousand records with times of every kind, in several layouts; those it tells of sort as their times do."""
    chance, told = random.Random(5), list[str]()
    for number in range(1000):
        when = f"202{chance.randrange(10)}-{chance.randrange(14):02}-{chance.randrange(33):02}"
        when += f"T{chance.randrange(25):02}:{chance.randrange(61):02}:{chance.randrange(61):02}.{number % 1000:03}Z"
        doc = {
            "id": "a1",
            **record(chance, number),
            "completedAt": when,
            "status": chance.choice(["failed", "running"]),
        }
        for data in (files.encode(doc, indent=True), json.dumps(doc, indent=2).encode(), json.dumps(doc).encode()):
            if (time := glimpsed(data)) is not None:
                assert (time, as_time(time) is not None, doc["status"]) == (when, True, "failed")
                told.append(time)
    assert sorted(told) == sorted(told, key=lambda time: as_time(time) or 0.0)
    assert len(told) > 500


def test_no_part_of_a_record_is_taken_for_the_whole() -> None:
    """Cut anywhere, a record is parsed, and found to be torn; the negative control: its first keys alone would do."""
    whole = files.encode({"id": "a1", **record(random.Random(5), 0)}, indent=True)
    parts = [whole[:size] for size in range(len(whole) - 1)]
    assert [glimpsed(part) for part in parts] == [None] * len(parts)
    assert glimpsed(whole) == glimpsed(whole.rstrip()) is not None
    assert sum(census._CLOSED.search(part) is not None for part in parts) > 300


def test_a_run_that_changes_meanwhile_is_not_told_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be listed is read again; where it is not as it was counted, the index is made and asked instead."""
    taken = census.take(store.root, Query(), 0.0, 5)
    assert taken is not None
    first = taken.newest[0][1]
    path = Path(store.path(first), "run.json")
    path.write_text(path.read_text("utf-8").replace('"completedAt": "2026', '"completedAt": "1996'), "utf-8")
    monkeypatch.setattr(census, "take", lambda *_arguments: taken)
    found = newest(store, Query(), 5)
    assert (found.unindexed, first in ended(found)[:5]) == (False, False)
    assert told(found, 5) == told(among_all(store, Query()), 5)
    assert first in [name for _at, name in taken.newest]  # the negative control: who believes it lists the run


def test_the_index_is_made_when_the_answer_is_out(store: Store) -> None:
    """By another process, once; the next question is put to it."""
    assert newest(store, Query(), 3).unindexed
    # From a process as small as ps is: a fork of one with threads may never get to its work.
    imports = "from runboard.cli.aside import build_index; from runboard.store import Store"
    code = f"{imports}; build_index(Store({store.root!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    until(lambda: Index(store).kept() == ENDED, 20)
    found = newest(store, Query(), 3)
    assert (found.unindexed, told(found, 3)) == (False, told(among_all(store, Query()), 3))


def test_where_no_file_can_be_none_is_made(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be kept is not asked for again and again; what is told stays true."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    found = newest(store, Query(), 3)
    assert (found.unindexed, told(found, 3)) == (False, told(among_all(store, Query()), 3))


def test_two_do_not_make_it_at_once(store: Store) -> None:
    """While one process is about it another leaves it alone; when that one is done or dead, the next makes it."""
    index, folder = Index(store), cachefile.home()
    cachefile.require_private(folder)
    with cachefile.alone(folder):
        index.build()
        assert not file_of(store).exists()
    index.build()
    assert (file_of(store).exists(), index.kept()) == (True, ENDED)
    index.close()


PS = """
import os, sys, time
from runboard import census, index
from runboard.cli import aside, finding, main
census.MANY = finding.FEW = 10
release = sys.argv[1]
def build(self):
    with open(release + ".pid", "w") as file:
        file.write(str(os.getpid()))
    while not os.path.exists(release):
        time.sleep(0.01)
    true_build(self)
true_build, index.Index.build = index.Index.build, build
if sys.argv[2] == "naive":
    aside._let_go = lambda: None
sys.argv = ["runboard", "--runs-dir", sys.argv[3], "ps", "-q"]
main()
"""
"""``ps`` with a builder that tells who it is, and waits until a file is there."""


def asked(store: Store, tmp_path: Path, way: str) -> tuple[subprocess.Popen[bytes], Path]:
    """Ask for a listing, with a descriptor of ours to be inherited; also returns what releases the builder."""
    release = tmp_path / "release"
    argv = [sys.executable, "-c", PS, str(release), way, store.root]
    env, pipe = environment(XDG_CACHE_HOME=os.environ["XDG_CACHE_HOME"]), subprocess.PIPE
    asked = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=store.root, close_fds=False)
    return asked, release


def builder(release: Path) -> int:
    """The pid of the builder, when it is at work."""
    told = release.with_suffix(".pid")
    until(lambda: told.exists() and told.read_text("utf-8"), 20)
    return int(told.read_text("utf-8"))


def test_nobody_waits_for_the_builder(store: Store, tmp_path: Path) -> None:
    """The caller's pipes close and its process ends while the index is made, by one that holds nothing of theirs."""
    ps, release = asked(store, tmp_path, "as it is")
    said, errors = ps.communicate(timeout=20)
    assert (len(said.splitlines()), errors, ps.returncode) == (21, b"", 0)
    pid = builder(release)
    assert not file_of(store).exists()
    kept = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    assert kept == {"/dev/null"}
    assert (os.readlink(f"/proc/{pid}/cwd"), os.getsid(pid) != os.getsid(0)) == ("/", True)
    release.touch()
    until(lambda: Index(store).kept() == ENDED, 20)


def test_a_builder_that_kept_the_pipe_would_be_waited_for(store: Store, tmp_path: Path) -> None:
    """The negative control: one that lets go of nothing keeps the caller's pipe open."""
    ps, release = asked(store, tmp_path, "naive")
    builder(release)
    with pytest.raises(subprocess.TimeoutExpired):
        ps.communicate(timeout=0.3)
    release.touch()
    assert len(ps.communicate(timeout=20)[0].splitlines()) == 21


def test_a_builder_that_is_killed_costs_only_time(store: Store, tmp_path: Path) -> None:
    """What it left is no index; the next question is answered, and the next builder makes one."""
    ps, release = asked(store, tmp_path, "as it is")
    said = ps.communicate(timeout=20)[0]
    os.kill(builder(release), signal.SIGKILL)
    release.touch()
    again = asked(store, tmp_path, "as it is")[0]
    assert again.communicate(timeout=20)[0] == said
    until(lambda: Index(store).kept() == ENDED, 20)
