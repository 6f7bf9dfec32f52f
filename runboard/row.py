"""A finished run as the board and the index hold it by the hundred thousand: what tables show and queries ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from sys import intern
from typing import Any, NamedTuple

from runboard import files, record
from runboard.columns import FILLS
from runboard.lenient import as_count, as_lines, as_number, as_strings, as_text, as_time
from runboard.model import Identity, Reason, Run, Status, Usage
from runboard.query import HAY, TAG_END, Measure, Query, Term, haystack
from runboard.safetext import clean

Place = tuple[int, float, str]
"""Where a run stands in the order: its group, then newest first, then its id so that no two places are equal."""

NEEDY, ENDED = -1, 2
"""The group of the runs that need somebody, above the running ones; that of those that have ended, below the queued."""

_GROUPS = {Status.RUNNING: 0, Status.QUEUED: 1}
_REPO, _ISSUE, _MODEL, _TOKENS, _COST = (FILLS[key] for key in ("repo", "issue", "model", "tokens", "cost"))
_TEXTS = ("name", "repo", "issue", "persona", "model", "branch")
_STATUSES = {"completed": Status.COMPLETED, "failed": Status.FAILED}
_REASONS = {str(reason): reason for reason in Reason}
_LINES = {key: HAY.index(key) for key in ("name", "repo", "issue", "persona", "model", "branch", "note", "error")}
_KEPT: tuple[str, ...] = ("command", "error", "exitCode", "name", "branch", "issue", "repo", "model", "tags")
_KEPT += ("note", "persona", "signal", "warnings", "mark", "engine")


class Row(NamedTuple):
    """A run that is finished and saved, in some hundred bytes; details are read from the store when somebody looks.

    ``hay`` is its haystack (see `query.haystack`); ``doc`` is a JSON list of what its cells need and the haystack has
    not as it is; ``fills`` has a bit for each optional column with something to show. Times are epoch seconds.
    """

    id: str
    status: Status
    started: float | None
    ended: float | None
    host: str | None
    hay: str
    doc: bytes
    tokens: int | None
    cost: float | None
    fills: int

    @classmethod
    def of(cls, run: Run) -> Row:
        """The row of a run.

        Raises:
            ValueError: The run has not ended, or its ending is not saved: it may still change.
        """
        outcome = run.outcome
        if outcome is None or run.damage is not None or run.unsaved:
            raise ValueError(f"run {run.id} is {run.status} and may still change")
        return _row(
            run.id,
            outcome.status,
            outcome.reason,
            times=(run.started_at, run.completed_at),
            texts=(run.name, run.repo, run.issue, run.persona, run.model, run.branch, run.note, outcome.error),
            lists=(run.command, run.tags, run.warnings),
            ending=(outcome.exit_code, outcome.signal),
            host=run.process.host,
            spent=(run.usage.total_tokens, run.usage.cost) if run.usage else (None, None),
            mark=record.dump(run._replace(raw={}))["mark"] if run.mark else None,
            engine=run.engine,
        )

    @classmethod
    def read(cls, doc: object, run_id: str) -> Row | None:
        """The row of a decoded run.json, equal to that of the run it holds; None where that has no row.

        The long way round by a Run, which knows much that rows do not, takes three times as long.
        """
        if not isinstance(doc, dict):
            return None
        found = doc.get("status")
        status = _STATUSES.get(found) if isinstance(found, str) else None
        if status is None:
            return None
        if "mark" in doc:
            return cls.of(record.parse(doc, run_id))
        return _short_cut(doc, run_id, status)

    @property
    def place(self) -> Place:
        """Where it stands in the order."""
        return ENDED, -(self.ended or self.started or 0.0), self.id

    @property
    def elapsed(self) -> float | None:
        """How long it ran in seconds; None where nobody recorded it."""
        return None if self.started is None or self.ended is None else max(0.0, self.ended - self.started)

    def amount(self, key: str, now: float, size: int | None) -> float | None:
        """What a measure of a query is held against; None where nobody told it."""
        match key:
            case "age":
                return None if self.started is None else max(0.0, now - self.started)
            case "elapsed":
                return self.elapsed
            case "cost":
                return self.cost
            case "tokens":
                return self.tokens
        return size

    def matches(self, query: Query, now: float, size: int | None = None) -> bool:
        """Whether the run meets every condition; for many rows `matching` is quicker."""
        return all(
            term.holds(self.amount(term.field, now, size))
            if isinstance(term, Measure)
            else term.found(self.hay, self.host) is not term.negated
            for term in query.terms
        )

    @property
    def _told(self) -> dict[str, Any]:
        """What its document has."""
        found = files.decode(self.doc)
        return dict(zip(_KEPT, found, strict=False)) if isinstance(found, list) else {}

    @property
    def engine(self) -> str | None:
        """What is said of it as its engine."""
        engine = self._told.get("engine")
        return engine if isinstance(engine, str) else None

    @property
    def exit(self) -> int | None:
        """The exit code, or the number of the signal with a minus, as the column shows it."""
        told = self._told
        return -told["signal"] if told.get("signal") is not None else told.get("exitCode")

    def run(self) -> Run:
        """A run that has the cells of the whole one, and answers every query as that does."""
        lines = self.hay.split("\n")
        doc: dict[str, Any] = {key: lines[at] for key, at in _LINES.items()}
        doc |= {"status": self.status.value, "reason": lines[HAY.index("reason")]}
        doc |= {key: value for key, value in self._told.items() if value is not None}
        told = self.tokens is not None or self.cost is not None
        return record.parse(doc, self.id)._replace(
            started_at=self.started,
            completed_at=self.ended,
            process=Identity(host=self.host),
            usage=Usage(total_tokens=self.tokens, cost=self.cost) if told else None,
        )


Entry = Run | Row
"""What the board holds of a run: all of it while it may change, a row once it is finished and saved."""


def goes_on(old: Run, entry: Run) -> bool:
    """Whether a live run is as live as it was and began when it did: it has its place, whatever else it tells."""
    if old.queued is not entry.queued or old.started_at != entry.started_at:
        return False
    return old.active and entry.active


def place(entry: Entry) -> Place:
    """Running first, then queued, then ended; newest first within each."""
    if isinstance(entry, Row):
        return entry.place
    group = _GROUPS.get(entry.status, ENDED)
    moment = (entry.completed_at or entry.started_at) if group == ENDED else entry.started_at
    return group, -(moment or 0.0), entry.id


def matching(rows: Iterable[Row], query: Query, now: float, sizes: Mapping[str, int]) -> list[Row]:
    """The rows that meet every condition, in their order, each condition asked of what the one before has left."""
    found = list(rows)
    for term in query.terms:
        if isinstance(term, Term):
            found = _with_text(found, term)
        else:
            key, holds = term.field, term.holds
            found = [row for row in found if holds(row.amount(key, now, sizes.get(row.id)))]
    return found


def _with_text(rows: Sequence[Row], term: Term) -> list[Row]:
    """The rows that meet a condition on text; a row whose haystack does not hold it anywhere is looked at no more."""
    text, field, wanted = term.text, term.field, not term.negated
    if field is None:
        return [row for row in rows if (text in row.hay) is wanted]
    if field == "status":
        ends = [(Status.COMPLETED, Status.FAILED)[number] for number in term.statuses()]
        if len(ends) != 1:
            return list(rows) if bool(ends) is wanted else []
        end = ends[0]
        return [row for row in rows if (row.status is end) is wanted]
    if field == "host":
        hosts = {host: term.found("", host) for host in {row.host for row in rows}}
        return [row for row in rows if hosts[row.host] is wanted]
    number = HAY.index(field)
    if field == "reason":
        return [
            row
            for row in rows
            if (text in row.hay and row.hay.split("\n", number + 1)[number].startswith(text)) is wanted
        ]
    return [
        row
        for row in rows
        if (
            (at := (told := row.hay).find(text)) >= 0
            and ((line := told.count("\n", 0, at)) == number or (line < number and text in told.split("\n")[number]))
        )
        is wanted
    ]


def _short_cut(doc: Mapping[str, Any], run_id: str, status: Status) -> Row:
    """The row of an unmarked ending, straight from the record."""
    get = doc.get
    reason, usage, process, error = get("reason"), get("usage"), get("process"), get("error")
    command, tags, warnings = get("command"), get("tags"), get("warnings")
    return _row(
        run_id,
        status,
        _REASONS.get(reason) if isinstance(reason, str) else None,
        times=(as_time(get("startedAt")), as_time(get("completedAt"))),
        texts=(
            *[None if (text := get(key)) is None else as_text(text) for key in _TEXTS],
            as_lines(get("note")),
            None if error is None else as_text(error),
        ),
        lists=(
            as_strings(command) if command else (),
            [clean(tag) for tag in as_strings(tags)] if tags else (),
            [clean(warning) for warning in as_strings(warnings)] if warnings else (),
        ),
        ending=(as_count(get("exitCode"), 255), as_count(get("signal"), 64)),
        host=as_text(process.get("host")) if isinstance(process, dict) else None,
        spent=(
            (as_count(usage.get("total_tokens")), as_number(usage.get("cost")))
            if isinstance(usage, dict)
            else (None, None)
        ),
        engine=None if (engine := get("engine")) is None else as_text(engine),
    )


def _row(
    run_id: str,
    status: Status,
    reason: Reason | None,
    *,
    times: tuple[float | None, float | None],
    texts: tuple[str | None, ...],
    lists: tuple[Sequence[str], Sequence[str], Sequence[str]],
    ending: tuple[int | None, int | None],
    host: str | None,
    spent: tuple[int | None, float | None],
    mark: object = None,
    engine: str | None = None,
) -> Row:
    """A row of what either way has found; ``texts`` are name, repo, issue, persona, model, branch, note and error."""
    name, repo, issue, persona, model, branch, note, error = texts
    command, tags, warnings = lists
    exit_code, signal = ending
    hay = haystack(
        (
            *(run_id, name, status, reason, repo, issue, persona, model, branch),
            *(TAG_END.join(tags) if tags else None, note, error, " ".join(command)),
        )
    )
    cased = [None if not text or (text == text.lower() and "\n" not in text) else text for text in texts]
    kept: list[object] = [
        command or None,
        cased[7],
        exit_code,
        cased[0],
        cased[5],
        cased[2],
        cased[1],
        cased[4],
        tags or None,
    ]
    kept += (cased[6], cased[3], signal, warnings or None, mark, engine or None)
    while kept and kept[-1] is None:
        kept.pop()
    fills = (_REPO if repo else 0) | (_ISSUE if issue else 0) | (_MODEL if model else 0)
    fills |= (0 if spent[0] is None else _TOKENS) | (0 if spent[1] is None else _COST)
    return Row(
        run_id, status, *times, None if host is None else intern(host), hay, files.encode(kept)[:-1], *spent, fills
    )
