"""What is remembered: whole after any end, shared by boards, and no more than a sentence where it cannot be kept."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest

from runboard import state
from runboard.state import Forgotten, State


def test_it_is_remembered(tmp_path: Path) -> None:
    """What was saved is loaded by another board; None forgets; the file is private, and nothing else lies about."""
    folder = tmp_path / "deep" / "runboard"
    one, other = State(str(folder)), State(str(folder))
    assert one.load() == {}
    one.save("theme", "nord")
    other.save("seen", ["a"])
    one.save("split", 40)
    one.save("split", None)
    assert other.load() == {"theme": "nord", "seen": ["a"]}
    assert os.listdir(folder) == ["board.json"]
    assert (folder / "board.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b"\xff", b'{"a":' * 5000, None])
def test_what_cannot_be_read_is_forgotten(tmp_path: Path, data: bytes | None) -> None:
    """Nonsense, half a file or a FIFO in its place is nothing remembered, and the next thing is kept."""
    where = tmp_path / "board.json"
    if data is None:
        os.mkfifo(where)
    else:
        where.write_bytes(data)
    memory = State(str(tmp_path))
    assert memory.load() == {}
    memory.save("theme", "nord")
    assert memory.load() == {"theme": "nord"}


def test_boards_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """Eight boards that save at once lose nothing; each without the lock and from its own copy would."""

    def save(number: int) -> None:
        """Save ten things."""
        for at in range(10):
            State(str(tmp_path)).save(f"{number}-{at}", at)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(State(str(tmp_path)).load()) == 80
    first, second = State(str(tmp_path)).load(), State(str(tmp_path)).load()
    (tmp_path / "board.json").write_text(json.dumps(first | {"x": 1}))
    (tmp_path / "board.json").write_text(json.dumps(second | {"y": 1}))
    assert "x" not in State(str(tmp_path)).load()


def test_a_home_that_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written a sentence says so; another board that holds the lock is not waited for long."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Forgotten, match=r"cannot be written: .*; this will not be remembered"):
        State(str(tmp_path / "file" / "runboard")).save("theme", "nord")
    monkeypatch.setattr(state, "LOCK_SECONDS", 0.05)
    fd = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    try:
        with pytest.raises(Forgotten):
            State(str(tmp_path)).save("theme", "nord")
    finally:
        os.close(fd)


def test_who_only_looks_writes_nothing(tmp_path: Path) -> None:
    """Without writing, saving leaves no trace, not even the directory."""
    State(str(tmp_path / "runboard"), writing=False).save("theme", "nord")
    assert os.listdir(tmp_path) == []


def test_where_it_is() -> None:
    """The XDG state directory, or its default where that is relative."""
    home = os.path.expanduser("~")
    found = [state.folder({"XDG_STATE_HOME": given}) for given in ("/s/", "rel", "")]
    assert found == ["/s/runboard", f"{home}/.local/state/runboard", f"{home}/.local/state/runboard"]
