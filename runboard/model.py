"""The values of a run, frozen: what it is, how it ended, what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Status(StrEnum):
    """Where a run stands; only ``DAMAGED`` never reaches the disk."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    DAMAGED = "damaged"


class Reason(StrEnum):
    """Why a run ended, in the words of systemd's ``Result`` where it has one."""

    EXITED = "exited"
    SIGNAL = "signal"
    KILLED = "killed"
    TIMEOUT = "timeout"
    OOM = "oom"
    AGENT_ERROR = "agent-error"
    NO_RESULT = "no-result"
    START_FAILED = "start-failed"
    LOST = "lost"
    INFERRED = "inferred"
    MARKED = "marked"


class Liveness(StrEnum):
    """What the kernel says of a run's process, as seen from here and now."""

    ALIVE = "alive"
    GONE = "gone"
    FOREIGN = "foreign"


class Identity(NamedTuple):
    """Which process a run is: a pid means nothing without start ticks, boot, pid namespace and host.

    ``start_ticks`` are clock ticks since boot (field 22 of proc_pid_stat(5)); all None for a run of the older tool.
    ``launcher_*`` name the process that made the run, so that a launch cut short is told from one under way.
    """

    pid: int | None = None
    start_ticks: int | None = None
    boot_id: str | None = None
    pid_namespace: str | None = None
    host: str | None = None
    shim_pid: int | None = None
    shim_start_ticks: int | None = None
    launcher_pid: int | None = None
    launcher_start_ticks: int | None = None


class KillRequest(NamedTuple):
    """Somebody's wish that a run end, written before the first signal is sent.

    ``at`` is epoch seconds; ``uptime`` is CLOCK_BOOTTIME seconds, which no clock change can move.
    ``timeout`` is True where the wish came from the run's own time limit and not from a person.
    """

    at: float
    by: str
    signal: int
    uptime: float | None = None
    timeout: bool = False


class Usage(NamedTuple):
    """Tokens and cost of an agent's run; None is "not told", never zero. ``cost`` is in USD."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Transition(NamedTuple):
    """One line of a run's history; ``at`` is epoch seconds, ``detail`` says what the facts were taken from."""

    at: float
    from_status: str
    to_status: str
    reason: str
    by: str
    detail: str | None = None


class Outcome(NamedTuple):
    """How a run ended: exists only on a finished run; ``status`` is COMPLETED or FAILED.

    ``reason`` is None for endings written by the older tool; ``error`` is a sentence for every failure.
    """

    status: Status
    reason: Reason | None = None
    error: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    core_dumped: bool = False


class Mark(NamedTuple):
    """A person's word on how a finished run is to be counted; ``before`` is the ending as it was observed.

    ``at`` is epoch seconds; ``why`` is what the person said, if anything.
    """

    at: float
    by: str
    before: Outcome
    why: str | None = None


class ExitRecord(NamedTuple):
    """What was observed of a process's end: the raw wait status (wait(2)) and when, by whom it was seen.

    ``at`` is epoch seconds; ``uptime``, ``timed_out_at`` (when the shim's own timer fired) are CLOCK_BOOTTIME seconds;
    ``oom_kills`` is how far the kernel's count of out-of-memory kills rose while the run lived.
    """

    wait_status: int
    at: float
    uptime: float | None = None
    timed_out_at: float | None = None
    oom_kills: int = 0
    source: str = "exit record"


class AgentVerdict(StrEnum):
    """What an agent's transcript says of its own ending."""

    SUCCESS = "success"
    ERROR = "error"
    NONE = "none"


class Transcript(NamedTuple):
    """What a known agent's log says: its verdict, final text, usage and warnings."""

    tool: str
    verdict: AgentVerdict
    message: str | None = None
    response: str | None = None
    usage: Usage | None = None
    model: str | None = None
    session_id: str | None = None
    warnings: tuple[str, ...] = ()


class Evidence(NamedTuple):
    """Everything known of a run at the moment of judging; gathered by ``reconcile``, weighed by ``verdict``.

    Times are epoch seconds. ``gone_at`` is when a live process was seen to vanish, None where it was found dead later.
    ``start_error`` is the (errno, stage) of a command that never ran, stage being ``chdir``, ``exec`` or ``launch``.
    ``unread`` is why the log of an agent, of which there is no transcript then, can never be read.
    """

    liveness: Liveness
    exit: ExitRecord | None = None
    start_error: tuple[int, str] | None = None
    machine_restarted: bool = False
    gone_at: float | None = None
    log_size: int = 0
    log_changed_at: float | None = None
    has_response: bool = False
    transcript: Transcript | None = None
    unread: str | None = None


class Sample(NamedTuple):
    """What was seen of a run a moment ago, None where nobody looked.

    ``cpu`` is how many processors its whole tree kept busy, ``memory`` what that has resident in bytes, ``last_line``
    the last line of its log, clean and without colours.
    """

    cpu: float | None = None
    memory: int | None = None
    last_line: str | None = None


UNSEEN = Sample()
"""Nobody looked."""


