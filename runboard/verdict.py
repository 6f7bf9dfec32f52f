"""The truth table of endings: pure, the time an argument; an ending nobody saw is never called a plain success."""

from __future__ import annotations

from os import strerror
from signal import Signals

from runboard.model import AgentVerdict, Evidence, ExitRecord, KillRequest, Liveness, Outcome, Reason, Run, Status
from runboard.safetext import clean

ENDING_SIGNALS = frozenset(
    {Signals.SIGTERM, Signals.SIGINT, Signals.SIGHUP, Signals.SIGQUIT, Signals.SIGKILL, Signals.SIGABRT}
)
"""Signals sent to end a process; of any other, only a death by that very signal counts as a kill."""

_FAULTS = frozenset(
    getattr(Signals, name) for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGTRAP", "SIGSYS")
)


def resolve_run_status(run: Run, evidence: Evidence, now: float) -> Outcome | None:
    """Judge a run by everything known of it; the first row of the table that fits decides.

    Args:
        run: The run as its record tells.
        evidence: What was gathered beside the record.
        now: Epoch seconds, the latest moment at which an ending not observed can have happened.

    Returns:
        How it ended, or None while it runs or cannot be judged from here. A finished run keeps its outcome.
    """
    if run.outcome is not None:
        return run.outcome
    record = evidence.exit
    if evidence.liveness is Liveness.ALIVE or (evidence.liveness is Liveness.FOREIGN and record is None):
        return None
    verdict = _by_request(run, evidence, now) or _by_death(run, evidence) or _by_words(evidence) or _by_code(evidence)
    verdict = verdict or _unobserved(run, evidence)
    if record is None:
        return verdict
    exit_code, signal, core_dumped = decode_wait_status(record.wait_status)
    return verdict._replace(exit_code=exit_code, signal=signal, core_dumped=core_dumped)


def ended_at(run: Run, evidence: Evidence, now: float) -> tuple[float, str]:
    """When the run ended, epoch seconds, and what that time was taken from, for its history.

    An exit record knows; else the moment a live process was seen to go; else the log's last change, if after the start.
    """
    started = run.started_at or 0.0
    if evidence.exit is not None:
        return max(evidence.exit.at, started), f"time from the {evidence.exit.source}"
    if evidence.gone_at is not None:
        return max(evidence.gone_at, started), "time when the process was seen to go"
    changed = evidence.log_changed_at
    if changed is not None and started < changed <= now and evidence.log_size > 0:
        return changed, "found dead later; time of the log's last change"
    return max(now, started), "found dead later; time of finding"


def decode_wait_status(status: int) -> tuple[int | None, int | None, bool]:
    """A raw wait status (wait(2)) as (exit code, signal, core dumped); codes above 128 are codes, never signals."""
    number = status & 0x7F
    if number == 0:
        return (status >> 8) & 0xFF, None, False
    return None, number, bool(status & 0x80)


def signal_name(number: int) -> str:
    """A signal's name as people write it: SIGTERM, SIGRTMIN+3, or "signal 99" for one this system does not know."""
    try:
        return Signals(number).name
    except ValueError:
        first, last = int(Signals.SIGRTMIN), int(Signals.SIGRTMAX)
        return f"SIGRTMIN+{number - first}" if first < number < last else f"signal {number}"


def duration(seconds: float) -> str:
    """A length of time as people type it: 45s, 30m, 1h30m, 2d3h; the two largest units, fractions only below 10 s."""
    if seconds < 10 and seconds != int(seconds):
        return f"{max(seconds, 0):.2g}s"
    left, parts = int(max(seconds, 0)), []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"


def _failed(reason: Reason, error: str) -> Outcome:
    """A failure and its sentence."""
    return Outcome(Status.FAILED, reason, error)


def _by_request(run: Run, evidence: Evidence, now: float) -> Outcome | None:
    """Rows where somebody, or the time limit, wanted the end before it came; the earlier wish decides."""
    record, request = evidence.exit, run.kill_request
    signal = decode_wait_status(record.wait_status)[1] if record else None
    asked = request is not None and _asked_first(request, evidence, signal, now)
    timed_out = record is not None and record.timed_out_at is not None
    if request is not None and asked and not (timed_out and record and _timer_first(request, record)):
        if request.timeout:
            return _failed(Reason.TIMEOUT, _timeout_sentence(run))
        return _failed(Reason.KILLED, _killed_sentence(request, signal))
    return _failed(Reason.TIMEOUT, _timeout_sentence(run)) if timed_out else None


