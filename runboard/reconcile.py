"""The only road from running to finished: gather what is known, judge it, and persist the ending exactly once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace

from runboard import process
from runboard.model import AgentVerdict, Evidence, ExitRecord, KillRequest, Liveness, Run, Transcript
from runboard.record import Started, parse_exit, parse_started
from runboard.store import LockedRun, NoSuchRun, Store, StoreError
from runboard.verdict import ENDING_SIGNALS, ended_at, resolve_run_status

RECORD_LIMIT = 3.0
"""Seconds that a living shim is given to write down an ending; it takes a millisecond (m) unless it was stopped."""

_AGENTS = ("claude", "codex", "gemini", "opencode", "copilot", "cursor", "goose", "aider", "amp", "qwen")


def finalize_run(
    store: Store,
    run_id: str,
    *,
    gone_at: float | None = None,
    kernel_status: int | None = None,
    by: str = "reconcile",
    patient: bool = True,
) -> Run:
    """Move a run out of running, if it has ended: the only function that does.

    Under the run's lock: read again, leave a finished run alone, gather, judge, write, journal. While the shim lives
    and has not written its record, nothing is judged, unless ``patient`` is False.

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
        run, evidence = _gather(store, locked.run, gone_at, kernel_status, patient=patient)
        finished = None if evidence is None else _judged(run, evidence, by)
        if finished is not None:
            return _persist(store, locked, finished, evidence, by)
        return locked.put(run, "started", by=by) if run != locked.run else run


def settle(
    store: Store, run_id: str, *, gone_at: float | None = None, kernel_status: int | None = None, by: str = "reconcile"
) -> Run:
    """A run as it truly stands, its ending persisted if it has ended; blocks while a living shim owes its record.

    A run that cannot be judged from here comes back running, with ``foreign`` saying why.

    Raises:
        NoSuchRun: The run is not, or no longer, there.
        StoreError: Its lock was not to be had, or the ending could not be written.
    """
    deadline = time.monotonic() + RECORD_LIMIT
    pause = 0.0005
    while True:
        run = store.read(run_id)
        if not run.active:
            return run
        patient = time.monotonic() < deadline
        adopted, evidence = _gather(store, run, gone_at, kernel_status, patient=patient, words=False)
        if evidence is not None:
            if adopted == run and resolve_run_status(run, evidence, time.time()) is None:
                return _told(run, evidence)
            settled = finalize_run(store, run_id, gone_at=gone_at, kernel_status=kernel_status, by=by, patient=patient)
            if not settled.active or evidence.liveness is not Liveness.GONE or not patient:
                return _told(settled, evidence)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def preview(
    store: Store, run_id: str, *, gone_at: float | None = None, kernel_status: int | None = None, by: str = "preview"
) -> Run:
    """The same judgement in memory only, for one who may look and not write; an ending comes back ``unsaved``."""
    deadline = time.monotonic() + RECORD_LIMIT
    while True:
        run = store.read(run_id)
        if not run.active:
            return run
        patient = time.monotonic() < deadline
        run, evidence = _gather(store, run, gone_at, kernel_status, patient=patient)
        if evidence is not None:
            finished = _judged(run, evidence, by)
            return replace(finished, unsaved=True) if finished else _told(run, evidence)
        time.sleep(0.005)


def settle_all(store: Store, run_ids: Iterable[str] | None = None, *, by: str = "ps") -> list[Run]:
    """Every run as it truly stands; one that cannot be settled just now comes back judged in memory, ``unsaved``."""
    runs = []
    for run_id in store.ids() if run_ids is None else run_ids:
        try:
            run = store.read(run_id)
            runs.append(settle_or_preview(store, run_id, by=by) if run.active else run)
        except NoSuchRun:
            continue
    return _so_far(store, runs)


def _so_far(store: Store, runs: list[Run]) -> list[Run]:
    """The runs, and of live agents what their logs say so far."""
    if not any(run.active and _may_be_agent(run) for run in runs):
        return runs
    from runboard import tally  # noqa: PLC0415 - ps without live agents starts sooner without

    look = tally.Tally(store).look
    return [look(run) if run.active and tally.names_agent(run) else run for run in runs]


def _may_be_agent(run: Run) -> bool:
    """Whether a command holds an agent's name anywhere; the transcripts, which know better, take 20 ms to load."""
    return any(name in word for word in run.command for name in _AGENTS)


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
        if not run.active or asked or _exit_record(store, run_id) is not None:
            return run
        request = KillRequest(time.time(), by, signal, process.boot_clock(), timeout)
        return locked.put(replace(run, kill_request=request), "kill", by=by)


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


