"""run.json as a value: reads what either tool ever wrote, and writes back as found what nobody changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from runboard.lenient import (
    as_count,
    as_exact,
    as_kind,
    as_lines,
    as_mapping,
    as_number,
    as_pid,
    as_strings,
    as_text,
    as_time,
)
from runboard.model import ExitRecord, Identity, KillRequest, Mark, Outcome, Reason, Run, Status, Transition, Usage
from runboard.safetext import clean

SCHEMA = 1

_FINISHED = {"completed": Status.COMPLETED, "failed": Status.FAILED}
_REASONS = {str(reason): reason for reason in Reason}
_USAGE = (
    *("input_tokens", "output_tokens", "total_tokens", "cost"),
    *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
)


class BadRecord(ValueError):
    """A record that cannot be understood; the message says which part and why."""


def parse(doc: object, run_id: str) -> Run:
    """Understand one decoded run.json; the directory's name decides the id.

    Raises:
        BadRecord: It is no object, or its status is missing or unknown.
    """
    if not isinstance(doc, dict):
        raise BadRecord(f"run.json holds {as_kind(doc)} where an object belongs")
    status = doc.get("status")
    if not isinstance(status, str) or status not in {*_FINISHED, "running", "queued"}:
        shown = "no status" if status is None else f"the unknown status {clean(repr(status))[:40]}"
        raise BadRecord(f"run.json has {shown}")
    outcome = _outcome(doc, _FINISHED[status]) if status in _FINISHED else None
    minutes = as_number(doc.get("timeout"))
    return Run(
        id=run_id,
        name=as_text(doc.get("name")),
        repo=as_text(doc.get("repo")),
        issue=as_text(doc.get("issue")),
        persona=as_text(doc.get("persona")),
        model=as_text(doc.get("model")),
        branch=as_text(doc.get("branch")),
        note=as_lines(doc.get("note")),
        engine=as_text(doc.get("engine")),
        command=as_strings(doc.get("command")),
        cwd=as_exact(doc.get("cwd")),
        env=_names(doc.get("env")),
        tags=tuple(clean(tag) for tag in as_strings(doc.get("tags"))),
        queued=status == "queued",
        started_at=as_time(doc.get("startedAt")),
        completed_at=as_time(doc.get("completedAt")) if outcome else None,
        timeout=minutes * 60 if minutes is not None and 0 < minutes < 1e9 else None,
        usage=_usage(doc.get("usage")),
        agent=as_text(doc.get("agent")),
        session_id=as_text(doc.get("sessionId")),
        warnings=tuple(clean(warning) for warning in as_strings(doc.get("warnings"))),
        process=_identity(doc),
        kill_request=_kill_request(doc.get("killRequest")),
        history=_history(doc.get("history")),
        rerun_of=as_text(doc.get("rerunOf")),
        outcome=outcome,
        mark=_mark(doc) if outcome else None,
        raw=doc,
    )


def dump(run: Run, read: Run | None = None) -> dict[str, Any]:
    """The record to write: what was found on disk with only the changed keys replaced, so unknown keys survive.

    The values of variables, which earlier versions kept under ``env``, do not: their names do.

    ``read`` is what `parse` made of what was found, where the caller has it still.

    Raises:
        ValueError: The run is damaged; such a record is never overwritten.
    """
    if run.damage is not None:
        raise ValueError(f"run {run.id} is damaged and its record is left as it is")
    found = dict(run.raw)
    if isinstance(found.get("env"), dict):
        found["env"], read = list(_names(found["env"])), None
    if read is None or read.raw is not run.raw or read.id != run.id:
        read = parse(found, run.id) if found else None
    before, now = _encode(read) if found and read else {}, _encode(run)
    for key in before.keys() - now.keys():
        found.pop(key, None)
    for key, value in now.items():
        if key not in found or value != before.get(key):
            old = found.get(key)
            found[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return found


class Started(NamedTuple):
    """What the shim wrote in started.json: who command and shim are, or why (errno, stage) there is no command."""

    at: float
    pid: int | None = None
    start_ticks: int | None = None
    shim_pid: int | None = None
    shim_start_ticks: int | None = None
    errno: int | None = None
    stage: str = "exec"


def parse_started(doc: object) -> Started | None:
    """Understand started.json; None where it tells neither of a command nor of why there is none."""
    found = as_mapping(doc)
    at, pid, errno = as_number(found.get("at")), as_pid(found.get("pid")), as_count(found.get("errno"), 4095)
    if at is None or (pid is None and not errno):
        return None
    return Started(
        at,
        pid,
        as_count(found.get("startTicks")),
        as_pid(found.get("shimPid")),
        as_count(found.get("shimStartTicks")),
        errno or None,
        as_text(found.get("stage")) or "exec",
    )


def parse_exit(doc: object) -> ExitRecord | None:
    """Understand exit.json; None where it does not hold at least a wait status and a time."""
    found = as_mapping(doc)
    status, at = as_count(found.get("status"), 0xFFFF), as_number(found.get("at"))
    if status is None or at is None:
        return None
    return ExitRecord(
        status,
        at,
        as_number(found.get("uptime")),
        as_number(found.get("timedOutAt")),
        as_count(found.get("oomKills")) or 0,
    )


def iso(at: float) -> str:
    """Epoch seconds as ISO 8601 UTC with milliseconds, the form the older tool writes."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encode(run: Run) -> dict[str, Any]:
    """The older tool's keys, which are always there, and ours where they say something."""
    outcome = run.outcome
    doc: dict[str, Any] = {
        "id": run.id,
        "repo": run.repo,
        "issue": run.issue,
        "persona": run.persona,
        "model": run.model,
        "branch": run.branch,
        "status": str(run.status),
        "pid": run.process.pid,
        "startedAt": _moment(run.started_at),
        "completedAt": _moment(run.completed_at),
        "error": outcome.error if outcome else None,
        "timeout": None if run.timeout is None else _tidy(run.timeout / 60),
        "usage": _present({key: getattr(run.usage, key) for key in _USAGE}) if run.usage else None,
    }
    ours = {
        "schema": SCHEMA if run.command else None,
        "name": run.name,
        "command": list(run.command),
        "cwd": run.cwd,
        "env": list(run.env),
        "tags": list(run.tags),
        "note": run.note,
        "reason": str(outcome.reason) if outcome and outcome.reason else None,
        "exitCode": outcome.exit_code if outcome else None,
        "signal": outcome.signal if outcome else None,
        "coreDumped": (outcome.core_dumped or None) if outcome else None,
        "process": _present(_process(run.process)),
        "killRequest": _present(_kill(run.kill_request)) if run.kill_request else None,
        "mark": _marking(run.mark) if run.mark else None,
        "history": [_step(step) for step in run.history],
        "agent": run.agent,
        "sessionId": run.session_id,
        "warnings": list(run.warnings),
        "engine": run.engine,
        "rerunOf": run.rerun_of,
    }
    return doc | {key: value for key, value in ours.items() if value not in (None, [], {})}


