"""The front door: one module per family of verbs; ends every call with one clear line and a meaningful exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from errno import ENOSPC
from io import TextIOWrapper
from typing import NoReturn, TextIO

from runboard.cli.bare import bare_call
from runboard.cli.exits import FAILED, INTERRUPTED, PIPE_CLOSED


def program() -> NoReturn:
    """The installed command: when ``main`` is done everything is written, so nothing is taken apart again."""
    try:
        main()
    except SystemExit as end:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else FAILED)


def main() -> NoReturn:
    """Run the command line and exit.

    The collector rests while modules load and finds nothing to do at the end: together an eighth of what ``ps`` takes.
    """
    gc.disable()
    try:
        _open_missing_streams()
        code = _called(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        _close_stdout()
        code = PIPE_CLOSED
    except OSError as error:
        _close_stdout()
        from runboard.safetext import clean  # noqa: PLC0415 - only for a failure

        where = f"{error.filename}: " if error.filename else "stdout: " if error.errno == ENOSPC else ""
        sys.stderr.write(clean(f"runboard: {where}{error.strerror or error}") + "\n")
        code = FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, it ends on the screen, in one clean line
        code = _crashed(error)
    gc.freeze()
    sys.exit(code)


def _crashed(error: Exception) -> int:
    """Tell in one line what nobody foresaw, and keep a report without values for whoever is to mend it."""
    from traceback import format_exception  # noqa: PLC0415 - only for a failure

    from runboard import state  # noqa: PLC0415 - likewise
    from runboard.safetext import clean, clean_lines  # noqa: PLC0415 - likewise

    report = clean_lines("".join(format_exception(error))).rstrip()
    where = state.keep_report(state.folder(os.environ), report)
    kept = f"; the report is in {where}" if where else ""
    with suppress(OSError, ValueError):
        sys.stderr.write(clean(f"runboard: an error of its own: {report.rpartition(chr(10))[2][:200]}{kept}") + "\n")
    return FAILED


def _called(args: list[str]) -> int:
    """Run one call; what it needs is loaded here, where ctrl+C is caught, and the board does without the parser."""
    if args[:1] == ["_complete"]:
        from runboard.cli.completing import answer  # noqa: PLC0415 - see above

        return answer(args[1:])
    asked = bare_call(args)
    if asked is None:
        return _listed(args) if "ps" in args else _parsed(args)
    from runboard.cli import comfort, opening, place, telling  # noqa: PLC0415 - see above

    def opened() -> int:
        """Open the board, whatever the config file says wrongly."""
        root = place.runs_dir(asked.runs_dir, os.environ, lenient=True)
        taste = comfort.taste_of({}, writable=not asked.watch)
        return opening.open_board(root, writable=not asked.watch, taste=taste, unlocked=asked.unlocked)

    return telling.told_code(opened)


def _listed(args: list[str]) -> int:
    """Run what is most likely the verb called most, which does without the parser where it is said plainly."""
    from runboard.cli import listing, quick, telling  # noqa: PLC0415 - see above

    plain = quick.ps_call(args)
    if plain is None:
        return _parsed(args)
    gc.freeze()
    gc.enable()
    return telling.told_code(lambda: listing.list_runs(*plain))


def _parsed(args: list[str]) -> int:
    """Run a verb, or explain what is wrong with the call."""
    from runboard.cli.app import run_command_line  # noqa: PLC0415 - see above

    return run_command_line(args)


def _open_missing_streams() -> None:
    """Put /dev/null where a standard stream is closed, or the next file opened would be taken for it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = _forgiving(sys.stdout, 1)
    sys.stderr = _forgiving(sys.stderr, 2)


def _forgiving(stream: TextIO | None, number: int) -> TextIO:
    """The stream, made anew where Python had none, that writes an escape for what its encoding does not have."""
    if stream is None:
        return open(number, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def _close_stdout() -> None:
    """Let what could not be written go, or Python would try once more and complain."""
    with suppress(OSError):  # a guest may open nothing for writing
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
