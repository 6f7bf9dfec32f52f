"""run.json as a value: reads what either tool ever wrote, and writes back as found what nobody changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from runboard.model import ExitRecord, Identity, KillRequest, Outcome, Reason, Run, Status, Transition, Usage
from runboard.safetext import clean

SCHEMA = 1
PID_MAX = 2**22
"""The largest pid Linux can give (PID_MAX_LIMIT, proc_sys_kernel(5)); a number above it names no process."""

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
        raise BadRecord(f"run.json holds {_kind(doc)} where an object belongs")
    status = doc.get("status")
    if not isinstance(status, str) or status not in {*_FINISHED, "running", "queued"}:
        shown = "no status" if status is None else f"the unknown status {clean(repr(status))[:40]}"
        raise BadRecord(f"run.json has {shown}")
    outcome = _outcome(doc, _FINISHED[status]) if status in _FINISHED else None
    minutes = _number(doc.get("timeout"))
    return Run(
        id=run_id,
        name=_text(doc.get("name")),
        repo=_text(doc.get("repo")),
        issue=_text(doc.get("issue")),
        persona=_text(doc.get("persona")),
        model=_text(doc.get("model")),
        branch=_text(doc.get("branch")),
        note=_text(doc.get("note")),
        engine=_text(doc.get("engine")),
        command=_strings(doc.get("command")),
        cwd=_exact(doc.get("cwd")),
        env=tuple(sorted((k, v) for k, v in _mapping(doc.get("env")).items() if isinstance(v, str))),
        tags=tuple(clean(tag) for tag in _strings(doc.get("tags"))),
        queued=status == "queued",
        started_at=_time(doc.get("startedAt")),
        completed_at=_time(doc.get("completedAt")) if outcome else None,
        timeout=minutes * 60 if minutes is not None and minutes > 0 else None,
        usage=_usage(doc.get("usage")),
        process=_identity(doc),
        kill_request=_kill_request(doc.get("killRequest")),
        history=_history(doc.get("history")),
        rerun_of=_text(doc.get("rerunOf")),
        outcome=outcome,
        raw=doc,
    )


def dump(run: Run) -> dict[str, Any]:
    """The record to write: what was found on disk with only the changed keys replaced, so unknown keys survive.

    Raises:
        ValueError: The run is damaged; such a record is never overwritten.
    """
    if run.damage is not None:
        raise ValueError(f"run {run.id} is damaged and its record is left as it is")
    found = dict(run.raw)
    before = _encode(parse(found, run.id)) if found else {}
    for key, value in _encode(run).items():
        if key not in found or value != before[key]:
            old = found.get(key)
            found[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return found


@dataclass(frozen=True, slots=True)
class Started:
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
    found = _mapping(doc)
    at, pid, errno = _number(found.get("at")), _pid(found.get("pid")), _count(found.get("errno"), 4095)
    if at is None or (pid is None and not errno):
        return None
    return Started(
        at,
        pid,
        _count(found.get("startTicks")),
        _pid(found.get("shimPid")),
        _count(found.get("shimStartTicks")),
        errno or None,
        _text(found.get("stage")) or "exec",
    )


def parse_exit(doc: object) -> ExitRecord | None:
    """Understand exit.json; None where it does not hold at least a wait status and a time."""
    found = _mapping(doc)
    status, at = _count(found.get("status"), 0xFFFF), _number(found.get("at"))
    if status is None or at is None:
        return None
    return ExitRecord(
        status,
        at,
        _number(found.get("uptime")),
        _number(found.get("timedOutAt")),
        _count(found.get("oomKills")) or 0,
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
        "env": dict(run.env),
        "tags": list(run.tags),
        "note": run.note,
        "reason": str(outcome.reason) if outcome and outcome.reason else None,
        "exitCode": outcome.exit_code if outcome else None,
        "signal": outcome.signal if outcome else None,
        "coreDumped": (outcome.core_dumped or None) if outcome else None,
        "process": _present(_process(run.process)),
        "killRequest": _present(_kill(run.kill_request)) if run.kill_request else None,
        "history": [_step(step) for step in run.history],
        "engine": run.engine,
        "rerunOf": run.rerun_of,
    }
    return doc | {key: value for key, value in ours.items() if value not in (None, [], {})}


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


def _kind(value: object) -> str:
    """A JSON value's kind in a person's words."""
    names: dict[type, str] = {
        list: "a list",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "nothing" if value is None else names.get(type(value), "something else")


def _exact(value: object) -> str | None:
    """A string that must not be altered, or None."""
    return value if isinstance(value, str) and value else None


def _text(value: object) -> str | None:
    """A string cleaned for showing; numbers are taken too, because issues are often numbered."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    return clean(value) if isinstance(value, str) and value else None


