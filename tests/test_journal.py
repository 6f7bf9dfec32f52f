"""The journal: each transition is one whole line, and its reader gets over whatever happens to the file."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from runboard import journal
from runboard.journal import Journal
from runboard.model import Outcome, Run, Status
from runboard.store import Store


@pytest.fixture
def root(tmp_path: Path) -> str:
    """An empty runs directory."""
    (tmp_path / "runs").mkdir()
    return str(tmp_path / "runs")


@pytest.fixture
def lines(root: str) -> Path:
    """A journal of another host, for tests to write by hand."""
    path = Path(root, journal.FOLDER, "other-host")
    path.parent.mkdir()
    path.touch()
    return path


def entry(run_id: str) -> bytes:
    """One line as a store writes it."""
    return json.dumps({"at": "2026-03-05T12:00:00.000Z", "id": run_id}, separators=(",", ":")).encode() + b"\n"


def add(path: Path, data: bytes) -> None:
    """Append bytes."""
    with path.open("ab") as file:
        file.write(data)


def ids(reader: Journal) -> list[object]:
    """The runs named since the last poll."""
    return [found["id"] for found in reader.poll()]


def test_every_transition_is_journalled(root: str) -> None:
    """Making, ending, editing, throwing away and bringing back a run are one line each, with what a reader needs."""
    store = Store(root)
    reader = store.journal()
    run = store.create(Run("", command=("true",)))
    with store.locked(run.id) as held:
        ending = held.run.finish(Outcome(Status.COMPLETED), 2.0, by="me", seen_at=2.0)
        held.put(ending, "finished", reason="exited", by="me")
    store.trash(run.id)
    store.restore(run.id)
    found = [{key: value for key, value in line.items() if key != "at"} for line in reader.poll()]
    assert found == [
        {"id": run.id, "event": "created", "from": "", "to": "running", "reason": "", "by": ""},
        {"id": run.id, "event": "finished", "from": "running", "to": "completed", "reason": "exited", "by": "me"},
        {"id": run.id, "event": "trashed", "from": "completed", "to": "completed", "reason": "", "by": ""},
        {"id": run.id, "event": "restored", "from": "", "to": "completed", "reason": "", "by": ""},
    ]
    assert reader.poll() == []
    assert oct(os.stat(f"{root}/.journal/{os.uname().nodename}").st_mode) == "0o100600"


def test_a_reader_begins_at_the_present_end(lines: Path, root: str) -> None:
    """What was written before is not told; what comes after is, of hosts that come later too."""
    add(lines, entry("before"))
    reader = Journal(root)
    assert ids(reader) == []
    add(lines, entry("after"))
    add(lines.parent / "later-host", entry("later"))
    assert sorted(map(str, ids(reader))) == ["after", "later"]


def scribble(root: str, number: int, count: int) -> None:
    """Append many lines of differing length by the journal's own hand."""
    for line in range(count):
        journal.append(root, {"id": f"{number}-{line}", "event": "x" * (line % 300)})


def scribble_in_pieces(root: str, number: int, count: int) -> None:
    """The same lines by a hand that writes each in two pieces."""
    with open(f"{root}/.journal/{os.uname().nodename}", "ab", buffering=0) as file:
        for line in range(count):
            whole = entry(f"{number}-{line}")
            file.write(whole[:20])
            time.sleep(0.0002)  # on a busy machine they would write one after the other
            file.write(whole[20:])


@pytest.mark.parametrize(("hand", "count"), [(scribble, 1000), (scribble_in_pieces, 200)])
def test_lines_of_many_writers_never_mix(root: str, hand: object, count: int) -> None:
    """Six processes append a thousand lines each and none is torn; negative control: two writes a line tear some."""
    assert callable(hand)
    os.mkdir(f"{root}/.journal")
    reader = Journal(root)
    children = []
    for number in range(6):
        pid = os.fork()
        if pid == 0:
            try:
                hand(root, number, count)
            finally:
                os._exit(0)
        children.append(pid)
    seen: Counter[object] = Counter()
    while children:
        children = [pid for pid in children if os.waitpid(pid, os.WNOHANG) == (0, 0)]
        seen.update(ids(reader))
    while found := ids(reader):
        seen.update(found)
    good = sum(line.startswith(b'{"at"') and line.endswith(b"}") and line.count(b"{") == 1 for line in raw_lines(root))
    if hand is scribble:
        assert good == 6 * count
        assert seen == Counter({f"{number}-{line}": 1 for number in range(6) for line in range(count)})
    else:
        assert good < 6 * count


