"""The directory of a demo: held while the demo lives, and cleared away with its runs as soon as it does not.

A demo that is killed is outlived by a shell, which then clears away; who kills that too leaves it to the next board.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from signal import SIGKILL

from runboard import files, lock, tree
from runboard.control import Control, ControlError
from runboard.store import NoSuchRun, Store, StoreError
from runboard.together import settle_all

PREFIX = "runboard-demo-"
PROPS, OWNER = ".demo", "owner"
"""The directory in it for what is no run, and there the file whose lock a living demo has."""

_REMOVAL_LIMIT = 3.0
_DYING_LIMIT = 5.0
"""Seconds that a killed demo's lock may outlive the pipe to it."""

_KEEPER = 'read word || exec "$@"'
"""What the shell does: a line says that all is cleared away, the end of the pipe that nobody will do it."""


def prepare(root: str) -> str:
    """The directory for what is no run."""
    props = f"{root}/{PROPS}"
    os.mkdir(props, 0o700)
    return props


@contextmanager
def held(root: str) -> Iterator[None]:
    """Have the directory for as long as the context lasts; what is left in it when this process is killed goes."""
    owner = f"{root}/{PROPS}/{OWNER}"
    with files.opened(os.open(f"{owner}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)) as fd:
        with suppress(OSError):  # where there are no locks nobody clears away but we
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.rename(f"{owner}.new", owner)  # so it is locked whenever it is there
        with _kept(root):
            yield


@contextmanager
def _kept(root: str) -> Iterator[None]:
    """Have a shell wait beside, in a session of its own, for the end of the context or of this process."""
    ear, mouth = os.pipe2(os.O_CLOEXEC)
    try:
        with files.opened(ear), open(os.devnull, "wb", buffering=0) as null:
            os.posix_spawnp(
                "sh",
                ["sh", "-c", _KEEPER, "sh", sys.executable, "-P", "-m", __name__, root],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, ours, number)
                    for number, ours in enumerate((ear, null.fileno(), null.fileno()))
                ],
                setsid=True,
                setsigmask=(),
            )
        yield
        with suppress(OSError):
            os.write(mouth, b"cleared\n")
    finally:
        os.close(mouth)


def sweep() -> None:
    """Clear away what demos have left that were killed, and nothing of those that live."""
    from tempfile import gettempdir  # noqa: PLC0415 - a board does without at its start

    parent = gettempdir()
    with suppress(OSError):
        for name in os.listdir(parent):
            if name.startswith(PREFIX):
                clear_abandoned(f"{parent}/{name}", 0.0)


def clear_abandoned(root: str, patience: float) -> bool:
    """Clear away a directory of this user whose demo is dead; whether that was so.

    A run that cannot be ended, or not be seen from here, keeps its directory, and a demo without a board is its user's.
    """
    with suppress(OSError, StoreError), files.opened(files.open_folder(root)) as fd:
        if os.fstat(fd).st_uid == os.geteuid():
            with (
                files.opened(files.open_folder(PROPS, fd)) as props,
                files.opened(files.open_file(props, OWNER)) as owner,
            ):
                lock.acquire(owner, root, patience)
                if os.fstat(owner).st_nlink and not end_runs(root):
                    remove(root)
                    return True
    return False


def end_runs(root: str) -> list[str]:
    """End what still runs in a demo's directory, and return what could not be ended, in sentences."""
    store = Store(root)
    control = Control(store)
    complaints = []
    for run in settle_all(store):
        if run.active:
            try:
                control.kill(run.id, SIGKILL, 0.0)
            except (ControlError, StoreError) as error:
                with suppress(NoSuchRun):
                    if store.read(run.id).active:  # else it has ended meanwhile
                        complaints.append(str(error))
    return complaints


def remove(root: str) -> bool:
    """Remove the directory of a demo none of whose runs lives; whether that could be done."""
    deadline = time.monotonic() + _REMOVAL_LIMIT
    while time.monotonic() < deadline:
        try:
            tree.remove_path(root)
        except FileNotFoundError:
            if not os.path.lexists(root):
                return True
            continue  # a shim that was settling its run took a file away; look again
        except OSError:
            time.sleep(0.02)
            continue
        return True
    return False


if __name__ == "__main__":
    clear_abandoned(sys.argv[1], _DYING_LIMIT)