def _gather(
    store: Store, run: Run, gone_at: float | None, kernel_status: int | None, *, patient: bool, words: bool = True
) -> tuple[Run, Evidence | None]:
    """Everything known of an active run, and the run with what started.json adds; no evidence while a record is due.

    Without ``words`` its log is not read: enough to tell whether it is over, and the log is read once, by who judges.

    The order matters: life first, then the shim's, then its record: whoever was seen dead has written all it ever will.
    """
    run, started = _adopted(store, run)
    liveness = _liveness(run, started)
    if liveness is Liveness.GONE and run.process.pid is None:
        run, started = _adopted(store, run)
        liveness = _liveness(run, started)
    shim_lives = liveness is Liveness.GONE and run.process.shim_pid != os.getpid() and process.shim_alive(run)
    exit_record = _exit_record(store, run.id)
    if exit_record is None and liveness is Liveness.GONE:
        if shim_lives and patient and _start_error(run, started, liveness) is None:
            return run, None
        exit_record = _kernel_record(run, gone_at, kernel_status, watched=shim_lives or gone_at is not None)
    log = store.file_stat(run.id, "output.log")
    response = store.file_stat(run.id, "response.md")
    log_size = log.st_size if log else 0
    return run, Evidence(
        liveness=liveness,
        exit=exit_record,
        start_error=_start_error(run, started, liveness),
        machine_restarted=process.machine_restarted(run),
        gone_at=gone_at,
        log_size=log_size,
        log_changed_at=log.st_mtime if log else None,
        has_response=response is not None and response.st_size > 0,
        transcript=_transcript(store, run) if words and liveness is not Liveness.ALIVE else None,
    )


def _liveness(run: Run, started: Started | None) -> Liveness:
    """Whether the run's process lives; a command that could not be started does not, though its launcher does."""
    return Liveness.GONE if started is not None and started.errno is not None else process.liveness(run)


def _adopted(store: Store, run: Run) -> tuple[Run, Started | None]:
    """The run with the pids that the shim wrote down, where its launcher did not live to record them."""
    if run.process.pid is not None:
        return run, None
    started = parse_started(store.read_json(run.id, "started.json"))
    if started is None or started.pid is None:
        return run, started
    known = replace(
        run.process,
        pid=started.pid,
        start_ticks=started.start_ticks,
        shim_pid=started.shim_pid,
        shim_start_ticks=started.shim_start_ticks,
    )
    return replace(run, process=known), started


def _transcript(store: Store, run: Run) -> Transcript | None:
    """What the log of a run that is over says, if an agent wrote it."""
    from runboard import tally  # noqa: PLC0415 - ps, which finds nothing to finish, starts sooner without

    return tally.ended(store, run)


def _start_error(run: Run, started: Started | None, liveness: Liveness) -> tuple[int, str] | None:
    """Why there never was a process: the shim's own word, or a launcher that ended before there was a shim."""
    if started is not None and started.errno is not None:
        return started.errno, started.stage
    if run.process.pid is None and run.process.launcher_pid is not None and liveness is Liveness.GONE:
        return 0, "launch"
    return None


def _exit_record(store: Store, run_id: str) -> ExitRecord | None:
    """What the shim wrote down of the end."""
    return parse_exit(store.read_json(run_id, "exit.json"))


def _kernel_record(run: Run, gone_at: float | None, kernel_status: int | None, *, watched: bool) -> ExitRecord | None:
    """The wait status as the kernel tells it to who was ``watched`` over, where no shim lived to write it down.

    Of a process found dead later nothing is asked: whether its zombie still lies there is chance, and no witness.
    """
    pid, ticks = run.process.pid, run.process.start_ticks
    if watched and kernel_status is None and pid is not None and ticks is not None:
        pidfd = process.open_pidfd(pid, ticks)
        if pidfd is not None:
            kernel_status = process.kernel_status(pidfd, pid)
            os.close(pidfd)
    if kernel_status is None:
        return None
    at = time.time() if gone_at is None else gone_at
    return ExitRecord(kernel_status, at, process.boot_clock() - max(0.0, time.time() - at), source="kernel")


def _judged(run: Run, evidence: Evidence, by: str) -> Run | None:
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


def _persist(store: Store, locked: LockedRun, finished: Run, evidence: Evidence | None, by: str) -> Run:
    """Write the ending, then what the run answered; the record comes first, so that an answer never makes a verdict."""
    from runboard import logs  # noqa: PLC0415 - ps, which finds nothing to finish, starts sooner without

    reason = finished.outcome.reason if finished.outcome else None
    saved = locked.put(finished, "finished", reason=str(reason or ""), by=by, from_status="running")
    transcript = evidence.transcript if evidence else None
    if transcript is None:
        answer: str | None = logs.last_text(lambda: store.open_file(finished.id, "output.log"))
    else:
        # What a failed agent said last is no answer; it can be read in its log.
        answer = transcript.response if transcript.verdict is AgentVerdict.SUCCESS else None
    if answer:
        try:
            locked.put_once("response.md", answer.encode("utf-8", "replace"))
        except StoreError:
            # The ending is saved; a disk too full for the copy of the answer still has the log.
            return saved
    return saved


def _told(run: Run, evidence: Evidence) -> Run:
    """The run with the word for why it cannot be judged from here, where it cannot."""
    if evidence.liveness is not Liveness.FOREIGN or not run.active:
        return run
    return replace(run, foreign=process.where(run.process) or "cannot be told from here")