def _names(value: object) -> tuple[str, ...]:
    """The names of variables, in order: of a list, or of the names with values that earlier versions kept."""
    names = value if isinstance(value, dict) else as_strings(value)
    return tuple(sorted(name for name in names if name))


def _process(who: Identity) -> dict[str, object]:
    """The identity under the names of the disk; the pid itself stands at the top of the record."""
    return {
        "pid": who.pid if who.start_ticks is not None else None,
        "startTicks": who.start_ticks,
        "bootId": who.boot_id,
        "pidNamespace": who.pid_namespace,
        "host": who.host,
        "shimPid": who.shim_pid,
        "shimStartTicks": who.shim_start_ticks,
        "launcherPid": who.launcher_pid,
        "launcherStartTicks": who.launcher_start_ticks,
    }


def _kill(request: KillRequest) -> dict[str, object]:
    """A kill request under the names of the disk; six decimals, because an ending may be milliseconds away."""
    at = datetime.fromtimestamp(request.at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    uptime = None if request.uptime is None else round(request.uptime, 6)
    timeout = request.timeout or None
    return {"at": at, "by": request.by, "signal": request.signal, "uptime": uptime, "timeout": timeout}


def _marking(mark: Mark) -> dict[str, object]:
    """A mark under the names of the disk; the exit code and signal it had before stand at the top of the record."""
    before = mark.before
    reason = str(before.reason) if before.reason else None
    was = _present({"status": str(before.status), "reason": reason, "error": before.error})
    return _present({"at": iso(mark.at), "by": mark.by, "why": mark.why, "before": was})


def _step(step: Transition) -> dict[str, object]:
    """One line of history under the names of the disk."""
    doc: dict[str, object] = {"at": iso(step.at), "from": step.from_status, "to": step.to_status}
    return doc | _present({"reason": step.reason or None, "by": step.by, "detail": step.detail})


def _present(doc: Mapping[str, object]) -> dict[str, object]:
    """The entries that say something."""
    return {key: value for key, value in doc.items() if value is not None}


def _tidy(value: float) -> float | int:
    """A whole number without its fraction, as the older tool writes minutes."""
    return int(value) if value == int(value) else round(value, 6)


def _moment(at: float | None) -> str | None:
    """A time on disk, or None."""
    return None if at is None else iso(at)


def _identity(doc: Mapping[str, Any]) -> Identity:
    """Who the process is: the older tool's bare pid, or ours with all that makes it certain."""
    found = as_mapping(doc.get("process"))
    return Identity(
        pid=as_pid(doc.get("pid")),
        start_ticks=as_count(found.get("startTicks")),
        boot_id=as_exact(found.get("bootId")),
        pid_namespace=as_exact(found.get("pidNamespace")),
        host=as_text(found.get("host")),
        shim_pid=as_pid(found.get("shimPid")),
        shim_start_ticks=as_count(found.get("shimStartTicks")),
        launcher_pid=as_pid(found.get("launcherPid")),
        launcher_start_ticks=as_count(found.get("launcherStartTicks")),
    )


def _kill_request(value: object) -> KillRequest | None:
    """A kill request, whole or not at all."""
    found = as_mapping(value)
    at, number = as_time(found.get("at")), as_count(found.get("signal"), 64)
    if at is None or not number:
        return None
    by = as_text(found.get("by")) or "somebody"
    return KillRequest(at, by, number, as_number(found.get("uptime")), found.get("timeout") is True)


def _mark(doc: Mapping[str, Any]) -> Mark | None:
    """A person's word on a finished run, whole or not at all."""
    found = as_mapping(doc.get("mark"))
    at, was = as_time(found.get("at")), as_mapping(found.get("before"))
    status = _FINISHED.get(str(was.get("status")))
    if at is None or status is None:
        return None
    before = _outcome({**doc, "reason": was.get("reason"), "error": was.get("error")}, status)
    return Mark(at, as_text(found.get("by")) or "somebody", before, as_text(found.get("why")))


def _history(value: object) -> tuple[Transition, ...]:
    """The lines of history that can be read."""
    steps = [as_mapping(step) for step in value] if isinstance(value, list) else []
    return tuple(
        Transition(
            as_time(step.get("at")) or 0.0,
            as_text(step.get("from")) or "",
            as_text(step.get("to")) or "",
            as_text(step.get("reason")) or "",
            as_text(step.get("by")) or "",
            as_text(step.get("detail")),
        )
        for step in steps
        if step
    )


def _usage(value: object) -> Usage | None:
    """Token counts and cost that are numbers; the rest counts as not told."""
    found = as_mapping(value)
    if not found:
        return None
    counts = {key: as_count(found.get(key)) for key in _USAGE if key != "cost"}
    cost = as_number(found.get("cost"))
    if cost is None and all(count is None for count in counts.values()):
        return None
    return Usage(**counts, cost=cost)


def _outcome(doc: Mapping[str, Any], status: Status) -> Outcome:
    """An ending as recorded, by either tool."""
    reason = doc.get("reason")
    return Outcome(
        status,
        _REASONS.get(reason) if isinstance(reason, str) else None,
        as_text(doc.get("error")),
        as_count(doc.get("exitCode"), 255),
        as_count(doc.get("signal"), 64),
        doc.get("coreDumped") is True,
    )
