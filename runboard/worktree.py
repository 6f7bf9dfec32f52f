"""Work in a run's repo/ that would be lost with it, told by git without executing anything the run may have configured.

A run may have rewritten its repository's config, where a filter, fsmonitor or hook is a program. So git never sees that
config: it works in a bare bones git directory of ours, whose objects and refs are links to the real ones.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from runboard import files
from runboard.safetext import clean

_LIMIT = 10.0
_DEEPEST = 4
_SMALL = 64 << 10
_HARMLESS = frozenset({"filemode", "symlinks", "ignorecase", "autocrlf", "eol", "objectformat"})
"""Settings that say how to compare, and name no program."""

_KNOWN_EXTENSIONS = frozenset({"objectformat", "worktreeconfig", "noop", "partialclone", "relativeworktrees"})
_OPTIONS = (
    *("--no-pager", "--no-replace-objects", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"),
    *("-c", "core.untrackedCache=false", "-c", "core.quotePath=false", "-c", "safe.directory=*"),
)
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames")


class _Unknown(Exception):
    """Git cannot answer; the message says why."""


@dataclass(frozen=True, slots=True)
class _Found:
    """How much there is to lose: files changed, files (or directories of them) unknown to git, commits nowhere else."""

    uncommitted: int = 0
    untracked: int = 0
    commits: int = 0
    elsewhere: str = "on no remote and no other branch"

    def __add__(self, other: _Found) -> _Found:
        """Both together, in the words of the first."""
        counts = (self.uncommitted + other.uncommitted, self.untracked + other.untracked, self.commits + other.commits)
        return _Found(*counts, self.elsewhere)

    def sentence(self) -> str | None:
        """What there is, or None for nothing."""
        parts = [_count(self.uncommitted, "uncommitted file"), _count(self.untracked, "untracked file")]
        if self.commits:
            parts.append(
                f"{_count(self.commits, 'commit')} that {'is' if self.commits == 1 else 'are'} {self.elsewhere}"
            )
        return ", ".join(part for part in parts if part) or None


def work_at_risk(path: str) -> str | None:
    """What of the work in ``path``/repo exists nowhere else, in words; None for nothing, or without a repository.

    What git cannot tell within 10 s counts as at risk, and the sentence says so.
    """
    tree = os.path.join(path, "repo")
    if os.path.islink(tree) or not os.path.lexists(os.path.join(tree, ".git")):
        return None
    try:
        return _look(tree, os.path.realpath(path), time.monotonic() + _LIMIT, 0).sentence()
    except _Unknown as error:
        return f"git cannot tell what is unsaved in repo/: {error}"
    except (OSError, files.Unfit) as error:
        return f"git cannot tell what is unsaved in repo/: {clean(str(error))}"


def _look(tree: str, inside: str, deadline: float, depth: int) -> _Found:
    """What one work tree and the submodules in it have to lose; a repository that lies ``inside`` is lost whole."""
    real = _git_dir(tree)
    common = os.path.realpath(os.path.join(real, _line(real, "commondir") or "."))
    with _own_git_dir(real, common, deadline) as git_dir:
        ask = _Git(git_dir, tree, os.path.join(real, "index"), deadline)
        entries = [entry for entry in ask(*_STATUS).split("\0") if entry]
        untracked = sum(entry.startswith("?? ") for entry in entries)
        whole = f"{common}/".startswith(f"{inside}/")
        words = "on no remote" if whole else "on no remote and no other branch"
        found = _Found(len(entries) - untracked, untracked, _commits(ask, real, whole=whole), words)
        submodules = [
            line.partition("\t")[2] for line in ask("ls-files", "-s", "-z").split("\0") if line[:7] == "160000 "
        ]
    for name in submodules:
        below = os.path.join(tree, name)
        if os.path.lexists(os.path.join(below, ".git")):
            if depth == _DEEPEST or not os.path.realpath(below).startswith(os.path.realpath(tree) + "/"):
                raise _Unknown(f"submodule {clean(name)} lies too deep")
            found += _look(below, inside, deadline, depth + 1)
    return found


def _commits(ask: _Git, real: str, *, whole: bool) -> int:
    """How many commits are reached from here alone: by the whole repository where it goes too, else by HEAD."""
    if whole:
        return int(ask("rev-list", "--count", "--all", "--not", "--remotes"))
    branch = (_line(real, "HEAD") or "").removeprefix("ref: ")
    if branch.startswith("refs/") and ask.fails("show-ref", "--quiet", "--verify", branch):
        return 0  # a branch without commits
    others = (f"--exclude={branch.removeprefix('refs/heads/')}", "--branches")
    return int(ask("rev-list", "--count", "HEAD", "--not", "--remotes", *others))


@dataclass(frozen=True, slots=True)
class _Git:
    """Git on one work tree, through a git directory of ours and within a deadline (monotonic)."""

    git_dir: str
    tree: str
    index: str
    deadline: float

    def __call__(self, *arguments: str) -> str:
        """What git prints.

        Raises:
            _Unknown: It failed, or took too long.
        """
        done = self._run(arguments)
        if done.returncode != 0:
            first = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise _Unknown(clean(first)[:200] or f"git {arguments[0]} ended with code {done.returncode}")
        return os.fsdecode(done.stdout)

    def fails(self, *arguments: str) -> bool:
        """Whether git answers no."""
        return self._run(arguments).returncode != 0

    def _run(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
        """One run of git."""
        own = {
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.tree,
            "GIT_INDEX_FILE": self.index,
        }
        return _git((*_OPTIONS, *arguments), self.tree, own, self.deadline)


def _git(
    arguments: tuple[str, ...], cwd: str, more: dict[str, str], deadline: float
) -> subprocess.CompletedProcess[bytes]:
    """Run git with nothing of the caller's environment but where programs and the home are."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in os.environ}
    fixed = {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
    }
    try:
        return subprocess.run(
            ("git", *arguments),
            cwd=cwd,
            env=kept | fixed | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(deadline - time.monotonic(), 0.01),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _Unknown(f"it took longer than {_LIMIT:g} s") from None
    except FileNotFoundError:
        raise _Unknown("git is not installed") from None


@contextmanager
def _own_git_dir(real: str, common: str, deadline: float) -> Iterator[str]:
    """A git directory of ours for a repository: its HEAD, harmless settings, and links to its objects and refs."""
    head = _line(real, "HEAD")
    if head is None:
        raise _Unknown("it has no HEAD")
    config = _config(common, deadline)
    own = tempfile.mkdtemp(prefix="runboard-git-")
    try:
        for name, text in (("HEAD", f"{head}\n"), ("config", config)):
            with open(os.path.join(own, name), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
        os.mkdir(os.path.join(own, "info"))
        for name in ("objects", "refs", "packed-refs", "shallow", "info/exclude"):
            if os.path.lexists(os.path.join(common, name)):
                os.symlink(os.path.join(common, name), os.path.join(own, name))
        for name in os.listdir(real):
            if name.startswith("sharedindex."):
                os.symlink(os.path.join(real, name), os.path.join(own, name))
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _config(common: str, deadline: float) -> str:
    """A config with those settings of the repository's that only say how to compare; reading one executes nothing."""
    lines, version = [], 0
    listed = ("config", "--file", os.path.join(common, "config"), "--no-includes", "-z", "--get-regexp")
    done = _git((*listed, r"^(core|extensions)\.[a-z]+$"), "/", {"GIT_DIR": os.devnull}, deadline)
    if done.returncode not in {0, 1}:
        raise _Unknown("its config cannot be read")
    for entry in os.fsdecode(done.stdout).split("\0"):
        key, _, value = entry.partition("\n")
        section, _, name = key.lower().partition(".")
        if section == "extensions" and name not in _KNOWN_EXTENSIONS:
            raise _Unknown(f"its repository uses the extension {clean(name)}")
        if name in _HARMLESS and value.isalnum():
            lines.append(f"[{section}]\n\t{name} = {value}\n")
            version |= name == "objectformat"
    return f"[core]\n\trepositoryformatversion = {int(version)}\n\tbare = false\n" + "".join(lines)


def _git_dir(tree: str) -> str:
    """Where the git directory of a work tree really is: ``.git`` itself, or where that file points to."""
    path = os.path.join(tree, ".git")
    if not os.path.isdir(path):
        target = (_line(tree, ".git") or "").removeprefix("gitdir: ")
        path = os.path.join(tree, target)
        if not target or not os.path.isdir(path):
            raise _Unknown(f"its repository {clean(target)} is gone" if target else ".git is none")
    return os.path.realpath(path)


def _line(folder: str, name: str) -> str | None:
    """The first line of a small plain file; None where there is none."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.fsdecode(files.read_plain(fd, name, _SMALL)).partition("\n")[0]
    except FileNotFoundError:
        return None
    finally:
        os.close(fd)


def _count(number: int, noun: str) -> str:
    """A number with its noun, and nothing for none."""
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""