def _strings(value: object) -> tuple[str, ...]:
    """A list of strings, or nothing at all where any part is something else."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return ()


def _mapping(value: object) -> dict[str, Any]:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    """A finite number; true and false are not numbers here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return float(value)


def _count(value: object, most: int = 2**63 - 1) -> int | None:
    """A whole number from 0 to ``most``; a float, a bool or a number in a string is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= most else None


def _pid(value: object) -> int | None:
    """A pid that could name a process of a person's: above 1, whole, within the kernel's range."""
    pid = _count(value, PID_MAX)
    return pid if pid is not None and pid > 1 else None


def _time(value: object) -> float | None:
    """Epoch seconds from ISO 8601 text, or from the number of milliseconds JavaScript counts in."""
    milliseconds = _number(value)
    if milliseconds is not None:
        return milliseconds / 1000 if 0 <= milliseconds < 1e14 else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError):
        return None


def _identity(doc: Mapping[str, Any]) -> Identity:
    """Who the process is: the older tool's bare pid, or ours with all that makes it certain."""
    found = _mapping(doc.get("process"))
    return Identity(
        pid=_pid(doc.get("pid")),
        start_ticks=_count(found.get("startTicks")),
        boot_id=_exact(found.get("bootId")),
        pid_namespace=_exact(found.get("pidNamespace")),
        host=_text(found.get("host")),
        shim_pid=_pid(found.get("shimPid")),
        shim_start_ticks=_count(found.get("shimStartTicks")),
        launcher_pid=_pid(found.get("launcherPid")),
        launcher_start_ticks=_count(found.get("launcherStartTicks")),
    )


def _kill_request(value: object) -> KillRequest | None:
    """A kill request, whole or not at all."""
    found = _mapping(value)
    at, number = _time(found.get("at")), _count(found.get("signal"), 64)
    if at is None or not number:
        return None
    by = _text(found.get("by")) or "somebody"
    return KillRequest(at, by, number, _number(found.get("uptime")), found.get("timeout") is True)


def _history(value: object) -> tuple[Transition, ...]:
    """The lines of history that can be read."""
    steps = [_mapping(step) for step in value] if isinstance(value, list) else []
    return tuple(
        Transition(
            _time(step.get("at")) or 0.0,
            _text(step.get("from")) or "",
            _text(step.get("to")) or "",
            _text(step.get("reason")) or "",
            _text(step.get("by")) or "",
            _text(step.get("detail")),
        )
        for step in steps
        if step
    )


def _usage(value: object) -> Usage | None:
    """Token counts and cost that are numbers; the rest counts as not told."""
    found = _mapping(value)
    counts = {key: _count(found.get(key)) for key in _USAGE if key != "cost"}
    cost = _number(found.get("cost"))
    if cost is None and all(count is None for count in counts.values()):
        return None
    return Usage(**counts, cost=cost)


def _outcome(doc: Mapping[str, Any], status: Status) -> Outcome:
    """An ending as recorded, by either tool."""
    reason = doc.get("reason")
    return Outcome(
        status,
        _REASONS.get(reason) if isinstance(reason, str) else None,
        _text(doc.get("error")),
        _count(doc.get("exitCode"), 255),
        _count(doc.get("signal"), 64),
        doc.get("coreDumped") is True,
    )
