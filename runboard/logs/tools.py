"""Searching by ripgrep or grep: a child that reads the log as its stdin and says where the matching lines begin.

The child is handed nothing that it could take for an option, a file or a setting: the text stands behind ``-e``, the
log is an open descriptor, configuration is switched off. It is killed when nobody wants to know any more, and has no
memory to waste: on a line of gigabytes it gives up, and the caller searches by itself.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache

from runboard.logs.hunt import Stopped
from runboard.logs.pattern import Pattern

MEMORY_MOST = 48 << 20
"""Bytes of data that a child may have."""

_STDIN, _MAPPED = "/proc/self/fd/0", "--mmap"
"""The log as a file that can be mapped, which is quicker than reading it; it cannot be, where it is not begun anew."""

_LOOK_SECONDS = 0.1
_UNWANTED = ("RIPGREP_CONFIG_PATH", "GREP_OPTIONS", "GREP_COLOR", "GREP_COLORS", "POSIXLY_CORRECT", "LANGUAGE")
_RIPGREP = (
    *("--no-config", "--text", "--byte-offset", "--no-line-number", "--no-filename", "--no-heading"),
    *(
        "--color=never",
        "--line-buffered",
        "--max-columns=1",
        "--encoding=none",
        "--threads=1",
        "--no-messages",
    ),
)
_GREP = ("--text", "--byte-offset", "--no-filename", "--color=never", "--fixed-strings", "--no-messages")


class GaveUp(Exception):
    """The child did not search to the end."""


@cache
def found_on_path(name: str) -> str | None:
    """Where a program is, if it is anywhere."""
    from shutil import which  # noqa: PLC0415 - `ps` loads this package too, and searches nothing

    return which(name)


def command(pattern: Pattern, which: Callable[[str], str | None] = found_on_path) -> list[str] | None:
    """The call that searches stdin for this, None where no program at hand does it as we would.

    A lone grep gets texts as they stand only: what else it knows of expressions and capitals depends on the locale.
    """
    if pattern.shown is not None or "\n" in pattern.text or "\0" in pattern.text:
        return None
    if ripgrep := which("rg"):
        case = "--ignore-case" if pattern.ignore_case else "--case-sensitive"
        if pattern.expression is not None:
            # A carriage return before the newline is no part of the line, as everywhere here.
            return [ripgrep, *_RIPGREP, case, "--crlf", "-e", pattern.expression.for_ripgrep, "--", "-"]
        return [ripgrep, *_RIPGREP, case, "--fixed-strings", "-e", pattern.text, "--", "-"]
    if pattern.regex or (pattern.ignore_case and not pattern.text.isascii()):
        return None
    if grep := which("grep"):
        return [grep, *_GREP, *(["--ignore-case"] if pattern.ignore_case else []), "-e", pattern.text, "--", "-"]
    return None


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for the child: without what changes its ways, bytes being bytes."""
    return {name: value for name, value in environ.items() if name not in _UNWANTED} | {"LC_ALL": "C"}


def offsets(
    argv: list[str],
    fd: int,
    told: Callable[[int], object] = lambda _at: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """Where the matching lines begin, counted from where the descriptor stands, as the child finds them.

    Args:
        argv: What `command` made.
        fd: The log; its position goes with the child.
        told: Is told now and then where that is.
        stopped: Is asked now and then whether to give up.

    Raises:
        Stopped: ``stopped`` said so.
        GaveUp: The child could not be started, was killed, or ran out of memory.
    """
    from subprocess import DEVNULL, PIPE, Popen  # noqa: PLC0415 - see above

    mapped = os.lseek(fd, 0, os.SEEK_CUR) == 0 and "--encoding=none" in argv and os.path.exists(_STDIN)
    argv = [argv[0], _MAPPED, *argv[1:-1], _STDIN] if mapped else argv
    try:
        child = Popen(argv, stdin=fd, stdout=PIPE, stderr=DEVNULL, env=surroundings(os.environ))
    except OSError as error:
        raise GaveUp from error

    def look() -> None:
        """Tell how far it is: where the descriptor stands, or how much of the file it has seen."""
        told(_seen(child.pid) if mapped else os.lseek(fd, 0, os.SEEK_CUR))

    try:
        _limit(child.pid)
        assert child.stdout is not None
        yield from _numbers(child.stdout.fileno(), look, stopped)
        if child.wait() not in {0, 1}:
            raise GaveUp
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _numbers(pipe: int, look: Callable[[], object], stopped: Callable[[], bool]) -> Iterator[int]:
    """The number at the beginning of each line that comes; the rest of the line, however long, is let go."""
    held, inside = b"", False
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while True:
        if stopped():
            raise Stopped
        if not poll.poll(_LOOK_SECONDS * 1000):
            look()
            continue
        data = os.read(pipe, 1 << 16)
        if not data:
            return
        look()
        *lines, rest = (held + data).split(b"\n")
        for line in lines:
            if not inside:
                yield int(line.partition(b":")[0])
            inside = False
        held = b"" if inside else rest[:32]
        if not inside and b":" in rest:
            yield int(rest.partition(b":")[0])
            held, inside = b"", True


def _seen(pid: int) -> int:
    """How many bytes of files a process has mapped and touched (proc(5), statm)."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as statm:
            return int(statm.read().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _limit(pid: int) -> None:
    """Give a child no more memory than it needs for lines of a sensible length, where the system lets us."""
    import resource  # noqa: PLC0415 - see above

    if hasattr(resource, "prlimit"):
        with suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (MEMORY_MOST, MEMORY_MOST))
