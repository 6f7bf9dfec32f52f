"""The command that a person wants run at every ending: queued once by who settled it, detached, and never waited for.

Started as a program (``python -m runboard.hook``) this module is the parent of such commands: it takes endings from the
queue, ends what takes too long, keeps the beginning of what is written, and says in the journal what failed.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from runboard import config, files, journal, lock
from runboard.errors import StoreError
from runboard.lenient import as_mapping, as_number, as_time
from runboard.model import Transition
from runboard.process.table import RUN_MARK, SETTLING_MARK, SHIM_MARK
from runboard.safetext import clean
from runboard.settings import BY_KEY

LIMIT = 60.0
"""Seconds after which a hook is ended."""

TAIL = 64 << 10
"""Bytes of the end of the log that a hook is given in a file."""

OUTPUT = 16 << 10
"""Bytes of a hook's own output that are kept, the first ones."""

SLOTS = 4
"""So many hooks run at a time; a thousand endings at once start no thousand programs."""

QUEUE = ".hooks"
"""The directory of endings whose hook is yet to run, in the runs directory."""

LOG = ".log-"
"""How the ends of logs are called that hooks are reading, in the queue."""

MOST = 16 << 20
"""Bytes of an ending in the queue."""

LOCK_SECONDS = 30.0
"""So long another holder of a run's lock is waited for with the result of its hook."""

RESULT = "hook.json"
"""The file in the run's directory that says how its hook went."""

LEFT_SECONDS = 600.0
"""So long a file in the queue may be somebody's who is still writing it, or whose hook still reads it."""

SETTING = "hooks.on_finish"
"""The key of the command among the settings."""

_YOUNG = 2.5
"""Seconds: a file that was changed so shortly before may change again with the same time."""

_known: dict[tuple[str, str | None], tuple[object, tuple[str, ...]]] = {}
"""By config file and environment: what the file was, and the command then: of ten thousand endings one looks it up."""

EVENT = "hook"
"""What the journal calls a hook that failed."""

FAILED = "on_finish failed"
"""What a run's history calls it."""


def command(environ: Mapping[str, str]) -> tuple[str, ...]:
    """``on_finish`` under ``[hooks]`` in the config file: words, or a line for sh; empty where there is none."""
    where, said = config.path(environ), environ.get(BY_KEY[SETTING].variable or "")
    state, old = _state(where)
    known = _known.get((where, said))
    if known is None or known[0] != state or not old:
        known = _known[where, said] = state, _command(environ)
    return known[1]


def _state(where: str) -> tuple[object, bool]:
    """What tells one state of a file from the next, and whether it is old enough for a later one to differ."""
    try:
        info = os.stat(where)
    except OSError as error:
        return error.errno, True
    return (info.st_mtime_ns, info.st_ino, info.st_size, info.st_dev), abs(time.time() - info.st_mtime) > _YOUNG


