"""Git on a repository that a run may have rewritten: none of its config is seen, where a filter or hook is a program.

It works in a bare bones git directory of ours, whose objects and refs are links to the real ones.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from runboard import files
from runboard.safetext import clean
from runboard.tree import temporary
from runboard.worktree import PREFIX

LIMIT = 10.0
"""Seconds that all questions to one repository may take together."""

DEFAULTS = (
    *("refs/remotes/*/HEAD", "refs/remotes/*/main", "refs/remotes/*/master"),
    *("refs/heads/main", "refs/heads/master"),
)
"""What the main line of a repository is mostly called, the nearest to others first."""

_LOOK_SECONDS = 0.05
_PIECE = 1 << 16
_SMALL = 64 << 10
_HARMLESS = frozenset({"filemode", "symlinks", "ignorecase", "autocrlf", "eol", "objectformat"})
"""Settings that say how to compare, and name no program."""

_KNOWN_EXTENSIONS = frozenset({"objectformat", "worktreeconfig", "noop", "partialclone", "relativeworktrees"})
_OPTIONS = (
    *("--no-pager", "--no-replace-objects", "--no-optional-locks"),
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false"),
    *("-c", "core.quotePath=false", "-c", "safe.directory=*", "-c", "diff.external=", "-c", "core.pager=cat"),
)


class Unknown(Exception):
    """Git cannot answer; the message says why."""


class Gone(Unknown):
    """There is no repository any more."""


class Patience(NamedTuple):
    """Until when answers are waited for (monotonic seconds), and whether anybody still wants them."""

    deadline: float
    unwanted: Callable[[], bool]

    @classmethod
    def from_now(cls, unwanted: Callable[[], bool] = lambda: False) -> Patience:
        """Enough for all questions to one repository."""
        return cls(time.monotonic() + LIMIT, unwanted)

    def left(self) -> float:
        """How many seconds are left.

        Raises:
            Unknown: None, or nobody wants to know any more.
        """
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise Unknown(f"it took longer than {LIMIT:g} s")
        if self.unwanted():
            raise Unknown("nobody waits for the answer any more")
        return seconds


class Answer(NamedTuple):
    """What git printed, and whether it was stopped there because it printed too much."""

    output: bytes
    cut: bool


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one work tree, through a git directory of ours."""

    git_dir: str
    tree: str
    index: str
    patience: Patience

    def __call__(self, *arguments: str) -> str:
        """What git prints.

        Raises:
            Unknown: It failed, took too long, or nobody wants to know any more.
        """
        return os.fsdecode(self.at_most(None, *arguments).output)

    def at_most(self, most: int | None, *arguments: str) -> Answer:
        """The first ``most`` bytes of what git prints; it is stopped when it prints more.

        Raises:
            Unknown: As for a call.
        """
        code, answer, complaint = self._run(arguments, most)
        if code != 0 and not answer.cut:
            first = complaint.decode(errors="replace").strip().partition("\n")[0]
            raise Unknown(clean(first)[:200] or f"git {arguments[0]} ended with code {code}")
        return answer

    def fails(self, *arguments: str) -> bool:
        """Whether git answers no."""
        return self._run(arguments)[0] != 0

    def told(self, *arguments: str) -> tuple[int, str]:
        """Git's exit code and what it prints, of a question that may have no answer."""
        code, answer, _ = self._run(arguments)
        return code, os.fsdecode(answer.output).strip()

    def _run(self, arguments: tuple[str, ...], most: int | None = None) -> tuple[int, Answer, bytes]:
        """One run of git."""
        own = {
            "GIT_DIR": self.git_dir,
            "GIT_WORK_TREE": self.tree,
            "GIT_INDEX_FILE": self.index,
        }
        return _git((*_OPTIONS, *arguments), self.tree, own, self.patience, most)


