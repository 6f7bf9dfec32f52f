"""What a verb tells its caller when it ends: the exit codes, and the failures that carry one."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
NO_SUCH_RUN = 3
SOME_FAILED = 4
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell shows for a program that SIGPIPE ended, as every C program does under head(1)."""


class Failure(Exception):
    """A verb cannot do what was asked; the message says what, why and what to do instead."""

    def __init__(self, message: str, code: int = FAILED) -> None:
        """Carry the exit code to leave with."""
        super().__init__(message)
        self.code = code


def code_of_several(codes: list[int]) -> int:
    """One answer for several runs: a single one speaks for itself; of several, any failure is "some failed"."""
    if len(codes) == 1:
        return codes[0]
    return SOME_FAILED if any(codes) else DONE