def _by_death(run: Run, evidence: Evidence) -> Outcome | None:
    """Rows where the command never ran, or died by a signal that nobody here asked for."""
    if evidence.start_error is not None:
        return _failed(Reason.START_FAILED, _start_sentence(run, *evidence.start_error))
    if evidence.exit is None:
        return None
    _, signal, core_dumped = decode_wait_status(evidence.exit.wait_status)
    if signal is None:
        return None
    if signal == Signals.SIGKILL and evidence.exit.oom_kills > 0:
        return _failed(Reason.OOM, "Killed by the kernel: probably out of memory")
    return _failed(Reason.SIGNAL, _signal_sentence(signal, core_dumped))


def _by_words(evidence: Evidence) -> Outcome | None:
    """Rows where the agent's own transcript says that it failed, or ends before its result, whatever the exit code.

    Where it can never be read, an exit code of 0 is no success: agents that fail leave with it too.
    """
    transcript = evidence.transcript
    code = decode_wait_status(evidence.exit.wait_status)[0] if evidence.exit else None
    ending = "" if code is None else f" (exit code {code})"
    if evidence.unread is not None and not code:
        return _failed(Reason.NO_RESULT, f"Ended without a result that can be read{ending}: {evidence.unread}")
    if transcript is None or transcript.verdict is AgentVerdict.SUCCESS:
        return None
    if transcript.verdict is AgentVerdict.ERROR:
        return _failed(Reason.AGENT_ERROR, transcript.message or f"{transcript.tool} ended in an error")
    return _failed(Reason.NO_RESULT, f"Ended without a result{ending}")


def _by_code(evidence: Evidence) -> Outcome | None:
    """Rows where the exit code decides."""
    if evidence.exit is None:
        return None
    code = decode_wait_status(evidence.exit.wait_status)[0]
    if code == 0:
        return Outcome(Status.COMPLETED, Reason.EXITED)
    return _failed(
        Reason.EXITED, f"Exited with code {code}" + (" after a success result" if evidence.transcript else "")
    )


def _asked_first(request: KillRequest, evidence: Evidence, signal: int | None, now: float) -> bool:
    """Whether a kill request came before the end: by the boot clock where both have it, else by the wall's."""
    if request.signal not in ENDING_SIGNALS and request.signal != signal:
        return False
    record = evidence.exit
    if record is None:
        return request.at <= (now if evidence.gone_at is None else evidence.gone_at)
    if record.uptime is not None and request.uptime is not None and not evidence.machine_restarted:
        return request.uptime <= record.uptime
    return request.at <= record.at


def _timer_first(request: KillRequest, record: ExitRecord) -> bool:
    """Whether the shim's timer fired before the person asked."""
    if record.timed_out_at is None or request.uptime is None:
        return False
    return record.timed_out_at < request.uptime


def _unobserved(run: Run, evidence: Evidence) -> Outcome:
    """An ending that nobody saw: a success only by what the run itself left behind, and then called inferred."""
    transcript = evidence.transcript
    if transcript and transcript.verdict is AgentVerdict.SUCCESS:
        return Outcome(Status.COMPLETED, Reason.INFERRED)
    if evidence.machine_restarted:
        return Outcome(Status.FAILED, Reason.LOST, "The machine restarted while it ran")
    if evidence.has_response or (run.older and evidence.log_size > 0):
        return Outcome(Status.COMPLETED, Reason.INFERRED)
    if evidence.log_size == 0:
        return Outcome(Status.FAILED, Reason.LOST, "Process ended without output")
    return Outcome(Status.FAILED, Reason.LOST, "Process ended and left no exit record")


def _timeout_sentence(run: Run) -> str:
    """What a run over its time is told."""
    return f"Timeout exceeded ({duration(run.timeout)})" if run.timeout else "Timeout exceeded"


def _killed_sentence(request: KillRequest, signal: int | None) -> str:
    """Who asked, with which signal, and what it took where that was not enough."""
    sent = signal_name(request.signal)
    if signal == Signals.SIGKILL and request.signal != Signals.SIGKILL:
        sent += ", then SIGKILL"
    return f"Killed by {request.by} ({sent})"


def _signal_sentence(signal: int, core_dumped: bool) -> str:
    """A fault is a crash; a signal sent from outside is told as what it is."""
    core = " (core dumped)" if core_dumped else ""
    verb = "Crashed:" if signal in _FAULTS or core_dumped else "Ended by"
    return f"{verb} {signal_name(signal)}{core}"


def _start_sentence(run: Run, errno: int, stage: str) -> str:
    """Why the command never ran, in words a person can act on."""
    program = clean(run.command[0]) if run.command else "the command"
    match stage, errno:
        case "launch", _:
            return "Could not be started: its launcher ended before the command was started"
        case "chdir", _:
            return f"Could not be started: working directory {clean(run.cwd or '')}: {strerror(errno)}"
        case _, 2:
            return f"Could not be started: command not found: {program}"
        case _, 13:
            return f"Could not be started: not executable: {program}"
    return f"Could not be started: {program}: {strerror(errno)}"
