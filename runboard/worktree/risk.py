"""Work in a run's repo/ that would be lost with it, told by git without executing what the run configured.

What counts: files that are changed or unknown to git, commits that are on no remote and, of a worktree, on no other
branch, stashes, an operation in progress, and the same in every repository inside. Files that git is told to ignore do
not count; repositories among them do. A branch whose changes the main line has as other commits is on it.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from runboard import files
from runboard.late import pattern
from runboard.safetext import clean
from runboard.worktree.git import Git, Gone, Patience, Unknown, common_of, git_dir_of, line_of, own_git_dir
from runboard.worktree.lent import Neighbours, borrowers, lenders
from runboard.worktree.merged import merged, targets
from runboard.worktree.remotes import insides, kept, lost, others, remotes_of

NAMED = 10
"""So many files, and so many commits, are named; of the rest their number is told."""

_MOST_INSIDE = 100
_MOST_HIDDEN = 2_000
_MOST_TIPS = 20
_MOST_TOLD = 200
_MOST_NAMED = 2
_OF_A_WORKTREE = pattern(r"/worktrees/[^/]+/modules/")
_STATUS = ("status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=all", "--no-renames")
_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "BISECT_LOG": "bisection",
}


@dataclass(frozen=True, slots=True)
class Risk:
    """Work that is nowhere else: the names of files, the first commits and how many there are, stashes, and the rest.

    ``trouble`` is why git cannot tell, ``gone`` where that is because there is no repository any more.
    """

    uncommitted: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    commit_count: int = 0
    stashes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    elsewhere: str = "on no remote and no other branch"
    trouble: str | None = None
    gone: bool = False

    def __add__(self, other: Risk) -> Risk:
        """Both together, in the words of the first that has commits."""
        return Risk(
            self.uncommitted + other.uncommitted,
            self.untracked + other.untracked,
            self.commits + other.commits,
            self.commit_count + other.commit_count,
            self.stashes + other.stashes,
            tuple(dict.fromkeys(self.states + other.states)),
            self.elsewhere if self.commit_count else other.elsewhere,
        )

    def sentence(self) -> str:
        """What there is, in a few words; empty for nothing."""
        if self.trouble is not None:
            return f"git cannot tell what is unsaved in repo/: {self.trouble}"
        parts = [_count(len(self.uncommitted), "uncommitted file"), _count(len(self.untracked), "untracked file")]
        if self.commit_count:
            verb = "is" if self.commit_count == 1 else "are"
            parts.append(f"{_count(self.commit_count, 'commit')} that {verb} {self.elsewhere}")
        parts += [_count(len(self.stashes), "stash", "es"), *self.states]
        return ", ".join(part for part in parts if part)

    def lines(self) -> list[str]:
        """What would be lost, by name: files, commits and stashes, so many of each and then how many more."""
        kinds = (
            ("uncommitted", self.uncommitted, len(self.uncommitted)),
            ("untracked", self.untracked, len(self.untracked)),
            ("commit", self.commits, self.commit_count),
            ("stash", self.stashes, len(self.stashes)),
        )
        found = []
        for kind, names, count in kinds:
            shown = names[:NAMED]
            found += [f"{kind:<11}  {clean(name)}" for name in shown]
            found += [f"{kind:<11}  and {count - len(shown):,} more"] if count > len(shown) else []
        return found


def work_at_risk(path: str) -> str | None:
    """What of the work in ``path``/repo exists nowhere else, in words; None for nothing, or without a repository.

    What git cannot tell within 10 s counts as at risk, and the sentence says so.
    """
    risk = risk_of(path)
    return None if risk is None else risk.sentence()


def risk_of(path: str, home: str | None = None, neighbours: Neighbours | None = None) -> Risk | None:
    """The same with all its names, and with who borrows its objects: a run beside too, where ``neighbours`` are told.

    ``home`` is where the run's directory was before it was moved to ``path``.
    """
    top = os.path.join(path, "repo")
    try:
        info = files.found(top)
        if info is None or not stat.S_ISDIR(info.st_mode):
            return None
        look = _Look(path, home, neighbours)
        found = look.all(top)
    except Gone as error:
        return Risk(trouble=str(error), gone=True)
    except Unknown as error:
        return Risk(trouble=str(error))
    except (OSError, files.Unfit) as error:
        return Risk(trouble=clean(str(error))[:_MOST_TOLD])
    return found if found.sentence() else None


class _Look:
    """One look at a work tree and all repositories inside; what lies ``inside`` the run's directory is lost whole."""

    def __init__(self, path: str, home: str | None, neighbours: Neighbours | None) -> None:
        """Look with the usual patience at the run in ``path``, which was in ``home`` before."""
        self._inside = insides(path, home)
        self._home = None if home is None else os.path.join(home, "repo")
        self._neighbours = neighbours
        self._patience = Patience.from_now()
        self._seen: set[str] = set()
        self._named: list[str] = []

    def all(self, top: str) -> Risk:
        """What all repositories in a directory have to lose.

        Raises:
            Gone: One of them is gone, and the others have nothing to lose.
            Unknown: Git cannot tell.
        """
        found, gone = Risk(), None
        for number, place in enumerate(repositories(top, self._patience.left)):
            if number == _MOST_INSIDE:
                raise Unknown(f"it holds more than {_MOST_INSIDE} repositories")
            below = os.path.relpath(place, top)
            try:
                found += self._one(place, below, "" if below == "." else f"{below}/")
            except Gone as error:
                gone = error
        neighbours = self._neighbours if self._seen else None  # a worktree's objects lie elsewhere
        owing = borrowers(self._inside, self._named, neighbours)
        found += Risk(states=(f"objects that {_listing(owing)} borrow{'s' * (len(owing) == 1)}",) if owing else ())
        if gone is not None and not found.sentence():
            raise gone
        return found

    def _one(self, place: str, below: str, prefix: str) -> Risk:
        """What one of them has to lose."""
        if files.found(os.path.join(place, ".git")) is None:
            return self._bare(os.path.realpath(place))
        home = None if self._home is None else os.path.normpath(os.path.join(self._home, below))
        return self._tree(place, git_dir_of(place, home), prefix)

    def _tree(self, place: str, real: str, prefix: str) -> Risk:
        """What one work tree has to lose, its files and what only it leads to."""
        common = common_of(real)
        whole = f"{common}/".startswith(self._inside) or _OF_A_WORKTREE.search(common) is not None
        with own_git_dir(real, common, self._patience) as git_dir:
            index = os.path.join(real, "index")
            ask = Git(git_dir, place, _unhidden(git_dir, place, index, self._patience), self._patience)
            entries = [entry for entry in ask(*_STATUS).split("\0") if entry]
            changed = tuple(prefix + entry[3:] for entry in entries if not entry.startswith("?? "))
            unknown = tuple(prefix + entry[3:] for entry in entries if entry.startswith("?? "))
            under_way = {words for name, words in _UNDER_WAY.items() if files.found(os.path.join(real, name))}
            states = tuple(f"a {words} in progress" for words in sorted(under_way))
            found = Risk(changed, unknown, states=states)
            gone = self._lost(ask, common)
            return found + (self._whole(ask, common, gone) if whole else _reached(ask, real, common, gone))

    def _bare(self, real: str) -> Risk:
        """What a repository without a work tree has to lose."""
        with own_git_dir(real, real, self._patience) as git_dir:
            ask = Git(git_dir, os.path.dirname(real), os.devnull, self._patience)
            return self._whole(ask, real, self._lost(ask, real))

    def _lost(self, ask: Git, common: str) -> list[str]:
        """The remotes of a repository that go with the run; the others may borrow from it, as may the repository."""
        remotes = remotes_of(ask, common)
        named = (common, *(path for _, path in remotes), *map(os.path.dirname, lenders(common)))
        self._named += [place.removesuffix("/.git") for place in named]
        return lost(remotes, self._inside)

    def _whole(self, ask: Git, common: str, gone: Sequence[str]) -> Risk:
        """What goes with a whole repository: commits on whatever leads to them, and stashes; each repository once."""
        if common in self._seen:
            return Risk()
        self._seen.add(common)
        users = self._users(common)
        states = (f"the repository of {_count(users, 'worktree')} elsewhere",) if users else ()
        limits = ("--exclude=refs/stash", "--all", "--not", *others(gone))
        found = _listed(ask, limits, "on no remote")
        lines = kept(targets(ask), gone) if found.commit_count else []
        remotes = [name for name in lines if name.startswith("refs/remotes/")]
        if remotes:
            tips = ask("for-each-ref", f"--count={_MOST_TIPS}", "--format=%(objectname)", "refs/heads").split()
            code, head = ask.told("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
            tips = list(dict.fromkeys([head, *tips] if code == 0 else tips))
            saved = [tip for tip in tips if any(merged(ask, tip, name) for name in remotes)]
            found = _listed(ask, (*limits, *saved), "on no remote") if saved else found
        return replace(found, stashes=_stashes(common), states=states)

    def _users(self, common: str) -> int:
        """How many worktrees outside of the run's directory live on a repository inside."""
        folder = os.path.join(common, "worktrees")
        if not files.is_folder(folder):
            return 0
        trees = [line_of(os.path.join(folder, name), "gitdir") or "" for name in os.listdir(folder)]
        return sum(files.found(one) is not None and not os.path.realpath(one).startswith(self._inside) for one in trees)


def repositories(top: str, rest: Callable[[], object]) -> Iterator[str]:
    """Every directory at or below ``top`` that is a work tree or a bare repository; no link is followed.

    The repositories of submodules in a git directory are found too, checked out or not. ``rest`` is called now and
    then, and may raise.
    """
    waiting = [top]
    while waiting:
        rest()
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        if ".git" in found or (found.get("objects") and found.get("refs") and "HEAD" in found):
            yield folder
            inner = f"{folder}/.git" if ".git" in found else folder
            modules = files.found(f"{inner}/modules")
            if modules is not None and stat.S_ISDIR(modules.st_mode):
                waiting.append(f"{inner}/modules")
            if ".git" not in found:
                continue
        waiting += [f"{folder}/{name}" for name, is_folder in found.items() if is_folder and name != ".git"]


def _unhidden(git_dir: str, place: str, index: str, patience: Patience) -> str:
    """The index to ask: the real one, or a copy in which no file that is there is marked not to be looked at."""
    ask = Git(git_dir, place, index, patience)
    flagged = [
        entry[2:] for entry in ask("ls-files", "-v", "-z").split("\0") if entry[:1] == "S" or entry[:1].islower()
    ]
    hidden = [name for name in flagged if files.found(os.path.join(place, name))]
    if not hidden:
        return index
    if len(hidden) > _MOST_HIDDEN:
        raise Unknown(f"{len(hidden)} of its files are marked not to be looked at")
    copy = os.path.join(git_dir, "index")
    shutil.copyfile(index, copy)
    ask = Git(git_dir, place, copy, patience)
    for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
        for start in range(0, len(hidden), 100):
            ask("update-index", flag, "--", *hidden[start : start + 100])
    return copy


def _reached(ask: Git, real: str, common: str, gone: Sequence[str]) -> Risk:
    """The commits that a worktree's HEAD alone leads to, in a repository that stays."""
    branch = (line_of(real, "HEAD") or "").removeprefix("ref: ")
    if branch.startswith("refs/") and ask.fails("show-ref", "--quiet", "--verify", branch):
        return Risk()  # a branch without commits
    limits = ("HEAD", "--not", *others(gone), f"--exclude={branch.removeprefix('refs/heads/')}", "--branches")
    found = _listed(ask, limits, "on no remote and no other branch")
    if found.commit_count and any(
        merged(ask, "HEAD", name) for name in kept(targets(ask, common), gone) if name != branch
    ):
        return Risk()
    return found


def _listed(ask: Git, limits: tuple[str, ...], elsewhere: str) -> Risk:
    """Commits by their number, and the newest by name."""
    count = int(ask("rev-list", "--count", *limits))
    if count == 0:
        return Risk()
    form = ("--no-commit-header", "--format=%h %s", f"--max-count={NAMED}")
    names = tuple(ask("rev-list", *form, *limits).strip().split("\n"))
    return Risk(commits=names, commit_count=count, elsewhere=elsewhere)


def _stashes(common: str) -> tuple[str, ...]:
    """What was stashed, the newest first, as the log of the stash has it; or that there is something."""
    try:
        with files.opened(files.open_root(os.path.join(common, "logs", "refs"))) as folder:
            text = os.fsdecode(files.read_plain(folder, "stash", 1 << 20))
    except (FileNotFoundError, NotADirectoryError):
        text = ""
    names = [line.partition("\t")[2] for line in text.splitlines() if line]
    if not names and files.found(os.path.join(common, "refs", "stash")):
        return ("unnamed",)
    return tuple(reversed(names))


def _listing(places: Sequence[str]) -> str:
    """A few places by name, and how many more."""
    more = f" and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return " and ".join(clean(place)[:_MOST_TOLD] for place in places[:_MOST_NAMED]) + more


def _count(number: int, noun: str, plural: str = "s") -> str:
    """A number with its noun, and nothing for none."""
    return f"{number} {noun}{'' if number == 1 else plural}" if number else ""
