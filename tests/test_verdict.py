"""The truth table of endings, row by row and pair by pair: which evidence wins where two contradict."""

from __future__ import annotations

import itertools
import signal

import pytest

from runboard.model import (
    AgentVerdict,
    Evidence,
    ExitRecord,
    Identity,
    KillRequest,
    Liveness,
    Outcome,
    Reason,
    Run,
    Status,
    Transcript,
)
from runboard.verdict import decode_wait_status, duration, ended_at, resolve_run_status, signal_name

NOW = 2_000.0
OURS = Run(
    id="a1b2c3d4",
    command=("train", "--fast"),
    cwd="/gone",
    started_at=1_000.0,
    timeout=1_800.0,
    process=Identity(pid=4242, start_ticks=77, boot_id="b", pid_namespace="pid:[1]", host="here"),
)
OLDER = Run(id="old", started_at=1_000.0, process=Identity(pid=4242))
GONE = Evidence(Liveness.GONE)


def exited(code: int) -> ExitRecord:
    """An exit record for an exit code."""
    return ExitRecord(code << 8, at=1_500.0, uptime=500.0)


def died(number: int, core: bool = False) -> ExitRecord:
    """An exit record for a death by signal."""
    return ExitRecord(number | (0x80 if core else 0), at=1_500.0, uptime=500.0)


def asked(at: float = 1_400.0, number: int = signal.SIGTERM, uptime: float | None = 400.0) -> Run:
    """A run that alice asked to end."""
    return OURS._replace(kill_request=KillRequest(at, "alice@host", number, uptime))


def log(verdict: AgentVerdict, message: str | None = None) -> Transcript:
    """A transcript of a known agent."""
    return Transcript("codex", verdict, message)


ERROR, SUCCESS, NONE = (
    log(AgentVerdict.ERROR, "401 Unauthorized"),
    log(AgentVerdict.SUCCESS),
    log(AgentVerdict.NONE),
)