class Run(NamedTuple):
    """One run as it is known: immutable, so that a row on the screen never changes under a key press.

    Times are epoch seconds, ``timeout`` is seconds. Text fields are cleaned for display when they are read, except
    ``command``, ``cwd`` and ``env`` (names of variables, whose values are kept nowhere), which must stay exact. ``raw``
    is the record as found on disk; what nobody changed is written back from it. ``damage`` says why it could not be
    read; ``unsaved`` marks an ending judged in memory only; ``foreign`` says why it cannot be judged from here.
    ``agent``, ``session_id`` and ``warnings`` are what its transcript tells; ``activity_at`` is when it last wrote to
    its log. ``paused`` is what the kernel says: the whole tree is stopped. ``size`` is what it takes on the disk, in
    bytes, where somebody measured it; ``sample`` is what was seen of it a moment ago.
    """

    id: str
    name: str | None = None
    command: tuple[str, ...] = ()
    cwd: str | None = None
    env: tuple[str, ...] = ()
    repo: str | None = None
    issue: str | None = None
    persona: str | None = None
    model: str | None = None
    branch: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    queued: bool = False
    started_at: float | None = None
    completed_at: float | None = None
    timeout: float | None = None
    usage: Usage | None = None
    agent: str | None = None
    session_id: str | None = None
    warnings: tuple[str, ...] = ()
    process: Identity = Identity()
    kill_request: KillRequest | None = None
    history: tuple[Transition, ...] = ()
    engine: str | None = None
    rerun_of: str | None = None
    outcome: Outcome | None = None
    mark: Mark | None = None
    damage: str | None = None
    unsaved: bool = False
    foreign: str | None = None
    paused: bool = False
    activity_at: float | None = None
    size: int | None = None
    sample: Sample = UNSEEN
    raw: Mapping[str, object] = MappingProxyType({})

    def __eq__(self, other: object) -> bool:
        """Whether it is a run, and equal in all but the record as it was found."""
        return self is other or (isinstance(other, Run) and self[:RAW] == other[:RAW])

    def __ne__(self, other: object) -> bool:
        """The opposite, which a tuple would tell by itself."""
        return not self == other

    def __hash__(self) -> int:
        """That of all but the record."""
        return hash(self[:RAW])

    def __repr__(self) -> str:
        """What is known of it, without the record."""
        return f"Run({', '.join(f'{name}={self[place]!r}' for place, name in enumerate(self._fields[:RAW]))})"

    @property
    def status(self) -> Status:
        """The one word for where the run stands, derived so that it cannot contradict the rest."""
        if self.damage is not None:
            return Status.DAMAGED
        if self.outcome is not None:
            return self.outcome.status
        return Status.QUEUED if self.queued else Status.RUNNING

    @property
    def finished(self) -> bool:
        """Whether the run has ended for good."""
        return self.outcome is not None

    @property
    def active(self) -> bool:
        """Whether the run may still change by itself: neither finished nor damaged."""
        return self.outcome is None and self.damage is None

    @property
    def older(self) -> bool:
        """Whether the record was made by the older tool, which knows neither start ticks nor a shim."""
        return self.process.host is None and self.process.boot_id is None and not self.command

    @property
    def title(self) -> str:
        """What a person would call it: its name, else its command, else its issue or its persona."""
        return self.name or " ".join(self.command) or self.issue or self.persona or self.repo or ""

    def elapsed(self, now: float) -> float | None:
        """How long it ran, or has been running, in seconds; never negative, None where nobody recorded it."""
        if self.started_at is None or self.damage is not None:
            return None
        if self.finished:
            return None if self.completed_at is None else max(0.0, self.completed_at - self.started_at)
        return max(0.0, now - self.started_at)

    def finish(self, outcome: Outcome, at: float, *, by: str, detail: str | None = None, seen_at: float) -> Run:
        """The only way to a finished run.

        Args:
            outcome: How it ended.
            at: When it ended, epoch seconds.
            by: Who persisted the ending.
            detail: What ``at`` and the outcome were taken from, for the history.
            seen_at: When the transition is made, epoch seconds.

        Raises:
            ValueError: The run is finished already, its record is damaged, or the outcome is no ending.
        """
        if not self.active:
            raise ValueError(f"run {self.id} is {self.status} and cannot finish again")
        if outcome.status not in {Status.COMPLETED, Status.FAILED}:
            raise ValueError(f"an outcome is completed or failed, not {outcome.status}")
        step = Transition(seen_at, str(self.status), str(outcome.status), str(outcome.reason or ""), by, detail)
        return self._replace(outcome=outcome, completed_at=at, queued=False, history=(*self.history, step))

    def marked(self, status: Status, *, by: str, why: str | None = None, at: float) -> Run:
        """The finished run as a person wants it counted; what was observed of its ending stays beside the mark.

        Args:
            status: COMPLETED or FAILED.
            by: Who says so.
            why: What for.
            at: When, epoch seconds.

        Raises:
            ValueError: The run has not ended, or its record is damaged.
        """
        if self.outcome is None or self.damage is not None:
            raise ValueError(f"run {self.id} is {self.status} and cannot be marked")
        mark = Mark(at, by, self.mark.before if self.mark else self.outcome, why)
        error = f"Marked failed by {by}" + (f": {why}" if why else "") if status is Status.FAILED else None
        outcome = self.outcome._replace(status=status, reason=Reason.MARKED, error=error)
        step = Transition(at, str(self.status), str(status), str(Reason.MARKED), by, why)
        return self._replace(outcome=outcome, mark=mark, history=(*self.history, step))

    def noted(self, step: Transition) -> Run:
        """The run with one more line of history."""
        return self._replace(history=(*self.history, step))


RAW = Run._fields.index("raw")
"""The place of the record as it was found, which is the last: it says nothing that the others do not."""
