"""What a run changed in its checkout since that left the main line: the files with their counts, then the patch.

The checkout is ``repo/`` in the run's directory, else the git work tree around its working directory, as it stands
now. The base is the nearest commit that its HEAD shares with a default branch (main, master or what a remote's
HEAD names, of a remote or here); where there is none, HEAD itself. Everything is bounded and clean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from runboard import files
from runboard.safetext import clean, clean_log, strip_sgr
from runboard.worktree.git import DEFAULTS, Git, Patience, Unknown, common_of, git_dir_of, line_of, own_git_dir

FILES_MOST = 500
"""Changed files that are listed, and likewise untracked ones."""

LINES_MOST = 5_000
"""Lines of the patch that are shown."""

_PATCH_BYTES = 1 << 20
_LIST_BYTES = 1 << 18
_EMPTY_TREES = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_DIFF = ("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "-M", "-l200")


class FileChange(NamedTuple):
    """A changed file: how many lines came and went, None for a file that is not text."""

    path: str
    added: int | None
    removed: int | None


class Changes(NamedTuple):
    """What differs; ``base`` says from what, ``cut`` what is missing, ``trouble`` why there is nothing at all."""

    base: str = ""
    files: tuple[FileChange, ...] = ()
    untracked: tuple[str, ...] = ()
    patch: tuple[str, ...] = ()
    cut: str | None = None
    trouble: str | None = None


def changes_of(path: str, cwd: str | None, unwanted: Callable[[], bool] = lambda: False) -> Changes:
    """What the run in the directory ``path`` changed; it worked in ``cwd``, None where that cannot be seen from here.

    It takes at most 10 s, and ends early when ``unwanted`` says so.
    """
    try:
        tree = _tree(path, cwd)
        if tree is None:
            return Changes(trouble="It worked in no git checkout")
        return _look(tree, unwanted)
    except Unknown as error:
        return Changes(trouble=f"git cannot tell what changed: {error}")
    except (OSError, files.Unfit) as error:
        return Changes(trouble=f"git cannot tell what changed: {clean(str(error))}")


def _tree(path: str, cwd: str | None) -> str | None:
    """The work tree that a run worked in: its own checkout, else the nearest at or above its working directory."""
    own = os.path.join(path, "repo")
    if not os.path.islink(own) and os.path.lexists(os.path.join(own, ".git")):
        return own
    above = os.path.realpath(cwd) if cwd else "/"
    while above != "/":
        if os.path.lexists(os.path.join(above, ".git")):
            return above
        above = os.path.dirname(above)
    return None


def _look(tree: str, unwanted: Callable[[], bool]) -> Changes:
    """What differs in one work tree from its base."""
    patience = Patience.from_now(unwanted)
    real = git_dir_of(tree)
    with own_git_dir(real, common_of(real), patience) as git_dir:
        ask = Git(git_dir, tree, os.path.join(real, "index"), patience)
        base, words = _base(ask, real)
        counts = ask.at_most(_LIST_BYTES, *_DIFF, "--numstat", "-z", "--end-of-options", base)
        changed = list(_counts(os.fsdecode(counts.output)))
        others = ask.at_most(_LIST_BYTES, "ls-files", "--others", "--exclude-standard", "--directory", "-z")
        unknown = os.fsdecode(others.output).split("\0")[:-1]
        patch = ask.at_most(_PATCH_BYTES, *_DIFF, "--patch", "--end-of-options", base)
    lines = patch.output.split(b"\n")[:-1]
    missing = {
        "files": counts.cut or len(changed) > FILES_MOST,
        "untracked files": others.cut or len(unknown) > FILES_MOST,
        "lines": patch.cut or len(lines) > LINES_MOST,
    }
    return Changes(
        base=words,
        files=tuple(changed[:FILES_MOST]),
        untracked=tuple(sorted(clean(name) for name in unknown[:FILES_MOST])),
        patch=tuple(_shown(line) for line in lines[:LINES_MOST]),
        cut=" and ".join(f"more {what}" for what, more in missing.items() if more) or None,
    )


def _base(ask: Git, real: str) -> tuple[str, str]:
    """The commit (or the empty tree) to compare with, and what it is called."""
    head = (line_of(real, "HEAD") or "").removeprefix("ref: ")
    if head.startswith("refs/") and ask.fails("show-ref", "--quiet", "--verify", head):
        return _EMPTY_TREES[ask("rev-parse", "--show-object-format").strip()], "nothing: there is no commit yet"
    listed = ask("for-each-ref", "--count=20", "--format=%(refname)", *DEFAULTS).split("\n")
    lines = [ref for ref in listed if ref and ref != head]
    if lines and not ask.fails("merge-base", "HEAD", *lines):
        base = ask("merge-base", "HEAD", *lines).strip()
        name = next((ref for ref in lines if not ask.fails("merge-base", "--is-ancestor", base, ref)), lines[0])
        short = name.removeprefix("refs/heads/").removeprefix("refs/remotes/").removesuffix("/HEAD")
        return base, f"{clean(short)} at {base[:8]}"
    base = ask("rev-parse", "--verify", "--end-of-options", "HEAD^{commit}").strip()
    return base, f"its last commit {base[:8]}"


def _counts(text: str) -> Iterator[FileChange]:
    """The files in what ``git diff --numstat -z`` prints; one that was renamed by both of its names."""
    fields = iter(text.split("\0")[:-1])
    for field in fields:
        added, removed, path = [*field.split("\t", 2), "", ""][:3]
        name = clean(path) if path else f"{clean(next(fields, ''))} → {clean(next(fields, ''))}"
        yield FileChange(name, int(added) if added.isdigit() else None, int(removed) if removed.isdigit() else None)


def _shown(line: bytes) -> str:
    """One line of the patch, clean; what would overwrite it on a terminal is shown by a sign."""
    return strip_sgr(clean_log(line.replace(b"\r", "␍".encode())))