def _git(
    arguments: tuple[str, ...],
    cwd: str,
    more: dict[str, str],
    patience: Patience,
    most: int | None = None,
) -> tuple[int, Answer, bytes]:
    """Run git with nothing of the caller's environment but where programs and the home are."""
    program, path = _program()
    kept = {name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in os.environ}
    fixed = {
        "PATH": path,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        **{f"GIT_{who}_{what}": "runboard" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    try:
        process = subprocess.Popen(
            (program, *arguments),
            cwd=cwd,
            env=kept | fixed | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        raise Unknown("it is not there any more") from None
    with process:
        try:
            output, complaint, cut = _read(process, patience, most)
        except BaseException:
            process.kill()
            raise
        if cut:
            process.kill()
    return process.returncode, Answer(output, cut), complaint


def _program() -> tuple[str, str]:
    """Git by its absolute path, and a PATH without relative directories: we work where a run may have put a ``git``.

    Raises:
        Unknown: There is none.
    """
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(":") if folder.startswith("/")]
    for folder in folders:
        if os.access(f"{folder}/git", os.X_OK) and os.path.isfile(f"{folder}/git"):
            return f"{folder}/git", ":".join(folders)
    raise Unknown("git is not installed")


def _read(process: subprocess.Popen[bytes], patience: Patience, most: int | None) -> tuple[bytes, bytes, bool]:
    """Both outputs of a process to their ends, or its stdout until it is more than ``most`` bytes.

    Raises:
        Unknown: It took too long, or nobody wants to know any more.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.fileno(), process.stderr.fileno()
    got = {out: bytearray(), err: bytearray()}
    poll = select.poll()
    open_ones = set(got)
    for fd in got:
        poll.register(fd, select.POLLIN)
    while open_ones:
        for fd, _ in poll.poll(min(patience.left(), _LOOK_SECONDS) * 1000):
            piece = os.read(fd, _PIECE)
            if not piece:
                poll.unregister(fd)
                open_ones.discard(fd)
            elif fd == out or len(got[err]) < _SMALL:
                got[fd] += piece
        if most is not None and len(got[out]) > most:
            return bytes(got[out][:most]), bytes(got[err]), True
    return bytes(got[out]), bytes(got[err]), False


@contextmanager
def own_git_dir(real: str, common: str, patience: Patience) -> Iterator[str]:
    """A git directory of ours for a repository: its HEAD, harmless settings, and links to its objects and refs.

    What git makes on the way (trees of a tried merge) goes into objects of ours, and away with the rest.
    """
    head = line_of(real, "HEAD")
    if head is None:
        raise Unknown("it has no HEAD")
    config = _config(common, patience)
    with temporary(PREFIX) as own:
        for name in ("info", "objects", "objects/info"):
            os.mkdir(os.path.join(own, name), 0o700)
        texts = {"HEAD": f"{head}\n", "config": config, "objects/info/alternates": f"{own}/theirs\n"}
        for name, text in texts.items():
            with open(os.path.join(own, name), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
        os.symlink(os.path.join(common, "objects"), os.path.join(own, "theirs"))
        for name in ("refs", "packed-refs", "shallow", "worktrees", "info/exclude"):
            if files.found(os.path.join(common, name)):
                os.symlink(os.path.join(common, name), os.path.join(own, name))
        for name in os.listdir(real):
            if name.startswith("sharedindex."):
                os.symlink(os.path.join(real, name), os.path.join(own, name))
        yield own


def _config(common: str, patience: Patience) -> str:
    """A config with those settings of the repository's that only say how to compare; reading one executes nothing."""
    lines, version = [], 0
    listed = ("config", "--file", os.path.join(common, "config"), "--no-includes", "-z", "--get-regexp")
    code, answer, _ = _git((*listed, r"^(core|extensions)\.[a-z]+$"), "/", {"GIT_DIR": os.devnull}, patience)
    if code not in {0, 1}:
        raise Unknown("its config cannot be read")
    for entry in os.fsdecode(answer.output).split("\0"):
        key, _, value = entry.partition("\n")
        section, _, name = key.lower().partition(".")
        if section == "extensions" and name not in _KNOWN_EXTENSIONS:
            raise Unknown(f"its repository uses the extension {clean(name)}")
        if name in _HARMLESS and value.isalnum():
            lines.append(f"[{section}]\n\t{name} = {value}\n")
            version |= name == "objectformat"
    return f"[core]\n\trepositoryformatversion = {int(version)}\n\tbare = false\n" + "".join(lines)


def git_dir_of(tree: str, home: str | None = None) -> str:
    """Where the git directory of a work tree really is: ``.git`` itself, or where that file points to.

    ``home`` is where the work tree lay before it was moved, which a relative path in that file still begins from.

    Raises:
        Gone: It points to nothing.
        Unknown: It is no such file.
    """
    path = os.path.join(tree, ".git")
    if files.is_folder(path):
        return os.path.realpath(path, strict=True)
    line = line_of(tree, ".git") or ""
    target = line.removeprefix("gitdir: ")
    if not target or target == line:
        raise Unknown(".git is none")
    for path in (os.path.join(tree, target), os.path.normpath(os.path.join(os.path.realpath(home or tree), target))):
        if files.is_folder(path):  # the latter by its words: where it lay there is no directory to go up from
            return os.path.realpath(path, strict=True)
    raise Gone(f"its repository {clean(target)} is gone")


def common_of(real: str) -> str:
    """The repository that a git directory belongs to: itself, or for a worktree's the one it is a worktree of."""
    return os.path.realpath(os.path.join(real, line_of(real, "commondir") or "."))


def line_of(folder: str, name: str) -> str | None:
    """The first line of a small plain file; None where there is none."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.fsdecode(files.read_plain(fd, name, _SMALL)).partition("\n")[0]
    except FileNotFoundError:
        return None
    finally:
        os.close(fd)
