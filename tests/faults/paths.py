"""The ways in which the product writes, each with what it begins on and what must be true of the disk after a fault."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runboard.errors import NoSuchRun
from runboard.index import Index
from runboard.model import Reason, Run, Status
from runboard.reconcile import settle
from runboard.row import Row
from runboard.state import State
from runboard.store import Store
from tests.faults import acts
from tests.faults.crash import Fate
from tests.stores import contents, finished
from tests.waiting import until

NUMBER = 7
"""What writers write; before it was 0."""

_LITTER = re.compile(r"\.put-.*|\.log-.*|\..*\.shim|\.sheet\..*|\..*\.json\.\d+|.*\.db\.\d+-.*")
"""How unfinished files of any kind are called."""

Check = Callable[[Store, str, Fate], str]
"""What is wrong on the disk after a fault, in words; empty where nothing is."""


@dataclass(frozen=True)
class WritePath:
    """One way to write: the run it begins on, what may be found after a fault, and how it is got over."""

    act: str
    ready: Callable[[Store], str]
    wrong: Check
    recover: Callable[[Store, str], None]


def litter(root: str) -> list[str]:
    """Unfinished files anywhere below a directory."""
    return [name for _, folders, names in os.walk(root) for name in folders + names if _LITTER.fullmatch(name)]


def _old_or_new(found: object, old: object, new: object, fate: Fate) -> str:
    """What was there before or what was to be, and the latter where the writer said so."""
    if found == new or (found == old and not fate.done):
        return ""
    return f"found {found!r}, and it said {fate.said!r}"


def _note(store: Store, run_id: str, fate: Fate) -> str:
    """The record holds the old number or the new one, whole."""
    try:
        found = json.loads(Path(store.path(run_id), "run.json").read_bytes())["note"]
    except (ValueError, OSError) as error:
        return f"torn: {error}"
    return _old_or_new(found, "0", str(NUMBER), fate)


def _answer(store: Store, run_id: str, fate: Fate) -> str:
    """The file is whole or not there."""
    return _old_or_new(contents(store, run_id, "response.md"), None, str(NUMBER).encode() * 100, fate)


def _made(store: Store, run_id: str, fate: Fate) -> str:
    """There is at most one new run, and it is whole or being made."""
    fresh = [name for name in store.ids() if name != run_id]
    notes = []
    for name in fresh:
        with suppress(NoSuchRun):
            run = store.read(name)
            if run.damage not in {None, "it has no run.json"}:
                return f"damaged: {run.damage}"
            notes += [] if run.damage else [run.note]
    for name in fresh:
        acts.ACTS["naive_removal"](store, name, 0)
    return _old_or_new(notes, [], [str(NUMBER)], fate)


def _places(store: Store, run_id: str) -> tuple[bool, bool]:
    """Whether a run is among the runs, and whether it is in the trash."""
    return run_id in store.ids(), run_id in store.trash_names()


def _moved(old: tuple[bool, bool], new: tuple[bool, bool]) -> Check:
    """The run is in the one place or in the other, whole."""

    def wrong(store: Store, run_id: str, fate: Fate) -> str:
        """See where it is, and whether it is whole there."""
        found = _places(store, run_id)
        if found[0] and store.read(run_id).note != "0":
            return "not whole"
        return _old_or_new(found, old, new, fate)

    return wrong


def _settled(store: Store, run_id: str, fate: Fate) -> str:
    """The run has not ended yet, or as it truly did, once."""
    run = store.read(run_id)
    if run.damage or (run.outcome and (run.outcome.exit_code, len(run.history)) != (9, 1)):
        return f"{run.damage} {run.outcome} {run.history}"
    return _old_or_new(run.status, Status.RUNNING, Status.FAILED, fate)


def _all_settled(store: Store, _run_id: str, fate: Fate) -> str:
    """The same of each of several runs."""
    return "".join(_settled(store, run_id, fate) for run_id in store.ids())


def _asked(store: Store, run_id: str, fate: Fate) -> str:
    """The wish is written down, or not said to be."""
    run = store.read(run_id)
    return run.damage or _old_or_new(run.kill_request is not None, False, True, fate)


def _remembered(store: Store, _run_id: str, fate: Fate) -> str:
    """What was remembered before, or the new thing."""
    found = State(f"{store.root}/.state").load().get("number")
    return _old_or_new(found, None, NUMBER, fate)


def _indexed(store: Store, _run_id: str, _fate: Fate) -> str:
    """Whatever became of the file, who asks the index next is told what is on the disk."""
    index = Index(store, f"{store.root}/.index/index.db")
    index.sync()
    told = {row for page in index.rows() for row in page}
    index.close()
    true = {Row.of(store.read(name)) for name in store.ids() if store.read(name).finished}
    return "" if {row.id for row in told} == {row.id for row in true} else f"{told} instead of {true}"


def _ended(store: Store, run_id: str) -> Run:
    """A run once it is settled, its command gone."""
    until(lambda: not settle(store, run_id, by="trial").active, 10, "it is settled")
    return store.read(run_id)


def _true_ending(run: Run, log: str) -> str:
    """Of a command that exits with 5 nothing else is ever said; where nobody saw it end, that; never a success."""
    assert run.outcome is not None
    told = (run.outcome.status, run.outcome.reason, run.outcome.exit_code)
    if told in {(Status.FAILED, Reason.EXITED, 5), (Status.FAILED, Reason.LOST, None)}:
        return ""
    if told == (Status.FAILED, Reason.START_FAILED, None):
        return "said not to have been started" if "begun" in log else ""
    return f"invented: {told}"


def _log(store: Store, run_id: str) -> str:
    """What the command wrote."""
    return (contents(store, run_id, "output.log") or b"").decode()


def _started(store: Store, run_id: str, fate: Fate) -> str:
    """Every run that came to be is settled as it truly ended, though its launcher died."""
    wrong = ""
    fresh = [name for name in store.ids() if name != run_id]
    for name in fresh:
        with suppress(NoSuchRun):
            if store.read(name).damage is None:
                wrong = wrong or _true_ending(_ended(store, name), _log(store, name))
        acts.ACTS["naive_removal"](store, name, 0)
    return wrong or ("" if fresh or not fate.done else "nothing was made")


def _shimmed(store: Store, run_id: str, _fate: Fate) -> str:
    """A run whose shim died is settled as it truly ended where that was written down, else as lost."""
    run = _ended(store, run_id)
    if contents(store, run_id, "exit.json") and (run.outcome is None or run.outcome.exit_code != 5):
        return f"exit.json is there, and it is told as {run.outcome}"
    return _true_ending(run, _log(store, run_id))


def _again(act: str) -> Callable[[Store, str], None]:
    """Do the same once more without a fault, as far as it is still to be done."""

    def recover(store: Store, run_id: str) -> None:
        """Do it; the run may be where it was to go already."""
        with suppress(NoSuchRun):
            acts.ACTS[act](store, run_id, NUMBER)

    return recover


def _reconcile(store: Store, run_id: str) -> None:
    """What ``runboard reconcile`` does."""
    settle(store, run_id)
    store.tidy(run_id)


def _reconcile_all(store: Store, _run_id: str) -> None:
    """The same for all runs."""
    for run_id in store.ids():
        _reconcile(store, run_id)


def _age(root: str) -> None:
    """Let what was left unfinished have been left long ago."""
    for folder, _, names in os.walk(root):
        for name in filter(_LITTER.fullmatch, names):
            os.utime(f"{folder}/{name}", (0, 0))


def _index_again(store: Store, run_id: str) -> None:
    """There is a new run, so that the index is written to; what a dead maker left has been left for a while."""
    _age(store.root)
    finished(store)
    acts.ACTS["index"](store, run_id, NUMBER)


def _ring_again(store: Store, run_id: str) -> None:
    """Another ending rings; what a dead one had taken is put back and run, and removed when it was half written."""
    if litter(store.root):
        _age(store.root)
        time.sleep(1.1)  # the age of a name cannot be forged
    acts.ACTS["ring"](store, run_id, NUMBER)
    store.tidy(run_id)


def _nothing(_store: Store, _run_id: str) -> None:
    """It has been got over by looking."""


def _rung(_store: Store, _run_id: str, _fate: Fate) -> str:
    """An ending's hook runs at most once, so whatever the queue holds is right."""
    return ""