def raw_lines(root: str) -> list[bytes]:
    """Every line of this host's journal."""
    return Path(root, ".journal", os.uname().nodename).read_bytes().splitlines()


def test_half_a_line_is_kept_until_it_is_whole(lines: Path, root: str) -> None:
    """A line that comes in pieces is told once, when its end is there."""
    reader = Journal(root)
    whole = entry("abc")
    for cut in range(len(whole) - 1):
        add(lines, whole[cut : cut + 1])
        assert reader.poll() == []
    add(lines, whole[-1:])
    assert ids(reader) == ["abc"]
    assert reader.poll() == []


def test_garbage_is_passed_over(lines: Path, root: str) -> None:
    """Lines that are none, that are not UTF-8, that are no objects, or that were torn by a full disk hide no other."""
    reader = Journal(root)
    add(lines, b"\n\n\xff\xfe\n{\n[1]\n17\nnull\n" + entry("a") + b'{"at":"2026' + entry("b") + b"\0" * 5000 + b"\n")
    add(lines, b'{"at":' + b"[" * 50_000 + b"\n" + entry("c"))
    assert ids(reader) == ["a", "b", "c"]


def test_a_very_long_line_is_got_over(lines: Path, root: str) -> None:
    """Megabytes without a line's end cost a poll each and no more, and what follows is told."""
    reader = Journal(root)
    add(lines, b"x" * (3 << 20) + b"\n" + entry("a"))
    found: list[object] = []
    for _ in range(5):
        found += ids(reader)
    assert found == ["a"]
    assert reader.poll() == []


def test_truncation_and_replacement_are_noticed(lines: Path, root: str) -> None:
    """A journal that shrank, was written anew beyond where we were, or was replaced is read from its beginning."""
    add(lines, entry("a") * 10)
    reader = Journal(root)
    os.truncate(lines, 0)
    assert ids(reader) == []
    add(lines, entry("b"))
    assert ids(reader) == ["b"]
    os.truncate(lines, 0)
    add(lines, entry("longer-than-before") * 2)
    assert ids(reader) == ["longer-than-before"] * 2
    (lines.parent / ".new").write_bytes(entry("c"))
    (lines.parent / ".new").rename(lines)
    assert ids(reader) == ["c"]
    (lines.parent / ".new").write_bytes(entry("d") * 3)
    (lines.parent / ".new").rename(lines)
    assert ids(reader) == ["d"] * 3


def test_the_directory_may_go_and_come(lines: Path, root: str) -> None:
    """A missing journal is an empty one, and one that comes again is read from its beginning."""
    reader = Journal(root)
    shutil.rmtree(lines.parent)
    assert reader.poll() == []
    lines.parent.mkdir()
    add(lines, entry("a"))
    assert ids(reader) == ["a"]
    shutil.rmtree(root)
    assert reader.poll() == []
    assert Journal(root).poll() == []


def test_what_is_no_plain_file_is_left_alone(lines: Path, root: str, tmp_path: Path) -> None:
    """Neither a FIFO nor a link nor a directory in the journal's place is opened, by reader or writer."""
    outside = tmp_path / "outside"
    outside.write_bytes(entry("outside"))
    reader = Journal(root)
    os.mkfifo(lines.parent / "fifo")
    (lines.parent / "link").symlink_to(outside)
    (lines.parent / "folder").mkdir()
    (lines.parent / os.fsdecode(b"\xff")).write_bytes(entry("a"))
    assert ids(reader) == ["a"]
    own = lines.parent / os.uname().nodename
    own.symlink_to(outside)
    with pytest.raises(OSError, match="symbolic links"):
        journal.append(root, {"id": "x"})
    own.unlink()
    os.mkfifo(own)
    with pytest.raises(OSError, match="No such device"):
        journal.append(root, {"id": "x"})
    assert outside.read_bytes() == entry("outside")


def test_a_journal_that_cannot_be_written_stops_no_one(root: str) -> None:
    """The record is the truth: a run is made and ends although its journal is a file where a directory belongs."""
    store = Store(root)
    Path(root, ".journal").touch()
    run = store.create(Run("", command=("true",)))
    assert store.read(run.id) == run
    assert store.journal().poll() == []


@pytest.mark.skipif(sys.platform != "linux", reason="host names are set apart by a Linux namespace")
def test_a_hosts_name_is_made_a_file_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host may be called what no file can be called."""
    for name, expected in (("a/b", "a_b"), ("..", "localhost"), ("", "localhost"), ("x" * 500, "x" * 200)):
        monkeypatch.setattr(os, "uname", lambda name=name: os.uname_result(("Linux", name, "", "", "")))
        assert journal._host() == expected