SINGLE = {
    "alive": (OURS, Evidence(Liveness.ALIVE), None, None),
    "foreign": (OURS, Evidence(Liveness.FOREIGN), None, None),
    "exit 0": (OURS, GONE._replace(exit=exited(0)), Reason.EXITED, None),
    "exit 1": (OURS, GONE._replace(exit=exited(1)), Reason.EXITED, "Exited with code 1"),
    "exit 145 is a code": (OURS, GONE._replace(exit=exited(145)), Reason.EXITED, "Exited with code 145"),
    "exit 255": (OURS, GONE._replace(exit=exited(255)), Reason.EXITED, "Exited with code 255"),
    "segfault": (OURS, GONE._replace(exit=died(11)), Reason.SIGNAL, "Crashed: SIGSEGV"),
    "core": (OURS, GONE._replace(exit=died(11, core=True)), Reason.SIGNAL, "Crashed: SIGSEGV (core dumped)"),
    "TERM from outside": (OURS, GONE._replace(exit=died(15)), Reason.SIGNAL, "Ended by SIGTERM"),
    "KILL from outside": (OURS, GONE._replace(exit=died(9)), Reason.SIGNAL, "Ended by SIGKILL"),
    "out of memory": (
        OURS,
        GONE._replace(exit=died(9)._replace(oom_kills=1)),
        Reason.OOM,
        "Killed by the kernel: probably out of memory",
    ),
    "an oom elsewhere": (OURS, GONE._replace(exit=exited(0)._replace(oom_kills=1)), Reason.EXITED, None),
    "asked": (asked(), GONE._replace(exit=died(15)), Reason.KILLED, "Killed by alice@host (SIGTERM)"),
    "asked, obeyed with exit 0": (
        asked(),
        GONE._replace(exit=exited(0)),
        Reason.KILLED,
        "Killed by alice@host (SIGTERM)",
    ),
    "asked, then forced": (
        asked(),
        GONE._replace(exit=died(9)),
        Reason.KILLED,
        "Killed by alice@host (SIGTERM, then SIGKILL)",
    ),
    "asked to be killed": (
        asked(number=signal.SIGKILL),
        GONE._replace(exit=died(9)),
        Reason.KILLED,
        "Killed by alice@host (SIGKILL)",
    ),
    "timer": (
        OURS,
        GONE._replace(exit=died(15)._replace(timed_out_at=450.0)),
        Reason.TIMEOUT,
        "Timeout exceeded (30m)",
    ),
    "timer, exit 0 on TERM": (
        OURS,
        GONE._replace(exit=exited(0)._replace(timed_out_at=450.0)),
        Reason.TIMEOUT,
        "Timeout exceeded (30m)",
    ),
    "limit enforced by a reader": (
        OURS._replace(kill_request=KillRequest(1_400.0, "the time limit", 15, 400.0, timeout=True)),
        GONE,
        Reason.TIMEOUT,
        "Timeout exceeded (30m)",
    ),
    "not found": (
        OURS,
        GONE._replace(start_error=(2, "exec")),
        Reason.START_FAILED,
        "Could not be started: command not found: train",
    ),
    "not executable": (
        OURS,
        GONE._replace(start_error=(13, "exec")),
        Reason.START_FAILED,
        "Could not be started: not executable: train",
    ),
    "no cwd": (
        OURS,
        GONE._replace(start_error=(2, "chdir")),
        Reason.START_FAILED,
        "Could not be started: working directory /gone: No such file or directory",
    ),
    "launcher died": (
        OURS,
        GONE._replace(start_error=(0, "launch")),
        Reason.START_FAILED,
        "Could not be started: its launcher ended before the command was started",
    ),
    "agent error": (OURS, GONE._replace(exit=exited(1), transcript=ERROR), Reason.AGENT_ERROR, "401 Unauthorized"),
    "agent error, exit 0": (
        OURS,
        GONE._replace(exit=exited(0), transcript=ERROR),
        Reason.AGENT_ERROR,
        "401 Unauthorized",
    ),
    "agent silent, exit 0": (
        OURS,
        GONE._replace(exit=exited(0), transcript=NONE),
        Reason.NO_RESULT,
        "Ended without a result (exit code 0)",
    ),
    "agent silent, unobserved": (OURS, GONE._replace(transcript=NONE), Reason.NO_RESULT, "Ended without a result"),
    "agent unread, exit 0": (
        OURS,
        GONE._replace(exit=exited(0), unread="output.log: Input/output error"),
        Reason.NO_RESULT,
        "Ended without a result that can be read (exit code 0): output.log: Input/output error",
    ),
    "agent unread, exit 1": (
        OURS,
        GONE._replace(exit=exited(1), unread="output.log is no regular file"),
        Reason.EXITED,
        "Exited with code 1",
    ),
    "agent unread, unobserved": (
        OURS,
        GONE._replace(unread="output.log: Permission denied", has_response=True),
        Reason.NO_RESULT,
        "Ended without a result that can be read: output.log: Permission denied",
    ),
    "agent done, exit 0": (OURS, GONE._replace(exit=exited(0), transcript=SUCCESS), Reason.EXITED, None),
    "agent done, exit 1": (
        OURS,
        GONE._replace(exit=exited(1), transcript=SUCCESS),
        Reason.EXITED,
        "Exited with code 1 after a success result",
    ),
    "agent done, unobserved": (OURS, GONE._replace(transcript=SUCCESS), Reason.INFERRED, None),
    "restarted": (
        OURS,
        GONE._replace(machine_restarted=True, log_size=9),
        Reason.LOST,
        "The machine restarted while it ran",
    ),
    "restarted, agent done": (OURS, GONE._replace(machine_restarted=True, transcript=SUCCESS), Reason.INFERRED, None),
    "restarted, answered": (
        OURS,
        GONE._replace(machine_restarted=True, has_response=True),
        Reason.LOST,
        "The machine restarted while it ran",
    ),
    "answered, unobserved": (OURS, GONE._replace(has_response=True), Reason.INFERRED, None),
    "ours with output, unobserved": (
        OURS,
        GONE._replace(log_size=5),
        Reason.LOST,
        "Process ended and left no exit record",
    ),
    "ours without output, unobserved": (OURS, GONE, Reason.LOST, "Process ended without output"),
    "older with output": (OLDER, GONE._replace(log_size=5), Reason.INFERRED, None),
    "older without output": (OLDER, GONE, Reason.LOST, "Process ended without output"),
    "another host, but its exit record is here": (
        OURS,
        Evidence(Liveness.FOREIGN, exit=exited(3)),
        Reason.EXITED,
        "Exited with code 3",
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_each_row_of_the_table(name: str) -> None:
    """Each kind of evidence alone reaches its reason and sentence; only plain success and inference complete."""
    run, evidence, reason, error = SINGLE[name]
    outcome = resolve_run_status(run, evidence, NOW)
    if reason is None:
        assert outcome is None
        return
    assert outcome is not None
    assert (outcome.reason, outcome.error) == (reason, error)
    completed = error is None
    assert outcome.status is (Status.COMPLETED if completed else Status.FAILED)


# From the strongest: whichever of a pair stands earlier decides.
RANKED: list[tuple[str, dict[str, object], Reason]] = [
    ("asked", {"kill": True}, Reason.KILLED),
    ("timer", {"timed_out": True}, Reason.TIMEOUT),
    ("start error", {"start_error": (2, "exec")}, Reason.START_FAILED),
    ("out of memory", {"signal": 9, "oom": 1}, Reason.OOM),
    ("signal", {"signal": 11}, Reason.SIGNAL),
    ("agent error", {"transcript": ERROR}, Reason.AGENT_ERROR),
    ("agent without result", {"transcript": NONE}, Reason.NO_RESULT),
    ("exit code", {"code": 3}, Reason.EXITED),
    ("restart", {"machine_restarted": True}, Reason.LOST),
    ("response", {"has_response": True}, Reason.INFERRED),
]


def combine(*parts: dict[str, object]) -> tuple[Run, Evidence]:
    """One body of evidence that says all the parts at once; of two that set the same fact, the first stays."""
    facts: dict[str, object] = {}
    for part in reversed(parts):
        facts.update(part)
    record = None
    number, code = facts.get("signal"), facts.get("code")
    if isinstance(number, int):
        record = died(number)
    elif isinstance(code, int):
        record = exited(code)
    elif "timed_out" in facts:
        record = died(15)
    if record is not None and "timed_out" in facts:
        record = record._replace(timed_out_at=450.0)
    oom = facts.get("oom")
    if record is not None and isinstance(oom, int):
        record = record._replace(oom_kills=oom)
    kept = {
        key: facts[key] for key in ("start_error", "transcript", "machine_restarted", "has_response") if key in facts
    }
    return (asked() if "kill" in facts else OURS), GONE._replace(exit=record, **kept)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stronger", "weaker"), list(itertools.combinations(range(len(RANKED)), 2)))
def test_every_pair_that_contradicts(stronger: int, weaker: int) -> None:
    """Of any two kinds of evidence at once, the one higher in the table decides."""
    run, evidence = combine(RANKED[stronger][1], RANKED[weaker][1])
    outcome = resolve_run_status(run, evidence, NOW)
    assert outcome is not None
    assert outcome.reason is RANKED[stronger][2], (RANKED[stronger][0], RANKED[weaker][0])


@pytest.mark.parametrize("evidence", [evidence for _, evidence, _, _ in SINGLE.values()])
@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_a_finished_run_is_unchanged(evidence: Evidence, status: Status) -> None:
    """No evidence whatever moves a finished run."""
    outcome = Outcome(status, Reason.EXITED, None, 0)
    assert resolve_run_status(OURS._replace(outcome=outcome), evidence, NOW) is outcome


@pytest.mark.parametrize("evidence", [evidence for _, evidence, _, _ in SINGLE.values()])
def test_a_living_process_is_running(evidence: Evidence) -> None:
    """While the process lives nothing is judged, whatever lies in the directory."""
    assert resolve_run_status(OURS, evidence._replace(liveness=Liveness.ALIVE), NOW) is None


def test_an_ending_that_came_before_the_request_stands() -> None:
    """A run that had ended when alice asked was not killed; the boot clock decides even where the wall clock jumped."""
    late = resolve_run_status(asked(at=1_600.0, uptime=600.0), GONE._replace(exit=exited(0)), NOW)
    jumped = resolve_run_status(asked(at=1_600.0, uptime=400.0), GONE._replace(exit=exited(0)), NOW)
    by_wall = resolve_run_status(asked(at=1_600.0, uptime=None), GONE._replace(exit=exited(0)), NOW)
    assert late is not None
    assert jumped is not None
    assert by_wall is not None
    assert (late.reason, jumped.reason, by_wall.reason) == (Reason.EXITED, Reason.KILLED, Reason.EXITED)


def test_the_earlier_of_timer_and_person_decides() -> None:
    """Asking after the timer fired does not turn a timeout into a kill."""
    fired_first = GONE._replace(exit=died(15)._replace(timed_out_at=450.0))
    before = resolve_run_status(asked(uptime=400.0), fired_first, NOW)
    after = resolve_run_status(asked(at=1_470.0, uptime=470.0), fired_first, NOW)
    assert before is not None
    assert after is not None
    assert (before.reason, after.reason) == (Reason.KILLED, Reason.TIMEOUT)


@pytest.mark.parametrize(
    ("record", "reason"), [(died(signal.SIGUSR1), Reason.KILLED), (exited(0), Reason.EXITED), (died(15), Reason.SIGNAL)]
)
def test_a_signal_that_is_no_wish_to_end_counts_only_if_it_killed(record: ExitRecord, reason: Reason) -> None:
    """SIGUSR1 sent by alice explains a death by SIGUSR1 and nothing else."""
    outcome = resolve_run_status(asked(number=signal.SIGUSR1), GONE._replace(exit=record), NOW)
    assert outcome is not None
    assert outcome.reason is reason


def test_looking_late_is_no_timeout() -> None:
    """A run that ended in time is judged by its ending, however late somebody looks."""
    outcome = resolve_run_status(OURS, GONE._replace(exit=exited(0)), NOW + 1e6)
    assert outcome == Outcome(Status.COMPLETED, Reason.EXITED, None, 0)


@pytest.mark.parametrize(
    ("evidence", "at", "word"),
    [
        (GONE._replace(exit=exited(0), gone_at=1_600.0), 1_500.0, "exit record"),
        (GONE._replace(gone_at=1_600.0, log_changed_at=1_200.0, log_size=1), 1_600.0, "seen to go"),
        (GONE._replace(log_changed_at=1_200.0, log_size=1), 1_200.0, "last change"),
        (GONE._replace(log_changed_at=900.0, log_size=1), NOW, "time of finding"),
        (GONE._replace(log_changed_at=NOW + 9, log_size=1), NOW, "time of finding"),
        (GONE, NOW, "time of finding"),
        (GONE._replace(exit=exited(0)._replace(at=10.0)), 1_000.0, "exit record"),
    ],
)
def test_when_it_ended(evidence: Evidence, at: float, word: str) -> None:
    """The time comes from the best witness, is never before the start, and says whose it is."""
    moment, source = ended_at(OURS, evidence, NOW)
    assert moment == at
    assert word in source


def test_wait_statuses_decode_as_the_kernel_encodes_them() -> None:
    """All 256 codes are codes; all 64 signals are signals, with and without a core."""
    assert all(decode_wait_status(code << 8) == (code, None, False) for code in range(256))
    assert all(decode_wait_status(number) == (None, number, False) for number in range(1, 65))
    assert all(decode_wait_status(number | 0x80) == (None, number, True) for number in range(1, 65))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.5, "0.5s"),
        (3, "3s"),
        (45, "45s"),
        (90, "1m30s"),
        (1800, "30m"),
        (5400, "1h30m"),
        (-5, "0s"),
        (183600, "2d3h"),
    ],
)
def test_lengths_of_time_in_words(seconds: float, text: str) -> None:
    """A duration reads as people type it."""
    assert duration(seconds) == text


def test_signals_have_names() -> None:
    """Standard signals by name, real-time ones by distance, unknown ones by number."""
    assert [signal_name(number) for number in (15, 11, signal.SIGRTMIN + 3, 99)] == [
        "SIGTERM",
        "SIGSEGV",
        "SIGRTMIN+3",
        "signal 99",
    ]
