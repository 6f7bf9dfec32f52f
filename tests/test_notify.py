"""What tells of changes: each kind of notifier hears what is to be heard, sleeps else, and ends when it is told to."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

import pytest

from runboard import notify
from runboard.bell import Bell
from runboard.logs.alarm import UNHEARD, Alarm
from runboard.notify import CHANGES, WRITES, Inotify, Notifier, Watchfiles
from runboard.watch import Watch
from tests.waiting import until

KINDS: dict[str, Callable[[list[str]], Notifier]] = {
    "inotify": lambda paths: Inotify(paths, CHANGES, 20),
    "watchfiles": lambda paths: Watchfiles(paths, 20),
}


class Ear:
    """Listens to a notifier in a thread, and notes where something has changed."""

    def __init__(self, notifier: Notifier) -> None:
        """Listen from now on."""
        self.notifier = notifier
        self.heard: list[frozenset[str]] = []
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self) -> None:
        """The thread."""
        while (changed := self.notifier.wait()) is not None:
            self.heard.append(changed)
        self.notifier.close()

    def anything_in(self, path: Path) -> bool:
        """Whether something was heard of a directory."""
        return any(str(path) in changed for changed in self.heard)


@contextmanager
def listening(notifier: Notifier) -> Iterator[Ear]:
    """An ear, deaf again afterwards."""
    ear = Ear(notifier)
    try:
        yield ear
    finally:
        notifier.stop()
        ear.thread.join(5)
        assert not ear.thread.is_alive(), "it was told to end"


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_renamed_and_written_is_heard_in_its_directory(tmp_path: Path, kind: str) -> None:
    """Of two directories each is told by its name, and nothing of its descriptors is left in the end."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    before = descriptors()
    with listening(KINDS[kind]([str(one), str(two)])) as ear:
        for act in (
            (one / "made").mkdir,
            lambda: (one / "file").write_text("x"),
            lambda: (one / "file").rename(one / "moved"),
            (one / "moved").unlink,
        ):
            ear.heard.clear()
            act()
            until(lambda: ear.anything_in(one), 5, "the first directory")
        assert not ear.anything_in(two)
        (two / "made").mkdir()
        until(lambda: ear.anything_in(two), 5, "the second directory")
    until(lambda: descriptors() <= before, 5, "all is given back")


def test_a_mere_look_wakes_nobody(tmp_path: Path) -> None:
    """Directories that are opened and listed, and files that are read, are not told of; who asks for all is told."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_text("x")

    def look() -> None:
        """Look at everything, then make one change."""
        for _ in range(20):
            os.listdir(tmp_path)
            (tmp_path / "run" / "file").read_text()
        (tmp_path / "run" / "last").mkdir(exist_ok=True)

    paths = [str(tmp_path), str(tmp_path / "run")]
    with listening(Inotify(paths, CHANGES, 0)) as ear:
        look()
        until(lambda: ear.anything_in(tmp_path / "run"))
        assert not ear.anything_in(tmp_path)
    (tmp_path / "run" / "last").rmdir()
    with listening(Inotify(paths, CHANGES | 0x20, 0)) as ear:  # IN_OPEN, which watchfiles asks for
        look()
        until(lambda: ear.anything_in(tmp_path), what="the control: it hears looks")


def test_what_follows_soon_is_told_together(tmp_path: Path) -> None:
    """Between one word and the next there is always a while, in which any number of changes makes one word."""

    def soonest(grouping_ms: int) -> float:
        """The shortest time between two words, in seconds, of some that come as soon as they can."""
        shortest = 9.0
        with listening(Inotify([str(tmp_path)], CHANGES, grouping_ms)) as ear:
            for _ in range(5):
                for number in range(2):
                    before, began = len(ear.heard), time.monotonic()
                    (tmp_path / os.urandom(8).hex()).mkdir()
                    until(lambda: len(ear.heard) > before)  # noqa: B023 - it is asked at once
                    if number:
                        shortest = min(shortest, time.monotonic() - began)
        return shortest

    assert soonest(150) > 0.1
    assert soonest(0) < 0.1, "negative control: without grouping it is woken for each"


def test_what_is_no_longer_there_is_told(tmp_path: Path) -> None:
    """A directory that is removed or moved away is lost; one in which things come and go is not."""
    for name in ("removed", "moved", "kept"):
        (tmp_path / name).mkdir()
        with listening(Inotify([str(tmp_path / name)], CHANGES, 0)) as ear:
            (tmp_path / name / "child").mkdir()
            (tmp_path / name / "child").rmdir()
            until(lambda: ear.heard)
            assert not ear.notifier.lost
            match name:
                case "removed":
                    (tmp_path / name).rmdir()
                case "moved":
                    (tmp_path / name).rename(tmp_path / "elsewhere")
            if name != "kept":
                until(lambda: ear.notifier.lost)


def test_what_cannot_be_watched_is_left_out(tmp_path: Path) -> None:
    """A path that is not there costs none of the others; where none is left that is an error, and no descriptor."""
    before = descriptors()
    with listening(Inotify([str(tmp_path / "none"), str(tmp_path)], CHANGES, 0)) as ear:
        (tmp_path / "made").mkdir()
        until(lambda: ear.anything_in(tmp_path))
    with pytest.raises(FileNotFoundError):
        Inotify([str(tmp_path / "none")], CHANGES, 0)
    assert descriptors() <= before


@pytest.mark.parametrize("kind", KINDS)
def test_a_watch_follows_its_paths(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set of paths that changes, and a directory made anew under its old name, are heard all the same."""
    monkeypatch.setattr("runboard.watch.open_notifier", KINDS[kind])
    woken: list[str] = []
    watch = Watch(lambda paths: woken.extend(map(str, paths)), woken.append)
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    watch.set_paths([str(one)])
    watch.set_paths([str(one), str(two)])
    (two / "made").mkdir()
    until(lambda: str(two) in woken)
    if kind == "inotify":
        shutil.rmtree(one)
        one.mkdir()

        def heard() -> bool:
            """Whether the new one is, once somebody has looked whether the paths are the same."""
            watch.set_paths([str(one), str(two)])
            woken.clear()
            (one / os.urandom(4).hex()).mkdir()
            time.sleep(0.1)
            return str(one) in woken

        until(heard)
    watch.close()
    assert not watch.blind


