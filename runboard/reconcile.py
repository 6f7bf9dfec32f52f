"""The only road from running to finished: gather what is known, judge it, and persist the ending exactly once.

`together` goes the same road with many runs at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from runboard import files, process
from runboard.evidence import exit_of, gather
from runboard.folder import ANSWER
from runboard.model import AgentVerdict, Evidence, KillRequest, Liveness, Run
from runboard.record import dump
from runboard.store import LockedRun, NoSuchRun, OpenRun, Store, StoreError
from runboard.verdict import ENDING_SIGNALS, ended_at, resolve_run_status

RECORD_LIMIT = 3.0
"""Seconds that a living shim is given to write down an ending; it takes a millisecond (m) unless it was stopped."""


def finalize_run(
    store: Store,
    run_id: str,
    *,
    gone_at: float | None = None,
    kernel_status: int | None = None,
    by: str = "reconcile",
    patient: bool = True,
) -> Run:
    """Move a run out of running, if it has ended: the only function that does, beside `together.finalize_together`.

    Under the run's lock: read again, leave a finished run alone, gather, judge, write, journal. While the shim lives
    and has not written its record, nothing is judged, unless ``patient`` is False and somebody stopped it.

    Args:
        store: Where the run lives.
        run_id: Which run.
        gone_at: When its process was seen to go, epoch seconds; None where it was found dead.
        kernel_status: The raw wait status that the kernel gave, where it did.
        by: Who is settling, for the history.
        patient: Whether to leave a run alone whose shim may still write its exit record.

    Returns:
        The run as it now stands on disk.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
        StoreError: Its lock was not to be had, or the ending could not be written.
    """
    with store.locked(run_id) as locked:
        if not locked.run.active:
            return locked.run
        run, evidence = gather(locked, locked.run, gone_at, kernel_status, patient=patient)
        finished = None if evidence is None else judged(run, evidence, by)
        if finished is None:
            return locked.put(run, "started", by=by) if run != locked.run else run
        saved = _persist(locked, finished, evidence, by)
    if words := hook_words():
        fire(store, words, run_id, dump(saved))
    return saved


def settle(
    store: Store,
    run_id: str,
    *,
    gone_at: float | None = None,
    kernel_status: int | None = None,
    by: str = "reconcile",
    told_soon: Callable[[], bool] = lambda: False,
) -> Run:
    """A run as it truly stands, its ending persisted if it has ended; blocks while a living shim owes its record.

    A run that cannot be judged from here comes back running, with ``foreign`` saying why, and so does one whose end the
    kernel is about to tell, as ``told_soon`` says: how it ended would be unknown without that word.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
        StoreError: Its lock was not to be had, or the ending could not be written.
    """
    deadline = time.monotonic() + RECORD_LIMIT
    pause = 0.0005
    if gone_at is not None:  # it was seen to end, so there is no need to look before it is locked
        run = finalize_run(store, run_id, gone_at=gone_at, kernel_status=kernel_status, by=by)
        if not run.active:
            return run
    while True:
        run = store.read(run_id)
        if not run.active:
            return run
        patient = time.monotonic() < deadline
        with store.reading(run_id) as folder:
            adopted, evidence = gather(folder, run, gone_at, kernel_status, patient=patient, words=False)
        if evidence is not None:
            if _unheard(evidence) and told_soon():
                return run
            if adopted == run and resolve_run_status(run, evidence, time.time()) is None:
                return _told(run, evidence)
            settled = finalize_run(store, run_id, gone_at=gone_at, kernel_status=kernel_status, by=by, patient=patient)
            if not settled.active or evidence.liveness is not Liveness.GONE or not patient:
                return _told(settled, evidence)
        elif not patient:
            return adopted  # its process has gone; a shim that waits for a disk will yet tell how
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def preview(
    store: Store,
    run_id: str,
    *,
    gone_at: float | None = None,
    kernel_status: int | None = None,
    by: str = "preview",
    told_soon: Callable[[], bool] = lambda: False,
) -> Run:
    """The same judgement in memory only, for one who may look and not write; an ending comes back ``unsaved``."""
    deadline = time.monotonic() + RECORD_LIMIT
    while True:
        run = store.read(run_id)
        if not run.active:
            return run
        patient = time.monotonic() < deadline
        try:
            with store.reading(run_id) as folder:
                run, evidence = gather(folder, run, gone_at, kernel_status, patient=patient)
        except NoSuchRun:
            raise
        except StoreError as error:
            return run._replace(foreign=f"unjudged: {error}")
        if evidence is not None:
            if _unheard(evidence) and told_soon():
                return run
            finished = judged(run, evidence, by)
            return finished._replace(unsaved=True) if finished else _told(run, evidence)
        if not patient:
            return run
        time.sleep(0.005)


def _unheard(evidence: Evidence) -> bool:
    """Whether a process was found dead of which nobody has told how it ended."""
    return evidence.liveness is Liveness.GONE and evidence.exit is None and evidence.gone_at is None


def settle_or_preview(
    store: Store, run_id: str, *, gone_at: float | None = None, kernel_status: int | None = None, by: str = "ps"
) -> Run:
    """Settle, or where the ending cannot be written (read-only disk, no space, a stuck lock) judge in memory.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
    """
    try:
        return settle(store, run_id, gone_at=gone_at, kernel_status=kernel_status, by=by)
    except NoSuchRun:
        raise
    except StoreError:
        return preview(store, run_id, gone_at=gone_at, kernel_status=kernel_status)


def wait_for(store: Store, run_id: str, *, by: str = "wait") -> Run:
    """Block until a run has ended and is settled; a run of another host is looked at twice a second.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
        StoreError: Its ending could not be written.
    """
    while True:
        run = settle(store, run_id, by=by)
        if not run.active:
            return run
        if run.foreign is not None:
            time.sleep(0.5)
        elif process.wait_gone(run, 1.0):
            settle(store, run_id, gone_at=time.time(), by=by)


def request_kill(store: Store, run_id: str, signal: int, *, by: str, timeout: bool = False) -> Run:
    """Write down that somebody wants the run ended, before any signal is sent; the first wish to end it stays.

    Returns:
        The run with its request, or the run as it is where it has ended already.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
        StoreError: Its lock was not to be had, or the request could not be written.
    """
    with store.locked(run_id) as locked:
        run = locked.run
        asked = run.kill_request is not None and run.kill_request.signal in ENDING_SIGNALS
        if not run.active or asked or exit_of(locked) is not None:
            return run
        request = KillRequest(time.time(), by, signal, process.boot_clock(), timeout)
        return locked.put(run._replace(kill_request=request), "kill", by=by)


def end_overdue(store: Store, run: Run, *, by: str = "reconcile") -> Run:
    """End a live run that is past its time limit and has no shim to do it; one that is not provably ours is left alone.

    Raises:
        StoreError: The request could not be written; nothing was signalled then.
    """
    path = store.path(run.id)
    if not overdue(run) or process.liveness(run) is not Liveness.ALIVE or not process.proven(run, path):
        return run
    run = request_kill(store, run.id, 15, by="the time limit", timeout=True)
    if not run.active:
        return run
    process.end_tree(run, path, 15, 5.0)
    return settle(store, run.id, gone_at=time.time(), by=by)


def overdue(run: Run) -> bool:
    """Whether a run without a living shim is past its limit, by the boot clock: no change of the wall's ends a run."""
    if run.timeout is None or run.process.pid is None or not run.active:
        return False
    ticks = run.process.start_ticks
    if ticks is None:
        ticks = process.start_ticks(run.process.pid)
    if ticks is None or process.boot_clock() - ticks / os.sysconf("SC_CLK_TCK") <= run.timeout:
        return False
    return not process.shim_alive(run)


