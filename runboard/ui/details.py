"""Everything known of one run, with its history, as it stands now."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Static

from runboard.columns import elapsed, reason_text, status_word
from runboard.model import Run, Transition
from runboard.safetext import clean, clean_lines
from runboard.verdict import duration, signal_name

REFRESH_SECONDS = 0.5
"""How often an open sheet looks at its run again."""


class Details(ModalScreen[None], inherit_bindings=False):
    """A sheet of facts; it follows the run while it is open."""

    BINDING_GROUP_TITLE = "Details"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,i,q,ctrl+c", "dismiss", "close", id="details.close"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="details.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="details.up"),
        Binding("pagedown,space", "page(1)", "A page down", show=False, id="details.page-down"),
        Binding("pageup", "page(-1)", "A page up", show=False, id="details.page-up"),
    ]

    COMPONENT_CLASSES: ClassVar[set[str]] = {"details--quiet", "details--accent", "details--failed"}

    sheet = query_one("#details-sheet", VerticalScroll)
    facts = query_one("#details-facts", Static)

    def __init__(self, run: Run, look: Callable[[str], Run | None], clock: Callable[[], float]) -> None:
        """Show ``run``; ``look`` finds it again by its id, ``clock`` tells the time."""
        super().__init__()
        self._run = run
        self._look = look
        self._clock = clock
        self._shown: tuple[tuple[str, str, str], list[tuple[str, str]]] | None = None

    def compose(self) -> ComposeResult:
        """A sheet that scrolls."""
        with VerticalScroll(id="details-sheet", classes="dialog", can_focus=False):
            yield Static(id="details-facts")

    def on_mount(self) -> None:
        """Fill the sheet and keep it up to date."""
        self._update()
        self.set_interval(REFRESH_SECONDS, self._update)

    def _update(self) -> None:
        """Show the run as it stands, if that reads differently."""
        self._run = self._look(self._run.id) or self._run
        head, facts = head_of(self._run), facts_of(self._run, self._clock())
        if (head, facts) != self._shown:
            self._shown = head, facts
            self.facts.update(self._sheet(head, facts))

    def _sheet(self, head: tuple[str, str, str], facts: list[tuple[str, str]]) -> Group:
        """The head, the facts with their names at the left, and the history; every text taken literally."""
        word, run_id, title = head
        ink = "failed" if "failed" in word else "accent" if self._run.active else "quiet"
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in facts:
            table.add_row(Text(name, self.get_component_rich_style("details--quiet", partial=True)), Text(text))
        first = Text.assemble((word, self.get_component_rich_style(f"details--{ink}", partial=True)), "  ", run_id)
        return Group(first, Text(title, "bold"), Text(""), table)

    def action_scroll(self, by: int) -> None:
        """Scroll by lines."""
        self.sheet.scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by screens."""
        self.sheet.scroll_relative(y=by * max(1, self.sheet.size.height - 1), animate=False)


def head_of(run: Run) -> tuple[str, str, str]:
    """How it stands, which run it is, and what it is called."""
    return clean(status_word(run)), clean(run.id), clean(run.title)


def facts_of(run: Run, now: float) -> list[tuple[str, str]]:
    """What is known of a run, each with its name, made safe to show; its history last."""
    facts = [(name, clean(text)) for name, text in _facts(run, now) if text]
    facts += [("Warnings" if at == 0 else "", clean(warning)) for at, warning in enumerate(run.warnings)]
    facts += [("Note", clean_lines(run.note))] if run.note else []
    facts += [("History" if at == 0 else "", _step(step)) for at, step in enumerate(run.history)]
    return facts


def _facts(run: Run, now: float) -> list[tuple[str, str]]:
    """What there is to say of a run in one line each; empty where it is not known."""
    outcome, usage, who, request = run.outcome, run.usage, run.process, run.kill_request
    ran = elapsed(run, now)
    return [
        ("Why", reason_text(run)),
        ("Reason", str(outcome.reason or "") if outcome else ""),
        ("Exit code", str(outcome.exit_code) if outcome and outcome.exit_code is not None else ""),
        ("Signal", signal_name(outcome.signal) if outcome and outcome.signal else ""),
        ("Core dumped", "yes" if outcome and outcome.core_dumped else ""),
        ("Stop asked", f"{signal_name(request.signal)} by {request.by} at {_moment(request.at)}" if request else ""),
        ("Command", shlex.join(run.command)),
        ("Directory", run.cwd or ""),
        ("Environment", shlex.join(f"{name}={value}" for name, value in run.env)),
        ("Started", "" if run.started_at is None else _moment(run.started_at)),
        ("Ended", "" if run.completed_at is None else _moment(run.completed_at)),
        ("Elapsed", "" if ran is None else duration(int(ran) if ran >= 10 or run.active else round(ran, 1))),
        ("Last output", "" if run.activity_at is None else f"{duration(max(0, int(now - run.activity_at)))} ago"),
        ("Time limit", "" if run.timeout is None else duration(run.timeout)),
        ("Process", "" if who.pid is None else f"{who.pid}" if run.active else f"was {who.pid}"),
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
        ("Tokens", _tokens(run)),
        ("Cost", f"${usage.cost:.4f}" if usage and usage.cost is not None else ""),
    ]


def _tokens(run: Run) -> str:
    """The token counts that were told."""
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning", "total")
    counts = [(kind.replace("_", " "), getattr(run.usage, f"{kind}_tokens", None)) for kind in kinds]
    return ", ".join(f"{count:,} {kind}" for kind, count in counts if count is not None)


def _step(step: Transition) -> str:
    """One line of history: when, what changed, why, by whom, and what that was taken from."""
    change = f"{step.from_status} → {step.to_status}" if step.from_status else step.to_status
    words = [change, step.reason, step.by and f"by {step.by}", f"({step.detail})" if step.detail else ""]
    return "  ".join([_moment(step.at), *(clean(word) for word in words if word)])


def _moment(at: float) -> str:
    """A time as the wall clock here shows it."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    except (OverflowError, OSError, ValueError):
        return f"{at:.0f} s after 1970"
