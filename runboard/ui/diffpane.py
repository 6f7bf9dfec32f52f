"""What the chosen run changed in its checkout: the files with their counts, then the patch, each line literally."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.strip import Strip

from runboard.model import Run
from runboard.ui.cells import cut_start, fit
from runboard.ui.corner import mention
from runboard.ui.scrolled import ScrolledPane, panning, scrolling

if TYPE_CHECKING:
    from runboard.worktree import Changes

Line = tuple[tuple[str, str], ...]
"""Texts with the names of their looks."""

PATH_MOST = 60
"""Cells that the longest path gets in the list of files."""


class DiffPane(ScrolledPane, inherit_bindings=False):
    """Shows changes that others have looked up."""

    VIEW = "Diff"
    BINDING_GROUP_TITLE = "Diff"
    BINDINGS: ClassVar[list[BindingType]] = [
        *scrolling("diff"),
        *panning("diff"),
        Binding("n", "file(1)", "next file", tooltip="To the next file of the patch", show=False, id="diff.next"),
        Binding("N", "file(-1)", "previous file", tooltip="To the file before", show=False, id="diff.previous"),
        Binding("enter", "app.details", "Everything known of the run", show=False, id="diff.details"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"diff--{look}" for look in ("text", "quiet", "added", "removed", "file", "hunk")
    }

    def __init__(self) -> None:
        """Begin with no run."""
        super().__init__("diff")
        self._changes: Changes | None = None
        self._lines: list[Line] = []

    def show(self, run: Run, word: str, changes: Changes | None) -> None:
        """Show what a run changed, None while that is being looked up; another run's is shown from its start."""
        anew = changes is None or self._run is None or run.id != self._run.id
        same = changes == self._changes and not anew
        self._run, self._word, self._changes = run, word, changes
        if not same:
            self._lines = list(lines_of(changes)) if changes and not changes.trouble else []
            self._relined(anew=anew)

    def _forget(self) -> None:
        """Nothing is on show any more."""
        self._changes, self._lines = None, []

    def _count(self) -> int:
        """The files and the lines of the patch."""
        return len(self._lines)

    def _line(self, at: int) -> Strip:
        """One line in its looks."""
        return Strip([Segment(" "), *(Segment(text, self._look(look)) for text, look in self._lines[at])])

    def _look(self, name: str) -> Style:
        """A component's ink."""
        return self.get_component_rich_style(f"diff--{name}", partial=True)

    def _empty_text(self) -> str:
        """Why there is nothing to show."""
        if self._run is None:
            return ""
        if self._changes is None:
            return "Looking what changed…"
        return self._changes.trouble or f"No change since {self._changes.base}"

    def action_file(self, by: int) -> None:
        """Scroll to another file of the patch."""
        starts = [at for at, line in enumerate(self._lines) if line and line[0][1] == "file"]
        beyond = [at for at in starts if (at > self._top if by > 0 else at < self._top)]
        if beyond:
            self._go(beyond[0] if by > 0 else beyond[-1])
        else:
            mention(self.app, f"There is no {'further' if by > 0 else 'earlier'} file")


def lines_of(changes: Changes) -> Iterator[Line]:
    """Changes as lines: from what they are, the files with their counts, those unknown to git, and the patch."""
    if not changes.files and not changes.untracked:
        return
    added, removed = (sum(getattr(file, way) or 0 for file in changes.files) for way in ("added", "removed"))
    count = len(changes.files)
    yield (
        (f"{count} file{'s' * (count != 1)} changed since {changes.base}", "text"),
        (f"   +{added}", "added"),
        (f" -{removed}", "removed"),
    )
    paths = [*(file.path for file in changes.files), *changes.untracked]
    width = min(PATH_MOST, max(len(path) for path in paths))
    for file in changes.files:
        path = (fit(cut_start(file.path, width), width), "text")
        if file.added is None:
            yield path, ("  not text", "quiet")
        else:
            yield path, (f"  {f'+{file.added}':>6}", "added"), (f" {f'-{file.removed}':>6}", "removed")
    for name in changes.untracked:
        yield (fit(cut_start(name, width), width), "quiet"), ("  untracked", "quiet")
    if changes.cut:
        yield ((f"There are {changes.cut} than are shown here.", "text"),)
    yield from _patch(changes.patch)


def _patch(lines: Iterable[str]) -> Iterator[Line]:
    """The lines of a patch; of what stands above a file's first piece, only what its name does not say already."""
    head = False
    for line in lines:
        if line.startswith("diff --git "):
            head = True
            yield ()
            yield ((_file_of(line.removeprefix("diff --git ")), "file"),)
        elif line.startswith("@@"):
            head = False
            yield ((line, "hunk"),)
        elif head:
            if not line.startswith(("index ", "--- ", "+++ ")):
                yield ((line, "quiet"),)
        else:
            yield ((line, {"+": "added", "-": "removed"}.get(line[:1], "text")),)


def _file_of(names: str) -> str:
    """The name in "a/name b/name", or both where they differ."""
    half = (len(names) - 1) // 2
    return names[2:half] if names[2:half] == names[half + 3 :] else names
