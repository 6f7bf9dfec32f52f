"""What a person may do to runs: start, stop, mark, clear, restore; who was given no Control can do none of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import cached_property
from signal import Signals
from typing import TYPE_CHECKING, Unpack

from runboard import late, process
from runboard.errors import AtRisk, ControlError, told
from runboard.model import Identity, Run, Status
from runboard.query import Query
from runboard.safetext import clean
from runboard.store import Store

if TYPE_CHECKING:
    from runboard import edits, reconcile, signalling
    from runboard.clearing import Cleared, Clearing
    from runboard.retention import Limits, Retention
else:  # a board begins before anything is done
    edits, reconcile, signalling = map(late.module, ("edits", "reconcile", "signalling"))

__all__ = ["AtRisk", "Control", "ControlError", "whoami"]


class Control:
    """The acts of one person on one store; every call blocks until the act is done and on disk."""

    def __init__(self, store: Store, by: str | None = None) -> None:
        """Act on ``store`` in the name of ``by``, by default user@host."""
        self._store = store
        self.by = by or whoami()

    @cached_property
    def clearing(self) -> Clearing:
        """What moves away and brings back."""
        from runboard.clearing import Clearing  # noqa: PLC0415 - see above

        return Clearing(self._store, self.by)

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
            env: Variables of its own; the record keeps their names, their values are written to no disk.
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
            env=tuple(sorted(env or {})),
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
        return self._launched(self._store.create(draft), env or {})

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
        reconcile.settle(self._store, run_id, by=self.by)
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

    def rerun(self, run_id: str, env: Mapping[str, str] | None = None) -> Run:
        """Start the same command again: its directory, words and limit, in our environment with ``env`` over it.

        Raises:
            ControlError: The record does not say what command it was, or a variable of its own has no value here.
            StoreError: The new run could not be written down.
        """
        run = self._store.read(run_id)
        if not run.command:
            raise ControlError(f"run {run_id} cannot be run again: its record does not say what command it was")
        own = {name: os.environ[name] for name in run.env if name in os.environ} | dict(env or {})
        if missing := [clean(name) for name in run.env if name not in own]:
            raise ControlError(
                f"run {run_id} had variables of its own whose values are not kept: {', '.join(missing)};"
                f" say them again: runboard rerun {run_id} {' '.join(f'--env {name}=…' for name in missing)}"
            )
        return self.start(
            run.command,
            name=run.name,
            tags=run.tags,
            timeout=run.timeout,
            cwd=run.cwd,
            env=own,
            model=run.model,
            repo=run.repo,
            issue=run.issue,
            persona=run.persona,
            rerun_of=run.id,
        )

    def trash(self, run_id: str, *, force: bool = False, branches: bool = False) -> tuple[str, ...]:
        """Move a finished or damaged run to the trash (see ``Clearing.trash``); returns what else there is to say.

        Raises:
            AtRisk: Its checkout holds work that is nowhere else, and nobody said ``force``.
            StoreError: It is live, gone, or cannot be moved.
        """
        return self.clearing.trash(run_id, force=force, branches=branches)

    def restore(self, run_id: str) -> tuple[str, ...]:
        """Bring a run back from the trash, with its worktree and branch; returns what else there is to say.

        Raises:
            StoreError: It is not in the trash, or its id is taken again.
        """
        return self.clearing.restore(run_id)

    def clear(
        self,
        run_ids: Iterable[str],
        *,
        force: bool = False,
        branches: bool = False,
        for_good: bool = False,
        still: Callable[[Run], bool] | None = None,
    ) -> Generator[Cleared, None, None]:
        """Move many runs to the trash, or with ``for_good`` those there out of the world (see ``Clearing.clear``)."""
        return self.clearing.clear(run_ids, force=force, branches=branches, for_good=for_good, still=still)

    def retention(self, query: Query = Query(), *, now: float, **limits: Unpack[Limits]) -> Retention:  # noqa: B008 - a frozen value
        """A clean-up of what matches a query, at a time in epoch seconds, with these limits (see `Retention`)."""
        from runboard.retention import Retention  # noqa: PLC0415 - see above

        return Retention(self._store, self.by, now, query, **limits)

    def clean_candidates(self, query: Query = Query(), *, now: float, **limits: Unpack[Limits]) -> list[Run]:  # noqa: B008 - a frozen value
        """The runs that such a clean-up would take, oldest first."""
        return self.retention(query, now=now, **limits).candidates()

    def _launched(self, run: Run, own: Mapping[str, str]) -> Run:
        """Start the shim of a run that has been written down, and record who it is; whoever comes first records it."""
        directory = self._store.open_dir(run.id)
        try:
            successor = self._successor(run.id)
            started = process.launch(run, directory, environ=os.environ, own=own, successor=successor)
        finally:
            os.close(directory)
        if started.errno is not None:
            return reconcile.settle(self._store, run.id, by=self.by)
        return reconcile.finalize_run(self._store, run.id, by=self.by)

    def _successor(self, run_id: str) -> list[str]:
        """What the shim becomes at the end; -P, because the run's directory must not lend Python its modules."""
        return [sys.executable, "-P", "-m", "runboard", "--runs-dir", self._store.root, "reconcile", run_id]


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
