"""Runs on their way to the trash, back, or out of the world: nothing that lives goes, and no work that is nowhere else.

A run's repo/ may be a worktree: its repository is told where it is now, and its branch may go, and come back, with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from runboard import files, tree, worktree
from runboard.errors import AtRisk, ControlError, Refused
from runboard.lenient import as_mapping, as_text
from runboard.model import Run
from runboard.process import Roll
from runboard.reconcile import settle_or_preview
from runboard.record import iso, parse_started
from runboard.safetext import clean
from runboard.store import LockedRun, OpenTrash, Store, StoreError

if TYPE_CHECKING:
    from runboard.worktree import Branch, Neighbours, Risk

TRASHED = "trashed.json"
"""What is needed to bring a run's branch back, beside its record while it is in the trash."""

_TOGETHER = 256
"""So many runs are cleared with the trash held open once, and made durable together."""


class Cleared(NamedTuple):
    """A run that was dealt with: why it was kept where it was, else the bytes freed and what else there is to say."""

    run_id: str
    error: Exception | None = None
    freed: int = 0
    notes: tuple[str, ...] = ()


class _Terms(NamedTuple):
    """On which terms runs are moved to the trash; see `Clearing.clear`."""

    force: bool = False
    branches: bool = False
    still: Callable[[Run], bool] | None = None
    only_look: bool = False


class _Round(NamedTuple):
    """What runs that are cleared together are held against: no older than the decision to move them."""

    trash: OpenTrash
    roll: Roll | None
    beside: Neighbours


class _Enough(Exception):
    """Nothing stands in the way of a run that is only looked at."""


