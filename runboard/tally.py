"""What agents' logs have said and spent so far: followed from a stored offset while they run, read once they ended."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from errno import EAGAIN, EIO, EMFILE, ENFILE, ENOMEM, ESTALE
from functools import partial

from runboard import files
from runboard.apart import Apart
from runboard.errors import why
from runboard.folder import STEPS
from runboard.lenient import as_mapping
from runboard.model import Run, Transcript
from runboard.store import OpenRun, Store, StoreError
from runboard.transcripts import Folding, Steps, count_on, line_start, read_ended, read_running
from runboard.transcripts.hint import hint
from runboard.transcripts.usage import Sums

LOG = "output.log"

UNKNOWN_MOST = 1 << 20
"""Bytes of a live log in which an agent must show itself, or the log is taken for something else."""

LOOK_MOST = 8 << 20
"""Bytes that one look at a live log reads at the most; the next look goes on from there."""

BEHIND_MOST = 32 << 20
"""Bytes behind which a live log is caught up with by its head and tail instead of being read through."""

TOGETHER_LEAST = 64 << 20
"""Bytes of a log from which on two processes count the steps in it sooner than one."""

ACTIVITY_GRAIN = 10.0
"""Seconds to which the time of the last output is told: a row need not change with every line that a run writes."""

_PASSING = frozenset({EMFILE, ENFILE, ENOMEM, ESTALE, EAGAIN})
"""Errors that say nothing of a log and will pass."""


@dataclass(slots=True)
class _Followed:
    """One live log: how far it was read, which file it was, and what it has said."""

    folding: Folding
    inode: int
    steps: Steps = field(default_factory=Steps)
    offset: int = 0
    kept: int = 0
    given_up: bool = False


class Tally:
    """Follows the logs of live runs; one thread at a time for each run."""

    def __init__(self, store: Store, *, writing: bool = True) -> None:
        """Follow nothing yet; only where ``writing`` is anything kept for those who look later."""
        self._store, self._writing = store, writing
        self._followed: dict[str, _Followed] = {}
        self._sizes: dict[str, int] = {}
        self._agents: dict[str, bool] = {}

    def follows(self, run: Run) -> bool:
        """Whether a run is, or may be, an agent, whose words are followed as it says them."""
        if run.id not in self._agents:
            self._agents[run.id] = names_agent(run)
        return run.agent is not None or self._agents[run.id]

    def due(self, run: Run) -> bool:
        """Whether the log of one that is followed has grown since the last time, or cannot be looked at."""
        if not self.follows(run):
            return False
        try:
            log = self._store.file_stat(run.id, LOG)
        except StoreError:
            return True
        return self.grown(run, log.st_size if log else 0)

    def grown(self, run: Run, size: int) -> bool:
        """Whether a log is not as long as the last time."""
        before, self._sizes[run.id] = self._sizes.get(run.id, 0), size
        return size != before

    def look(self, run: Run) -> Run:
        """A live run with what its log says by now: usage, model, warnings, and when it last wrote."""
        try:
            opened = _opened(lambda: self._store.open_file(run.id, LOG))
        except OSError:
            return run
        if opened is None:
            return run
        fd, info = opened
        try:
            transcript = self._read(run, fd, info)
        except OSError:
            transcript = None
        finally:
            os.close(fd)
        wrote_at = info.st_mtime - info.st_mtime % ACTIVITY_GRAIN if info.st_size else None
        return told(run, transcript)._replace(activity_at=wrote_at)

    def forget(self, run_id: str) -> None:
        """Follow a run no longer."""
        for kept in (self._followed, self._sizes, self._agents):
            kept.pop(run_id, None)

    def _read(self, run: Run, fd: int, info: os.stat_result) -> Transcript | None:
        """Read on from where the last look ended; a log that was replaced or cut short is begun anew."""
        known, read = self._followed.get(run.id), _reader(fd)
        if known is None or known.inode != info.st_ino or known.offset > info.st_size:
            known = self._followed[run.id] = _Followed(Folding(run.command), info.st_ino)
        if info.st_size - known.offset > BEHIND_MOST and not known.given_up:
            if not (known.folding.recognised or names_agent(run)):
                _read_on(known, read, UNKNOWN_MOST + 1)  # its beginning shows whether it is an agent's
            if not known.given_up:
                known.steps = _counted(lambda: self._store.read_json(run.id, STEPS), info, read)
                known.kept = known.steps.end
                known.folding = read_running(run.command, info.st_size, read, known.steps, _advance)
                known.offset = info.st_size
        _read_on(known, read, min(info.st_size, known.offset + LOOK_MOST))
        count_on(known.folding, known.offset, read, known.steps)
        if self._writing and known.steps.end - known.kept >= BEHIND_MOST:
            self._keep(run, known, read)
        return known.folding.transcript(ended=False)

    def _keep(self, run: Run, known: _Followed, read: Callable[[int, int], bytes]) -> None:
        """Leave what was counted beside the log; where that cannot be, whoever settles the run counts it all."""
        known.kept = known.steps.end
        with suppress(StoreError, ValueError), self._store.locked(run.id, 0) as locked:
            if locked.run.active:
                locked.put_file(STEPS, files.encode({"inode": known.inode, **known.steps.dump(read)}))


def _read_on(known: _Followed, read: Callable[[int, int], bytes], end: int) -> None:
    """Feed a log up to an offset, or until it is given up because no agent has shown itself."""
    while known.offset < end and not known.given_up:
        data = read(known.offset, min(1 << 18, end - known.offset))
        if not data:
            break
        known.folding.feed(data)
        known.offset += len(data)
        known.given_up = known.offset > UNKNOWN_MOST and not known.folding.recognised


def names_agent(run: Run) -> bool:
    """Whether a run's command names a coding agent anywhere."""
    return bool(hint(run.command).tools)


