"""Runs and places that tests of the store begin with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from runboard.model import Outcome, Run, Status
from runboard.store import Store, StoreError

OLDER = Path(__file__).parent / "data" / "older"


LONG_AGO = (1_000_000_000, 1_000_000_000)


def made(store: Store, **fields: object) -> Run:
    """A running run of ours."""
    return store.create(Run("", command=("make", "test"), cwd="/", started_at=1.5)._replace(**fields))  # type: ignore[arg-type]


def finished(store: Store) -> Run:
    """A run that has ended, with the note "0"."""
    run = store.create(Run("", command=("true",), note="0", started_at=1.0))
    with store.locked(run.id) as held:
        return held.put(held.run.finish(Outcome(Status.COMPLETED), 2.0, by="me", seen_at=2.0), "finished")


def contents(store: Store, run_id: str, name: str) -> bytes | None:
    """What a regular file of a run holds; None where there is none."""
    path = Path(store.path(run_id), name)
    return path.read_bytes() if path.is_file() else None


def trashed(store: Store) -> Path:
    """The directory of a run in the trash."""
    run = finished(store)
    store.trash(run.id)
    return Path(store.root, ".trash", run.id)


def untouched(outside: Path) -> bool:
    """Whether everything outside is as it was."""
    return (outside / "deeper" / "precious").read_text() == "precious" and os.listdir(outside) == ["deeper"]


def foreign(store: Store, run_id: str, text: str | bytes, *, old: bool = True) -> Path:
    """A run directory whose run.json somebody else wrote, by default long ago."""
    path = Path(store.path(run_id), "run.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if old:
        os.utime(path, LONG_AGO)
    return path


def as_nobody(act: Callable[[], object]) -> str:
    """What an act returns or raises, in words, done by a user without rights; by ourselves where we have none."""
    ear, mouth = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 65534, 65534)
            try:
                said = repr(act())
            except StoreError as error:
                said = f"{type(error).__name__}: {error}"
            os.write(mouth, said.encode())
        finally:
            os._exit(0)
    os.close(mouth)
    with os.fdopen(ear) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


@contextmanager
def open_place() -> Iterator[str]:
    """A directory that everybody may enter and write, for as long as the context lasts."""
    place = Path(f"/tmp/runboard-test-{os.urandom(4).hex()}")
    place.mkdir()
    place.chmod(0o777)
    try:
        yield str(place)
    finally:
        for folder, _, _ in os.walk(place):
            os.chmod(folder, 0o700)
        shutil.rmtree(place)
