"""What is known of a run in words, for the board's sheet and for ``show``: each fact with its name, safe to show."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable

from runboard.columns import elapsed, reason_text, size_text
from runboard.model import Run, Transition
from runboard.safetext import clean, clean_lines
from runboard.verdict import duration, signal_name

NOW_SECONDS = 15
"""A last output of so many seconds ago may as well have been a moment ago: live logs are looked at in steps of ten."""


def shell_words(command: Iterable[str]) -> str:
    """A command as a shell (bash, zsh, ksh) reads it back exactly, with nothing in it that a terminal would act on."""
    return " ".join(shlex.quote(word) if word.isprintable() else _escaped(word) for word in command)


def _escaped(word: str) -> str:
    """A word in $'…', each byte of what cannot be printed as an escape."""
    shown = []
    for letter in word:
        if letter in "\\'":
            shown.append(f"\\{letter}")
        elif letter.isprintable():
            shown.append(letter)
        else:
            shown += [f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape")]
    return f"$'{''.join(shown)}'"


def facts_of(run: Run, now: float) -> list[tuple[str, str]]:
    """What is known of a run, each with its name, made safe to show; warnings and note last, the history apart."""
    facts = [(name, clean(text)) for name, text in _facts(run, now) if text]
    facts += [("Warnings" if at == 0 else "", clean(warning)) for at, warning in enumerate(run.warnings)]
    return facts + ([("Note", clean_lines(run.note))] if run.note else [])


def history_of(run: Run) -> list[str]:
    """Each line of a run's history: when, what changed, why, by whom, and what that was taken from."""
    return [_step(step) for step in run.history]


def _facts(run: Run, now: float) -> list[tuple[str, str]]:
    """What there is to say of a run in one line each; empty where it is not known."""
    outcome, usage, who, request = run.outcome, run.usage, run.process, run.kill_request
    ran = elapsed(run, now)
    process = "" if who.pid is None else f"was {who.pid}"
    if run.active and who.pid is not None:
        process = f"{who.pid}" + (f", watched over by {who.shim_pid}" if who.shim_pid else "")
    return [
        ("Why", reason_text(run)),
        ("Reason", str(outcome.reason or "") if outcome else ""),
        ("Observed", _observed(run)),
        ("Exit code", str(outcome.exit_code) if outcome and outcome.exit_code is not None else ""),
        ("Signal", signal_name(outcome.signal) if outcome and outcome.signal else ""),
        ("Core dumped", "yes" if outcome and outcome.core_dumped else ""),
        ("Stop asked", f"{signal_name(request.signal)} by {request.by} at {moment(request.at)}" if request else ""),
        ("Command", shlex.join(run.command)),
        ("Directory", run.cwd or ""),
        ("Environment", shlex.join(run.env)),
        ("Started", "" if run.started_at is None else moment(run.started_at)),
        ("Ended", "" if run.completed_at is None else moment(run.completed_at)),
        ("Elapsed", "" if ran is None else duration(int(ran) if ran >= 10 or run.active else round(ran, 1))),
        ("Last output", "" if run.activity_at is None else _since(now - run.activity_at)),
        ("Time limit", "" if run.timeout is None else duration(run.timeout)),
        ("Process", process),
        ("Host", who.host or ""),
        ("Repo", run.repo or ""),
        ("Issue", run.issue or ""),
        ("Branch", run.branch or ""),
        ("Model", run.model or ""),
        ("Agent", run.agent or ""),
        ("Session", run.session_id or ""),
        ("Persona", run.persona or ""),
        ("Engine", run.engine or ""),
        ("Tags", " ".join(run.tags)),
        ("Rerun of", run.rerun_of or ""),
        ("On the disk", "" if run.size is None else f"{size_text(run.size)} ({run.size:,} bytes)"),
        ("Tokens", _tokens(run)),
        ("Cost", f"${usage.cost:.4f}" if usage and usage.cost is not None else ""),
    ]


def _observed(run: Run) -> str:
    """The ending as it was observed, of a run that somebody has marked."""
    if run.mark is None:
        return ""
    before = run.mark.before
    words = f"{before.status}" + (f" ({before.reason})" if before.reason else "")
    return f"{words}: {before.error}" if before.error else words


def _tokens(run: Run) -> str:
    """The token counts that were told."""
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning", "total")
    counts = [(kind.replace("_", " "), getattr(run.usage, f"{kind}_tokens", None)) for kind in kinds]
    return ", ".join(f"{count:,} {kind}" for kind, count in counts if count is not None)


def _step(step: Transition) -> str:
    """One line of history: when, what changed, why, by whom, and what that was taken from."""
    change = f"{step.from_status} → {step.to_status}" if step.from_status else step.to_status
    words = [change, step.reason, step.by and f"by {step.by}", f"({step.detail})" if step.detail else ""]
    return "  ".join([moment(step.at), *(clean(word) for word in words if word)])


def _since(seconds: float) -> str:
    """How long ago a run last wrote, no finer than that is looked at: of one that writes on no seconds are counted."""
    whole = int(seconds)
    return "just now" if whole < NOW_SECONDS else f"{duration(whole - whole % 10 if whole < 60 else whole)} ago"


def moment(at: float) -> str:
    """A time as the wall clock here shows it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f} s after 1970"
