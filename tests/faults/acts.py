"""What faulty writers do: every way in which the product writes to a disk, and what people do instead."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from runboard import files, hook, process, shim
from runboard.control import Control
from runboard.errors import ControlError, StoreError
from runboard.folder import read_record, write_record
from runboard.index import Index
from runboard.model import Identity, Run
from runboard.process.launching import _sheet
from runboard.reconcile import finalize_run, request_kill
from runboard.record import dump
from runboard.state import Forgotten, State
from runboard.store import Store
from runboard.together import Ending, finalize_together

TOLD = (StoreError, ControlError, Forgotten)
"""What the product says, in a sentence, when something cannot be done; anything else is a crash."""

COMMAND = ("sh", "-c", "echo begun; exit 5")
"""What runs that are started here do."""

GONE = 2**22 - 3
"""A pid that nobody has: the kernel's highest are given out last."""


def put(store: Store, run_id: str, number: int) -> None:
    """Write a number into the record as the store does."""
    with store.locked(run_id, limit=60) as held:
        held.put(held.run._replace(note=str(number)), "edited")


def naive(store: Store, run_id: str, number: int) -> None:
    """Write a number into the record as people do."""
    path = Path(store.path(run_id), "run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "note": str(number)}))


def increment(store: Store, run_id: str, _number: int) -> None:
    """Add one to the number in the record, under the lock."""
    with store.locked(run_id, limit=60) as held:
        held.put(held.run._replace(note=str(int(held.run.note or 0) + 1)), "edited")


def increment_unlocked(store: Store, run_id: str, _number: int) -> None:
    """Add one to the number in the record, each write whole and durable, but without the lock."""
    fd = store.open_dir(run_id)
    run = read_record(fd, run_id)
    write_record(fd, run._replace(note=str(int(run.note or 0) + 1)))
    os.close(fd)


def put_once(store: Store, run_id: str, number: int) -> None:
    """Write a file that is written only once."""
    with store.locked(run_id) as held:
        held.put_once("response.md", str(number).encode() * 100)


def create(store: Store, _run_id: str, number: int) -> None:
    """Make a run."""
    store.create(Run("", command=("true",), note=str(number)))


def trash(store: Store, run_id: str, _number: int) -> None:
    """Throw a run away."""
    store.trash(run_id)


def restore(store: Store, run_id: str, _number: int) -> None:
    """Bring a run back."""
    store.restore(run_id)


def destroy(store: Store, run_id: str, _number: int) -> None:
    """Remove a run for good."""
    store.destroy(run_id)


def small_files(store: Store, run_id: str, number: int) -> None:
    """Write a number where no file may pass 100 bytes, so that a write is cut short by the kernel itself."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    put(store, run_id, number)


def beginning(store: Store, **fields: object) -> Run:
    """A run that is written down, whose launcher is gone and whose command is still to be started."""
    place = process.here()
    nobody = Identity(None, None, place.boot_id, place.pid_namespace, place.host)
    launched = nobody._replace(launcher_pid=GONE, launcher_start_ticks=1)
    run = Run("", command=COMMAND, cwd="/", started_at=time.time(), process=launched)
    return store.create(run._replace(**fields))  # type: ignore[arg-type]


def over(store: Store) -> Run:
    """A run whose command has exited with code 9 while nobody looked: its exit record and its log are there."""
    run = well_over(store, 9)
    Path(store.path(run.id), "output.log").write_text("the answer\n")
    return run


def well_over(store: Store, code: int = 0, command: tuple[str, ...] = COMMAND) -> Run:
    """A run whose command has exited while nobody looked, without a word; its exit record is there."""
    me = process.identity_of(os.getpid())
    assert me is not None
    run = beginning(store, process=me._replace(pid=GONE, start_ticks=1), command=command)
    ended = {"status": code << 8, "at": time.time(), "uptime": process.boot_clock()}
    Path(store.path(run.id), "exit.json").write_text(json.dumps(ended))
    return run


def settle(store: Store, run_id: str, _number: int) -> None:
    """Move a run that is over out of running."""
    if not finalize_run(store, run_id, by="trial").finished:
        raise StoreError("the run could not be judged")


def settle_together(store: Store, _run_id: str, _number: int) -> None:
    """Move all runs that are over out of running, as a board does where many ended: those left over one by one."""
    done = finalize_together(store, [Ending(run_id, time.time(), None) for run_id in store.ids()], by="trial")
    for run_id in set(store.ids()).difference(one.row.id for one in done):
        settle(store, run_id, 0)


def ask_kill(store: Store, run_id: str, _number: int) -> None:
    """Write down that somebody wants the run ended."""
    if request_kill(store, run_id, 15, by="trial").kill_request is None:
        raise StoreError("the record could not be read")


def remember(store: Store, _run_id: str, number: int) -> None:
    """Remember something of the board's user."""
    State(f"{store.root}/.state").save("number", number)


def index(store: Store, _run_id: str, _number: int) -> None:
    """Make the index of finished runs."""
    found = Index(store, f"{store.root}/.index/index.db")
    found.sync()
    found.close()


def ring(store: Store, run_id: str, _number: int) -> None:
    """Put an ending into the queue of hooks, take it out again, run its hook and write down how that went."""
    hook._start = lambda root, run_id: None  # noqa: ARG005 - no process of its own here
    run = store.read(run_id)
    if run.damage:
        raise StoreError("the record could not be read")
    hook.fire(["true"], dump(run), root=store.root, tail=b"end\n")
    hook._serve(store.root)


def start(store: Store, _run_id: str, _number: int) -> None:
    """Start a run, whose shim becomes nothing at its end."""
    control = Control(store, by="trial")
    control._successor = lambda run_id: []  # type: ignore[method-assign]  # noqa: ARG005
    control.start(COMMAND, cwd="/")


def be_shim(store: Store, run_id: str, _number: int) -> None:
    """Be the shim of a run that is written down, from its first descriptor to its last word."""
    run = store.read(run_id)
    sheet = os.memfd_create("sheet")
    os.write(sheet, _sheet(run, {"PATH": os.environ["PATH"]}, {}, (), 1.0))
    os.lseek(sheet, 0, os.SEEK_SET)
    folder = store.open_dir(run_id)
    log = os.open(f"{store.path(run_id)}/output.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open("/dev/null", os.O_WRONLY)
    sources = [os.dup(fd) for fd in (sheet, log, log, folder, null)]
    high = [os.dup2(fd, 100 + number) for number, fd in enumerate(sources)]
    for number, fd in enumerate(high):
        os.dup2(fd, number)
    shim.RETRIES = 2
    vars(shim)["time"].sleep = lambda _seconds: None
    vars(shim)["posix"].fork = lambda: 0  # the traced process goes on as the shim itself
    shim.main()


def throw(store: Store, run_id: str, _number: int) -> None:
    """Throw a run away with the care for work in its checkout."""
    Control(store, by="trial").trash(run_id)


def throw_blindly(store: Store, run_id: str, number: int) -> None:
    """The same by one who takes whatever cannot be seen for absent, as `os.path.lexists` does."""
    seen = files.found

    def blind(path: str, parent: int | None = None, *, follow: bool = False) -> os.stat_result | None:
        """What there is, or nothing."""
        with suppress(OSError):
            return seen(path, parent, follow=follow)
        return None

    vars(files)["found"] = blind
    throw(store, run_id, number)


def naive_removal(store: Store, run_id: str, _number: int) -> None:
    """Remove a run's directory as people do."""
    shutil.rmtree(store.path(run_id), ignore_errors=True)


ACTS: dict[str, Callable[[Store, str, int], None]] = {
    act.__name__: act
    for act in (
        *(put, naive, increment, increment_unlocked, put_once, create, trash, restore, destroy, small_files),
        *(
            settle,
            settle_together,
            ask_kill,
            remember,
            index,
            ring,
            start,
            be_shim,
            throw,
            throw_blindly,
            naive_removal,
        ),
    )
}