def judged(run: Run, evidence: Evidence, by: str) -> Run | None:
    """The finished run, or None while it runs or cannot be judged from here."""
    now = time.time()
    outcome = resolve_run_status(run, evidence, now)
    if outcome is None:
        return None
    at, source = ended_at(run, evidence, now)
    finished = run.finish(outcome, at, by=by, detail=source, seen_at=now)
    if evidence.transcript is None:
        return finished
    from runboard import tally  # noqa: PLC0415 - loaded already by whoever read the transcript

    return tally.told(finished, evidence.transcript)


def _persist(locked: LockedRun, finished: Run, evidence: Evidence | None, by: str) -> Run:
    """Write the ending, then what the run answered; the record comes first, so that an answer never makes a verdict."""
    reason = finished.outcome.reason if finished.outcome else None
    saved = locked.put(finished, "finished", reason=str(reason or ""), by=by, from_status="running")
    answer = answered(locked, evidence)
    if answer is not None:
        with suppress(StoreError):  # the ending is saved; a disk too full for the copy of the answer still has the log
            locked.put_once(ANSWER, answer)
    return saved


def answered(folder: OpenRun, evidence: Evidence | None) -> bytes | None:
    """What a run that is over answered: its agent's last words, else the text of its log; None where that is none."""
    from runboard import logs  # noqa: PLC0415 - ps, which finds nothing to finish, starts sooner without

    transcript = evidence.transcript if evidence else None
    if transcript is None:
        written = evidence is None or evidence.log_size
        answer: str | None = logs.last_text(lambda: folder.open_file("output.log")) if written else None
    else:
        # What a failed agent said last is no answer; it can be read in its log.
        answer = transcript.response if transcript.verdict is AgentVerdict.SUCCESS else None
    return answer.encode("utf-8", "replace") if answer else None


def hook_words() -> Sequence[str]:
    """The command of the person's hook; empty where there is none."""
    from runboard import hook  # noqa: PLC0415 - ps, which finds nothing to finish, starts sooner without

    return hook.command(os.environ)


def fire(store: Store, words: Sequence[str], run_id: str, record: Mapping[str, object]) -> None:
    """Start the person's hook for an ending that this very process has persisted; nobody else comes by here for it."""
    from runboard import hook  # noqa: PLC0415 - as above

    tail = b""
    with suppress(OSError), files.opened(store.open_file(run_id, "output.log")) as fd:
        info = os.fstat(fd)
        tail = os.pread(fd, hook.TAIL, max(0, info.st_size - hook.TAIL)) if files.is_plain(info) else b""
    hook.fire(words, record, root=store.root, tail=tail)


def _told(run: Run, evidence: Evidence) -> Run:
    """A live run with what only the kernel knows: why it cannot be judged from here, or that its tree is stopped."""
    if not run.active:
        return run
    if evidence.liveness is Liveness.FOREIGN:
        return run._replace(foreign=process.where(run.process) or "cannot be told from here")
    return run._replace(paused=True) if process.paused(run) else run
