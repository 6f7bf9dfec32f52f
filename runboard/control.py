"""What a person may do to runs: start, stop, mark, clear, restore; who was given no Control can do none of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from itertools import islice
from signal import Signals

from runboard import edits, process, signalling
from runboard.errors import ControlError, told
from runboard.model import Identity, Run, Status
from runboard.query import Query
from runboard.reconcile import finalize_run, settle, settle_all
from runboard.store import OpenTrash, Store, StoreError
from runboard.worktree import work_at_risk

__all__ = ["Cleared", "Control", "ControlError", "whoami"]

Cleared = Generator[tuple[str, Exception | None], None, None]
"""Each run's id once it is dealt with, and why it was kept where it was."""

_TOGETHER = 256
"""So many runs are cleared with the trash held open once, and made durable together."""


class Control:
    """The acts of one person on one store; every call blocks until the act is done and on disk."""

    def __init__(self, store: Store, by: str | None = None) -> None:
        """Act on ``store`` in the name of ``by``, by default user@host."""
        self._store = store
        self.by = by or whoami()

    def start(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        tags: Sequence[str] = (),
        timeout: float | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        model: str | None = None,
        repo: str | None = None,
        issue: str | None = None,
        persona: str | None = None,
        rerun_of: str | None = None,
    ) -> Run:
        """Start a detached run with this process's environment and ``env`` over it.

        Args:
            command: Program and arguments, as execvp(3) takes them.
            name: What to call it; likewise the other words about it.
            tags: Words to find it by.
            timeout: Seconds after which its whole tree is ended.
            cwd: Where it runs, by default here.
            env: Variables of its own; kept in the record, so that a rerun has them again.
            model: The model an agent uses.
            repo: The repository it works on.
            issue: The issue it works on.
            persona: The role an agent plays.
            rerun_of: The id of the run that this one tries again.

        Returns:
            The running run, or a finished one (``start-failed``) if the command could not be started.

        Raises:
            ControlError: There is no command, or it cannot be passed to a program.
            StoreError: The run could not be written down; nothing was started then.
        """
        if not sys.platform.startswith("linux"):
            raise ControlError("runs are started on Linux only: their shim needs sigtimedwait, which this system lacks")
        if not command or not command[0]:
            raise ControlError("there is no command to start; give one after --, as in: runboard run -- make test")
        if any("\0" in part for part in (*command, *(env or {}), *(env or {}).values())):
            raise ControlError("the command holds a NUL character, which no program can be given")
        with told("No run can be started now"):
            launcher = _launcher()
        draft = Run(
            id="",
            name=name,
            command=tuple(command),
            cwd=os.path.abspath(cwd) if cwd else os.getcwd(),
            env=tuple(sorted((env or {}).items())),
            repo=repo,
            issue=issue,
            persona=persona,
            model=model,
            tags=tuple(tags),
            started_at=time.time(),
            timeout=timeout,
            process=launcher,
            rerun_of=rerun_of,
        )
        return self._launched(self._store.create(draft))

    def kill(self, run_id: str, signal: int = Signals.SIGTERM, grace: float = 5.0, *, leader: bool = False) -> Run:
        """End a run's whole process tree, and return the run as it was settled.

        The wish is on disk before the first signal, so that whoever settles the ending says "killed". A signal that is
        no wish to end (SIGUSR1, SIGCONT) is only sent, and the run comes back as it stands; so is any signal for the
        ``leader`` alone, its command without what that started.

        Raises:
            ControlError: It has ended already, its process is out of reach or not provably its own, or it survived.
            StoreError: The wish could not be written down; nothing was signalled then.
        """
        return signalling.kill(self._store, run_id, signal, grace, by=self.by, leader=leader)

    def signal_process(self, run_id: str, who: tuple[int, int], signal: int) -> None:
        """Send one signal to one process of a run, named by pid and start ticks; for its command see ``kill``.

        Raises:
            ControlError: The run has ended or is out of reach, or the process is gone or not of it.
            StoreError: The wish to end its command could not be written down; nothing was signalled then.
        """
        signalling.signal_process(self._store, run_id, who, signal, by=self.by)

    def pause(self, run_id: str) -> Run:
        """Stop every process of a run where it stands, until it is told to go on; its time limit goes on.

        Raises:
            ControlError: It has ended, its process is out of reach or not provably its own, or some would not stop.
            StoreError: It is paused, and its history could not be written.
        """
        return signalling.pause(self._store, run_id, by=self.by)

    def resume(self, run_id: str) -> Run:
        """Let every stopped process of a run go on.

        Raises:
            ControlError: It has ended, or its process is out of reach or not provably its own.
            StoreError: It goes on, and its history could not be written.
        """
        return signalling.resume(self._store, run_id, by=self.by)

    def mark(self, run_id: str, status: Status, why: str | None = None) -> Run:
        """Have a finished run counted as ``status``; what was observed of its ending stays in the record.

        Raises:
            StoreError: It has not ended, is damaged or gone, or could not be written.
        """
        settle(self._store, run_id, by=self.by)
        return edits.mark(self._store, run_id, status, by=self.by, why=why)

    def tag(self, run_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> Run:
        """Give a run, live or not, tags and take tags from it.

        Raises:
            StoreError: A tag is none, or the run is damaged or gone, or could not be written.
        """
        return edits.tag(self._store, run_id, add=add, remove=remove, by=self.by)

    def note(self, run_id: str, text: str) -> Run:
        """Put a note on a run, live or not, in place of the one it had; an empty one takes it away.

        Raises:
            StoreError: It is too long, or the run is damaged or gone, or could not be written.
        """
        return edits.note(self._store, run_id, text, by=self.by)

    def rerun(self, run_id: str) -> Run:
        """Start the same command again: its directory, words, limit and variables; the rest of the environment is ours.

        Raises:
            ControlError: The record does not say what command it was.
            StoreError: The new run could not be written down.
        """
        run = self._store.read(run_id)
        if not run.command:
            raise ControlError(f"run {run_id} cannot be run again: its record does not say what command it was")
        return self.start(
            run.command,
            name=run.name,
            tags=run.tags,
            timeout=run.timeout,
            cwd=run.cwd,
            env=dict(run.env),
            model=run.model,
            repo=run.repo,
            issue=run.issue,
            persona=run.persona,
            rerun_of=run.id,
        )

    def trash(self, run_id: str, *, force: bool = False, into: OpenTrash | None = None) -> None:
        """Move a finished run to the trash; work in its git checkout that is nowhere else keeps it, unless forced.

        Raises:
            ControlError: Its checkout holds work that is nowhere else.
            StoreError: It is live, gone, or cannot be moved.
        """
        self._refuse_loss(run_id, self._store.path(run_id), force=force)
        self._store.trash(run_id, into)

    def restore(self, run_id: str) -> None:
        """Bring a run back from the trash.

        Raises:
            StoreError: It is not in the trash, or its id is taken again.
        """
        self._store.restore(run_id)

    def destroy(self, run_id: str, *, force: bool = False, held: OpenTrash | None = None) -> None:
        """Remove a run in the trash for good, with the same care for work in its checkout.

        Raises:
            ControlError: Its checkout holds work that is nowhere else.
            StoreError: It cannot be removed.
        """
        self._refuse_loss(run_id, os.path.join(self._store.root, ".trash", run_id), force=force)
        self._store.destroy(run_id, held)

    def clear(self, run_ids: Iterable[str], *, force: bool = False, for_good: bool = False) -> Cleared:
        """Move many runs to the trash, or those there out of the world; one that stops here leaves the rest untouched.

        Args:
            run_ids: Which runs; taken a few hundred at a time.
            force: Also where work that is nowhere else is lost.
            for_good: Destroy what is in the trash already.

        Yields:
            Each id once it is dealt with, and why it was kept where it was.
        """
        coming = iter(run_ids)
        while some := list(islice(coming, _TOGETHER)):
            with self._store.open_trash() as trash:
                for run_id in some:
                    try:
                        if for_good:
                            self.destroy(run_id, force=force, held=trash)
                        else:
                            self.trash(run_id, force=force, into=trash)
                    except (ControlError, StoreError) as error:
                        yield run_id, error
                    else:
                        yield run_id, None

    def clean_candidates(
        self,
        query: Query = Query(),  # noqa: B008 - a frozen value
        *,
        older_than: float | None = None,
        status: str | None = None,
        keep: int | None = None,
        max_size: int | None = None,
        now: float,
    ) -> list[Run]:
        """The finished runs that a clean-up with these limits would take, oldest first; a live or damaged one never is.

        Args:
            query: Only runs that match.
            older_than: Only runs that ended more than so many seconds before ``now``.
            status: Only ``completed`` or only ``failed`` ones.
            keep: Spare the newest so many of what is left.
            max_size: Take the oldest only until the rest is at most so many bytes.
            now: Epoch seconds.
        """
        chosen = [
            run
            for run in settle_all(self._store, by=self.by)
            if run.status in {Status.COMPLETED, Status.FAILED}
            and not run.unsaved
            and query.matches(run, now, self._store.size(run.id) if query.sized else None)
            and (status is None or run.status == status)
            and (older_than is None or now - _ended(run) > older_than)
        ]
        chosen.sort(key=_ended)
        if keep is not None:
            chosen = chosen[: max(0, len(chosen) - keep)]
        return chosen if max_size is None else self._over_size(chosen, max_size)

    def _over_size(self, chosen: Sequence[Run], max_size: int) -> list[Run]:
        """The oldest of these that must go for all runs together to be at most ``max_size`` bytes.

        Measured is what stays whatever happens, then the rest from the newest, until no more fits: not the older ones.
        """
        total = 0
        for run_id in set(self._store.ids()).difference(run.id for run in chosen):
            total += self._store.size(run_id)
        for spared, run in enumerate(reversed(chosen)):
            total += self._store.size(run.id)
            if total > max_size:
                return list(chosen[: len(chosen) - spared])
        return []

    def _launched(self, run: Run) -> Run:
        """Start the shim of a run that has been written down, and record who it is; whoever comes first records it."""
        directory = self._store.open_dir(run.id)
        try:
            started = process.launch(run, directory, environ=os.environ, successor=self._successor(run.id))
        finally:
            os.close(directory)
        if started.errno is not None:
            return settle(self._store, run.id, by=self.by)
        return finalize_run(self._store, run.id, by=self.by)

    def _successor(self, run_id: str) -> list[str]:
        """What the shim becomes at the end; -P, because the run's directory must not lend Python its modules."""
        return [sys.executable, "-P", "-m", "runboard", "--runs-dir", self._store.root, "reconcile", run_id]

    def _refuse_loss(self, run_id: str, path: str, *, force: bool) -> None:
        """Stand in the way of losing work that is nowhere else.

        Raises:
            ControlError: There is such work, and nobody said ``force``.
        """
        at_risk = None if force else work_at_risk(path)
        if at_risk is not None:
            raise ControlError(f"run {run_id} was kept: its repo/ holds {at_risk}; save it, or use --force to lose it")


def whoami() -> str:
    """The person at the keyboard, as user@host."""
    import pwd  # noqa: PLC0415 - only whoever acts needs a name

    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    return f"{user}@{os.uname().nodename}"


def _launcher() -> Identity:
    """The present process as the maker of a run that has no process of its own yet."""
    place = process.here()
    pid = os.getpid()
    return Identity(
        boot_id=place.boot_id,
        pid_namespace=place.pid_namespace,
        host=place.host,
        launcher_pid=pid,
        launcher_start_ticks=process.start_ticks(pid),
    )


def _ended(run: Run) -> float:
    """When a finished run ended, or began where nobody recorded the end; epoch seconds."""
    return run.completed_at or run.started_at or 0.0
