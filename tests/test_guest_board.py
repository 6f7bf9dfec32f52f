"""What a guest's board leaves out and says: no act of Textual's saves, stops or opens anything; no git is started."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from runboard import cachefile
from runboard.board import Board
from runboard.cli.sights import sources_of
from runboard.index import Index
from runboard.model import Run
from runboard.store import Store
from runboard.ui.barred import BARRED
from runboard.ui.headline import Headline
from tests.leaving import leave
from tests.pilots import Desk, fixed_board


async def saved(desk: Desk, folder: Path) -> list[str]:
    """The files that the action for a picture of the screen leaves."""
    await desk.app.run_action(f"app.screenshot('x.svg', {str(folder)!r})")
    await desk.pilot.pause(0.2)
    return sorted(os.listdir(folder))


async def test_a_guest_saves_no_picture(tmp_path: Path) -> None:
    """The action that saves the screen does nothing for a guest, and says so; who may act gets the file."""
    async with fixed_board(control=None) as desk:
        assert await saved(desk, tmp_path) == []
        await desk.until(lambda: "A board that only looks does not do that" in desk.toasts())
    async with fixed_board(control=object()) as desk:
        assert await saved(desk, tmp_path) == ["x.svg"]


async def test_barred_actions_do_not_pass_the_choke_point() -> None:
    """Every barred action, by whatever namespace it is called, is refused for a guest; others are not."""
    async with fixed_board(control=None) as desk:
        for name in sorted(BARRED):
            assert await desk.app.run_action(f"app.{name}") is False, name
            assert await desk.app.run_action(name, desk.app.screen) is False, name
        assert await desk.app.run_action("app.help") is True


async def test_a_guest_opens_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that somebody follows starts no browser for a guest."""
    opened: list[str] = []
    for control, expected in ((None, []), (object(), ["https://example.org"])):
        async with fixed_board(control=control) as desk:
            assert desk.app._driver is not None
            monkeypatch.setattr(desk.app._driver, "open_url", lambda url, _new_tab=True: opened.append(url))
            desk.app.open_url("https://example.org")
        assert opened == expected


def test_the_first_line_says_how_it_is_locked() -> None:
    """All of it where there is room, else that the board only looks."""
    line = Headline.of(Board([Run("a")]), 0.0, "~/runs", read_only=True, lock="locked by the kernel")
    wide, narrow = ("".join(text for text, _ in line.parts(width)) for width in (80, 40))
    assert "read-only · locked by the kernel" in wide
    assert ("read-only" in narrow, "locked" in narrow) == (True, False)


def test_a_guest_has_no_git_started(tmp_path: Path) -> None:
    """What a run changed is not looked up, and the pane says why."""
    changes = sources_of(Store(str(tmp_path)), programs=False).changes(Run("a"), lambda: False)
    assert changes.trouble == "What changed is told by git, and a board that only looks starts no program"


def test_a_guest_copies_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the rows that others kept, though a writer holds the lock, and leaves every byte as it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    runs = tmp_path / "runs"
    for number in range(5):
        leave(runs, f"0000000{number}")
    kept = Index(Store(str(runs)))
    kept.sync()
    kept.put_sizes({"00000003": 4321})
    kept.close()
    folder = Path(cachefile.home())
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    with next(folder.glob("*.seal")).open("rb") as seal:
        fcntl.flock(seal, fcntl.LOCK_EX)
        guest = Index(Store(str(runs)), copying=True)
        assert guest.kept() == 5
        assert guest.sizes() == {"00000003": 4321}
        leave(runs, "00000009")
        assert [row.id for row in guest.sync().changed] == ["00000009"]
        guest.close()
        assert Index(Store(str(runs)), writing=False).kept() is None  # the control: who asks for the lock gets nothing
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def test_a_copy_of_a_file_that_changes_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not as its writer sealed it is not copied: all runs are read in its place."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    leave(tmp_path / "runs", "00000001")
    kept = Index(Store(str(tmp_path / "runs")))
    kept.sync()
    kept.close()
    file = next(Path(cachefile.home()).glob("*.db"))
    os.utime(file, (1, 1))
    guest = Index(Store(str(tmp_path / "runs")), copying=True)
    assert guest.kept() is None
    assert [row.id for page in guest.rows() for row in page] == ["00000001"]
