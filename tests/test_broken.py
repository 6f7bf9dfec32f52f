"""Broken and odd records: each is told in a sentence, in bounded time and memory, and none raises."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runboard import files
from runboard.model import Run, Status
from runboard.store import NoSuchRun, Refused, Store, StoreError
from tests.stores import LONG_AGO, OLDER, foreign, made
from tests.waiting import until


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store whose directory does not exist yet."""
    return Store(str(tmp_path / "runs"))


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
    "infinite": (written(b'{"status": "running", "timeout": 1e400}'), "torn or no JSON"),
    "infinite beside a surrogate": (
        written(b'{"status": "running", "a": "\\ud83d", "b": ' + b"9" * 400 + b"}"),
        "finite",
    ),
    "no number beside a surrogate": (written(b'{"status": "running", "a": "\\ud83d", "b": NaN}'), "no finite number"),
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
        held.put(held.run._replace(note="x"), "edited")
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
        assert store.read_json("loop", "run.json") is None
        with pytest.raises(StoreError, match="symbolic link"), store.locked("loop"):
            pass
        store.trash("loop")
        assert [found.id for found in store.trashed()] == ["loop"]
        store.destroy("loop")
    assert json.loads((outside / "run.json").read_text()) == run.raw


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
        time.sleep(0.005)
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
                written = held.put(run._replace(note="x"), "edited")
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