def test_an_alarm_rings_when_the_log_is_written_and_not_else(tmp_path: Path) -> None:
    """Also for a log that takes the place of the first; never for a mere look, and never again once it is closed."""
    log, rung = tmp_path / "output.log", [0]

    def ring() -> None:
        """Count."""
        rung[0] += 1

    alarm = Alarm(lambda: os.open(log, os.O_RDONLY), ring)
    assert not alarm.set(), "there is nothing to watch"
    log.write_text("one\n")
    assert alarm.set()
    log.read_text()
    assert rung == [0]
    with log.open("a") as file:
        file.write("two\n")
    until(lambda: rung[0] == 1)
    log.unlink()
    log.write_text("another\n")

    def heard() -> bool:
        """Whether the one that bears the name by now is, as it is written after a look."""
        assert alarm.set()
        rung[0] = 0
        with log.open("a") as file:
            file.write("more\n")
        time.sleep(0.15)
        return rung[0] > 0

    until(heard, what="that the first is gone is told")
    until(heard)
    before = descriptors()
    alarm.close()
    until(lambda: descriptors() < before)
    counted = rung[0]
    log.write_text("nobody hears it\n")
    time.sleep(0.15)
    assert rung[0] == counted


@pytest.mark.parametrize("deaf", [True, False])
def test_an_alarm_knows_that_it_hears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, deaf: bool) -> None:
    """As of what another machine writes: after a few looks at what has come without a word it says that none comes."""
    (log := tmp_path / "output.log").write_text("one\n")
    (other := tmp_path / "other.log").write_text("")
    if deaf:
        monkeypatch.setattr(
            "runboard.logs.alarm.open_notifier", lambda _paths, *more: notify.open_notifier([str(other)], *more)
        )
    rung = [0]

    def ring() -> None:
        """Count."""
        rung[0] += 1

    alarm = Alarm(lambda: os.open(log, os.O_RDONLY), ring)
    relied_on = [alarm.set()]
    for number in range(1, UNHEARD + 2):
        time.sleep(0.25)
        with log.open("a") as file:
            file.write("more\n")
        if not deaf:
            until(lambda: rung[0] >= number)  # noqa: B023 - it is waited for at once
        relied_on.append(alarm.set())
    alarm.close()
    assert relied_on == [True] * UNHEARD + [not deaf] * 2


def test_an_alarm_rings_when_a_log_that_others_write_loses_its_name(tmp_path: Path) -> None:
    """At once, though nothing is written and the file lives on; whoever asks only for writes is not told (control)."""
    for mask, told in ((WRITES, True), (0x2, False)):
        log = tmp_path / "output.log"
        with log.open("w"), listening(Inotify([str(log)], mask, 10)) as ear:
            log.unlink()
            if told:
                until(lambda: ear.heard)
            time.sleep(0.1)
            assert bool(ear.heard) is told


def test_where_the_kernel_has_no_watch_left_an_alarm_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever relies on it looks more often then; it is not tried again and again."""
    (tmp_path / "output.log").write_text("x")
    tried = [0]

    def none_left(*_: object) -> Notifier:
        """As at the user's limit of instances."""
        tried[0] += 1
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr("runboard.logs.alarm.open_notifier", none_left)
    alarm = Alarm(lambda: os.open(tmp_path / "output.log", os.O_RDONLY), lambda: None)
    assert [alarm.set() for _ in range(3)] == [False] * 3
    assert tried == [1]


def test_a_log_written_without_end_rings_ten_times_a_second_at_most(tmp_path: Path) -> None:
    """However often it is written: the screen paints no more often than that."""
    path = tmp_path / "output.log"
    path.write_text("")
    with listening(Inotify([str(path)], WRITES, 100)) as ear, path.open("a") as file:
        began = time.monotonic()
        while time.monotonic() < began + 0.5:
            file.write("x\n")
            file.flush()
        until(lambda: ear.heard)
        assert len(ear.heard) <= (time.monotonic() - began) * 10 + 2


def test_a_bell_wakes_a_selector_until_it_is_cleared() -> None:
    """It is an event for everybody else; set twice it is set once."""
    bell = Bell()
    with DefaultSelector() as selector:
        selector.register(bell, EVENT_READ)
        assert selector.select(0) == []
        bell.set()
        bell.set()
        assert selector.select(5)
        assert bell.is_set()
        bell.clear()
        assert selector.select(0) == []
        assert not bell.is_set()
        threading.Timer(0.05, bell.set).start()
        assert selector.select(5)


def test_each_system_has_its_notifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux is asked itself; elsewhere, and by a Python without ctypes, watchfiles is."""
    monkeypatch.setattr("sys.platform", "linux")
    found: list[Notifier] = [notify.open_notifier([str(tmp_path)])]
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ctypes", None)
        found.append(notify.open_notifier([str(tmp_path)]))
    monkeypatch.setattr("sys.platform", "darwin")
    found.append(notify.open_notifier([str(tmp_path)]))
    assert [type(one) for one in found] == [Inotify, Watchfiles, Watchfiles]
    for one in found:
        one.stop()
        assert one.wait() is None
        one.close()
