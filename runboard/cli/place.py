"""Which runs directory: the option, else the environment, else the config file, else where runs already are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from stat import S_ISDIR

from runboard import xdg
from runboard.cli.exits import USAGE, Failure


def runs_dir(option: str | None, environ: Mapping[str, str], *, lenient: bool = False) -> str:
    """The absolute path of the runs directory; it need not exist.

    Args:
        option: What --runs-dir said.
        environ: The environment.
        lenient: Whether to do without what the config file says wrongly: the board tells it, and opens.

    Raises:
        Failure: The option is empty, or the config file cannot be used.
    """
    if option is not None:
        if not option:
            raise Failure("--runs-dir is empty; give a directory", USAGE)
        return absolute(option)
    if environ.get("RUNBOARD_RUNS"):
        return absolute(os.path.expanduser(environ["RUNBOARD_RUNS"]))
    configured = _configured(xdg.config_path(environ), lenient=lenient) if xdg.is_configured(environ) else None
    if configured:
        return configured
    shared = os.path.expanduser("~/.agents/runs")
    if os.path.isdir(shared):
        return shared
    return xdg.base(environ, "XDG_STATE_HOME", "~/.local/state") + "/runboard/runs"


def absolute(path: str) -> str:
    """The path from the root of the file system.

    Raises:
        Failure: It counts from the current directory, and that is no longer there.
    """
    try:
        return os.path.abspath(path)
    except FileNotFoundError:
        raise Failure(f"the current directory is gone, and {path} counts from it; go elsewhere first") from None


def check(root: str) -> None:
    """Refuse a path that cannot hold runs; one that does not exist yet can.

    Raises:
        Failure: It is no directory, or it may not be looked into.
    """
    try:
        mode = os.stat(root).st_mode
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise Failure(f"{root} cannot be a runs directory: a part of the path is a file; {_ADVICE}", USAGE) from None
    except OSError as error:
        raise Failure(f"runs directory {root} cannot be opened: {error.strerror}; {_ADVICE}") from None
    if not S_ISDIR(mode):
        raise Failure(f"{root} is a file, not a runs directory; {_ADVICE}", USAGE)
    if not os.access(root, os.R_OK | os.X_OK):
        raise Failure(f"runs directory {root} cannot be read: Permission denied; {_ADVICE}")


_ADVICE = "name another with --runs-dir"


def _configured(path: str, *, lenient: bool) -> str | None:
    """``runs_dir`` from the config file, None where there is no file or no such key.

    Raises:
        Failure: It cannot be told, and a verb on the wrong directory would be worse than none.
    """
    from runboard import config  # noqa: PLC0415 - only people with a config file pay for it

    document = config.read(path)
    if document.trouble is not None and not lenient:
        raise Failure(str(document.trouble), USAGE)
    value = document.data.get("runs_dir")
    if value is None:
        return None
    chosen = os.path.expanduser(value) if isinstance(value, str) else ""
    if chosen.startswith("/"):
        return os.path.abspath(chosen)
    if lenient:
        return None
    raise Failure(
        str(document.wrong("runs_dir", "runs_dir must be an absolute path in quotes, or begin with ~")), USAGE
    )
