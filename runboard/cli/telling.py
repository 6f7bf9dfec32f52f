"""What went wrong with a call, told in one line on stderr, and its exit code."""

from __future__ import annotations

from collections.abc import Callable

from runboard.cli.exits import FAILED, NO_SUCH_RUN, USAGE, Failure
from runboard.cli.printing import complain
from runboard.errors import AmbiguousRun, NoSuchRun, StoreError


def told_code(call: Callable[[], int]) -> int:
    """The exit code of a call, whether it returns one or fails."""
    try:
        return call()
    except Failure as error:
        complain(str(error))
        return error.code
    except AmbiguousRun as error:
        complain(str(error))
        return USAGE
    except StoreError as error:
        complain(str(error))
        return NO_SUCH_RUN if isinstance(error, NoSuchRun) else FAILED