class Clearing:
    """The acts that move runs away and back, in the name of one person."""

    def __init__(self, store: Store, by: str) -> None:
        """Act on ``store`` in the name of ``by``."""
        self._store = store
        self._by = by

    def neighbours(self) -> Neighbours:
        """A look at which runs borrow from others, to be had once for some that are asked about together."""
        return worktree.Neighbours(self._store.root)

    def at_risk(self, run_id: str, *, in_trash: bool = False, beside: Neighbours | None = None) -> Risk | None:
        """What of the work in a run's repo/ exists nowhere else, or is needed elsewhere; None for nothing."""
        home, beside = self._store.path(run_id), beside or self.neighbours()
        if in_trash:
            return worktree.risk_of(self._in_trash(run_id), home, beside)
        with tree.let_in(self._store.root, run_id, for_now=True):
            return None if os.path.islink(home) else worktree.risk_of(home, None, beside)

    def branch_of(self, run_id: str) -> Branch | None:
        """The branch that is checked out in a run's repo/, of a repository elsewhere."""
        home = self._store.path(run_id)
        with tree.let_in(self._store.root, run_id, for_now=True):
            return None if os.path.islink(home) else worktree.branch_of(home)

    def trash(self, run_id: str, *, force: bool = False, branches: bool = False) -> tuple[str, ...]:
        """Move a finished or damaged run to the trash, and tell its repository; returns what else there is to say.

        Args:
            run_id: Which run.
            force: Also with work that is nowhere else, past a lock that somebody does not let go of, and where the
                system does not show the record.
            branches: Delete its branch too where that loses nothing, or with ``force``.

        Raises:
            AtRisk: Its checkout holds work that is nowhere else.
            StoreError: It is live, gone, or cannot be moved.
        """
        with self._store.open_trash() as trash:
            return self._trash(run_id, _Terms(force, branches), _Round(trash, None, self.neighbours()))

    def preview(
        self, run_ids: Iterable[str], *, force: bool = False, still: Callable[[Run], bool] | None = None
    ) -> Generator[Cleared, None, None]:
        """What `clear` would say of each of these runs: the same road but for its last step, and all is as it was."""
        yield from self._cleared(run_ids, _Terms(force, still=still, only_look=True))

    def restore(self, run_id: str) -> tuple[str, ...]:
        """Bring a run back from the trash, with its worktree and its branch; returns what else there is to say.

        Raises:
            StoreError: It is not in the trash, or its id is taken again.
        """
        self._store.restore(run_id)
        notes = self._followed(self._store.path(run_id), self._in_trash(run_id))
        try:
            told = as_mapping(self._store.read_json(run_id, TRASHED))
        except StoreError as error:
            return (*notes, f"whether it had a branch cannot be told: {error}")
        name, commit = as_text(told.get("branch")), as_text(told.get("commit"))
        if name and commit:
            try:
                if worktree.bring_back(self._store.path(run_id), name, commit):
                    notes.append(f"branch {clean(name)} is back at {commit[:12]}")
            except worktree.Unknown as error:
                was = f"branch {clean(name)}, which was at {clean(commit)[:64]},"
                notes.append(f"{was} could not be brought back: {error}")
            with suppress(OSError, StoreError), files.opened(self._store.open_dir(run_id)) as folder:
                os.unlink(TRASHED, dir_fd=folder)
        return tuple(notes)

    def destroy(self, run_id: str, *, force: bool = False, held: _Round | None = None) -> int:
        """Remove a run in the trash for good, with the same care for work in its checkout; returns the bytes freed.

        Raises:
            AtRisk: Its checkout holds work that is nowhere else.
            StoreError: It cannot be removed.
        """
        self._refuse_loss(run_id, force=force, in_trash=True, beside=held and held.beside)
        path, home = self._in_trash(run_id), self._store.path(run_id)
        known = worktree.administration(path, path) or worktree.administration(path, home)
        freed = self._store.destroy(run_id, held and held.trash, past_lock=force)
        if known is not None:
            try:
                worktree.forget(known)
            except OSError as error:
                raise StoreError(f"run {run_id} is gone, but {clean(known)} could not be removed: {error}") from None
        return freed

    def clear(
        self,
        run_ids: Iterable[str],
        *,
        force: bool = False,
        branches: bool = False,
        for_good: bool = False,
        still: Callable[[Run], bool] | None = None,
    ) -> Generator[Cleared, None, None]:
        """Move many runs to the trash, or those there out of the world; one that stops here leaves the rest untouched.

        Args:
            run_ids: Which runs; taken a few hundred at a time.
            force: Also where work that is nowhere else is lost.
            branches: Delete their branches too, where that loses nothing or with ``force``.
            for_good: Destroy what is in the trash already.
            still: Whether a run, read again under its lock, is yet one of those to be moved.

        Yields:
            Each run once it is dealt with.
        """
        yield from self._cleared(run_ids, _Terms(force, branches, still), for_good=for_good)

    def _cleared(
        self, run_ids: Iterable[str], terms: _Terms, *, for_good: bool = False
    ) -> Generator[Cleared, None, None]:
        """What becomes of many runs, some hundred of which share one look at all processes and at all runs."""
        coming = iter(run_ids)
        while some := list(islice(coming, _TOGETHER)):
            with self._store.open_trash() as trash:
                held = _Round(trash, None if for_good else Roll(), self.neighbours())
                for run_id in some:
                    try:
                        if for_good:
                            yield Cleared(run_id, freed=self.destroy(run_id, force=terms.force, held=held))
                        else:
                            yield Cleared(run_id, notes=self._trash(run_id, terms, held))
                    except (ControlError, StoreError) as error:
                        yield Cleared(run_id, error)

    def _trash(self, run_id: str, terms: _Terms, held: _Round) -> tuple[str, ...]:
        """Move one run to the trash, as it is then, read under its lock; or see that it would go."""
        force, root = terms.force, self._store.root
        if os.path.islink(self._store.path(run_id)):  # it goes itself; what it points to is not ours
            held.trash.refuse(run_id) if terms.only_look else self._store.trash(run_id, held.trash)
            return ()
        with suppress(_Enough), tree.let_in(root, run_id):  # else nothing of it can be seen
            risk = self._refuse_loss(run_id, force=force, beside=held.beside)
            branch = self.branch_of(run_id) if terms.branches else None
            goes = branch is not None and (branch.kept is None or (force and not branch.needed))
            over = force and settle_or_preview(self._store, run_id, by=self._by).unsaved

            def sure(run: LockedRun) -> None:
                """Refuse what lives, may live or is not meant any more, and write down what the branch was."""
                self._refuse_changed(run, terms, held.roll or Roll())
                if terms.only_look:
                    held.trash.refuse(run_id)
                    raise _Enough
                if goes and branch is not None:
                    told = {"at": iso(time.time()), "by": self._by, "branch": branch.name, "commit": branch.commit}
                    run.put_file(TRASHED, files.encode(told | {"repository": branch.repository}, indent=True))

            self._store.trash(run_id, held.trash, sure, past_lock=force, over=over)
            return self._moved(run_id, branch, goes=goes)
        return () if risk is None else (f"{risk.sentence()}: goes to the trash, and is lost when that is emptied",)

    def _in_trash(self, run_id: str) -> str:
        """Where a run is while it is in the trash."""
        return os.path.join(self._store.root, ".trash", run_id)

    def _refuse_loss(
        self, run_id: str, *, force: bool, in_trash: bool = False, beside: Neighbours | None = None
    ) -> Risk | None:
        """Stand in the way of losing work that is nowhere else; the trash alone loses nothing of a lost repository.

        Returns:
            What is lost for good once the trash is emptied, where nobody forced that.

        Raises:
            AtRisk: There is such work, and nobody said ``force``.
        """
        risk = None if force else self.at_risk(run_id, in_trash=in_trash, beside=beside)
        if risk is not None and (in_trash or not risk.gone):
            raise AtRisk(run_id, risk.sentence(), risk.lines())
        return risk

    def _refuse_changed(self, held: LockedRun, terms: _Terms, roll: Roll) -> None:
        """Stand in the way of moving a run that, looked at under its lock, is not what it was taken for.

        Raises:
            Refused: It lives, may live, or is not meant any more.
        """
        run = held.run
        self._refuse_living(run, roll)
        if held.unread and not terms.force:
            raise Refused(f"run {run.id} was kept: {run.damage}; it may be live elsewhere: --force moves it")
        if terms.still is not None and not run.active and not terms.still(run):
            raise Refused(f"run {run.id} was kept: it has changed, and is none of those any more that were to go")

    def _refuse_living(self, run: Run, roll: Roll) -> None:
        """Stand in the way of moving a run that lives, whatever its record says.

        Raises:
            Refused: Something of it lives.
        """
        started = parse_started(self._store.read_json(run.id, "started.json"))
        ended = self._store.file_stat(run.id, "exit.json") is not None
        living = roll.living(run, self._store.path(run.id), started, ended=ended)
        if living is not None:
            says = f"its record says {run.status}, but {living} of it lives"
            raise Refused(f"run {run.id} was kept: {says}; end that first")

    def _moved(self, run_id: str, branch: Branch | None, *, goes: bool) -> tuple[str, ...]:
        """What follows a run into the trash: its repository knows where it is, and its branch is deleted."""
        path, home = self._in_trash(run_id), self._store.path(run_id)
        notes = []
        if branch is not None:
            where = f"branch {clean(branch.name)} of {clean(branch.repository)}"
            if not goes:
                notes.append(f"{where} was kept: {branch.kept}")
            else:
                try:
                    worktree.delete(path, branch, home)
                    notes.append(f"deleted {where}; it was at {branch.commit}")
                except worktree.Unknown as error:
                    notes.append(f"{where} was kept: {error}")
        return (*notes, *self._followed(path, home))

    def _followed(self, path: str, home: str) -> list[str]:
        """Have the repository of a run that was moved know where its worktree is; what is to say of it."""
        try:
            worktree.follow(path, home)
        except OSError as error:
            place = clean(f"{path}/repo")
            return [f"its repository could not be told where {place} is now ({error}); git worktree repair tells it"]
        return []