def ended(folder: OpenRun, run: Run) -> Transcript | None:
    """What the log of a run that has ended says, as much of it read as its format needs; None if it is no agent's.

    A disk that fails once is asked once more: for want of an answer an agent's failure would be called a success.

    Raises:
        OSError: It cannot be read just now.
        Unfit: It never can, and the command names an agent, whose exit code says little without its words.
    """
    for again in (True, False):
        try:
            return _ended(folder, run)
        except FileNotFoundError:
            return read_ended(run.command, 0, lambda _offset, _length: b"")
        except OSError as error:
            if error.errno in _PASSING:
                raise
            if again and error.errno == EIO:
                continue
            if names_agent(run):
                raise files.Unfit(f"{LOG}: {why(error)}") from error
            return None
    return None


def _ended(folder: OpenRun, run: Run) -> Transcript | None:
    """The same; what the system refuses is raised as it comes."""
    fd = -1
    try:
        fd, info = _opened(lambda: folder.open_file(LOG)) or (-1, None)
        if info is None and names_agent(run):
            raise files.Unfit(f"{LOG} is no regular file")
        if info is None:
            return None
        read = _reader(fd)
        known = _counted(lambda: folder.read_json(STEPS), info, read)
        return read_ended(run.command, info.st_size, read, known, _advance)
    finally:
        if fd >= 0:
            os.close(fd)


def told(run: Run, transcript: Transcript | None) -> Run:
    """The run with what its transcript tells; what its record knows already is not overruled by nothing."""
    if transcript is None:
        return run
    return run._replace(
        agent=transcript.tool,
        usage=transcript.usage or run.usage,
        model=run.model or transcript.model,
        session_id=transcript.session_id or run.session_id,
        warnings=transcript.warnings or run.warnings,
    )


def _opened(open_log: Callable[[], int]) -> tuple[int, os.stat_result] | None:
    """A descriptor of a run's log with what it is; None where it is no plain file."""
    fd = open_log()
    try:
        info = os.fstat(fd)
    except OSError:
        os.close(fd)
        raise
    if stat.S_ISREG(info.st_mode):
        return fd, info
    os.close(fd)
    return None


def _counted(kept: Callable[[], object], info: os.stat_result, read: Callable[[int, int], bytes]) -> Steps:
    """What was counted of a log before, if it can be shown to be of this very log; else nothing.

    Nothing is ever left beside a log that is read whole, so there it is not looked for.
    """
    if info.st_size <= BEHIND_MOST:
        return Steps()
    with suppress(StoreError):
        doc = as_mapping(kept())
        if doc.get("inode") == info.st_ino:
            return Steps.parse(doc, read) or Steps()
    return Steps()


def _advance(steps: Steps, read: Callable[[int, int], bytes], end: int) -> None:
    """Count on, a long stretch in two halves at once."""
    if end - steps.end < TOGETHER_LEAST:
        steps.advance(read, end)
        return
    middle = line_start(read, (steps.end + end) // 2, end)
    with Apart(partial(_stretch, read, middle, end)) as other:
        steps.advance(read, middle)
        steps.merge(Sums.parse(other.result()) or Sums(), end)


def _stretch(read: Callable[[int, int], bytes], begin: int, end: int) -> dict[str, object]:
    """What the steps between two offsets used, as JSON."""
    steps = Steps(begin, begin)
    steps.advance(read, end)
    return steps.sums.dump()


def _reader(fd: int) -> Callable[[int, int], bytes]:
    """Reads so many bytes at an offset."""
    return lambda offset, length: os.pread(fd, length, offset)