def _command(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The same, whatever was known."""
    wanted = config.load(environ).values[SETTING]
    if isinstance(wanted, str) and wanted.strip():
        return ("sh", "-c", wanted)
    return tuple(map(str, wanted)) if isinstance(wanted, list | tuple) else ()


def fire(words: Sequence[str], record: Mapping[str, object], *, root: str, tail: bytes, limit: float = LIMIT) -> None:
    """Start a hook for an ending that has just been written, and go on at once.

    Args:
        words: The command.
        record: The run's record as it is on disk.
        root: The runs directory.
        tail: The end of the run's log.
        limit: Seconds after which it is ended.
    """
    sheet = {"words": list(words), "record": dict(record), "root": root, "limit": limit}
    sheet["tail"] = tail.decode("latin-1")  # every byte as the character of its number
    try:
        with files.opened(_queue(root)) as queue:
            files.replace(queue, f"{record['id']}.json", files.encode(sheet))
            if (slot := _slot(queue)) is None:
                return  # whoever holds them all looks at the queue again before it leaves
            os.close(slot)
        _start(root, str(record["id"]))
    except OSError as error:
        tell(root, record, f"could not be started: {os.strerror(error.errno or 0)}")


def _queue(root: str) -> int:
    """The directory of endings whose hook is yet to run, open."""
    with files.opened(files.open_root(root)) as parent:
        files.make_folder(QUEUE, parent)
        return files.open_folder(QUEUE, parent)


def _slot(queue: int) -> int | None:
    """The lock of one who may run hooks now, held until it is closed; None where there are as many as may be."""
    for number in range(SLOTS):
        lock = os.open(f".slot-{number}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=queue)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return lock
    return None


def _start(root: str, run_id: str) -> None:
    """Start one who runs the hooks in the queue; it belongs to no run's tree, and nobody waits for it."""
    import threading  # noqa: PLC0415 - only for who has a hook

    kept = {name: text for name, text in os.environ.items() if name not in {RUN_MARK, SHIM_MARK}}
    with open(os.devnull, "r+b", buffering=0) as null:
        parent = os.posix_spawn(
            sys.executable,
            [sys.executable, "-P", "-m", "runboard.hook", root],
            {**kept, SETTLING_MARK: run_id},
            file_actions=[(os.POSIX_SPAWN_DUP2, null.fileno(), number) for number in range(3)],
            setsigmask=(),
        )
    # Whoever lives on reaps it; of one that leaves first, the system's first process does.
    threading.Thread(target=_reap, args=(parent,), name="runboard-hook", daemon=True).start()


def tell(root: str, record: Mapping[str, object], sentence: str) -> None:
    """Say in the journal that a hook failed; boards show it, and ``doctor`` does."""
    entry = {"id": record["id"], "event": EVENT, "from": "", "to": record["status"], "reason": sentence}
    with suppress(OSError):
        journal.append(root, {**entry, "by": "on_finish"})


def last_failure(root: str) -> str:
    """The newest failure of a hook that the journals tell of, in a sentence; empty where they tell of none."""
    found = [entry for entry in journal.recent(root) if entry.get("event") == EVENT]
    if not found:
        return ""
    last = max(found, key=lambda entry: str(entry.get("at")))
    return clean(f"it last failed at {last.get('at')} for {last.get('id')}: {last.get('reason')}")


def failure(doc: object) -> str:
    """What went wrong with a run's hook, as its result in the run's directory tells; empty where nothing did."""
    trouble = doc.get("trouble") if isinstance(doc, dict) else None
    return clean(trouble) if isinstance(trouble, str) else ""


def mishap(root: str, run_id: str, result: object) -> Transition | None:
    """A failed hook as a step in its run's history: its result tells, else, as on a full disk, the journals' ends."""
    told = as_mapping(result)
    at, why = as_number(told.get("at")), failure(told)
    if not told:
        for entry in journal.recent(root):
            if entry.get("event") == EVENT and entry.get("id") == run_id:
                at, why = as_time(entry.get("at")), clean(str(entry.get("reason")))
    return Transition(at or 0.0, "", FAILED, why, "") if why else None


def _reap(pid: int) -> None:
    """Wait for the parent of a hook, so that no zombie is left."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def main() -> None:
    """Run the hooks in the queue of a runs directory, until there are none or others do."""
    os.setsid()
    _serve(sys.argv[1])


def _serve(root: str) -> None:
    """Run what waits in the queue; where the queue itself cannot be read or written, say so."""
    try:
        with files.opened(_queue(root)) as queue:
            _give_back(queue)
            while _waiting(queue) and (slot := _slot(queue)) is not None:
                with files.opened(slot):
                    while (sheet := _next(queue)) is not None:
                        _attend(sheet)
    except OSError as error:
        tell(root, {"id": "", "status": ""}, f"hooks could not be run: {os.strerror(error.errno or 0)}")


def _give_back(queue: int) -> None:
    """Put back what somebody took and died before running it, and remove what a dead one has left long ago."""
    for name in os.listdir(queue):
        _, _, pid = name.rpartition(".json.")
        with suppress(OSError):
            info = os.stat(name, dir_fd=queue, follow_symlinks=False)
            # The second is for another host's, whose pids say nothing here: its sheet is gone in a millisecond.
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}") and time.time() - info.st_ctime > 1.0:
                os.rename(name, name[1 : -len(pid) - 1], src_dir_fd=queue, dst_dir_fd=queue)
            elif name.startswith((files.TEMP, LOG)) and time.time() - info.st_mtime > LEFT_SECONDS:
                os.unlink(name, dir_fd=queue)


def _waiting(queue: int) -> list[str]:
    """The names of the endings in the queue."""
    return sorted(name for name in os.listdir(queue) if name.endswith(".json") and not name.startswith("."))


def _next(queue: int) -> dict[str, Any] | None:
    """An ending taken from the queue, by a rename that only one can make; None where there is none."""
    for name in _waiting(queue):
        taken = f".{name}.{os.getpid()}"
        with suppress(FileNotFoundError):  # another was quicker
            os.rename(name, taken, src_dir_fd=queue, dst_dir_fd=queue)
            sheet = files.decode(files.read_plain(queue, taken, MOST))
            os.unlink(taken, dir_fd=queue)
            if isinstance(sheet, dict):
                return sheet
    return None


def _attend(sheet: Mapping[str, Any]) -> None:
    """Run one hook, and write down how it went."""
    began = time.time()
    try:
        code, output, trouble = _run(sheet)
    except OSError as error:  # as on a full disk, where it has no place for its files
        code, output, trouble = None, b"", f"could not be started: {os.strerror(error.errno or 0)}"
    record, root = sheet["record"], sheet["root"]
    if trouble is None and code:
        last = clean(output.decode("utf-8", "replace").strip().rpartition("\n")[2])[:200]
        how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
        trouble = f"{how}: {last}" if last else how
    told = {"at": began, "seconds": round(time.time() - began, 3), "command": sheet["words"], "exitCode": code}
    told |= {"trouble": trouble, "output": output.decode("utf-8", "replace")}
    place = f"{root}/{record['id']}"
    with suppress(OSError), files.opened(files.open_folder(place)) as folder:
        with suppress(StoreError):  # of one that holds it for good there is nothing to be feared
            lock.acquire(folder, place, LOCK_SECONDS)  # whoever sweeps has it, and would take this for a dead one's
        files.replace(folder, RESULT, files.encode(told, indent=True))
    if trouble is not None:
        tell(root, record, trouble)


def _run(sheet: Mapping[str, Any]) -> tuple[int | None, bytes, str | None]:
    """Run a hook in a session of its own: its exit code, the beginning of its output, and what went wrong with it."""
    import subprocess  # noqa: PLC0415 - see _start()
    from tempfile import TemporaryFile  # noqa: PLC0415 - see _start()

    record, root, words, limit = sheet["record"], sheet["root"], sheet["words"], sheet["limit"]
    queue, tail = f"{root}/{QUEUE}", str(sheet["tail"]).encode("latin-1")
    with _readable(queue, tail) as log, TemporaryFile(buffering=0, prefix=LOG, dir=queue) as stdin:
        stdin.write(files.encode(record))
        stdin.seek(0)
        place = f"{root}/{record['id']}"
        more = {"RUNBOARD_ID": str(record["id"]), "RUNBOARD_STATUS": str(record["status"])}
        more |= {"RUNBOARD_RUNS": root, "RUNBOARD_DIR": place, "RUNBOARD_LOG_TAIL": log}
        try:
            child = subprocess.Popen(
                words,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=os.environ | more,
                cwd=place if os.path.isdir(place) else "/",
                start_new_session=True,
            )
            assert child.stdout is not None
            with closing(child.stdout):
                output, in_time = _attended(child, limit)
        except OSError as error:
            return None, b"", f"could not be started: {words[0]}: {os.strerror(error.errno or 0)}"
    return child.returncode, output, None if in_time else f"took longer than {limit:g} s and was ended"


@contextmanager
def _readable(queue: str, data: bytes) -> Iterator[str]:
    """A file with these bytes in the queue, for as long as the context lasts; the next sweeps it after a kill."""
    path = f"{queue}/{LOG}{os.urandom(8).hex()}"
    try:
        with open(path, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(data)
        yield path
    finally:
        with suppress(OSError):
            os.unlink(path)


def _attended(child: object, limit: float) -> tuple[bytes, bool]:
    """Read what a hook writes until it ends or its time is up; what it leaves in the background is not waited for."""
    import select  # noqa: PLC0415 - see _start()
    import signal  # noqa: PLC0415 - see _start()
    from subprocess import Popen, TimeoutExpired  # noqa: PLC0415 - see _start()

    assert isinstance(child, Popen)
    assert child.stdout is not None
    deadline, kept, open_ = time.monotonic() + limit, b"", True
    while True:
        if not open_:
            with suppress(TimeoutExpired):
                child.wait(0.05)
        ready = select.select([child.stdout], [], [], 0.05)[0] if open_ else []
        data = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
        open_ = open_ and (not ready or bool(data))
        kept = (kept + data)[:OUTPUT]
        if child.poll() is not None and not data:
            return kept, True
        if time.monotonic() >= deadline:
            break
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(TimeoutExpired):
            child.wait(2.0)
    return kept, False


if __name__ == "__main__":
    main()