def _done(store: Store) -> str:
    """A finished run."""
    return finished(store).id


def _thrown(store: Store) -> str:
    """A run in the trash."""
    run_id = _done(store)
    store.trash(run_id)
    return run_id


def _three_over(store: Store) -> str:
    """Three runs that have ended while nobody looked."""
    acts.over(store)
    acts.over(store)
    return acts.over(store).id


PATHS = (
    WritePath("put", _done, _note, _again("put")),
    WritePath("put_once", _done, _answer, _again("put")),
    WritePath("create", _done, _made, _nothing),
    WritePath("trash", _done, _moved((True, False), (False, True)), _again("trash")),
    WritePath("restore", _thrown, _moved((False, True), (True, False)), _again("restore")),
    WritePath("destroy", _thrown, _moved((False, True), (False, False)), _again("destroy")),
    WritePath("settle", lambda store: acts.over(store).id, _settled, _reconcile),
    WritePath("settle_together", _three_over, _all_settled, _reconcile_all),
    WritePath("ask_kill", lambda store: acts.beginning(store).id, _asked, _again("ask_kill")),
    WritePath("remember", _done, _remembered, _again("remember")),
    WritePath("index", _done, _indexed, _index_again),
    WritePath("ring", _done, _rung, _ring_again),
    WritePath("start", _done, _started, _nothing),
    WritePath("be_shim", lambda store: acts.beginning(store).id, _shimmed, _nothing),
)
"""Every way in which anything is written."""
