"""What agents' logs have said and spent so far: followed from a stored offset while they run, read once they ended."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from errno import EAGAIN, EMFILE, ENFILE, ENOMEM, ESTALE

from runboard.model import Run, Transcript
from runboard.store import OpenRun, Store
from runboard.transcripts import Folding, read_ended, read_running
from runboard.transcripts.hint import hint

LOG = "output.log"

UNKNOWN_MOST = 1 << 20
"""Bytes of a live log in which an agent must show itself, or the log is taken for something else."""

LOOK_MOST = 8 << 20
"""Bytes that one look at a live log reads at the most; the next look goes on from there."""

BEHIND_MOST = 32 << 20
"""Bytes behind which a live log is caught up with by its head and tail instead of being read through."""

ACTIVITY_GRAIN = 10.0
"""Seconds to which the time of the last output is told: a row need not change with every line that a run writes."""

_PASSING = frozenset({EMFILE, ENFILE, ENOMEM, ESTALE, EAGAIN})
"""Errors that say nothing of a log and will pass."""


@dataclass(slots=True)
class _Followed:
    """One live log: how far it was read, which file it was, and what it has said."""

    folding: Folding
    inode: int
    offset: int = 0
    given_up: bool = False


class Tally:
    """Follows the logs of live runs; one thread at a time for each run."""

    def __init__(self, store: Store) -> None:
        """Follow nothing yet."""
        self._store = store
        self._followed: dict[str, _Followed] = {}
        self._sizes: dict[str, int] = {}
        self._agents: dict[str, bool] = {}

    def due(self, run: Run, *, thorough: bool) -> bool:
        """Whether a log has grown since the last time; of agents it is always asked, of others when ``thorough``."""
        if run.id not in self._agents:
            self._agents[run.id] = names_agent(run)
        if not (thorough or run.agent is not None or self._agents[run.id]):
            return False
        log = self._store.file_stat(run.id, LOG)
        size = log.st_size if log else 0
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
        return replace(told(run, transcript), activity_at=wrote_at)

    def forget(self, run_id: str) -> None:
        """Follow a run no longer."""
        for kept in (self._followed, self._sizes, self._agents):
            kept.pop(run_id, None)

    def _read(self, run: Run, fd: int, info: os.stat_result) -> Transcript | None:
        """Read on from where the last look ended; a log that was replaced or cut short is begun anew."""
        known = self._followed.get(run.id)
        if known is None or known.inode != info.st_ino or known.offset > info.st_size:
            known = self._followed[run.id] = _Followed(Folding(run.command), info.st_ino)
        if info.st_size - known.offset > BEHIND_MOST and not known.given_up:
            known.given_up = not known.folding.recognised and not names_agent(run)
            if not known.given_up:
                known.folding, known.offset = read_running(run.command, info.st_size, _reader(fd)), info.st_size
        end = min(info.st_size, known.offset + LOOK_MOST)
        while known.offset < end and not known.given_up:
            data = os.pread(fd, min(1 << 18, end - known.offset), known.offset)
            if not data:
                break
            known.folding.feed(data)
            known.offset += len(data)
            known.given_up = known.offset > UNKNOWN_MOST and not known.folding.recognised
        return known.folding.transcript(ended=False)


def names_agent(run: Run) -> bool:
    """Whether a run's command names a coding agent anywhere."""
    return bool(hint(run.command).tools)


def ended(folder: OpenRun, run: Run) -> Transcript | None:
    """What the log of a run that has ended says, as much of it read as its format needs; None if it is no agent's.

    Raises:
        OSError: It cannot be read just now; what never can be read is no agent's.
    """
    fd = -1
    try:
        fd, info = _opened(lambda: folder.open_file(LOG)) or (-1, None)
        return None if info is None else read_ended(run.command, info.st_size, _reader(fd))
    except OSError as error:
        if error.errno in _PASSING:
            raise
        return None
    finally:
        if fd >= 0:
            os.close(fd)


def told(run: Run, transcript: Transcript | None) -> Run:
    """The run with what its transcript tells; what its record knows already is not overruled by nothing."""
    if transcript is None:
        return run
    return replace(
        run,
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


def _reader(fd: int) -> Callable[[int, int], bytes]:
    """Reads so many bytes at an offset."""
    return lambda offset, length: os.pread(fd, length, offset)
