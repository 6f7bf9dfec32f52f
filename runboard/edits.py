"""What people say of runs beside what was observed: a mark, tags, a note; written under the run's lock."""

from __future__ import annotations

import time
from collections.abc import Iterable

from runboard.errors import Refused
from runboard.model import Run, Status, Transition
from runboard.safetext import clean, clean_lines
from runboard.store import LockedRun, Store

NOTE_MOST = 64 << 10
"""Characters of the longest note."""

TAG_MOST = 100
"""Characters of the longest tag."""


def mark(store: Store, run_id: str, status: Status, *, by: str, why: str | None = None) -> Run:
    """Have a finished run counted as ``status``; its exit code, its log and the ending as observed stay.

    Raises:
        Refused: It has not ended, or is damaged.
        StoreError: It is gone, or could not be written.
    """
    with store.locked(run_id) as locked:
        _require_whole(locked)
        if locked.run.active:
            raise Refused(
                f"run {clean(run_id)} is {locked.run.status}, and only a finished run can be marked: "
                f"wait for its end, or stop it with `runboard kill {clean(run_id)}`"
            )
        marked = locked.run.marked(status, by=by, why=clean(why or "").strip() or None, at=time.time())
        return locked.put(marked, "edited", reason="marked", by=by)


def tag(store: Store, run_id: str, *, add: Iterable[str] = (), remove: Iterable[str] = (), by: str) -> Run:
    """Give a run tags and take tags from it; where that changes nothing, nothing is written.

    Raises:
        Refused: A tag is empty or too long, or the run is damaged.
        StoreError: It is gone, or could not be written.
    """
    wanted, unwanted = [_tag(word) for word in add], {_tag(word) for word in remove}
    with store.locked(run_id) as locked:
        _require_whole(locked)
        kept = [word for word in locked.run.tags if word not in unwanted]
        tags = tuple(dict.fromkeys((*kept, *(word for word in wanted if word not in unwanted))))
        return _written(locked, locked.run._replace(tags=tags), by)


def note(store: Store, run_id: str, text: str, *, by: str) -> Run:
    """Put a note on a run in place of the one it had; an empty one takes it away.

    Raises:
        Refused: It is too long, or the run is damaged.
        StoreError: It is gone, or could not be written.
    """
    text = clean_lines(text).strip()
    if len(text) > NOTE_MOST:
        raise Refused(f"a note has at most {NOTE_MOST:,} characters, and this one has {len(text):,}; put it in a file")
    with store.locked(run_id) as locked:
        _require_whole(locked)
        return _written(locked, locked.run._replace(note=text or None), by)


def step(store: Store, run_id: str, before: str, after: str, *, by: str, detail: str | None = None) -> Run:
    """Add a line to the history of a run that has not ended; one that has is left as it is.

    Raises:
        StoreError: It is gone, damaged, or could not be written.
    """
    with store.locked(run_id) as locked:
        if not locked.run.active:
            return locked.run
        return locked.put(locked.run.noted(Transition(time.time(), before, after, "", by, detail)), "edited", by=by)


def _written(locked: LockedRun, run: Run, by: str) -> Run:
    """Write the run if it differs."""
    return locked.run if run == locked.run else locked.put(run, "edited", by=by)


def _require_whole(locked: LockedRun) -> None:
    """Refuse a record that cannot be understood."""
    if locked.run.damage is not None:
        raise Refused(f"run {clean(locked.run.id)} is damaged and is left as it is: {locked.run.damage}")


def _tag(text: str) -> str:
    """A tag as it is kept: one clean line without blanks around it."""
    word = clean(text).strip()
    if not word or len(word) > TAG_MOST:
        raise Refused(f"a tag has 1 to {TAG_MOST} characters, and '{word[:40]}' has {len(word)}")
    return word
