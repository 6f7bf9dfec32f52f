"""A clone whose objects others borrow is not cleared from under them, as far as they can be known."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from runboard.control import AtRisk, Control
from runboard.store import Store
from runboard.worktree import Neighbours, risk_of
from runboard.worktree.lent import lenders
from tests.leaving import leave
from tests.program import runboard
from tests.test_worktree import clone, commit, git, origin, run

__all__ = ["clone", "origin", "run"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def says(run: Path, home: Path | None = None) -> str:
    """What keeps a run, in words."""
    found = risk_of(str(run), None if home is None else str(home))
    return "" if found is None else found.sentence()


def sound(repo: Path) -> bool:
    """Whether a repository has all its objects."""
    return subprocess.run(("git", "log", "--format="), cwd=repo, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("how", ["remote", "file://", "bare", "worktree", "quoted", "chain"])
def test_who_borrows_and_is_named_by_the_clone_keeps_it(clone: Path, run: Path, tmp_path: Path, how: str) -> None:
    """A remote that lives on the clone's objects is told; the controls: moved it is broken, repacked it is free."""
    other = tmp_path / "other"
    borrowed = ("--shared", str(clone)) if how not in {"worktree", "chain"} else ("--no-hardlinks", str(clone))
    git(tmp_path, "clone", "-q", *(("--bare",) if how == "bare" else ()), *borrowed, str(other))
    named, database = other, other if how == "bare" else other / ".git"
    alternates = database / "objects" / "info" / "alternates"
    if how == "worktree":
        named = tmp_path / "tree"
        git(other, "worktree", "add", "-q", str(named))
    if how == "chain":
        git(tmp_path, "clone", "-q", "--shared", str(clone), "between")
        alternates.write_text(f"# of others\n{tmp_path}/between/.git/objects\n")
    elif how in {"worktree", "quoted"}:
        alternates.write_text(f'"{clone}/.g\\151t/objects"\n')
    git(clone, "remote", "add", "it", f"file://{named}" if how == "file://" else str(named))
    assert says(run) == f"objects that {named} borrows"
    (run / "was").mkdir()
    clone.rename(run / "was" / "repo")
    assert how in {"worktree", "chain"} or not sound(other), "the control"
    (run / "was" / "repo").rename(clone)
    git(other, "repack", "-qad")
    alternates.unlink()
    assert (says(run), sound(other)) == ("", True)


def test_the_repository_of_a_worktree_that_borrows_back_is_told(origin: Path, run: Path) -> None:
    """What a run made the repository of its worktree depend on is not taken away; the control: elsewhere it may be."""
    tree = run / "repo"
    git(origin, "worktree", "add", "-q", "--detach", str(tree))
    for place, told in ((run / "store", f"objects that {origin} borrows"), (run.parent / "store", "")):
        (place / "objects").mkdir(parents=True)
        (origin / ".git" / "objects" / "info" / "alternates").write_text(f"{place}/objects\n")
        assert says(run) == told


def test_what_borrows_within_the_run_goes_with_it(clone: Path, run: Path) -> None:
    """A clone inside that lives on the outer one is not told as somebody who borrows."""
    (clone / ".git" / "info" / "exclude").write_text("inner/\n")
    git(clone, "clone", "-q", "--shared", ".", "inner")
    git(clone, "remote", "add", "inner", "inner")
    assert list(lenders(str(clone / "inner")))
    assert "borrow" not in says(run)


def test_nonsense_in_a_list_of_lenders_is_none(clone: Path, run: Path, origin: Path) -> None:
    """A named repository whose list is rubbish, leads to itself, or is no file keeps nothing and breaks nothing."""
    alternates = origin / ".git" / "objects" / "info" / "alternates"
    for text in ("\0\n", '"\\', '"\\"\n', f"/{'x' * 5000}\n", "/dev/zero\n", "../objects\n", "x\n" * 99_999):
        alternates.write_text(text)
        assert says(run) == ""
    alternates.unlink()
    os.mkfifo(alternates)
    assert says(run) == ""


def test_lists_that_lead_to_lists_without_end_are_left(tmp_path: Path) -> None:
    """A web of directories that name each other is left after a hundred; the control: fewer are all told."""
    for number in range(110):
        info = tmp_path / str(number) / "objects" / "info"
        info.mkdir(parents=True)
        web = "".join(f"{tmp_path}/{other}/objects\n" for other in range(110))
        (info / "alternates").write_text(web + "".join(f"n{line}\n" for line in range(8_000)))
    assert len(list(lenders(str(tmp_path / "0")))) == 100
    (tmp_path / "0" / "objects" / "info" / "alternates").write_text("\n".join(f"n{line}" for line in range(99)))
    assert len(list(lenders(str(tmp_path / "0")))) == 99


def test_runs_beside_that_borrow_are_told_and_force_goes_past(tmp_path: Path, origin: Path) -> None:
    """A run cloned from a run keeps it, out of the trash and in it, until it is gone; each is asked as it is then."""
    store = Store(str(tmp_path / "runs"))
    control = Control(store, by="me")
    lender, borrower = (leave(Path(store.root), run_id) / "repo" for run_id in ("aa01", "aa02"))
    git(tmp_path, "clone", "-q", str(origin), str(lender))
    git(tmp_path, "clone", "-q", "--shared", str(lender), str(borrower))
    assert risk_of(str(lender.parent)) is None, "the control: nothing of its own names the borrower"
    beside = Neighbours(store.root)
    assert len(beside.of((f"{lender.parent}/",))) == 1
    done = runboard(Path(store.root), "clean", "-n")
    assert f"run aa01: objects that {borrower} borrows: keeps it, without --force\n" in done.stderr
    with pytest.raises(AtRisk, match=f"^run aa01 was kept: its repo/ holds objects that {borrower} borrows; "):
        control.trash("aa01")
    assert [str(one.error) for one in control.clear(["aa02"])] == ["None"]
    there = f"{store.root}/.trash/aa02/repo"
    with pytest.raises(AtRisk, match=f"objects that {there} borrows; "):
        control.trash("aa01")
    control.trash("aa01", force=True)
    borrower = Path(there)
    assert not sound(borrower), "the control"
    errors = [one.error for one in control.clear(["aa01"], for_good=True)]
    assert isinstance(errors[0], AtRisk)
    control.restore("aa01")
    assert sound(borrower)
    assert [one.error for one in control.clear(["aa02"], for_good=True)] == [None]
    assert [one.error for one in control.clear(["aa01"])] == [None]


@pytest.mark.parametrize("address", ["{}", "file://{}"])
def test_what_was_pushed_into_the_run_is_not_saved_in_the_trash_either(
    clone: Path, run: Path, tmp_path: Path, address: str
) -> None:
    """The remote still bears the name of where the run was; the control: told only its path, it is elsewhere."""
    git(run, "init", "-q", "--bare", "shared.git")
    git(clone, "remote", "add", "it", address.format(run / "shared.git"))
    commit(clone, "b.txt")
    git(clone, "push", "-q", "it", "main")
    moved = tmp_path / "trash" / "run"
    moved.parent.mkdir()
    run.rename(moved)
    assert (says(moved, run), says(moved)) == ("1 commit that is on no remote", "")
