"""A worktree that is moved or removed with its run: its repository is told, as ``git worktree repair`` would.

Only a repository that names this very worktree is told: a ``repo/.git`` that points to a stranger's changes nothing.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from runboard import files
from runboard.tree import remove
from runboard.worktree.git import Unknown, git_dir_of, line_of


def follow(path: str, home: str) -> bool:
    """Tell the repository of ``path``/repo that this worktree lay in ``home`` before; whether there was one to tell.

    Raises:
        OSError: The repository could not be written to.
    """
    admin = administration(path, home)
    if admin is None:
        return False
    path = os.path.realpath(path)
    with files.opened(files.open_folder(admin)) as folder:
        _put(folder, "gitdir", f"{path}/repo/.git\n")
    with files.opened(files.open_folder(f"{path}/repo")) as folder:
        if not (line_of(f"{path}/repo", ".git") or "").startswith("gitdir: /"):
            _put(folder, ".git", f"gitdir: {admin}\n")
    return True


def administration(path: str, home: str) -> str | None:
    """Where a repository keeps what it knows of the worktree ``path``/repo; it believes that to be in ``home``.

    None where repo/ is no worktree, or the repository does not know it.
    """
    tree = os.path.join(path, "repo")
    try:
        info = files.found(tree)
        if info is None or not stat.S_ISDIR(info.st_mode) or not os.path.isfile(os.path.join(tree, ".git")):
            return None
        admin = git_dir_of(tree, os.path.join(home, "repo"))
        known = os.path.join(admin, line_of(admin, "gitdir") or "")
        of_worktrees = os.path.basename(os.path.dirname(admin)) == "worktrees" and line_of(admin, "commondir")
    except (Unknown, OSError, files.Unfit):
        return None
    return admin if of_worktrees and _same(known, f"{home}/repo/.git") else None


def forget(admin: str) -> None:
    """Remove what a repository knows of a worktree that is gone for good, so that its branch is free again.

    Raises:
        OSError: It could not be removed.
    """
    with suppress(FileNotFoundError), files.opened(files.open_folder(os.path.dirname(admin))) as worktrees:
        remove(worktrees, os.path.basename(admin), last="gitdir")


def _same(one: str, other: str) -> bool:
    """Whether two paths of a run's repo/.git are the same, though neither need exist any more."""
    (before, *tail), (after, *end) = one.rsplit("/", 3), other.rsplit("/", 3)
    return tail == end and os.path.realpath(before) == os.path.realpath(after)


def _put(folder: int, name: str, text: str) -> None:
    """Replace a small file of git's, which keeps its mode."""
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode & 0o777
    files.replace(folder, name, os.fsencode(text))
    with files.opened(files.open_file(folder, name)) as fd:
        os.fchmod(fd, mode)
