"""Everything known of a run at the moment of judging: life first, then what was written down, then the log."""

from __future__ import annotations

import os
import time

from runboard import files, process
from runboard.errors import told
from runboard.folder import UNSAVED
from runboard.model import Evidence, ExitRecord, Liveness, Run, Transcript
from runboard.record import Started, parse_exit, parse_started
from runboard.safetext import clean
from runboard.store import OpenRun

_AGENTS = ("claude", "codex", "gemini", "opencode", "copilot", "cursor", "goose", "aider", "amp", "qwen")


def gather(
    folder: OpenRun, run: Run, gone_at: float | None, kernel_status: int | None, *, patient: bool, words: bool = True
) -> tuple[Run, Evidence | None]:
    """Everything known of an active run, and the run with what started.json adds; no evidence while a record is due.

    What cannot be read just now is no evidence of anything: a lack of descriptors must not become a verdict.

    Without ``words`` its log is not read: enough to tell whether it is over, and the log is read once, by who judges.

    The order matters: life first, then the shim's, then its record: whoever was seen dead has written all it ever will.
    Where that record is there already, as it mostly is, nothing is asked of the shim.

    Raises:
        StoreError: Something of it cannot be read, so that nothing can be said.
    """
    with told(f"Run {clean(run.id)} cannot be judged now"):
        return _gathered(folder, run, gone_at, kernel_status, patient=patient, words=words)


def _gathered(
    folder: OpenRun, run: Run, gone_at: float | None, kernel_status: int | None, *, patient: bool, words: bool
) -> tuple[Run, Evidence | None]:
    """The same; what the system refuses is raised as it comes."""
    run, started = _adopted(folder, run)
    liveness = _liveness(run, started)
    if liveness is Liveness.GONE and run.process.pid is None:
        run, started = _adopted(folder, run)
        liveness = _liveness(run, started)
    exit_record, shim_lives = exit_of(folder), False
    alone = run.process.pid is not None and run.process.shim_pid in {None, os.getpid()}  # no shim, or we are it
    if exit_record is None and liveness is Liveness.GONE and not alone:
        shim_lives = process.shim_alive(run)
        exit_record = exit_of(folder)
    log = folder.file_stat("output.log")
    log_size = log.st_size if log else 0
    start_error = None if exit_record else _start_error(run, started, liveness, log_size)
    if exit_record is None and liveness is Liveness.GONE:
        # Beyond all patience only a stopped shim is given up: one that a hung or full disk keeps waiting will yet tell.
        waits = shim_lives and start_error is None
        if not (waits and patient):
            exit_record = exit_of(folder, UNSAVED)
            start_error = None if exit_record else start_error
        if exit_record is None and waits and (patient or not process.shim_stopped(run)):
            return run, None
        if exit_record is None:
            exit_record = _kernel_record(run, gone_at, kernel_status, watched=shim_lives or gone_at is not None)
    response = folder.file_stat("response.md")
    # Who was to write its words and wrote none has no result; of a run that left no end either, that says less.
    telling = log_size > 0 or (exit_record is not None and may_be_agent(run))
    over = words and telling and liveness is not Liveness.ALIVE
    transcript, unread = _transcript(folder, run) if over else (None, None)
    return run, Evidence(
        liveness=liveness,
        exit=exit_record,
        start_error=start_error,
        machine_restarted=process.machine_restarted(run),
        gone_at=gone_at,
        log_size=log_size,
        log_changed_at=log.st_mtime if log else None,
        has_response=response is not None and response.st_size > 0,
        transcript=transcript,
        unread=unread,
    )


def _liveness(run: Run, started: Started | None) -> Liveness:
    """Whether the run's process lives; a command that could not be started does not, though its launcher does."""
    return Liveness.GONE if started is not None and started.errno is not None else process.liveness(run)


def _adopted(folder: OpenRun, run: Run) -> tuple[Run, Started | None]:
    """The run with the pids that the shim wrote down, where its launcher did not live to record them."""
    if run.process.pid is not None:
        return run, None
    started = parse_started(folder.read_json("started.json"))
    if started is None or started.pid is None:
        return run, started
    known = run.process._replace(
        pid=started.pid,
        start_ticks=started.start_ticks,
        shim_pid=started.shim_pid,
        shim_start_ticks=started.shim_start_ticks,
    )
    return run._replace(process=known), started


def may_be_agent(run: Run) -> bool:
    """Whether a command holds an agent's name anywhere; the transcripts, which know better, take 20 ms to load."""
    return any(name in word for word in run.command for name in _AGENTS)


def _transcript(folder: OpenRun, run: Run) -> tuple[Transcript | None, str | None]:
    """What the log of a run that is over says, if an agent wrote it; else why that can never be read."""
    from runboard import tally  # noqa: PLC0415 - ps, which finds nothing to finish, starts sooner without

    try:
        return tally.ended(folder, run), None
    except files.Unfit as error:
        return None, str(error)


def _start_error(run: Run, started: Started | None, liveness: Liveness, log_size: int) -> tuple[int, str] | None:
    """Why there never was a process: the shim's own word, or a launcher that ended before there was a shim.

    What has written to its log had been started, though whoever started it died before saying so.
    """
    if started is not None and started.errno is not None:
        return started.errno, started.stage
    if run.process.pid is None and run.process.launcher_pid is not None and liveness is Liveness.GONE and not log_size:
        return 0, "launch"
    return None


def exit_of(folder: OpenRun, name: str = "exit.json") -> ExitRecord | None:
    """What the shim wrote down of the end, also under the name it had where it could not be given its own."""
    return parse_exit(folder.read_json(name))


def _kernel_record(run: Run, gone_at: float | None, kernel_status: int | None, *, watched: bool) -> ExitRecord | None:
    """The wait status as the kernel tells it to who was ``watched`` over, where no shim lived to write it down.

    Of a process found dead later nothing is asked: whether its zombie still lies there is chance, and no witness.

    Raises:
        OSError: There are no descriptors left to ask with.
    """
    pid, ticks = run.process.pid, run.process.start_ticks
    if watched and kernel_status is None and pid is not None and ticks is not None:
        kernel_status = process.kernel_status_of(pid, ticks)
    if kernel_status is None:
        return None
    at = time.time() if gone_at is None else gone_at
    return ExitRecord(kernel_status, at, process.boot_clock() - max(0.0, time.time() - at), source="kernel")
